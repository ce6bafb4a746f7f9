//! Streams: `DeclarativeStream` and `StateDelegatingStream`.

use crate::fault::{Kind, Mark};
use crate::model::cursor::{Cursor, read_cursor};
use crate::model::reader::Reader;
use crate::model::retriever::{Retriever, read_retriever};
use crate::model::schema::{SchemaLoader, read_schema_loaders};
use crate::model::text::Text;
use crate::model::transformation::{Transformation, read_transformation};
use crate::value::Value;
use crate::yaml::{Content, Node};

/// `DeclarativeStream`.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its name in the catalogue.
    pub name: String,
    /// None, a text, a list of texts or a list of such lists.
    pub primary_key: Value,
    /// How its records are got.
    pub retriever: Retriever,
    /// What makes it incremental.
    pub incremental: Option<Cursor>,
    /// Merged in this order; empty means the default loader, which looks for a file of the stream's name.
    pub schema_loaders: Vec<SchemaLoader>,
    /// Applied to each record in this order.
    pub transformations: Vec<Transformation>,
    /// Applied to a state before it is used.
    pub state_migrations: Vec<StateMigration>,
    /// `$parameters`.
    pub parameters: Value,
    /// Where it stands in the text.
    pub mark: Option<Mark>,
    /// Where it stands in the manifest.
    pub path: String,
}

/// `LegacyToPerPartitionStateMigration` is the only one that is no Python class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateMigration {
    /// From one cursor per parent to the state of partitions.
    LegacyToPerPartition,
}

/// `StateDelegatingStream`: which of two streams is read depends on whether there is a state.
#[derive(Clone, Debug)]
pub struct StateDelegatingStream {
    /// The name of both.
    pub name: String,
    /// Read without a state.
    pub full_refresh: Stream,
    /// Read with a state.
    pub incremental: Stream,
    /// ISO 8601 duration: a state older than this counts as none.
    pub api_retention_period: Option<Text>,
}

/// Whatever may stand where a stream is expected.
#[derive(Clone, Debug)]
pub enum AnyStream {
    /// `DeclarativeStream`.
    Declarative(Box<Stream>),
    /// `StateDelegatingStream`.
    StateDelegating(Box<StateDelegatingStream>),
}

impl AnyStream {
    /// The name in the catalogue.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Declarative(stream) => &stream.name,
            Self::StateDelegating(stream) => &stream.name,
        }
    }

    /// Whether its records come through jobs.
    #[must_use]
    pub fn is_asynchronous(&self) -> bool {
        let streams = match self {
            Self::Declarative(stream) => [Some(&**stream), None],
            Self::StateDelegating(stream) => [Some(&stream.full_refresh), Some(&stream.incremental)],
        };
        streams.into_iter().flatten().any(|stream| matches!(stream.retriever, Retriever::Async(_)))
    }
}

/// Reads a stream of either kind.
pub fn read_any_stream(node: &Node, reader: &mut Reader) -> Option<AnyStream> {
    if node.component_type() == Some("StateDelegatingStream") {
        return read_state_delegating_stream(node, reader).map(|stream| AnyStream::StateDelegating(Box::new(stream)));
    }
    read_stream(node, reader).map(|stream| AnyStream::Declarative(Box::new(stream)))
}

fn read_state_delegating_stream(node: &Node, reader: &mut Reader) -> Option<StateDelegatingStream> {
    let mut fields = reader.component(node, &["StateDelegatingStream"])?;
    let name = fields.require_word(reader, "name");
    let full_refresh = fields.require(reader, "full_refresh_stream", |reader, node| read_stream(node, reader));
    let incremental = fields.require(reader, "incremental_stream", |reader, node| read_stream(node, reader));
    let api_retention_period = fields.text(reader, "api_retention_period");
    fields.end(reader);
    let (name, full_refresh, incremental) = (name?, full_refresh?, incremental?);
    if full_refresh.name != name || incremental.name != name {
        reader.fault(node, Kind::Invalid, format!("`{name}`, its full refresh stream and its incremental stream need one name"));
        return None;
    }
    Some(StateDelegatingStream { name, full_refresh, incremental, api_retention_period })
}

/// Reads a `DeclarativeStream`.
pub fn read_stream(node: &Node, reader: &mut Reader) -> Option<Stream> {
    let mut fields = reader.component(node, &["DeclarativeStream"])?;
    let name = fields.word(reader, "name").unwrap_or_default();
    let primary_key = fields.value("primary_key").filter(|key| *key != Value::str("")).unwrap_or(Value::None);
    let retriever = fields.require(reader, "retriever", |reader, node| read_retriever(node, reader));
    let incremental = match fields.get("incremental_sync") {
        None => Some(None),
        Some(node) => reader.inside("incremental_sync", |reader| read_cursor(node, reader)).map(Some),
    };
    let schema_loaders = fields.read(reader, "schema_loader", |reader, node| Some(read_schema_loaders(node, reader))).unwrap_or_default();
    let transformations = fields.each(reader, "transformations", |reader, node| read_transformation(node, reader));
    let state_migrations = fields.each(reader, "state_migrations", |reader, node| read_state_migration(node, reader));
    if let Some(node) = fields.get("file_uploader") {
        reader.inside("file_uploader", |reader| reader.fault(node, Kind::Unsupported, "streams of files are not supported"));
    }
    let parameters = fields.parameters.clone();
    fields.end(reader);
    let path = reader.path();
    Some(Stream {
        name,
        primary_key,
        retriever: retriever?,
        incremental: incremental?,
        schema_loaders,
        transformations,
        state_migrations,
        parameters,
        mark: node.mark,
        path,
    })
}

fn read_state_migration(node: &Node, reader: &mut Reader) -> Option<StateMigration> {
    let fields = reader.component(node, &["LegacyToPerPartitionStateMigration"])?;
    fields.end(reader);
    Some(StateMigration::LegacyToPerPartition)
}

/// Each item of a list, or the one thing that stands in its place.
pub fn one_or_many<'n, R>(node: &'n Node, reader: &mut Reader, mut read: impl FnMut(&'n Node, &mut Reader) -> Option<R>) -> Vec<R> {
    match &node.content {
        Content::Sequence(_) => reader.items(node, |reader, node| read(node, reader)),
        _ => read(node, reader).into_iter().collect(),
    }
}
