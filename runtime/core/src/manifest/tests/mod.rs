//! What a manifest reader must say about good and bad files: code, line, column, title. The cases are data (`bad.txt`, `*.toml`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod good;
mod hostile;
mod includes;
mod nordwerk;
mod pages;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Failed, Files, Manifest, read};

/// Two lines that stand before every case unless its name ends in `(bare)`.
const BASE: &str = "manifest = 1\noperator = { name = \"Muster GmbH\", contact = \"dp@muster.example\" }\n";

/// Files by name. A pattern `dir/*.toml` finds what stands in `dir`; a name is taken relative to nothing.
#[derive(Default)]
struct Memory(BTreeMap<&'static str, Vec<u8>>);

impl Memory {
    fn with(files: &[(&'static str, &str)]) -> Self {
        Self(files.iter().map(|(name, text)| (*name, text.as_bytes().to_vec())).collect())
    }
}

impl Files for Memory {
    fn read(&self, _relative_to: &str, pattern: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        let found = self.0.iter().filter(|(name, _)| match pattern.split_once('*') {
            Some((head, tail)) => name.starts_with(head) && name.ends_with(tail),
            None => **name == pattern,
        });
        Ok(found.map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect())
    }
}

/// One line for each problem: code, place, title.
fn told(failed: &Failed) -> String {
    let mut out = String::new();
    for problem in failed.problems.iter() {
        let span = problem.labels.first().map(|label| label.span).unwrap_or_default();
        let (line, column) = failed.sources.line_column(span);
        let file = if span.file == 0 { String::new() } else { format!("{}:", failed.sources.get(span.file).unwrap().0) };
        writeln!(out, "{} {file}{line}:{column} {}", problem.code, problem.title).unwrap();
        assert!(!problem.help.is_empty(), "{} has no help", problem.title);
    }
    out
}

fn fails(text: &str, files: &Memory) -> Failed {
    match read("manifest.toml", text, files) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(failed) => failed,
    }
}

fn reads(text: &str, files: &Memory) -> Manifest {
    match read("manifest.toml", text, files) {
        Ok(manifest) => manifest,
        Err(failed) => panic!("refused:\n{}", told(&failed)),
    }
}

#[test]
fn bad_manifests_are_told_with_code_and_place() {
    let files = Memory::with(&[("list.json", "[]"), ("twice.json", r#"{"type":"object","type":"array"}"#)]);
    let mut differing = String::new();
    let mut count = 0;
    for case in include_str!("bad.txt").split("=== ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let (text, expected) = rest.split_once("--- expected\n").unwrap();
        let text = if name.ends_with("(bare)") { text.to_owned() } else { format!("{BASE}{text}") };
        let expected: String = expected.lines().filter(|line| !line.is_empty()).fold(String::new(), |all, line| all + line + "\n");
        let found = told(&fails(&text, &files));
        count += 1;
        if found != expected {
            write!(differing, "=== {name}\n{found}").unwrap();
        }
    }
    assert!(count >= 40, "{count} cases");
    assert!(differing.is_empty(), "these differ:\n{differing}");
}

/// What a message offers as an edit must mend the file.
#[test]
fn offered_edits_mend_the_file() {
    let text =
        format!("{BASE}[system.a]\nconector = \"builtin:x\"\nstatus = \"aproved\"\n[retention.r]\nkind = \"limt\"\nperiodd = \"P1Y\"\n");
    let failed = fails(&text, &Memory::default());
    let mut patches: Vec<_> = failed.problems.iter().filter_map(|problem| problem.patch.clone()).collect();
    assert_eq!(patches.len(), 4);
    patches.sort_by_key(|patch| std::cmp::Reverse(patch.span.start));
    let mended = patches.iter().fold(text, |mut text, patch| {
        text.replace_range(patch.span.start as usize..patch.span.end as usize, &patch.replacement);
        text
    });
    assert_eq!(reads(&mended, &Memory::default()).retentions["r"].period.value.to_string(), "P1Y");
}
