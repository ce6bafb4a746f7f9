//! Static rules: what a manifest may not declare, given what its connectors claim and what day it is. Each rule adds its findings and goes on, so that one
//! look tells everything. Reads no data and knows no run.

use std::collections::BTreeMap;

use super::{Catalogue, FlowRule};
use crate::date::Date;
use crate::description::Description;
use crate::manifest::{Action, Flow, Manifest, System, SystemStatus, WriteMode};
use crate::problem::{Code, Problem, Span, Spanned};
use crate::record::{FieldPath, StreamId};
use crate::vocab;

mod actions;
mod approval;
mod basis;
mod conditions;
mod consent;
mod consulted;
mod deletes;
mod fields;
mod held;
pub(super) mod impact;
mod labels;
mod lookup;
mod meetings;
pub(super) mod parties;
pub(super) mod purposes;
pub(super) mod source;
mod special;
mod transfers;

/// Everything that can be said without a flow: names that must exist whatever the connectors say (E103), purposes, streams, retention rules, the mode.
pub(super) fn declarations(manifest: &Manifest, found: &mut Vec<Problem>) {
    references(manifest, found);
    basis::check(manifest, found);
    held::check(manifest, found);
    approval::mode(manifest, found);
}

fn references(manifest: &Manifest, found: &mut Vec<Problem>) {
    for purpose in manifest.purposes.values() {
        if vocab::use_key(&purpose.use_key.value).is_none() {
            found.push(unknown("use", &purpose.use_key, vocab::closest_use(&purpose.use_key.value).map(str::to_owned)));
        }
        for category in &purpose.allows.value {
            if !category_exists(manifest, &category.value) {
                found.push(unknown("data category", category, vocab::closest(&category.value).map(str::to_owned)));
            }
        }
    }
    for (key, extension) in &manifest.categories {
        if !category_exists(manifest, &extension.parent) {
            let parent = Spanned { value: extension.parent.clone(), span: extension.span };
            found.push(
                unknown("parent category", &parent, vocab::closest(&extension.parent).map(str::to_owned))
                    .note(format!("category `{key}` stands below it")),
            );
        }
    }
    for record in &manifest.compatibilities {
        purposes_exist(manifest, [&record.from, &record.to].into_iter(), found);
    }
    for system in manifest.systems.values() {
        purposes_exist(manifest, system.collected_for.iter(), found);
    }
    for (id, stream) in &manifest.streams {
        if !manifest.systems.contains_key(&*id.system) {
            let system = Spanned { value: id.system.to_string(), span: stream.span };
            found.push(unknown("system", &system, closest(&id.system, manifest.systems.keys())));
        }
        retention_exists(manifest, &stream.retention, found);
        for subject in &stream.subjects {
            if !subject_exists(manifest, &subject.value) {
                found.push(unknown("data subject", subject, vocab::closest_subject(&subject.value).map(str::to_owned)));
            }
        }
        purposes_exist(manifest, stream.collected_for.iter(), found);
    }
}

/// Everything about each flow by itself on a day. A flow is absent if a reference is missing on which all else rests.
pub(super) fn flows(manifest: &Manifest, catalogue: &Catalogue, today: Date, found: &mut Vec<Problem>) -> BTreeMap<String, FlowRule> {
    // Where the manifest itself demands them, approvals are signatures: `hub.lock` has them, and who holds it asks.
    let approvals_are_here = manifest.approvals.is_none() && manifest.needs_approvals();
    let mut shapes = source::Shapes::default();
    let mut rules = BTreeMap::new();
    for flow in manifest.flows.values() {
        let source = ends(manifest, catalogue, flow, found);
        if approvals_are_here {
            approval::check(flow, found);
        }
        let Some(source) = source else { continue };
        let description = catalogue.get(&*flow.from.value.system).map(|found| &**found);
        let Some(resolved) = source::resolve(manifest, flow, source, description, &mut shapes, found) else { continue };
        rules.insert(flow.id.value.clone(), contents(manifest, catalogue, flow, resolved, today, found));
    }
    rules
}

