//! What is known of the streams before they are read: names, keys, cursors and schemas, as the reference's `discover` tells them.

use crate::model::retriever::Retriever;
use crate::model::schema::SchemaLoader;
use crate::model::source::Source;
use crate::model::stream::{AnyStream, Stream};
use crate::model::text::Text;
use crate::template::Scope;
use crate::value::{Dict, Value};

use super::segments::is_settled;

/// What is known of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamFacts {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: String,
    /// The template that must be true for it to be there at all, if there is one.
    pub condition: Option<String>,
    /// Whether it can be read incrementally.
    pub is_incremental: bool,
    /// The field of its cursor; as a template if the configuration is needed and not at hand.
    pub cursor_field: Option<String>,
    /// Whether the catalogue may name another field.
    pub catalog_may_choose_cursor: bool,
    /// Paths of the fields that identify a record.
    pub primary_key: Vec<Vec<String>>,
    /// The JSON schema of its records.
    pub schema: Schema,
    /// Whether it comes through asynchronous jobs.
    pub is_asynchronous: bool,
}

/// Where a stream's schema comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Schema {
    /// It stands in the manifest.
    Static(Value),
    /// A file beside the manifest, which a manifest alone does not have.
    File,
    /// Known only when it runs.
    Dynamic,
}

/// Streams that are made at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicStreams {
    /// The name of their definition.
    pub name: String,
    /// Where the template stands.
    pub place: String,
    /// Whether the configuration alone says which there are.
    pub from_configuration: bool,
}

/// The facts of all streams.
pub fn facts(source: &Source, configuration: Option<&Value>, now_micros: i64) -> (Vec<StreamFacts>, Vec<DynamicStreams>) {
    let streams = source.streams.iter().map(|one| {
        let stream = match &one.stream {
            AnyStream::Declarative(stream) => stream.as_ref(),
            AnyStream::StateDelegating(stream) => &stream.incremental,
        };
        stream_facts(stream, one.condition.as_ref(), configuration, now_micros)
    });
    let dynamic = source.dynamic_streams.iter().map(|one| DynamicStreams {
        name: one.name.clone(),
        place: one.path.clone(),
        from_configuration: !matches!(one.resolver, crate::model::resolver::Resolver::Http(_)),
    });
    (streams.collect(), dynamic.collect())
}

fn stream_facts(stream: &Stream, condition: Option<&Text>, configuration: Option<&Value>, now_micros: i64) -> StreamFacts {
    let cursor_field = stream.incremental.as_ref().map(|cursor| settled_text(cursor.field(), configuration, now_micros));
    StreamFacts {
        name: stream.name.clone(),
        place: stream.path.clone(),
        condition: condition.map(|text| text.source().to_owned()),
        is_incremental: cursor_field.is_some(),
        cursor_field,
        catalog_may_choose_cursor: stream.incremental.as_ref().is_some_and(may_choose),
        primary_key: primary_key(&stream.primary_key),
        schema: merge_schemas(&stream.schema_loaders),
        is_asynchronous: matches!(stream.retriever, Retriever::Async(_)),
    }
}

fn may_choose(cursor: &crate::model::cursor::Cursor) -> bool {
    match cursor {
        crate::model::cursor::Cursor::Datetime(cursor) => cursor.allow_catalog_defined_field,
        crate::model::cursor::Cursor::Count(cursor) => cursor.allow_catalog_defined_field,
    }
}

/// A template's value if nothing but what is at hand is needed, else the template.
fn settled_text(text: &Text, configuration: Option<&Value>, now_micros: i64) -> String {
    let needs_configuration = text.uses().iter().any(|one| one.root == "config");
    if !is_settled(text.template()) || (needs_configuration && configuration.is_none()) {
        return text.source().to_owned();
    }
    let configuration = configuration.cloned().unwrap_or_else(|| Value::dict(Dict::new()));
    let scope = Scope::new(now_micros).with("config", configuration);
    text.evaluate_to_text(&scope).unwrap_or_else(|_| text.source().to_owned())
}

/// A key as paths: a text is one field, a list of texts several, a list of lists several paths.
#[must_use]
pub fn primary_key(key: &Value) -> Vec<Vec<String>> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.python_str(), ToOwned::to_owned);
    match key {
        Value::None => Vec::new(),
        Value::List(items) | Value::Tuple(items) => items
            .iter()
            .map(|item| match item {
                Value::List(path) | Value::Tuple(path) => path.iter().map(text).collect(),
                field => vec![text(field)],
            })
            .collect(),
        field => vec![vec![text(field)]],
    }
}

/// The schema that several loaders make together: the properties of earlier ones win.
#[must_use]
pub fn merge_schemas(loaders: &[SchemaLoader]) -> Schema {
    match loaders {
        [] | [SchemaLoader::File(_)] => return Schema::File,
        [SchemaLoader::Dynamic(_)] => return Schema::Dynamic,
        [SchemaLoader::Inline(schema)] => return Schema::Static(schema.clone()),
        _ => {}
    }
    let mut properties = Dict::new();
    for loader in loaders {
        match loader {
            SchemaLoader::File(_) => return Schema::File,
            SchemaLoader::Dynamic(_) => return Schema::Dynamic,
            SchemaLoader::Inline(schema) => {
                for (name, property) in schema.get("properties").and_then(Value::as_dict).into_iter().flatten() {
                    properties.entry(name.clone()).or_insert_with(|| property.clone());
                }
            }
        }
    }
    let mut schema = Dict::new();
    schema.insert("$schema".into(), Value::str("http://json-schema.org/draft-07/schema#"));
    schema.insert("type".into(), Value::list(vec![Value::str("null"), Value::str("object")]));
    schema.insert("properties".into(), Value::dict(properties));
    Schema::Static(Value::dict(schema))
}
