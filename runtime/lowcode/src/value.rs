//! A value as the reference has it (Python's JSON-like values): what records, configurations, slices, states and template results are made of.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::datetime::{Moment, Span};

/// A dictionary in order of insertion.
pub type Dict = IndexMap<Arc<str>, Value>;

/// A value. Cloning is cheap.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i128),
    /// `float`, with the text it was read from, so that writing it changes nothing.
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

    /// The member of a dictionary.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_dict()?.get(key)
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
            Self::Moment(_) | Self::Span(_) => true,
        }
    }
}
