//! What a flow reads: the connector's claim about the stream, tightened and completed by the manifest's `[stream]` table.

use std::collections::HashMap;
use std::sync::Arc;

use super::{closest, unknown};
use crate::description::{Description, StreamClaim};
use crate::manifest::{ConnectorRef, Flow, Manifest, StreamDeclaration, System};
use crate::policy::Catalogue;
use crate::problem::{Code, Problem, Spanned};
use crate::record::{FieldPath, StreamId};
use crate::stream::{Node, StreamShape};

/// A source stream, resolved.
pub(super) struct Resolved {
    pub shape: Arc<StreamShape>,
    pub primary_key: Vec<FieldPath>,
    pub cursor: Option<FieldPath>,
    pub subjects: Vec<String>,
    /// The source reports records that were deleted.
    pub deletes: bool,
}

/// Shapes of streams that several flows read, unless there is something to tell about them: that is told at each flow.
#[derive(Default)]
pub(super) struct Shapes(HashMap<StreamId, Arc<StreamShape>>);

impl Shapes {
    fn get(
        &mut self,
        stream: &StreamId,
        claim: Option<&StreamClaim>,
        declared: Option<&StreamDeclaration>,
        found: &mut Vec<Problem>,
    ) -> Arc<StreamShape> {
        if let Some(known) = self.0.get(stream) {
            return Arc::clone(known);
        }
        let told = found.len();
        let shape = Arc::new(shape(claim, declared, found));
        if found.len() == told {
            self.0.insert(stream.clone(), Arc::clone(&shape));
        }
        shape
    }
}

/// None if the stream is not known at all (E103, E106).
pub(super) fn resolve(
    manifest: &Manifest,
    flow: &Flow,
    system: &System,
    description: Option<&Description>,
    shapes: &mut Shapes,
    found: &mut Vec<Problem>,
) -> Option<Resolved> {
    let declared = manifest.streams.get(&flow.from.value);
    let Some(description) = description else {
        // A component that is in a registry says nothing yet: what the manifest declares is judged, and `run` has nothing to run.
        let is_elsewhere = matches!(system.connector.value, ConnectorRef::Oci(_)) && declared.is_some();
        return is_elsewhere.then(|| resolved(shapes.get(&flow.from.value, None, declared, found), None, declared));
    };
    let Some(source) = &description.source else {
        found.push(
            Problem::new(
                Code::E106,
                format!("flow `{}` is denied: connector `{}` cannot be read from", flow.id.value, description.name),
                "read from a system whose connector is a source",
            )
            .at(flow.from.span, "the source"),
        );
        return None;
    };
    let claim = source.streams.iter().find(|claim| *claim.name == *flow.from.value.stream);
    if claim.is_none() && !source.any_stream {
        let names: Vec<String> = source.streams.iter().map(|claim| claim.name.clone()).collect();
        let near = closest(&flow.from.value.stream, names.iter()).map(|near| format!("{}.{near}", flow.from.value.system));
        let written = Spanned { value: flow.from.value.to_string(), span: flow.from.span };
        found.push(unknown("stream", &written, near).note(format!("connector `{}` offers: {}", description.name, names.join(", "))));
        return None;
    }
    Some(resolved(shapes.get(&flow.from.value, claim, declared, found), claim, declared))
}

fn resolved(shape: Arc<StreamShape>, claim: Option<&StreamClaim>, declared: Option<&StreamDeclaration>) -> Resolved {
    Resolved {
        primary_key: declared.filter(|own| !own.primary_key.is_empty()).map_or_else(
            || claim.map(|claim| claim.primary_key.clone()).unwrap_or_default(),
            |own| own.primary_key.iter().map(|path| path.value.clone()).collect(),
        ),
        cursor: declared
            .and_then(|own| own.cursor.as_ref().map(|path| path.value.clone()))
            .or_else(|| claim.and_then(|claim| claim.cursor.clone())),
        subjects: declared.filter(|own| !own.subjects.is_empty()).map_or_else(
            || claim.map(|claim| claim.subjects.clone()).unwrap_or_default(),
            |own| own.subjects.iter().map(|subject| subject.value.clone()).collect(),
        ),
        deletes: declared.and_then(|own| own.deletes.as_ref()).map_or_else(|| claim.is_some_and(|claim| claim.deletes), |said| said.value),
        shape,
    }
}

/// A stream that is not the flow's source, as far as it is known. What is wrong with a schema is told where the stream is a source.
pub(super) fn beside(manifest: &Manifest, catalogue: &Catalogue, stream: &StreamId) -> Resolved {
    let shape = Arc::new(known_shape(manifest, catalogue, stream));
    resolved(shape, claim(catalogue, stream), manifest.streams.get(stream))
}

