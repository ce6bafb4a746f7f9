//! Filters of numbers.

use super::super::arguments::Given;
use super::super::error::{Outcome, TemplateError};
use super::super::functions::defined;
use super::super::operand::Operand;
use crate::value::{Value, python_float, python_int};

pub(super) fn apply(name: &str, input: &Operand, given: Given) -> Outcome<Operand> {
    match name {
        "int" => {
            let mut bound = given.bind("int", &["default", "base"], 0)?;
            let base = u32::try_from(bound.int(1, 10)?).ok().filter(|base| (2..=36).contains(base)).unwrap_or(10);
            let default = bound.take(0).unwrap_or_else(|| Operand::int(0));
            int(input, base)?.map_or(Ok(default), |number| Ok(Operand::Value(number)))
        }
        "float" => {
            let default = given.bind("float", &["default"], 0)?.take(0).unwrap_or_else(|| Operand::Value(Value::float(0.0)));
            let number = match input {
                Operand::Undefined(message) => return Err(TemplateError::undefined(&**message)),
                Operand::Value(Value::Str(text)) => python_float(text),
                other => other.as_value().and_then(Value::as_f64),
            };
            Ok(number.map_or(default, |number| Operand::Value(Value::float(number))))
        }
        "abs" => {
            given.bind("abs", &[], 0)?;
            match input.as_value() {
                Some(Value::Float(number, _)) => Ok(Operand::Value(Value::float(number.abs()))),
                Some(Value::Span(span)) if span.micros() < 0 => Ok(Operand::Value(Value::Span(span.negated()))),
                Some(Value::Span(_)) => Ok(input.clone()),
                value => match value.and_then(Value::as_int) {
                    Some(number) => Ok(Operand::Value(Value::Int(number.saturating_abs()))),
                    None => {
                        Err(defined(input, || TemplateError::type_error(format!("bad operand type for abs(): '{}'", input.type_name()))))
                    }
                },
            }
        }
        "round" => round(input, given),
        _ => {
            let binary = given.bind("filesizeformat", &["binary"], 0)?.flag(0, false);
            let size = match input {
                Operand::Value(Value::Str(text)) => {
                    python_float(text).ok_or_else(|| TemplateError::value_error("could not convert string to float"))?
                }
                other => other
                    .as_value()
                    .and_then(Value::as_f64)
                    .ok_or_else(|| defined(other, || TemplateError::type_error("a size must be a number")))?,
            };
            Ok(Operand::text(file_size(size, binary)))
        }
    }
}

/// `int(…)` as the filter does it; none for the default.
fn int(input: &Operand, base: u32) -> Outcome<Option<Value>> {
    let whole = |number: f64| (number.is_finite() && number.abs() < 1e38).then(|| Value::Int(number.trunc() as i128));
    Ok(match input {
        Operand::Undefined(message) => return Err(TemplateError::undefined(&**message)),
        Operand::Value(Value::Str(text)) => {
            let number = if base == 10 { python_int(text) } else { based(text.trim(), base) };
            number.map(Value::Int).or_else(|| python_float(text).and_then(whole))
        }
        Operand::Value(Value::Float(number, _)) if number.is_infinite() => {
            return Err(TemplateError::value_error("cannot convert float infinity to integer"));
        }
        Operand::Value(value @ Value::Float(..)) if value.as_huge().is_some() => Some(value.clone()),
        Operand::Value(Value::Float(number, _)) => whole(*number),
        other => other.as_value().and_then(Value::as_int).map(Value::Int),
    })
}

/// `int(text, base)`: a prefix that tells the base may stand in front.
fn based(text: &str, base: u32) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefix = match base {
        2 => "0b",
        8 => "0o",
        16 => "0x",
        _ => "",
    };
    let digits = match digits.get(..prefix.len()) {
        Some(start) if start.eq_ignore_ascii_case(prefix) => digits.get(prefix.len()..)?,
        _ => digits,
    };
    let sane = digits.starts_with(|first: char| first.is_ascii_alphanumeric());
    if sane { i128::from_str_radix(digits, base).ok().and_then(|number| number.checked_mul(sign)) } else { None }
}

fn round(input: &Operand, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("round", &["precision", "method"], 0)?;
    let precision = bound.int(0, 0)?.clamp(-300, 300);
    let method = bound.text(1, "common")?;
    let wrong = || defined(input, || TemplateError::type_error(format!("type {} doesn't define __round__ method", input.type_name())));
    let value = input.as_value().ok_or_else(wrong)?;
    let number = value.as_f64().ok_or_else(wrong)?;
    let scale = 10_f64.powi(i32::try_from(precision).unwrap_or(0));
    match method.as_str() {
        "common" => match (value.as_int(), precision) {
            (Some(number), 0..) => Ok(Operand::Value(Value::Int(number))),
            (Some(number), _) => Ok(Operand::Value(Value::Int(round_integer(number, precision.unsigned_abs())))),
            // Formatting rounds the exact value, half to even, as Python does.
            (None, 0..) => {
                let rounded = format!("{number:.*}", usize::try_from(precision).unwrap_or(0)).parse().unwrap_or(number);
                Ok(Operand::Value(Value::float(rounded)))
            }
            (None, _) => Ok(Operand::Value(Value::float((number * scale).round_ties_even() / scale))),
        },
        "ceil" => Ok(Operand::Value(Value::float((number * scale).ceil() / scale))),
        "floor" => Ok(Operand::Value(Value::float((number * scale).floor() / scale))),
        _ => Err(TemplateError::value_error("method must be common, ceil or floor")),
    }
}

fn round_integer(number: i128, zeros: u64) -> i128 {
    let Some(unit) = u32::try_from(zeros).ok().and_then(|zeros| 10_i128.checked_pow(zeros)) else { return 0 };
    let (below, rest) = (number.div_euclid(unit), number.rem_euclid(unit));
    let up = rest * 2 > unit || (rest * 2 == unit && below % 2 != 0);
    (below + i128::from(up)).saturating_mul(unit)
}

fn file_size(size: f64, binary: bool) -> String {
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if size == 1.0 {
        return "1 Byte".into();
    }
    if size < base {
        return format!("{:.0} Bytes", size.trunc());
    }
    let mut unit = base;
    let mut found = String::new();
    for letter in ["k", "M", "G", "T", "P", "E", "Z", "Y"] {
        unit *= base;
        let prefix = if binary { format!("{}iB", letter.to_uppercase()) } else { format!("{letter}B") };
        found = format!("{:.1} {prefix}", base * size / unit);
        if size < unit {
            break;
        }
    }
    found
}
