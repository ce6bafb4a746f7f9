//! What changes from one manifest to the next, what that means in law, and who agreed to it: canonical form, closures, differences, `hub.lock`.
//!
//! Compares and verifies; it neither decides what may run (that is [`crate::policy`]) nor reads or writes a file.

pub mod canonical;
pub mod closure;
pub mod diff;
pub mod lock;
pub mod plan;
mod state;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests;
mod walk;

use std::collections::BTreeMap;

pub use state::State;

/// Hex SHA-256 of the component that serves each system, by system id. A system whose component is not known is absent.
pub type ConnectorDigests = BTreeMap<String, String>;
