//! A Rust file as the rules see it: its text, its functions, its paths, and which lines are tests.
//!
//! Reads tokens, not syntax: enough to measure and to see who uses whom, and independent of the compiler's version.

use std::ops::RangeInclusive;
use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::process::{Failure, Result};
use crate::workspace::{self, Workspace};

/// Folders that hold Rust sources of the project, and the name under which their sizes are told.
pub const CRATES: &[(&str, &str)] = &[
    ("hub-core", "runtime/core/src"),
    ("hub", "runtime/host/src"),
    ("hub-lowcode", "runtime/lowcode/src"),
    ("hub-sdk", "sdk/src"),
    ("hub-sdk-macros", "sdk/macros/src"),
    ("hub-sdk-package", "sdk/package/src"),
    ("connectors", "connectors"),
    ("tests", "tests"),
    ("xtask", "xtask/src"),
];

/// One file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name in [`CRATES`].
    pub package: &'static str,
    /// Relative to the root.
    pub path: String,
    /// Relative to the crate's folder, without `.rs` and `mod`: `["gate", "scan"]`; empty for the crate's root.
    pub module: Vec<String>,
    /// As it is.
    pub text: String,
    /// The whole file is a test.
    pub is_test: bool,
    /// Line ranges of test items, counted from 1.
    pub tests: Vec<RangeInclusive<usize>>,
    /// Modules in files of their own that this one declares for tests alone.
    pub test_modules: Vec<Vec<String>>,
    /// Functions outside of tests.
    pub functions: Vec<Function>,
    /// Paths outside of tests that begin with `crate`, `super`, `hub` or `hub_core`.
    pub paths: Vec<Mention>,
}

/// A function's size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where `fn` stands.
    pub line: usize,
    /// From there to the closing brace.
    pub lines: usize,
}

/// Somebody uses a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Where.
    pub line: usize,
    /// The path's parts as far as they are written in a row: `["crate", "gate", "scan"]`. `super` is resolved.
    pub parts: Vec<String>,
}

/// All Rust files of the project.
pub fn all(workspace: &Workspace) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for (package, folder) in CRATES {
        let folder = workspace.root.join(folder);
        for path in workspace::files(&folder).iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
            let inside = path.strip_prefix(&folder).unwrap_or(path).to_string_lossy().into_owned();
            found.push(Source::read(package, &workspace.shown(path), &inside, workspace::read(path)?)?);
        }
    }
    mark_test_modules(&mut found);
    Ok(found)
}

/// A file that is a module only under `#[cfg(test)]`, and those below it, are tests.
fn mark_test_modules(sources: &mut [Source]) {
    let declared: Vec<(&str, Vec<String>)> =
        sources.iter().flat_map(|source| source.test_modules.iter().map(|module| (source.package, module.clone()))).collect();
    for source in sources {
        source.is_test |= declared.iter().any(|(package, module)| source.package == *package && source.module.starts_with(module));
    }
}

impl Source {
    /// A file with its place in the repository and inside of its crate.
    pub fn read(package: &'static str, path: &str, inside: &str, text: String) -> Result<Self> {
        let tokens = TokenStream::from_str(&text).map_err(|error| Failure::new(format!("{path} is not Rust: {error}")))?;
        let module = module(inside);
        let in_test_folder = package == "tests" || inside.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "fuzz"));
        let mut reader = Reader { module: module.clone(), ..Reader::default() };
        reader.items(&tokens.into_iter().collect::<Vec<_>>());
        Ok(Self {
            package,
            path: path.to_owned(),
            module,
            text,
            is_test: in_test_folder,
            tests: reader.tests,
            test_modules: reader.test_modules,
            functions: reader.functions,
            paths: reader.paths,
        })
    }

    /// Is this line, counted from 1, part of a test?
    pub fn in_test(&self, line: usize) -> bool {
        self.is_test || self.tests.iter().any(|range| range.contains(&line))
    }

    /// Lines outside of tests.
    pub fn code_lines(&self) -> usize {
        let tests: usize = self.tests.iter().map(|range| range.end() - range.start() + 1).sum();
        self.text.lines().count().saturating_sub(tests)
    }
}

/// The module that a file holds: `gate/mod.rs` and `gate.rs` hold `gate`, `lib.rs` the root, `main.rs` the module `main`.
fn module(inside: &str) -> Vec<String> {
    let mut parts: Vec<String> = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|part| part == "mod" || part == "lib") {
        parts.pop();
    }
    parts
}

