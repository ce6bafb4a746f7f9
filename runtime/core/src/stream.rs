//! The shape of a stream: which fields exist, of which type and category. Built from a JSON Schema with `x-hub-category` or from field lists.
//!
//! Unknown stays denied: what a shape does not list is undeclared, also inside arrays and nested objects.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::record::FieldPath;

mod foreign;
mod schema;
#[cfg(test)]
mod tests;

pub use foreign::{Foreign, Hint};

/// The keyword by which a stream's JSON Schema names the data category of a field.
pub const CATEGORY_KEYWORD: &str = "x-hub-category";

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

/// What the values of a field are, in the words that databases have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// A text, and whatever has no type.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A text of the format `date-time`.
    Timestamp,
    /// A text of the format `date`.
    Date,
    /// An object, a list, or several types.
    Json,
}

impl Node {
    /// What its values are. `null` beside another type says nothing.
    #[must_use]
    pub fn kind(&self) -> ValueKind {
        let Self::Leaf(leaf) = self else { return ValueKind::Json };
        let Some(schema) = leaf.schema.as_ref().filter(|_| !leaf.opaque) else {
            return if leaf.opaque { ValueKind::Json } else { ValueKind::Text };
        };
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
            _ => Vec::new(),
        };
        match (types.as_slice(), schema.get("format").and_then(Value::as_str)) {
            (["string"], Some("date-time")) => ValueKind::Timestamp,
            (["string"], Some("date")) => ValueKind::Date,
            (["integer"], _) => ValueKind::Integer,
            (["number"], _) => ValueKind::Number,
            (["boolean"], _) => ValueKind::Boolean,
            (["object" | "array"] | [_, _, ..], _) => ValueKind::Json,
            _ => ValueKind::Text,
        }
    }
}

/// A place of a schema that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShapeError {
    /// RFC 6901 pointer into the schema; for declared fields the field path.
    pub pointer: String,
    /// One sentence without full stop.
    pub message: String,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the schema's root" } else { &self.pointer };
        write!(out, "{place}: {}", self.message)
    }
}

impl std::error::Error for ShapeError {}

/// The greatest nesting of objects and arrays in a shape; the record itself is the first level.
pub const MAX_SHAPE_DEPTH: usize = 16;
/// The greatest number of fields in a shape, containers included.
pub const MAX_SHAPE_FIELDS: usize = 2_000;

impl StreamShape {
    /// Reads a JSON Schema (draft 2020-12) of a record. A leaf's category is its own `x-hub-category` or that of the nearest container around it.
    ///
    /// # Errors
    /// Every place that cannot be used: references and combinations on containers, assertions about containers, names with dots, more than
    /// [`MAX_SHAPE_DEPTH`] levels or [`MAX_SHAPE_FIELDS`] fields.
    pub fn from_schema(schema: &Value) -> Result<Self, Vec<ShapeError>> {
        let (fields, required) = schema::read_record(schema)?;
        Ok(Self { fields, required })
    }

    /// Reads a JSON Schema of any draft that was written for other purposes. Never refuses and enforces no type: parts that are not told become opaque
    /// leaves, and no leaf has a category.
    #[must_use]
    pub fn from_foreign_schema(schema: &Value) -> Foreign {
        foreign::read(schema)
    }

    /// A shape of declared fields without a schema: scalar leaves, each with its category.
    ///
    /// # Errors
    /// A path that is declared twice or that stands inside another one, and the limits of [`StreamShape::from_schema`].
    pub fn from_fields(fields: &[(FieldPath, String)]) -> Result<Self, Vec<ShapeError>> {
        let mut shape = Self::default();
        let mut count = 0;
        let errors: Vec<ShapeError> =
            fields.iter().filter_map(|(path, category)| shape.insert(path, Some(category.clone()), &mut count).err()).collect();
        if errors.is_empty() { Ok(shape) } else { Err(errors) }
    }

    /// Adds a scalar leaf without a schema; objects on the way to it are made, arrays of objects are gone into.
    ///
    /// # Errors
    /// The path exists, a leaf stands on its way, or a limit is reached.
    pub fn declare(&mut self, path: &FieldPath, category: &str) -> Result<(), ShapeError> {
        let mut count = self.count();
        self.insert(path, Some(category.to_owned()), &mut count)
    }

    /// As [`StreamShape::declare`], for a leaf that nobody has labelled yet.
    ///
    /// # Errors
    /// The same.
    pub fn declare_unlabelled(&mut self, path: &FieldPath) -> Result<(), ShapeError> {
        let mut count = self.count();
        self.insert(path, None, &mut count)
    }

    /// [`Self::declare`] for one of many fields: `count` goes along, so that nothing is counted again for each of them.
    fn insert(&mut self, path: &FieldPath, category: Option<String>, count: &mut usize) -> Result<(), ShapeError> {
        let refuse = |message: String| ShapeError { pointer: path.as_str().to_owned(), message };
        let parts: Vec<&str> = path.parts().collect();
        let Some((last, outer)) = parts.split_last() else { return Err(refuse("a field needs a name".to_owned())) };
        if parts.len() > MAX_SHAPE_DEPTH {
            return Err(refuse(format!("more than {MAX_SHAPE_DEPTH} levels")));
        }
        if count.saturating_add(parts.len()) > MAX_SHAPE_FIELDS {
            return Err(refuse(format!("more than {MAX_SHAPE_FIELDS} fields")));
        }
        let mut fields = &mut self.fields;
        for part in outer {
            let node = fields.entry((*part).to_owned()).or_insert_with(|| {
                *count += 1;
                Node::empty_object()
            });
            fields = node.fields_mut().ok_or_else(|| refuse(format!("`{part}` is declared as a value without fields")))?;
        }
        if fields.contains_key(*last) {
            return Err(refuse("this field is declared already".to_owned()));
        }
        fields.insert((*last).to_owned(), Node::Leaf(Arc::new(Leaf { category, schema: None, opaque: false })));
        *count += 1;
        Ok(())
    }

