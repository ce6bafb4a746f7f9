//! A toolchain that compiles to WebAssembly: the active one, else through rustup, else from Debian's packages.
//!
//! Installs the target or the packages and nothing else, and never changes which toolchain is the default.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{self, Failure, Result, progress};
use crate::workspace::{Guests, Workspace, environment};

/// The target of every connector.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The oldest Debian compiler that is of use; the same as `rust-version` of the workspace.
const OLDEST: (u32, u32) = (1, 95);

/// Debian's packages: compiler, cargo, the standard library's source, and a linker for WebAssembly.
const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// A mirror that does not answer must not hold a newcomer up.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

/// How the connectors are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The caller's own toolchain has the target's standard library.
    Active,
    /// Debian's compiler builds the standard library from its source; the linker is named.
    Debian(PathBuf),
}

impl Toolchain {
    /// What is there already; nothing is installed.
    pub fn find() -> Option<Self> {
        if active_has_target() { Some(Self::Active) } else { debian(Path::new("/usr")).map(Self::Debian) }
    }

    /// What is there, or what could be made available.
    pub fn ensure() -> Result<Self> {
        if let Some(found) = Self::find_preferring_rustup()? {
            return Ok(found);
        }
        install_packages()?;
        debian(Path::new("/usr")).map(Self::Debian).ok_or_else(nothing_worked)
    }

    /// Cargo, ready to build a workspace of guests in release.
    pub fn build(&self, workspace: &Workspace, guests: &Guests) -> Command {
        let mut command = workspace.cargo_of(guests);
        if let Self::Debian(linker) = self {
            command = Command::new("/usr/bin/cargo");
            command.current_dir(workspace.root.join(guests.folder)).env("CARGO_TARGET_DIR", workspace.guest_target());
            // Debian's compiler is a stable one: building the standard library is an unstable flag of cargo, allowed by this variable.
            command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            command.env("PATH", format!("/usr/bin:{}", environment("PATH").unwrap_or_default()));
            // rustup leaves its own libraries and choice of toolchain in the environment.
            command.env_remove("LD_LIBRARY_PATH").env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC").env_remove("CARGO");
            command.arg("-Zbuild-std=std,panic_abort");
        }
        command.args(["build", "--release", "--target", TARGET]);
        command
    }

    fn find_preferring_rustup() -> Result<Option<Self>> {
        if active_has_target() {
            return Ok(Some(Self::Active));
        }
        if process::succeeds(Command::new("rustup").arg("--version")) {
            progress("Setup", format!("rustup target add {TARGET}"));
            let added = process::run_within(Command::new("rustup").args(["target", "add", TARGET]), RUSTUP_LIMIT, "rustup")?;
            if added == Some(true) && active_has_target() {
                return Ok(Some(Self::Active));
            }
            progress("Setup", "rustup could not add it; trying Debian's packages");
        }
        Ok(debian(Path::new("/usr")).map(Self::Debian))
    }
}

/// The verb `setup`.
pub fn setup(check: bool) -> Result<()> {
    let found = if check { Toolchain::find() } else { Some(Toolchain::ensure()?) };
    match found {
        Some(Toolchain::Active) => progress("Ready", format!("the active toolchain compiles to {TARGET}")),
        Some(Toolchain::Debian(linker)) => {
            progress("Ready", format!("Debian's toolchain compiles to {TARGET} (its std from source, linked by {})", linker.display()));
        }
        None => return Err(nothing_worked()),
    }
    let nextest = process::succeeds(Command::new("cargo").args(["nextest", "--version"]));
    progress("Ready", if nextest { "cargo-nextest runs the tests" } else { "no cargo-nextest: `cargo test` runs the tests" });
    Ok(())
}

fn active_has_target() -> bool {
    let compiler = environment("RUSTC").unwrap_or_else(|| "rustc".to_owned());
    let Ok(folder) = process::output(Command::new(compiler).args(["--print", "sysroot"]), "asking for the sysroot") else { return false };
    let libraries = Path::new(folder.trim()).join("lib/rustlib").join(TARGET).join("lib");
    let entries = std::fs::read_dir(libraries).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with("libstd-"))
}

