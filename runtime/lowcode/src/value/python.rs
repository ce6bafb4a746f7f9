//! Python's `str()` and `repr()` of a value.

use std::fmt::Write;

use super::Value;

impl Value {
    /// `str(value)`.
    #[must_use]
    pub fn python_str(&self) -> String {
        let mut out = String::new();
        self.write_python_str(&mut out);
        out
    }

    /// `repr(value)`.
    #[must_use]
    pub fn python_repr(&self) -> String {
        let mut out = String::new();
        self.write_python_repr(&mut out);
        out
    }

    /// Appends `str(value)`.
    pub fn write_python_str(&self, out: &mut String) {
        match self {
            Self::Str(text) => out.push_str(text),
            Self::Moment(moment) => out.push_str(&moment.python_str()),
            Self::Span(span) => out.push_str(&span.python_str()),
            _ => self.write_python_repr(out),
        }
    }

    /// Appends `repr(value)`.
    pub fn write_python_repr(&self, out: &mut String) {
        match self {
            Self::None => out.push_str("None"),
            Self::Bool(flag) => out.push_str(if *flag { "True" } else { "False" }),
            Self::Int(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Float(number, _) => match self.as_huge() {
                Some(digits) => out.push_str(digits),
                None => out.push_str(&float_repr(*number)),
            },
            Self::Str(text) => write_str_repr(text, out),
            Self::List(items) => write_items(items, ('[', ']'), out),
            Self::Tuple(items) => match items.as_slice() {
                [single] => {
                    out.push('(');
                    single.write_python_repr(out);
                    out.push_str(",)");
                }
                items => write_items(items, ('(', ')'), out),
            },
            Self::Dict(dict) => {
                out.push('{');
                for (index, (key, item)) in dict.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    write_str_repr(key, out);
                    out.push_str(": ");
                    item.write_python_repr(out);
                }
                out.push('}');
            }
            Self::Moment(moment) => out.push_str(&moment.python_repr()),
            Self::Span(span) => out.push_str(&span.python_repr()),
        }
    }
}

fn write_items(items: &[Value], brackets: (char, char), out: &mut String) {
    out.push(brackets.0);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        item.write_python_repr(out);
    }
    out.push(brackets.1);
}

/// `repr(float)`: the shortest digits that read back the same, an exponent below 1e-4 and from 1e16 on.
#[must_use]
pub fn float_repr(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.into();
    }
    let size = number.abs();
    if number == 0.0 || (1e-4..1e16).contains(&size) {
        let mut text = number.to_string();
        if !text.contains('.') {
            text.push_str(".0");
        }
        return text;
    }
    let text = format!("{number:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// Appends `repr(str)`.
pub fn write_str_repr(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote => {
                out.push('\\');
                out.push(character);
            }
            ' '..='~' => out.push(character),
            _ if is_printable(character) => out.push(character),
            _ => {
                let code = u32::from(character);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
}

/// Python's `str.isprintable` for one character, but for unassigned code points.
fn is_printable(character: char) -> bool {
    if character.is_control() || (character.is_whitespace() && character != ' ') {
        return false;
    }
    !matches!(u32::from(character),
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x8e2 | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f
        | 0xe000..=0xf8ff | 0xfeff | 0xfff0..=0xfffb | 0x110bd | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff | 0xf0000..=0x10_ffff)
}

/// The digits of a number with `_` between digits taken out; none if a `_` stands elsewhere.
pub(crate) fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let sane = bytes.iter().enumerate().all(|(at, byte)| *byte != b'_' || (digit(at.checked_sub(1)) && digit(Some(at + 1))));
    sane.then(|| text.replace('_', ""))
}

/// `int(text)`; none where Python raises, or if it does not fit.
#[must_use]
pub fn python_int(text: &str) -> Option<i128> {
    let digits = without_underscores(text.trim())?;
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(&digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// `float(text)`; none where Python raises.
#[must_use]
pub fn python_float(text: &str) -> Option<f64> {
    let digits = without_underscores(text.trim())?;
    // Rust and Python read the same numbers and names of numbers.
    if digits.is_empty() || digits.ends_with('.') && digits.len() == 1 { None } else { digits.parse().ok() }
}
