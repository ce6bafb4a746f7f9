//! JSON of the harness to values of the engine, and back. Numbers keep their text as far as `serde_json` keeps it.

use std::path::Path;
use std::sync::Arc;

use hub_lowcode::value::{Dict, Value};

use super::Failure;

/// A JSON file.
pub fn read(path: &Path) -> Result<serde_json::Value, Failure> {
    serde_json::from_slice(&std::fs::read(path)?).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// As the engine has it.
pub fn to_value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::None,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number.into()),
            (None, Some(number)) => Value::Int(number.into()),
            (None, None) => Value::Float(number.as_f64().unwrap_or_default(), Some(number.to_string().into())),
        },
        serde_json::Value::String(text) => Value::str(text),
        serde_json::Value::Array(items) => Value::List(Arc::new(items.iter().map(to_value).collect())),
        serde_json::Value::Object(members) => {
            Value::Dict(Arc::new(members.iter().map(|(key, value)| (Arc::from(key.as_str()), to_value(value))).collect::<Dict>()))
        }
    }
}

/// As `compare.py` reads it.
pub fn from_value(value: &Value) -> serde_json::Value {
    match value {
        Value::None => serde_json::Value::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) => number.into(),
            #[allow(clippy::cast_precision_loss, reason = "integers beyond 64 bit do not occur in the recordings")]
            _ => (*number as f64).into(),
        },
        Value::Float(number, _) => (*number).into(),
        Value::Str(text) => text.as_ref().into(),
        Value::List(items) | Value::Tuple(items) => items.iter().map(from_value).collect(),
        Value::Dict(dict) => serde_json::Value::Object(dict.iter().map(|(key, value)| (key.to_string(), from_value(value))).collect()),
        Value::Moment(_) | Value::Span(_) => format!("{value:?}").into(),
    }
}