/// What a flow names, whatever passes. The system that it reads from, if there is one.
fn ends<'m>(manifest: &'m Manifest, catalogue: &Catalogue, flow: &Flow, found: &mut Vec<Problem>) -> Option<&'m System> {
    retention_exists(manifest, &flow.retention, found);
    let from = system(manifest, &flow.from, found);
    let to = system(manifest, &flow.to, found);
    purposes_exist(manifest, [&flow.purpose].into_iter(), found);
    actions::names_exist(manifest, flow, found);
    for system in [from, to].into_iter().flatten() {
        system_is_approved(flow, system, found);
    }
    if let (Some(to), Some(description)) = (to, catalogue.get(&*flow.to.value.system)) {
        destination_can(flow, to, description, found);
    }
    consent::check(manifest, flow, found);
    from
}

fn contents(
    manifest: &Manifest,
    catalogue: &Catalogue,
    flow: &Flow,
    resolved: source::Resolved,
    today: Date,
    found: &mut Vec<Problem>,
) -> FlowRule {
    let fields = fields::labelled(manifest, catalogue, flow, &resolved.shape, found);
    actions::check(manifest, flow, &fields, found);
    labels::check(manifest, flow, &fields, catalogue, found);
    special::check(manifest, flow, &fields, today, found);
    let personal = fields.iter().any(|field| is_personal(manifest, &field.resulting));
    if personal {
        labels::subjects(manifest, flow, &fields, &resolved, found);
        labels::identity(manifest, flow, &resolved, found);
        labels::retention(manifest, flow, &fields, found);
        parties::check(manifest, flow, today, found);
        parties::erasure(manifest, flow, labels::finds_people(manifest, flow, &fields), found);
    }
    let lapses_on = if personal { parties::lapses_on(manifest, flow, today) } else { None };
    let (deletes, retracts) = deletes::resolve(manifest, catalogue, flow, &resolved, &fields, found);
    let source::Resolved { shape, primary_key, cursor, subjects, .. } = resolved;
    let consulted = consulted::resolve(manifest, catalogue, flow, &shape, found);
    conditions::check(manifest, flow, &shape, found);
    FlowRule { shape, fields, primary_key, cursor, subjects, consulted, deletes, retracts, lapses_on }
}

fn system<'a>(manifest: &'a Manifest, stream: &Spanned<StreamId>, found: &mut Vec<Problem>) -> Option<&'a System> {
    let id = &*stream.value.system;
    let system = manifest.systems.get(id);
    if system.is_none() {
        let written = Spanned { value: id.to_owned(), span: stream.span };
        found.push(
            unknown("system", &written, closest(id, manifest.systems.keys())).note("a recipient or source that is not declared is denied"),
        );
    }
    system
}

fn system_is_approved(flow: &Flow, system: &System, found: &mut Vec<Problem>) {
    let Some(status) = &system.status else { return };
    let word = match status.value {
        SystemStatus::Requested => "only requested",
        SystemStatus::Retired => "retired",
        SystemStatus::Pilot | SystemStatus::Approved | SystemStatus::Sunset => return,
    };
    found.push(
        Problem::new(
            Code::E105,
            format!("flow `{}` is denied: system `{}` is {word}", flow.id.value, system.id.value),
            "have the system approved and set its `status`, or remove the flow",
        )
        .at(status.span, "this status admits no flow")
        .at(flow.id.span, "the flow"),
    );
}

/// E106, direction and mode.
fn destination_can(flow: &Flow, system: &System, description: &Description, found: &mut Vec<Problem>) {
    let name = &description.name;
    let Some(claim) = &description.destination else {
        found.push(
            Problem::new(
                Code::E106,
                format!("flow `{}` is denied: connector `{name}` cannot be written to", flow.id.value),
                "send the flow to a system whose connector is a destination",
            )
            .at(flow.to.span, "the destination")
            .at(system.connector.span, "its connector"),
        );
        return;
    };
    let mode = match flow.mode.value {
        WriteMode::Append => "append",
        WriteMode::Replace => "replace",
        WriteMode::Upsert => "upsert",
    };
    if !claim.modes.iter().any(|known| known == mode) {
        found.push(
            Problem::new(
                Code::E106,
                format!("flow `{}` is denied: connector `{name}` cannot {mode}", flow.id.value),
                format!("set `mode` to one of: {}", claim.modes.join(", ")),
            )
            .at(flow.mode.span, "this mode"),
        );
    }
    if let Some(streams) = claim.streams.as_ref().filter(|streams| !streams.iter().any(|known| **known == *flow.to.value.stream)) {
        let near = closest(&flow.to.value.stream, streams.iter());
        found.push(unknown("stream", &Spanned { value: flow.to.value.to_string(), span: flow.to.span }, near));
    }
}

