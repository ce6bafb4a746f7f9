//! Visits the components of a resolved manifest that a run uses. Shared components are visited once, at the first place where they stand.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use crate::value::{Dict, Value};
use crate::yaml::{Content, Node};

/// Parts of a manifest that a run does not use as components.
const APART: [&str; 4] = ["definitions", "schemas", "metadata", "$parameters"];

/// A component and where it stands.
pub struct Visit<'node> {
    /// The component: a mapping with a `type`.
    pub node: &'node Node,
    /// Its `type`.
    pub kind: &'node str,
    /// Where it stands.
    pub path: String,
}

impl Visit<'_> {
    /// The parameters of its templates.
    pub fn parameters(&self) -> Value {
        self.node.get("$parameters").map_or_else(|| Value::Dict(Arc::new(Dict::new())), Node::to_value)
    }
}

/// Visits all components.
pub fn components<'node>(root: &'node Node, see: &mut dyn FnMut(&Visit<'node>)) {
    let mut walk = Walk { seen: HashSet::new(), path: Vec::new(), see };
    walk.node(root);
}

/// Whether this member holds JSON, a specification or the like: no components.
pub fn is_apart(kind: Option<&str>, key: &str) -> bool {
    APART.contains(&key)
        || matches!(
            (kind, key),
            (Some("InlineSchemaLoader"), "schema") | (Some("Spec"), "connection_specification" | "advanced_auth") | (_, "config_overrides")
        )
}

struct Walk<'node, 'see> {
    seen: HashSet<usize>,
    path: Vec<Cow<'node, str>>,
    see: &'see mut dyn FnMut(&Visit<'node>),
}

impl<'node> Walk<'node, '_> {
    fn node(&mut self, node: &'node Node) {
        match &node.content {
            Content::Scalar(_) => {}
            Content::Sequence(sequence) => {
                if self.seen.insert(Arc::as_ptr(sequence).addr()) {
                    for (index, item) in sequence.items().iter().enumerate() {
                        self.path.push(Cow::Owned(index.to_string()));
                        self.node(item);
                        self.path.pop();
                    }
                }
            }
            Content::Mapping(mapping) => {
                if !self.seen.insert(Arc::as_ptr(mapping).addr()) {
                    return;
                }
                let kind = node.component_type();
                if let Some(kind) = kind {
                    (self.see)(&Visit { node, kind, path: self.path.join(".") });
                }
                for (key, entry) in mapping.entries() {
                    if !is_apart(kind, key) {
                        self.path.push(Cow::Borrowed(key));
                        self.node(&entry.node);
                        self.path.pop();
                    }
                }
            }
        }
    }
}
