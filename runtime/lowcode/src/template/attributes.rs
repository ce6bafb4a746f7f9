//! `object.name` and `object[key]`: Python's attributes and members, in the order that Jinja looks for them.

use std::rc::Rc;

use super::error::{Outcome, TemplateError, UNSAFE};
use super::operand::{Kind, Operand};
use super::operators::any_case;
use crate::value::Value;
use crate::value::datetime::{Moment, Span};

const TEXT: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];
const DICT: &[&str] = &["clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"];
const LIST: &[&str] = &["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];
const TUPLE: &[&str] = &["count", "index"];
const INT: &[&str] = &["bit_length", "conjugate"];
const FLOAT: &[&str] = &["is_integer", "conjugate"];
const MOMENT: &[&str] = &[
    "astimezone",
    "ctime",
    "date",
    "isocalendar",
    "isoformat",
    "isoweekday",
    "replace",
    "strftime",
    "time",
    "timestamp",
    "timetuple",
    "toordinal",
    "utcoffset",
    "weekday",
];
const DATE: &[&str] = &["ctime", "isocalendar", "isoformat", "isoweekday", "replace", "strftime", "timetuple", "toordinal", "weekday"];
const SPAN: &[&str] = &["total_seconds"];
const HEADERS: &[&str] = &["clear", "copy", "get", "items", "keys", "lower_items", "pop", "popitem", "setdefault", "update", "values"];

/// The methods of a type.
fn methods(operand: &Operand) -> &'static [&'static str] {
    match operand {
        Operand::Value(value) => match value {
            Value::Str(_) => TEXT,
            Value::Dict(_) => DICT,
            Value::List(_) => LIST,
            Value::Tuple(_) => TUPLE,
            Value::Int(_) | Value::Bool(_) => INT,
            Value::Float(..) => FLOAT,
            Value::Moment(moment) if moment.is_date() => DATE,
            Value::Moment(_) => MOMENT,
            Value::Span(_) => SPAN,
            Value::None => &[],
        },
        Operand::Mapping(_) => DICT,
        Operand::AnyCase(_) => HEADERS,
        Operand::Sequence(_, Kind::List) => LIST,
        Operand::Sequence(_, Kind::Tuple) => TUPLE,
        Operand::Loop(_) => &["changed", "cycle"],
        Operand::Cycler(_) => &["next", "reset"],
        _ => &[],
    }
}

/// Whether a dictionary has a method of this name, which hides a member of it.
pub(super) fn is_dict_method(name: &str) -> bool {
    DICT.contains(&name)
}

/// Python's `Undefined` for what an object lacks.
fn missing(operand: &Operand, name: Option<&str>) -> Operand {
    let object = match operand {
        Operand::Value(Value::None) => "None".to_owned(),
        other => format!("'{} object'", other.type_name()),
    };
    match name {
        Some(name) => Operand::undefined(format!("{object} has no attribute '{name}'")),
        None => Operand::undefined(format!("{object} has no such element")),
    }
}

/// `operand.name`
pub(super) fn attribute(operand: &Operand, name: &str) -> Outcome<Operand> {
    if let Operand::Undefined(message) = operand {
        return Err(TemplateError::undefined(&**message));
    }
    if let Some(found) = own_attribute(operand, name) {
        return Ok(found);
    }
    Ok(member(operand, name).unwrap_or_else(|| missing(operand, Some(name))))
}

/// What Python's `getattr` finds.
pub(super) fn own_attribute(operand: &Operand, name: &str) -> Option<Operand> {
    if name.starts_with("__") && name.ends_with("__") {
        return Some(Operand::undefined(format!("{UNSAFE}'{name}' is unsafe")));
    }
    if let Some(method) = methods(operand).iter().find(|method| **method == name) {
        return Some(Operand::Method(Rc::new(operand.clone()), method));
    }
    match operand {
        Operand::Value(Value::Moment(moment)) => moment_part(moment, name),
        Operand::Value(Value::Span(span)) => span_part(span, name),
        Operand::Value(Value::Int(_) | Value::Bool(_)) => match name {
            "real" | "numerator" => operand.as_value().and_then(Value::as_int).map(|number| Operand::Value(Value::Int(number))),
            "imag" => Some(Operand::int(0)),
            "denominator" => Some(Operand::int(1)),
            _ => None,
        },
        Operand::Namespace(members) => members.borrow().iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
        Operand::Loop(state) => super::machine::loop_attribute(state, name),
        Operand::Cycler(state) if name == "current" => state.0.get(*state.1.borrow()).cloned(),
        Operand::Macro(object) => match name {
            "name" => Some(Operand::text(object.name.clone())),
            "arguments" => Some(Operand::tuple(object.signature.names.iter().map(|name| Operand::text(name.clone())).collect())),
            _ => None,
        },
        _ => None,
    }
}

