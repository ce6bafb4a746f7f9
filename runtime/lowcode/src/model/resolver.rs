//! `DynamicDeclarativeStream`: streams that are made from a template.

use crate::fault::Kind;
use crate::model::reader::{Fields, Reader};
use crate::model::retriever::{Retriever, read_retriever};
use crate::model::stream::{one_or_many, read_any_stream};
use crate::model::text::Text;
use crate::model::transformation::{ValueType, read_value_type};
use crate::value::Value;
use crate::yaml::Node;

/// `DynamicDeclarativeStream`.
#[derive(Clone, Debug)]
pub struct DynamicStream {
    /// For the check and for messages.
    pub name: String,
    /// The stream's description before its fields are set.
    pub template: Node,
    /// Where the values come from.
    pub resolver: Resolver,
    /// What is set.
    pub mapping: Vec<ComponentMapping>,
    /// Whether parameters of an outer component win over those of an inner one.
    pub use_parent_parameters: bool,
    /// Where the template stands in the manifest.
    pub path: String,
}

/// Where the values come from.
#[derive(Clone, Debug)]
pub enum Resolver {
    /// `HttpComponentsResolver`: a stream for each record.
    Http(Box<Retriever>),
    /// `ConfigComponentsResolver`: a stream for each item of the configuration's lists, multiplied.
    Config(Vec<StreamConfig>),
    /// `ParametrizedComponentsResolver`: a stream for each of these.
    Parametrized(Vec<Value>),
}

/// `StreamConfig`.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// Where the configuration holds the list.
    pub pointer: Vec<Text>,
    /// Before those of the configuration.
    pub default_values: Vec<Value>,
}

/// `ComponentMappingDefinition`.
#[derive(Clone, Debug)]
pub struct ComponentMapping {
    /// Which field of the template; `*` is a pattern.
    pub path: Vec<Text>,
    /// What it becomes.
    pub value: Text,
    /// Of which type.
    pub value_type: Option<ValueType>,
    /// Whether the field may be new.
    pub create_or_update: bool,
    /// Only where it is true.
    pub condition: Option<Text>,
}

/// Reads a `DynamicDeclarativeStream`.
pub fn read_dynamic_stream(node: &Node, reader: &mut Reader) -> Option<DynamicStream> {
    let mut fields = reader.component(node, &["DynamicDeclarativeStream"])?;
    let name = fields.word(reader, "name").unwrap_or_default();
    let template = fields.require(reader, "stream_template", |reader, node| {
        check_template(node, reader);
        Some((node.clone(), reader.path()))
    });
    let resolver = fields.require(reader, "components_resolver", |reader, node| read_resolver(node, reader));
    let use_parent_parameters = fields.flag(reader, "use_parent_parameters", true);
    fields.end(reader);
    let ((template, path), (resolver, mapping)) = (template?, resolver?);
    Some(DynamicStream { name, template, resolver, mapping, use_parent_parameters, path })
}

/// A template need not be a stream before its fields are set; but what no field can mend is told at once.
fn check_template(node: &Node, reader: &mut Reader) {
    let before = reader.faults.len();
    read_any_stream(node, reader);
    let mut index = 0;
    reader.faults.retain(|fault| {
        index += 1;
        index <= before || !matches!(fault.kind, Kind::Invalid)
    });
}

fn read_resolver(node: &Node, reader: &mut Reader) -> Option<(Resolver, Vec<ComponentMapping>)> {
    let kinds = ["HttpComponentsResolver", "ConfigComponentsResolver", "ParametrizedComponentsResolver"];
    let mut fields = reader.component(node, &kinds)?;
    let mapping = fields.each(reader, "components_mapping", |reader, node| read_component_mapping(node, reader));
    let resolver = match fields.kind {
        "HttpComponentsResolver" => fields
            .require(reader, "retriever", |reader, node| read_retriever(node, reader))
            .map(|retriever| Resolver::Http(Box::new(retriever))),
        "ConfigComponentsResolver" => fields
            .require(reader, "stream_config", |reader, node| Some(one_or_many(node, reader, read_stream_config)))
            .map(Resolver::Config),
        _ => read_parametrized(&mut fields, reader),
    };
    fields.end(reader);
    resolver.map(|resolver| (resolver, mapping))
}

fn read_parametrized(fields: &mut Fields<'_>, reader: &mut Reader) -> Option<Resolver> {
    fields
        .require(reader, "stream_parameters", |reader, node| {
            let mut fields = reader.component(node, &["StreamParametersDefinition"])?;
            let list = fields.each(reader, "list_of_parameters_for_stream", |_, node| Some(node.to_value()));
            fields.end(reader);
            Some(list)
        })
        .map(Resolver::Parametrized)
}

fn read_stream_config(node: &Node, reader: &mut Reader) -> Option<StreamConfig> {
    let mut fields = reader.component(node, &["StreamConfig"])?;
    let pointer = fields.text_list(reader, "configs_pointer");
    let default_values = fields.each(reader, "default_values", |_, node| Some(node.to_value()));
    fields.end(reader);
    Some(StreamConfig { pointer, default_values })
}

fn read_component_mapping(node: &Node, reader: &mut Reader) -> Option<ComponentMapping> {
    let mut fields = reader.component(node, &["ComponentMappingDefinition"])?;
    let path = fields.text_list(reader, "field_path");
    let value = fields.require_text(reader, "value");
    let value_type = fields.read(reader, "value_type", |reader, node| read_value_type(node, reader));
    let create_or_update = fields.flag(reader, "create_or_update", false);
    let condition = fields.text(reader, "condition").filter(|text| !text.source().is_empty());
    fields.end(reader);
    Some(ComponentMapping { path, value: value?, value_type, create_or_update, condition })
}
