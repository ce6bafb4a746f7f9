//! Rules about labels: what a purpose needs (E104), what a destination takes (E106) and calls it (E107), whose data it is (E108), how long (E141).

use super::source::{self, Resolved};
use super::{closest, field_span, is_personal, is_within, subject_exists};
use crate::manifest::{Action, Flow, Manifest, StreamDeclaration};
use crate::policy::{Catalogue, LabelledField};
use crate::problem::{Code, Problem};
use crate::record::{FieldPath, StreamId};

/// E104, E106, E107 for every field that passes.
pub(super) fn check(manifest: &Manifest, flow: &Flow, fields: &[LabelledField], catalogue: &Catalogue, found: &mut Vec<Problem>) {
    let destination = catalogue.get(&*flow.to.value.system);
    // Parts of a joined field arrive as one; what is wrong with it is told once.
    for field in fields.iter().filter(|field| !matches!(&field.action, Action::Concat { with, .. } if with.is_empty())) {
        needed(manifest, flow, field, found);
        if let Some(claim) = destination.and_then(|description| description.destination.as_ref())
            && !claim.accepts.iter().any(|root| is_within(manifest, &field.resulting, root))
        {
            found.push(
                Problem::new(
                    Code::E106,
                    format!("flow `{}` is denied: the destination's connector does not take `{}`", flow.id.value, field.resulting),
                    format!("it takes: {}; leave `{}` out", claim.accepts.join(", "), field.path),
                )
                .at(field_span(flow, &field.path), format!("carries `{}`", field.resulting)),
            );
        }
        understated(manifest, catalogue, flow, field, found);
    }
}

fn needed(manifest: &Manifest, flow: &Flow, field: &LabelledField, found: &mut Vec<Problem>) {
    let Some(purpose) = manifest.purposes.get(&flow.purpose.value) else { return };
    let category = &field.resulting;
    if !is_personal(manifest, category) || purpose.allows.value.iter().any(|allowed| is_within(manifest, category, &allowed.value)) {
        return;
    }
    found.push(
        Problem::new(
            Code::E104,
            format!("flow `{}` is denied: purpose `{}` does not need `{category}`", flow.id.value, purpose.id.value),
            format!("drop the field, or add `{category}` to `allows` of the purpose and be ready to say why it is needed"),
        )
        .at(field_span(flow, &field.path), format!("`{}` carries `{category}`", field.path))
        .at(purpose.allows.span, "the purpose needs only these categories"),
    );
}

/// A destination that is described must call the data what it is, or something wider. What the manifest says of it comes first, then its schema,
/// then what its connector says of the stream of this name.
fn understated(manifest: &Manifest, catalogue: &Catalogue, flow: &Flow, field: &LabelledField, found: &mut Vec<Problem>) {
    let declared = manifest.streams.get(&flow.to.value);
    let label = declared.and_then(|stream| stream.labels().find(|(path, _)| field.to.is_within(&path.value)));
    if let Some((_, label)) = label {
        if weaker(manifest, field, &label.value) {
            found.push(understates(flow, field, &label.value).at(label.span, "this label understates the data"));
        }
        return;
    }
    let Some(known) = source::label(manifest, catalogue, &flow.to.value, &field.to) else {
        return undeclared(flow, field, declared, found);
    };
    if let Some(known) = known.filter(|known| weaker(manifest, field, known)) {
        let place = declared.and_then(|stream| stream.schema.as_ref()).map(|schema| schema.span);
        let says = if place.is_some() { "its schema says so" } else { "its connector says so" };
        found.push(understates(flow, field, &known).at(place.unwrap_or(flow.to.span), says));
    }
}

fn weaker(manifest: &Manifest, field: &LabelledField, label: &str) -> bool {
    is_personal(manifest, &field.resulting) && !is_within(manifest, &field.resulting, label)
}

fn understates(flow: &Flow, field: &LabelledField, label: &str) -> Problem {
    let (to, stream, resulting) = (&field.to, &flow.to.value, &field.resulting);
    Problem::new(
        Code::E107,
        format!("flow `{}` is denied: `{to}` of `{stream}` is labelled `{label}`, but it receives `{resulting}`", flow.id.value),
        format!("label it `{resulting}` or a category above it"),
    )
    .at(field_span(flow, &field.path), "arrives there")
}

