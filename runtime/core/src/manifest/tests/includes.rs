//! Manifests of several files.

use super::super::*;
use super::{BASE, Memory, fails, reads, told};

const FLOW: &str = "from = \"a.b\"\nto = \"c.d\"\npurpose = \"p\"\nfields = [\"id\"]\n";

fn root() -> String {
    format!("include = [\"flows/*.toml\"]\n{BASE}")
}

#[test]
fn tables_of_all_files_are_joined() {
    let files = Memory::with(&[
        ("flows/a.toml", &format!("[flow.a]\n{FLOW}[stream.s.one]\nsubjects = [\"customer\"]\n[[subject]]\nkey = \"x\"\n")),
        ("flows/b.toml", &format!("manifest = 1\n[flow.b]\n{FLOW}[stream.s.two]\n[[subject]]\nkey = \"y\"\n")),
    ]);
    let manifest = reads(&root(), &files);
    assert_eq!(manifest.flows.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(manifest.streams.len(), 2);
    assert_eq!(manifest.subjects.len(), 2);
    assert_eq!(manifest.sources.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["manifest.toml", "flows/a.toml", "flows/b.toml"]);
}

#[test]
fn what_stands_in_two_files_is_told_with_both_places() {
    let files = Memory::with(&[
        ("flows/a.toml", &format!("[flow.a]\n{FLOW}[stream.s.one]\n[[subject]]\nkey = \"x\"\n")),
        ("flows/b.toml", &format!("[flow.a]\n{FLOW}[stream.s.one]\n[operator]\nname = \"B\"\ncontact = \"b\"\n[[subject]]\nkey = \"x\"\n")),
    ]);
    let failed = fails(&root(), &files);
    let expected = "HUB-E005 flows/b.toml:1:7 `a` stands in two files\nHUB-E005 flows/b.toml:6:11 `one` stands in two files\n\
                    HUB-E005 flows/b.toml:7:2 `operator` stands in two files\nHUB-E005 flows/b.toml:11:7 `x` is declared twice\n";
    assert_eq!(told(&failed), expected);
    assert!(failed.problems.iter().all(|problem| problem.labels.len() == 2 && problem.labels[1].span.file < 2));
}

#[test]
fn problems_of_all_files_are_told_in_one_go() {
    let files = Memory::with(&[
        ("flows/a.toml", "[flow.a\n"),
        ("flows/b.toml", "[flow.b]\nfrom = 3\n"),
        ("flows/c.toml", "include = [\"d.toml\"]\n"),
    ]);
    let found = told(&fails(&root(), &files));
    for part in [
        "E001 flows/a.toml:1:",
        "E003 flows/b.toml:2:8",
        "E004 flows/b.toml:1:1",
        "E005 flows/c.toml:1:1 an included file cannot include others",
    ] {
        assert!(found.contains(part), "{part} in:\n{found}");
    }
}

#[test]
fn a_file_that_names_itself_is_read_once() {
    let text = format!("include = [\"*.toml\", \"a.toml\"]\n{BASE}");
    let files = Memory::with(&[("manifest.toml", &text), ("a.toml", "[retention.r]\nkind = \"limit\"\nperiod = \"P1Y\"\n")]);
    assert_eq!(reads(&text, &files).sources.iter().count(), 2);
}

#[test]
fn files_that_cannot_be_read_are_told_where_they_are_named() {
    let nothing = fails(&root(), &Memory::default());
    assert_eq!(told(&nothing), "HUB-E005 1:12 no file matches `flows/*.toml`\n");
    let alone = read("manifest.toml", &root(), &NoFiles).unwrap_err();
    assert_eq!(told(&alone), "HUB-E005 1:12 `flows/*.toml` cannot be read: no other files can be read here\n");
}

#[test]
fn text_must_be_utf8() {
    let mut files = Memory::default();
    files.0.insert("flows/a.toml", b"[flow.a]\nname = \"M\xfcller\"\n".to_vec());
    assert_eq!(told(&fails(&root(), &files)), "HUB-E001 flows/a.toml:2:10 this file is not UTF-8 text\n");
    let failed = read_bytes("manifest.toml", b"a = 1\n\xff", &NoFiles).unwrap_err();
    assert_eq!(told(&failed), "HUB-E001 2:1 this file is not UTF-8 text\n");
}

#[test]
fn sizes_and_numbers_are_bounded() {
    let large = format!("{BASE}# {}", "x".repeat(MAX_FILE_BYTES));
    assert_eq!(told(&fails(&large, &Memory::default())), "HUB-E001 1:1 `manifest.toml` is too large\n");
    let names: Vec<&'static str> = (0..MAX_FILES).map(|number| &*Box::leak(format!("flows/{number:03}.toml").into_boxed_str())).collect();
    let files = Memory(names.iter().map(|name| (*name, Vec::new())).collect());
    assert_eq!(told(&fails(&root(), &files)), "HUB-E005 1:12 a manifest cannot have more than 256 files\n");
}

/// The line of a literal secret may be shown with the problem, so the secret is blanked in it.
#[test]
fn literal_secrets_are_blanked_in_the_sources() {
    let text = format!(
        "{BASE}[system.a]\nconnector = \"builtin:x\"\n[system.a.credentials]\none = {{ scheme = \"bearer\", value = \"s3cr3t-é\" }}\n\
         two = {{ scheme = \"bearer\", value = {{ token = \"0th3r\" }} }}\n[pseudonym.p]\nkey = 'k3y'\n"
    );
    let failed = fails(&text, &Memory::default());
    let (_, shown) = failed.sources.get(0).unwrap();
    assert_eq!(shown.len(), text.len());
    assert!(shown.contains("value = \"*********\"") && shown.contains("token = \"*****\"") && shown.contains("key = '***'"), "{shown}");
    assert!(!format!("{failed:?}").contains("s3cr3t") && !format!("{failed:?}").contains("0th3r"));
}
