//! The reference's date formats: Python's, and `%s`, `%s_as_float`, `%ms`, `%epoch_microseconds`, `%_ms`.

use super::strftime::strftime;
use super::strptime::strptime;
use super::{DateError, Moment, SECOND};
use crate::value::{Value, float_repr};

/// Reads a text of a format. Without an offset in it, it is in UTC.
///
/// # Errors
/// See [`DateError`].
pub fn parse(text: &str, format: &str) -> Result<Moment, DateError> {
    match format {
        "%s" => from_micros(python_int(text)?, SECOND.into()),
        "%s_as_float" => Moment::from_timestamp(python_float(text)?),
        "%epoch_microseconds" => from_micros(python_int(text)?, 1),
        "%ms" => from_micros(python_int(text)?, 1000),
        _ => {
            let moment = if format.contains("%_ms") { strptime(text, &format.replace("%_ms", "%f")) } else { strptime(text, format) }?;
            Ok(if moment.offset().is_none() { moment.with_offset(Some(0)) } else { moment })
        }
    }
}

/// As [`parse`]; numbers of seconds and the like may be numbers.
///
/// # Errors
/// See [`DateError`].
pub fn parse_value(value: &Value, format: &str) -> Result<Moment, DateError> {
    match (value, format) {
        (Value::Str(text), _) => parse(text, format),
        (Value::Moment(moment), _) if !moment.is_date() => {
            Ok(if moment.offset().is_none() { moment.with_offset(Some(0)) } else { *moment })
        }
        (Value::Float(number, _), "%s" | "%ms" | "%epoch_microseconds") if number.is_finite() => {
            parse(&format!("{:.0}", number.trunc()), format)
        }
        _ => parse(&value.python_str(), format),
    }
}

/// The first of several formats that fits.
///
/// # Errors
/// What the last format said.
pub fn parse_any<'a>(value: &Value, formats: impl IntoIterator<Item = &'a str>) -> Result<Moment, DateError> {
    let mut result = Err(DateError::Format);
    for format in formats {
        result = parse_value(value, format);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Writes a date in a format.
#[must_use]
pub fn format(moment: &Moment, format: &str) -> String {
    match format {
        "%s" => (moment.timestamp() as i64).to_string(),
        "%s_as_float" => float_repr(moment.timestamp()),
        "%epoch_microseconds" => ((moment.timestamp() * 1e6) as i64).to_string(),
        "%ms" => ((moment.timestamp() * 1e3) as i64).to_string(),
        _ if format.contains("%_ms") => {
            let micro = moment.parts().micro;
            strftime(moment, &format.replace("%_ms", "%f")).replace(&format!("{micro:06}"), &format!("{:03}", micro / 1000))
        }
        _ => strftime(moment, format),
    }
}

fn from_micros(number: i128, size: i128) -> Result<Moment, DateError> {
    let micros = number.checked_mul(size).and_then(|micros| i64::try_from(micros).ok()).ok_or(DateError::Range)?;
    Moment::from_wall(micros, Some(0))
}

/// `int(text)`.
fn python_int(text: &str) -> Result<i128, DateError> {
    crate::value::python_int(text).ok_or(DateError::Mismatch)
}

/// `float(text)`.
fn python_float(text: &str) -> Result<f64, DateError> {
    crate::value::python_float(text).ok_or(DateError::Mismatch)
}
