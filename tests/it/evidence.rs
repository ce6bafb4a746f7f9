//! The audit log as evidence: a changed byte is found and its entry named, a missing part is found, and looking changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::chance::Chance;
use crate::support::program::{Outcome, Program};
use crate::support::story::sample_to_file;

const START: &[u8] = b"{\"v\":1,\"seq\":";

/// A store that was used a few times, and every place in its data file where an entry stands.
struct Evidence {
    program: Program,
    data: Vec<u8>,
    /// Offset, length and number of every copy of every entry.
    copies: Vec<(usize, usize, u64)>,
    root: Value,
}

impl Evidence {
    fn new() -> Self {
        let program = Program::with_manifest(&sample_to_file(1000, ""));
        for _ in 0..3 {
            program.run(&["run"]).ends(0);
        }
        let data = fs::read(program.path("hub-data/store/db")).unwrap();
        let lines = program.run(&["audit", "show", "--from", "0", "--last", "1000000", "--output", "json"]).ends(0).stdout;
        let mut copies = Vec::new();
        for (number, line) in (0..).zip(lines.lines()) {
            let found = places(&data, line.as_bytes());
            assert!(!found.is_empty(), "entry {number} stands in the data file as it was written");
            copies.extend(found.into_iter().map(|at| (at, line.len(), number)));
        }
        let root = program.run(&["audit", "verify", "--output", "json"]).ends(0).json()["root"].clone();
        Self { program, data, copies, root }
    }

    /// Verifies a copy of the store with one changed byte in one of its files.
    fn with_flip(&self, file: &Path, at: usize, bit: u8) -> Outcome {
        let (store, copy) = (self.program.path("hub-data/store"), self.program.path("copy/store"));
        let _ = fs::remove_dir_all(&copy);
        copy_folder(&store, &copy);
        let path = copy.join(file.strip_prefix(&store).unwrap());
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= bit;
        fs::write(&path, bytes).unwrap();
        self.program.run(&["audit", "verify", "--data", "copy", "--output", "json"])
    }
}

#[test]
fn a_changed_byte_in_an_entry_is_found_and_the_entry_named() {
    let evidence = Evidence::new();
    let mut chance = Chance::new("entries");
    let last = evidence.copies.iter().map(|(_, _, number)| *number).max().unwrap();
    let at_the_end: Vec<_> = evidence.copies.iter().filter(|(_, _, number)| *number + 1 >= last).copied().collect();
    for round in 0..40 {
        // The last entries have nobody, or only one, behind them to vouch for them: they come first.
        let any = evidence.copies[usize::try_from(chance.below(evidence.copies.len() as u64)).unwrap()];
        let (start, length, number) = at_the_end.get(round).copied().unwrap_or(any);
        let (at, bit) = (start + usize::try_from(chance.below(length as u64)).unwrap(), 1 << chance.below(8));
        let outcome = evidence.with_flip(&evidence.program.path("hub-data/store/db"), at, bit);
        let place = format!("entry {number}, byte {} of {length}, bit {bit}: {}", at - start, outcome.printed());
        assert_eq!(outcome.code, Some(4), "{place}");
        let document = outcome.json();
        assert_eq!(document["ok"], false, "{place}");
        assert_eq!(document["first_bad"]["seq"], number, "{place}");
        assert!(document["first_bad"]["still_provable_until"].as_u64().unwrap() <= number, "{place}");
    }
}

#[test]
fn a_changed_byte_elsewhere_is_found_or_changes_nothing() {
    let evidence = Evidence::new();
    let mut chance = Chance::new("elsewhere");
    let store = evidence.program.path("hub-data/store");
    let files: Vec<PathBuf> = files(&store).into_iter().filter(|path| fs::metadata(path).unwrap().len() > 0).collect();
    for round in 0..20 {
        // Every other flip in the data file, which is nearly all of the store.
        let file =
            if round % 2 == 0 { store.join("db") } else { files[usize::try_from(chance.below(files.len() as u64)).unwrap()].clone() };
        let length = fs::metadata(&file).unwrap().len();
        let at = usize::try_from(chance.below(length)).unwrap();
        if file.ends_with("db") && evidence.copies.iter().any(|(start, length, _)| (*start..start + length).contains(&at)) {
            continue;
        }
        let outcome = evidence.with_flip(&file, at, 1 << chance.below(8));
        let place = format!("{} byte {at} of {length}: {}", file.display(), outcome.printed());
        match outcome.code {
            Some(0) => assert_eq!(outcome.json()["root"], evidence.root, "{place}"),
            code => assert_eq!(code, Some(4), "{place}"),
        }
    }
}

