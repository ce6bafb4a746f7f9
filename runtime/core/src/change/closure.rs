//! What an approval is about: a flow with everything that it rests on. If any of it changes, what was approved no longer exists.
//!
//! Made from the canonical form alone, so that it can be made again from what a lock holds. What needs no approval (names, reasons, who answers) is
//! no part of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{ConnectorDigests, canonical, diff, walk};
use crate::manifest::Action;

/// Everything that one flow rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Closure {
    /// Parts of the canonical form at their places; `connector` holds digests by system.
    pub value: Value,
    /// Hex SHA-256 of it.
    pub digest: String,
}

/// Makes the closures of one manifest.
pub struct Closures<'m> {
    /// The canonical form without what is editorial: cut once, not for each flow.
    material: Value,
    connectors: &'m ConnectorDigests,
    /// Stream → purposes for which what it holds was collected or brought there.
    held: BTreeMap<&'m str, BTreeSet<&'m str>>,
}

/// The paths that differ between two closures of a flow, as people write them. Empty if nothing does.
#[must_use]
pub fn what_voided(old: &Value, new: &Value) -> Vec<String> {
    walk::differences(old, new).iter().map(|difference| walk::show(&difference.path)).collect()
}

impl<'m> Closures<'m> {
    /// Prepares for a canonical form and the connectors that serve it.
    #[must_use]
    pub fn new(manifest: &'m Value, connectors: &'m ConnectorDigests) -> Self {
        Self { material: material(&mut Vec::new(), manifest), connectors, held: held(manifest) }
    }

    /// The closure of a flow. None if there is no such flow.
    #[must_use]
    pub fn of(&self, id: &str) -> Option<Closure> {
        let flow = self.entry("flow", id)?;
        let mut parts = Parts { all: self, found: Map::new() };
        let mut own = flow.clone();
        if let Some(Value::Object(fields)) = own.get_mut("fields") {
            // What is not named is dropped as well: saying so changes nothing.
            fields.retain(|_, field| text(field, "action") != Some("drop"));
        }
        parts.put("flow", id, own);
        parts.streams(flow);
        parts.purposes(flow);
        parts.references(flow);
        let value = Value::Object(parts.found);
        Some(Closure { digest: canonical::digest(&value), value })
    }

    fn entry(&self, section: &str, id: &str) -> Option<&Value> {
        self.material.get(section)?.get(id)
    }

    fn stream(&self, name: &str) -> Option<&Value> {
        let (system, stream) = name.split_once('.')?;
        self.entry("stream", system)?.get(stream)
    }
}

/// A closure under construction.
struct Parts<'c, 'm> {
    all: &'c Closures<'m>,
    found: Map<String, Value>,
}

