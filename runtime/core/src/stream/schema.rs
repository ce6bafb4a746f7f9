//! JSON Schema → fields. Refuses what the gate could not hold at a container, so that no keyword is silently without effect.
//!
//! Does not judge categories (the vocabulary does) and compiles no leaf (the gate's plan does).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Leaf, MAX_SHAPE_DEPTH, MAX_SHAPE_FIELDS, Node, ShapeError};
use super::CATEGORY_KEYWORD;

/// Keywords that assert something about a whole container. The scanner reads values one by one and would not see a breach.
const CONTAINER_ASSERTIONS: &[&str] = &[
    "$dynamicRef",
    "$ref",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "enum",
    "if",
    "maxContains",
    "maxItems",
    "maxProperties",
    "minContains",
    "minItems",
    "minProperties",
    "not",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
];
/// Keywords under which a schema hides that describes a container.
const CONTAINER_KEYWORDS: &[&str] = &["additionalProperties", "items", "patternProperties", "prefixItems", "properties"];
/// Keywords of a leaf that hold further schemas.
const COMBINATIONS: &[&str] = &["allOf", "anyOf", "else", "if", "not", "oneOf", "then"];

type Fields = (BTreeMap<String, Node>, Vec<String>);

/// The fields of the record that a schema describes, with the names of the required ones.
pub(super) fn read_record(schema: &Value) -> Result<Fields, Vec<ShapeError>> {
    let mut reader = Reader { errors: Vec::new(), fields: 0 };
    let found = reader.record(schema);
    if let (Some(fields), true) = (found, reader.errors.is_empty()) {
        return match jsonschema::draft202012::meta::validate(schema) {
            Ok(()) => Ok(fields),
            Err(error) => Err(vec![ShapeError {
                pointer: error.instance_path().to_string(),
                message: "this is not a JSON Schema of draft 2020-12".to_owned(),
            }]),
        };
    }
    reader.errors.sort();
    reader.errors.dedup();
    Err(reader.errors)
}

struct Reader {
    errors: Vec<ShapeError>,
    fields: usize,
}

/// Where the reader stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    pointer: &'a str,
    depth: usize,
    category: Option<&'a str>,
}

impl Reader {
    fn record(&mut self, schema: &Value) -> Option<Fields> {
        let place = Place { pointer: "", depth: 1, category: None };
        let Some(object) = schema.as_object() else {
            self.refuse("", "a record's schema is an object with `properties`");
            return None;
        };
        let category = self.own_category(object, "");
        match Types::of(object) {
            Some(types) if types.object && !types.array && !types.scalar && !types.null => {}
            _ => self.refuse("", "a record's schema needs `type` = \"object\""),
        }
        if !object.contains_key("properties") {
            self.refuse("", "a record's schema needs `properties`");
            return None;
        }
        self.object_fields(object, Place { category, ..place })
    }

    fn node(&mut self, schema: &Value, place: Place<'_>) -> Option<Node> {
        self.fields += 1;
        if self.fields == MAX_SHAPE_FIELDS + 1 {
            self.refuse(place.pointer, &format!("more than {MAX_SHAPE_FIELDS} fields"));
        }
        if self.fields > MAX_SHAPE_FIELDS {
            return None;
        }
        let Some(object) = schema.as_object() else {
            self.refuse(place.pointer, "a field's schema must be an object");
            return None;
        };
        let own = self.own_category(object, place.pointer);
        let inner = Place { category: own.or(place.category), ..place };
        let types = Types::of(object).unwrap_or_default();
        if object.contains_key("properties") {
            return self.object_node(object, types, inner);
        }
        if object.get("items").is_some_and(Value::is_object) {
            return self.list_node(object, types, inner);
        }
        self.leaf_node(object, types, own, inner)
    }

    fn object_node(&mut self, object: &Map<String, Value>, types: Types, place: Place<'_>) -> Option<Node> {
        if types.array || types.scalar || object.contains_key("items") {
            self.refuse(place.pointer, "a field is an object, an array or a scalar, not several of them");
        }
        let (fields, required) = self.object_fields(object, Place { depth: place.depth + 1, ..place })?;
        Some(Node::Object { fields, required, nullable: types.null })
    }

    fn list_node(&mut self, object: &Map<String, Value>, types: Types, place: Place<'_>) -> Option<Node> {
        if types.object || types.scalar {
            self.refuse(place.pointer, "a field is an object, an array or a scalar, not several of them");
        }
        let depth = place.depth + 1;
        if !self.container(object, Place { depth, ..place }) {
            return None;
        }
        let pointer = format!("{}/items", place.pointer);
        let item = self.node(object.get("items")?, Place { pointer: &pointer, depth, ..place })?;
        Some(Node::List { item: Box::new(item), nullable: types.null })
    }

    fn object_fields(&mut self, object: &Map<String, Value>, place: Place<'_>) -> Option<Fields> {
        if !self.container(object, place) {
            return None;
        }
        let Some(properties) = object.get("properties").and_then(Value::as_object) else {
            self.refuse(&format!("{}/properties", place.pointer), "`properties` must be an object");
            return None;
        };
        let mut fields = BTreeMap::new();
        for (name, schema) in properties {
            let pointer = format!("{}/properties/{}", place.pointer, name.replace('~', "~0").replace('/', "~1"));
            if name.is_empty() || name.contains('.') {
                self.refuse(&pointer, "a field's name has text and no dots");
            } else if let Some(node) = self.node(schema, Place { pointer: &pointer, ..place }) {
                fields.insert(name.clone(), node);
            }
        }
        let required = self.required(object, properties, place.pointer);
        Some((fields, required))
    }

