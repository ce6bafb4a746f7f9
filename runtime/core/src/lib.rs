//! The pure part of hub: what a manifest means, what it allows, how a batch is treated and what the audit log holds.
//!
//! Does no I/O, reads no clock, knows neither tokio nor wasmtime: everything it needs comes as an argument, so every rule is testable as data.
//! The arrows point downwards in this list; `cargo xtask check` holds them.

pub mod date;
pub mod problem;
pub mod record;

pub mod key_file;

mod lanes;
pub mod vocab;

pub mod detect;

pub mod description;
pub mod stream;

pub mod plugin;

pub mod manifest;

pub mod schedule;

pub mod statement;

pub mod labels;

pub mod treat;

pub mod consent;

pub mod gate;

pub mod policy;

pub mod change;

pub mod audit;

pub mod report;

pub mod tell;

pub mod draft;
