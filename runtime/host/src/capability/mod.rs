//! What a guest can do: one file per interface of the WIT, version-free, and the list of all of them.
//!
//! Every function here checks sizes first (E306), then asks the gate, then acts. None decides.

pub mod files;
pub mod http;
pub mod pages;
mod pointer;
pub mod run;
pub mod runtime;
pub mod sink;
pub mod sql;
pub mod tables;

use std::sync::Arc;

use futures::future::BoxFuture;
use hub_core::record::Cursor;

pub use crate::gate::Page;

/// Every interface of the ABI that a component can call, in the order of their files. What is not in this list does not exist.
pub const ALL: [&str; 7] = ["files", "http", "pages", "runtime", "sink", "sql", "tables"];

/// Where records leave the guest: made by `sync::flow` for one flow, called by `capability::sink` and `capability::pages`.
pub trait Inlet: Send + Sync {
    /// NDJSON from inside the sandbox.
    fn batch(&self, stream: u32, ndjson: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>>;
    /// NDJSON of primary keys of records that the remote reports as deleted.
    fn deleted(&self, stream: u32, keys: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>>;
    /// A JSON text whose array (or object) at `pointer` holds records; it never entered the sandbox.
    fn page(&self, stream: u32, page: Page) -> BoxFuture<'_, Result<PageAccepted, Refused>>;
    /// Whether the guest may learn values of this field of a page; of none, unless the inlet knows better.
    fn is_observable(&self, _field: &str) -> bool {
        false
    }
    /// Everything before is covered by this state.
    fn checkpoint(&self, stream: u32, state: Cursor) -> BoxFuture<'_, Result<(), Refused>>;
}

/// What the guest learns about a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Records let through.
    pub accepted: u32,
    /// Records left out.
    pub rejected: u32,
    /// Undeclared fields dropped.
    pub dropped_fields: u32,
}

/// What the guest learns about a page.
#[derive(Clone, Debug, Default)]
pub struct PageAccepted {
    /// Counts.
    pub accepted: Accepted,
    /// Records found.
    pub extracted: u32,
    /// One entry for each observed field.
    pub observed: Vec<hub_core::gate::Observed>,
}

/// The run must end: the problem is already recorded where the run keeps it; the guest gets `error.cancelled`.
#[derive(Clone, Debug)]
pub struct Refused(pub Arc<hub_core::problem::Problem>);
