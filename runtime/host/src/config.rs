//! Settings of the host: where things are. Never policy.

use std::path::{Path, PathBuf};

/// Where this process keeps and finds things.
#[derive(Clone, Debug)]
pub struct Config {
    /// Store, audit log and cache of compiled components.
    pub data: PathBuf,
    /// Folder with the connectors that `builtin:NAME` means.
    pub connectors: PathBuf,
    /// The hub itself: it compiles components in processes of their own.
    pub program: PathBuf,
}

impl Config {
    /// Data beside the manifest unless told otherwise; connectors from `HUB_CONNECTORS` or beside the executable.
    #[must_use]
    pub fn new(data: Option<PathBuf>, manifest: Option<&Path>) -> Self {
        let beside = manifest.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        Self {
            data: data.unwrap_or_else(|| beside.join("hub-data")),
            connectors: connectors(),
            program: std::env::current_exe().unwrap_or_default(),
        }
    }
}

/// The one place that reads `HUB_CONNECTORS`.
fn connectors() -> PathBuf {
    if let Some(named) = environment("HUB_CONNECTORS") {
        return PathBuf::from(named);
    }
    std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join("connectors")))
        .unwrap_or_else(|| PathBuf::from("connectors"))
}

/// Where this user's hub keeps what it can make again: compiled code of connectors under trial. Never a connector's own folder, since compiled code
/// that lies there could be anybody's.
#[must_use]
pub fn cache() -> PathBuf {
    let named = environment("HUB_CACHE").map(PathBuf::from);
    let xdg = || environment("XDG_CACHE_HOME").map(|folder| Path::new(&folder).join("hub"));
    let home = || environment("HOME").map(|folder| Path::new(&folder).join(".cache/hub"));
    named.or_else(xdg).or_else(home).unwrap_or_else(|| PathBuf::from("hub-cache"))
}

/// An environment variable, if it is set and is text.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The account under which this process does something, for the audit log: a number, since a name is personal.
#[must_use]
pub fn actor() -> String {
    format!("uid:{}", rustix::process::getuid().as_raw())
}
