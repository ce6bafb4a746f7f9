//! The host of hub: sandboxed connectors, the gate, the store, the runner and the command line.
//!
//! Decides nothing itself (see `hub_core::policy`). `gate` is the only maker of clearances, `egress` the only outbound socket, `plugin::engine`
//! the only configuration of wasmtime, `clock` the only reader of the clock, `config` the only reader of the environment.

pub mod cli;

pub mod telemetry;

pub mod sync;

pub mod registry;

pub mod plugin;

pub mod author;
pub mod capability;

pub mod database;

pub mod egress;

pub mod gate;

pub mod quarantine;

pub mod delivered;

pub mod evidence;

pub mod history;

pub mod sealed;

pub mod store;

pub mod keys;

pub mod crash;

pub mod config;

pub mod lowcode;
mod place;

pub mod clock;

pub mod observe;

#[cfg(test)]
mod tests;
