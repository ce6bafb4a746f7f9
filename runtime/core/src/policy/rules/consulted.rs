//! Streams that a flow reads besides its source: the ledger that says who consented, and streams that keys are looked up in. Their fields must be declared
//! (E101, E102).

use super::{category_exists, source};
use crate::manifest::{Action, ConsentGate, Flow, Manifest};
use crate::policy::{Catalogue, Consulted, Role};
use crate::problem::{Code, Problem, Spanned};
use crate::record::{FieldPath, StreamId};
use crate::stream::{Node, StreamShape};

pub(super) fn resolve(
    manifest: &Manifest,
    catalogue: &Catalogue,
    flow: &Flow,
    own: &StreamShape,
    found: &mut Vec<Problem>,
) -> Vec<Consulted> {
    let mut consulted = Vec::new();
    if let Some(gate) = &flow.consent {
        let stream = &gate.ledger.value;
        if !source::is_known(manifest, catalogue, stream) {
            let title = format!("ledger `{stream}` is not declared");
            found.push(Problem::new(Code::E103, title, "declare the stream, or correct its name").at(gate.ledger.span, "no such stream"));
            return consulted;
        }
        let shape = source::beside(manifest, catalogue, stream).shape;
        for field in columns(manifest, gate) {
            scalar(manifest, flow, stream, &shape, field, found);
        }
        for (field, _) in &gate.matching {
            scalar(manifest, flow, &flow.from.value, own, field, found);
        }
        consulted.push(Consulted { stream: stream.clone(), shape, role: Role::Ledger });
    }
    for field in &flow.fields {
        let Action::Lookup { via, .. } = &field.action.value else { continue };
        // What names no known field was told where its label was looked for.
        let known = Action::via_places(via)
            .into_iter()
            .filter(|(stream, _)| source::is_known(manifest, catalogue, stream))
            .find(|(stream, path)| source::label(manifest, catalogue, stream, path).is_some());
        let Some((stream, value)) = known else { continue };
        let resolved = source::beside(manifest, catalogue, &stream);
        let key = <[FieldPath; 1]>::try_from(resolved.primary_key).ok().map(|[key]| key);
        consulted.push(Consulted { stream, shape: resolved.shape, role: Role::Lookup { via: via.clone(), key, value } });
    }
    consulted
}

/// The ledger's fields that a run reads.
fn columns<'m>(manifest: &'m Manifest, gate: &'m ConsentGate) -> Vec<&'m Spanned<FieldPath>> {
    let ledger = manifest.streams.get(&gate.ledger.value).and_then(|stream| stream.consent_ledger.as_ref());
    let named = ledger.map_or_else(Vec::new, |ledger| {
        [&ledger.subject, &ledger.scope, &ledger.status, &ledger.at, &ledger.proof].into_iter().flatten().collect()
    });
    named.into_iter().chain(gate.matching.iter().map(|(_, theirs)| theirs)).collect()
}

/// The field is one value with a known category.
fn scalar(manifest: &Manifest, flow: &Flow, stream: &StreamId, shape: &StreamShape, field: &Spanned<FieldPath>, found: &mut Vec<Problem>) {
    let path = &field.value;
    let (code, what, help) = match shape.at(path) {
        Some(Node::Leaf(leaf)) if !leaf.opaque => match &leaf.category {
            Some(category) if category_exists(manifest, category) => return,
            _ => (
                Code::E102,
                "has no data category that is known",
                format!("classify it: `[stream.{stream}.fields]` with `{path} = \"CATEGORY\"`"),
            ),
        },
        Some(_) => (Code::E101, "is no single value", "name a field that holds one value".to_owned()),
        None => (Code::E101, "is not declared", format!("declare it: `[stream.{stream}.fields]` with `{path} = \"CATEGORY\"`")),
    };
    let title = format!("flow `{}` is denied: field `{path}` of `{stream}` {what}", flow.id.value);
    found.push(Problem::new(code, title, help).at(field.span, "asked for here"));
}
