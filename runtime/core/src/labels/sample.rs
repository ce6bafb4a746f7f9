//! What values of a sample look like: classes and counts by path. No value is kept.

use std::collections::BTreeMap;

use serde_json::Value;

/// Records of a sample that are looked at.
const MAX_RECORDS: usize = 10_000;
/// Paths that are counted.
const MAX_PATHS: usize = 5_000;
const MAX_DEPTH: usize = 16;

/// Classes of values by path.
#[derive(Debug, Default)]
pub struct Sample {
    paths: BTreeMap<String, Counts>,
    records: usize,
}

#[derive(Debug, Default)]
struct Counts {
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
            Value::String(text) => self.count(path, text),
            _ => {}
        }
    }

    fn count(&mut self, path: String, text: &str) {
        if text.is_empty() || (self.paths.len() >= MAX_PATHS && !self.paths.contains_key(&path)) {
            return;
        }
        let counts = self.paths.entry(path).or_default();
        counts.values += 1;
        if let Some(class) = class(text) {
            *counts.classes.entry(class).or_default() += 1;
        }
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
    } else if is_iban(text) {
        Some("iban")
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

/// Two letters, two digits, then letters and digits; the checksum must hold.
fn is_iban(text: &str) -> bool {
    let plain: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let framed = (15..=34).contains(&plain.len())
        && plain.iter().take(2).all(u8::is_ascii_uppercase)
        && plain.iter().skip(2).take(2).all(u8::is_ascii_digit)
        && plain.iter().all(u8::is_ascii_alphanumeric);
    let turned = plain.iter().skip(4).chain(plain.iter().take(4));
    framed
        && turned.fold(0_u32, |rest, byte| match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            letter => (rest * 100 + u32::from(letter.to_ascii_uppercase().saturating_sub(b'A')) + 10) % 97,
        }) == 1
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
