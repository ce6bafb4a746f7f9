//! A JSON Schema that somebody else wrote, for nobody's gate → shape. Never refuses: what cannot be told for sure becomes narrower or a whole.
//!
//! Such schemas describe loosely and are enforced by nobody, so types are not: a scalar leaf takes any scalar, every container may be `null`, no
//! field is required. What holds is the place of each value: a field that no schema names stays undeclared, and a part whose inside is not told is
//! opaque and has no label, so it is not deliverable until somebody labels it as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Leaf, MAX_SHAPE_DEPTH, MAX_SHAPE_FIELDS, Node, StreamShape};

/// How many references may lead into each other on the way to one field.
const MAX_REFERENCES: usize = 16;
/// Schemas looked at for one stream, so that references and combinations cannot multiply without end.
const MAX_STEPS: usize = 50_000;

/// What became of a foreign schema.
#[derive(Clone, Debug, Default)]
pub struct Foreign {
    /// The fields.
    pub shape: StreamShape,
    /// In words what was left out, each with its field path.
    pub notes: Vec<String>,
    /// What the schema says about the values of scalar leaves, by path. Nothing enforces it.
    pub hints: BTreeMap<String, Hint>,
}

/// What a schema says about a scalar value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// It may be a text.
    pub text: bool,
    /// It may be a number.
    pub number: bool,
    /// It may be true or false.
    pub boolean: bool,
    /// `email`, `date-time` …
    pub format: Option<String>,
}

impl Foreign {
    /// A shape that somebody wrote for the gate, with what the schemas of its leaves say about their values.
    #[must_use]
    pub fn of(shape: &StreamShape) -> Self {
        let hints = shape.leaves().into_iter().filter_map(|(path, leaf)| Some((path.to_string(), hint(leaf.schema.as_ref()?))));
        Self { hints: hints.collect(), shape: shape.clone(), notes: Vec::new() }
    }
}

fn hint(schema: &Value) -> Hint {
    let mut found = Gathered::default();
    reader(schema).gather_into(schema, 0, &mut found);
    found.hint
}

fn reader(root: &Value) -> Reader<'_> {
    Reader { root, notes: Vec::new(), hints: BTreeMap::new(), fields: 0, steps: 0 }
}

/// Reads a schema.
pub(super) fn read(schema: &Value) -> Foreign {
    let mut reader = reader(schema);
    let mut found = Gathered::default();
    reader.gather_into(schema, 0, &mut found);
    let fields = reader.fields(&found, "", 1, 0);
    Foreign { shape: StreamShape { fields, required: Vec::new() }, notes: reader.notes, hints: reader.hints }
}

/// What all branches of a schema together say about a value.
#[derive(Default)]
struct Gathered<'a> {
    /// Something about it is not told: it may be anything.
    open: bool,
    scalar: bool,
    object: bool,
    array: bool,
    properties: Vec<(&'a String, &'a Value)>,
    items: Vec<&'a Value>,
    /// Some array has elements of which nothing is told.
    open_items: bool,
    hint: Hint,
}

struct Reader<'a> {
    root: &'a Value,
    notes: Vec<String>,
    hints: BTreeMap<String, Hint>,
    fields: usize,
    steps: usize,
}

impl<'a> Reader<'a> {
    fn gather_into(&mut self, schema: &'a Value, references: usize, found: &mut Gathered<'a>) {
        self.steps += 1;
        let Some(object) = schema.as_object().filter(|_| self.steps <= MAX_STEPS && references <= MAX_REFERENCES) else {
            found.open |= schema != &Value::Bool(false);
            return;
        };
        if let Some(target) = object.get("$ref") {
            return match target.as_str().and_then(|target| self.target(target)) {
                Some(target) => self.gather_into(target, references + 1, found),
                None => found.open = true,
            };
        }
        let mut told = types(object, found);
        if let Some(properties) = object.get("properties").and_then(Value::as_object) {
            (found.object, told) = (true, true);
            found.properties.extend(properties);
        }
        match object.get("items") {
            Some(Value::Object(_)) => {
                (found.array, told) = (true, true);
                found.items.extend(object.get("items"));
            }
            Some(Value::Array(items)) if !items.is_empty() => {
                (found.array, told) = (true, true);
                found.items.extend(items);
            }
            _ if names(object, "array") => found.open_items = true,
            _ => {}
        }
        for branch in ["anyOf", "oneOf", "allOf"].iter().filter_map(|keyword| object.get(*keyword)?.as_array()).flatten() {
            told = true;
            self.gather_into(branch, references + 1, found);
        }
        if !told {
            told = constants(object, found);
        }
        found.open |= !told;
    }

