//! Schema loaders.

use crate::fault::Kind;
use crate::model::reader::Reader;
use crate::model::retriever::{Retriever, read_retriever};
use crate::model::selector::read_record_filter;
use crate::model::stream::one_or_many;
use crate::model::text::Text;
use crate::model::transformation::{Transformation, read_transformation};
use crate::value::Value;
use crate::yaml::{Content, Node};

/// Where a stream's JSON schema comes from.
#[derive(Clone, Debug)]
pub enum SchemaLoader {
    /// `InlineSchemaLoader`.
    Inline(Value),
    /// `JsonFileSchemaLoader`: a file that no manifest carries.
    File(Option<Text>),
    /// `DynamicSchemaLoader`.
    Dynamic(Box<DynamicSchemaLoader>),
}

/// `DynamicSchemaLoader`.
#[derive(Clone, Debug)]
pub struct DynamicSchemaLoader {
    /// Gets the description of the schema.
    pub retriever: Retriever,
    /// Keeps those fields for which it is true.
    pub filter: Option<Text>,
    /// Applied to the schema's properties.
    pub transformations: Vec<Transformation>,
    /// Where the description holds the fields.
    pub schema_pointer: Vec<Text>,
    /// Where a field's description holds its name.
    pub key_pointer: Vec<Text>,
    /// Where a field's description holds its type.
    pub type_pointer: Option<Vec<Text>>,
    /// From the API's types to JSON's.
    pub types: Vec<TypesMap>,
}

/// `TypesMap`.
#[derive(Clone, Debug)]
pub struct TypesMap {
    /// A type, a list of types, or one with items.
    pub target: TargetType,
    /// A type or a list of types of the API.
    pub current: Value,
    /// Only where it is true.
    pub condition: Option<Text>,
}

/// What a type becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetType {
    /// A name or a list of names.
    Plain(Value),
    /// `ComplexFieldType`.
    Complex {
        /// Its name.
        field_type: String,
        /// Of its items.
        items: Option<Box<TargetType>>,
    },
}

/// Reads one schema loader or a list of them.
pub fn read_schema_loaders(node: &Node, reader: &mut Reader) -> Vec<SchemaLoader> {
    one_or_many(node, reader, read_schema_loader)
}

fn read_schema_loader(node: &Node, reader: &mut Reader) -> Option<SchemaLoader> {
    let mut fields = reader.component(node, &["InlineSchemaLoader", "JsonFileSchemaLoader", "DynamicSchemaLoader"])?;
    let loader = match fields.kind {
        "InlineSchemaLoader" => Some(SchemaLoader::Inline(fields.value("schema").unwrap_or_else(|| Value::Dict(Default::default())))),
        "JsonFileSchemaLoader" => Some(SchemaLoader::File(fields.text(reader, "file_path"))),
        _ => {
            let retriever = fields.require(reader, "retriever", |reader, node| read_retriever(node, reader));
            let filter = fields.read(reader, "schema_filter", |reader, node| read_record_filter(node, reader));
            let transformations = fields.each(reader, "schema_transformations", |reader, node| read_transformation(node, reader));
            let identifier = fields.require(reader, "schema_type_identifier", |reader, node| read_identifier(node, reader));
            retriever.zip(identifier).map(|(retriever, identifier)| {
                let (schema_pointer, key_pointer, type_pointer, types) = identifier;
                SchemaLoader::Dynamic(Box::new(DynamicSchemaLoader {
                    retriever,
                    filter,
                    transformations,
                    schema_pointer,
                    key_pointer,
                    type_pointer,
                    types,
                }))
            })
        }
    };
    fields.end(reader);
    loader
}

type Identifier = (Vec<Text>, Vec<Text>, Option<Vec<Text>>, Vec<TypesMap>);

fn read_identifier(node: &Node, reader: &mut Reader) -> Option<Identifier> {
    let mut fields = reader.component(node, &["SchemaTypeIdentifier"])?;
    let schema_pointer = fields.text_list(reader, "schema_pointer");
    let key_pointer = fields.text_list(reader, "key_pointer");
    let type_pointer = Some(fields.text_list(reader, "type_pointer")).filter(|pointer| !pointer.is_empty());
    let types = fields.each(reader, "types_mapping", |reader, node| read_types_map(node, reader));
    fields.end(reader);
    if key_pointer.is_empty() {
        reader.fault(node, Kind::Invalid, "`key_pointer` needs at least one name");
        return None;
    }
    Some((schema_pointer, key_pointer, type_pointer, types))
}

fn read_types_map(node: &Node, reader: &mut Reader) -> Option<TypesMap> {
    let mut fields = reader.component(node, &["TypesMap"])?;
    let target = fields.require(reader, "target_type", |reader, node| read_target(node, reader));
    let current = fields.value("current_type");
    let condition = fields.text(reader, "condition");
    fields.end(reader);
    Some(TypesMap { target: target?, current: current?, condition })
}

fn read_target(node: &Node, reader: &mut Reader) -> Option<TargetType> {
    if !matches!(node.content, Content::Mapping(_)) {
        return Some(TargetType::Plain(node.to_value()));
    }
    let mut fields = reader.component(node, &["ComplexFieldType"])?;
    let field_type = fields.require_word(reader, "field_type");
    let items = fields.read(reader, "items", |reader, node| read_target(node, reader));
    fields.end(reader);
    Some(TargetType::Complex { field_type: field_type?, items: items.map(Box::new) })
}
