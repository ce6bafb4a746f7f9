//! The answer. A [`Grant`] can be made by this module's parent only; it has no child modules, since a child could forge one.

use crate::problem::{Code, Problem, Span};

/// Proof that a question was answered with yes. Made by [`super::decide`] only.
#[derive(Debug)]
pub struct Grant {
    seal: (),
}

impl Grant {
    pub(super) fn new() -> Self {
        Self { seal: () }
    }

    /// Uses the proof up, so that one decision clears one effect.
    pub fn consume(self) {
        self.seal
    }
}

/// A no: an answer, not an accident. It never holds a record's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule.
    pub code: Code,
    /// What was wanted, in one sentence.
    pub title: String,
    /// The manifest's place that the answer rests on.
    pub span: Option<Span>,
    /// What to do next.
    pub help: String,
}

impl Refusal {
    /// The refusal as something to show.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let problem = Problem::new(self.code, self.title.clone(), self.help.clone());
        match self.span {
            Some(span) => problem.at(span, "this is what the manifest grants"),
            None => problem,
        }
    }
}

/// Yes with its proof, or no with its reason.
#[derive(Debug)]
pub enum Verdict {
    /// It may happen once.
    Granted(Grant),
    /// It may not happen.
    Refused(Refusal),
}
