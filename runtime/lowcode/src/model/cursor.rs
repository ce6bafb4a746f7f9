//! `DatetimeBasedCursor` and `IncrementingCountCursor` as data. Evaluates nothing.

use crate::model::reader::{Fields, Reader};
use crate::model::requester::{RequestOption, read_request_option};
use crate::model::text::Text;
use crate::value::Value;
use crate::yaml::{Content, Node};

/// What makes a stream incremental.
#[derive(Clone, Debug)]
pub enum Cursor {
    /// By a date of its records.
    Datetime(Box<DatetimeCursor>),
    /// By a growing number of its records.
    Count(Box<CountCursor>),
}

/// `DatetimeBasedCursor`.
#[derive(Clone, Debug)]
pub struct DatetimeCursor {
    /// The records' field.
    pub field: Text,
    /// How slices and states write it.
    pub format: String,
    /// How records and states may write it, besides.
    pub record_formats: Vec<String>,
    /// Where the first run begins.
    pub start: MinMax,
    /// Where a run ends; now, if absent.
    pub end: Option<MinMax>,
    /// ISO 8601 duration: a slice's length.
    pub step: Option<Text>,
    /// ISO 8601 duration: the smallest difference the API tells apart.
    pub granularity: Option<String>,
    /// ISO 8601 duration: what is read again.
    pub lookback: Option<Text>,
    /// Name of a slice's start.
    pub start_name: Option<Text>,
    /// Name of a slice's end.
    pub end_name: Option<Text>,
    /// Where a slice's start goes in a request.
    pub start_option: Option<RequestOption>,
    /// Where a slice's end goes in a request.
    pub end_option: Option<RequestOption>,
    /// Newest first, and no filter on the API's side: reading stops at the first old record.
    pub is_data_feed: bool,
    /// No filter on the API's side: old records are dropped here.
    pub is_client_side_incremental: bool,
    /// Whether a slice of no length is left out.
    pub is_compare_strictly: bool,
    /// Whether one cursor serves all partitions.
    pub is_global: bool,
    /// What boundaries are rounded to.
    pub clamping: Option<Clamping>,
    /// Whether the catalogue may choose another field.
    pub allow_catalog_defined_field: bool,
}

/// `Clamping`.
#[derive(Clone, Debug)]
pub struct Clamping {
    /// DAY, WEEK or MONTH.
    pub target: Text,
    /// `target_details.weekday`.
    pub weekday: Option<String>,
}

/// `MinMaxDatetime`, or a text in its place.
#[derive(Clone, Debug)]
pub struct MinMax {
    /// The date.
    pub datetime: Text,
    /// How it is written; as the cursor's, if absent.
    pub format: Option<String>,
    /// Not before.
    pub minimum: Option<Text>,
    /// Not after.
    pub maximum: Option<Text>,
}

/// `IncrementingCountCursor`.
#[derive(Clone, Debug)]
pub struct CountCursor {
    /// The records' field.
    pub field: Text,
    /// Where the first run begins.
    pub start: Option<Text>,
    /// Where a slice's start goes in a request.
    pub start_option: Option<RequestOption>,
    /// Whether the catalogue may choose another field.
    pub allow_catalog_defined_field: bool,
}

impl Cursor {
    /// The records' field.
    #[must_use]
    pub fn field(&self) -> &Text {
        match self {
            Self::Datetime(cursor) => &cursor.field,
            Self::Count(cursor) => &cursor.field,
        }
    }

    /// Whether the catalogue may choose another field.
    #[must_use]
    pub fn allows_catalog_defined_field(&self) -> bool {
        match self {
            Self::Datetime(cursor) => cursor.allow_catalog_defined_field,
            Self::Count(cursor) => cursor.allow_catalog_defined_field,
        }
    }

    /// Whether reading stops at the first old record.
    #[must_use]
    pub fn is_data_feed(&self) -> bool {
        matches!(self, Self::Datetime(cursor) if cursor.is_data_feed)
    }

    /// Whether old records are dropped here.
    #[must_use]
    pub fn is_client_side_incremental(&self) -> bool {
        matches!(self, Self::Datetime(cursor) if cursor.is_client_side_incremental)
    }

    /// Whether the order of the records' values as text (or as numbers) is their order in time,
    /// so that least and greatest value are enough to know how far a slice went.
    #[must_use]
    pub fn orders_as_written(&self) -> bool {
        let Self::Datetime(cursor) = self else { return true };
        let formats: Vec<&String> = cursor.record_formats.iter().filter(|format| **format != cursor.format).collect();
        match formats.as_slice() {
            [] => format_orders(&cursor.format),
            [one] => format_orders(one) && format_orders(&cursor.format),
            _ => false,
        }
    }
}

