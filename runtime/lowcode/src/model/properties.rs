//! `QueryProperties`: which fields a request asks for, in how many requests.

use crate::fault::Kind;
use crate::model::reader::Reader;
use crate::model::retriever::{Retriever, read_retriever};
use crate::model::text::Text;
use crate::model::transformation::{Transformation, read_pointer, read_transformation};
use crate::yaml::{Content, Node};

/// `QueryProperties`.
#[derive(Clone, Debug)]
pub struct QueryProperties {
    /// The fields.
    pub list: PropertyList,
    /// Asked for in each request.
    pub always: Vec<String>,
    /// How many in a request; all if absent.
    pub chunking: Option<PropertyChunking>,
    /// Only those of the catalogue's schema, whose names are transformed so before they are compared.
    pub selector: Option<Vec<Transformation>>,
    /// The parameter that carries them, if it is a parameter.
    pub parameter: Option<String>,
}

/// Where the fields come from.
#[derive(Clone, Debug)]
pub enum PropertyList {
    /// From the manifest.
    Fixed(Vec<String>),
    /// From an endpoint.
    Endpoint(Box<PropertiesFromEndpoint>),
}

/// `PropertiesFromEndpoint`.
#[derive(Clone, Debug)]
pub struct PropertiesFromEndpoint {
    /// Where a record holds a name.
    pub path: Vec<Text>,
    /// Gets the records.
    pub retriever: Retriever,
}

/// `PropertyChunking`.
#[derive(Clone, Debug)]
pub struct PropertyChunking {
    /// Whether characters count, not fields.
    pub characters: bool,
    /// How many.
    pub limit: Option<i64>,
    /// By which fields the parts of a record find each other; paths of names.
    pub merge_key: Option<Vec<String>>,
}

impl QueryProperties {
    /// All fields an endpoint names, in one request.
    #[must_use]
    pub fn of_endpoint(endpoint: PropertiesFromEndpoint) -> Self {
        Self { list: PropertyList::Endpoint(Box::new(endpoint)), always: Vec::new(), chunking: None, selector: None, parameter: None }
    }
}

/// Reads `QueryProperties`.
pub fn read_query_properties(node: &Node, reader: &mut Reader) -> Option<QueryProperties> {
    let mut fields = reader.component(node, &["QueryProperties"])?;
    let list = fields.require(reader, "property_list", |reader, node| match &node.content {
        Content::Sequence(_) => Some(PropertyList::Fixed(reader.items(node, Reader::word))),
        _ => read_properties_from_endpoint(node, reader).map(|endpoint| PropertyList::Endpoint(Box::new(endpoint))),
    });
    let always = fields.word_list(reader, "always_include_properties");
    let chunking = fields.read(reader, "property_chunking", |reader, node| read_chunking(node, reader));
    let selector = fields.read(reader, "property_selector", |reader, node| {
        let mut fields = reader.component(node, &["JsonSchemaPropertySelector"])?;
        let transformations = fields.each(reader, "transformations", |reader, node| read_transformation(node, reader));
        fields.end(reader);
        Some(transformations)
    });
    fields.end(reader);
    Some(QueryProperties { list: list?, always, chunking, selector, parameter: None })
}

/// Reads `PropertiesFromEndpoint`.
pub fn read_properties_from_endpoint(node: &Node, reader: &mut Reader) -> Option<PropertiesFromEndpoint> {
    let mut fields = reader.component(node, &["PropertiesFromEndpoint"])?;
    let path = fields.text_list(reader, "property_field_path");
    let retriever = fields.require(reader, "retriever", |reader, node| read_retriever(node, reader));
    fields.end(reader);
    Some(PropertiesFromEndpoint { path, retriever: retriever? })
}

fn read_chunking(node: &Node, reader: &mut Reader) -> Option<PropertyChunking> {
    let mut fields = reader.component(node, &["PropertyChunking"])?;
    let kind = fields.require_word(reader, "property_limit_type");
    let limit = fields.integer(reader, "property_limit");
    let merge_key = fields.read(reader, "record_merge_strategy", |reader, node| {
        let mut fields = reader.component(node, &["GroupByKeyMergeStrategy"])?;
        let key = fields.require(reader, "key", |reader, node| Some(read_pointer(node, reader)));
        fields.end(reader);
        key
    });
    fields.end(reader);
    let characters = match kind?.as_str() {
        "characters" => true,
        "property_count" => false,
        _ => {
            reader.fault(node, Kind::Unsupported, "`property_limit_type` is characters or property_count");
            return None;
        }
    };
    Some(PropertyChunking { characters, limit, merge_key })
}