fn purposes_exist<'a>(manifest: &Manifest, named: impl Iterator<Item = &'a Spanned<String>>, found: &mut Vec<Problem>) {
    for purpose in named.filter(|purpose| !manifest.purposes.contains_key(&purpose.value)) {
        found.push(unknown("purpose", purpose, closest(&purpose.value, manifest.purposes.keys())));
    }
}

fn retention_exists(manifest: &Manifest, rules: &[Spanned<String>], found: &mut Vec<Problem>) {
    for rule in rules {
        if !manifest.retentions.contains_key(&rule.value) {
            found.push(unknown("retention rule", rule, closest(&rule.value, manifest.retentions.keys())));
        }
    }
}

/// E103 with the nearest known name, if one is near.
fn unknown(what: &str, written: &Spanned<String>, near: Option<String>) -> Problem {
    let value = &written.value;
    let problem = Problem::new(Code::E103, format!("{what} `{value}` is not declared"), "").at(written.span, format!("no such {what}"));
    match near {
        Some(near) => Problem { help: format!("did you mean `{near}`?"), ..problem },
        None => Problem { help: format!("declare the {what}, or correct the name"), ..problem },
    }
}

fn closest<'a>(wanted: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    vocab::closest_of(wanted, known.map(String::as_str)).map(str::to_owned)
}

fn shorten(names: &[String]) -> String {
    let shown = names.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 12 { format!("{shown}, … ({} in all)", names.len()) } else { shown }
}

fn category_exists(manifest: &Manifest, key: &str) -> bool {
    vocab::category(key).is_some() || manifest.categories.contains_key(key)
}

fn subject_exists(manifest: &Manifest, key: &str) -> bool {
    vocab::subject(key).is_some() || manifest.subjects.contains_key(key)
}

/// An extension category is as personal as its parent.
pub(super) fn is_personal(manifest: &Manifest, key: &str) -> bool {
    manifest.categories.get(key).map_or_else(|| vocab::is_personal(key), |extension| vocab::is_personal(&extension.parent))
}

/// The marks of a category. An extension without any has its parent's.
fn marks_of<'m>(manifest: &'m Manifest, key: &str) -> &'m [String] {
    let extension = manifest.categories.get(key).filter(|extension| extension.marks.is_empty());
    own_marks(manifest, extension.map_or(key, |extension| &extension.parent))
}

/// True if a category or one above it carries a mark.
pub(super) fn carries(manifest: &Manifest, key: &str, mark: &str) -> bool {
    above(key).any(|key| own_marks(manifest, key).iter().any(|own| own == mark))
}

fn own_marks<'m>(manifest: &'m Manifest, key: &str) -> &'m [String] {
    let shipped = || vocab::category(key).map(|category| category.marks.as_slice());
    manifest.categories.get(key).map(|extension| extension.marks.as_slice()).or_else(shipped).unwrap_or_default()
}

/// A category and those above it, the nearest first. A key always begins with its parent's.
fn above(key: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(key), |key| key.rsplit_once('.').map(|(parent, _)| parent))
}

/// True if `key` is `root` or stands below it, extensions included.
fn is_within(manifest: &Manifest, key: &str, root: &str) -> bool {
    vocab::is_within(key, root)
        || manifest.categories.get(key).is_some_and(|extension| key == root || vocab::is_within(&extension.parent, root))
}

/// The place of a flow's field that covers a leaf.
fn field_span(flow: &Flow, leaf: &FieldPath) -> Span {
    let listed = flow.fields.iter().find(|field| leaf.is_within(&field.path.value)).map(|field| field.path.span);
    listed.or_else(|| joined_span(flow, leaf)).unwrap_or(flow.fields_span)
}

/// The place of the action that a leaf is given.
pub(super) fn action_span(flow: &Flow, leaf: &FieldPath) -> Span {
    let listed = flow.fields.iter().find(|field| leaf.is_within(&field.path.value)).map(|field| field.action.span);
    listed.or_else(|| joined_span(flow, leaf)).unwrap_or(flow.fields_span)
}

/// Where a field is named that passes only as a part of another one.
fn joined_span(flow: &Flow, leaf: &FieldPath) -> Option<Span> {
    let parts = flow.fields.iter().filter_map(|field| match &field.action.value {
        Action::Concat { with, .. } => Some(with),
        _ => None,
    });
    parts.flatten().find(|part| leaf.is_within(&part.value)).map(|part| part.span)
}
