//! Brings a manifest's files together: the first file, its includes, and the schema files that streams name. Does no I/O itself (see [`Files`]).
//!
//! Tables merge by id; an id in two files is told with both places (E005). Includes do not include.

use std::collections::{BTreeSet, HashMap};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::finding::{Findings, shorten, shorten_reason};
use super::grammar::{self, Kind};
use super::raw::{self, Node, Raw, Table};
use super::walk;
use crate::problem::{Code, Problem, Sources, Span};

/// The greatest size of one file in bytes.
pub const MAX_FILE_BYTES: usize = 4 << 20;
/// The greatest number of manifest files.
pub const MAX_FILES: usize = 256;
/// The greatest size of all files together in bytes, schemas included.
pub const MAX_TOTAL_BYTES: usize = 64 << 20;

/// Where further files come from. The host implements it; tests use a map.
pub trait Files {
    /// The files that a path or glob pattern names, as name and content. `relative_to` is the name of the file that mentions it; a name is what
    /// a message shows and what may be given as `relative_to` again. Nothing found is an empty list.
    ///
    /// # Errors
    /// Why it could not be read, in a few words.
    fn read(&self, relative_to: &str, pattern_or_path: &str) -> Result<Vec<(String, Vec<u8>)>, String>;
}

/// For manifests that stand alone.
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _relative_to: &str, _pattern_or_path: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        Err("no other files can be read here".to_owned())
    }
}

/// All files of one manifest while it is read.
pub(super) struct Loader<'a> {
    files: &'a dyn Files,
    texts: Vec<(String, String)>,
    digest: Sha256,
    bytes: usize,
    pub(super) findings: Findings,
}

impl<'a> Loader<'a> {
    pub(super) fn new(files: &'a dyn Files) -> Self {
        Self { files, texts: Vec::new(), digest: Sha256::new(), bytes: 0, findings: Findings::default() }
    }

    /// The joined tables of all files. Empty tables where a file could not be read; the findings say so.
    pub(super) fn load(&mut self, name: &str, text: &[u8]) -> Table {
        let mut root = self.add(name, text).unwrap_or_default();
        for (pattern, span) in includes(&root) {
            self.include(&mut root, name, &pattern, span);
        }
        if !self.findings.holds(Code::E001) {
            walk::required(&root, Span::default(), &mut self.findings);
        }
        root
    }

    fn include(&mut self, root: &mut Table, name: &str, pattern: &str, span: Span) {
        let found = match self.files.read(name, pattern) {
            Ok(found) if found.is_empty() => {
                return self.refuse(span, format!("no file matches `{}`", shorten(pattern)), "correct the pattern, or remove it");
            }
            Ok(found) => found,
            Err(reason) => {
                let title = format!("`{}` cannot be read: {}", shorten(pattern), shorten_reason(&reason));
                return self.refuse(span, title, "correct the path, or make the file readable");
            }
        };
        for (name, bytes) in found {
            if self.texts.iter().any(|(known, _)| *known == name) {
                continue;
            }
            if self.texts.len() >= MAX_FILES {
                return self.refuse(span, format!("a manifest cannot have more than {MAX_FILES} files"), "join some of them");
            }
            if let Some(table) = self.add(&name, &bytes) {
                self.merge(root, table);
            }
        }
    }

    fn refuse(&mut self, span: Span, title: String, help: &str) {
        self.findings.push(Problem::new(Code::E005, title, help).at(span, "included here"));
    }