    /// The schema that a reference inside the same document means.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        let pointer = reference.strip_prefix('#')?;
        self.root.pointer(pointer)
    }

    fn fields(&mut self, found: &Gathered<'a>, path: &str, depth: usize, references: usize) -> BTreeMap<String, Node> {
        let mut fields = BTreeMap::new();
        let mut schemas: BTreeMap<&String, Vec<&'a Value>> = BTreeMap::new();
        for (name, schema) in &found.properties {
            schemas.entry(name).or_default().push(schema);
        }
        for (name, schemas) in schemas {
            let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if name.is_empty() || name.contains('.') || name.chars().any(char::is_control) {
                self.note(&inner, "its name cannot be part of a path, so it stays undeclared");
            } else if self.fields >= MAX_SHAPE_FIELDS {
                self.note(path, &format!("the schema has more than {MAX_SHAPE_FIELDS} fields; the others stay undeclared"));
                break;
            } else {
                self.fields += 1;
                fields.insert(name.clone(), self.node(&schemas, &inner, depth, references));
            }
        }
        fields
    }

    fn node(&mut self, schemas: &[&'a Value], path: &str, depth: usize, references: usize) -> Node {
        let mut found = Gathered::default();
        for schema in schemas {
            self.gather_into(schema, references, &mut found);
        }
        if found.open || [found.scalar, found.object, found.array].into_iter().filter(|kind| *kind).count() > 1 {
            return opaque();
        }
        if depth >= MAX_SHAPE_DEPTH && (found.object || found.array) {
            self.note(path, &format!("it has more than {MAX_SHAPE_DEPTH} levels and is taken as a whole"));
            return opaque();
        }
        if found.object && !found.properties.is_empty() {
            let fields = self.fields(&found, path, depth + 1, references + 1);
            return if fields.is_empty() { opaque() } else { Node::Object { fields, required: Vec::new(), nullable: true } };
        }
        if found.array && !found.open_items {
            let item = self.node(&found.items, path, depth + 1, references + 1);
            return Node::List { item: Box::new(item), nullable: true };
        }
        if found.object || found.array {
            return opaque();
        }
        self.hints.insert(path.to_owned(), found.hint);
        leaf(false)
    }

    fn note(&mut self, path: &str, text: &str) {
        let place = if path.is_empty() { "the record" } else { path };
        let note = format!("`{place}`: {text}");
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

fn leaf(opaque: bool) -> Node {
    Node::Leaf(Arc::new(Leaf { category: None, schema: None, opaque }))
}

fn opaque() -> Node {
    leaf(true)
}

/// True if `type` permits this one.
fn names(object: &Map<String, Value>, wanted: &str) -> bool {
    match object.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(list)) => list.iter().any(|name| name.as_str() == Some(wanted)),
        _ => false,
    }
}

/// Notes what `type` permits. False if it says nothing; `null` alone says that there is nothing to take.
fn types(object: &Map<String, Value>, found: &mut Gathered<'_>) -> bool {
    let list = match object.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => return false,
    };
    for name in &list {
        match *name {
            "object" => found.object = true,
            "array" => found.array = true,
            "null" => {}
            "string" => (found.scalar, found.hint.text) = (true, true),
            "integer" | "number" => (found.scalar, found.hint.number) = (true, true),
            "boolean" => (found.scalar, found.hint.boolean) = (true, true),
            _ => found.open = true,
        }
    }
    if let (true, Some(format)) = (found.scalar, object.get("format").and_then(Value::as_str)) {
        found.hint.format.get_or_insert_with(|| format.to_owned());
    }
    !list.is_empty()
}