/// The linker of Debian's toolchain below `prefix`, if all its parts are there and new enough.
fn debian(prefix: &Path) -> Option<PathBuf> {
    let cargo = prefix.join("bin/cargo");
    let source = prefix.join("lib/rustlib/src/rust/library/Cargo.lock");
    if !(cargo.is_file() && prefix.join("bin/rustc").is_file() && source.is_file()) {
        return None;
    }
    let said =
        process::output(Command::new(prefix.join("bin/rustc")).arg("--version").env_remove("RUSTUP_TOOLCHAIN"), "asking rustc").ok()?;
    if version(&said)? < OLDEST {
        return None;
    }
    let entries = std::fs::read_dir(prefix.join("bin")).ok()?.flatten();
    let linkers = entries.map(|entry| entry.path()).filter(|path| is_linker(path));
    linkers.max()
}

/// `wasm-ld` or `wasm-ld-22`.
fn is_linker(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = name.strip_prefix("wasm-ld").map(|rest| rest.trim_start_matches('-'));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())) && path.is_file()
}

/// Major and minor of `rustc 1.96.0 (…)`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn install_packages() -> Result<()> {
    if !Path::new("/usr/bin/apt-get").is_file() {
        return Err(nothing_worked());
    }
    let root = rustix::process::geteuid().is_root();
    if !root && !process::succeeds(Command::new("sudo").args(["-n", "true"])) {
        return Err(nothing_worked());
    }
    progress("Setup", format!("apt-get install {}", PACKAGES.join(" ")));
    let refreshed = process::run(apt(root).args(["update", "-qq"]), "apt-get update");
    // A package that conflicts with a toolchain that the user chose must not drive it out: --no-remove makes apt refuse instead.
    let options = ["install", "-y", "-qq", "--no-remove", "--no-install-recommends"];
    refreshed.and_then(|()| process::run(apt(root).args(options).args(PACKAGES), "apt-get install")).map_err(|failure| {
        eprintln!("{failure}");
        nothing_worked()
    })
}

fn apt(root: bool) -> Command {
    let mut command = if root { Command::new("apt-get") } else { Command::new("sudo") };
    if !root {
        command.args(["-n", "apt-get"]);
    }
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn nothing_worked() -> Failure {
    let packages = PACKAGES.join(" ");
    Failure::new(format!("there is no toolchain for {TARGET}, and none could be installed")).help(format!(
        "one of these makes one available, then try again:\n    \
         rustup target add {TARGET}\n    \
         sudo apt-get install {packages}    (Debian 12)\n    \
         install rustup (https://rustup.rs), then the first command"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn prefix(version: &str, with: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in with {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, format!("#!/bin/sh\necho 'rustc {version} (built from a source tarball)'\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    const SOURCE: &str = "lib/rustlib/src/rust/library/Cargo.lock";

    #[test]
    fn debian_needs_compiler_source_and_linker() {
        let all = prefix("1.96.0", &["bin/cargo", "bin/rustc", SOURCE, "bin/wasm-ld-22", "bin/wasm-ld-x"]);
        assert_eq!(debian(all.path()), Some(all.path().join("bin/wasm-ld-22")));
        assert_eq!(debian(prefix("1.96.0", &["bin/cargo", "bin/rustc", SOURCE]).path()), None);
        assert_eq!(debian(prefix("1.96.0", &["bin/cargo", "bin/rustc", "bin/wasm-ld-22"]).path()), None);
    }

    #[test]
    fn an_older_debian_compiler_is_of_no_use() {
        assert_eq!(debian(prefix("1.85.0", &["bin/cargo", "bin/rustc", SOURCE, "bin/wasm-ld-19"]).path()), None);
        assert_eq!(version("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"), Some((1, 96)));
        assert_eq!(version("nonsense"), None);
    }

    #[test]
    fn without_any_the_three_ways_are_named() {
        let said = nothing_worked().to_string();
        assert!(
            said.contains("rustup target add wasm32-unknown-unknown")
                && said.contains("apt-get install rustc-web")
                && said.contains("rustup.rs")
        );
    }
}
