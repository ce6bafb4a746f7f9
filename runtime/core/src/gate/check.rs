//! A leaf's schema, compiled: what the scanner can judge by text is judged by text, the rest goes through `jsonschema` on that one value.

use std::cmp::Ordering;
use std::fmt;

use jsonschema::{Draft, PatternOptions, Validator};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::json::{Kind, Token};
use super::number;

/// Assertions that the scanner does not know by itself.
const FOREIGN: &[&str] = &["allOf", "anyOf", "else", "if", "multipleOf", "not", "oneOf", "pattern", "then"];
/// Assertions about the content of objects and arrays: they matter where a container is taken as a whole.
const FOREIGN_IN_CONTAINERS: &[&str] = &[
    "additionalProperties",
    "const",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "enum",
    "items",
    "maxContains",
    "maxItems",
    "maxProperties",
    "minContains",
    "minItems",
    "minProperties",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
];

/// What a value must be. Built once for each planned leaf.
#[derive(Debug)]
pub(super) struct Check {
    types: Types,
    /// The types are all that is asked.
    plain: bool,
    values: Option<Vec<Value>>,
    min_length: u64,
    max_length: u64,
    bounds: Vec<Bound>,
    validator: Option<Box<Validator>>,
    /// `integer or null`.
    expected: String,
}

/// One of the four limits of a number.
#[derive(Debug)]
struct Bound {
    keyword: &'static str,
    limit: String,
    broken_by: &'static [Ordering],
}

const BOUNDS: &[(&str, &[Ordering])] = &[
    ("minimum", &[Ordering::Less]),
    ("maximum", &[Ordering::Greater]),
    ("exclusiveMinimum", &[Ordering::Less, Ordering::Equal]),
    ("exclusiveMaximum", &[Ordering::Greater, Ordering::Equal]),
];

impl Check {
    /// Compiles a leaf's schema. The error says what cannot be compiled.
    pub(super) fn compile(schema: Option<&Value>, opaque: bool) -> Result<Self, String> {
        let empty = Map::new();
        let object = match schema {
            Some(Value::Object(object)) => object,
            Some(_) => return Err("its schema is not an object".to_owned()),
            None => &empty,
        };
        let types = Types::read(object.get("type"), opaque);
        let length = |keyword: &str, otherwise| object.get(keyword).and_then(length).unwrap_or(otherwise);
        let bounds: Vec<Bound> =
            BOUNDS.iter().filter_map(|(keyword, broken_by)| Bound::read(keyword, object.get(*keyword)?, broken_by)).collect();
        let (min_length, max_length) = (length("minLength", 0), length("maxLength", u64::MAX));
        let values = if opaque { None } else { choices(object) };
        let validator = needs_validator(object, opaque).then(|| validator(object)).transpose()?.map(Box::new);
        let plain = values.is_none() && bounds.is_empty() && validator.is_none() && (min_length, max_length) == (0, u64::MAX);
        Ok(Self { types, plain, values, min_length, max_length, bounds, validator, expected: types.to_string() })
    }

    /// What should stand here, for messages.
    pub(super) fn expected(&self) -> &str {
        &self.expected
    }

    /// The keyword that a value breaks; `type` if it is of another type.
    #[inline]
    pub(super) fn broken(&self, token: &Token<'_>, scratch: &mut String) -> Option<&'static str> {
        if !self.types.hold(token) {
            return Some("type");
        }
        if self.plain { None } else { self.broken_keyword(token, scratch) }
    }

    fn broken_keyword(&self, token: &Token<'_>, scratch: &mut String) -> Option<&'static str> {
        match token.kind {
            Kind::Text(_) => {
                let text = token.text(scratch);
                let is_text = |value: &Value| value.as_str() == Some(text);
                if let Some(keyword) = self.broken_length(text).or_else(|| self.broken_choice(is_text)) {
                    return Some(keyword);
                }
            }
            Kind::Integer | Kind::Number => {
                let is_equal =
                    |value: &Value| value.as_number().is_some_and(|other| number::compare(&other.to_string(), token.json).is_eq());
                let broken = self.bounds.iter().find(|bound| bound.broken_by.contains(&number::compare(token.json, &bound.limit)));
                if let Some(keyword) = broken.map(|bound| bound.keyword).or_else(|| self.broken_choice(is_equal)) {
                    return Some(keyword);
                }
            }
            Kind::Boolean => {
                let is_same = |value: &Value| value.as_bool().is_some_and(|known| known == (token.json == "true"));
                if let Some(keyword) = self.broken_choice(is_same) {
                    return Some(keyword);
                }
            }
            Kind::Null => {
                if let Some(keyword) = self.broken_choice(Value::is_null) {
                    return Some(keyword);
                }
            }
            Kind::Object | Kind::Array => {}
        }
        self.validator.as_ref().and_then(|validator| broken_foreign(validator, token, scratch))
    }

    fn broken_length(&self, text: &str) -> Option<&'static str> {
        let bytes = text.len() as u64;
        // A character has one to four bytes, so most lengths are known without counting.
        if bytes > self.max_length && text.chars().count() as u64 > self.max_length {
            return Some("maxLength");
        }
        if bytes < self.min_length.saturating_mul(4) && (text.chars().count() as u64) < self.min_length {
            return Some("minLength");
        }
        None
    }

    fn broken_choice(&self, is_same: impl Fn(&Value) -> bool) -> Option<&'static str> {
        let values = self.values.as_ref()?;
        if values.iter().any(is_same) { None } else { Some("enum") }
    }
}

