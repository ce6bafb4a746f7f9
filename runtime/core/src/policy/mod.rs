//! The only place that decides.

pub mod address;
pub mod ask;
mod decide;
pub mod verdict;
