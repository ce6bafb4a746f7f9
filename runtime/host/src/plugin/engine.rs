//! The only `wasmtime::Config`.
