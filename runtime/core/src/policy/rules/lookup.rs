//! The field that a lookup reads: which stream and field `via` names, and its category (E101, E102, E103).

use super::source;
use super::{category_exists, closest, unknown};
use crate::manifest::{Action, Flow, FlowField, Manifest};
use crate::policy::Catalogue;
use crate::problem::{Code, Problem, Spanned};
use crate::record::{FieldPath, StreamId};

/// The category of the looked-up field. None if it is not known; then that was told.
pub(super) fn category(
    manifest: &Manifest,
    catalogue: &Catalogue,
    flow: &Flow,
    field: &FlowField,
    via: &str,
    found: &mut Vec<Problem>,
) -> Option<String> {
    let readings: Vec<(StreamId, FieldPath)> =
        Action::via_places(via).into_iter().filter(|(stream, _)| source::is_known(manifest, catalogue, stream)).collect();
    let span = field.action.span;
    if readings.is_empty() {
        let known: Vec<String> = manifest.streams.keys().map(ToString::to_string).collect();
        let name = Action::via_places(via).into_iter().next().map_or_else(|| via.to_owned(), |(stream, _)| stream.to_string());
        let near = closest(&name, known.iter());
        found.push(unknown("stream", &Spanned { value: name, span }, near).note(format!("`{}` is looked up in it", field.path.value)));
        return None;
    }
    let labels =
        readings.iter().find_map(|(stream, path)| source::label(manifest, catalogue, stream, path).map(|label| (stream, path, label)));
    let Some((stream, path, label)) = labels else {
        let (stream, path) = readings.first()?;
        found.push(
            Problem::new(
                Code::E101,
                format!("flow `{}` is denied: stream `{stream}` declares no field `{path}` that could be looked up", flow.id.value),
                format!("name a single value, or declare it: `[stream.{stream}.fields]` with `{path} = \"CATEGORY\"`"),
            )
            .at(span, "looked up here"),
        );
        return None;
    };
    if label.as_deref().is_none_or(|key| !category_exists(manifest, key)) {
        found.push(
            Problem::new(
                Code::E102,
                format!("flow `{}` is denied: field `{path}` of `{stream}` has no data category that is known", flow.id.value),
                format!("classify it: `[stream.{stream}.fields]` with `{path} = \"CATEGORY\"`"),
            )
            .at(span, "unclassified data is not deliverable"),
        );
        return None;
    }
    label
}
