//! From NDJSON to the rows of PostgreSQL's COPY: one pass, no tree. A row that cannot be one is named by its number.

use std::borrow::Cow;

use data_encoding::{BASE64, HEXLOWER};
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Failure, Form, Shaped};

/// Bytes handed to the server at once, about.
const PIECE_BYTES: usize = 256 << 10;

/// The fields of one record by column.
pub(super) struct Fields<'r>(pub(super) Vec<Option<&'r RawValue>>);

struct Reader<'c, 'r> {
    columns: &'c [Shaped],
    found: Vec<Option<&'r RawValue>>,
}

impl<'r> Visitor<'r> for Reader<'_, 'r> {
    type Value = Vec<Option<&'r RawValue>>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a record")
    }

    fn visit_map<A: MapAccess<'r>>(mut self, mut fields: A) -> Result<Self::Value, A::Error> {
        // Records come in the order of the columns nearly always: the next one is looked at first.
        let mut next = 0;
        while let Some(name) = fields.next_key::<Name<'r>>()? {
            let is = |column: &Shaped| column.name == *name.0;
            let place = if self.columns.get(next).is_some_and(is) { Some(next) } else { self.columns.iter().position(is) };
            let value = fields.next_value::<&'r RawValue>()?;
            if let Some(place) = place
                && let Some(slot) = self.found.get_mut(place)
            {
                *slot = Some(value);
                next = place + 1;
            }
        }
        Ok(self.found)
    }
}

/// A key, borrowed unless it holds escapes.
#[derive(serde::Deserialize)]
struct Name<'r>(#[serde(borrow)] Cow<'r, str>);

/// Reads one record.
pub(super) fn fields<'r>(columns: &[Shaped], line: &'r [u8], mut room: Vec<Option<&'r RawValue>>) -> Result<Fields<'r>, Failure> {
    room.clear();
    room.resize(columns.len(), None);
    let mut reader = serde_json::Deserializer::from_slice(line);
    let read = reader.deserialize_map(Reader { columns, found: room });
    read.map(Fields).map_err(|_| Failure::new("not-a-record", "a line is not a JSON object"))
}

/// The lines that hold records, by number.
pub(super) fn lines<'r>(ndjson: &'r [u8], skip: &[u32]) -> impl Iterator<Item = (u32, &'r [u8])> {
    let lines = ndjson.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    (0..).zip(lines).filter(move |(number, _)| !skip.contains(number))
}

/// What a field is for a database, by the form of its column.
pub(super) fn plain<'r>(form: Form, value: &'r RawValue) -> Result<Option<Cow<'r, str>>, Failure> {
    let raw = value.get();
    if raw == "null" {
        return Ok(None);
    }
    let text = if form != Form::Json && raw.starts_with('"') { unquoted(raw)? } else { Cow::Borrowed(raw) };
    let text = match form {
        Form::Bytes => {
            let bytes = BASE64.decode(text.as_bytes()).map_err(|_| Failure::new("not-base64", "a field of bytes is not base64"))?;
            Cow::Owned(format!("\\x{}", HEXLOWER.encode(&bytes)))
        }
        Form::Array if raw.starts_with('[') => Cow::Owned(array(raw)?),
        _ => text,
    };
    if text.contains('\0') || (form == Form::Json && text.contains("\\u0000")) {
        return Err(Failure::new("nul-in-text", "a text holds the character NUL, which databases do not take"));
    }
    Ok(Some(text))
}

fn unquoted(raw: &str) -> Result<Cow<'_, str>, Failure> {
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if memchr::memchr(b'\\', inner.as_bytes()).is_none() => Ok(Cow::Borrowed(inner)),
        _ => serde_json::from_str::<String>(raw).map(Cow::Owned).map_err(|_| Failure::new("not-a-text", "a text cannot be read")),
    }
}

/// `["a","b"]` to `{"a","b"}`.
fn array(raw: &str) -> Result<String, Failure> {
    let items: Vec<&RawValue> = serde_json::from_str(raw).map_err(|_| Failure::new("not-an-array", "an array cannot be read"))?;
    let mut text = "{".to_owned();
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match item.get() {
            "null" => text.push_str("NULL"),
            raw => {
                let plain = if raw.starts_with('"') { unquoted(raw)? } else { Cow::Borrowed(raw) };
                text.push('"');
                for character in plain.chars() {
                    if matches!(character, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(character);
                }
                text.push('"');
            }
        }
    }
    text.push('}');
    Ok(text)
}

/// Rows for COPY in its text format, piece by piece: the server works on one while the next is made.
pub(super) struct Pieces<'r, I> {
    columns: &'r [Shaped],
    lines: I,
    room: Vec<Option<&'r RawValue>>,
    /// Rows of all pieces so far.
    pub(super) count: u32,
}

/// The rows of a batch.
pub(super) fn pieces<'r>(
    columns: &'r [Shaped],
    ndjson: &'r [u8],
    skip: &'r [u32],
) -> Pieces<'r, impl Iterator<Item = (u32, &'r [u8])> + use<'r>> {
    Pieces { columns, lines: lines(ndjson, skip), room: Vec::new(), count: 0 }
}

impl<'r, I: Iterator<Item = (u32, &'r [u8])>> Iterator for Pieces<'r, I> {
    type Item = Result<Vec<u8>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut out = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 8);
        while out.len() < PIECE_BYTES {
            let Some((number, line)) = self.lines.next() else { break };
            if let Err(failure) = self.row(line, &mut out) {
                return Some(Err(Failure { row: Some(number), ..failure }));
            }
        }
        (!out.is_empty()).then_some(Ok(out))
    }
}

impl<'r, I> Pieces<'r, I> {
    fn row(&mut self, line: &'r [u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        let read = fields(self.columns, line, std::mem::take(&mut self.room))?;
        for (index, (column, value)) in self.columns.iter().zip(&read.0).enumerate() {
            if index > 0 {
                out.push(b'\t');
            }
            match value.map(|value| plain(column.form, value)).transpose()?.flatten() {
                None => out.extend_from_slice(b"\\N"),
                Some(text) => escape(text.as_bytes(), out),
            }
        }
        out.push(b'\n');
        self.count += 1;
        self.room = read.0;
        Ok(())
    }
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\\' | b'\n' | b'\r' | b'\t')) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        out.push(b'\\');
        out.push(match after.first() {
            Some(b'\n') => b'n',
            Some(b'\r') => b'r',
            Some(b'\t') => b't',
            _ => b'\\',
        });
        rest = after.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}
