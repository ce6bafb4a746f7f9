//! What values of a sample look like: classes and counts by path. No value is kept.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::detect::{self, DetectorSet};
use crate::record::{FieldPath, is_usual_name};
use crate::stream::{Foreign, Hint};

/// Records of a sample that are looked at.
const MAX_RECORDS: usize = 10_000;
/// Paths that are counted.
const MAX_PATHS: usize = 5_000;
const MAX_DEPTH: usize = 16;
/// What check digits tell. Forms that check digits do not tell are looked at here.
const CHECKED: DetectorSet = DetectorSet::CHECKSUM;

/// Classes of values by path.
#[derive(Debug, Default)]
pub struct Sample {
    paths: BTreeMap<String, Counts>,
    records: usize,
}

#[derive(Debug, Default)]
struct Counts {
    /// What kinds of values were met.
    kinds: Hint,
    /// Texts that were looked at.
    values: u32,
    classes: BTreeMap<&'static str, u32>,
}

impl Sample {
    /// Takes records in, one JSON object on each line. Answers with the number of the first line that is none.
    ///
    /// # Errors
    /// The line's number, from 1.
    pub fn read(&mut self, lines: &str) -> Result<(), usize> {
        for (at, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            if self.records == MAX_RECORDS {
                return Ok(());
            }
            let record: Value = serde_json::from_str(line).map_err(|_| at + 1)?;
            let Value::Object(_) = &record else { return Err(at + 1) };
            self.records += 1;
            self.take(&record, String::new(), 0);
        }
        Ok(())
    }

    fn take(&mut self, value: &Value, path: String, depth: usize) {
        match value {
            _ if depth > MAX_DEPTH => {}
            Value::Object(fields) => {
                for (name, inner) in fields {
                    let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.take(inner, place, depth + 1);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.take(item, path.clone(), depth + 1)),
            scalar => self.count(path, scalar),
        }
    }

    fn count(&mut self, path: String, scalar: &Value) {
        if self.paths.len() >= MAX_PATHS && !self.paths.contains_key(&path) {
            return;
        }
        let counts = self.paths.entry(path).or_default();
        counts.kinds.number |= scalar.is_number();
        counts.kinds.boolean |= scalar.is_boolean();
        counts.kinds.text |= scalar.is_string();
        let Some(text) = scalar.as_str().filter(|text| !text.is_empty()) else { return };
        counts.values += 1;
        if let Some(class) = class(text) {
            *counts.classes.entry(class).or_default() += 1;
        }
    }

    /// The fields that were met, and how many more there are whose names do not look like names and are not told.
    #[must_use]
    pub fn foreign(&self) -> (Foreign, usize) {
        let (mut found, mut untold) = (Foreign::default(), 0);
        for (name, counts) in &self.paths {
            let path = FieldPath::parse(name).filter(|path| path.parts().all(is_usual_name));
            match path.filter(|path| found.shape.declare_unlabelled(path).is_ok()) {
                Some(_) => drop(found.hints.insert(name.clone(), counts.kinds.clone())),
                None => untold += 1,
            }
        }
        (found, untold)
    }

    /// The class that at least four of five values at a path have, with both counts.
    pub(super) fn class_at(&self, path: &str) -> Option<(&'static str, u32, u32)> {
        let counts = self.paths.get(path)?;
        let (class, hits) = counts.classes.iter().max_by_key(|(_, hits)| **hits)?;
        (*hits >= 1 && u64::from(*hits) * 5 >= u64::from(counts.values) * 4).then_some((*class, *hits, counts.values))
    }
}

/// What a text looks like.
fn class(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if text.len() > 320 {
        return None;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if is_email(text) {
        Some("email")
    } else if text.starts_with("http://") || text.starts_with("https://") {
        Some("uri")
    } else if text.parse::<std::net::IpAddr>().is_ok() {
        Some("ip")
    } else if is_uuid(text) {
        Some("uuid")
    } else if is_date(text) {
        Some("date")
    } else if let Some(detector) = detect::whole(text.as_bytes(), CHECKED) {
        Some(detector.name())
    } else if (7..=15).contains(&digits) && is_phone(text) {
        Some("phone")
    } else {
        None
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |part: &str| !part.is_empty() && !part.contains(|character: char| character.is_whitespace() || character == '@');
    plain(local) && plain(domain) && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| if [8, 13, 18, 23].contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes.iter().take(10).enumerate().all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() })
        && bytes.get(10).is_none_or(|byte| matches!(byte, b'T' | b' '))
}

/// Begins with a plus, or is written in groups: a bare row of digits is as often a number of something else.
fn is_phone(text: &str) -> bool {
    let allowed = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-/(). ".contains(&byte));
    allowed && (text.starts_with('+') || (text.starts_with(['0', '(']) && text.contains([' ', '-', '/', ')'])))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Sample, class};

    #[test]
    fn values_have_classes() {
        let cases = [
            ("ada@example.org", Some("email")),
            ("a@b", None),
            ("https://example.org/x", Some("uri")),
            ("192.0.2.7", Some("ip")),
            ("fd00::1", Some("ip")),
            ("123e4567-e89b-12d3-a456-426614174000", Some("uuid")),
            ("2026-01-31", Some("date")),
            ("2026-01-31T08:00:00Z", Some("date")),
            ("DE89 3704 0044 0532 0130 00", Some("iban")),
            ("DE89370400440532013001", None),
            ("4111 1111 1111 1111", Some("payment-card")),
            ("86095742719", Some("tax-id")),
            ("+49 30 123456", Some("phone")),
            ("030/123456-7", Some("phone")),
            ("123456789", None),
            ("hello", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(class(text), expected, "{text}");
        }
    }

    #[test]
    fn fields_of_a_sample_are_told_unless_their_names_could_be_values() {
        let mut sample = Sample::default();
        sample
            .read("{\"id\":1,\"who\":{\"mail\":\"a@x.example\"},\"tags\":[\"a\"],\"ada@x.example\":1,\"void\":null}\n{\"who\":\"me\"}")
            .unwrap();
        let (found, untold) = sample.foreign();
        let leaves: Vec<String> = found.shape.leaves().iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(leaves, ["id", "tags", "void", "who"], "the shorter of two paths that cannot stand together");
        assert_eq!(untold, 2);
        assert!(found.hints["id"].number && !found.hints["id"].text && found.hints["tags"].text);
    }

    #[test]
    fn most_values_decide_and_none_is_kept() {
        let mut sample = Sample::default();
        sample
            .read("{\"a\":{\"mail\":[\"ada@example.org\",\"bob@example.org\"]},\"b\":\"x\"}\n\n{\"a\":{\"mail\":\"?\"},\"b\":null}\n")
            .unwrap();
        assert_eq!(sample.class_at("a.mail"), None);
        sample.read("{\"a\":{\"mail\":[\"c@example.org\",\"d@example.org\"]}}").unwrap();
        assert_eq!(sample.class_at("a.mail"), Some(("email", 4, 5)));
        assert!(!format!("{sample:?}").contains("ada"));
        assert_eq!(sample.read("{}\n[1]"), Err(2));
    }
}
