//! Rows of CSV as objects, as Python's `csv.DictReader` reads them.

use std::sync::Arc;

use crate::fault::Failure;
use crate::retrieve::failure::system;
use crate::value::{Dict, Value};

/// A field holds so many characters at most; Python's limit.
const MAXIMUM_FIELD: usize = 131_072;

/// Reads rows; the first gives the names. `nothing` are texts that mean none.
///
/// # Errors
/// The delimiter is no single character, or a field is too long.
pub fn read(text: &str, delimiter: &str, nothing: &[String]) -> Result<Vec<Value>, Failure> {
    let delimiter = match delimiter {
        "\\t" => '\t',
        "" => ',',
        other => {
            let mut characters = other.chars();
            match (characters.next(), characters.next()) {
                (Some(one), None) => one,
                _ => return Err(system("`delimiter` of a CSV decoder is one character")),
            }
        }
    };
    let mut rows = Rows { rest: text.chars().peekable(), delimiter };
    let names: Vec<Arc<str>> = match rows.next_row()? {
        Some(names) => names.into_iter().map(Arc::from).collect(),
        None => return Ok(Vec::new()),
    };
    let mut records = Vec::new();
    while let Some(row) = rows.next_row()? {
        if row.is_empty() {
            continue;
        }
        let mut fields = row.into_iter();
        let mut record = Dict::with_capacity(names.len());
        for name in &names {
            let value = match fields.next() {
                Some(field) if !nothing.contains(&field) => Value::str(field),
                _ => Value::None,
            };
            record.insert(Arc::clone(name), value);
        }
        records.push(Value::dict(record));
    }
    Ok(records)
}

struct Rows<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    delimiter: char,
}

impl Rows<'_> {
    /// The next row; an empty line is an empty row.
    fn next_row(&mut self) -> Result<Option<Vec<String>>, Failure> {
        if self.rest.peek().is_none() {
            return Ok(None);
        }
        let mut row = Vec::new();
        let mut field = String::new();
        let (mut quoted, mut begun) = (false, false);
        loop {
            let one = self.next_character();
            match one {
                None => break,
                Some('"') if quoted => {
                    if self.rest.peek() == Some(&'"') {
                        self.rest.next();
                        field.push('"');
                    } else {
                        quoted = false;
                    }
                }
                Some(one) if quoted => field.push(one),
                Some('"') if field.is_empty() && !begun => {
                    quoted = true;
                    begun = true;
                }
                Some('\n') => break,
                Some(one) if one == self.delimiter => {
                    row.push(std::mem::take(&mut field));
                    begun = false;
                    if self.rest.peek().is_none() {
                        break;
                    }
                    continue;
                }
                Some(one) => field.push(one),
            }
            if field.len() > MAXIMUM_FIELD {
                return Err(system(format!("a CSV field is longer than {MAXIMUM_FIELD} characters")));
            }
        }
        if !(row.is_empty() && field.is_empty() && !begun) {
            row.push(field);
        }
        Ok(Some(row))
    }

    /// Line ends are `\n`, whatever they were.
    fn next_character(&mut self) -> Option<char> {
        let one = self.rest.next()?;
        if one == '\r' {
            if self.rest.peek() == Some(&'\n') {
                self.rest.next();
            }
            return Some('\n');
        }
        Some(one)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    #[test]
    fn reads_rows() {
        let rows = read("a,b,c\r\n1,\"x, \"\"y\"\"\nz\",\n\n2\n", ",", &["".to_owned()]).unwrap();
        let expected = Value::from_json(br#"[{"a":"1","b":"x, \"y\"\nz","c":null},{"a":"2","b":null,"c":null}]"#).unwrap();
        assert_eq!(Value::list(rows), expected);
        let rows = read("a\tb\n1\t2", "\\t", &[]).unwrap();
        assert_eq!(Value::list(rows), Value::from_json(br#"[{"a":"1","b":"2"}]"#).unwrap());
        assert!(read("a", "::", &[]).is_err());
        assert!(read("", ",", &[]).unwrap().is_empty());
    }
}
