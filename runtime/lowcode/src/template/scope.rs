//! The variables that a template sees. A scope is never changed, only extended: that is cheap, and so is cloning.

use std::borrow::Cow;
use std::sync::Arc;

use crate::value::{Dict, Value};

/// Variables, and the time that templates take for now.
#[derive(Clone, Debug)]
pub struct Scope {
    now_micros: i64,
    newest: Option<Arc<Entry>>,
}

#[derive(Debug)]
pub(super) struct Entry {
    name: Cow<'static, str>,
    value: Value,
    attributes: Option<Arc<Dict>>,
    any_case: bool,
    older: Option<Arc<Entry>>,
}

/// A variable as it was found.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub value: &'a Value,
    /// What `name.attribute` finds before it looks into the value.
    pub attributes: Option<&'a Dict>,
    /// Whether keys are the same in upper and lower case, as in response headers.
    pub any_case: bool,
}

impl Scope {
    /// No variables. The time is in microseconds since 1970.
    #[must_use]
    pub fn new(now_micros: i64) -> Self {
        Self { now_micros, newest: None }
    }

    /// The time that templates take for now, in microseconds since 1970.
    #[must_use]
    pub fn now_micros(&self) -> i64 {
        self.now_micros
    }

    /// The same variables at another time.
    #[must_use]
    pub fn at(&self, now_micros: i64) -> Self {
        Self { now_micros, newest: self.newest.clone() }
    }

    /// One variable more, or another value for one.
    ///
    /// `stream_interval` and `stream_partition` follow from `stream_slice` and are not given.
    #[must_use]
    pub fn with(&self, name: impl Into<Cow<'static, str>>, value: Value) -> Self {
        self.push(name.into(), value, None, false)
    }

    /// As [`Scope::with`]; `name.attribute` finds these attributes before the members of the value, as the reference's slices have
    /// `partition`, `cursor_slice` and `extra_fields`, and its records `data`.
    #[must_use]
    pub fn with_attributes(&self, name: impl Into<Cow<'static, str>>, value: Value, attributes: Arc<Dict>) -> Self {
        self.push(name.into(), value, Some(attributes), false)
    }

    /// As [`Scope::with`]; keys are the same in upper and lower case, as the reference's response headers have it.
    #[must_use]
    pub fn with_any_case(&self, name: impl Into<Cow<'static, str>>, value: Value) -> Self {
        self.push(name.into(), value, None, true)
    }

    fn push(&self, name: Cow<'static, str>, value: Value, attributes: Option<Arc<Dict>>, any_case: bool) -> Self {
        let entry = Entry { name, value, attributes, any_case, older: self.newest.clone() };
        Self { now_micros: self.now_micros, newest: Some(Arc::new(entry)) }
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).map(|found| found.value)
    }

    pub(super) fn find(&self, name: &str) -> Option<Found<'_>> {
        let name = match name {
            "stream_interval" | "stream_partition" => "stream_slice",
            name => name,
        };
        self.find_exact(name)
    }

    fn find_exact(&self, name: &str) -> Option<Found<'_>> {
        let mut next = self.newest.as_deref();
        while let Some(entry) = next {
            if entry.name == name {
                return Some(Found { value: &entry.value, attributes: entry.attributes.as_deref(), any_case: entry.any_case });
            }
            next = entry.older.as_deref();
        }
        None
    }

    /// A variable that nobody may give.
    pub(super) fn reserved(&self) -> Option<&'static str> {
        ["stream_interval", "stream_partition"].into_iter().find(|name| self.find_exact(name).is_some())
    }
}