fn broken_foreign(validator: &Validator, token: &Token<'_>, scratch: &mut String) -> Option<&'static str> {
    let value = match token.kind {
        Kind::Text(_) => Value::String(token.text(scratch).to_owned()),
        _ => match value_of(token.json) {
            Ok(value) => value,
            Err(keyword) => return Some(keyword),
        },
    };
    (!validator.is_valid(&value)).then_some("schema")
}

/// The value of a JSON text. The error names what is wrong with it: a name that stands twice, or a number that has no value.
fn value_of(json: &str) -> Result<Value, &'static str> {
    let mut reader = serde_json::Deserializer::from_str(json);
    Distinct.deserialize(&mut reader).map_err(|error| if error.is_data() { "distinct names" } else { "range of numbers" })
}

/// A whole number of characters, also where it is written `5.0`.
fn length(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64))
}

/// The values of `enum` and `const` that both permit.
fn choices(object: &Map<String, Value>) -> Option<Vec<Value>> {
    let listed = object.get("enum").and_then(Value::as_array).cloned();
    match (listed, object.get("const")) {
        (None, None) => None,
        (Some(values), None) => Some(values),
        (None, Some(value)) => Some(vec![value.clone()]),
        (Some(values), Some(value)) => Some(values.into_iter().filter(|listed| listed == value).collect()),
    }
}

fn needs_validator(object: &Map<String, Value>, opaque: bool) -> bool {
    let has = |keyword: &&str| object.contains_key(*keyword);
    let format = object.get("format").and_then(Value::as_str);
    let known_format = format.is_some_and(|name| jsonschema::options().is_known_format(Draft::Draft202012, name));
    known_format || FOREIGN.iter().any(has) || (opaque && FOREIGN_IN_CONTAINERS.iter().any(has))
}

fn validator(object: &Map<String, Value>) -> Result<Validator, String> {
    // Expressions that could run long on hostile values are not compiled: the linear engine has no such expressions.
    let options = jsonschema::draft202012::options().should_validate_formats(true).with_pattern_options(PatternOptions::regex());
    options.build(&Value::Object(object.clone())).map_err(|error| format!("its schema cannot be compiled at `{}`", error.instance_path()))
}

/// The JSON types that a value may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Types(u8);

impl Types {
    const NAMES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "object", "array"];
    const INTEGER: u8 = 1 << 2;
    const NUMBER: u8 = 1 << 3;
    const SCALARS: Self = Self(0b001_1011);
    const ALL: Self = Self(0b111_1011);

    fn read(value: Option<&Value>, opaque: bool) -> Self {
        let bit = |name: &str| Self::NAMES.iter().position(|known| *known == name).map_or(0, |at| 1 << at);
        let permitted = match value {
            Some(Value::String(name)) => bit(name),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).fold(0, |bits, name| bits | bit(name)),
            _ => Self::ALL.0,
        };
        Self(if opaque { permitted } else { permitted & (Self::SCALARS.0 | Self::INTEGER) })
    }

    #[inline]
    fn hold(self, token: &Token<'_>) -> bool {
        let bits = match token.kind {
            Kind::Null => 1,
            Kind::Boolean => 1 << 1,
            Kind::Integer => Self::INTEGER | Self::NUMBER,
            Kind::Number => Self::NUMBER,
            Kind::Text(_) => 1 << 4,
            Kind::Object => 1 << 5,
            Kind::Array => 1 << 6,
        };
        self.0 & bits != 0 || (token.kind == Kind::Number && self.0 & Self::INTEGER != 0 && number::is_whole(token.json))
    }
}

impl fmt::Display for Types {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().enumerate().filter(|(at, _)| self.0 & 1 << at != 0).map(|(_, name)| *name);
        out.write_str(&names.rev().collect::<Vec<_>>().join(" or "))
    }
}

impl Bound {
    fn read(keyword: &'static str, limit: &Value, broken_by: &'static [Ordering]) -> Option<Self> {
        Some(Self { keyword, limit: limit.as_number()?.to_string(), broken_by })
    }
}

/// Reads a JSON value and refuses names that stand twice: a validator would see one of them, a destination perhaps the other.
struct Distinct;

impl<'de> DeserializeSeed<'de> for Distinct {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Distinct {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = access.next_element_seed(Distinct)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let value = access.next_value_seed(Distinct)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}
