//! From texts of a database to JSON, by the form of each column. Numbers keep all their digits.

use std::io::Write as _;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};

use super::{Chunk, Form, Shaped};

/// A part of an answer is closed when it has so many bytes or records.
const CHUNK_BYTES: usize = 512 << 10;
const CHUNK_RECORDS: u32 = 2_000;

/// Collects records.
pub(super) struct Collector {
    /// `,"name":` of each column, the first without its comma.
    keys: Vec<Vec<u8>>,
    forms: Vec<Form>,
    json: Vec<u8>,
    records: u32,
    column: usize,
}

impl Collector {
    pub(super) fn new(columns: &[Shaped]) -> Self {
        let key = |(index, column): (usize, &Shaped)| {
            let mut key = if index == 0 { b"{".to_vec() } else { b",".to_vec() };
            string(&column.name, &mut key);
            key.push(b':');
            key
        };
        let keys = columns.iter().enumerate().map(key).collect();
        let forms = columns.iter().map(|column| column.form).collect();
        Self { keys, forms, json: Vec::new(), records: 0, column: 0 }
    }

    pub(super) fn columns(&self) -> usize {
        self.keys.len()
    }

    /// The next value of the current record.
    pub(super) fn value(&mut self, text: Option<&str>) {
        if self.column == 0 {
            self.json.push(if self.records == 0 { b'[' } else { b',' });
        }
        if let (Some(key), Some(form)) = (self.keys.get(self.column), self.forms.get(self.column)) {
            self.json.extend_from_slice(key);
            match text {
                None => self.json.extend_from_slice(b"null"),
                Some(text) => write(*form, text, &mut self.json),
            }
        }
        self.column += 1;
    }

    /// Ends the record; the part, if it is full.
    pub(super) fn end(&mut self) -> Option<Chunk> {
        self.json.push(b'}');
        self.column = 0;
        self.records += 1;
        if self.json.len() >= CHUNK_BYTES || self.records >= CHUNK_RECORDS { self.take() } else { None }
    }

    /// What is left.
    pub(super) fn take(&mut self) -> Option<Chunk> {
        if self.records == 0 {
            return None;
        }
        self.json.push(b']');
        let capacity = self.json.capacity();
        let json = std::mem::replace(&mut self.json, Vec::with_capacity(capacity));
        Some(Chunk { json, records: std::mem::take(&mut self.records) })
    }
}

fn write(form: Form, text: &str, out: &mut Vec<u8>) {
    match form {
        Form::Number if is_number(text) => out.extend_from_slice(text.as_bytes()),
        Form::Boolean if matches!(text, "t" | "true" | "1") => out.extend_from_slice(b"true"),
        Form::Boolean if matches!(text, "f" | "false" | "0") => out.extend_from_slice(b"false"),
        Form::Json if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => out.extend_from_slice(text.as_bytes()),
        Form::Timestamp => timestamp(text, out),
        Form::Bytes => match text.strip_prefix("\\x").and_then(|hex| HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()) {
            Some(bytes) => string(&BASE64.encode(&bytes), out),
            None => string(text, out),
        },
        // What is not what its column says is handed over as it is: the gate judges it.
        _ => string(text, out),
    }
}

fn string(text: &str, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    drop(serde_json::to_writer(out, text));
}

/// A number as JSON writes it; NaN and infinity are none.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let leading = digits.len() > 1 && digits.starts_with('0');
    (plain && !leading) || serde_json::from_str::<serde_json::Number>(text).is_ok()
}

/// `2026-11-28 17:00:00.5+00` to `2026-11-28T17:00:00.5Z`.
fn timestamp(text: &str, out: &mut Vec<u8>) {
    let (text, zone) = text.strip_suffix("+00").map_or((text, ""), |local| (local, "Z"));
    match text.split_once(' ') {
        Some((day, time)) if !time.contains(' ') => drop(write!(out, "\"{day}T{time}{zone}\"")),
        _ => string(text, out),
    }
}
