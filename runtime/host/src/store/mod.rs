//! What must survive: checkpoints, run history, audit entries. One trait, its backends, and the suite that each backend passes.
//!
//! Nobody outside this folder sees a backend's own types. Nothing is reported durable before it is flushed.

mod anchor;
mod check;
mod committer;
mod compact;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
mod files;
pub mod format;
mod layout;
mod memory;
mod raw;
mod salvage;
mod sealing;
mod sled;

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use hub_core::audit::prune::Cut;
use hub_core::audit::tree::{BLOCK, BLOCK_LEVEL, Hash, stored_hash};
use hub_core::audit::{Draft, TreeHead};

pub use self::sled::SledStore;
pub use compact::{Compacted, compact};
pub use files::{bytes_on_disk, free_bytes, rename_unused, replace as replace_file};
pub use memory::MemoryStore;
pub use salvage::{StoreCopy, VerifiedAudit, back_up, open_copy, verify_audit};
pub use sealing::Moment;

/// Longest key in bytes.
pub const KEY_LIMIT: usize = 512;
/// Longest value in bytes: a connector's state of 4 MiB as text, with room for what stands around it.
pub const VALUE_LIMIT: usize = 6 << 20;
/// Most bytes of all values of one transaction, and most audit entries: what one log batch of the engine holds with ease.
pub const TRANSACTION_LIMIT: usize = 16 << 20;
const ENTRIES_LIMIT: usize = 4096;

/// Opens a store: `memory:`, or a folder, which is made if it is not there.
///
/// # Errors
/// In use, damaged, of another format, or refused by the operating system.
pub fn open(place: &str) -> Result<Arc<dyn Store>, StoreError> {
    open_with(place, Options::default())
}

/// Opens a store with other settings than the usual ones.
///
/// # Errors
/// As [`open`].
pub fn open_with(place: &str, options: Options) -> Result<Arc<dyn Store>, StoreError> {
    if place == "memory:" {
        return Ok(Arc::new(MemoryStore::new(options)));
    }
    Ok(Arc::new(SledStore::open(Path::new(place), options)?))
}

/// Settings of a backend.
#[derive(Clone)]
pub struct Options {
    /// Page cache in bytes.
    pub cache_bytes: u64,
    /// Free space in bytes below which no new run should begin.
    pub least_free_bytes: u64,
    /// Where the time of audit entries comes from.
    pub now: fn() -> Moment,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, least_free_bytes: 512 << 20, now: Moment::now }
    }
}

/// A family of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// Progress of a flow, by flow id (`format::Progress`).
    Progress,
    /// Finished and open runs, by run id (`format::RunRecord`).
    Runs,
    /// Approved capability of a system, by system id (`format::Capability`).
    Capability,
    /// Digests of compiled components, by wasm digest and engine settings (`format::Compiled`).
    Compiled,
    /// Records that wait for people, by id (`format::HeldRecord`).
    Quarantine,
    /// Manifests that came into force, by number (`format::Applied`).
    Applied,
    /// Records that were delivered under a consent, by flow and a code of their key (`format::UnderConsent`).
    Delivered,
    /// Who outside was reached and who was not, by receiver id (`format::Reached`).
    Reached,
}

/// One write.
#[derive(Clone, Debug)]
pub struct Put {
    /// Family.
    pub namespace: Namespace,
    /// Key without personal data, at most 512 bytes.
    pub key: Vec<u8>,
    /// None = delete. A value over 4 KiB is split by the backend that needs it.
    pub value: Option<Vec<u8>>,
}

/// All or nothing: values and audit entries of one step.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// Values.
    pub puts: Vec<Put>,
    /// Entries; the store numbers and chains them in this order.
    pub audit: Vec<Draft>,
}

