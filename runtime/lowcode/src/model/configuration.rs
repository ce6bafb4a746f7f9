//! What a specification does to the configuration before it is used: migrations, transformations, validations.

use crate::fault::Kind;
use crate::model::reader::Reader;
use crate::model::text::{Text, Texts};
use crate::model::transformation::{AddedField, read_added_field, read_pointer};
use crate::value::Value;
use crate::yaml::{Content, Node};

/// `config_normalization_rules`.
#[derive(Clone, Debug, Default)]
pub struct Normalization {
    /// Change the stored configuration.
    pub migrations: Vec<ConfigTransformation>,
    /// Change what a run sees.
    pub transformations: Vec<ConfigTransformation>,
    /// Refuse a configuration.
    pub validations: Vec<Validator>,
}

/// One change.
#[derive(Clone, Debug)]
pub enum ConfigTransformation {
    /// `ConfigAddFields`.
    AddFields {
        /// In this order.
        fields: Vec<AddedField>,
        /// Only where it is true.
        condition: Option<Text>,
    },
    /// `ConfigRemapField`.
    RemapField {
        /// From value to value.
        map: Texts,
        /// Which field.
        path: Vec<Text>,
    },
    /// `ConfigRemoveFields`.
    RemoveFields {
        /// Which.
        pointers: Vec<Vec<String>>,
        /// Only where it is true.
        condition: Option<Text>,
    },
}

/// One check.
#[derive(Clone, Debug)]
pub enum Validator {
    /// `DpathValidator`.
    Path {
        /// Which field.
        path: Vec<Text>,
        /// What it must be like.
        schema: Value,
    },
    /// `PredicateValidator`.
    Predicate {
        /// Which value.
        value: Texts,
        /// What it must be like.
        schema: Value,
    },
}

/// Reads `config_normalization_rules`.
pub fn read_normalization(node: &Node, reader: &mut Reader) -> Option<Normalization> {
    let mut fields = reader.component(node, &["ConfigNormalizationRules"])?;
    let migrations = fields.each(reader, "config_migrations", |reader, node| {
        let mut fields = reader.component(node, &["ConfigMigration"])?;
        fields.ignore(&["description"]);
        let transformations = fields.each(reader, "transformations", |reader, node| read_config_transformation(node, reader));
        fields.end(reader);
        Some(transformations)
    });
    let rules = Normalization {
        migrations: migrations.into_iter().flatten().collect(),
        transformations: fields.each(reader, "transformations", |reader, node| read_config_transformation(node, reader)),
        validations: fields.each(reader, "validations", |reader, node| read_validator(node, reader)),
    };
    fields.end(reader);
    Some(rules)
}

fn read_config_transformation(node: &Node, reader: &mut Reader) -> Option<ConfigTransformation> {
    let mut fields = reader.component(node, &["ConfigAddFields", "ConfigRemapField", "ConfigRemoveFields"])?;
    let transformation = match fields.kind {
        "ConfigAddFields" => Some(ConfigTransformation::AddFields {
            fields: fields.each(reader, "fields", |reader, node| read_added_field(node, reader)),
            condition: fields.text(reader, "condition").filter(|text| !text.source().is_empty()),
        }),
        "ConfigRemoveFields" => Some(ConfigTransformation::RemoveFields {
            pointers: fields.each(reader, "field_pointers", |reader, node| Some(read_pointer(node, reader))),
            condition: fields.text(reader, "condition").filter(|text| !text.source().is_empty()),
        }),
        _ => {
            let path = fields.text_list(reader, "field_path");
            let parameters = fields.parameters.clone();
            let map = fields.require(reader, "map", |reader, node| reader.texts(node, &parameters));
            if path.is_empty() {
                reader.fault(node, Kind::Invalid, "`field_path` needs at least one name");
                None
            } else {
                map.map(|map| ConfigTransformation::RemapField { map, path })
            }
        }
    };
    fields.end(reader);
    transformation
}

fn read_validator(node: &Node, reader: &mut Reader) -> Option<Validator> {
    let mut fields = reader.component(node, &["DpathValidator", "PredicateValidator"])?;
    let schema = fields.require(reader, "validation_strategy", |reader, node| {
        let mut fields = reader.component(node, &["ValidateAdheresToSchema"])?;
        let schema = fields.require(reader, "base_schema", |reader, node| read_schema(node, reader));
        fields.end(reader);
        schema
    });
    let parameters = fields.parameters.clone();
    let validator = if fields.kind == "DpathValidator" {
        let path = fields.text_list(reader, "field_path");
        schema.map(|schema| Validator::Path { path, schema })
    } else {
        let value = fields.require(reader, "value", |reader, node| reader.texts(node, &parameters));
        value.zip(schema).map(|(value, schema)| Validator::Predicate { value, schema })
    };
    fields.end(reader);
    validator
}

fn read_schema(node: &Node, reader: &mut Reader) -> Option<Value> {
    match &node.content {
        Content::Mapping(_) => Some(node.to_value()),
        Content::Scalar(Value::Str(text)) => match Value::from_json(text.as_bytes()) {
            Ok(schema) => Some(schema),
            Err(_) => {
                reader.fault(node, Kind::Invalid, "`base_schema` is a JSON schema, as a mapping or as JSON");
                None
            }
        },
        _ => {
            reader.fault(node, Kind::Invalid, "`base_schema` is a JSON schema, as a mapping or as JSON");
            None
        }
    }
}
