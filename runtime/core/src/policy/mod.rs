//! The only place that decides.

pub mod ask;
pub mod verdict;
