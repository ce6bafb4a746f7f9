//! Where data lies: every field of every stream that holds a category or an identifier, for what it is held, how long, and where it goes.
//!
//! Knows what is declared. A copy that nobody declared is not in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::names;
use super::sheet::{Document, Row, Section};
use super::text::{Named, Text};
use super::words::Word;
use crate::manifest::Manifest;
use crate::policy::Policy;
use crate::record::{FieldPath, StreamId};
use crate::vocab;

/// What is looked for.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// A category and everything below it: `user.contact`.
    Category(String),
    /// A kind of identifier as the streams name it: `email`.
    Identifier(String),
}

/// A field that holds it.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// The system.
    pub system: Named,
    /// The stream.
    pub stream: Named,
    /// The field.
    pub field: String,
    /// Its category.
    pub category: Named,
    /// What it is held for: purposes of collection and of the flows that brought it.
    pub purposes: Vec<Named>,
    /// Retention rules of the stream: id and ISO 8601 duration.
    pub retention: Vec<(String, String)>,
    /// Systems that it goes on to, with the flow.
    pub receivers: Vec<(Named, String)>,
}

/// All fields that hold it, sorted by stream and field.
#[must_use]
pub fn places(policy: &Policy, wanted: &Wanted) -> Vec<Place> {
    let all = fields(policy);
    let identifying = match wanted {
        Wanted::Category(_) => BTreeSet::new(),
        Wanted::Identifier(kind) => identifiers(policy.manifest(), kind),
    };
    let holds = |(stream, path): &(StreamId, FieldPath), category: &str| match wanted {
        Wanted::Category(root) => is_within(policy.manifest(), category, root),
        Wanted::Identifier(_) => identifying.contains(&(stream, path)),
    };
    let found = all.iter().filter(|(key, category)| holds(key, category));
    found.map(|((stream, path), category)| place(policy, stream, path, category)).collect()
}

/// Every kind of identifier that a stream names, each once.
#[must_use]
pub fn kinds(manifest: &Manifest) -> BTreeSet<&str> {
    manifest.streams.values().flat_map(|stream| stream.identity.keys()).map(String::as_str).collect()
}

fn identifiers<'m>(manifest: &'m Manifest, kind: &str) -> BTreeSet<(&'m StreamId, &'m FieldPath)> {
    let of_stream = |(id, stream): (&'m StreamId, &'m crate::manifest::StreamDeclaration)| {
        stream.identity.get(kind).into_iter().flat_map(move |key| key.fields.iter().map(move |field| (id, &field.value)))
    };
    manifest.streams.iter().flat_map(of_stream).collect()
}

fn is_within(manifest: &Manifest, category: &str, root: &str) -> bool {
    let parent = manifest.categories.get(category).map(|extension| extension.parent.as_str());
    vocab::is_within(category, root) || parent.is_some_and(|parent| vocab::is_within(parent, root))
}

/// Fields that the manifest declares and fields that flows read or fill, with their category.
fn fields(policy: &Policy) -> BTreeMap<(StreamId, FieldPath), String> {
    let mut found = BTreeMap::new();
    for id in policy.manifest().flows.keys() {
        let Some((flow, rule)) = policy.flow(id) else { continue };
        for field in &rule.fields {
            found.insert((flow.from.value.clone(), field.path.clone()), field.category.clone());
            found.entry((flow.to.value.clone(), field.to.clone())).or_insert_with(|| field.resulting.clone());
        }
    }
    for (id, stream) in &policy.manifest().streams {
        found.extend(stream.fields.iter().map(|(path, category)| ((id.clone(), path.value.clone()), category.value.clone())));
    }
    found
}

fn place(policy: &Policy, stream: &StreamId, path: &FieldPath, category: &str) -> Place {
    let manifest = policy.manifest();
    let held = policy.held(stream, path);
    let declared = manifest.streams.get(stream);
    let collected = declared.into_iter().flat_map(|stream| stream.collected_for.iter().map(|purpose| purpose.value.clone()));
    let purposes: BTreeSet<String> = held.into_iter().flat_map(|held| [held.collected, held.last]).chain(collected).collect();
    let filling = manifest.flows.values().filter(|flow| flow.to.value == *stream).flat_map(|flow| &flow.retention);
    let rules: BTreeSet<&str> =
        declared.into_iter().flat_map(|stream| &stream.retention).chain(filling).map(|rule| rule.value.as_str()).collect();
    let period = |id: &str| Some((id.to_owned(), manifest.retentions.get(id)?.period.value.to_string()));
    let leaving = manifest.flows.keys().filter_map(|id| policy.flow(id));
    let leaving = leaving.filter(|(flow, rule)| flow.from.value == *stream && rule.fields.iter().any(|field| field.path == *path));
    Place {
        system: names::system(manifest, &stream.system),
        stream: names::stream(manifest, stream),
        field: path.to_string(),
        category: names::category(manifest, category),
        purposes: purposes.iter().map(|id| names::purpose(manifest, id)).collect(),
        retention: rules.into_iter().filter_map(period).collect(),
        receivers: leaving.map(|(flow, _)| (names::system(manifest, &flow.to.value.system), flow.id.value.clone())).collect(),
    }
}

/// The places as a document: one section for each stream.
#[must_use]
pub fn document(title: &str, places: &[Place]) -> Document {
    let mut sections: Vec<Section> = Vec::new();
    for place in places {
        let lines = |texts: Vec<Text>| if texts.is_empty() { Text::word(Word::None) } else { Text::join(&texts, ", ") };
        let purposes = lines(place.purposes.iter().map(|purpose| purpose.name.clone()).collect());
        let periods = lines(place.retention.iter().map(|(id, period)| Text::same(format!("{id} ({period})"))).collect());
        let receivers = lines(place.receivers.iter().map(|(system, flow)| Text::with(Word::InFlow, &[&system.name, flow])).collect());
        sections.push(Section {
            title: Text::same(format!("{}.{}", place.stream.key, place.field)),
            rows: vec![
                Row::new(Word::WhereSystem, vec![place.system.name.clone()], Word::NoneDeclared),
                Row::new(Word::WhereStream, vec![place.stream.name.clone()], Word::NoneDeclared),
                Row::new(Word::WhereField, vec![Text::same(&place.field)], Word::NoneDeclared),
                Row::new(Word::Categories, vec![place.category.name.clone()], Word::NoneDeclared),
                Row::new(Word::WhereHeld, vec![purposes], Word::None),
                Row::new(Word::Erasure, vec![periods], Word::NoneDeclared),
                Row::new(Word::WhereTo, vec![receivers], Word::None),
            ],
        });
    }
    let about = if places.is_empty() { vec![Text::word(Word::WhereNothing)] } else { Vec::new() };
    Document { title: Text::same(title), about, sections }
}
