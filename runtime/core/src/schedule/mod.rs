//! When a flow is due, and what becomes of a time at which it could not run. Knows no clock, starts nothing and waits for nothing: the host does.

mod times;

#[cfg(test)]
mod tests;

pub use chrono::{DateTime, TimeDelta, Utc};
pub use times::Times;
