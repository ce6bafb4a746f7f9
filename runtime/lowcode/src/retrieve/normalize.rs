//! Brings values of records to the types of a JSON schema, as the reference's default normalization does.

use std::sync::Arc;

use crate::value::{Value, python_float, python_int};

/// Deeper than this nothing is brought to a type.
const MAXIMUM_DEPTH: usize = 64;

/// Changes a record in place; what cannot be changed stays.
pub fn normalize(record: &mut Value, schema: &Value) {
    visit(record, schema, schema, 0);
}

fn visit(value: &mut Value, schema: &Value, root: &Value, depth: usize) {
    if depth > MAXIMUM_DEPTH {
        return;
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|path| follow(root, path)) {
        visit(value, &target, root, depth + 1);
    }
    match value {
        Value::Dict(dict) => {
            let Some(properties) = schema.get("properties").and_then(Value::as_dict) else { return };
            let dict = Arc::make_mut(dict);
            for (key, subschema) in properties {
                if let Some(member) = dict.get_mut(key) {
                    convert(member, subschema);
                    visit(member, subschema, root, depth + 1);
                }
            }
        }
        Value::List(items) => {
            let Some(subschema) = schema.get("items").filter(|items| matches!(items, Value::Dict(_))) else { return };
            for item in Arc::make_mut(items).iter_mut() {
                convert(item, subschema);
                visit(item, subschema, root, depth + 1);
            }
        }
        _ => {}
    }
}

fn follow(root: &Value, path: &str) -> Option<Value> {
    let path = path.strip_prefix("#/")?;
    path.split('/').try_fold(root, |value, step| value.get(&step.replace("~1", "/").replace("~0", "~"))).cloned()
}

fn convert(value: &mut Value, schema: &Value) {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::Str(one)) => vec![one],
        Some(Value::List(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    if value.is_none() && types.iter().any(|one| one.contains("null")) {
        return;
    }
    let mut others = types.iter().filter(|one| **one != "null");
    let (Some(target), None) = (others.next(), others.next()) else { return };
    let converted = match *target {
        "string" => Some(Value::str(value.python_str())),
        "number" => to_float(value).map(Value::float),
        "integer" => to_integer(value),
        "boolean" => to_boolean(value),
        "array" => wrapped(value, schema),
        _ => None,
    };
    if let Some(converted) = converted {
        *value = converted;
    }
}

fn to_float(value: &Value) -> Option<f64> {
    match value {
        Value::Str(text) => python_float(text),
        other => other.as_f64(),
    }
}

fn to_integer(value: &Value) -> Option<Value> {
    match value {
        Value::Str(text) => python_int(text).map(Value::Int),
        Value::Int(_) => None,
        Value::Bool(flag) => Some(Value::Int(i128::from(*flag))),
        Value::Float(number, _) if number.is_finite() && number.abs() < 1e38 => Some(Value::Int(number.trunc() as i128)),
        _ => None,
    }
}

fn to_boolean(value: &Value) -> Option<Value> {
    let Value::Str(text) = value else { return Some(Value::Bool(value.is_truthy())) };
    match text.to_lowercase().trim() {
        "y" | "yes" | "t" | "true" | "on" | "1" => Some(Value::Bool(true)),
        "n" | "no" | "f" | "false" | "off" | "0" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// A single value where a list of such is expected.
fn wrapped(value: &Value, schema: &Value) -> Option<Value> {
    let types = match schema.get("items").and_then(|items| items.get("type")) {
        Some(Value::Str(one)) => vec![one.to_string()],
        Some(Value::List(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let simple = types.iter().all(|one| matches!(one.as_str(), "string" | "number" | "integer" | "boolean" | "null"));
    let single = !matches!(value, Value::List(_) | Value::Dict(_) | Value::Tuple(_));
    (simple && single).then(|| Value::list(vec![value.clone()]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    #[test]
    fn brings_values_to_types() {
        let schema = br#"{"properties":{"a":{"type":["null","string"]},"b":{"type":"integer"},"c":{"type":"number"},"d":{"type":"boolean"},
            "e":{"type":"array","items":{"type":"string"}},"f":{"type":["string","integer"]},"g":{"type":"object","properties":{"h":{"type":"string"}}},
            "i":{"type":["null","string"]},"j":{"type":"integer"}}}"#;
        let mut record =
            Value::from_json(br#"{"a":1,"b":"12","c":"1.5","d":"yes","e":"x","f":1,"g":{"h":true},"i":null,"j":"no"}"#).unwrap();
        normalize(&mut record, &Value::from_json(schema).unwrap());
        let expected = br#"{"a":"1","b":12,"c":1.5,"d":true,"e":["x"],"f":1,"g":{"h":"True"},"i":null,"j":"no"}"#;
        assert_eq!(record, Value::from_json(expected).unwrap());
    }
}
