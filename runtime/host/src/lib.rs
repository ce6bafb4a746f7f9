//! The host of hub: sandboxed connectors, the gate, the store, the runner and the command line.

pub mod store;

pub mod plugin;

pub mod capability;