fn moment_part(moment: &Moment, name: &str) -> Option<Operand> {
    let parts = moment.parts();
    let number = match name {
        "year" => i64::from(parts.year),
        "month" => i64::from(parts.month),
        "day" => i64::from(parts.day),
        _ if moment.is_date() => return None,
        "hour" => i64::from(parts.hour),
        "minute" => i64::from(parts.minute),
        "second" => i64::from(parts.second),
        "microsecond" => i64::from(parts.micro),
        "tzinfo" => return Some(if moment.offset().is_none() { Operand::none() } else { Operand::Opaque("timezone") }),
        _ => return None,
    };
    Some(Operand::Value(Value::from(number)))
}

fn span_part(span: &Span, name: &str) -> Option<Operand> {
    let rest = span.micros() - span.days() * i128::from(crate::value::datetime::DAY);
    let second = i128::from(crate::value::datetime::SECOND);
    Some(Operand::Value(Value::Int(match name {
        "days" => span.days(),
        "seconds" => rest / second,
        "microseconds" => rest % second,
        "months" if span.is_calendar() => (span.months() % 12).into(),
        "years" if span.is_calendar() => (span.months() / 12).into(),
        _ => return None,
    })))
}

/// The member of a mapping.
fn member(operand: &Operand, name: &str) -> Option<Operand> {
    match operand {
        Operand::Value(Value::Dict(dict)) => dict.get(name).cloned().map(Operand::Value),
        Operand::AnyCase(dict) => any_case(dict, name).cloned().map(Operand::Value),
        Operand::Mapping(members) => members.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value.clone()),
        _ => None,
    }
}

/// `operand[key]`; the key may stand in the error if it is written in the template.
pub(super) fn item(operand: &Operand, key: &Operand, is_written: bool) -> Outcome<Operand> {
    if let Operand::Undefined(message) = operand {
        return Err(TemplateError::undefined(&**message));
    }
    if let Some(name) = key.as_str() {
        let found = member(operand, name).or_else(|| own_attribute(operand, name));
        return Ok(found.unwrap_or_else(|| missing(operand, is_written.then_some(name))));
    }
    let found = match (operand, key.as_value().and_then(Value::as_int)) {
        (Operand::Mapping(members), _) => members.iter().find(|(known, _)| known.equals(key)).map(|(_, value)| value.clone()),
        (Operand::Value(Value::List(items) | Value::Tuple(items)), Some(index)) => {
            place(index, items.len()).and_then(|at| items.get(at)).cloned().map(Operand::Value)
        }
        (Operand::Sequence(items, Kind::List | Kind::Tuple), Some(index)) => {
            place(index, items.len()).and_then(|at| items.get(at)).cloned()
        }
        (Operand::Value(Value::Str(text)), Some(index)) => {
            place(index, text.chars().count()).and_then(|at| text.chars().nth(at)).map(|character| Operand::text(character.to_string()))
        }
        _ => None,
    };
    Ok(found.unwrap_or_else(|| missing(operand, None)))
}

/// The place of an index that may count from the end.
fn place(index: i128, length: usize) -> Option<usize> {
    let length = i128::try_from(length).ok()?;
    usize::try_from(if index < 0 { index + length } else { index }).ok()
}

/// The method of this name.
pub(super) fn method(operand: &Operand, name: &str) -> Option<&'static str> {
    methods(operand).iter().find(|method| **method == name).copied()
}
