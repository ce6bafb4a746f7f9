//! Console blocks of Markdown pages: lines that begin with `$ ` are run, the lines behind them are what must come out. Lines that begin with `> ` are
//! orders to the servers that the page has started.
//!
//! `…` stands for any text inside a line, alone for any number of lines; `[N]` at the end is an exit code other than 0.

use std::path::Path;

use super::golden::without_progress;
use super::program::Program;

/// A command and what it must print.
pub struct Step {
    pub command: String,
    /// It is for the servers, not for the shell.
    pub is_order: bool,
    pub expected: Vec<String>,
}

/// The steps of all console blocks of a page.
pub fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let (true, Some((sign @ ("$" | ">"), command))) = (inside, line.split_once(' ')) {
            steps.push(Step { command: command.to_owned(), is_order: sign == ">", expected: Vec::new() });
        } else if let (true, Some(step)) = (inside, steps.last_mut()) {
            step.expected.push(line.trim_end().to_owned());
        }
    }
    steps
}

/// Runs a step and compares. `cargo hub` is the program that was built.
pub fn perform(program: &Program, page: &Path, step: &Step) {
    let line = step.command.strip_prefix("cargo ").filter(|rest| rest.starts_with("hub ")).unwrap_or(&step.command);
    let outcome = program.shell(&format!("{{ {line}; }} 2>&1"));
    let mut actual: Vec<String> = without_progress(&outcome.stdout).trim_end().lines().map(|line| line.trim_end().to_owned()).collect();
    if outcome.code != Some(0) {
        actual.push(format!("[{}]", outcome.code.unwrap_or(-1)));
    }
    compare(page, step, &actual);
}

/// Fails the test if a step printed other lines than the page says.
pub fn compare(page: &Path, step: &Step, actual: &[String]) {
    let expected: Vec<&str> = step.expected.iter().map(String::as_str).collect();
    let shown: Vec<&str> = actual.iter().map(String::as_str).collect();
    assert!(
        lines_match(&expected, &shown),
        "{}: `{}`\n--- the page says\n{}\n--- printed\n{}",
        page.display(),
        step.command,
        expected.join("\n"),
        actual.join("\n")
    );
}

fn lines_match(expected: &[&str], actual: &[&str]) -> bool {
    match (expected.split_first(), actual.split_first()) {
        (None, None) => true,
        (Some((&"…", rest)), _) => (0..=actual.len()).any(|skipped| lines_match(rest, &actual[skipped..])),
        (Some((first, rest)), Some((line, others))) => line_matches(first, line) && lines_match(rest, others),
        _ => false,
    }
}

fn line_matches(expected: &str, actual: &str) -> bool {
    let Some((head, rest)) = expected.split_once('…') else { return expected == actual };
    let Some(after) = actual.strip_prefix(head) else { return false };
    (0..=after.len()).filter(|at| after.is_char_boundary(*at)).any(|at| line_matches(rest, &after[at..]))
}

#[test]
fn wildcards_stand_for_text_and_for_lines() {
    assert!(lines_match(&["a … c", "…", "z"], &["a b c", "1", "2", "z"]));
    assert!(lines_match(&["…"], &[]));
    assert!(lines_match(&["… x …"], &["1 x 2"]));
    assert!(!lines_match(&["a … c"], &["a b d"]));
    assert!(!lines_match(&["a"], &["a", "b"]));
    let steps = steps("```console\n$ one\nout\n```\ntext\n```toml\n$ no\n```\n```console\n$ two\n> three\n{}\n```\n");
    let commands: Vec<_> = steps.iter().map(|step| (step.command.as_str(), step.is_order, step.expected.len())).collect();
    assert_eq!(commands, [("one", false, 1), ("two", false, 0), ("three", true, 1)]);
}
