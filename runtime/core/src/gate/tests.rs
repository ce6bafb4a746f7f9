//! The gate, area by area; the differential test against the oracle is in `hostile`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod hostile;
