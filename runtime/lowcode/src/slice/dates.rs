//! Between positions of a cursor and the texts of the language: formats and ISO 8601 durations.

use crate::slice::point::{Gap, Time};
use crate::value::Value;
use crate::value::datetime::{self, Moment, SECOND, Span};

/// Reads a date of a format.
///
/// # Errors
/// It is none; the text is not told.
pub fn read(value: &Value, format: &str) -> Result<Time, String> {
    let moment = datetime::parse_value(value, format).map_err(|error| format!("a date is not in the format `{format}`: {error}"))?;
    Ok(Time { micros: moment.utc_micros(), offset: moment.offset().unwrap_or(0) })
}

/// Writes a date in a format.
///
/// # Errors
/// It lies outside of the calendar.
pub fn write(time: Time, format: &str) -> Result<String, String> {
    let wall = time.micros.checked_add(i64::from(time.offset) * SECOND).ok_or("a date leaves the years 1 to 9999")?;
    Ok(datetime::format(&Moment::from_utc_micros(wall).with_offset(Some(time.offset)), format))
}

/// Reads an ISO 8601 duration.
///
/// # Errors
/// It is none.
pub fn duration(text: &str) -> Result<Gap, String> {
    let span = Span::parse_iso(text).map_err(|_| format!("`{text}` is no ISO 8601 duration such as `P1D` or `PT1H`"))?;
    let micros = i64::try_from(span.micros()).map_err(|_| format!("the duration `{text}` is too long"))?;
    Ok(Gap { months: span.months(), micros })
}
