//! The fields of a flow, leaf by leaf, each with the label that it arrives with (E101, E102). Does not judge the labels.

use super::{category_exists, closest, lookup, shorten};
use crate::manifest::{Action, ConnectorRef, Flow, FlowField, Manifest};
use crate::policy::{Catalogue, LabelledField};
use crate::problem::Code;
use crate::problem::{Problem, Spanned};
use crate::record::FieldPath;
use crate::stream::StreamShape;
use crate::treat;

/// Every field of the flow is one that the stream declares; containers stand for the leaves below them.
pub(super) fn labelled(
    manifest: &Manifest,
    catalogue: &Catalogue,
    flow: &Flow,
    shape: &StreamShape,
    found: &mut Vec<Problem>,
) -> Vec<LabelledField> {
    let mut fields = Vec::new();
    for field in &flow.fields {
        match &field.action.value {
            Action::Concat { with, .. } if with.is_empty() => {}
            Action::Concat { with, .. } => fields.extend(joined(manifest, flow, field, with, shape, found)),
            action => {
                let other = match action {
                    Action::Lookup { via, .. } => {
                        let Some(category) = lookup::category(manifest, catalogue, flow, field, via, found) else { continue };
                        Some(category)
                    }
                    _ => None,
                };
                let others: Vec<&str> = other.iter().map(String::as_str).collect();
                for (path, category) in leaves(manifest, flow, field, shape, found) {
                    fields.extend(labelled_leaf(field, renamed(field, &path), path, category, &others));
                }
            }
        }
    }
    fields
}

fn labelled_leaf(field: &FlowField, to: FieldPath, path: FieldPath, category: String, others: &[&str]) -> Option<LabelledField> {
    let label = treat::label(&field.action.value, &category, others)?;
    let action = field.action.value.clone();
    Some(LabelledField { path, to, action, category, resulting: label.category, degraded: label.degraded, protected: label.protected })
}

/// Fields that become one: each part with its own category, all with the one that the whole has.
fn joined(
    manifest: &Manifest,
    flow: &Flow,
    head: &FlowField,
    with: &[Spanned<FieldPath>],
    shape: &StreamShape,
    found: &mut Vec<Problem>,
) -> Vec<LabelledField> {
    let tail = Action::Concat { with: Vec::new(), separator: String::new() };
    let part = |path: &Spanned<FieldPath>| FlowField {
        path: path.clone(),
        to: head.to.clone(),
        action: Spanned { value: tail.clone(), span: path.span },
    };
    let parts: Vec<FlowField> = std::iter::once(head.clone()).chain(with.iter().map(part)).collect();
    let leaves: Vec<(&FlowField, FieldPath, String)> = parts
        .iter()
        .flat_map(|field| leaves(manifest, flow, field, shape, found).into_iter().map(move |(path, category)| (field, path, category)))
        .collect();
    let all: Vec<&str> = leaves.iter().map(|(_, _, category)| category.as_str()).collect();
    let label = |(field, path, category): &(&FlowField, FieldPath, String)| {
        labelled_leaf(field, head.to.value.clone(), path.clone(), category.clone(), &all)
    };
    leaves.iter().filter_map(label).collect()
}

/// The leaves that a field stands for, with their categories.
fn leaves(manifest: &Manifest, flow: &Flow, field: &FlowField, shape: &StreamShape, found: &mut Vec<Problem>) -> Vec<(FieldPath, String)> {
    let leaves = shape.leaves_within(&field.path.value);
    if leaves.is_empty() {
        found.push(undeclared_field(flow, field, shape));
    }
    let mut known = Vec::new();
    for (path, leaf) in leaves {
        match leaf.category.clone().filter(|key| category_exists(manifest, key)) {
            Some(category) => known.push((path, category)),
            None => found.push(unclassified(manifest, flow, field, &path, leaf.category.as_deref())),
        }
    }
    known
}

/// Source path `a.b.c` of a field `a → x` becomes `x.b.c`.
fn renamed(field: &FlowField, leaf: &FieldPath) -> FieldPath {
    if field.to.value == field.path.value {
        return leaf.clone();
    }
    let rest = leaf.as_str().strip_prefix(field.path.value.as_str()).unwrap_or_default();
    FieldPath::parse(&format!("{}{rest}", field.to.value)).unwrap_or_else(|| leaf.clone())
}

fn undeclared_field(flow: &Flow, field: &FlowField, shape: &StreamShape) -> Problem {
    let stream = &flow.from.value;
    let path = field.path.value.as_str();
    let names: Vec<String> = shape.leaves().into_iter().map(|(path, _)| path.as_str().to_owned()).collect();
    let problem = Problem::new(Code::E101, format!("flow `{}` is denied: stream `{stream}` declares no field `{path}`", flow.id.value), "")
        .at(field.path.span, format!("not a field of `{stream}`"))
        .at(flow.from.span, "this stream");
    match closest(path, names.iter()) {
        Some(near) => Problem { help: format!("did you mean `{near}`?"), ..problem },
        None => Problem { help: format!("take the field out, or pick from: {}", shorten(&names)), ..problem },
    }
}

fn unclassified(manifest: &Manifest, flow: &Flow, field: &FlowField, path: &FieldPath, category: Option<&str>) -> Problem {
    let stream = &flow.from.value;
    let why = category.map_or_else(|| "has no data category".to_owned(), |key| format!("has the unknown category `{key}`"));
    let problem = Problem::new(
        Code::E102,
        format!("flow `{}` is denied: field `{path}` of `{stream}` {why}", flow.id.value),
        format!("classify it: `[stream.{stream}.fields]` with `{path} = \"CATEGORY\"`"),
    )
    .at(field.path.span, "unclassified data is not deliverable");
    match manifest.systems.get(&*stream.system).map(|system| &system.connector.value) {
        Some(ConnectorRef::LowCode(manifest)) => {
            problem.note(format!("`hub plugin label {manifest}` proposes labels for everything that this connector offers"))
        }
        _ => problem,
    }
}
