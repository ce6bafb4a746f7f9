//! Where `tracing` goes: standard error, level by `-v`, `-q` or `HUB_LOG`, as text or as JSON. Knows no record: nothing that it gets may hold one.

use std::sync::OnceLock;

use hub_core::manifest::{LogForm, Manifest};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

type Lines = Box<dyn Layer<Registry> + Send + Sync>;

/// How lines are written, once logging has started.
static FORM: OnceLock<reload::Handle<Lines, Registry>> = OnceLock::new();

/// Starts logging for this process; a second call changes nothing.
pub fn start(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let default = format!("{level},wasmtime=warn,sled=warn,hyper=warn,reqwest=warn");
    let wanted = crate::config::environment("HUB_LOG").unwrap_or(default);
    let filter = EnvFilter::try_new(&wanted).unwrap_or_else(|_| EnvFilter::new("warn"));
    let text: Lines = fmt::layer().with_writer(std::io::stderr).with_target(true).without_time().boxed();
    let (lines, form) = reload::Layer::new(text);
    if tracing_subscriber::registry().with(lines).with(filter).try_init().is_ok() {
        let _ = FORM.set(form);
    }
}

/// True if a manifest wants one JSON object a line.
#[must_use]
pub fn is_json(manifest: &Manifest) -> bool {
    let wanted = manifest.observe.as_ref().and_then(|observe| observe.logs.as_ref());
    wanted.is_some_and(|form| form.value == LogForm::Json)
}

/// Writes lines as a manifest says from now on.
pub fn write_as(manifest: &Manifest) {
    if let Some(form) = FORM.get().filter(|_| is_json(manifest)) {
        // With times: whoever collects lines has no other.
        let json: Lines = fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).with_target(true).boxed();
        // It fails only where logging has ended.
        let _ = form.reload(json);
    }
}
