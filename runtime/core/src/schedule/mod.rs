//! When a flow is due, and what becomes of a time at which it could not run. Knows no clock, starts nothing and waits for nothing: the host does.

mod plan;
pub mod retry;
mod times;
mod windows;

#[cfg(test)]
mod tests;

pub use chrono::{DateTime, TimeDelta, Utc};
pub use plan::{GRACE, MOST_MADE_UP, Plan};
pub use times::Times;
pub use windows::Windows;