/// When `commit` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// After the transaction and everything before it is on disk.
    Sync,
    /// At once; on disk with the next `Sync`, or within a second. Order is kept: what is on disk is always a prefix.
    Lazy,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("the store is in use by another process")]
    InUse,
    /// What is on disk contradicts itself.
    #[error("the store is damaged: {detail}")]
    Damaged {
        /// Where and how.
        detail: String,
        /// The first audit entry that is lost or changed, if that is known.
        first_bad_entry: Option<u64>,
    },
    /// It was written by a newer hub or is not a store.
    #[error("the store has format {found}, this hub reads up to {known}")]
    Format {
        /// Version found.
        found: u32,
        /// Newest version known.
        known: u32,
    },
    /// The operating system refused.
    #[error("the store cannot be {doing}")]
    Io {
        /// What was being done: `opened`, `written` …
        doing: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Entries of the audit log that are gone.
    #[error("the audit entries before {first} were pruned")]
    Pruned {
        /// The first that is kept.
        first: u64,
    },
    /// A value is over a limit.
    #[error("{what} is over the limit of {limit} bytes")]
    TooLarge {
        /// Which value.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// Keys with their values, in key order.
pub type Page = Vec<(Vec<u8>, Vec<u8>)>;

/// What a backend does. Reads block for microseconds; `commit` answers when the asked durability is reached.
pub trait Store: Send + Sync {
    /// Applies a transaction; answers with the number of audit entries after it. Transactions are applied in the order of the calls.
    /// An error of the disk never comes back: the backend ends the process, since a second try could report success for lost pages.
    fn commit(&self, transaction: Transaction, durability: Durability) -> BoxFuture<'static, Result<u64, StoreError>>;
    /// One value.
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// Values whose key begins with `prefix`, in key order, after `after`, at most `limit`.
    fn scan(&self, namespace: Namespace, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Page, StoreError>;
    /// Exact bytes of audit entries from a number on. `Pruned` for a number below [`first`](Self::first).
    fn audit(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError>;
    /// The hash at a level of the audit tree that an entry completed: its own at level 0, then those of the subtrees that end with it. None if there is no
    /// such entry or hash, or if it was pruned.
    fn hash(&self, seq: u64, level: u32) -> Result<Option<Hash>, StoreError>;
    /// Number of the first audit entry that is kept: 0 if none was pruned.
    fn first(&self) -> Result<u64, StoreError>;
    /// Deletes some of the entries before the cut that the entry `by` names, the oldest first, durably; answers with [`first`](Self::first) after it. To be
    /// called until that is the cut: a crash between two calls leaves a log that is pruned less far, and that is whole. Answers [`StoreError::Io`] if
    /// `by` names no cut of this log.
    fn prune(&self, by: u64) -> BoxFuture<'static, Result<u64, StoreError>>;
    /// Size and root of the audit tree.
    fn head(&self) -> Result<TreeHead, StoreError>;
    /// Asked before a run begins: an error if too little space is left to end it in order. Runs under way go on.
    fn free_space_ok(&self) -> Result<(), StoreError>;
}

/// Values that are read at once where all of them are wanted.
const PAGE: usize = 256;

/// Gives every value of a family to `take`, in key order, from behind a key on.
///
/// # Errors
/// The store's, or what `take` says.
pub fn each(
    store: &dyn Store,
    namespace: Namespace,
    mut after: Option<Vec<u8>>,
    mut take: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    loop {
        let page = store.scan(namespace, b"", after.as_deref(), PAGE)?;
        for (key, value) in &page {
            take(key, value)?;
        }
        match page.into_iter().next_back() {
            Some((last, _)) => after = Some(last),
            None => return Ok(()),
        }
    }
}

/// Entries that one step of a pruning deletes: whole blocks, few enough for one batch of the engine.
const PRUNED_AT_ONCE: u64 = 16 * BLOCK;

/// Where the next step of a pruning ends. `entry` is the one that is to name the cut, `root_at` answers with the root of the log at a size.
fn next_cut(first: u64, by: u64, entry: Option<&[u8]>, root_at: impl Fn(u64) -> Result<Hash, StoreError>) -> Result<u64, StoreError> {
    let refused = |text: &str| StoreError::Io { doing: "pruned", source: std::io::Error::new(std::io::ErrorKind::InvalidInput, text) };
    let cut = entry.and_then(Cut::parse).filter(|cut| cut.to <= by).ok_or_else(|| refused("the audit entry names no cut"))?;
    if cut.to <= first {
        return Ok(first);
    }
    if root_at(cut.to)? != cut.root {
        return Err(refused("the audit entry names the cut of another log"));
    }
    Ok(cut.to.min(first + PRUNED_AT_ONCE))
}

/// The hash at a level out of the bytes that are kept under an entry's number. `is_pruned`: of those, only what stands above the entries of a block is.
fn hash_in(bytes: &[u8], level: u32, is_pruned: bool) -> Option<Hash> {
    stored_hash(bytes, if is_pruned { level.checked_sub(BLOCK_LEVEL)? } else { level })
}

/// The limits that every backend holds.
fn within_limits(transaction: &Transaction) -> Result<(), StoreError> {
    let mut total = 0_usize;
    for put in &transaction.puts {
        let length = put.value.as_ref().map_or(0, Vec::len);
        if put.key.len() > KEY_LIMIT {
            return Err(StoreError::TooLarge { what: "a key", limit: KEY_LIMIT });
        }
        if length > VALUE_LIMIT {
            return Err(StoreError::TooLarge { what: "a value", limit: VALUE_LIMIT });
        }
        total = total.saturating_add(put.key.len()).saturating_add(length);
    }
    if total > TRANSACTION_LIMIT {
        return Err(StoreError::TooLarge { what: "a transaction", limit: TRANSACTION_LIMIT });
    }
    if transaction.audit.len() > ENTRIES_LIMIT {
        return Err(StoreError::TooLarge { what: "the list of audit entries of a transaction", limit: ENTRIES_LIMIT });
    }
    Ok(())
}
