//! A value with the places it was written at. Subtrees are shared, so that aliases and references cost nothing; sizes and depths count what is
//! seen by whoever walks the tree, not what is stored.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::fault::Mark;
use crate::value::{Dict, JsonError, Value};

/// The members of a mapping, in order.
pub type Entries = IndexMap<Arc<str>, Entry>;

/// One value of a manifest. Cloning is cheap. Two nodes are equal if their values are; marks do not count.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it was defined; none if it comes from JSON or was put in by the loader.
    pub mark: Option<Mark>,
    /// What it is.
    pub content: Content,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Content {
    /// A text, number, truth value or nothing; never a list or dictionary.
    Scalar(Value),
    /// A list.
    Sequence(Arc<Sequence>),
    /// A dictionary with texts as keys.
    Mapping(Arc<Mapping>),
}

/// A member of a mapping.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where its key stands.
    pub key_mark: Option<Mark>,
    /// Its value.
    pub node: Node,
}

/// A list that knows its size.
#[derive(Debug)]
pub struct Sequence {
    items: Vec<Node>,
    size: u64,
    depth: u32,
}

/// A dictionary that knows its size.
#[derive(Debug)]
pub struct Mapping {
    entries: Entries,
    size: u64,
    depth: u32,
}

impl Sequence {
    /// What is in it.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        &self.items
    }
}

impl Mapping {
    /// What is in it.
    #[must_use]
    pub fn entries(&self) -> &Entries {
        &self.entries
    }
}

impl From<Node> for Entry {
    fn from(node: Node) -> Self {
        Self { key_mark: node.mark, node }
    }
}

