//! What must survive: checkpoints, run history, audit entries. One trait, its backends, and the suite that each backend passes.
//!
//! Nobody outside this folder sees a backend's own types. Nothing is reported durable before it is flushed.

use futures::future::BoxFuture;
use hub_core::audit::{Draft, TreeHead};

/// A family of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// Progress of a flow, by flow id (`format::Progress`).
    Progress,
    /// Finished and open runs, by run id (`format::RunRecord`).
    Runs,
    /// Approved capability of a system, by system id (`format::Capability`).
    Capability,
    /// Digests of compiled components, by wasm digest and engine settings (`format::Compiled`).
    Compiled,
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
    /// A value is over a limit.
    #[error("{what} is over the limit of {limit} bytes")]
    TooLarge {
        /// Which value.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// What a backend does. Reads block for microseconds; `commit` answers when the asked durability is reached.
pub trait Store: Send + Sync {
    /// Applies a transaction; answers with the number of audit entries after it. Transactions are applied in the order of the calls.
    /// An error of the disk never comes back: the backend ends the process, since a second try could report success for lost pages.
    fn commit(&self, transaction: Transaction, durability: Durability) -> BoxFuture<'static, Result<u64, StoreError>>;
    /// One value.
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// Values whose key begins with `prefix`, in key order, after `after`, at most `limit`.
    fn scan(&self, namespace: Namespace, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError>;
    /// Exact bytes of audit entries from a number on.
    fn audit(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError>;
    /// Size and root of the audit tree.
    fn head(&self) -> Result<TreeHead, StoreError>;
}
