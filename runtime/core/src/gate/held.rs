//! Records that are held back: what is kept of them, and how many can be.

use std::fmt;

use super::fault::{Fault, Scan};
use super::json::Reader;
use crate::detect::Detector;
use crate::problem::Code;

/// The greatest number of records that one call holds back: more of them are no exception but a wrong label.
pub const MAX_HELD: usize = 1000;
/// The greatest size of all records that one call holds back, in bytes.
pub const MAX_HELD_BYTES: usize = 4 << 20;

/// A record that is held back, as it came. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Held {
    /// E201 for an undeclared field, E202 for a value under a wrong label.
    pub code: Code,
    /// The field.
    pub path: String,
    /// What its value looks like.
    pub detector: Option<Detector>,
    /// One JSON object on one line, fields that a page added among the others.
    pub record: Vec<u8>,
}

impl Held {
    /// The field, and what its value looks like.
    #[must_use]
    pub fn place(&self) -> String {
        self.detector.map_or_else(|| self.path.clone(), |detector| super::place(&self.path, detector))
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.record.len();
        out.debug_struct("Held")
            .field("code", &self.code)
            .field("path", &self.path)
            .field("detector", &self.detector)
            .field("bytes", &size)
            .finish()
    }
}

/// Why a record is held back.
#[derive(Debug)]
pub(super) struct Cause {
    pub(super) path: String,
    detector: Option<Detector>,
}

impl Cause {
    /// A value looks like something that its field may not hold.
    pub(super) fn suspected((path, detector): (&str, Detector)) -> Self {
        Self { path: path.to_owned(), detector: Some(detector) }
    }

    /// Nothing declares a field.
    pub(super) fn undeclared(path: String) -> Self {
        Self { path, detector: None }
    }

    pub(super) fn code(&self) -> Code {
        if self.detector.is_some() { Code::E202 } else { Code::E201 }
    }

    /// The record as one line. Fields that the page adds take the place of its own.
    pub(super) fn hold(&self, record: &str, added: &[(String, String)]) -> Scan<Held> {
        let line = if added.is_empty() && !record.contains(['\n', '\r']) { record.as_bytes().to_vec() } else { line(record, added)? };
        Ok(Held { code: self.code(), path: self.path.clone(), detector: self.detector, record: line })
    }
}

/// Writes members one by one, so that numbers and texts stay as they are spelled.
fn line(record: &str, added: &[(String, String)]) -> Scan<Vec<u8>> {
    let mut out = vec![b'{'];
    for (name, json) in added {
        member(&super::plan::build::quote(name), json, &mut out);
    }
    let mut reader = Reader::new(record);
    let mut scratch = String::new();
    reader.next()?;
    reader.open()?;
    let mut closed = reader.next()? == b'}';
    while !closed {
        let name = reader.member_name()?;
        let value = reader.skip()?;
        if !added.iter().any(|(known, _)| known == name.text(&mut scratch)) {
            member(name.json.as_bytes(), value.json, &mut out);
        }
        closed = match reader.next()? {
            b',' => {
                reader.at += 1;
                reader.next()?;
                false
            }
            b'}' => true,
            _ => return Err(Fault::unreadable("a comma or a closing bracket is missing")),
        };
    }
    out.push(b'}');
    Ok(out)
}

fn member(name: &[u8], json: &str, out: &mut Vec<u8>) {
    if out.len() > 1 {
        out.push(b',');
    }
    out.extend_from_slice(name);
    out.push(b':');
    super::json::compact(json, out);
}
