//! Where `tracing` goes: standard error, level by `-v`, `-q` or `HUB_LOG`. Knows no record: nothing that it gets may hold one.

use tracing_subscriber::EnvFilter;

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
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true).without_time().try_init();
}
