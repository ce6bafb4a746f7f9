//! Connectors in JavaScript: the packages of their SDK, fetched once and kept, and their components, built as an author builds them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::program::{Program, root};

/// Makes sure of Node.js and of the SDK's packages; answers with the SDK's folder.
pub fn sdk() -> PathBuf {
    let script = root().join("tests/e2e/javascript/prepare.py");
    let output = Command::new("python3").arg(&script).output().unwrap_or_else(|error| panic!("python3 {}: {error}", script.display()));
    assert!(output.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&output.stderr));
    root().join("sdk/js")
}

/// Builds a shipped connector into the working folder: `NAME.wasm`.
pub fn build(program: &Program, name: &str) {
    sdk();
    let (folder, output) = (root().join("connectors").join(name), program.path(&format!("{name}.wasm")));
    program.run(&["build", folder.to_str().unwrap(), "--output", output.to_str().unwrap()]).ends(0);
    assert!(output.is_file(), "hub build wrote no {}", output.display());
}

/// Runs the unit tests of a folder with a package.json; fails with what they print.
pub fn unit_tests(folder: &Path) {
    sdk();
    let mut npm = Command::new("npm");
    let output = npm.arg("test").current_dir(folder).output().unwrap_or_else(|error| panic!("npm: {error}: apt-get install npm"));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {printed}{}", folder.display(), String::from_utf8_lossy(&output.stderr));
    let passed = printed.lines().find_map(|line| line.strip_prefix("# pass ")?.parse::<u32>().ok());
    assert!(passed.is_some_and(|passed| passed > 0), "{}: no test ran: {printed}", folder.display());
}