/// A destination whose fields the manifest lists has these and no others.
fn undeclared(flow: &Flow, field: &LabelledField, declared: Option<&StreamDeclaration>, found: &mut Vec<Problem>) {
    let Some(stream) = declared.filter(|stream| !stream.fields.is_empty()) else { return };
    let names: Vec<String> = stream.labels().map(|(path, _)| path.value.as_str().to_owned()).collect();
    let help = closest(field.to.as_str(), names.iter()).map_or_else(
        || format!("declare it: `[stream.{}.fields]` with `{} = \"{}\"`", flow.to.value, field.to, field.resulting),
        |near| format!("did you mean `{near}`? set `to = \"{near}\"`"),
    );
    let title = format!("flow `{}` is denied: `{}` has no field `{}`", flow.id.value, flow.to.value, field.to);
    found.push(Problem::new(Code::E107, title, help).at(field_span(flow, &field.path), "arrives there"));
}

/// E108: personal data of nobody does not exist.
pub(super) fn subjects(manifest: &Manifest, flow: &Flow, fields: &[LabelledField], resolved: &Resolved, found: &mut Vec<Problem>) {
    let Some(personal) = fields.iter().find(|field| is_personal(manifest, &field.resulting)) else { return };
    if resolved.subjects.iter().any(|subject| subject_exists(manifest, subject)) || is_told_at_stream(manifest, &flow.from.value) {
        return;
    }
    let stream = &flow.from.value;
    found.push(
        Problem::new(
            Code::E108,
            format!("flow `{}` is denied: stream `{stream}` holds personal data and names no data subjects", flow.id.value),
            format!("say whose data it is: `[stream.{stream}]` with `subjects = [\"customer\"]`"),
        )
        .at(flow.from.span, "whose data is this?")
        .at(field_span(flow, &personal.path), format!("`{}` is personal", personal.resulting)),
    );
}

/// True if the manifest describes the fields itself: then `held` told of the stream what is missing.
fn is_told_at_stream(manifest: &Manifest, stream: &StreamId) -> bool {
    manifest.streams.get(stream).is_some_and(|stream| stream.labels().any(|(_, category)| is_personal(manifest, &category.value)))
}

/// Categories by whose values people are found.
const IDENTIFYING: [&str; 6] = [
    "user.contact.email",
    "user.contact.phone_number",
    "user.unique_id",
    "user.account",
    "user.government_id",
    "user.financial.bank_account",
];

fn identifies(manifest: &Manifest, category: &str) -> bool {
    IDENTIFYING.iter().any(|root| is_within(manifest, category, root))
}

/// E180 for a stream that its connector describes: a person is found by what the labels call identifying.
pub(super) fn identity(manifest: &Manifest, flow: &Flow, resolved: &Resolved, found: &mut Vec<Problem>) {
    let stream = &flow.from.value;
    let declared = manifest.streams.get(stream).is_some_and(|stream| !stream.identity.is_empty());
    let labelled = || resolved.shape.leaves().iter().any(|(_, leaf)| leaf.category.as_deref().is_some_and(|key| identifies(manifest, key)));
    if declared || is_told_at_stream(manifest, stream) || labelled() {
        return;
    }
    let title = format!("flow `{}` is denied: nothing says how a person is found in `{stream}`", flow.id.value);
    let help = format!(
        "name a field that identifies people: `[stream.{stream}]` with `identity = {{ KIND = {{ field = \"FIELD\", strength = \"strong\" }} }}`"
    );
    found.push(Problem::new(Code::E180, title, help).at(flow.from.span, "no field of it identifies a person"));
}

/// True if a person can be found again where a flow delivers.
pub(super) fn finds_people(manifest: &Manifest, flow: &Flow, fields: &[LabelledField]) -> bool {
    let declared = manifest.streams.get(&flow.to.value).is_some_and(|stream| !stream.identity.is_empty());
    declared || is_told_at_stream(manifest, &flow.to.value) || fields.iter().any(|field| identifies(manifest, &field.resulting))
}

/// E141: what arrives must leave again some day.
pub(super) fn retention(manifest: &Manifest, flow: &Flow, fields: &[LabelledField], found: &mut Vec<Problem>) {
    let declared = manifest.streams.get(&flow.to.value);
    let has_rule = !flow.retention.is_empty()
        || declared.is_some_and(|stream| !stream.retention.is_empty())
        || is_told_at_stream(manifest, &flow.to.value);
    let Some(personal) = fields.iter().find(|field| is_personal(manifest, &field.resulting) && !has_rule) else { return };
    let place: (&FieldPath, &str) = (&personal.path, &personal.resulting);
    found.push(
        Problem::new(
            Code::E141,
            format!("flow `{}` is denied: `{}` receives personal data and has no retention rule", flow.id.value, flow.to.value),
            "name a rule: `retention = [\"ID\"]` in the flow, and declare `[retention.ID]`",
        )
        .at(flow.to.span, "kept for how long?")
        .at(field_span(flow, place.0), format!("`{}` is personal", place.1)),
    );
}
