//! The audit log: one line of JSON for each decision, chained by hash and summed up in a Merkle tree (RFC 6962).
//!
//! An entry holds counts, categories, field names, flow, purpose, recipient and codes. It never holds a record's value, a cursor, a name of a
//! person, an id of a record or an error text of a remote. It is stored as exact bytes, and the bytes are what is hashed.

mod entry;
pub mod export;
pub mod note;
pub mod proof;
pub mod prune;
pub mod tree;
mod verify;

pub use entry::{Draft, Kind, LIMIT, Link, Outcome, PREVIOUS, START, TooLong, timestamp};
pub use tree::TreeHead;
pub use verify::{Bad, Reason, Verdict, verify};
