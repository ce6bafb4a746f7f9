//! Problem codes: each has a page that explains it and a test that names it.
//!
//! Waivers stand in `xtask/waivers.toml`, each with its reason. The list may only shrink: a waiver that is no longer needed is a finding,
//! and so is one more than there were.

use std::collections::BTreeMap;
use std::path::Path;

use hub_core::problem::Code;

use crate::check::Finding;
use crate::check::source::Source;
use crate::process::{Failure, Result};
use crate::workspace::{self, Workspace};

const WAIVERS: &str = "xtask/waivers.toml";

/// So many codes may be without a test. Lower it with each test that is written; it never rises.
const MOST_WAIVERS: usize = 0;

/// A page says what happened, why, and what to do: it cannot be shorter.
const SHORTEST_PAGE_BYTES: usize = 200;

/// Pages and tests that are missing.
pub fn findings(workspace: &Workspace, sources: &[Source]) -> Result<Vec<Finding>> {
    let waived = waivers(workspace)?;
    let tests = test_text(workspace, sources)?;
    let mut found: Vec<Finding> = Code::ALL.iter().flat_map(|code| page(*code)).collect();
    found.extend(named(&tests, &waived));
    Ok(found)
}

fn page(code: Code) -> Vec<Finding> {
    let place = format!("runtime/core/src/problem/codes/{code}.md");
    let page = code.page();
    if !page.starts_with(&format!("# {code}")) {
        return vec![Finding::new(&place, 1, format!("the page begins with `# {code}`"))];
    }
    if page.len() < SHORTEST_PAGE_BYTES {
        return vec![Finding::new(&place, 0, "the page says too little: what happened, why it is refused, what to do")];
    }
    Vec::new()
}

fn named(tests: &str, waived: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut found = Vec::new();
    for code in Code::ALL {
        match (mentions(tests, *code), waived.contains_key(code.id())) {
            (false, false) => {
                found.push(Finding::new("tests", 0, format!("no test names {code} ({}): write one that provokes it", code.name())));
            }
            (true, true) => found.push(Finding::new(WAIVERS, 0, format!("a test names {code}: remove its waiver"))),
            _ => {}
        }
    }
    for (code, reason) in waived {
        if Code::parse(code).is_none() || reason.trim().is_empty() {
            found.push(Finding::new(WAIVERS, 0, format!("`{code}` is no code, or its waiver has no reason")));
        }
    }
    if waived.len() > MOST_WAIVERS {
        found.push(Finding::new(WAIVERS, 0, format!("{} waivers, at most {MOST_WAIVERS}: the list may only shrink", waived.len())));
    }
    found
}

/// `HUB-E101` or `Code::E101`.
fn mentions(tests: &str, code: Code) -> bool {
    let short = code.id().trim_start_matches("HUB-");
    tests.contains(code.id()) || tests.contains(&format!("Code::{short}"))
}

/// Everything that is a test: the test items of sources, and the files of test and snapshot folders.
fn test_text(workspace: &Workspace, sources: &[Source]) -> Result<String> {
    let mut text = String::new();
    for source in sources.iter().filter(|source| source.package != "xtask") {
        for (_, line) in (1..).zip(source.text.lines()).filter(|(line, _)| source.in_test(*line)) {
            text.push_str(line);
            text.push('\n');
        }
    }
    for folder in ["runtime", "tests", "connectors"] {
        for path in workspace::files(&workspace.root.join(folder)).iter().filter(|path| is_expectation(path)) {
            text.push_str(&String::from_utf8_lossy(&workspace::read_bytes(path)?));
        }
    }
    Ok(text)
}

/// A snapshot, or a text of a test folder: golden cases.
fn is_expectation(path: &Path) -> bool {
    let is = |known: &[&str]| path.extension().is_some_and(|extension| known.iter().any(|known| extension == *known));
    is(&["snap"]) || (is(&["txt", "toml", "json", "err", "out"]) && path.components().any(|part| part.as_os_str() == "tests"))
}

fn waivers(workspace: &Workspace) -> Result<BTreeMap<String, String>> {
    let path = workspace.root.join(WAIVERS);
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    toml::from_str(&workspace::read(&path)?)
        .map_err(|error| Failure::new(format!("{WAIVERS}: {error}")).help("one line for each: HUB-E101 = \"the reason\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_code() -> String {
        Code::ALL.iter().map(|code| format!("assert_eq!(problem.code, Code::{});\n", code.id().trim_start_matches("HUB-"))).collect()
    }

    fn waived(code: &str, reason: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(code.to_owned(), reason.to_owned())])
    }

    #[test]
    fn a_code_that_no_test_names_is_a_finding() {
        assert!(named(&every_code(), &BTreeMap::new()).is_empty());
        let found = named(&every_code().replace("Code::E204)", "x)"), &BTreeMap::new());
        assert_eq!(found.len(), 1);
        assert!(found[0].text.starts_with("no test names HUB-E204 (egress-host)"));
        assert!(named(&every_code().replace("Code::E204)", "\"error[HUB-E204]\")"), &BTreeMap::new()).is_empty());
    }

    #[test]
    fn waivers_are_used_reasoned_and_few() {
        let without = every_code().replace("Code::E204)", "x)");
        let texts: Vec<String> = named(&without, &waived("HUB-E204", "a reason")).into_iter().map(|finding| finding.text).collect();
        assert_eq!(texts, [format!("1 waivers, at most {MOST_WAIVERS}: the list may only shrink")]);
        assert!(named(&every_code(), &waived("HUB-E204", "a reason"))[0].text.contains("remove its waiver"));
        assert!(named(&without, &waived("HUB-E204", " "))[0].text.contains("has no reason"));
    }
}
