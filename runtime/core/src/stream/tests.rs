//! Shapes from schemas and field lists, as text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::*;

/// One line for each leaf (`path category flags`), or one for each error (`! pointer: message`).
fn render(shape: Result<StreamShape, Vec<ShapeError>>) -> String {
    match shape {
        Ok(shape) => shape.leaves().iter().map(|(path, leaf)| line(path, leaf)).collect::<Vec<_>>().join("\n"),
        Err(errors) => errors.iter().map(|error| format!("! {error}")).collect::<Vec<_>>().join("\n"),
    }
}

fn line(path: &FieldPath, leaf: &Leaf) -> String {
    format!("{path} {}{}", leaf.category.as_deref().unwrap_or("-"), if leaf.opaque { " opaque" } else { "" })
}

fn check(schema: &Value, expected: &str) {
    assert_eq!(render(StreamShape::from_schema(schema)), expected, "{schema}");
}

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap()
}

#[test]
fn categories_are_own_or_inherited() {
    check(
        &json!({"type": "object", "x-hub-category": "system.operations", "required": ["id"], "properties": {
            "id": {"type": "integer"},
            "name": {"type": ["string", "null"], "x-hub-category": "user.name"},
            "address": {"type": "object", "x-hub-category": "user.contact.address", "properties": {
                "city": {"type": "string"},
                "zip": {"type": "string", "x-hub-category": "user.contact.address.postal_code"}}},
            "tags": {"type": "array", "items": {"type": "string"}},
            "lines": {"type": ["array", "null"], "items": {"type": "object", "properties": {"product": {"type": "string"}}}},
            "meta": {"type": "object"},
            "extra": {"type": "array", "x-hub-category": "user.behavior"}}}),
        "address.city user.contact.address\naddress.zip user.contact.address.postal_code\nextra user.behavior opaque\nid system.operations\n\
         lines.product system.operations\nmeta - opaque\nname user.name\ntags system.operations",
    );
    check(&json!({"type": "object", "properties": {"a": {"type": "string"}}}), "a -");
}

#[test]
fn combinations_are_for_scalars_only() {
    let field = |schema: Value| json!({"type": "object", "x-hub-category": "system", "properties": {"a": schema}});
    check(&field(json!({"oneOf": [{"type": "string"}, {"type": "integer"}]})), "a system");
    let combined = "combinations are possible on scalars only: the gate needs one shape";
    check(&field(json!({"oneOf": [{"type": "string"}, {"type": "object"}]})), &format!("! /properties/a/oneOf: {combined}"));
    check(&field(json!({"not": {"anyOf": [{"properties": {}}]}})), &format!("! /properties/a/not: {combined}"));
    let reference = "references are not followed: write the field's schema in its place";
    check(&field(json!({"$ref": "#/$defs/a"})), &format!("! /properties/a/$ref: {reference}"));
    check(&field(json!({"anyOf": [{"type": "string"}, {"$ref": "#"}]})), &format!("! /properties/a/anyOf/1/$ref: {reference}"));
    let keyword = "this keyword is not possible on an object or array with declared fields";
    check(&field(json!({"type": "object", "properties": {}, "allOf": []})), &format!("! /properties/a/allOf: {keyword}"));
    check(&field(json!({"type": "array", "items": {"type": "string"}, "minItems": 1})), &format!("! /properties/a/minItems: {keyword}"));
}

#[test]
fn unusable_schemas_name_their_place() {
    check(&json!(true), "! the schema's root: a record's schema is an object with `properties`");
    check(&json!({"type": "object"}), "! the schema's root: a record's schema needs `properties`");
    check(&json!({"type": ["object", "null"], "properties": {}}), "! the schema's root: a record's schema needs `type` = \"object\"");
    check(
        &json!({"type": "object", "required": ["z"], "properties": {"a.b": {}, "": {}, "x/y": true, "c": {"x-hub-category": 1}}}),
        "! /properties/: a field's name has text and no dots\n! /properties/a.b: a field's name has text and no dots\n\
         ! /properties/c/x-hub-category: a data category is a text\n! /properties/x~1y: a field's schema must be an object\n\
         ! /required: a required field is not among `properties`",
    );
    check(
        &json!({"type": "object", "properties": {"a": {"type": ["object", "string"], "properties": {}}}}),
        "! /properties/a: a field is an object, an array or a scalar, not several of them",
    );
    check(
        &json!({"type": "object", "properties": {"a": {"type": "text"}}}),
        "! /properties/a/type: this is not a JSON Schema of draft 2020-12",
    );
}

