//! A manifest as a whole: streams, check, budget, concurrency, rules for the configuration.

use crate::fault::Kind;
use crate::model::budget::{Budget, read_budget};
use crate::model::configuration::{Normalization, read_normalization};
use crate::model::reader::Reader;
use crate::model::resolver::{DynamicStream, read_dynamic_stream};
use crate::model::stream::{AnyStream, read_any_stream};
use crate::model::text::Text;
use crate::value::Value;
use crate::yaml::Node;

/// A manifest.
#[derive(Clone, Debug)]
pub struct Source {
    /// In the manifest's order.
    pub streams: Vec<SourceStream>,
    /// In the manifest's order.
    pub dynamic_streams: Vec<DynamicStream>,
    /// How a connection is checked.
    pub check: Check,
    /// How many requests the API takes.
    pub budget: Option<Budget>,
    /// How many slices may be under way.
    pub concurrency: Option<Concurrency>,
    /// A template that gives a whole number: how many jobs may be under way; one if absent.
    pub maximum_jobs: Option<Text>,
    /// What is done to the configuration first.
    pub normalization: Normalization,
    /// The configuration's JSON schema.
    pub connection_specification: Option<Value>,
}

/// A stream and when it is there.
#[derive(Clone, Debug)]
pub struct SourceStream {
    /// Only where it is true: `ConditionalStreams`.
    pub condition: Option<Text>,
    /// The stream.
    pub stream: AnyStream,
}

/// How a connection is checked.
#[derive(Clone, Debug)]
pub enum Check {
    /// `CheckStream`.
    Streams {
        /// Each of these gives at least one record.
        names: Vec<String>,
        /// Dynamic streams, and how many of each; none means all.
        dynamic: Vec<(String, Option<i64>)>,
    },
    /// `CheckDynamicStream`.
    Dynamic {
        /// So many of them.
        count: i64,
        /// Whether they are read as well.
        use_availability: bool,
    },
}

/// `ConcurrencyLevel`.
#[derive(Clone, Debug)]
pub struct Concurrency {
    /// A template that gives a whole number.
    pub default: Text,
    /// No more.
    pub maximum: Option<i64>,
}

/// Reads a resolved manifest.
pub fn read_source(node: &Node, reader: &mut Reader) -> Option<Source> {
    let mut fields = reader.component(node, &["DeclarativeSource"])?;
    fields.ignore(&["version", "definitions", "schemas", "metadata", "description", "stream_groups"]);
    let streams = fields.each(reader, "streams", |reader, node| Some(read_source_stream(node, reader)));
    let dynamic_streams = fields.each(reader, "dynamic_streams", |reader, node| read_dynamic_stream(node, reader));
    let check = fields.require(reader, "check", |reader, node| read_check(node, reader));
    let budget = fields.read(reader, "api_budget", |reader, node| read_budget(node, reader));
    let concurrency = fields.read(reader, "concurrency_level", |reader, node| read_concurrency(node, reader));
    let maximum_jobs = fields.text(reader, "max_concurrent_async_job_count");
    let spec = fields.read(reader, "spec", |reader, node| read_spec(node, reader));
    fields.end(reader);
    let (normalization, connection_specification) = spec.unwrap_or_default();
    Some(Source {
        streams: streams.into_iter().flatten().collect(),
        dynamic_streams,
        check: check?,
        budget,
        concurrency,
        maximum_jobs,
        normalization,
        connection_specification,
    })
}

fn read_source_stream(node: &Node, reader: &mut Reader) -> Vec<SourceStream> {
    if node.component_type() != Some("ConditionalStreams") {
        return read_any_stream(node, reader).map(|stream| SourceStream { condition: None, stream }).into_iter().collect();
    }
    let Some(mut fields) = reader.component(node, &["ConditionalStreams"]) else { return Vec::new() };
    let condition = fields.require_text(reader, "condition");
    let streams = fields.each(reader, "streams", |reader, node| read_any_stream(node, reader));
    fields.end(reader);
    streams.into_iter().map(|stream| SourceStream { condition: condition.clone(), stream }).collect()
}

fn read_check(node: &Node, reader: &mut Reader) -> Option<Check> {
    let mut fields = reader.component(node, &["CheckStream", "CheckDynamicStream"])?;
    let check = if fields.kind == "CheckDynamicStream" {
        let count = fields.require(reader, "stream_count", Reader::integer);
        let use_availability = fields.flag(reader, "use_check_availability", true);
        count.map(|count| Check::Dynamic { count, use_availability })
    } else {
        let names = fields.word_list(reader, "stream_names");
        let dynamic = fields.each(reader, "dynamic_streams_check_configs", |reader, node| {
            let mut fields = reader.component(node, &["DynamicStreamCheckConfig"])?;
            let name = fields.require_word(reader, "dynamic_stream_name");
            let count = fields.integer(reader, "stream_count");
            fields.end(reader);
            Some((name?, count))
        });
        Some(Check::Streams { names, dynamic })
    };
    if let Some(node) = fields.get("config_overrides") {
        reader.inside("config_overrides", |reader| {
            reader.fault(node, Kind::Unsupported, "a check with another configuration is not supported")
        });
    }
    fields.end(reader);
    check
}

fn read_concurrency(node: &Node, reader: &mut Reader) -> Option<Concurrency> {
    let mut fields = reader.component(node, &["ConcurrencyLevel"])?;
    let default = fields.require_text(reader, "default_concurrency");
    let maximum = fields.integer(reader, "max_concurrency");
    fields.end(reader);
    Some(Concurrency { default: default?, maximum })
}

fn read_spec(node: &Node, reader: &mut Reader) -> Option<(Normalization, Option<Value>)> {
    let mut fields = reader.component(node, &["Spec"])?;
    let normalization = fields.read(reader, "config_normalization_rules", |reader, node| read_normalization(node, reader));
    let specification = fields.value("connection_specification");
    fields.ignore(&["documentation_url", "documentationUrl", "advanced_auth", "changelogUrl", "supportsIncremental"]);
    fields.end(reader);
    Some((normalization.unwrap_or_default(), specification))
}
