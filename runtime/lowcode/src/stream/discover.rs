//! What a stream is: its keys, its cursor, its schema.

use crate::fault::Failure;
use crate::host::Host;
use crate::model::stream::{AnyStream, Stream};
use crate::retrieve::system;
use crate::stream::{Connector, Session, schema};
use crate::value::Value;

/// An entry of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it can be read from a state on.
    pub incremental: bool,
    /// Whether the cursor's field is the manifest's choice.
    pub source_defined_cursor: Option<bool>,
    /// The cursor's field.
    pub default_cursor_field: Option<String>,
    /// Names of the key's fields.
    pub primary_key: Vec<String>,
    /// JSON schema of its records.
    pub json_schema: Value,
}

impl Connector {
    /// The catalogue.
    ///
    /// # Errors
    /// A template cannot be evaluated, or the API fails where schemas or streams come from it.
    pub fn discover(&self, host: &dyn Host) -> Result<Vec<Entry>, Failure> {
        let session = self.session(host)?;
        self.streams(&session)?.iter().map(|stream| self.entry(stream, &session)).collect()
    }

    /// One stream's entry.
    ///
    /// # Errors
    /// As for [`Connector::discover`].
    pub fn entry(&self, stream: &AnyStream, session: &Session<'_>) -> Result<Entry, Failure> {
        let stream: &Stream = match stream {
            AnyStream::Declarative(stream) => stream,
            // Without a state it is the one that would be read.
            AnyStream::StateDelegating(stream) => &stream.full_refresh,
        };
        let mut entry = Entry {
            name: stream.name.clone(),
            incremental: stream.incremental.is_some(),
            source_defined_cursor: None,
            default_cursor_field: None,
            primary_key: primary_key(&stream.primary_key),
            json_schema: schema::load(self, stream, session)?,
        };
        if let Some(cursor) = &stream.incremental {
            entry.source_defined_cursor = Some(!cursor.allows_catalog_defined_field());
            entry.default_cursor_field = Some(cursor.field().evaluate_to_text(&session.scope).map_err(|error| system(error.to_string()))?);
        }
        Ok(entry)
    }
}

/// A text, a list of texts or of lists of texts; of nested ones only the first step counts.
fn primary_key(key: &Value) -> Vec<String> {
    match key {
        Value::Str(text) => vec![text.to_string()],
        Value::List(items) => items
            .iter()
            .filter_map(|item| match item {
                Value::Str(text) => Some(text.to_string()),
                Value::List(steps) => steps.first().and_then(Value::as_str).map(str::to_owned),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
