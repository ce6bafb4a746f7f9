//! The parts a stream is read in: slices with what they add to requests, cursors and their states.
//!
//! Reads no page: `retrieve` does. Finds no partition: `reading` does. Keeps no record.

pub mod cursor;
pub mod dates;
pub mod options;
pub mod partitioned;
pub mod point;
pub mod rule;
pub mod timeline;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::template::Scope;
use crate::value::{Dict, Value};

/// One part of a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slice {
    /// What the partition router gave.
    pub partition: Dict,
    /// What the cursor gave: boundaries by field name.
    pub cursor: Dict,
    /// Values from parent records that are no part of the partition's identity.
    pub extra: Dict,
}

impl Slice {
    /// Partition and boundaries as templates see them: `stream_slice`.
    #[must_use]
    pub fn as_value(&self) -> Value {
        Value::Dict(Arc::new(self.merged()))
    }

    /// The scope with this slice as `stream_slice`, its parts as attributes.
    #[must_use]
    pub fn bind(&self, scope: &Scope) -> Scope {
        let parts = [("partition", &self.partition), ("cursor_slice", &self.cursor), ("extra_fields", &self.extra)];
        let attributes = parts.into_iter().map(|(name, dict)| (Arc::from(name), Value::Dict(Arc::new(dict.clone())))).collect();
        scope.with_attributes("stream_slice", self.as_value(), Arc::new(attributes))
    }

    /// A member of partition or boundaries.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.cursor.get(key).or_else(|| self.partition.get(key))
    }

    fn merged(&self) -> Dict {
        let mut all = self.partition.clone();
        for (key, value) in &self.cursor {
            all.insert(Arc::clone(key), value.clone());
        }
        all
    }
}

/// What cursor and partition router add to each request of a slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Query parameters.
    pub query: Dict,
    /// Headers.
    pub headers: Dict,
    /// Fields of a form body.
    pub body_data: Dict,
    /// Fields of a JSON body, nested where the option says `field_path`.
    pub body_json: Dict,
}

/// What the pages of a slice ask the stream's cursor. A stream without one has `None` in its place.
pub trait Judge {
    /// Whether a record lies within what is to be read: client-side incremental streams and data feeds drop the others,
    /// and a data feed stops after the first page whose last record is not wanted. True for records without the cursor's field.
    ///
    /// # Errors
    /// Why the record's value cannot be compared, without the value.
    fn wanted(&self, slice: &Slice, record: &Value) -> Result<bool, String>;

    /// Two halves of a slice's window; none if it cannot be split any further (or is not longer than `minimum`, an ISO 8601 duration).
    ///
    /// # Errors
    /// Why the boundaries cannot be read.
    fn split(&self, slice: &Slice, minimum: Option<&str>) -> Result<Option<[Slice; 2]>, String>;

    /// The slice from the greatest cursor value among records already read to its end, for reading it anew from there.
    ///
    /// # Errors
    /// Why the boundaries cannot be read.
    fn narrow(&self, slice: &Slice, greatest: &Value) -> Result<Slice, String>;

    /// The name of the cursor's field.
    fn field(&self) -> &str;
}
