//! Why a guest ended without an answer: limit or crash, and in which of its functions. Does not know what the call was for.

use hub_core::problem::Code;
use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};

use super::engine::Meter;
use crate::capability::runtime::clean;

const MAX_NAME_BYTES: usize = 200;
/// Functions that every crash of a Rust guest ends in; the author's own frame is further out.
const MACHINERY: [&str; 12] =
    ["core::", "std::", "alloc::", "rust_", "__rust", "_rust", "abort", "dlmalloc", "dlrealloc", "<alloc", "<core", "<std"];

/// The end of a guest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crash {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) frame: Option<String>,
}

/// The host stopped a guest that would not end.
#[derive(Debug, thiserror::Error)]
#[error("it went on after it was told to end")]
pub(super) struct Stopped;

pub(super) fn explain(error: &wasmtime::Error, meter: &Meter) -> Crash {
    let (code, message) = reason(error, meter);
    Crash { code, message, frame: error.downcast_ref::<WasmBacktrace>().and_then(frame) }
}

fn reason(error: &wasmtime::Error, meter: &Meter) -> (Code, String) {
    if let Some(budget) = meter.overspent() {
        return (Code::E302, format!("it computed for {} s without handing anything to the host", budget.as_secs()));
    }
    if error.is::<Stopped>() {
        return (Code::E302, Stopped.to_string());
    }
    // The engine has no types for these errors; tests hold their words.
    let cause = error.root_cause().to_string();
    if cause.contains("fuel allocated for hostcalls") {
        return (Code::E306, "it passed more than 17 MiB in one call".to_owned());
    }
    if let Some(wanted) = meter.refused() {
        return (Code::E302, format!("it wanted {wanted}"));
    }
    if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) || cause.contains("handle limit exceeded") {
        return (Code::E302, "it held too many responses and files at once".to_owned());
    }
    if cause.contains("resource limit exceeded") {
        return (Code::E302, "it has too many modules, tables or memories".to_owned());
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => (Code::E302, "it called itself too deeply".to_owned()),
        Some(trap) => (Code::E301, format!("it crashed: {trap}")),
        None => (Code::E301, format!("it crashed: {}", clean(&cause, MAX_NAME_BYTES))),
    }
}

fn frame(backtrace: &WasmBacktrace) -> Option<String> {
    let names: Vec<String> = backtrace.frames().iter().filter_map(|frame| frame.func_name()).map(demangle).collect();
    let own = names.iter().find(|name| !MACHINERY.iter().any(|start| name.starts_with(start)));
    own.or(names.first()).cloned()
}

fn demangle(name: &str) -> String {
    clean(&format!("{:#}", rustc_demangle::demangle(name)), MAX_NAME_BYTES)
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn names_are_readable_and_harmless() {
        assert_eq!(demangle("_ZN5guest4read17h0123456789abcdefE"), "guest::read");
        assert_eq!(demangle("plain\u{1b}[2J"), "plain [2J");
    }
}
