//! Functions that templates call by name: the reference's macros, and Jinja's own.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering as Sync};

use sha2::{Digest, Sha256};

use super::arguments::{Bound, Given};
use super::error::{Outcome, TemplateError};
use super::operand::Operand;
use super::operators::order;
use crate::value::datetime::{self, Moment, Span};
use crate::value::{Dict, Value};

/// Every function, by its name.
const NAMES: &[&str] = &[
    "now_utc",
    "today_utc",
    "timestamp",
    "max",
    "min",
    "day_delta",
    "duration",
    "format_datetime",
    "today_with_timezone",
    "str_to_datetime",
    "sanitize_url",
    "camel_case_to_snake_case",
    "generate_uuid",
    "json_loads",
    "dict",
    "lipsum",
    "cycler",
    "joiner",
    "namespace",
];

/// The function of a name.
pub(super) fn find(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|known| **known == name).copied()
}

/// Whether there is a function of this name.
pub(super) fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// Calls a function.
pub(super) fn call(now_micros: i64, name: &'static str, given: Given) -> Outcome<Operand> {
    let now = Moment::from_utc_micros(now_micros);
    let moment = |moment: Moment| Operand::Value(Value::Moment(moment));
    match name {
        "now_utc" => given.bind(name, &[], 0).map(|_| moment(now)),
        "today_utc" => given.bind(name, &[], 0).map(|_| moment(now.to_date())),
        "today_with_timezone" => {
            let zone = given.bind(name, &["timezone"], 1)?.text(0, "")?;
            today_in(now_micros, &zone).map(moment)
        }
        "timestamp" => timestamp(&given.bind(name, &["dt"], 1)?.need(0)?),
        "str_to_datetime" => str_to_datetime(&given.bind(name, &["s"], 1)?.need(0)?).map(moment),
        "max" | "min" => extreme(given.only_positional(name)?, name == "max"),
        "day_delta" => {
            let mut bound = given.bind(name, &["num_days", "format"], 1)?;
            let days = bound.need(0)?;
            let Some(days) = days.as_value().and_then(Value::as_f64) else {
                return Err(defined(&days, || TemplateError::type_error("unsupported type for timedelta days component")));
            };
            let format = bound.text(1, "%Y-%m-%dT%H:%M:%S.%f%z")?;
            Ok(Operand::text(datetime::strftime(&now.plus(&Span::from_days(days)?)?, &format)))
        }
        "duration" => {
            let text = given.bind(name, &["datestring"], 1)?.need(0)?;
            let Some(text) = text.as_str() else {
                return Err(defined(&text, || TemplateError::type_error("expecting a text for a duration")));
            };
            Ok(Operand::Value(Value::Span(Span::parse_iso(text)?)))
        }
        "format_datetime" => format_datetime(given.bind(name, &["dt", "format", "input_format"], 2)?),
        "sanitize_url" => {
            let text = given.bind(name, &["value"], 1)?.text(0, "")?;
            Ok(Operand::text(quoted(&text, "", true)))
        }
        "camel_case_to_snake_case" => {
            let text = given.bind(name, &["value"], 1)?.text(0, "")?;
            Ok(Operand::text(snake_case(&text)))
        }
        // The reference has it for the keys and claims of a JSON Web Token only.
        "json_loads" => {
            let text = given.bind(name, &["s"], 1)?.text(0, "")?;
            let value = Value::from_json(text.as_bytes()).map_err(|_| TemplateError::value_error("json_loads: the text is not JSON"))?;
            Ok(Operand::Value(value))
        }
        _ => make(now_micros, name, given),
    }
}

/// Calls a function that makes something which has no text of its own.
fn make(now_micros: i64, name: &'static str, given: Given) -> Outcome<Operand> {
    match name {
        "generate_uuid" => given.bind(name, &[], 0).map(|_| Operand::text(uuid(now_micros))),
        "dict" => super::methods::call(&super::budget::Budget::new(), &Operand::Value(Value::dict(Dict::new())), "update", given)
            .map(|called| called.changed.unwrap_or_else(Operand::none)),
        "namespace" => {
            let given = call(now_micros, "dict", given)?;
            let members = super::methods_members(&given).unwrap_or_default();
            let named = members.into_iter().map(|(key, value)| (key.to_text(), value)).collect();
            Ok(Operand::Namespace(Rc::new(RefCell::new(named))))
        }
        "cycler" => match given.only_positional(name)? {
            items if items.is_empty() => Err(TemplateError::value_error("at least one item has to be provided")),
            items => Ok(Operand::Cycler(Rc::new((items, RefCell::new(0))))),
        },
        "joiner" => {
            let separator = given.bind(name, &["sep"], 0)?.text(0, ", ")?;
            Ok(Operand::Joiner(Rc::new((separator, RefCell::new(false)))))
        }
        _ => Err(TemplateError::value_error(format!("the function '{name}' is not supported"))),
    }
}

