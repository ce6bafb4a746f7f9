//! Writes JSON: compact for records and requests, and as Python's `json.dumps` writes it for templates.

use std::io::Write;

use super::{Value, float_repr};

/// Python's `json.dumps` in its several moods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dumps {
    /// Keys in order.
    pub sort_keys: bool,
    /// Spaces per level, each item on a line of its own.
    pub indent: Option<usize>,
    /// Non-ASCII characters stay as they are.
    pub keep_unicode: bool,
}

impl Value {
    /// Writes compact JSON; a number that was read keeps its text. What JSON cannot say (`NaN`, infinity) becomes `null`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::None => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(number) => write_int(*number, out),
            Self::Float(_, Some(text)) => out.extend_from_slice(text.as_bytes()),
            Self::Float(number, None) if number.is_finite() => out.extend_from_slice(float_repr(*number).as_bytes()),
            Self::Float(..) => out.extend_from_slice(b"null"),
            Self::Str(text) => write_text(text, out),
            Self::List(items) | Self::Tuple(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Self::Dict(dict) => {
                out.push(b'{');
                for (index, (key, item)) in dict.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_text(key, out);
                    out.push(b':');
                    item.write_json(out);
                }
                out.push(b'}');
            }
            Self::Moment(_) | Self::Span(_) => write_text(&self.python_str(), out),
        }
    }

    /// As [`Value::write_json`], a text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write_json(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// As Python's `json.dumps`; none if a value inside cannot be said in JSON (Python raises a `TypeError`).
    #[must_use]
    pub fn dumps(&self, mood: Dumps) -> Option<String> {
        let mut out = String::new();
        self.dump(mood, 0, &mut out).then_some(out)
    }

    fn dump(&self, mood: Dumps, level: usize, out: &mut String) -> bool {
        match self {
            Self::None => out.push_str("null"),
            Self::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Float(number, _) if number.is_nan() => out.push_str("NaN"),
            Self::Float(number, _) if number.is_infinite() && self.as_huge().is_none() => {
                out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
            }
            Self::Int(_) | Self::Float(..) => out.push_str(&self.python_str()),
            Self::Str(text) => dump_text(text, mood.keep_unicode, out),
            Self::List(items) | Self::Tuple(items) => {
                return dump_all(items.iter().map(|item| (None, item)), ('[', ']'), mood, level, out);
            }
            Self::Dict(dict) => {
                let mut members: Vec<(Option<&str>, &Value)> = dict.iter().map(|(key, item)| (Some(&**key), item)).collect();
                if mood.sort_keys {
                    members.sort_by_key(|(key, _)| *key);
                }
                return dump_all(members.into_iter(), ('{', '}'), mood, level, out);
            }
            Self::Moment(_) | Self::Span(_) => return false,
        }
        true
    }
}

fn dump_all<'a>(
    members: impl Iterator<Item = (Option<&'a str>, &'a Value)>,
    brackets: (char, char),
    mood: Dumps,
    level: usize,
    out: &mut String,
) -> bool {
    out.push(brackets.0);
    let mut empty = true;
    for (key, item) in members {
        if !empty {
            out.push_str(if mood.indent.is_some() { "," } else { ", " });
        }
        empty = false;
        new_line(mood, level + 1, out);
        if let Some(key) = key {
            dump_text(key, mood.keep_unicode, out);
            out.push_str(": ");
        }
        if !item.dump(mood, level + 1, out) {
            return false;
        }
    }
    if !empty {
        new_line(mood, level, out);
    }
    out.push(brackets.1);
    true
}

fn new_line(mood: Dumps, level: usize, out: &mut String) {
    if let Some(indent) = mood.indent {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent.saturating_mul(level).min(1024)));
    }
}

fn write_int(number: i128, out: &mut Vec<u8>) {
    // Writing into a Vec cannot fail.
    let _ = match i64::try_from(number) {
        Ok(number) => write!(out, "{number}"),
        Err(_) => write!(out, "{number}"),
    };
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, tail)) = tail.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            other => {
                let _ = write!(out, "\\u{other:04x}");
            }
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn dump_text(text: &str, keep_unicode: bool, out: &mut String) {
    use std::fmt::Write as _;
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ if keep_unicode && character >= '\u{20}' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}