impl<'c> Parts<'c, '_> {
    /// Adds a table at its place.
    fn put(&mut self, section: &str, id: &str, value: Value) {
        let section = self.found.entry(section.to_owned()).or_insert_with(|| json!({}));
        if let Value::Object(section) = section {
            section.insert(id.to_owned(), value);
        }
    }

    fn add(&mut self, section: &str, id: &str) {
        if let Some(value) = self.all.entry(section, id) {
            self.put(section, id, value.clone());
        }
    }

    /// Both ends, the consent ledger, streams that values are looked up in; their systems, retention rules and pseudonym domains.
    fn streams(&mut self, flow: &'c Value) {
        let ends = ["from", "to"].into_iter().filter_map(|end| text(flow, end));
        let ledger = flow.get("consent").and_then(|consent| text(consent, "ledger"));
        let mut names: BTreeSet<String> = ends.chain(ledger).map(str::to_owned).collect();
        for via in fields(flow).filter_map(|field| text(field, "via")) {
            let places = Action::via_places(via).into_iter().map(|(stream, _)| stream.to_string());
            names.extend(places.filter(|name| self.all.stream(name).is_some()));
        }
        for name in &names {
            let Some((system, stream)) = name.split_once('.') else { continue };
            self.add("system", system);
            if let Some(digest) = self.all.connectors.get(system) {
                self.put("connector", system, Value::String(digest.clone()));
            }
            let Some(declared) = self.all.stream(name) else { continue };
            self.put_stream(system, stream, declared);
            self.retention(declared);
            let domains = declared.get("identity").and_then(Value::as_object).into_iter().flatten();
            domains.filter_map(|(_, identity)| text(identity, "domain")).for_each(|domain| self.add("pseudonym", domain));
            let labels = ["fields", "added"].into_iter().filter_map(|table| declared.get(table)?.as_object()).flatten();
            labels.filter_map(|(_, category)| category.as_str()).for_each(|category| self.add("category", category));
        }
    }

    fn put_stream(&mut self, system: &str, stream: &str, declared: &Value) {
        let section = self.found.entry("stream").or_insert_with(|| json!({}));
        if let Value::Object(section) = section {
            let of_system = section.entry(system).or_insert_with(|| json!({}));
            if let Value::Object(of_system) = of_system {
                of_system.insert(stream.to_owned(), declared.clone());
            }
        }
    }

    fn retention(&mut self, table: &'c Value) {
        words(table, "retention").for_each(|rule| self.add("retention", rule));
    }

    /// The purpose, those for which the data was collected, and the assessments that lead from one of them to another.
    fn purposes(&mut self, flow: &'c Value) {
        let Some(purpose) = text(flow, "purpose") else { return };
        let mut relevant: BTreeSet<&str> = BTreeSet::from([purpose]);
        relevant.extend(text(flow, "from").and_then(|from| self.all.held.get(from)).into_iter().flatten());
        for purpose in &relevant {
            self.add("purpose", purpose);
        }
        let named = flow.get("own_basis").and_then(|basis| text(basis, "compatibility"));
        let records = self.all.material.get("compatibility").and_then(Value::as_object).into_iter().flatten();
        for (key, record) in records {
            let connects = ["from", "to"].into_iter().all(|end| text(record, end).is_some_and(|end| relevant.contains(end)));
            if connects || named.is_some() && text(record, "assessment") == named {
                self.put("compatibility", key, record.clone());
            }
        }
    }

    /// Retention rules, pseudonym domains and recipients that the flow itself names, and its activity.
    fn references(&mut self, flow: &'c Value) {
        self.retention(flow);
        for field in fields(flow) {
            text(field, "domain").into_iter().for_each(|domain| self.add("pseudonym", domain));
            let recipient = text(field, "recipient").and_then(|recipient| recipient.strip_prefix("age:"));
            recipient.into_iter().for_each(|recipient| self.add("recipient", recipient));
        }
        let activity = text(flow, "activity").and_then(|id| Some((id, self.all.entry("activity", id)?)));
        if let Some((id, activity)) = activity.filter(|(_, activity)| words(activity, "residency").next().is_some()) {
            self.put("activity", id, activity.clone());
        }
    }
}

/// A value without its editorial parts.
fn material(path: &mut Vec<String>, value: &Value) -> Value {
    let Value::Object(entries) = value else { return value.clone() };
    let mut kept = Map::new();
    for (key, value) in entries {
        path.push(key.clone());
        if !diff::is_editorial(path) {
            kept.insert(key.clone(), material(path, value));
        }
        path.pop();
    }
    Value::Object(kept)
}

/// For which purposes a stream holds data: those of its collection, and those of all that flows into it, back to where it came from.
fn held(manifest: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut held: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let flows: Vec<(&str, &str, &str)> = manifest
        .get("flow")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(_, flow)| Some((text(flow, "from")?, text(flow, "to")?, text(flow, "purpose")?)))
        .collect();
    let mut onward: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to, purpose) in &flows {
        onward.entry(from).or_default().push(to);
        held.entry(to).or_default().insert(purpose);
        held.entry(from).or_default().extend(collected_for(manifest, from));
    }
    let mut open: Vec<&str> = held.keys().copied().collect();
    while let Some(stream) = open.pop() {
        let own = held.get(stream).cloned().unwrap_or_default();
        for next in onward.get(stream).into_iter().flatten() {
            let theirs = held.entry(next).or_default();
            let before = theirs.len();
            theirs.extend(own.iter().copied());
            if theirs.len() > before {
                open.push(next);
            }
        }
    }
    held
}

/// [`crate::manifest::Manifest::collected_for`] in the canonical form: a stream's own word, else its system's.
fn collected_for<'m>(manifest: &'m Value, stream: &str) -> impl Iterator<Item = &'m str> + use<'m> {
    let (system, stream) = stream.split_once('.').unwrap_or((stream, ""));
    let declared = manifest.get("stream").and_then(|streams| streams.get(system)?.get(stream));
    let own = declared.filter(|declared| words(declared, "collected_for").next().is_some());
    let said = own.or_else(|| manifest.get("system")?.get(system));
    said.into_iter().flat_map(|table| words(table, "collected_for"))
}

/// A text behind a key.
pub(super) fn text<'v>(table: &'v Value, key: &str) -> Option<&'v str> {
    table.get(key)?.as_str()
}

/// The texts of a list behind a key.
pub(super) fn words<'v>(table: &'v Value, key: &str) -> impl Iterator<Item = &'v str> + use<'v> {
    table.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn fields(flow: &Value) -> impl Iterator<Item = &Value> {
    flow.get("fields").and_then(Value::as_object).into_iter().flatten().map(|(_, field)| field)
}
