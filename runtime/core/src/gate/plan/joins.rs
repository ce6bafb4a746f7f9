//! Joins of a request, by the object that they are made in. Refuses what could not be joined without a doubt.

use std::collections::BTreeMap;

use super::{JoinPlan, PlanError, PlannedJoin};
use crate::record::FieldPath;
use crate::stream::{Node, StreamShape};
use crate::treat::escape;

/// The joins of all objects.
#[derive(Default)]
pub(super) struct Joins {
    /// By the path of the object; the record itself has none.
    objects: BTreeMap<String, Vec<JoinPlan>>,
    /// Each part's place in its object.
    places: BTreeMap<String, usize>,
}

impl Joins {
    /// Adds a join; every reason why it cannot be made goes to `errors`.
    pub(super) fn add(&mut self, shape: &StreamShape, join: &PlannedJoin, errors: &mut Vec<PlanError>) {
        let Some(first) = join.parts.first() else { return };
        let object = parent(first);
        let known = errors.len();
        let mut refuse = |path: &FieldPath, message: String| errors.push(PlanError { path: path.clone(), message });
        if first.parts().count() != join.to.parts().count() {
            refuse(first, format!("`{}` has another depth: a field can be renamed, not moved", join.to));
        }
        for path in &join.parts {
            match shape.at(path) {
                None => refuse(path, "nothing declares this field".to_owned()),
                Some(Node::Leaf(leaf)) if leaf.opaque => refuse(path, "only scalars can be joined".to_owned()),
                Some(Node::Leaf(leaf)) if leaf.category.is_none() => refuse(path, "it has no data category".to_owned()),
                Some(Node::Leaf(_)) if parent(path) != object => refuse(path, format!("it does not stand beside `{first}`")),
                Some(Node::Leaf(_)) => {}
                Some(_) => refuse(path, "only scalars can be joined".to_owned()),
            }
        }
        if errors.len() > known {
            return;
        }
        let joins = self.objects.entry(object.to_owned()).or_default();
        let start = joins.last().map_or(0, |join| join.parts.end);
        let mut separator = Vec::new();
        escape(&join.separator, &mut separator);
        let name = join.to.parts().last().unwrap_or_default();
        let emitted = [super::build::quote(name), b":".to_vec()].concat();
        joins.push(JoinPlan {
            first: first.clone(),
            emitted: emitted.into(),
            separator: separator.into(),
            parts: start..start + join.parts.len(),
        });
        for (at, path) in join.parts.iter().enumerate() {
            if self.places.insert(path.as_str().to_owned(), start + at).is_some() {
                errors.push(PlanError { path: path.clone(), message: "it is joined twice".to_owned() });
            }
        }
    }

    /// A field's place among the parts of its object.
    pub(super) fn place(&self, path: &str) -> Option<usize> {
        self.places.get(path).copied()
    }

    /// The joins of an object and the number of their parts.
    pub(super) fn take(&mut self, object: &str) -> (Vec<JoinPlan>, usize) {
        let joins = self.objects.remove(object).unwrap_or_default();
        let parts = joins.last().map_or(0, |join| join.parts.end);
        (joins, parts)
    }
}

/// The path of the object that a field stands in; empty for the record itself.
pub(super) fn parent(path: &FieldPath) -> &str {
    path.as_str().rsplit_once('.').map_or("", |(parent, _)| parent)
}