/// The error, or that of something that is not there.
pub(super) fn defined(operand: &Operand, error: impl FnOnce() -> TemplateError) -> TemplateError {
    match operand {
        Operand::Undefined(message) => TemplateError::undefined(&**message),
        _ => error(),
    }
}

fn today_in(now_micros: i64, zone: &str) -> Outcome<Moment> {
    let zone: chrono_tz::Tz =
        zone.parse().map_err(|_| TemplateError::value_error("the time zone is not known: expected a name like Europe/Berlin"))?;
    let utc = chrono::DateTime::from_timestamp_micros(now_micros).ok_or(datetime::DateError::Range)?;
    let offset = chrono::Offset::fix(utc.with_timezone(&zone).offset()).local_minus_utc();
    let shifted = now_micros.checked_add(i64::from(offset) * datetime::SECOND).ok_or(datetime::DateError::Range)?;
    Ok(Moment::from_utc_micros(shifted).to_date())
}

fn timestamp(operand: &Operand) -> Outcome<Operand> {
    match operand {
        Operand::Value(Value::Float(number, _)) if !number.is_finite() => {
            Err(TemplateError::value_error("cannot convert float to integer"))
        }
        Operand::Value(Value::Float(number, _)) => Ok(Operand::Value(Value::Int(number.trunc() as i128))),
        Operand::Value(value) if value.as_int().is_some() => Ok(Operand::Value(Value::Int(value.as_int().unwrap_or(0)))),
        other => str_to_datetime(other).map(|moment| Operand::Value(Value::float(moment.timestamp()))),
    }
}

fn str_to_datetime(operand: &Operand) -> Outcome<Moment> {
    let Some(text) = operand.as_str() else {
        return Err(defined(operand, || TemplateError::type_error(format!("a date must be a text, not {}", operand.type_name()))));
    };
    Ok(datetime::parse_iso(text)?.to_utc()?)
}

fn format_datetime(mut bound: Bound) -> Outcome<Operand> {
    let (date, format, input) = (bound.need(0)?, bound.text(1, "")?, bound.given(2));
    let input = match &input {
        None => None,
        Some(operand) => match operand.as_str() {
            Some("") => None,
            Some(format) => Some(format),
            None => return Err(defined(operand, || TemplateError::type_error("input_format must be a text"))),
        },
    };
    let moment = match (&date, input) {
        (Operand::Value(Value::Moment(moment)), _) if !moment.is_date() => return Ok(Operand::text(datetime::strftime(moment, &format))),
        (Operand::Value(value), input) if value.as_int().is_some() => datetime::parse_value(value, input.unwrap_or("%s"))?,
        (Operand::Value(Value::Str(text)), Some(input)) => datetime::strptime(text, input)?,
        (_, Some(_)) => return Err(defined(&date, || TemplateError::type_error("strptime() argument 1 must be str"))),
        _ => str_to_datetime(&date)?,
    };
    let moment = if moment.offset().is_none() { moment.with_offset(Some(0)) } else { moment };
    Ok(Operand::text(datetime::format(&moment, &format)))
}

/// The greatest or the least: of the arguments, or of the items of the only argument.
fn extreme(arguments: Vec<Operand>, greatest: bool) -> Outcome<Operand> {
    let items = match arguments.as_slice() {
        [] => return Err(TemplateError::type_error("max() and min() expect at least 1 argument")),
        [only] => match only {
            Operand::Undefined(_) => Vec::new(),
            other => other.iterate()?,
        },
        _ => arguments,
    };
    let mut best: Option<Operand> = None;
    for item in items {
        let better = match &best {
            None => true,
            Some(known) => {
                let wanted = if greatest { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less };
                order(&item, known, if greatest { ">" } else { "<" })? == Some(wanted)
            }
        };
        if better {
            best = Some(item);
        }
    }
    best.ok_or_else(|| TemplateError::value_error("max() and min() arg is an empty sequence"))
}

/// `urllib.parse.quote`; with `plus`, spaces become `+`.
pub(super) fn quoted(text: &str, safe: &str, plus: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let character = char::from(byte);
        if byte.is_ascii_alphanumeric() || "_.-~".contains(character) || (byte.is_ascii() && safe.contains(character)) {
            out.push(character);
        } else if plus && byte == b' ' {
            out.push('+');
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn snake_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for (index, character) in text.chars().enumerate() {
        if index > 0 && character.is_ascii_uppercase() {
            out.push('_');
        }
        out.extend(character.to_lowercase());
    }
    out
}

/// Unlike any other of this process; made of the clock and a count, as there is no source of chance here.
fn uuid(now_micros: i64) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut digest = Sha256::new();
    digest.update(now_micros.to_le_bytes());
    digest.update(COUNT.fetch_add(1, Sync::Relaxed).to_le_bytes());
    let mut bytes = [0_u8; 16];
    bytes.iter_mut().zip(digest.finalize()).for_each(|(byte, chance)| *byte = chance);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = data_encoding::HEXLOWER.encode(&bytes);
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}
