//! What a file must begin with and what may not stand in one.
//!
//! The forbidden words are put together from halves, so that this file does not break its own rule.

use std::path::Path;

use crate::check::Finding;
use crate::check::source::Source;
use crate::process::Result;
use crate::workspace::{self, Workspace};

/// Left-overs of unfinished work.
const UNFINISHED: [(&str, &str); 4] = [
    (concat!("to", "do!"), "write it, or leave it out"),
    (concat!("un", "implemented!"), "write it, or leave it out"),
    (concat!("#[", "ignore"), "mend the test, or delete it"),
    (concat!("FIX", "ME"), "mend it now, or write an issue"),
];

/// Folders of somebody's machine.
const MACHINE: [&str; 4] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/t", "mp/")];

/// Shortened names, and the word that they stand for.
const SHORTENED: [(&str, &str); 7] = [
    ("ctx", "context"),
    ("idx", "index"),
    ("cnt", "count"),
    ("mgr", "manager"),
    ("tmp", "the thing's name"),
    ("msg", "message"),
    ("btn", "button"),
];

/// Kinds of file whose text is looked at for machine paths.
const TEXTS: [&str; 9] = ["rs", "md", "toml", "wit", "json", "sh", "py", "txt", "snap"];

/// Rules for Rust files.
pub fn findings(sources: &[Source]) -> Vec<Finding> {
    sources.iter().flat_map(|source| [header(source), unfinished(source), shortened(source)].concat()).collect()
}

/// Machine paths in the texts of the repository; tests may name a temporary folder.
pub fn texts(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for path in workspace::files(&workspace.root) {
        let shown = workspace.shown(&path);
        let is_text = path.extension().is_some_and(|extension| TEXTS.iter().any(|known| extension == *known)) || shown.starts_with(".ci/");
        let is_test = shown.split('/').any(|part| part == "tests");
        if is_text && !is_test {
            let text = workspace::read(&path)?;
            found.extend(machine_paths(&shown, &text, &tests(&path, &shown, &text)));
        }
    }
    Ok(found)
}

fn header(source: &Source) -> Vec<Finding> {
    match source.text.starts_with("//!") {
        true => Vec::new(),
        false => vec![Finding::new(&source.path, 1, "a file opens with `//!`: its job, and what it does not do")],
    }
}

fn unfinished(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, text) in (1..).zip(source.text.lines()) {
        for (word, help) in UNFINISHED.iter().filter(|(word, _)| text.contains(word)) {
            found.push(Finding::new(&source.path, line, format!("`{word}`: {help}")));
        }
    }
    found
}

fn shortened(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, text) in (1..).zip(source.text.lines()) {
        let code = text.split("//").next().unwrap_or_default();
        let declared = code.split_once("let ").or_else(|| code.split_once("fn ")).map_or("", |(_, rest)| rest);
        let declared = declared.split(['=', '{']).next().unwrap_or_default();
        for word in declared.split(|letter: char| !letter.is_alphanumeric() && letter != '_') {
            if let Some((_, whole)) = SHORTENED.iter().find(|(short, _)| *short == word) {
                found.push(Finding::new(&source.path, line, format!("`{word}` is shortened: write {whole}")));
            }
        }
    }
    found
}

fn tests(path: &Path, shown: &str, text: &str) -> Option<Source> {
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    // A file that is not Rust is told by the rules that read it as Rust.
    is_rust.then(|| Source::read("", shown, shown, text.to_owned()).ok()).flatten()
}

fn machine_paths(shown: &str, text: &str, source: &Option<Source>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        if source.as_ref().is_some_and(|source| source.in_test(line)) {
            continue;
        }
        if let Some(path) = MACHINE.iter().find(|path| names(content, path)) {
            found.push(Finding::new(
                shown,
                line,
                format!("`{path}` is a folder of some machine: take the path from a setting or a relative one"),
            ));
        }
    }
    found
}

/// True if the folder stands in the line as an absolute path: `a/tmp/b` and `https://x/home/` are none.
fn names(content: &str, folder: &str) -> bool {
    let mut before = content.match_indices(folder).map(|(at, _)| content[..at].chars().next_back());
    before.any(|letter| letter.is_none_or(|letter| !letter.is_alphanumeric() && !matches!(letter, '.' | '_' | '-' | '}' | '$' | '*' | '/')))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let source = Source::read("hub", "a.rs", "a.rs", text.to_owned()).unwrap();
        findings(&[source]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_opens_with_its_job() {
        assert!(found("//! Its job.\n").is_empty());
        assert!(found("// Its job.\n")[0].starts_with("a.rs:1: a file opens with `//!`"));
    }

    #[test]
    fn unfinished_work_is_found_with_its_line() {
        let text = format!("//! Doc.\nfn f() {{\n    {}();\n}}\n", concat!("to", "do!"));
        assert_eq!(found(&text), [format!("a.rs:3: `{}`: write it, or leave it out", concat!("to", "do!"))]);
    }

    #[test]
    fn declared_names_are_whole_words() {
        assert_eq!(found("//! Doc.\nfn f() { let idx = 1; }\n"), ["a.rs:2: `idx` is shortened: write index"]);
        assert!(found("//! Doc.\nfn f() { let index = library.idx(); }\n").is_empty());
        assert!(found("//! Doc about idx.\nfn index() {}\n").is_empty());
    }

    #[test]
    fn machine_paths_are_found_outside_of_tests() {
        let temporary = MACHINE[3];
        assert_eq!(machine_paths("a.md", &format!("one\nsee `{temporary}x`"), &None).len(), 1);
        assert!(machine_paths("a.md", &format!("see https://host{temporary}x and ./a{temporary}b"), &None).is_empty());
        let text = format!("//! Doc.\n#[cfg(test)]\nmod tests {{\n    const A: &str = \"{temporary}x\";\n}}\n");
        let source = Source::read("", "a.rs", "a.rs", text.clone()).ok();
        assert!(machine_paths("a.rs", &text, &source).is_empty());
    }
}