/// The fields of a stream as far as they can be told. What is wrong with them is told where a flow reads the stream.
pub(in crate::policy) fn known_shape(manifest: &Manifest, catalogue: &Catalogue, stream: &StreamId) -> StreamShape {
    shape(claim(catalogue, stream), manifest.streams.get(stream), &mut Vec::new())
}

/// True if the manifest or a connector says that there is such a stream.
pub(super) fn is_known(manifest: &Manifest, catalogue: &Catalogue, stream: &StreamId) -> bool {
    manifest.systems.contains_key(&*stream.system) && (manifest.streams.contains_key(stream) || claim(catalogue, stream).is_some())
}

/// The label of a single value of a stream: the manifest's word, else its schema's, else the connector's. The inner None: it has none.
pub(super) fn label(manifest: &Manifest, catalogue: &Catalogue, stream: &StreamId, path: &FieldPath) -> Option<Option<String>> {
    let declared = manifest.streams.get(stream);
    if let Some((_, category)) = declared.and_then(|own| own.labels().find(|(own, _)| own.value == *path)) {
        return Some(Some(category.value.clone()));
    }
    match known_shape(manifest, catalogue, stream).at(path)? {
        Node::Leaf(leaf) => Some(leaf.category.clone()),
        Node::Object { .. } | Node::List { .. } => None,
    }
}

/// What a connector says about a stream.
pub(crate) fn claim<'a>(catalogue: &'a Catalogue, stream: &StreamId) -> Option<&'a StreamClaim> {
    let source = catalogue.get(&*stream.system)?.source.as_ref()?;
    source.streams.iter().find(|claim| *claim.name == *stream.stream)
}

/// The manifest's schema wins over the connector's; the manifest's field labels are laid over either.
fn shape(claim: Option<&StreamClaim>, declared: Option<&StreamDeclaration>, found: &mut Vec<Problem>) -> StreamShape {
    let base = declared.and_then(|own| own.schema.as_ref()).and_then(|schema| match StreamShape::from_schema(&schema.value) {
        Ok(shape) => Some(shape),
        Err(errors) => {
            for error in errors {
                found.push(
                    Problem::new(
                        Code::E008,
                        format!("the schema cannot be used: {} at {}", error.message, error.pointer),
                        "correct the schema file",
                    )
                    .at(schema.span, "this file"),
                );
            }
            None
        }
    });
    let all: Vec<(FieldPath, String)> = declared.into_iter().flat_map(StreamDeclaration::labels).map(plain).collect();
    // A stream whose connector knows no field is described by the manifest alone.
    let claimed = claim.map(|claim| &claim.shape).filter(|shape| !shape.fields.is_empty() || all.is_empty());
    let Some(mut shape) = base.or_else(|| claimed.cloned()) else { return from_labels(&all, declared, found) };
    declared.into_iter().for_each(|own| add(&mut shape, own, found));
    for (path, category) in declared.into_iter().flat_map(|own| &own.fields).map(plain) {
        if shape.at(&path).is_some() {
            shape.set_category(&path, &category);
        } else if let Some(place) = declared.and_then(|own| own.fields.iter().find(|(own, _)| own.value == path)) {
            found.push(
                Problem::new(
                    Code::E101,
                    format!("the schema of the stream has no field `{path}`"),
                    "take the label out, or say that records have the field: put it into `added` instead of `fields`",
                )
                .at(place.0.span, "not in the schema"),
            );
        }
    }
    shape
}

fn plain((path, category): &(Spanned<FieldPath>, Spanned<String>)) -> (FieldPath, String) {
    (path.value.clone(), category.value.clone())
}

/// Fields that nobody but the manifest knows. One that the connector has learnt meanwhile is a label like any other.
fn add(shape: &mut StreamShape, declared: &StreamDeclaration, found: &mut Vec<Problem>) {
    for (path, category) in &declared.added {
        if shape.set_category(&path.value, &category.value) {
            continue;
        }
        if let Err(error) = shape.declare(&path.value, &category.value) {
            let title = format!("field `{}` cannot be added to the stream: {}", path.value, error.message);
            found.push(Problem::new(Code::E008, title, "a path is either a value or has fields inside it").at(path.span, "added here"));
        }
    }
}

/// A stream that only the manifest describes.
fn from_labels(labels: &[(FieldPath, String)], declared: Option<&StreamDeclaration>, found: &mut Vec<Problem>) -> StreamShape {
    StreamShape::from_fields(labels).unwrap_or_else(|errors| {
        let span = declared.map(|own| own.span).unwrap_or_default();
        for error in errors {
            let title = format!("the fields of the stream cannot stand together: {} at {}", error.message, error.pointer);
            found.push(Problem::new(Code::E008, title, "a path is either a value or has fields inside it").at(span, "in this stream"));
        }
        StreamShape::default()
    })
}
