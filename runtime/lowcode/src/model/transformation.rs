//! Transformations of records.

use crate::fault::Kind;
use crate::model::reader::Reader;
use crate::model::text::Text;
use crate::yaml::{Content, Node};

/// One transformation.
#[derive(Clone, Debug)]
pub enum Transformation {
    /// `AddFields`.
    AddFields {
        /// In this order.
        fields: Vec<AddedField>,
        /// Only where it is true.
        condition: Option<Text>,
    },
    /// `RemoveFields`.
    RemoveFields {
        /// Which; `*` and `**` are patterns.
        pointers: Vec<Vec<String>>,
        /// Only where it is true of a field's value.
        condition: Option<Text>,
    },
    /// `KeysToLower`.
    KeysToLower,
    /// `KeysToSnakeCase`.
    KeysToSnakeCase,
    /// `KeysReplace`.
    KeysReplace {
        /// What.
        old: Text,
        /// By what.
        new: Text,
    },
    /// `FlattenFields`.
    FlattenFields {
        /// Lists, too.
        flatten_lists: bool,
    },
    /// `DpathFlattenFields`.
    DpathFlattenFields {
        /// Which field.
        path: Vec<Text>,
        /// Whether it goes.
        delete_origin_value: bool,
        /// Whether the record goes instead.
        replace_record: bool,
        /// Put before its keys.
        prefix: Option<Text>,
        /// Put behind its keys.
        suffix: Option<Text>,
    },
}

/// `AddedFieldDefinition`.
#[derive(Clone, Debug, PartialEq)]
pub struct AddedField {
    /// Where.
    pub path: Vec<Text>,
    /// What.
    pub value: Text,
    /// Of which type; the text's own if absent.
    pub value_type: Option<ValueType>,
}

/// `ValueType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are their own explanation")]
pub enum ValueType {
    String,
    Number,
    Integer,
    Boolean,
}

/// Reads a transformation.
pub fn read_transformation(node: &Node, reader: &mut Reader) -> Option<Transformation> {
    let kinds = ["AddFields", "RemoveFields", "KeysToLower", "KeysToSnakeCase", "KeysReplace", "FlattenFields", "DpathFlattenFields"];
    let mut fields = reader.component(node, &kinds)?;
    let transformation = match fields.kind {
        "AddFields" => Some(Transformation::AddFields {
            fields: fields.each(reader, "fields", |reader, node| read_added_field(node, reader)),
            condition: fields.text(reader, "condition").filter(|text| !text.source().is_empty()),
        }),
        "RemoveFields" => Some(Transformation::RemoveFields {
            pointers: fields.each(reader, "field_pointers", |reader, node| Some(read_pointer(node, reader))),
            condition: fields.text(reader, "condition").filter(|text| !text.source().is_empty()),
        }),
        "KeysToLower" => Some(Transformation::KeysToLower),
        "KeysToSnakeCase" => Some(Transformation::KeysToSnakeCase),
        "KeysReplace" => {
            let old = fields.require_text(reader, "old");
            let new = fields.require_text(reader, "new");
            old.zip(new).map(|(old, new)| Transformation::KeysReplace { old, new })
        }
        "FlattenFields" => Some(Transformation::FlattenFields { flatten_lists: fields.flag(reader, "flatten_lists", true) }),
        _ => {
            let key = fields.get("key_transformation");
            let (prefix, suffix) =
                key.and_then(|node| reader.inside("key_transformation", |reader| read_key(node, reader))).unwrap_or_default();
            Some(Transformation::DpathFlattenFields {
                path: fields.text_list(reader, "field_path"),
                delete_origin_value: fields.flag(reader, "delete_origin_value", false),
                replace_record: fields.flag(reader, "replace_record", false),
                prefix,
                suffix,
            })
        }
    };
    fields.end(reader);
    transformation
}

/// Reads an `AddedFieldDefinition`.
pub fn read_added_field(node: &Node, reader: &mut Reader) -> Option<AddedField> {
    let mut fields = reader.component(node, &["AddedFieldDefinition"])?;
    let path = fields.text_list(reader, "path");
    let value = fields.require_text(reader, "value");
    let value_type = fields.read(reader, "value_type", |reader, node| read_value_type(node, reader));
    fields.end(reader);
    if path.is_empty() {
        reader.fault(node, Kind::Invalid, "`path` needs at least one name");
        return None;
    }
    Some(AddedField { path, value: value?, value_type })
}

/// Reads a `ValueType`.
pub fn read_value_type(node: &Node, reader: &mut Reader) -> Option<ValueType> {
    Some(match reader.word(node)?.as_str() {
        "string" => ValueType::String,
        "number" => ValueType::Number,
        "integer" => ValueType::Integer,
        "boolean" => ValueType::Boolean,
        _ => {
            reader.fault(node, Kind::Unsupported, "expected string, number, integer or boolean");
            return None;
        }
    })
}

/// Reads a list of names; one name alone is a list of one.
pub fn read_pointer(node: &Node, reader: &mut Reader) -> Vec<String> {
    match &node.content {
        Content::Sequence(_) => reader.items(node, Reader::word),
        _ => reader.word(node).into_iter().collect(),
    }
}

fn read_key(node: &Node, reader: &mut Reader) -> Option<(Option<Text>, Option<Text>)> {
    let mut fields = reader.component(node, &["KeyTransformation"])?;
    let pair = (fields.text(reader, "prefix"), fields.text(reader, "suffix"));
    fields.end(reader);
    Some(pair)
}
