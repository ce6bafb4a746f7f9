//! The labels of a low-code connector: what each field of each stream is, said by people, because the manifest's author did not say it.
//!
//! [`parse`] reads `labels.toml`, [`Labels::apply`] lays it over the streams, [`propose`] guesses labels for people to confirm. A proposal is never a
//! label: what is not confirmed does not count.

mod dictionary;
mod parse;
mod propose;
mod sample;
#[cfg(test)]
mod tests;
mod write;

use crate::description::StreamClaim;
use crate::manifest::shorten;
use crate::problem::{Code, Problem, Span, Spanned};
use crate::record::FieldPath;
use crate::vocab::closest_of;

pub use parse::parse;
pub use propose::{Confidence, Proposal, Proposals, propose};
pub use sample::Sample;
pub(crate) use write::comment;
pub use write::{Written, inline, key, quoted, write};

/// The greatest size of a file with labels in bytes.
pub const MAX_LABELS_BYTES: usize = 4 << 20;

/// A file with labels.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// Streams in the order of writing.
    pub streams: Vec<StreamLabels>,
}

/// `[stream.NAME]`.
#[derive(Clone, Debug)]
pub struct StreamLabels {
    /// The stream's name and its place.
    pub name: Spanned<String>,
    /// Data subjects.
    pub subjects: Vec<Spanned<String>>,
    /// Fields that identify a record, if they are not those of the manifest.
    pub primary_key: Vec<Spanned<FieldPath>>,
    /// Labels; those of a container hold for everything inside that has none of its own.
    pub fields: Vec<FieldLabel>,
    /// False: subjects and key are a proposal.
    pub confirmed: bool,
}

/// One label.
#[derive(Clone, Debug)]
pub struct FieldLabel {
    /// The field.
    pub path: Spanned<FieldPath>,
    /// Its category.
    pub category: Spanned<String>,
    /// False: a proposal, which does not count.
    pub confirmed: bool,
}

impl Labels {
    /// The labels of a stream.
    #[must_use]
    pub fn stream(&self, name: &str) -> Option<&StreamLabels> {
        self.streams.iter().find(|stream| stream.name.value == name)
    }

    /// Number of labels that wait for somebody to confirm them.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.streams.iter().flat_map(|stream| &stream.fields).filter(|label| !label.confirmed).count()
    }

    /// Lays what is confirmed over the streams. Answers with every label that hits nothing (E011).
    #[must_use]
    pub fn apply(&self, claims: &mut [StreamClaim]) -> Vec<Problem> {
        let mut found = Vec::new();
        for stream in &self.streams {
            match claims.iter_mut().find(|claim| claim.name == stream.name.value) {
                Some(claim) => stream.apply(claim, &mut found),
                None => found.push(unknown_stream(stream, claims)),
            }
        }
        found
    }
}

impl StreamLabels {
    fn apply(&self, claim: &mut StreamClaim, found: &mut Vec<Problem>) {
        let known = !claim.shape.fields.is_empty();
        let mut labels: Vec<&FieldLabel> = self.fields.iter().collect();
        // What stands further inside is said more exactly.
        labels.sort_by_key(|label| label.path.value.parts().count());
        for label in labels {
            let (path, category) = (&label.path.value, &label.category.value);
            if known && claim.shape.at(path).is_none() {
                found.push(unknown_field(self, &label.path, claim));
            } else if known && label.confirmed {
                claim.shape.set_category(path, category);
            } else if label.confirmed
                && let Err(error) = claim.shape.declare(path, category)
            {
                let help = "a path is either a value or has fields inside it";
                found.push(
                    Problem::new(Code::E011, format!("label `{path}` cannot be used: {}", error.message), help).at(label.path.span, "here"),
                );
            }
        }
        if !self.confirmed {
            return;
        }
        claim.subjects = self.subjects.iter().map(|subject| subject.value.clone()).collect();
        if !self.primary_key.is_empty() {
            for path in self.primary_key.iter().filter(|path| claim.shape.at(&path.value).is_none()) {
                found.push(unknown_field(self, path, claim));
            }
            claim.primary_key = self.primary_key.iter().map(|path| path.value.clone()).collect();
        }
    }
}

fn unknown_stream(stream: &StreamLabels, claims: &[StreamClaim]) -> Problem {
    let name = shorten(&stream.name.value);
    let near = closest_of(&stream.name.value, claims.iter().map(|claim| claim.name.as_str()));
    let problem = Problem::new(Code::E011, format!("the manifest has no stream `{name}`"), "take the table out, or correct the name");
    suggested(problem, stream.name.span, near, "no such stream")
}

fn unknown_field(stream: &StreamLabels, path: &Spanned<FieldPath>, claim: &StreamClaim) -> Problem {
    let names: Vec<FieldPath> = claim.shape.leaves().into_iter().map(|(path, _)| path).collect();
    let near = closest_of(path.value.as_str(), names.iter().map(FieldPath::as_str));
    let title = format!("stream `{}` has no field `{}`", shorten(&stream.name.value), shorten(path.value.as_str()));
    let problem = Problem::new(Code::E011, title, "take the field out, or correct its path: `hub plugin inspect` lists all");
    suggested(problem, path.span, near, "no such field")
}

fn suggested(problem: Problem, span: Span, near: Option<&str>, label: &str) -> Problem {
    match near {
        Some(near) => Problem { help: format!("did you mean `{near}`?"), ..problem }.at(span, label),
        None => problem.at(span, label),
    }
}