/// A schema without types may list the values.
fn constants(object: &Map<String, Value>, found: &mut Gathered<'_>) -> bool {
    let listed = object.get("enum").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut values = listed.iter().chain(object.get("const")).peekable();
    if values.peek().is_none() {
        return false;
    }
    found.scalar |= values.all(|value| !value.is_object() && !value.is_array());
    found.scalar
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::{Value, json};

    use super::{Foreign, Hint};
    use crate::record::FieldPath;
    use crate::stream::{MAX_SHAPE_FIELDS, Node, StreamShape};

    fn shape(properties: Value) -> StreamShape {
        StreamShape::from_foreign_schema(&json!({ "type": ["object", "null"], "additionalProperties": true, "properties": properties }))
            .shape
    }

    /// `path kind` of every leaf.
    fn leaves(shape: &StreamShape) -> Vec<String> {
        shape.leaves().into_iter().map(|(path, leaf)| format!("{path}{}", if leaf.opaque { " whole" } else { "" })).collect()
    }

    #[test]
    fn scalars_of_all_spellings_are_scalars() {
        let found = shape(json!({
            "a": { "type": ["null", "string"], "format": "date-time" },
            "b": { "type": "integer" },
            "c": { "anyOf": [{ "type": "null" }, { "type": "number" }, { "type": "string" }] },
            "d": { "oneOf": [{ "type": "boolean" }, { "enum": ["yes", "no"] }] },
            "e": { "enum": [1, 2, null] },
            "f": { "type": "null" },
        }));
        assert_eq!(leaves(&found), ["a", "b", "c", "d", "e", "f"]);
        assert!(found.required.is_empty());
    }

    #[test]
    fn what_is_not_told_is_a_whole_without_a_label() {
        let found = shape(json!({
            "any": {}, "yes": true, "odd": { "type": "file" }, "text_or_object": { "type": ["string", "object"] },
            "object": { "type": "object", "additionalProperties": true }, "map": { "type": "object", "additionalProperties": { "type": "string" } },
            "list": { "type": ["array", "null"] }, "any_list": { "type": "array", "items": {} }, "values": { "enum": [[1], {}] },
            "loose": { "anyOf": [{ "type": "string" }, {}] }, "far": { "$ref": "https://example.org/x.json" },
        }));
        assert!(found.leaves().into_iter().all(|(_, leaf)| leaf.opaque && leaf.category.is_none()), "{:?}", leaves(&found));
        assert_eq!(found.leaves().len(), 11);
    }

    #[test]
    fn what_a_schema_says_about_values_is_a_hint() {
        let schema = json!({ "properties": { "who": { "properties": { "mail": { "type": ["null", "string"], "format": "email" }, "n": { "type": "integer" } } } } });
        let hints = StreamShape::from_foreign_schema(&schema).hints;
        assert_eq!(hints["who.mail"], Hint { text: true, format: Some("email".to_owned()), ..Hint::default() });
        assert_eq!(hints["who.n"], Hint { number: true, ..Hint::default() });
    }

    #[test]
    fn containers_are_opened_and_may_be_null() {
        let found = shape(json!({
            "address": { "anyOf": [{ "type": "null" }, { "type": "object", "properties": { "city": { "type": "string" } } }, { "properties": { "zip": { "type": "string" } } }] },
            "lines": { "type": ["null", "array"], "items": { "type": "object", "properties": { "tags": { "type": "array", "items": { "type": "string" } } } } },
            "pair": { "type": "array", "items": [{ "type": "string" }, { "type": "integer" }] },
            "all": { "allOf": [{ "properties": { "x": { "type": "string" } } }, { "properties": { "y": { "type": "string" } } }] },
        }));
        assert_eq!(leaves(&found), ["address.city", "address.zip", "all.x", "all.y", "lines.tags", "pair"]);
        assert!(matches!(found.at(&FieldPath::parse("address").unwrap()), Some(Node::Object { nullable: true, .. })));
        assert!(matches!(found.at(&FieldPath::parse("lines").unwrap()), Some(Node::List { nullable: true, .. })));
    }

    #[test]
    fn references_inside_are_followed_and_circles_end() {
        let schema = json!({
            "type": "object",
            "properties": { "owner": { "$ref": "#/definitions/person" }, "nowhere": { "$ref": "#/definitions/missing" } },
            "definitions": { "person": { "type": "object", "properties": { "name": { "type": "string" }, "boss": { "$ref": "#/definitions/person" } } } },
        });
        let found = leaves(&StreamShape::from_foreign_schema(&schema).shape);
        assert!(found.contains(&"owner.name".to_owned()) && found.contains(&"owner.boss.name".to_owned()), "{found:?}");
        assert!(found.contains(&"nowhere whole".to_owned()) && found.iter().any(|leaf| leaf.ends_with("boss whole")), "{found:?}");
    }

    #[test]
    fn what_cannot_be_addressed_stays_undeclared_and_is_told() {
        let Foreign { shape: found, notes, .. } =
            StreamShape::from_foreign_schema(&json!({ "properties": { "a.b": { "type": "string" }, "": {}, "ok": { "type": "string" } } }));
        assert_eq!((leaves(&found), notes.len()), (vec!["ok".to_owned()], 2));
        let many: serde_json::Map<String, Value> =
            (0..=MAX_SHAPE_FIELDS).map(|at| (format!("f{at}"), json!({ "type": "string" }))).collect();
        let Foreign { shape: found, notes, .. } = StreamShape::from_foreign_schema(&json!({ "properties": many }));
        assert_eq!((found.leaves().len(), notes.len()), (MAX_SHAPE_FIELDS, 1));
    }

    #[test]
    fn no_schema_makes_it_refuse_or_run_on() {
        for schema in [json!(null), json!(true), json!([]), json!({}), json!({ "$ref": "#" }), json!({ "properties": 1, "type": 7 })] {
            assert!(StreamShape::from_foreign_schema(&schema).shape.fields.is_empty(), "{schema}");
        }
        let mut definitions = serde_json::Map::new();
        for at in 0..40 {
            let next = json!({ "$ref": format!("#/definitions/d{}", at + 1) });
            definitions.insert(format!("d{at}"), json!({ "properties": { "a": next.clone(), "b": next.clone(), "c": next } }));
        }
        let Foreign { shape: found, .. } =
            StreamShape::from_foreign_schema(&json!({ "$ref": "#/definitions/d0", "definitions": definitions }));
        assert!(found.leaves().len() <= MAX_SHAPE_FIELDS);
    }
}
