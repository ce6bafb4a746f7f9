//! The only place that decides.

pub mod ask;
pub mod treat;
pub mod verdict;
