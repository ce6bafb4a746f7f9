//! Values against leaf schemas, and the order of values: through `jsonschema` and expanded decimals.

use std::cmp::Ordering;

use jsonschema::Validator;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::tree::Tree;
use crate::problem::Code;
use crate::stream::Leaf;

const ABOUT_NUMBERS: &[&str] = &["type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
const FOREIGN: &[&str] = &["multipleOf", "oneOf", "anyOf", "allOf", "not", "pattern", "format"];
const HARMLESS: &[&str] = &["type", "x-hub-category"];

/// A leaf's schema, ready to judge values.
pub(super) struct Judge {
    schema: Map<String, Value>,
    opaque: bool,
    whole: Validator,
    /// What is left of the schema when all is taken away that compares numbers.
    rest: Validator,
}

impl Judge {
    /// None if the schema cannot be compiled.
    pub(super) fn new(leaf: &Leaf) -> Option<Self> {
        let schema = leaf.schema.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        let mut rest = schema.clone();
        rest.retain(|key, _| !ABOUT_NUMBERS.contains(&key.as_str()));
        let build = |schema: &Map<String, Value>| {
            jsonschema::draft202012::options().should_validate_formats(true).build(&Value::Object(schema.clone())).ok()
        };
        Some(Self { opaque: leaf.opaque, whole: build(&schema)?, rest: build(&rest)?, schema })
    }

    /// The code that a value breaks.
    pub(super) fn judge(&self, tree: &Tree) -> Result<(), Code> {
        let has_more = self.schema.keys().any(|key| !HARMLESS.contains(&key.as_str()));
        let sound = match tree {
            Tree::Number(text) => self.number_fits(text),
            tree if tree.is_container() && !self.opaque => false,
            // Not through the validator: a number inside may have no value that it could hold.
            Tree::Object(_) if !has_more => type_is(self.schema.get("type"), "object"),
            Tree::Array(_) if !has_more => type_is(self.schema.get("type"), "array"),
            tree if tree.is_container() && repeats(tree) => false,
            tree => validates(&self.whole, tree),
        };
        if sound { Ok(()) } else { Err(Code::E220) }
    }

    /// Numbers are judged by their text for all that compares; only what is left goes to the validator.
    fn number_fits(&self, text: &str) -> bool {
        let schema = &self.schema;
        let against = |keyword: &str| schema.get(keyword).and_then(Value::as_number).map(|limit| compare(text, &limit.to_string()));
        let is_one_of =
            |values: &[Value]| values.iter().filter_map(Value::as_number).any(|value| compare(text, &value.to_string()).is_eq());
        let bounds = against("minimum").is_none_or(Ordering::is_ge)
            && against("maximum").is_none_or(Ordering::is_le)
            && against("exclusiveMinimum").is_none_or(Ordering::is_gt)
            && against("exclusiveMaximum").is_none_or(Ordering::is_lt);
        let chosen = schema.get("enum").and_then(Value::as_array).is_none_or(|values| is_one_of(values))
            && schema.get("const").is_none_or(|value| is_one_of(std::slice::from_ref(value)));
        let is_foreign = schema.keys().any(|key| FOREIGN.contains(&key.as_str()));
        let permitted = !is_foreign || validates(&self.rest, &Tree::Number(text.to_owned()));
        type_fits(schema.get("type"), text) && bounds && chosen && permitted
    }
}

fn type_fits(wanted: Option<&Value>, text: &str) -> bool {
    type_is(wanted, "number") || (type_is(wanted, "integer") && is_whole(text))
}

fn type_is(wanted: Option<&Value>, actual: &str) -> bool {
    match wanted {
        Some(Value::String(name)) => name == actual,
        Some(Value::Array(names)) => names.iter().any(|name| name == actual),
        _ => true,
    }
}

fn validates(validator: &Validator, tree: &Tree) -> bool {
    serde_json::from_str::<Value>(&tree.json()).is_ok_and(|value| validator.is_valid(&value))
}

/// A name stands twice in an object anywhere inside.
fn repeats(tree: &Tree) -> bool {
    match tree {
        Tree::Array(items) => items.iter().any(repeats),
        Tree::Object(members) => {
            let names: std::collections::BTreeSet<&str> = members.iter().map(|(name, _)| name.text.as_str()).collect();
            names.len() < members.len() || members.iter().any(|(_, value)| repeats(value))
        }
        _ => false,
    }
}

/// Booleans, then numbers, then texts.
pub(super) fn order(left: &Tree, right: &Tree) -> Ordering {
    let rank = |tree: &Tree| match tree {
        Tree::Boolean(_) => 0,
        Tree::Number(_) => 1,
        _ => 2,
    };
    match (left, right) {
        (Tree::Boolean(left), Tree::Boolean(right)) => left.cmp(right),
        (Tree::Number(left), Tree::Number(right)) => compare(left, right),
        (Tree::Text(_, left), Tree::Text(_, right)) => left.chars().cmp(right.chars()),
        _ => rank(left).cmp(&rank(right)),
    }
}

pub(super) fn digest<'a>(parts: impl Iterator<Item = &'a Tree>) -> [u8; 16] {
    let mut bytes = Vec::new();
    for text in parts.filter_map(Tree::text) {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.bytes());
    }
    let whole = Sha256::digest(&bytes);
    std::array::from_fn(|at| whole[at])
}

/// Digits without zeros at either end, and the power of ten behind the last one. Exponents are cut at ±10^9.
fn expand(text: &str) -> (bool, String, i64) {
    let negative = text.starts_with('-');
    let text = text.trim_start_matches('-').to_ascii_lowercase();
    let (mantissa, exponent) = text.split_once('e').map_or((text.as_str(), "0"), |(mantissa, exponent)| (mantissa, exponent));
    let limit = if exponent.starts_with('-') { -1_000_000_000_i64 } else { 1_000_000_000 };
    let exponent: i64 = exponent.parse::<i64>().unwrap_or(limit).clamp(-1_000_000_000, 1_000_000_000);
    let behind = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i64);
    let digits = mantissa.replace('.', "");
    let digits = digits.trim_start_matches('0');
    let kept = digits.trim_end_matches('0');
    (negative && !kept.is_empty(), kept.to_owned(), exponent - behind + (digits.len() - kept.len()) as i64)
}

fn is_whole(text: &str) -> bool {
    let (_, digits, power) = expand(text);
    digits.is_empty() || power >= 0
}

fn compare(left: &str, right: &str) -> Ordering {
    let ((left_negative, left, left_power), (right_negative, right, right_power)) = (expand(left), expand(right));
    let sign = |negative: bool, digits: &str| {
        if digits.is_empty() {
            0
        } else if negative {
            -1
        } else {
            1
        }
    };
    let signs = (sign(left_negative, &left), sign(right_negative, &right));
    if signs.0 != signs.1 || signs.0 == 0 {
        return signs.0.cmp(&signs.1);
    }
    let size = |digits: &str, power: i64| digits.len() as i64 + power;
    // Without zeros at the end, digits of equal size compare as texts.
    let order = size(&left, left_power).cmp(&size(&right, right_power)).then_with(|| left.cmp(&right));
    if signs.0 < 0 { order.reverse() } else { order }
}
