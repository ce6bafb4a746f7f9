//! Every example does what its page says, and so does the first page of the repository. What the pages show is run, in a copy of the folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::console::{perform, steps};
use crate::support::golden::golden;
use crate::support::program::{Outcome, Program, root};

/// Stories that need servers; `roundup.rs`, `lowcode`, `mittelstand.rs` and `mailman.rs` run them.
const WITH_SERVER: [&str; 4] = ["roundup-to-file", "lowcode-helpdesk", "mittelstand", "mailman"];

#[test]
fn the_first_page_shows_what_happens() {
    let program = with_examples();
    follow(&program, &root().join("README.md"));
}

#[test]
fn every_example_shows_what_happens() {
    let mut told = BTreeSet::new();
    for folder in folders(&root().join("examples")) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let page = folder.join("README.md");
        assert!(page.is_file(), "examples/{name} has no README.md");
        assert!(folder.join("manifest.toml").is_file(), "examples/{name} has no manifest.toml");
        if !WITH_SERVER.contains(&name.as_str()) {
            follow(&with_examples(), &page);
        }
        told.insert(name);
    }
    let index = fs::read_to_string(root().join("examples/README.md")).unwrap();
    for name in &told {
        assert!(index.contains(&format!("[{name}]({name})")), "examples/README.md does not list {name}");
    }
    assert!(told.contains("quickstart") && told.contains("denied"), "{told:?}");
}

#[test]
fn quickstart_writes_a_thousand_records_and_denies_nothing() {
    let program = with_examples();
    let outcome = program.run(&["run", "examples/quickstart/manifest.toml"]).ends(0);
    golden("quickstart", &outcome.printed(), program.folder());
    let records = program.records("examples/quickstart/out/contacts.ndjson");
    assert_eq!(records.len(), 1000);
    for record in &records {
        let names: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["id", "first_name", "last_name", "email"]);
    }
    let ids: BTreeSet<String> = records.iter().map(|record| record["id"].to_string()).collect();
    assert_eq!(ids.len(), 1000, "every record is there once");
    let log = audit(&program, "examples/quickstart/manifest.toml");
    assert!(log.iter().all(|entry| entry["kind"] != "flow.denied"), "{log:#?}");
    let delivered: u64 = log.iter().filter(|entry| entry["kind"] == "flow.intent").map(|entry| entry["records"].as_u64().unwrap()).sum();
    assert_eq!(delivered, 1000, "each record stood in an entry before it moved");
    program.run(&["audit", "verify", "examples/quickstart/manifest.toml"]).ends(0);
}

#[test]
fn denied_underlines_both_places_and_writes_nothing() {
    let program = with_examples();
    let before = files(program.folder());
    let outcome = program.run(&["run", "examples/denied/manifest.toml"]).ends(3);
    golden("denied", &outcome.stderr, program.folder());
    assert_eq!(outcome.stdout, "");
    underlined(&outcome, "fields = [\"id\", \"last_name\", \"email\", \"loyalty_card\"]", "\"loyalty_card\"");
    underlined(&outcome, "to = \"partner.contacts\"", "\"partner.contacts\"");
    let data = program.path("examples/denied/hub-data");
    let new: Vec<PathBuf> = files(program.folder()).into_iter().filter(|path| !before.contains(path) && !path.starts_with(&data)).collect();
    assert_eq!(new, Vec::<PathBuf>::new(), "nothing was written");
    let denied: Vec<Value> =
        audit(&program, "examples/denied/manifest.toml").into_iter().filter(|entry| entry["kind"] == "flow.denied").collect();
    let codes: BTreeSet<&str> = denied.iter().filter_map(|entry| entry["code"].as_str()).collect();
    assert_eq!(codes, BTreeSet::from(["HUB-E101", "HUB-E103"]), "{denied:#?}");
    program.run(&["audit", "verify", "examples/denied/manifest.toml"]).ends(0);
}

/// A folder with a copy of `examples`, without what earlier runs left there.
pub fn with_examples() -> Program {
    let program = Program::new();
    copy(&root().join("examples"), &program.path("examples"));
    program
}

/// Runs all steps of a page, one after the other. Steps that build or need another program's output are not the page's to show.
pub fn follow(program: &Program, page: &Path) {
    let text = fs::read_to_string(page).unwrap();
    let steps = steps(&text);
    assert!(!steps.is_empty(), "{} shows no command", page.display());
    for step in steps {
        perform(program, page, &step);
    }
}

/// The marks under a line of the manifest stand exactly below a word of it.
fn underlined(outcome: &Outcome, line: &str, word: &str) {
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    let at = lines.iter().position(|shown| shown.contains(line)).unwrap_or_else(|| panic!("not shown: {line}\n{}", outcome.stderr));
    let column = |text: &str, byte: usize| text[..byte].chars().count();
    let start = column(lines[at], lines[at].find(word).unwrap());
    let marks: String = lines[at + 1].chars().skip(start).take(word.chars().count()).collect();
    assert_eq!(marks, "^".repeat(word.chars().count()), "marks below `{word}`\n{}", outcome.stderr);
    assert_ne!(lines[at + 1].chars().nth(start - 1), Some('^'), "{}", outcome.stderr);
}

/// The audit entries of a manifest.
pub fn audit(program: &Program, manifest: &str) -> Vec<Value> {
    let shown = program.run(&["audit", "show", manifest, "--from", "0", "--last", "100000", "--output", "json"]).ends(0);
    shown.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// All files below a folder.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        match path.is_dir() {
            true if name == "hub-data" || name == "out" => {}
            true => copy(&path, &to.join(name)),
            false => assert!(fs::copy(&path, to.join(name)).is_ok(), "{}", path.display()),
        }
    }
}
