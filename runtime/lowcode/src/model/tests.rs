//! All recorded manifests are read without a fault and without a note that is not theirs.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests read their cases and say what they skip")]

use std::collections::BTreeSet;
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
    let mut noted = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(path.join("manifest.yaml")).unwrap();
        let (manifest, _) = Manifest::read(&text).unwrap();
        let mut reader = Reader::new();
        let source = read_source(manifest.root(), &mut reader);
        read += source.map_or(0, |source| source.streams.len());
        noted.extend(reader.notes.iter().filter_map(|note| note.path.rsplit('.').next().map(str::to_owned)));
        wrong.extend(reader.faults.iter().map(|fault| format!("{}: {fault}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read > 400, "only {read} streams were read");
    // Fields that authors gave to components without them, and that the reference ignores as well.
    let known = ["name", "path", "primary_key", "cursor_field", "request_parameters", "page_size", "authSpecification", "changelog_url"];
    let unknown: Vec<&String> = noted.iter().filter(|field| !known.contains(&field.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
