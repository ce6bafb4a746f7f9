//! A value of a record as what its column holds. Nothing is rounded: a value that does not fit has a word for why.

use std::borrow::Cow;

use hub_sdk::Kind;

use crate::moment::{self, Fault};
use crate::number::Decimal;

/// What a column holds.
#[hub_sdk::config]
#[serde(rename_all = "lowercase")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// STRING; what is no text comes as its JSON.
    Text,
    /// INT64.
    Integer,
    /// DOUBLE.
    Number,
    /// DECIMAL(18, N) with N digits behind the point, 0 to 18: `{ decimal = 2 }`.
    Decimal(u8),
    /// BOOLEAN.
    Boolean,
    /// TIMESTAMP(MICROS, UTC), of RFC 3339.
    Timestamp,
    /// DATE, of `2026-11-28`.
    Date,
    /// JSON.
    Json,
}

/// Digits of a decimal; Parquet keeps so many in 64 bits.
pub(crate) const PRECISION: u8 = 18;

/// A value of a column.
#[derive(Debug, PartialEq)]
pub(crate) enum Cell<'line> {
    Null,
    Text(Cow<'line, str>),
    Long(i64),
    Double(f64),
    Boolean(bool),
    Day(i32),
}

impl Form {
    /// The value of a JSON text. A text may hold what the column wants: many systems write numbers as texts, and nothing as an empty one.
    ///
    /// # Errors
    /// The code of a row error.
    pub(crate) fn cell(self, json: &str) -> Result<Cell<'_>, &'static str> {
        let text = match (self, json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'))) {
            (_, None) if json == "null" => return Ok(Cell::Null),
            (Self::Json, _) | (Self::Text, None) => return Ok(Cell::Text(Cow::Borrowed(json))),
            (_, None) => Cow::Borrowed(json),
            (_, Some(inner)) if inner.contains('\\') => serde_json::from_str(json).map(Cow::Owned).map_err(|_| "not-unicode")?,
            (_, Some(inner)) => Cow::Borrowed(inner),
        };
        match self {
            Self::Text | Self::Json => Ok(Cell::Text(text)),
            _ if text.is_empty() => Ok(Cell::Null),
            Self::Integer => integer(&text).map(Cell::Long),
            Self::Number => {
                let number = Decimal::parse(&text).ok_or("not-a-number")?;
                number.double().map(Cell::Double).ok_or("number-not-exact")
            }
            Self::Decimal(places) => decimal(&text, places).map(Cell::Long),
            Self::Boolean => text.parse().map(Cell::Boolean).map_err(|_| "not-a-boolean"),
            Self::Timestamp => moment::microseconds(&text).map(Cell::Long).map_err(|fault| match fault {
                Fault::Unreadable => "not-a-timestamp",
                Fault::TooFine => "timestamp-too-fine",
            }),
            Self::Date => moment::day(&text).map(Cell::Day).ok_or("not-a-date"),
        }
    }
}

impl From<Kind> for Form {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Integer => Self::Integer,
            Kind::Number => Self::Number,
            Kind::Boolean => Self::Boolean,
            Kind::Timestamp => Self::Timestamp,
            Kind::Date => Self::Date,
            Kind::Json => Self::Json,
        }
    }
}

fn integer(text: &str) -> Result<i64, &'static str> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let number = Decimal::parse(text).filter(|number| number.fits_behind_point(0)).ok_or("not-an-integer")?;
    number.scaled(0).ok_or("integer-too-large")
}

fn decimal(text: &str, places: u8) -> Result<i64, &'static str> {
    let number = Decimal::parse(text).ok_or("not-a-number")?;
    if !number.fits_behind_point(places) {
        return Err("decimal-not-exact");
    }
    let limit = 10_i64.pow(u32::from(PRECISION));
    number.scaled(places).filter(|scaled| (-limit < *scaled) && (*scaled < limit)).ok_or("decimal-too-large")
}
