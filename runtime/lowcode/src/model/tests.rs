//! All recorded manifests are read without a fault and without a note that is not theirs.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::fs;
use std::path::Path;

use crate::load::Manifest;
use crate::model::{Reader, read_source};

#[test]
fn recorded_manifests_have_no_faults() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/lowcode/dev"));
    if !folder.is_dir() {
        println!("skipped: no folder {}", folder.display());
        return;
    }
    let mut wrong = Vec::new();
    let mut read = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(path.join("manifest.yaml")).unwrap();
        let (manifest, _) = Manifest::read(&text).unwrap();
        let mut reader = Reader::new();
        let source = read_source(manifest.root(), &mut reader);
        read += source.map_or(0, |source| source.streams.len());
        wrong.extend(reader.faults.iter().map(|fault| format!("{}: {fault}", path.display())));
        if std::env::args().any(|argument| argument == "--nocapture") {
            for note in &reader.notes {
                println!("{} {} {}", path.display(), note.path, note.message);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read > 400, "only {read} streams were read");
}
