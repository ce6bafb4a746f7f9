//! A toolchain that compiles to WebAssembly: the active one, or Debian's packages. Installs nothing and never changes which toolchain is the default.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The target of every connector.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The oldest Debian compiler that is of use; the same as `rust-version` of the workspace.
const OLDEST: (u32, u32) = (1, 95);

/// How connectors are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The caller's own toolchain has the target's standard library.
    Active,
    /// Debian's compiler builds the standard library from its source; the linker is named.
    Debian(PathBuf),
}

impl Toolchain {
    /// What is there. `compiler`: the active one.
    #[must_use]
    pub fn find(compiler: &str) -> Option<Self> {
        if is_active(compiler) { Some(Self::Active) } else { Self::debian() }
    }

    /// Debian's, if all its parts are there and new enough.
    #[must_use]
    pub fn debian() -> Option<Self> {
        debian(Path::new("/usr")).map(Self::Debian)
    }

    /// Cargo of this toolchain, ready to build in release; the caller adds folder and target folder. `cargo`: the active one. `path`: the search path
    /// of programs.
    #[must_use]
    pub fn build(&self, cargo: &str, path: &str) -> Command {
        let mut command = Command::new(cargo);
        if let Self::Debian(linker) = self {
            command = Command::new("/usr/bin/cargo");
            // Debian's compiler is a stable one: building the standard library is an unstable flag of cargo, allowed by this variable.
            command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            command.env("PATH", format!("/usr/bin:{path}"));
            // rustup leaves its own libraries and choice of toolchain in the environment.
            command.env_remove("LD_LIBRARY_PATH").env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC").env_remove("CARGO");
            command.arg("-Zbuild-std=std,panic_abort");
        }
        command.args(["build", "--release", "--target", TARGET]);
        command
    }
}

/// The compiler has the standard library of the target.
#[must_use]
pub fn is_active(compiler: &str) -> bool {
    let Some(folder) = said(Command::new(compiler).args(["--print", "sysroot"])) else { return false };
    let libraries = Path::new(folder.trim()).join("lib/rustlib").join(TARGET).join("lib");
    let entries = std::fs::read_dir(libraries).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with("libstd-"))
}

/// What a program says, if it ends well.
fn said(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

/// The linker of Debian's toolchain below `prefix`, if all its parts are there and new enough.
fn debian(prefix: &Path) -> Option<PathBuf> {
    let cargo = prefix.join("bin/cargo");
    let source = prefix.join("lib/rustlib/src/rust/library/Cargo.lock");
    if !(cargo.is_file() && prefix.join("bin/rustc").is_file() && source.is_file()) {
        return None;
    }
    let said = said(Command::new(prefix.join("bin/rustc")).arg("--version").env_remove("RUSTUP_TOOLCHAIN"))?;
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
}
