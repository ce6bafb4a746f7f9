//! Where things are: the repository, the target folder, the files. The one place of xtask that reads the environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Failure, Result};

/// Folders that hold no source, wherever they stand.
const NOT_SOURCE: [&str; 5] = [".git", "target", "hub-data", "node_modules", "__pycache__"];

/// A workspace whose crates become components.
#[derive(Clone, Copy, Debug)]
pub struct Guests {
    /// Its folder, relative to the root.
    pub folder: &'static str,
    /// Where its components go, relative to the target folder.
    pub components: &'static str,
    /// What they are made of, relative to the root.
    pub sources: &'static [&'static str],
    /// What they are called.
    pub called: &'static str,
}

/// The shipped connectors.
pub const CONNECTORS: Guests = Guests {
    folder: "connectors",
    components: "release/connectors",
    sources: &["Cargo.toml", ".cargo", "sdk", "connectors", "wit", "runtime/core/src/description.rs"],
    called: "connectors",
};

/// Connectors that misbehave, for the tests.
pub const TEST_GUESTS: Guests =
    Guests { folder: "tests/guests", components: "release/guests", sources: &[".cargo", "tests/guests", "wit"], called: "test guests" };

/// The repository that xtask works on.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder with the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Workspace {
    /// The workspace that this xtask was started for, wherever the caller stands.
    pub fn find() -> Result<Self> {
        let package = environment("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let from_cargo = package.and_then(|folder| folder.parent().map(Path::to_path_buf));
        let here = std::env::current_dir().map_err(|error| Failure::new(format!("the current folder cannot be read: {error}")))?;
        let upward = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file()).map(Path::to_path_buf);
        let root = from_cargo.filter(|folder| folder.join("xtask/Cargo.toml").is_file()).or(upward);
        let root =
            root.ok_or_else(|| Failure::new("this is not hub's repository").help("start it as `cargo xtask` inside the repository"))?;
        // xtask itself stands in TARGET/release, whatever TARGET is called and however it was chosen.
        let program = std::env::current_exe().map_err(|error| Failure::new(format!("xtask cannot find itself: {error}")))?;
        let target = program.ancestors().nth(2).map_or_else(|| root.join("target"), Path::to_path_buf);
        Ok(Self { root, target })
    }

    /// The built program.
    pub fn hub(&self) -> PathBuf {
        self.target.join("release/hub")
    }

    /// Where the program looks for `builtin:NAME`.
    pub fn components(&self) -> PathBuf {
        self.target.join(CONNECTORS.components)
    }

    /// The target folder of all workspaces of guests.
    pub fn guest_target(&self) -> PathBuf {
        self.target.join("wasm")
    }

    /// The connectors' workspace.
    pub fn connectors_manifest(&self) -> PathBuf {
        self.guests_manifest(&CONNECTORS)
    }

    /// A workspace of guests.
    pub fn guests_manifest(&self, guests: &Guests) -> PathBuf {
        self.root.join(guests.folder).join("Cargo.toml")
    }

    /// Cargo in the repository's root.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(environment("CARGO").unwrap_or_else(|| "cargo".to_owned()));
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        for name in OF_THIS_PACKAGE {
            command.env_remove(name);
        }
        command
    }

    /// Cargo for the connectors as native code: their tests and lints.
    pub fn guest_cargo(&self) -> Command {
        self.cargo_of(&CONNECTORS)
    }

    /// Cargo in a workspace of guests.
    pub fn cargo_of(&self, guests: &Guests) -> Command {
        let mut command = self.cargo();
        command.current_dir(self.root.join(guests.folder)).env("CARGO_TARGET_DIR", self.guest_target());
        command
    }

    /// A path as it is shown: relative to the root, with forward slashes.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }
}

/// What cargo tells a program that it runs about its package. Build scripts look at some of it: handed on, the same dependencies would be built once for
/// `cargo xtask` and once for whoever calls cargo by himself.
const OF_THIS_PACKAGE: [&str; 16] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// One variable of the environment; none if it is absent or not UTF-8.
#[expect(clippy::disallowed_methods, reason = "xtask's one place that reads the environment")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// All source files below `folder`, sorted; empty if there is no such folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(folder, &mut found);
    found.sort();
    found
}

/// The folders directly inside `folder`, sorted by name; empty if there is no such folder.
pub fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir() && is_source(path)).collect();
    found.sort();
    found
}

/// A file's text.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))
}

/// A file's bytes.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))
}

/// Puts a file in its place in one step, so that a reader sees the old or the new one; makes the folder if need be.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error| Failure::new(format!("{} cannot be written: {error}", path.display()));
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path)).map_err(failed)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && is_source(&path) {
            collect(&path, found);
        } else if kind.is_file() {
            found.push(path);
        }
    }
}

fn is_source(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| !NOT_SOURCE.iter().any(|skipped| name == *skipped))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn walking_leaves_out_what_is_built() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/b.rs", "target/release/c.rs", "a/target/d.rs", ".git/e", ".ci/run"] {
            write(&folder.path().join(name), b"x").unwrap();
        }
        let found: Vec<_> = files(folder.path()).iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_owned()).collect();
        assert_eq!(found, [Path::new(".ci/run"), Path::new("a/b.rs")]);
        assert_eq!(folders(folder.path()).len(), 2);
    }
}
