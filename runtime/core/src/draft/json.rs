//! A draft as one JSON document, for programs. Says what the manifest's text says, and nothing more.

use serde_json::{Value, json};

use super::{Draft, Question, Stream, System};
use crate::labels::{Proposal, Proposals};

impl Draft {
    /// The document.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({ "version": 1, "systems": self.systems.iter().map(system).collect::<Vec<_>>() })
    }
}

fn system(system: &System) -> Value {
    json!({
        "id": system.id, "connector": system.reference, "title": system.title, "source": system.source, "modes": system.modes,
        "config": system.config, "open": questions(&system.questions), "streams": system.streams.iter().map(stream).collect::<Vec<_>>(),
    })
}

fn stream(stream: &Stream) -> Value {
    let known: serde_json::Map<String, Value> =
        stream.known.iter().map(|(path, category)| (path.to_string(), Value::from(category.as_str()))).collect();
    json!({
        "name": stream.name, "summary": stream.summary, "primary_key": stream.primary_key.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "cursor": stream.cursor.as_ref().map(ToString::to_string), "subjects": stream.subjects, "labelled": known,
        "suggested": suggestions(&stream.proposals), "without_suggestion": stream.proposals.unknown.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "untold": stream.untold, "open": questions(&stream.questions),
    })
}

fn suggestions(proposals: &Proposals) -> Vec<Value> {
    proposals.fields.iter().map(suggestion).collect()
}

/// A suggestion with its reason.
pub(super) fn suggestion(proposal: &Proposal) -> Value {
    json!({ "path": proposal.path.as_str(), "category": proposal.category, "confidence": proposal.confidence.name(), "reason": proposal.reason })
}

fn questions(questions: &[Question]) -> Vec<Value> {
    questions.iter().map(|question| json!({ "key": question.key, "question": question.text, "answer": question.answer })).collect()
}