    /// The node at a path; arrays on the way are transparent.
    #[must_use]
    pub fn at(&self, path: &FieldPath) -> Option<&Node> {
        let mut fields = Some(&self.fields);
        let mut found = None;
        for part in path.parts() {
            let node = fields?.get(part)?;
            fields = node.fields();
            found = Some(node);
        }
        found
    }

    /// All leaves with their paths, in the order of the paths.
    #[must_use]
    pub fn leaves(&self) -> Vec<(FieldPath, &Arc<Leaf>)> {
        let mut found = Vec::new();
        for (name, node) in &self.fields {
            if let Some(path) = FieldPath::parse(name) {
                node.collect(path, &mut found);
            }
        }
        found
    }

    /// The leaf at a path, or all leaves of the container there. Empty if nothing is declared there.
    #[must_use]
    pub fn leaves_within(&self, path: &FieldPath) -> Vec<(FieldPath, &Arc<Leaf>)> {
        let mut found = Vec::new();
        if let Some(node) = self.at(path) {
            node.collect(path.clone(), &mut found);
        }
        found
    }

    /// The shape with these fields and nothing beside them.
    #[must_use]
    pub fn only(&self, paths: &[FieldPath]) -> Self {
        let (fields, required) = only(&self.fields, &self.required, None, paths);
        Self { fields, required }
    }

    /// Sets the category of a leaf, or of every leaf of a container. False if nothing is declared there.
    pub fn set_category(&mut self, path: &FieldPath, category: &str) -> bool {
        let mut fields = &mut self.fields;
        let mut parts = path.parts().peekable();
        while let Some(part) = parts.next() {
            let Some(node) = fields.get_mut(part) else { return false };
            if parts.peek().is_none() {
                node.relabel(category);
                return true;
            }
            let Some(inner) = node.fields_mut() else { return false };
            fields = inner;
        }
        false
    }

    fn count(&self) -> usize {
        self.fields.values().map(Node::count).sum()
    }
}

/// The fields of one object that stand at one of the paths or on the way to it.
fn only(
    fields: &BTreeMap<String, Node>,
    required: &[String],
    at: Option<&FieldPath>,
    paths: &[FieldPath],
) -> (BTreeMap<String, Node>, Vec<String>) {
    let mut kept = BTreeMap::new();
    for (name, node) in fields {
        let Some(path) = at.map_or_else(|| FieldPath::parse(name), |at| Some(at.child(name))) else { continue };
        if paths.iter().any(|wanted| path.is_within(wanted)) {
            kept.insert(name.clone(), node.clone());
        } else if let Node::Object { fields, required, nullable } = node
            && paths.iter().any(|wanted| wanted.is_within(&path))
        {
            let (fields, required) = only(fields, required, Some(&path), paths);
            kept.insert(name.clone(), Node::Object { fields, required, nullable: *nullable });
        }
    }
    let required = required.iter().filter(|name| kept.contains_key(*name)).cloned().collect();
    (kept, required)
}

impl Node {
    /// The fields of an object, or of the objects in an array. None at a leaf.
    #[must_use]
    pub fn fields(&self) -> Option<&BTreeMap<String, Node>> {
        match self {
            Self::Leaf(_) => None,
            Self::Object { fields, .. } => Some(fields),
            Self::List { item, .. } => item.fields(),
        }
    }

    fn fields_mut(&mut self) -> Option<&mut BTreeMap<String, Node>> {
        match self {
            Self::Leaf(_) => None,
            Self::Object { fields, .. } => Some(fields),
            Self::List { item, .. } => item.fields_mut(),
        }
    }

    fn empty_object() -> Self {
        Self::Object { fields: BTreeMap::new(), required: Vec::new(), nullable: true }
    }

    fn count(&self) -> usize {
        1 + self.fields().map_or(0, |fields| fields.values().map(Self::count).sum())
    }

    fn collect<'a>(&'a self, path: FieldPath, found: &mut Vec<(FieldPath, &'a Arc<Leaf>)>) {
        match self {
            Self::Leaf(leaf) => found.push((path, leaf)),
            Self::List { item, .. } => item.collect(path, found),
            Self::Object { fields, .. } => {
                for (name, node) in fields {
                    node.collect(path.child(name), found);
                }
            }
        }
    }

    fn relabel(&mut self, category: &str) {
        match self {
            Self::Leaf(leaf) => *leaf = Arc::new(Leaf { category: Some(category.to_owned()), ..(**leaf).clone() }),
            Self::List { item, .. } => item.relabel(category),
            Self::Object { fields, .. } => fields.values_mut().for_each(|node| node.relabel(category)),
        }
    }
}
