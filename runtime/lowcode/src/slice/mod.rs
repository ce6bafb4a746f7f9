//! The parts a stream is read in: slices by partition router and cursor, and what they add to requests.
//!
//! Reads no page: `retrieve` does. Keeps no record.

use std::sync::Arc;

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
