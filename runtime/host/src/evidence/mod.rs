//! What leaves a store as evidence: signed heads, exports, proofs, and heads that are kept elsewhere.
//!
//! Invariant: a head is signed only when its entries are on disk. Otherwise a power loss could fork the log against its own signature.

mod anchor;
mod key;
mod ocsf;

use std::io::{self, Write};
use std::path::Path;

use hub_core::audit::export;
use hub_core::audit::note::LogKey;
use hub_core::audit::proof::{self, MissingHashes};
use hub_core::audit::tree::{Frontier, TreeHead};

use crate::config::Config;
use crate::store::{Durability, Store, StoreError, Transaction};

pub use anchor::{append, heads};
pub use key::{KEY_FILE, of_log, public};
pub use ocsf::event;

/// Name of the file beside the store with the head that was signed last.
pub const NOTE: &str = "audit.note";

/// Entries that are read at once.
const PAGE: usize = 1000;

/// Why evidence could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be written where it was to go.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<MissingHashes> for EvidenceError {
    fn from(missing: MissingHashes) -> Self {
        Self::Store(StoreError::Damaged { detail: missing.to_string(), first_bad_entry: Some(missing.0) })
    }
}

/// A head of the log and the note that signs it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Size and root.
    pub head: TreeHead,
    /// The signed note.
    pub note: String,
}

/// Signs the log as it is on disk now.
///
/// # Errors
/// The store's.
pub async fn sign(store: &dyn Store, key: &LogKey) -> Result<Signed, EvidenceError> {
    // Nothing is written: the answer comes when everything before it is on disk.
    let size = store.commit(Transaction::default(), Durability::Sync).await?;
    sign_at(store, key, size)
}

/// Signs the log up to a number of entries that are on disk.
///
/// # Errors
/// The store's.
pub fn sign_at(store: &dyn Store, key: &LogKey, size: u64) -> Result<Signed, EvidenceError> {
    let mut stored = Stored { store, failed: None };
    let head = Frontier::load(size, |seq| stored.hashes(seq)).map(|frontier| frontier.head()).map_err(MissingHashes);
    let head = stored.answer(head)?;
    let note = key.sign(&head);
    Ok(Signed { head, note })
}

/// Keeps a note beside the store.
///
/// # Errors
/// It cannot be written.
pub fn keep_note(signed: &Signed, data: &Path) -> io::Result<()> {
    crate::store::replace_file(data, NOTE, signed.note.as_bytes())
}

/// The head in the note beside the store. None: nothing was signed, or key or note are not there or not whole, which proves nothing.
#[must_use]
pub fn last_signed(config: &Config) -> Option<TreeHead> {
    let verifier = public(config).ok()??;
    heads(&config.data.join(NOTE), &verifier).ok()?.pop()
}

/// Damage if the log does not begin with a head that was signed: then an older store, or another one, lies in its place.
///
/// # Errors
/// That, or the store's.
pub fn begins_with(store: &dyn Store, signed: &TreeHead) -> Result<(), StoreError> {
    let size = store.head()?.size;
    let damaged = |detail: String, at| Err(StoreError::Damaged { detail, first_bad_entry: Some(at) });
    if size < signed.size {
        return damaged(format!("it holds {size} audit entries, {} were signed: an older state was put in its place", signed.size), size);
    }
    let mut stored = Stored { store, failed: None };
    let frontier = Frontier::load(signed.size, |seq| stored.hashes(seq));
    match (stored.failed, frontier) {
        (Some(error), _) => Err(error),
        (None, Ok(frontier)) if frontier.root() == signed.root => Ok(()),
        (None, Ok(_)) => damaged(format!("its first {} audit entries are not the ones that were signed", signed.size), 0),
        (None, Err(seq)) => damaged("the stored hash of an audit entry is missing".to_owned(), seq),
    }
}

/// Writes the entries that a head signs, behind the line with its note.
///
/// # Errors
/// The store's, or those of `out`.
pub fn export(store: &dyn Store, signed: &Signed, out: &mut dyn Write) -> Result<(), EvidenceError> {
    writeln!(out, "{}", export::header(&signed.note))?;
    each_entry(store, signed.head.size, &mut |line| {
        out.write_all(line)?;
        out.write_all(b"\n")
    })?;
    Ok(out.flush()?)
}

/// Gives every entry below a number to `take`, in their order.
///
/// # Errors
/// The store's, or those of `take`.
pub fn each_entry(store: &dyn Store, size: u64, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), EvidenceError> {
    let mut next = 0;
    while next < size {
        let left = usize::try_from(size - next).unwrap_or(PAGE).min(PAGE);
        let page = store.audit(next, left)?;
        if page.is_empty() {
            return Err(StoreError::Damaged { detail: "an audit entry is missing".to_owned(), first_bad_entry: Some(next) }.into());
        }
        for line in &page {
            take(line)?;
            next += 1;
        }
    }
    Ok(())
}

/// The proof that an entry is in the signed log, as JSON. None if it has no such entry.
///
/// # Errors
/// The store's.
pub fn prove_entry(store: &dyn Store, signed: &Signed, seq: u64) -> Result<Option<String>, EvidenceError> {
    let Some(line) = store.audit(seq, 1)?.pop().filter(|_| seq < signed.head.size) else { return Ok(None) };
    let mut stored = Stored { store, failed: None };
    let hashes = proof::inclusion(seq, signed.head.size, &mut |seq| stored.hashes(seq));
    let hashes = stored.answer(hashes)?;
    Ok(Some(export::entry_proof(&String::from_utf8_lossy(&line), &hashes, &signed.note)))
}

/// The proof that the signed log begins with one of `old` entries, as JSON. `old_note` is the note over that.
///
/// # Errors
/// The store's.
pub fn prove_growth(store: &dyn Store, signed: &Signed, old: u64, old_note: &str) -> Result<String, EvidenceError> {
    let mut stored = Stored { store, failed: None };
    let hashes = proof::consistency(old, signed.head.size, &mut |seq| stored.hashes(seq));
    Ok(export::growth_proof(old_note, &stored.answer(hashes)?, &signed.note))
}

/// The stored hashes, and why they could not be read.
struct Stored<'a> {
    store: &'a dyn Store,
    failed: Option<StoreError>,
}

impl Stored<'_> {
    fn hashes(&mut self, seq: u64) -> Option<Vec<u8>> {
        self.store.hashes(seq).unwrap_or_else(|error| {
            self.failed = Some(error);
            None
        })
    }

    fn answer<T>(self, found: Result<T, MissingHashes>) -> Result<T, EvidenceError> {
        match self.failed {
            Some(error) => Err(error.into()),
            None => Ok(found?),
        }
    }
}

#[cfg(test)]
mod tests;
