//! The audit log: one line of JSON for each decision, chained by hash and summed up in a Merkle tree (RFC 6962).
//!
//! An entry holds counts, categories, field names, flow, purpose, recipient and codes. It never holds a record's value, a cursor, a name of a
//! person, an id of a record or an error text of a remote. It is stored as exact bytes, and the bytes are what is hashed.

/// Size and root of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root; SHA-256 of nothing for an empty tree.
    pub root: [u8; 32],
}

/// An entry before the store numbers, dates and chains it.
#[derive(Clone, Debug)]
pub struct Draft {}
