//! What leaves a store as evidence: signed heads, exports, proofs, and heads that are kept elsewhere.
//!
//! Invariant: a head is signed only when its entries are on disk. Otherwise a power loss could fork the log against its own signature.

mod anchor;
mod key;
mod ocsf;

use std::io::{self, Write};
use std::path::Path;

use hub_core::audit::Draft;
use hub_core::audit::export;
use hub_core::audit::note::LogKey;
use hub_core::audit::proof::{self, MissingHashes};
use hub_core::audit::prune::Cut;
use hub_core::audit::tree::{BLOCK, Frontier, Hash, TreeHead};

use crate::config::Config;
use crate::store::{Durability, Store, StoreError, Transaction};

pub use anchor::{BadAnchors, append, heads, last_head};
pub use key::{KEY_FILE, lost, of_log, public};
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
    let head = Frontier::load(size, |seq, level| stored.hash(seq, level)).map(|frontier| frontier.head()).map_err(MissingHashes);
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
    if signed.size < store.first()? {
        // What it vouched for is gone: only a later head can be compared.
        return Ok(());
    }
    let mut stored = Stored { store, failed: None };
    let frontier = Frontier::load(signed.size, |seq, level| stored.hash(seq, level));
    match (stored.failed, frontier) {
        (Some(error), _) => Err(error),
        (None, Ok(frontier)) if frontier.root() == signed.root => Ok(()),
        (None, Ok(_)) => damaged(format!("its first {} audit entries are not the ones that were signed", signed.size), 0),
        (None, Err(seq)) => damaged("the stored hash of an audit entry is missing".to_owned(), seq),
    }
}

/// The time of the newest entry, in milliseconds since 1970. None if there is none.
///
/// # Errors
/// The store's.
pub fn newest(store: &dyn Store) -> Result<Option<u64>, StoreError> {
    let Some(last) = store.head()?.size.checked_sub(1) else { return Ok(None) };
    let entry = store.audit(last, 1)?.pop().and_then(|line| serde_json::from_slice::<serde_json::Value>(&line).ok());
    let time = entry.and_then(|entry| chrono::DateTime::parse_from_rfc3339(entry.get("ts")?.as_str()?).ok());
    Ok(time.and_then(|time| u64::try_from(time.timestamp_millis()).ok()))
}

/// Writes the entries that a head signs, behind the line with its note.
///
/// # Errors
/// The store's, or those of `out`.
pub fn export(store: &dyn Store, signed: &Signed, out: &mut dyn Write) -> Result<(), EvidenceError> {
    let start = edge(store, store.first()?)?;
    writeln!(out, "{}", export::header(&signed.note, &start))?;
    each_entry(store, signed.head.size, &mut |line| {
        out.write_all(line)?;
        out.write_all(b"\n")
    })?;
    Ok(out.flush()?)
}

/// The edge of the tree over the first `size` entries.
fn edge(store: &dyn Store, size: u64) -> Result<Frontier, EvidenceError> {
    let mut stored = Stored { store, failed: None };
    let edge = Frontier::load(size, |seq, level| stored.hash(seq, level)).map_err(MissingHashes);
    stored.answer(edge)
}

/// Gives every kept entry below a number to `take`, in their order.
///
/// # Errors
/// The store's, or those of `take`.
pub fn each_entry(store: &dyn Store, size: u64, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), EvidenceError> {
    let mut next = store.first()?;
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
/// The store's: `Pruned` too.
pub fn prove_entry(store: &dyn Store, signed: &Signed, seq: u64) -> Result<Option<String>, EvidenceError> {
    let Some(line) = store.audit(seq, 1)?.pop().filter(|_| seq < signed.head.size) else { return Ok(None) };
    let mut stored = Stored { store, failed: None };
    let hashes = proof::inclusion(seq, signed.head.size, &mut |seq, level| stored.hash(seq, level));
    let hashes = stored.answer(hashes)?;
    Ok(Some(export::entry_proof(&String::from_utf8_lossy(&line), &hashes, &signed.note)))
}

/// The proof that the signed log begins with one of `old` entries, as JSON. `old_note` is the note over that.
///
/// # Errors
/// The store's: `Pruned` too.
pub fn prove_growth(store: &dyn Store, signed: &Signed, old: u64, old_note: &str) -> Result<String, EvidenceError> {
    let first = store.first()?;
    if old < first && !old.is_multiple_of(BLOCK) {
        return Err(StoreError::Pruned { first }.into());
    }
    let mut stored = Stored { store, failed: None };
    let hashes = proof::consistency(old, signed.head.size, &mut |seq, level| stored.hash(seq, level));
    Ok(export::growth_proof(old_note, &stored.answer(hashes)?, &signed.note))
}

/// Says in the log that the entries before a cut go, and signs it. Answers with the entry that says it; nothing is deleted yet. `repeated`: what an entry
/// that goes says, and must be said still.
///
/// # Errors
/// The store's; the note cannot be kept beside it.
pub async fn announce(
    store: &dyn Store,
    key: &LogKey,
    data: &Path,
    to: u64,
    rule: &str,
    repeated: Option<Draft>,
) -> Result<u64, EvidenceError> {
    let cut = Cut { to, root: edge(store, to)?.root() };
    let entry = cut.draft(to.saturating_sub(store.first()?), rule);
    let size =
        store.commit(Transaction { puts: Vec::new(), audit: repeated.into_iter().chain([entry]).collect() }, Durability::Sync).await?;
    keep_note(&sign_at(store, key, size)?, data)?;
    Ok(size - 1)
}

/// Deletes the entries before the cut that an entry names. What a crash leaves undone, another call does.
///
/// # Errors
/// The store's.
pub async fn prune(store: &dyn Store, by: u64, to: u64) -> Result<(), EvidenceError> {
    let mut before = store.first()?;
    while before < to {
        let first = store.prune(by).await?;
        if first == before {
            return Err(StoreError::Damaged { detail: "a pruning comes to no end".to_owned(), first_bad_entry: Some(first) }.into());
        }
        before = first;
    }
    Ok(())
}

/// The stored hashes, and why they could not be read.
struct Stored<'a> {
    store: &'a dyn Store,
    failed: Option<StoreError>,
}

impl Stored<'_> {
    fn hash(&mut self, seq: u64, level: u32) -> Option<Hash> {
        self.store.hash(seq, level).unwrap_or_else(|error| {
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