#[test]
fn people_are_told_which_entry_was_changed() {
    let evidence = Evidence::new();
    let (start, length, number) = *evidence.copies.iter().find(|(_, _, number)| *number == 5).unwrap();
    let line = &evidence.data[start..start + length];
    let at = start + line.windows(9).position(|window| window == b"\"records\"").unwrap_or(20) + 10;
    let file = evidence.program.path("hub-data/store/db");
    evidence.with_flip(&file, at, 1);
    let outcome = evidence.program.run(&["audit", "verify", "--data", "copy"]).ends(4);
    let outcome = outcome.says("HUB-E501").says(&format!("audit entry {number}")).says("keep the folder as evidence");
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_log_that_was_cut_or_rolled_back_is_found() {
    let program = Program::with_manifest(&sample_to_file(10, ""));
    program.run(&["run"]).ends(0);
    copy_folder(&program.path("hub-data/store"), &program.path("old/store"));
    program.run(&["run"]).ends(0);
    // Yesterday's data file under today's anchor.
    for file in files(&program.path("old/store")) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name != "audit.head" && !file.parent().unwrap().ends_with("blobs") {
            fs::copy(&file, program.path("hub-data/store").join(name)).unwrap();
        }
    }
    let outcome = program.run(&["audit", "verify"]);
    assert_eq!(outcome.code, Some(4), "{}", outcome.printed());
    program.run(&["run"]).ends(4);

    let program = Program::with_manifest(&sample_to_file(10, ""));
    program.run(&["run"]).ends(0);
    fs::remove_file(program.path("hub-data/store/db")).unwrap();
    let outcome = program.run(&["audit", "verify"]);
    assert!(outcome.code != Some(0), "a store without its data is not whole\n{}", outcome.printed());
}

#[test]
fn looking_at_evidence_does_not_change_it() {
    let program = Program::with_manifest(&sample_to_file(100, ""));
    program.run(&["run"]).ends(0);
    let store = program.path("hub-data/store");
    let before: Vec<(PathBuf, Vec<u8>)> = files(&store).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    program.run(&["audit", "verify"]).ends(0);
    program.run(&["audit", "verify", "--output", "json"]).ends(0);
    let after: Vec<(PathBuf, Vec<u8>)> = files(&store).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    assert!(before == after, "verifying works on a copy");
}

#[test]
fn entries_can_be_picked() {
    let program = Program::with_manifest(&sample_to_file(100, ""));
    program.run(&["run"]).ends(0);
    let all = program.audit();
    let kinds: Vec<&str> = all.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(&kinds[..2], ["hub.start", "manifest.applied"]);
    assert_eq!(kinds.last(), Some(&"hub.stop"));
    let position = |wanted: &str| kinds.iter().position(|kind| *kind == wanted).unwrap_or_else(|| panic!("no {wanted} in {kinds:?}"));
    assert!(position("file.granted") < position("flow.result") && position("flow.intent") < position("flow.result"));
    let intents = program.run(&["audit", "show", "--kind", "flow.intent"]).ends(0).stdout;
    assert!(
        !intents.is_empty() && intents.lines().all(|line| line.contains("flow.intent") && line.contains("flow contacts-to-archive")),
        "{intents}"
    );
    let two = program.run(&["audit", "show", "--from", "1", "--last", "2", "--output", "json"]).ends(0).stdout;
    let numbers: Vec<u64> = two.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2]);
    let intent = all.iter().find(|entry| entry["kind"] == "flow.intent").unwrap();
    for key in ["run", "flow", "batch", "purpose", "basis", "recipient"] {
        assert!(!intent[key].is_null(), "an intent says `{key}`: {intent:#}");
    }
}

fn places(data: &[u8], wanted: &[u8]) -> Vec<usize> {
    assert!(wanted.starts_with(START));
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = data[from..].windows(START.len()).position(|window| window == START) {
        let at = from + at;
        if data[at..].starts_with(wanted) {
            found.push(at);
        }
        from = at + 1;
    }
    found
}

/// All files below a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
