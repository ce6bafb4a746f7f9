//! What an unquoted word of YAML 1.1 means: PyYAML's implicit resolvers and the values that it makes of them.

use crate::value::Value;

use super::timestamp;

/// What a plain word is.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// A value.
    Value(Value),
    /// A date or time, as ISO text. It means the text, not a moment.
    Timestamp(String),
    /// `<<`: as a key, the place where other mappings are merged in.
    Merge,
    /// `=`: a key like any other, but no value.
    Default,
    /// Looks like a number or date, and is none.
    Wrong(String),
}

/// Resolves a plain (unquoted, untagged) scalar.
pub fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Value(Value::None),
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Plain::Value(Value::Bool(true)),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Plain::Value(Value::Bool(false)),
        "<<" => return Plain::Merge,
        "=" => return Plain::Default,
        _ => {}
    }
    if !text.starts_with(|letter: char| letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.')) {
        return Plain::Value(Value::str(text));
    }
    if let Some(number) = float(text) {
        return Plain::Value(Value::Float(number, None));
    }
    if let Some(number) = integer(text) {
        return number.map_or_else(Plain::Wrong, |number| Plain::Value(Value::Int(number)));
    }
    match timestamp::resolve(text) {
        Some(moment) => moment.map_or_else(Plain::Wrong, Plain::Timestamp),
        None => Plain::Value(Value::str(text)),
    }
}

/// Resolves a scalar that was tagged with one of YAML's own types (`!!int "3"`). An error: what is wrong with it.
pub fn tagged(kind: &str, text: &str) -> Result<Value, String> {
    let wrong = || format!("`{text}` is tagged `!!{kind}`, but is none");
    match kind {
        "str" => Ok(Value::str(text)),
        "null" => Ok(Value::None),
        "bool" => match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" => Ok(Value::Bool(true)),
            "no" | "false" | "off" => Ok(Value::Bool(false)),
            _ => Err(wrong()),
        },
        "int" => integer(text).ok_or_else(wrong)?.map(Value::Int),
        "float" => {
            let plain = text.replace('_', "");
            let number = float(text).or_else(|| plain.parse().ok().filter(|_| plain.ends_with(|letter: char| letter.is_ascii_digit())));
            number.map(|number| Value::Float(number, None)).ok_or_else(wrong)
        }
        "timestamp" => timestamp::resolve(text).ok_or_else(wrong)?.map(Value::str),
        _ => Err(format!("the tag `!!{kind}` is not supported: write the value as text, number, list or mapping")),
    }
}

/// The text of a key that is not a text, as JSON writes it.
pub fn key_text(value: &Value) -> String {
    match value {
        Value::None => "null".to_owned(),
        Value::Bool(true) => "true".to_owned(),
        Value::Bool(false) => "false".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number, _) => format!("{number:?}"),
        Value::Str(text) => text.as_ref().to_owned(),
        _ => String::new(),
    }
}

fn unsigned(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// A digit, then digits and underscores.
fn is_number(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_digit()) && is_digits(text)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|letter| letter.is_ascii_digit() || letter == b'_')
}

/// One or two digits up to 59, as they stand behind a colon.
fn is_sixtieth(text: &str) -> bool {
    match text.as_bytes() {
        [ones] => ones.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
        _ => false,
    }
}

/// None: it does not look like a float.
fn float(text: &str) -> Option<f64> {
    let (negative, rest) = unsigned(text);
    let sign = if negative { -1.0 } else { 1.0 };
    match rest {
        ".inf" | ".Inf" | ".INF" => return Some(sign * f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" if rest.len() == text.len() => return Some(f64::NAN),
        _ => {}
    }
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let exponent_fits = exponent.is_none_or(|digits| {
        digits.strip_prefix(['+', '-']).is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
    });
    let (whole, fraction) = mantissa.split_once('.')?;
    let decimal = is_number(whole) && is_digits(fraction);
    let only_fraction = whole.is_empty() && rest.len() == text.len() && is_number(fraction);
    if exponent_fits && (decimal || only_fraction) {
        return rest.replace('_', "").parse::<f64>().ok().map(|number| sign * number);
    }
    sexagesimal_float(whole, fraction).filter(|_| exponent.is_none()).map(|number| sign * number)
}

fn sexagesimal_float(whole: &str, fraction: &str) -> Option<f64> {
    let (first, others) = whole.split_once(':')?;
    if !is_number(first) || !is_digits(fraction) || !others.split(':').all(is_sixtieth) {
        return None;
    }
    // From the right, as the reference adds them up: the last bits depend on the order.
    let last = format!("{}.{fraction}", whole.rsplit(':').next()?);
    let mut base = 1.0;
    let mut total = 0.0;
    for part in std::iter::once(last.as_str()).chain(whole.rsplit(':').skip(1)) {
        total += part.replace('_', "").parse::<f64>().ok()? * base;
        base *= 60.0;
    }
    Some(total)
}

/// None: it does not look like an integer. An error: it does, but is none, or is larger than anyone needs.
fn integer(text: &str) -> Option<Result<i128, String>> {
    let (negative, rest) = unsigned(text);
    let parsed = if let Some(digits) = rest.strip_prefix("0b") {
        based(digits, 2)?
    } else if let Some(digits) = rest.strip_prefix("0x") {
        based(digits, 16)?
    } else if rest.len() > 1 && rest.starts_with('0') {
        based(&rest[1..], 8)?
    } else {
        decimal(rest)?
    };
    let number = parsed.and_then(|number| if negative { number.checked_neg() } else { Some(number) });
    Some(number.ok_or_else(|| format!("`{text}` looks like an integer, but is none or has too many digits; quote it if it is a text")))
}

fn based(digits: &str, base: u32) -> Option<Option<i128>> {
    if digits.is_empty() || !digits.chars().all(|letter| letter == '_' || letter.is_digit(base)) {
        return None;
    }
    let digits = digits.replace('_', "");
    // `0_` is zero, but a prefix without a digit is nothing.
    Some(if digits.is_empty() && base == 8 { Some(0) } else { i128::from_str_radix(&digits, base).ok() })
}

fn decimal(text: &str) -> Option<Option<i128>> {
    if text == "0" {
        return Some(Some(0));
    }
    let (first, others) = text.split_once(':').map_or((text, None), |(first, others)| (first, Some(others)));
    if !is_number(first) || first.starts_with('0') || !others.is_none_or(|others| others.split(':').all(is_sixtieth)) {
        return None;
    }
    Some(text.split(':').try_fold(0_i128, |total, part| {
        let part: i128 = part.replace('_', "").parse().ok()?;
        total.checked_mul(60)?.checked_add(part)
    }))
}
