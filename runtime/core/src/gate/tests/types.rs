//! Values against the schema of their leaf.

use super::*;

/// Each value with what should be found wrong with it; empty = it passes.
fn check(schema: Value, values: &[(&str, &str)]) {
    let setup = Setup::new(record(json!({"a": schema})), "a");
    for (value, wrong) in values {
        let line = format!("{{\"a\":{value}}}");
        let expected = if wrong.is_empty() { format!("{line}\n") } else { format!("! HUB-E220: record 0: `a`: expected {wrong}\n") };
        setup.check(&line, &expected);
    }
}

#[test]
fn types_are_checked() {
    check(
        json!({"type": "string"}),
        &[
            ("\"x\"", ""),
            ("1", "string, found integer"),
            ("null", "string, found null"),
            ("[1]", "string, found array"),
            ("{\"s\":1}", "string, found object"),
        ],
    );
    check(
        json!({"type": "integer"}),
        &[
            ("1", ""),
            ("-0", ""),
            ("1.0", ""),
            ("1e2", ""),
            ("10e-1", ""),
            ("1.5", "integer, found number"),
            ("1e-1", "integer, found number"),
            ("true", "integer, found boolean"),
        ],
    );
    check(json!({"type": ["number", "null"]}), &[("1.5", ""), ("null", ""), ("\"1\"", "number or null, found string")]);
    check(json!({"type": "boolean"}), &[("true", ""), ("false", ""), ("0", "boolean, found integer")]);
    check(json!({}), &[("1", ""), ("\"\"", ""), ("null", ""), ("[]", "string or number or boolean or null, found array")]);
    check(
        json!({"type": "array", "items": {"type": "string"}}),
        &[("[]", ""), ("[\"a\"]", ""), ("[1]", "string, found integer"), ("{}", "array, found object"), ("null", "array, found null")],
    );
    check(json!({"type": ["array", "null"], "items": {"type": "string"}}), &[("null", ""), ("\"a\"", "array or null, found string")]);
    check(
        json!({"type": "object", "properties": {"b": {"type": "string"}}}),
        &[("{}", ""), ("[]", "object, found array"), ("null", "object, found null")],
    );
}

#[test]
fn limits_are_checked_by_value_not_by_float() {
    check(
        json!({"type": "string", "minLength": 2, "maxLength": 3}),
        &[
            ("\"ab\"", ""),
            ("\"äöü\"", ""),
            ("\"\\u0061\\ud83d\\ude00b\"", ""),
            ("\"a\"", "string within `minLength`, found string beyond it"),
            ("\"ä\"", "string within `minLength`, found string beyond it"),
            ("\"abcd\"", "string within `maxLength`, found string beyond it"),
        ],
    );
    check(
        json!({"type": "number", "minimum": -1, "exclusiveMaximum": 9007199254740993_u64}),
        &[
            ("-1", ""),
            ("-1.0", ""),
            ("9007199254740992.9", ""),
            ("-1.0000000000000000001", "number within `minimum`, found number beyond it"),
            ("9007199254740993", "number within `exclusiveMaximum`, found integer beyond it"),
            ("1e400", "number within `exclusiveMaximum`, found number beyond it"),
        ],
    );
    check(
        json!({"type": "integer", "exclusiveMinimum": 0, "maximum": 2}),
        &[
            ("1", ""),
            ("2.0", ""),
            ("0", "integer within `exclusiveMinimum`, found integer beyond it"),
            ("3", "integer within `maximum`, found integer beyond it"),
        ],
    );
    check(
        json!({"enum": ["a", 1, null, true]}),
        &[
            ("\"\\u0061\"", ""),
            ("1.0", ""),
            ("null", ""),
            ("true", ""),
            ("\"b\"", "string or number or boolean or null within `enum`, found string beyond it"),
            ("false", "string or number or boolean or null within `enum`, found boolean beyond it"),
        ],
    );
    check(json!({"const": "a"}), &[("\"a\"", ""), ("null", "string or number or boolean or null within `enum`, found null beyond it")]);
}

#[test]
fn other_keywords_go_through_the_validator() {
    let wrong = "string that its schema permits, found string that it does not";
    check(json!({"type": "string", "pattern": "^[a-z]+$"}), &[("\"\\u0061b\"", ""), ("\"A\"", wrong)]);
    check(json!({"type": "string", "format": "date"}), &[("\"2026-02-28\"", ""), ("\"2026-02-30\"", wrong)]);
    check(json!({"type": "string", "format": "no-such-format"}), &[("\"x\"", "")]);
    check(
        json!({"type": "number", "multipleOf": 0.5}),
        &[("1.5", ""), ("1.2", "number that its schema permits, found number that it does not")],
    );
    check(json!({"type": "number", "multipleOf": 0.5}), &[("1e400", "number within `range of numbers`, found number beyond it")]);
    check(json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}), &[("\"x\"", ""), ("1", "")]);
    let category = "system.operations";
    check(
        json!({"type": "object", "x-hub-category": category, "maxProperties": 1}),
        &[
            ("{\"a\":1}", ""),
            ("{\"a\":1,\"b\":2}", "object that its schema permits, found object that it does not"),
            ("{\"a\":1,\"a\":2}", "object within `distinct names`, found object beyond it"),
        ],
    );
    check(
        json!({"type": ["object", "array"], "x-hub-category": category}),
        &[("{\"a\":[1e400]}", ""), ("[1]", ""), ("1", "array or object, found integer")],
    );
}

#[test]
fn what_is_not_planned_is_not_checked() {
    let schema = json!({"type": "object", "x-hub-category": "system", "required": ["a", "b", "c"], "properties": {
        "a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "object", "required": ["d", "e"], "properties": {"d": {"type": "string"}, "e": {"type": "string"}}}}});
    let missing = |path: &str| format!("! HUB-E220: record 0: `{path}`: expected a value, since the schema requires it, found none\n");
    Setup::new(schema.clone(), "a").check("{\"a\":\"x\",\"b\":1,\"c\":[]}", "{\"a\":\"x\"}\n");
    Setup::new(schema.clone(), "a").check("{\"b\":\"x\"}", &missing("a"));
    Setup::new(schema.clone(), "c.d").check("{}", &missing("c"));
    Setup::new(schema.clone(), "c.d").check("{\"c\":{}}", &missing("c.d"));
    Setup::new(schema, "c.d").check("{\"c\":{\"d\":\"x\"}}", "{\"c\":{\"d\":\"x\"}}\n");
}

#[test]
fn declared_fields_without_schema_are_scalars() {
    let mut setup = Setup::new(scalars(""), "name address.city");
    let fields = ["name", "address.city", "other"].map(|name| (path(name), "user.name".to_owned()));
    setup.shape = StreamShape::from_fields(&fields).unwrap();
    setup.check("{\"name\":1,\"address\":{\"city\":null},\"other\":[]}", "{\"name\":1,\"address\":{\"city\":null}}\n");
    setup.check("{\"name\":{\"ssn\":1,\"first\":{}},\"other\":{\"x\":1}}", "{}\n? name.first 1\n? name.ssn 1\n? other.x 1\n");
    setup.check("{\"address\":null}", "{\"address\":null}\n");
    setup.check("{\"name\":[1]}", "! HUB-E220: record 0: `name`: expected string or number or boolean or null, found array\n");
    setup.check("{\"address\":[]}", "! HUB-E220: record 0: `address`: expected object or null, found array\n");
}
