//! The values of one column until their row group is written. Text is kept in one piece, so that a value costs no allocation of its own.

use bytes::Bytes;
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;
use parquet::schema::types::Type;

use crate::cell::{Cell, Form, PRECISION};

/// So many rows are handed to the encoder at once.
const STEP: usize = 1_024;
/// Definition levels of a value that is there, and of one that is not.
const PRESENT: i16 = 1;
const ABSENT: i16 = 0;

/// A column's values.
pub(crate) struct Column {
    form: Form,
    levels: Vec<i16>,
    values: Values,
}

/// Those that are there.
enum Values {
    Text { bytes: Vec<u8>, lengths: Vec<usize> },
    Long(Vec<i64>),
    Double(Vec<f64>),
    Boolean(Vec<bool>),
    Day(Vec<i32>),
}

impl Column {
    pub(crate) fn new(form: Form) -> Self {
        Self { form, levels: Vec::new(), values: Values::none(form) }
    }

    /// Takes a value; answers with the bytes that it takes here. What another column would hold is an absent one.
    pub(crate) fn push(&mut self, cell: &Cell<'_>) -> usize {
        let taken = self.values.push(cell);
        self.levels.push(if taken.is_some() { PRESENT } else { ABSENT });
        size_of::<i16>() + taken.unwrap_or(0)
    }

    /// Writes all values and forgets them.
    pub(crate) fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = std::mem::take(&mut self.levels);
        match std::mem::replace(&mut self.values, Values::none(self.form)) {
            Values::Text { bytes, lengths } => write_text(writer, &levels, bytes.into(), &lengths),
            Values::Long(values) => write_steps::<Int64Type>(writer, &levels, &values),
            Values::Double(values) => write_steps::<DoubleType>(writer, &levels, &values),
            Values::Boolean(values) => write_steps::<BoolType>(writer, &levels, &values),
            Values::Day(values) => write_steps::<Int32Type>(writer, &levels, &values),
        }
    }
}

impl Values {
    fn none(form: Form) -> Self {
        match form {
            Form::Text | Form::Json => Self::Text { bytes: Vec::new(), lengths: Vec::new() },
            Form::Integer | Form::Decimal(_) | Form::Timestamp => Self::Long(Vec::new()),
            Form::Number => Self::Double(Vec::new()),
            Form::Boolean => Self::Boolean(Vec::new()),
            Form::Date => Self::Day(Vec::new()),
        }
    }

    /// The bytes that a value takes. None: there is none.
    fn push(&mut self, cell: &Cell<'_>) -> Option<usize> {
        match (self, cell) {
            (Self::Text { bytes, lengths }, Cell::Text(text)) => {
                bytes.extend_from_slice(text.as_bytes());
                lengths.push(text.len());
                Some(size_of::<usize>() + text.len())
            }
            (Self::Long(values), Cell::Long(value)) => Some(kept(values, *value)),
            (Self::Double(values), Cell::Double(value)) => Some(kept(values, *value)),
            (Self::Boolean(values), Cell::Boolean(value)) => Some(kept(values, *value)),
            (Self::Day(values), Cell::Day(value)) => Some(kept(values, *value)),
            _ => None,
        }
    }
}

fn kept<T>(values: &mut Vec<T>, value: T) -> usize {
    values.push(value);
    size_of::<T>()
}

/// The column of a schema: every value may be absent.
pub(crate) fn described(name: &str, form: Form) -> Result<Type, ParquetError> {
    let (physical, logical) = match form {
        Form::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Form::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        Form::Integer => (Physical::INT64, None),
        Form::Decimal(places) => (Physical::INT64, Some(LogicalType::decimal(places.into(), PRECISION.into()))),
        Form::Timestamp => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        Form::Number => (Physical::DOUBLE, None),
        Form::Boolean => (Physical::BOOLEAN, None),
        Form::Date => (Physical::INT32, Some(LogicalType::Date)),
    };
    let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL).with_logical_type(logical);
    match form {
        Form::Decimal(places) => builder.with_precision(PRECISION.into()).with_scale(places.into()).build(),
        _ => builder.build(),
    }
}

fn write_steps<T: DataType>(writer: &mut SerializedColumnWriter<'_>, levels: &[i16], values: &[T::T]) -> Result<(), ParquetError> {
    let mut rest = values;
    for levels in levels.chunks(STEP) {
        let (now, later) = rest.split_at_checked(present(levels)).unwrap_or((rest, &[]));
        writer.typed::<T>().write_batch(now, Some(levels), None)?;
        rest = later;
    }
    Ok(())
}

fn write_text(writer: &mut SerializedColumnWriter<'_>, levels: &[i16], mut bytes: Bytes, lengths: &[usize]) -> Result<(), ParquetError> {
    let mut lengths = lengths.iter();
    for levels in levels.chunks(STEP) {
        // Each value is a view of the one piece.
        let values: Vec<ByteArray> = lengths.by_ref().take(present(levels)).map(|length| bytes.split_to(*length).into()).collect();
        writer.typed::<ByteArrayType>().write_batch(&values, Some(levels), None)?;
    }
    Ok(())
}

fn present(levels: &[i16]) -> usize {
    levels.iter().filter(|level| **level == PRESENT).count()
}