#[test]
fn limits_hold() {
    let nested = |levels: usize| {
        let leaf = json!({"type": "string", "x-hub-category": "system"});
        (0..levels).fold(leaf, |inner, _| json!({"type": "object", "properties": {"a": inner}}))
    };
    assert_eq!(StreamShape::from_schema(&nested(MAX_SHAPE_DEPTH)).unwrap().leaves().len(), 1);
    let errors = StreamShape::from_schema(&nested(MAX_SHAPE_DEPTH + 1)).unwrap_err();
    assert_eq!(errors[0].message, "more than 16 levels");

    let wide = |count: usize| {
        let fields: serde_json::Map<String, Value> = (0..count).map(|at| (format!("f{at}"), json!({"type": "string"}))).collect();
        json!({"type": "object", "properties": fields})
    };
    assert_eq!(StreamShape::from_schema(&wide(MAX_SHAPE_FIELDS)).unwrap().leaves().len(), MAX_SHAPE_FIELDS);
    assert_eq!(StreamShape::from_schema(&wide(MAX_SHAPE_FIELDS + 1)).unwrap_err()[0].message, "more than 2000 fields");

    let names: Vec<_> = (0..=MAX_SHAPE_FIELDS).map(|at| (path(&format!("f{at}")), "system".to_owned())).collect();
    assert_eq!(StreamShape::from_fields(&names).unwrap_err()[0].message, "more than 2000 fields");
    let deep = path(&["a"; MAX_SHAPE_DEPTH + 1].join("."));
    assert_eq!(StreamShape::from_fields(&[(deep, "system".to_owned())]).unwrap_err()[0].message, "more than 16 levels");
}

#[test]
fn declared_fields_make_a_tree() {
    let fields =
        |list: &[&str]| StreamShape::from_fields(&list.iter().map(|name| (path(name), "user.name".to_owned())).collect::<Vec<_>>());
    assert_eq!(render(fields(&["b", "a.c", "a.d"])), "a.c user.name\na.d user.name\nb user.name");
    assert_eq!(render(fields(&["a", "a"])), "! a: this field is declared already");
    assert_eq!(render(fields(&["a", "a.b"])), "! a.b: `a` is declared as a value without fields");
    assert_eq!(render(fields(&["a.b", "a"])), "! a: this field is declared already");
}

#[test]
fn a_part_of_a_shape_holds_nothing_else() {
    let schema = json!({"type": "object", "x-hub-category": "system", "required": ["id", "name"], "properties": {
        "id": {"type": "string"}, "name": {"type": "string"},
        "at": {"type": "object", "required": ["shop", "till"], "properties": {"shop": {"type": "string"}, "till": {"type": "string"}}},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}}}});
    let shape = StreamShape::from_schema(&schema).unwrap().only(&[path("id"), path("at.shop"), path("lines.a"), path("none")]);
    assert_eq!(shape.required, ["id"]);
    assert!(matches!(shape.at(&path("at")), Some(Node::Object { required, .. }) if *required == ["shop"]));
    assert_eq!(render(Ok(shape)), "at.shop system\nid system");
}

#[test]
fn places_are_found_and_relabelled() {
    let schema = json!({"type": "object", "x-hub-category": "system", "properties": {
        "lines": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}},
        "id": {"type": "string"}}});
    let mut shape = StreamShape::from_schema(&schema).unwrap();
    assert!(matches!(shape.at(&path("lines.a")), Some(Node::Leaf(_))));
    assert!(matches!(shape.at(&path("lines")), Some(Node::List { .. })));
    assert!(shape.at(&path("lines.a.x")).is_none() && shape.at(&path("none")).is_none());
    assert_eq!(shape.leaves_within(&path("lines")).len(), 2);
    assert!(shape.set_category(&path("lines"), "user.name") && !shape.set_category(&path("lines.z"), "user.name"));
    assert_eq!(render(Ok(shape)), "id system\nlines.a user.name\nlines.b user.name");
}
