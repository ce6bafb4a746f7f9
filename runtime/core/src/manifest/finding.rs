//! The problems found while one manifest is read, and the shapes that most of them have. Bounded, so that a hostile file cannot flood a terminal.

use crate::problem::{Code, Problem, Span};
use crate::vocab::closest_of;

/// Problems that are kept; the last one says how many more there were.
const MAX_PROBLEMS: usize = 200;

/// Collects problems.
#[derive(Debug, Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    left_out: usize,
    /// Places of texts that look like secrets: they are blanked before a source is shown.
    pub(super) secrets: Vec<Span>,
}

impl Findings {
    pub(super) fn push(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn extend(&mut self, problems: Vec<Problem>) {
        for problem in problems {
            self.push(problem);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// True if a problem with this code was found.
    pub(super) fn holds(&self, code: Code) -> bool {
        self.problems.iter().any(|problem| problem.code == code)
    }

    /// The value cannot stand there (E003).
    pub(super) fn wrong(&mut self, span: Span, title: impl Into<String>, help: impl Into<String>) {
        self.push(Problem::new(Code::E003, title, help).at(span, "here"));
    }

    /// The word is none of those allowed (E003).
    pub(super) fn not_a_choice(&mut self, span: Span, what: &str, word: &str, choices: &[&str]) {
        let shown = shorten(word);
        let problem = Problem::new(Code::E003, format!("{what} cannot be `{shown}`"), format!("write one of {}", listed(choices)));
        self.push(suggest(problem, span, word, choices, "not one of the possible words", |nearest| format!("{nearest:?}")));
    }

    /// The key is not known (E002). Answers with the key that was probably meant.
    pub(super) fn unknown_key(&mut self, span: Span, key: &str, table: &str, allowed: &[&'static str]) -> Option<&'static str> {
        let title = format!("unknown key `{}` in {table}", shorten(key));
        let problem = Problem::new(Code::E002, title, format!("remove it, or use one of {}", listed(allowed)));
        self.push(suggest(problem, span, key, allowed, "not a key of this table", str::to_owned));
        closest_of(key, allowed.iter().copied())
    }

    /// A key is missing (E004).
    pub(super) fn missing(&mut self, span: Span, key: &str, table: &str, example: &str) {
        self.lacks(Code::E004, span, key, table, example);
    }

    /// A key is missing that a rule of its own wants.
    pub(super) fn lacks(&mut self, code: Code, span: Span, key: &str, table: &str, example: &str) {
        let title = format!("{table} lacks the key `{key}`");
        let line = if example.starts_with('[') && example.ends_with(']') && !example.contains('"') {
            example.to_owned()
        } else {
            format!("{key} = {example}")
        };
        self.push(Problem::new(code, title, format!("add, for example, `{line}`")).at(span, format!("`{key}` is missing here")));
    }

    /// All problems; the last one carries the number of those left out.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        let left_out = self.left_out;
        if let Some(last) = self.problems.last_mut().filter(|_| left_out > 0) {
            last.notes.push(format!("{left_out} more problems are not shown"));
        }
        self.problems
    }
}

/// Adds the place, and the nearest allowed word as help and patch.
fn suggest(problem: Problem, span: Span, word: &str, allowed: &[&str], label: &str, write: impl Fn(&str) -> String) -> Problem {
    match closest_of(word, allowed.iter().copied()) {
        Some(nearest) => {
            let mut problem = problem.at(span, format!("did you mean `{nearest}`?")).with_patch(span, write(nearest));
            problem.notes.push(format!("possible: {}", listed(allowed)));
            problem.help = format!("write `{nearest}`");
            problem
        }
        None => problem.at(span, label.to_owned()),
    }
}

/// `a`, `b`, `c`.
pub(super) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A word for a message: cut, without control characters.
pub(crate) fn shorten(word: &str) -> String {
    cut(word, 60)
}

/// A reason that somebody else gave, for a message: cut, without control characters.
pub(super) fn shorten_reason(reason: &str) -> String {
    cut(reason, 200)
}

fn cut(word: &str, length: usize) -> String {
    let mut shown: String =
        word.chars().take(length).map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect();
    if word.chars().nth(length).is_some() {
        shown.push('…');
    }
    shown
}