#[derive(Default)]
struct Reader {
    module: Vec<String>,
    tests: Vec<RangeInclusive<usize>>,
    test_modules: Vec<Vec<String>>,
    functions: Vec<Function>,
    paths: Vec<Mention>,
}

impl Reader {
    fn items(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while at < tokens.len() {
            at += match &tokens[at] {
                TokenTree::Punct(mark) if mark.as_char() == '#' => self.attribute(tokens, at),
                TokenTree::Ident(word) if word == "fn" => self.function(tokens, at),
                TokenTree::Ident(word) if word == "mod" => self.inline_module(tokens, at),
                TokenTree::Ident(word) if matches!(word.to_string().as_str(), "crate" | "super" | "hub" | "hub_core") => {
                    self.path(tokens, at)
                }
                TokenTree::Group(group) => {
                    self.items(&group.stream().into_iter().collect::<Vec<_>>());
                    1
                }
                _ => 1,
            };
        }
    }

    /// Steps over a test attribute with its whole item, or over the attribute alone.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let Some(TokenTree::Group(group)) = tokens.get(at + 1) else { return 1 };
        if !is_test_attribute(group) {
            return 2;
        }
        let ends = |token: &TokenTree| match token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(mark) => mark.as_char() == ';',
            _ => false,
        };
        let length = tokens[at + 2..].iter().position(ends).map_or(tokens.len() - at, |end| end + 3);
        let last = &tokens[at + length - 1];
        self.tests.push(tokens[at].span().start().line..=last.span().end().line);
        if let [.., TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Punct(_)] = &tokens[at..at + length]
            && word == "mod"
        {
            // `main` holds the modules of a binary, which are siblings of it.
            let home = self.module.iter().filter(|part| *part != "main").cloned();
            self.test_modules.push(home.chain([name.to_string()]).collect());
        }
        length
    }

    /// Notes the function; its signature and body are read on as usual.
    fn function(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else { return 1 };
        for token in &tokens[at + 2..] {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ';' => break,
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    let line = tokens[at].span().start().line;
                    let lines = group.span_close().end().line - line + 1;
                    self.functions.push(Function { name: name.to_string(), line, lines });
                    break;
                }
                _ => {}
            }
        }
        2
    }

    fn inline_module(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) = (tokens.get(at + 1), tokens.get(at + 2)) else { return 1 };
        self.module.push(name.to_string());
        self.items(&body.stream().into_iter().collect::<Vec<_>>());
        self.module.pop();
        3
    }

    /// Notes a path that begins here, one mention for each branch of a `{…}`.
    fn path(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let TokenTree::Ident(first) = &tokens[at] else { return 1 };
        let line = first.span().start().line;
        let is_continued = at >= 2 && is_separator(&tokens[at - 2..at]);
        if is_continued || !tokens.get(at + 1..at + 3).is_some_and(is_separator) {
            return 1;
        }
        let mut start = vec![first.to_string()];
        let mut next = at + 1;
        if first == "super" {
            let mut home = self.module.clone();
            home.pop();
            while is_super(tokens.get(next + 2)) && tokens.get(next..next + 2).is_some_and(is_separator) {
                home.pop();
                next += 3;
            }
            start = std::iter::once("crate".to_owned()).chain(home).collect();
        }
        let length = self.branch(start, &tokens[next..], line);
        next - at + length
    }

    fn branch(&mut self, mut parts: Vec<String>, tokens: &[TokenTree], line: usize) -> usize {
        let mut at = 0;
        while tokens.get(at..at + 2).is_some_and(is_separator) {
            match tokens.get(at + 2) {
                Some(TokenTree::Ident(name)) => parts.push(name.to_string()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.branches(&parts, group);
                    return at + 3;
                }
                _ => break,
            }
            at += 3;
        }
        self.paths.push(Mention { line, parts });
        at
    }

    fn branches(&mut self, parts: &[String], group: &Group) {
        let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        for branch in tokens.split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',')) {
            let Some(TokenTree::Ident(name)) = branch.first() else { continue };
            let mut parts = parts.to_vec();
            if name != "self" {
                parts.push(name.to_string());
            }
            self.branch(parts, &branch[1..], name.span().start().line);
        }
    }
}

/// `::`.
fn is_separator(tokens: &[TokenTree]) -> bool {
    tokens.len() == 2 && tokens.iter().all(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ':'))
}