    fn required(&mut self, object: &Map<String, Value>, properties: &Map<String, Value>, pointer: &str) -> Vec<String> {
        let names = object.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let names: Vec<String> = names.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
        if names.iter().any(|name| !properties.contains_key(name)) {
            self.refuse(&format!("{pointer}/required"), "a required field is not among `properties`");
        }
        names
    }

    fn leaf_node(&mut self, object: &Map<String, Value>, types: Types, own: Option<&str>, place: Place<'_>) -> Option<Node> {
        let opaque = types.object || types.array;
        if let Some(keyword) = reference_in(object) {
            self.refuse(&format!("{}/{keyword}", place.pointer), "references are not followed: write the field's schema in its place");
            return None;
        }
        for keyword in COMBINATIONS.iter().filter(|keyword| object.contains_key(**keyword)) {
            if opaque || describes_container(object.get(*keyword)) {
                self.refuse(&format!("{}/{keyword}", place.pointer), "combinations are possible on scalars only: the gate needs one shape");
                return None;
            }
        }
        // An object without fields is taken as a whole: only its own label can say that this is meant, an inherited one cannot.
        let category = if opaque { own } else { place.category };
        let leaf = Leaf { category: category.map(ToOwned::to_owned), schema: Some(Value::Object(object.clone())), opaque };
        Some(Node::Leaf(Arc::new(leaf)))
    }

    /// Checks depth and keywords of a container whose fields or items are declared.
    fn container(&mut self, object: &Map<String, Value>, place: Place<'_>) -> bool {
        if place.depth > MAX_SHAPE_DEPTH {
            self.refuse(place.pointer, &format!("more than {MAX_SHAPE_DEPTH} levels"));
            return false;
        }
        for keyword in CONTAINER_ASSERTIONS.iter().filter(|keyword| object.contains_key(**keyword)) {
            self.refuse(&format!("{}/{keyword}", place.pointer), "this keyword is not possible on an object or array with declared fields");
        }
        if object.get("additionalProperties").is_some_and(|value| !value.is_boolean()) {
            self.refuse(
                &format!("{}/additionalProperties", place.pointer),
                "fields beside `properties` are undeclared and cannot have a schema",
            );
        }
        true
    }

    fn own_category<'a>(&mut self, object: &'a Map<String, Value>, pointer: &str) -> Option<&'a str> {
        let value = object.get(CATEGORY_KEYWORD)?;
        let category = value.as_str().filter(|text| !text.is_empty());
        if category.is_none() {
            self.refuse(&format!("{pointer}/{CATEGORY_KEYWORD}"), "a data category is a text");
        }
        category
    }

    fn refuse(&mut self, pointer: &str, message: &str) {
        self.errors.push(ShapeError { pointer: pointer.to_owned(), message: message.to_owned() });
    }
}

/// What `type` permits.
#[derive(Clone, Copy, Default)]
struct Types {
    object: bool,
    array: bool,
    scalar: bool,
    null: bool,
}

impl Types {
    fn of(object: &Map<String, Value>) -> Option<Self> {
        let mut types = Self::default();
        match object.get("type")? {
            Value::String(name) => types.add(name),
            Value::Array(names) => names.iter().filter_map(Value::as_str).for_each(|name| types.add(name)),
            _ => return None,
        }
        Some(types)
    }

    fn add(&mut self, name: &str) {
        match name {
            "object" => self.object = true,
            "array" => self.array = true,
            "null" => self.null = true,
            _ => self.scalar = true,
        }
    }
}

/// The pointer (without its first slash) of a `$ref` in a leaf's schema or its branches.
fn reference_in(object: &Map<String, Value>) -> Option<String> {
    if let Some(keyword) = ["$ref", "$dynamicRef"].into_iter().find(|keyword| object.contains_key(*keyword)) {
        return Some(keyword.to_owned());
    }
    branches(object).find_map(|(place, branch)| reference_in(branch).map(|found| format!("{place}/{found}")))
}

/// True if a branch of a combination is about objects or arrays.
fn describes_container(value: Option<&Value>) -> bool {
    let is_container = |object: &Map<String, Value>| {
        let types = Types::of(object).unwrap_or_default();
        types.object || types.array || CONTAINER_KEYWORDS.iter().any(|keyword| object.contains_key(*keyword))
    };
    let deep =
        |object: &Map<String, Value>| is_container(object) || COMBINATIONS.iter().any(|keyword| describes_container(object.get(*keyword)));
    match value {
        Some(Value::Object(object)) => deep(object),
        Some(Value::Array(branches)) => branches.iter().filter_map(Value::as_object).any(deep),
        _ => false,
    }
}

/// The schemas inside a leaf's schema that can hold a reference.
fn branches(object: &Map<String, Value>) -> impl Iterator<Item = (String, &Map<String, Value>)> {
    const HOLDERS: &[&str] = &["additionalProperties", "allOf", "anyOf", "contains", "else", "if", "items", "not", "oneOf", "then"];
    const MAPS: &[&str] = &["dependentSchemas", "patternProperties", "properties"];
    let single = HOLDERS.iter().filter_map(|keyword| Some(((*keyword).to_owned(), object.get(*keyword)?)));
    let named = MAPS.iter().filter_map(|keyword| Some((*keyword, object.get(*keyword)?.as_object()?)));
    let named = named.flat_map(|(keyword, schemas)| schemas.iter().map(move |(name, schema)| (format!("{keyword}/{name}"), schema)));
    single.chain(named).flat_map(|(place, value)| match value {
        Value::Array(values) => {
            values.iter().enumerate().filter_map(|(at, value)| Some((format!("{place}/{at}"), value.as_object()?))).collect()
        }
        Value::Object(value) => vec![(place, value)],
        _ => Vec::new(),
    })
}
