//! Connectors in JavaScript: the packages of their SDK, fetched once and kept, and their components, built as an author builds them.

use std::fs;
use std::os::unix::fs::symlink;
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

/// Copies a folder with a package.json into the working folder, fills in its placeholders, and gives it the SDK as `npm install` does.
pub fn lay_out(program: &Program, from: &Path, to: &str, placeholders: &[(&str, &str)]) {
    let sdk = sdk();
    for path in files(from) {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = placeholders.iter().fold(text, |text, (placeholder, value)| text.replace(placeholder, value));
        program.write(&format!("{to}/{}", path.strip_prefix(from).unwrap().display()), text);
    }
    installed(program, to, &sdk);
}

/// Gives a folder the SDK as `npm install` does.
pub fn installed(program: &Program, folder: &str, sdk: &Path) {
    fs::create_dir(program.path(folder).join("node_modules")).unwrap();
    symlink(sdk, program.path(folder).join("node_modules/hub-sdk")).unwrap();
}

/// Builds a shipped connector in the working folder: `connectors/NAME/target/NAME.wasm`.
pub fn build(program: &Program, name: &str) {
    let folder = format!("connectors/{name}");
    let absolute = format!("file:{}", sdk().display());
    lay_out(program, &root().join(&folder), &folder, &[("file:../../sdk/js", &absolute)]);
    program.run(&["build", &folder]).ends(0);
    assert!(program.has(&format!("{folder}/target/{name}.wasm")), "hub build wrote no component");
}

/// The files of a folder that are nobody's product.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        match path.file_name().and_then(|name| name.to_str()) {
            Some("node_modules" | "target") => {}
            _ if path.is_dir() => found.extend(files(&path)),
            _ => found.push(path),
        }
    }
    found
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
