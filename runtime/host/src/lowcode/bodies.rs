//! Why the records of a stream must enter the sandbox: what the engine itself would say when it runs, and what the gate would refuse it.

use std::collections::BTreeMap;

use hub_core::record::FieldPath;
use hub_core::stream::{Node, StreamShape};
use hub_core::vocab;
use hub_lowcode::inspect::StreamFacts;
use hub_lowcode::load::Manifest;
use hub_lowcode::model::{AnyStream, Reader, Stream, read_source};
use hub_lowcode::retrieve::Blind;

/// How the records of a stream get to the gate.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// Why they must enter the sandbox; empty if the manifest does not want to look into them.
    pub reasons: Vec<String>,
    /// Fields that the gate is to add to each record on its way.
    added: Vec<String>,
    /// Fields whose values the gate is to tell the component.
    observed: Vec<String>,
}

impl Way {
    /// What the gate refuses to do on the way, given the labels in force. Then records can only go through the sandbox.
    #[must_use]
    pub fn obstacles(&self, shape: &StreamShape) -> Vec<String> {
        let added = self.added.iter().filter_map(|field| {
            let addable = matches!(shape.fields.get(field), Some(Node::Leaf(_)));
            (!addable).then(|| format!("it adds the field `{field}`, which is not declared as a single value"))
        });
        let observed = self.observed.iter().filter_map(|field| {
            let reason = unobservable(field, shape)?;
            Some(format!("it goes on from the values of `{field}`, which the host does not tell a connector: the field {reason}"))
        });
        added.chain(observed).collect()
    }
}

/// Why a field's values stay unknown to a component. The gate would refuse by the same rule.
fn unobservable(field: &str, shape: &StreamShape) -> Option<&'static str> {
    let Some(path) = FieldPath::parse(field) else { return Some("has an unusual name") };
    let mut fields = Some(&shape.fields);
    let mut found = None;
    for part in path.parts() {
        found = fields.and_then(|fields| fields.get(part));
        fields = match found {
            Some(Node::Object { fields, .. }) => Some(fields),
            _ => None,
        };
    }
    match found {
        Some(Node::Leaf(leaf)) if leaf.opaque => Some("has no single value"),
        Some(Node::Leaf(leaf)) if leaf.category.as_deref().is_none_or(vocab::is_personal) => Some("may be personal"),
        Some(Node::Leaf(_)) => None,
        Some(_) => Some("has no single value"),
        None => Some("is not declared"),
    }
}

/// The ways by stream.
pub(super) fn ways(manifest: &Manifest, facts: &[StreamFacts]) -> BTreeMap<String, Way> {
    let mut reader = Reader::new();
    let Some(source) = read_source(manifest.root(), &mut reader) else { return BTreeMap::new() };
    let cursor = |name: &str| facts.iter().find(|facts| facts.name == name).and_then(|facts| facts.cursor_field.clone());
    let ways = source.streams.iter().map(|stream| {
        let name = stream.stream.name();
        let way = match &stream.stream {
            AnyStream::Declarative(stream) => of(stream, cursor(name)),
            AnyStream::StateDelegating(stream) => of(&stream.full_refresh, None).and(of(&stream.incremental, cursor(name))),
        };
        (name.to_owned(), way)
    });
    ways.collect()
}

impl Way {
    fn and(mut self, other: Self) -> Self {
        self.reasons.extend(other.reasons);
        self.added.extend(other.added);
        self.observed.extend(other.observed);
        self
    }
}

fn of(stream: &Stream, cursor: Option<String>) -> Way {
    let observed: Vec<String> = cursor.into_iter().collect();
    match Blind::new(stream, 0, &observed) {
        Ok(blind) => Way {
            reasons: Vec::new(),
            added: blind.added().map(str::to_owned).collect(),
            observed: blind.observed().map(str::to_owned).collect(),
        },
        Err(reasons) => {
            let told = reasons.into_iter().map(|reason| format!("`{}`: {}", reason.path, reason.message));
            Way { reasons: told.collect(), ..Way::default() }
        }
    }
}