    /// Takes a file in, parses it and compares it with the grammar. None if it cannot be parsed.
    fn add(&mut self, name: &str, bytes: &[u8]) -> Option<Table> {
        let file = u16::try_from(self.texts.len()).unwrap_or(u16::MAX);
        if !self.count(name, bytes) {
            self.texts.push((name.to_owned(), String::new()));
            let title = format!("`{}` is too large", shorten(name));
            let help = format!("a file may have {} MiB, all together {} MiB", MAX_FILE_BYTES >> 20, MAX_TOTAL_BYTES >> 20);
            self.findings.push(Problem::new(Code::E001, title, help).at(Span { file, start: 0, end: 0 }, "this file"));
            return None;
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        let parsed = match std::str::from_utf8(bytes) {
            Ok(_) => raw::parse(&text, file),
            Err(error) => Err(vec![not_utf8(file, error.valid_up_to())]),
        };
        self.texts.push((name.to_owned(), text));
        match parsed {
            Ok(table) => {
                walk::file(&table, &mut self.findings);
                Some(table)
            }
            Err(problems) => {
                self.findings.extend(problems);
                None
            }
        }
    }

    /// The content of a schema file, named at `span`. Errors: why it cannot be used.
    pub(super) fn schema_file(&mut self, path: &str, span: Span) -> Result<Vec<u8>, String> {
        let name = self.texts.get(usize::from(span.file)).map_or_else(String::new, |(name, _)| name.clone());
        let mut found = self.files.read(&name, path)?;
        match (found.pop(), found.is_empty()) {
            (Some((name, bytes)), true) if self.count(&name, &bytes) => Ok(bytes),
            (Some(_), true) => Err(format!("it is over {} MiB", MAX_FILE_BYTES >> 20)),
            (Some(_), false) => Err("it names several files".to_owned()),
            (None, _) => Err("there is no such file".to_owned()),
        }
    }

    /// Adds a file to digest and budget. False if it is too large.
    fn count(&mut self, name: &str, bytes: &[u8]) -> bool {
        self.bytes = self.bytes.saturating_add(bytes.len());
        for part in [name.as_bytes(), bytes] {
            self.digest.update((part.len() as u64).to_le_bytes());
            self.digest.update(part);
        }
        bytes.len() <= MAX_FILE_BYTES && self.bytes <= MAX_TOTAL_BYTES
    }

    /// Hex SHA-256 over name and content of every file in the order of reading, each preceded by its length (8 bytes, little endian).
    pub(super) fn digest(&self) -> String {
        HEXLOWER.encode(&self.digest.clone().finalize())
    }

    /// The texts that spans point into. Literal secrets are blanked: the line may be shown.
    pub(super) fn sources(&self) -> Sources {
        let mut sources = Sources::default();
        for (index, (name, text)) in self.texts.iter().enumerate() {
            let mut shown = text.clone();
            for span in self.findings.secrets.iter().filter(|span| usize::from(span.file) == index) {
                let range = span.start as usize..span.end as usize;
                if let Some(secret) = shown.get(range.clone()) {
                    let blank: String =
                        secret.bytes().map(|byte| if matches!(byte, b'"' | b'\n' | b'\'') { char::from(byte) } else { '*' }).collect();
                    shown.replace_range(range, &blank);
                }
            }
            sources.add(name, &shown);
        }
        sources
    }

    fn merge(&mut self, root: &mut Table, added: Table) {
        let mut rest = Vec::new();
        for (key, node) in added.entries {
            match key.value.as_str() {
                "manifest" => {}
                "include" => self.refuse(key.span, "an included file cannot include others".to_owned(), "name all files in the first one"),
                _ => rest.push((key, node)),
            }
        }
        merge_tables(
            root,
            rest,
            &|name| grammar::MANIFEST.keys.iter().find(|key| key.name == name).map(|key| &key.kind),
            &mut self.findings,
        );
    }
}

type Entry = (crate::problem::Spanned<String>, Node);

fn merge_tables<'k>(into: &mut Table, added: Vec<Entry>, kind_of: &dyn Fn(&str) -> Option<&'k Kind>, findings: &mut Findings) {
    let index: HashMap<String, usize> = into.entries.iter().enumerate().map(|(at, (key, _))| (key.value.clone(), at)).collect();
    for (key, node) in added {
        let Some((first, existing)) = index.get(&key.value).and_then(|at| into.entries.get_mut(*at)).map(|(key, node)| (key.span, node))
        else {
            into.entries.push((key, node));
            continue;
        };
        match (kind_of(&key.value), &mut existing.value, node.value) {
            (Some(Kind::Map(_, inner)), Raw::Table(existing), Raw::Table(added)) => {
                merge_tables(existing, added.entries, &|_| Some(*inner), findings);
            }
            (Some(Kind::List(Kind::Table(_))), Raw::List(existing), Raw::List(added)) => existing.extend(added),
            _ => findings.push(
                Problem::new(Code::E005, format!("`{}` stands in two files", shorten(&key.value)), "keep one of the two")
                    .at(key.span, "the second one")
                    .at(first, "the first one"),
            ),
        }
    }
}

fn includes(root: &Table) -> Vec<(String, Span)> {
    let Some(Node { value: Raw::List(items), .. }) = root.get("include") else { return Vec::new() };
    let mut seen = BTreeSet::new();
    let texts = items.iter().filter_map(|item| match &item.value {
        Raw::Text(text) => Some((text.clone(), item.span)),
        _ => None,
    });
    texts.filter(|(text, _)| seen.insert(text.clone())).collect()
}

fn not_utf8(file: u16, at: usize) -> Problem {
    let start = u32::try_from(at).unwrap_or(u32::MAX);
    Problem::new(Code::E001, "this file is not UTF-8 text", "save it as UTF-8")
        .at(Span { file, start, end: start }, "this byte cannot be read")
}