/// Whether texts of a format sort as their dates do: greatest unit first, every unit padded, one zone.
fn format_orders(format: &str) -> bool {
    if matches!(format, "%s" | "%ms" | "%epoch_microseconds" | "%s_as_float") {
        return true;
    }
    let mut rest = format.replace("%_ms", "%f").replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S");
    for unit in ["%Y", "%m", "%d", "%H", "%M", "%S", "%f"] {
        match rest.find('%') {
            None => return true,
            Some(at) if rest[at..].starts_with(unit) => rest = rest[at + unit.len()..].to_owned(),
            Some(_) => return false,
        }
    }
    !rest.contains('%')
}

/// Reads a cursor.
pub fn read_cursor(node: &Node, reader: &mut Reader) -> Option<Cursor> {
    let fields = reader.component(node, &["DatetimeBasedCursor", "IncrementingCountCursor"])?;
    if fields.kind == "IncrementingCountCursor" {
        return read_count(fields, reader).map(|cursor| Cursor::Count(Box::new(cursor)));
    }
    read_datetime(fields, reader).map(|cursor| Cursor::Datetime(Box::new(cursor)))
}

fn read_datetime(mut fields: Fields<'_>, reader: &mut Reader) -> Option<DatetimeCursor> {
    let parameters = fields.parameters.clone();
    let field = fields.require_text(reader, "cursor_field");
    let format = fields.require_word(reader, "datetime_format");
    let start = fields.require(reader, "start_datetime", |reader, node| read_min_max(node, reader, &parameters));
    let end = match fields.get("end_datetime") {
        Some(node) => reader.inside("end_datetime", |reader| read_min_max(node, reader, &parameters)).map(Some),
        None => Some(None),
    };
    let clamping = fields.read(reader, "clamping", |reader, node| read_clamping(node, reader));
    let record_formats = fields.word_list(reader, "cursor_datetime_formats");
    let step = fields.text(reader, "step");
    let granularity = fields.word(reader, "cursor_granularity");
    let lookback = fields.text(reader, "lookback_window");
    let start_name = fields.text(reader, "partition_field_start");
    let end_name = fields.text(reader, "partition_field_end");
    let start_option = fields.read(reader, "start_time_option", |reader, node| read_request_option(node, reader));
    let end_option = fields.read(reader, "end_time_option", |reader, node| read_request_option(node, reader));
    let is_data_feed = fields.flag(reader, "is_data_feed", false);
    let is_client_side_incremental = fields.flag(reader, "is_client_side_incremental", false);
    let is_compare_strictly = fields.flag(reader, "is_compare_strictly", false);
    let is_global = fields.flag(reader, "global_substream_cursor", false);
    let allow_catalog_defined_field = fields.flag(reader, "allow_catalog_defined_cursor_field", false);
    fields.end(reader);
    Some(DatetimeCursor {
        field: field?,
        format: format?,
        record_formats,
        start: start?,
        end: end?,
        step,
        granularity,
        lookback,
        start_name,
        end_name,
        start_option,
        end_option,
        is_data_feed,
        is_client_side_incremental,
        is_compare_strictly,
        is_global,
        clamping,
        allow_catalog_defined_field,
    })
}

fn read_min_max(node: &Node, reader: &mut Reader, parameters: &Value) -> Option<MinMax> {
    if !matches!(node.content, Content::Mapping(_)) {
        let datetime = reader.text(node, parameters)?;
        return Some(MinMax { datetime, format: None, minimum: None, maximum: None });
    }
    let mut fields = reader.component(node, &["MinMaxDatetime"])?;
    let datetime = fields.require_text(reader, "datetime");
    let format = fields.word(reader, "datetime_format").filter(|format| !format.is_empty());
    let minimum = fields.text(reader, "min_datetime").filter(|text| !text.source().is_empty());
    let maximum = fields.text(reader, "max_datetime").filter(|text| !text.source().is_empty());
    fields.end(reader);
    Some(MinMax { datetime: datetime?, format, minimum, maximum })
}

fn read_clamping(node: &Node, reader: &mut Reader) -> Option<Clamping> {
    let mut fields = reader.component(node, &["Clamping"])?;
    let target = fields.require_text(reader, "target");
    let weekday = fields.get("target_details").and_then(|details| details.get("weekday")).and_then(Node::as_str).map(str::to_owned);
    fields.end(reader);
    Some(Clamping { target: target?, weekday })
}

fn read_count(mut fields: Fields<'_>, reader: &mut Reader) -> Option<CountCursor> {
    let field = fields.require_text(reader, "cursor_field");
    let start = fields.text(reader, "start_value");
    let start_option = fields.read(reader, "start_value_option", |reader, node| read_request_option(node, reader));
    let allow_catalog_defined_field = fields.flag(reader, "allow_catalog_defined_cursor_field", false);
    fields.end(reader);
    Some(CountCursor { field: field?, start, start_option, allow_catalog_defined_field })
}