impl Node {
    /// A single value. Lists and dictionaries become nodes of their own.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        match value {
            Value::List(items) | Value::Tuple(items) => Self::sequence(None, items.iter().map(Self::from_value).collect()),
            Value::Dict(dict) => Self::mapping(None, dict.iter().map(|(key, item)| (key.clone(), Self::from_value(item).into())).collect()),
            scalar => Self::scalar(None, scalar.clone()),
        }
    }

    /// A scalar.
    #[must_use]
    pub fn scalar(mark: Option<Mark>, value: Value) -> Self {
        Self { mark, content: Content::Scalar(value) }
    }

    /// A text without a place.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::scalar(None, Value::str(text))
    }

    /// A list.
    #[must_use]
    pub fn sequence(mark: Option<Mark>, items: Vec<Node>) -> Self {
        let (size, depth) = measure(items.iter());
        Self { mark, content: Content::Sequence(Arc::new(Sequence { items, size, depth })) }
    }

    /// A mapping.
    #[must_use]
    pub fn mapping(mark: Option<Mark>, entries: Entries) -> Self {
        let (size, depth) = measure(entries.values().map(|entry| &entry.node));
        Self { mark, content: Content::Mapping(Arc::new(Mapping { entries, size, depth })) }
    }

    /// The number of nodes that a walk would see, this one included.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::Scalar(_) => 1,
            Content::Sequence(sequence) => sequence.size,
            Content::Mapping(mapping) => mapping.size,
        }
    }

    /// How many nodes stand one in another at most, this one included.
    #[must_use]
    pub fn depth(&self) -> u32 {
        match &self.content {
            Content::Scalar(_) => 1,
            Content::Sequence(sequence) => sequence.depth,
            Content::Mapping(mapping) => mapping.depth,
        }
    }

    /// The scalar, if it is one.
    #[must_use]
    pub fn as_scalar(&self) -> Option<&Value> {
        match &self.content {
            Content::Scalar(value) => Some(value),
            _ => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_scalar()?.as_str()
    }

    /// The items, if it is a list.
    #[must_use]
    pub fn items(&self) -> Option<&[Node]> {
        match &self.content {
            Content::Sequence(sequence) => Some(&sequence.items),
            _ => None,
        }
    }

    /// The members, if it is a mapping.
    #[must_use]
    pub fn entries(&self) -> Option<&Entries> {
        match &self.content {
            Content::Mapping(mapping) => Some(&mapping.entries),
            _ => None,
        }
    }

    /// A member of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.get(key).map(|entry| &entry.node)
    }

    /// What stands under several keys, one in another. An index counts as a key of a list.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, step| match &node.content {
            Content::Mapping(mapping) => mapping.entries.get(*step).map(|entry| &entry.node),
            Content::Sequence(sequence) => sequence.items.get(step.parse::<usize>().ok()?),
            Content::Scalar(_) => None,
        })
    }

    /// The `type` of a component.
    #[must_use]
    pub fn component_type(&self) -> Option<&str> {
        self.get("type")?.as_str()
    }

    /// Python's truth.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match &self.content {
            Content::Scalar(value) => value.is_truthy(),
            Content::Sequence(sequence) => !sequence.items.is_empty(),
            Content::Mapping(mapping) => !mapping.entries.is_empty(),
        }
    }

    /// In words: `a text`, `a list` …, for messages.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match &self.content {
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a mapping",
            Content::Scalar(value) => match value {
                Value::None => "nothing",
                Value::Bool(_) => "a truth value",
                Value::Int(_) => "an integer",
                Value::Float(..) => "a number",
                _ => "a text",
            },
        }
    }

    /// The value without its places.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::Sequence(sequence) => Value::List(Arc::new(sequence.items.iter().map(Self::to_value).collect())),
            Content::Mapping(mapping) => {
                let dict: Dict = mapping.entries.iter().map(|(key, entry)| (key.clone(), entry.node.to_value())).collect();
                Value::Dict(Arc::new(dict))
            }
        }
    }

    /// Reads JSON: what a host hands to a guest. The places are lost.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn from_json(bytes: &[u8]) -> Result<Self, JsonError> {
        Value::from_json(bytes).map(|value| Self::from_value(&value))
    }

    /// Writes JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        match &self.content {
            Content::Scalar(value) => value.write_json(out),
            Content::Sequence(sequence) => {
                out.push(b'[');
                for (index, item) in sequence.items.iter().enumerate() {
                    separate(index, out);
                    item.write_json(out);
                }
                out.push(b']');
            }
            Content::Mapping(mapping) => {
                out.push(b'{');
                for (index, (key, entry)) in mapping.entries.iter().enumerate() {
                    separate(index, out);
                    Value::Str(key.clone()).write_json(out);
                    out.push(b':');
                    entry.node.write_json(out);
                }
                out.push(b'}');
            }
        }
    }

    /// Whether both are one and the same in memory; then whatever is derived from them is the same, too.
    #[must_use]
    pub fn is_same(&self, other: &Node) -> bool {
        match (&self.content, &other.content) {
            (Content::Sequence(mine), Content::Sequence(theirs)) => Arc::ptr_eq(mine, theirs),
            (Content::Mapping(mine), Content::Mapping(theirs)) => Arc::ptr_eq(mine, theirs),
            _ => false,
        }
    }

    /// The same, defined elsewhere.
    #[must_use]
    pub fn marked(mut self, mark: Option<Mark>) -> Self {
        self.mark = mark;
        self
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        match (&self.content, &other.content) {
            (Content::Scalar(mine), Content::Scalar(theirs)) => mine == theirs,
            (Content::Sequence(mine), Content::Sequence(theirs)) => Arc::ptr_eq(mine, theirs) || mine.items == theirs.items,
            (Content::Mapping(mine), Content::Mapping(theirs)) => Arc::ptr_eq(mine, theirs) || mine.entries == theirs.entries,
            _ => false,
        }
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

fn measure<'node>(nodes: impl Iterator<Item = &'node Node>) -> (u64, u32) {
    nodes.fold((1, 1), |(size, depth), node| (size.saturating_add(node.size()), depth.max(node.depth().saturating_add(1))))
}
