//! A value as the reference has it (Python's JSON-like values): what records, configurations, slices, states and template results are made of.
//!
//! Equality, order and truth are Python's. Reading and writing JSON is in `json_read` and `json_write`, `str()` and `repr()` in `python`.

pub mod datetime;
mod json_read;
mod json_write;
mod python;

use std::cmp::Ordering;
use std::sync::Arc;

use indexmap::IndexMap;

use datetime::{Moment, Span};

pub use json_read::{JsonError, JsonReader};
pub use json_write::Dumps;
pub(crate) use python::without_underscores;
pub use python::{float_repr, python_float, python_int, write_str_repr};

/// A dictionary in order of insertion.
pub type Dict = IndexMap<Arc<str>, Value>;

/// How deep JSON may be nested.
pub const DEPTH_LIMIT: usize = 128;

/// A value. Cloning is cheap.
#[derive(Clone, Debug)]
pub enum Value {
    /// `None`.
    None,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i128),
    /// `float`, with the text it was read from, so that writing it changes nothing. A text of digits alone is an `int` too large for [`Value::Int`].
    Float(f64, Option<Arc<str>>),
    /// `str`.
    Str(Arc<str>),
    /// `list`.
    List(Arc<Vec<Value>>),
    /// `tuple`.
    Tuple(Arc<Vec<Value>>),
    /// `dict` with text keys.
    Dict(Arc<Dict>),
    /// `datetime`.
    Moment(Moment),
    /// `timedelta`.
    Span(Span),
}

impl Value {
    /// A text.
    #[must_use]
    pub fn str(text: impl AsRef<str>) -> Self {
        Self::Str(text.as_ref().into())
    }

    /// A list.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(Arc::new(items))
    }

    /// A dictionary.
    #[must_use]
    pub fn dict(dict: Dict) -> Self {
        Self::Dict(Arc::new(dict))
    }

    /// A float that was not read from a text.
    #[must_use]
    pub fn float(number: f64) -> Self {
        Self::Float(number, None)
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The dictionary, if it is one.
    #[must_use]
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The items of a list or tuple.
    #[must_use]
    pub fn as_items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The integer, if it is one; a `bool` counts, as it does in Python.
    #[must_use]
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(flag) => Some(i128::from(*flag)),
            _ => None,
        }
    }

    /// The number as a float, if it is a number or a `bool`.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(number, _) => Some(*number),
            _ => self.as_int().map(|number| number as f64),
        }
    }

    /// The member of a dictionary.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_dict()?.get(key)
    }

    /// Whether it is `None`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The digits of an `int` too large for [`Value::Int`].
    #[must_use]
    pub fn as_huge(&self) -> Option<&str> {
        match self {
            Self::Float(_, Some(text)) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => Some(text),
            _ => None,
        }
    }

    /// Python's truth.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(flag) => *flag,
            Self::Int(number) => *number != 0,
            Self::Float(number, _) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(items) | Self::Tuple(items) => !items.is_empty(),
            Self::Dict(dict) => !dict.is_empty(),
            Self::Moment(_) => true,
            Self::Span(span) => !span.is_zero(),
        }
    }

    /// Python's name of the type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(..) if self.as_huge().is_some() => "int",
            Self::Float(..) => "float",
            Self::Str(_) => "str",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::Moment(moment) if moment.is_date() => "datetime.date",
            Self::Moment(_) => "datetime.datetime",
            Self::Span(span) if span.is_calendar() => "Duration",
            Self::Span(_) => "datetime.timedelta",
        }
    }

    /// Python's `<`, `==`, `>`; none where Python raises a `TypeError` or a NaN is involved.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Str(left), Self::Str(right)) => Some(left.cmp(right)),
            (Self::List(left), Self::List(right)) | (Self::Tuple(left), Self::Tuple(right)) => compare_items(left, right),
            (Self::Moment(left), Self::Moment(right)) => left.compare(right),
            (Self::Span(left), Self::Span(right)) => left.compare(right),
            _ => compare_numbers(self, other),
        }
    }
}

fn compare_items(left: &[Value], right: &[Value]) -> Option<Ordering> {
    match left.iter().zip(right).find(|(left, right)| left != right) {
        Some((left, right)) => left.compare(right),
        None => Some(left.len().cmp(&right.len())),
    }
}

fn compare_numbers(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (left.as_int(), right.as_int()) {
        return Some(left.cmp(&right));
    }
    if let (Some(left), Some(right)) = (left.as_huge(), right.as_huge())
        && left == right
    {
        return Some(Ordering::Equal);
    }
    match (left.as_int(), right.as_int()) {
        (Some(left), None) => compare_mixed(left, right.as_f64()?),
        (None, Some(right)) => compare_mixed(right, left.as_f64()?).map(Ordering::reverse),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// Exact: Python does not round the integer before it compares.
fn compare_mixed(left: i128, right: f64) -> Option<Ordering> {
    const EDGE: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if right.is_nan() {
        return None;
    }
    if right >= EDGE {
        return Some(Ordering::Less);
    }
    if right < -EDGE {
        return Some(Ordering::Greater);
    }
    let whole = right.trunc();
    Some(left.cmp(&(whole as i128)).then_with(|| 0.0_f64.partial_cmp(&(right - whole)).unwrap_or(Ordering::Equal)))
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Str(left), Self::Str(right)) => left == right,
            (Self::List(left), Self::List(right)) | (Self::Tuple(left), Self::Tuple(right)) => Arc::ptr_eq(left, right) || left == right,
            (Self::Dict(left), Self::Dict(right)) => Arc::ptr_eq(left, right) || left == right,
            (Self::Moment(left), Self::Moment(right)) => left == right,
            (Self::Span(left), Self::Span(right)) => left == right,
            (Self::Bool(_) | Self::Int(_) | Self::Float(..), Self::Bool(_) | Self::Int(_) | Self::Float(..)) => {
                compare_numbers(self, other) == Some(Ordering::Equal)
            }
            _ => false,
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number, None)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Str(text)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::list(items)
    }
}

impl From<Dict> for Value {
    fn from(dict: Dict) -> Self {
        Self::dict(dict)
    }
}

impl From<&serde_json::Value> for Value {
    fn from(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::None,
            serde_json::Value::Bool(flag) => Self::Bool(*flag),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Self::Int(number.into()),
                (_, Some(number)) => Self::Int(number.into()),
                _ => Self::Float(number.as_f64().unwrap_or(f64::NAN), None),
            },
            serde_json::Value::String(text) => Self::str(text),
            serde_json::Value::Array(items) => Self::list(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(members) => {
                Self::dict(members.iter().map(|(key, value)| (key.as_str().into(), Self::from(value))).collect())
            }
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        Self::from(&value)
    }
}

impl From<&Value> for serde_json::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::None => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => Self::from(number),
                (_, Ok(number)) => Self::from(number),
                _ => Self::from(*number as f64),
            },
            Value::Float(number, _) => Self::from(*number),
            Value::Str(text) => Self::String(text.to_string()),
            Value::List(items) | Value::Tuple(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Dict(dict) => Self::Object(dict.iter().map(|(key, value)| (key.to_string(), Self::from(value))).collect()),
            Value::Moment(_) | Value::Span(_) => Self::String(value.python_str()),
        }
    }
}

impl From<Value> for serde_json::Value {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}
