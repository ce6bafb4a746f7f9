//! Whether a value adheres to a JSON schema: the keywords that configurations are described with. References are not followed.

use std::cmp::Ordering;

use crate::value::Value;

/// Schemas nest no deeper.
const MAXIMUM_DEPTH: usize = 32;

/// Why a value does not adhere, without the value.
///
/// # Errors
/// The first rule it breaks.
pub fn adheres(value: &Value, schema: &Value) -> Result<(), String> {
    below(value, schema, 0)
}

fn below(value: &Value, schema: &Value, depth: usize) -> Result<(), String> {
    if depth > MAXIMUM_DEPTH {
        return Err(format!("the schema nests deeper than {MAXIMUM_DEPTH}"));
    }
    let Value::Dict(rules) = schema else {
        return if matches!(schema, Value::Bool(false)) { Err("nothing is allowed here".to_owned()) } else { Ok(()) };
    };
    for (keyword, rule) in rules.iter() {
        one(value, keyword, rule, schema, depth)?;
    }
    Ok(())
}

fn one(value: &Value, keyword: &str, rule: &Value, schema: &Value, depth: usize) -> Result<(), String> {
    match keyword {
        "type" => of_type(value, rule),
        "enum" if !rule.as_items().unwrap_or_default().contains(value) => Err("it is none of the values that are allowed".to_owned()),
        "const" if rule != value => Err("it is not the value that is expected".to_owned()),
        "required" => {
            let missing = rule.as_items().unwrap_or_default().iter().filter_map(Value::as_str).find(|key| value.get(key).is_none());
            match (value, missing) {
                (Value::Dict(_), Some(key)) => Err(format!("`{key}` is required")),
                _ => Ok(()),
            }
        }
        "properties" => {
            let Value::Dict(properties) = rule else { return Ok(()) };
            for (key, rule) in properties.iter() {
                if let Some(member) = value.get(key) {
                    below(member, rule, depth + 1).map_err(|reason| format!("`{key}`: {reason}"))?;
                }
            }
            Ok(())
        }
        "additionalProperties" => others(value, rule, schema, depth),
        "items" => value
            .as_items()
            .unwrap_or_default()
            .iter()
            .filter(|_| rule.as_items().is_none())
            .try_for_each(|item| below(item, rule, depth + 1)),
        "anyOf" | "oneOf" => {
            let fits = rule.as_items().unwrap_or_default().iter().filter(|rule| below(value, rule, depth + 1).is_ok()).count();
            match (keyword, fits) {
                (_, 0) => Err("it fits none of the alternatives".to_owned()),
                ("oneOf", count) if count > 1 => Err("it fits more than one of the alternatives".to_owned()),
                _ => Ok(()),
            }
        }
        "allOf" => rule.as_items().unwrap_or_default().iter().try_for_each(|rule| below(value, rule, depth + 1)),
        "not" if below(value, rule, depth + 1).is_ok() => Err("it fits what is excluded".to_owned()),
        "pattern" => match (value, rule) {
            (Value::Str(text), Value::Str(pattern)) => match regex::Regex::new(pattern) {
                Ok(pattern) if pattern.is_match(text) => Ok(()),
                Ok(_) => Err("it does not match the pattern".to_owned()),
                Err(_) => Err("the schema's pattern cannot be read".to_owned()),
            },
            _ => Ok(()),
        },
        _ => bounds(value, keyword, rule),
    }
}

fn others(value: &Value, rule: &Value, schema: &Value, depth: usize) -> Result<(), String> {
    let Value::Dict(members) = value else { return Ok(()) };
    for (key, member) in members.iter() {
        if schema.get("properties").and_then(|properties| properties.get(key)).is_none() {
            below(member, rule, depth + 1).map_err(|reason| format!("`{key}`: {reason}"))?;
        }
    }
    Ok(())
}

fn of_type(value: &Value, rule: &Value) -> Result<(), String> {
    let is = |name: &str| match (name, value) {
        ("null", Value::None)
        | ("boolean", Value::Bool(_))
        | ("integer" | "number", Value::Int(_))
        | ("number", Value::Float(..))
        | ("string", Value::Str(_))
        | ("array", Value::List(_))
        | ("object", Value::Dict(_)) => true,
        ("integer", Value::Float(number, _)) => number.fract() == 0.0,
        _ => false,
    };
    let fits = match rule {
        Value::Str(name) => is(name),
        Value::List(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("it is not of type {}", rule.python_str())) }
}

fn bounds(value: &Value, keyword: &str, rule: &Value) -> Result<(), String> {
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number, _) => Some(*number),
        _ => None,
    };
    let Some(limit) = number(rule) else { return Ok(()) };
    let size = match (keyword, value) {
        ("minLength" | "maxLength", Value::Str(text)) => Some(text.chars().count() as f64),
        ("minItems" | "maxItems", Value::List(items)) => Some(items.len() as f64),
        ("minProperties" | "maxProperties", Value::Dict(dict)) => Some(dict.len() as f64),
        ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum", value) => number(value),
        _ => None,
    };
    let Some(order) = size.and_then(|size| size.partial_cmp(&limit)) else { return Ok(()) };
    let fits = match keyword {
        "minLength" | "minItems" | "minProperties" | "minimum" => order != Ordering::Less,
        "exclusiveMinimum" => order == Ordering::Greater,
        "exclusiveMaximum" => order == Ordering::Less,
        _ => order != Ordering::Greater,
    };
    if fits { Ok(()) } else { Err(format!("it breaks `{keyword}`")) }
}
