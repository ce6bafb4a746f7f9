//! One integration binary: the real program, real components, real stores, servers on 127.0.0.1. Each file is one promise to a user.
//!
//! Nothing here looks inside the program: what is asserted is what an operator, an auditor or a script would see.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod author;
mod carddav;
mod cli;
mod conditions;
mod contracts;
mod databases;
mod deletes;
mod discover;
mod documents;
mod drift;
mod durability;
mod evidence;
mod examples;
mod fields;
mod governance;
mod hostile;
mod javascript;
mod lowcode;
mod mailman;
mod manifest;
mod mittelstand;
mod observe;
mod parquet;
mod plugins;
mod print;
mod privacy;
mod proofs;
mod quarantine;
mod register;
mod roundup;
mod schedules;
#[allow(dead_code, reason = "shared: not every tool is used by every file")]
mod support;
mod trust;
mod tryton;
mod undeclared;
mod upkeep;
