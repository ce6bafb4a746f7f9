//! A toolchain that compiles to WebAssembly: the active one, else through rustup, else from Debian's packages.
//!
//! Installs the target or the packages and nothing else, and never changes which toolchain is the default.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hub_sdk_package::toolchain::{self, TARGET, Toolchain};

use crate::process::{self, Failure, Result, progress};
use crate::workspace::{Guests, Workspace, environment};

/// Debian's packages: compiler, cargo, the standard library's source, and a linker for WebAssembly.
const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// A mirror that does not answer must not hold a newcomer up.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

/// What is there already; nothing is installed.
pub fn find() -> Option<Toolchain> {
    Toolchain::find(&compiler())
}

/// What is there, or what could be made available.
pub fn ensure() -> Result<Toolchain> {
    if let Some(found) = find_preferring_rustup()? {
        return Ok(found);
    }
    install_packages()?;
    Toolchain::debian().ok_or_else(nothing_worked)
}

/// Cargo, ready to build a workspace of guests in release.
pub fn build(toolchain: &Toolchain, workspace: &Workspace, guests: &Guests) -> Command {
    let cargo = workspace.cargo_of(guests);
    let mut command = toolchain.build(&cargo.get_program().to_string_lossy(), &environment("PATH").unwrap_or_default());
    command.current_dir(workspace.root.join(guests.folder)).env("CARGO_TARGET_DIR", workspace.guest_target());
    command
}

fn compiler() -> String {
    environment("RUSTC").unwrap_or_else(|| "rustc".to_owned())
}

fn find_preferring_rustup() -> Result<Option<Toolchain>> {
    if toolchain::is_active(&compiler()) {
        return Ok(Some(Toolchain::Active));
    }
    if process::succeeds(Command::new("rustup").arg("--version")) {
        progress("Setup", format!("rustup target add {TARGET}"));
        let added = process::run_within(Command::new("rustup").args(["target", "add", TARGET]), RUSTUP_LIMIT, "rustup")?;
        if added == Some(true) && toolchain::is_active(&compiler()) {
            return Ok(Some(Toolchain::Active));
        }
        progress("Setup", "rustup could not add it; trying Debian's packages");
    }
    Ok(Toolchain::debian())
}

/// The verb `setup`.
pub fn setup(check: bool) -> Result<()> {
    let found = if check { find() } else { Some(ensure()?) };
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
    use super::*;

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
