//! `RecordSelector`: extractors, filter, normalization.

use crate::fault::Kind;
use crate::model::reader::Reader;
use crate::model::retriever::{SimpleRetriever, read_simple_retriever};
use crate::model::text::Text;
use crate::value::Value;
use crate::yaml::Node;

/// `RecordSelector`.
#[derive(Clone, Debug)]
pub struct RecordSelector {
    /// Finds the records.
    pub extractor: Extractor,
    /// Keeps those for which it is true.
    pub filter: Option<Text>,
    /// Whether values are brought to the schema's types.
    pub normalize: bool,
    /// Whether transformations come before the filter; a stream's cursor decides if absent.
    pub transform_before_filtering: Option<bool>,
}

/// Finds records in a decoded response.
#[derive(Clone, Debug)]
pub enum Extractor {
    /// `DpathExtractor`.
    Path {
        /// Where they are.
        path: Vec<Text>,
        /// What each of them holds.
        expander: Option<Box<Expander>>,
    },
    /// `CombinedExtractor`.
    Combined {
        /// Tried in this order.
        extractors: Vec<Extractor>,
        /// Whether the first that finds something is the only one.
        first_match: bool,
        /// Whether empty records are dropped.
        skip_empty: bool,
    },
    /// `ResponseToFileExtractor`: the rows of a CSV file.
    File {
        /// Whether a text that means "not available" stays.
        preserve_na_values: bool,
    },
}

/// `RecordExpander`.
#[derive(Clone, Debug)]
pub struct Expander {
    /// Where a record's items are.
    pub path: Vec<Text>,
    /// Whether each item carries the record under `original_record`.
    pub remain_original_record: bool,
    /// What each item takes from the record: from, to.
    pub parent_fields: Vec<(Vec<Text>, Vec<Text>)>,
    /// Whether each item lies upon the record.
    pub merge_parent: bool,
    /// Whether a record without items stays itself.
    pub emit_parent: bool,
    /// Where a record says that its list is not whole.
    pub truncation_indicator: Vec<Text>,
    /// How the whole list is got.
    pub truncated_list_retriever: Option<Box<SimpleRetriever>>,
}

/// Reads a `RecordSelector`.
pub fn read_record_selector(node: &Node, reader: &mut Reader) -> Option<RecordSelector> {
    let mut fields = reader.component(node, &["RecordSelector"])?;
    let extractor = fields.require(reader, "extractor", |reader, node| read_extractor(node, reader));
    let filter = fields.read(reader, "record_filter", |reader, node| read_record_filter(node, reader));
    let normalize = match fields.get("schema_normalization") {
        None => Some(false),
        Some(node) => reader.inside("schema_normalization", |reader| read_normalization(node, reader)),
    };
    let transform_before_filtering = fields.read(reader, "transform_before_filtering", Reader::flag);
    fields.end(reader);
    Some(RecordSelector { extractor: extractor?, filter, normalize: normalize?, transform_before_filtering })
}

/// Reads a `RecordFilter`; an empty condition is false.
pub fn read_record_filter(node: &Node, reader: &mut Reader) -> Option<Text> {
    let mut fields = reader.component(node, &["RecordFilter"])?;
    let condition = fields.text(reader, "condition");
    fields.end(reader);
    Some(condition.unwrap_or_else(|| Text::constant(Value::str(""))))
}

fn read_normalization(node: &Node, reader: &mut Reader) -> Option<bool> {
    match node.as_str() {
        Some("None") => Some(false),
        Some("Default") => Some(true),
        Some(_) => {
            reader.fault(node, Kind::Unsupported, "expected None or Default");
            None
        }
        None => {
            reader.component(node, &[])?;
            reader.fault(node, Kind::Unsupported, "expected None or Default");
            None
        }
    }
}

/// Reads an extractor.
pub fn read_extractor(node: &Node, reader: &mut Reader) -> Option<Extractor> {
    let mut fields = reader.component(node, &["DpathExtractor", "CombinedExtractor", "ResponseToFileExtractor"])?;
    let extractor = match fields.kind {
        "DpathExtractor" => {
            let parameters = fields.parameters.clone();
            let path = fields.require(reader, "field_path", |reader, node| {
                Some(crate::model::stream::one_or_many(node, reader, |node, reader| reader.text(node, &parameters)))
            });
            let expander = fields.read(reader, "record_expander", |reader, node| read_expander(node, reader));
            path.map(|path| Extractor::Path { path, expander: expander.map(Box::new) })
        }
        "CombinedExtractor" => {
            let extractors = fields.each(reader, "extractors", |reader, node| read_extractor(node, reader));
            let first_match = fields.word(reader, "mode").as_deref() == Some("first_match");
            let skip_empty = fields.flag(reader, "skip_empty_records", false);
            Some(Extractor::Combined { extractors, first_match, skip_empty })
        }
        _ => Some(Extractor::File { preserve_na_values: fields.flag(reader, "preserve_na_values", false) }),
    };
    fields.end(reader);
    extractor
}

fn read_expander(node: &Node, reader: &mut Reader) -> Option<Expander> {
    let mut fields = reader.component(node, &["RecordExpander"])?;
    let expander = Expander {
        path: fields.text_list(reader, "expand_records_from_field"),
        remain_original_record: fields.flag(reader, "remain_original_record", false),
        parent_fields: fields.each(reader, "parent_fields", |reader, node| {
            let mut fields = reader.component(node, &["ParentFieldPath"])?;
            let pair = (fields.text_list(reader, "parent_path"), fields.text_list(reader, "record_path"));
            fields.end(reader);
            Some(pair)
        }),
        merge_parent: fields.flag(reader, "merge_parent", false),
        emit_parent: fields.word(reader, "on_no_records").as_deref() == Some("emit_parent"),
        truncation_indicator: fields.text_list(reader, "truncation_indicator_path"),
        truncated_list_retriever: fields
            .read(reader, "truncated_list_retriever", |reader, node| read_simple_retriever(node, reader))
            .map(Box::new),
    };
    fields.end(reader);
    Some(expander)
}