fn is_super(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Ident(word)) if word == "super")
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]`; not `#[cfg(not(test))]`.
fn is_test_attribute(group: &Group) -> bool {
    let words: Vec<TokenTree> = group.stream().into_iter().collect();
    match words.as_slice() {
        [TokenTree::Ident(name), TokenTree::Group(condition)] if name == "cfg" => {
            let condition = condition.stream().to_string();
            condition.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == "test")
                && !condition.contains("not")
        }
        [.., TokenTree::Ident(name)] => name == "test",
        [.., TokenTree::Ident(name), TokenTree::Group(_)] => name == "test",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn read(inside: &str, text: &str) -> Source {
        Source::read("hub", inside, inside, text.to_owned()).unwrap()
    }

    fn paths(inside: &str, text: &str) -> Vec<String> {
        read(inside, text).paths.iter().map(|mention| mention.parts.join("::")).collect()
    }

    #[test]
    fn functions_are_measured_from_the_signature_to_the_brace() {
        let source = read(
            "a.rs",
            "/// Doc.\npub fn one(\n  a: u8,\n) -> u8 {\n  fn inner() {}\n  a\n}\ntrait T { fn none(&self); }\ntype P = fn(u8) -> u8;\n",
        );
        let found: Vec<_> = source.functions.iter().map(|function| (function.name.as_str(), function.line, function.lines)).collect();
        assert_eq!(found, [("one", 2, 6), ("inner", 5, 1)]);
    }

    #[test]
    fn braces_in_texts_and_comments_do_not_count() {
        let source = read("a.rs", "fn one() {\n  let text = \"}\";\n  /* } */ // }\n  let c = '}';\n  let raw = r#\"}\"#;\n}\n");
        assert_eq!(source.functions, [Function { name: "one".to_owned(), line: 1, lines: 6 }]);
    }

    #[test]
    fn test_items_are_left_out() {
        let text = "fn code() {}\n#[cfg(test)]\nuse crate::gate;\n#[cfg(test)]\nmod tests {\n  #[test]\n  fn a() {}\n}\n#[tokio::test]\nasync fn b() {}\n#[cfg(not(test))]\nfn c() {}\n";
        let source = read("a.rs", text);
        assert_eq!(source.functions.iter().map(|function| function.name.as_str()).collect::<Vec<_>>(), ["code", "c"]);
        assert_eq!(source.tests, [2..=3, 4..=8, 9..=10]);
        assert!(source.paths.is_empty() && source.in_test(7) && !source.in_test(12));
        assert_eq!(source.code_lines(), 3);
    }

    #[test]
    fn paths_are_found_in_imports_and_expressions() {
        let text = "use crate::gate::{self, Cleared, scan::Plan};\nfn f() { crate::store::open(); let x: hub_core::policy::Grant; }\nuse std::crate_like::x;";
        assert_eq!(
            paths("a.rs", text),
            ["crate::gate", "crate::gate::Cleared", "crate::gate::scan::Plan", "crate::store::open", "hub_core::policy::Grant"]
        );
    }

    #[test]
    fn super_is_resolved() {
        assert_eq!(
            paths("plugin/abi/v0_1.rs", "use super::super::package::load;\nuse super::Generation;"),
            ["crate::plugin::package::load", "crate::plugin::abi::Generation"]
        );
        assert_eq!(
            paths("plugin/mod.rs", "use super::gate;\nmod inner { use super::engine::x; }"),
            ["crate::gate", "crate::plugin::engine::x"]
        );
        assert_eq!(paths("a.rs", "use crate::{gate, store::{self}};"), ["crate::gate", "crate::store"]);
    }

    #[test]
    fn a_file_knows_its_module() {
        assert_eq!(module("gate/mod.rs"), ["gate"]);
        assert_eq!(module("gate.rs"), ["gate"]);
        assert_eq!(module("main.rs"), ["main"]);
        assert!(module("lib.rs").is_empty());
    }

    #[test]
    fn modules_that_are_declared_for_tests_are_tests() {
        let mut sources =
            [read("lib.rs", "#[cfg(test)]\nmod testing;\nmod gate;"), read("gate.rs", "#[cfg(test)]\npub(crate) mod oracle;")].to_vec();
        sources.extend([read("testing.rs", ""), read("gate/oracle.rs", ""), read("gate/oracle/cases.rs", ""), read("oracle.rs", "")]);
        mark_test_modules(&mut sources);
        assert_eq!(sources.iter().map(|source| source.is_test).collect::<Vec<_>>(), [false, false, true, true, true, false]);
    }

    #[test]
    fn what_is_not_rust_is_told() {
        assert!(Source::read("hub", "a.rs", "a.rs", "fn {".to_owned()).unwrap_err().to_string().contains("a.rs is not Rust"));
    }
}
