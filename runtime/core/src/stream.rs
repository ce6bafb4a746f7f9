//! The shape of a stream: which fields exist, of which type and category. Built from a JSON Schema with `x-hub-category` or from field lists.
//!
//! Unknown stays denied: what a shape does not list is undeclared, also inside arrays and nested objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// The fields of a stream as a tree. The root is always an object.
#[derive(Clone, Debug, Default)]
pub struct StreamShape {
    /// Top-level fields by name.
    pub fields: BTreeMap<String, Node>,
    /// Names of top-level fields that every record must have.
    pub required: Vec<String>,
}

/// One place in a record.
#[derive(Clone, Debug)]
pub enum Node {
    /// A value that is taken as a whole.
    Leaf(Arc<Leaf>),
    /// An object with declared fields.
    Object {
        /// Fields by name.
        fields: BTreeMap<String, Node>,
        /// Fields that must be there.
        required: Vec<String>,
        /// `null` may stand in its place.
        nullable: bool,
    },
    /// An array whose elements all have one shape.
    List {
        /// The element.
        item: Box<Node>,
        /// `null` may stand in its place.
        nullable: bool,
    },
}

/// A value with its label and its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Key of the vocabulary. None = unclassified: not deliverable (E102).
    pub category: Option<String>,
    /// JSON Schema of the value. `None` where the manifest declares only a category: any scalar.
    pub schema: Option<Value>,
    /// True: objects and arrays are taken as they are (the schema says `type: object` without `properties`, with a category). False: scalars only,
    /// or arrays of scalars where the leaf is the item of a list.
    pub opaque: bool,
}
