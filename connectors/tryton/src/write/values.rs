//! A row to write, and when two values are the same to Tryton.

use hub_sdk::Target;
use serde_json::{Map, Value};

use super::Field;

/// A text may have so many bytes in a key.
const MAX_KEY_BYTES: usize = 512;

/// What a field holds and how Tryton keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Text {
    /// As it is.
    Exact,
    /// Blanks around it go.
    Trimmed,
    /// A telephone number among others: Tryton may write it with other blanks and signs.
    Number,
    /// True or false.
    Flag,
    /// The number of a record.
    Id,
}

/// A record of a batch.
#[derive(Debug)]
pub struct Row {
    /// Position in the batch.
    pub number: u32,
    /// Values of the key's fields in a form that compares.
    pub key: Vec<String>,
    /// What goes into the record, by field.
    pub values: Map<String, Value>,
    /// Why it cannot be written, found out later.
    pub fault: Option<&'static str>,
}

impl Row {
    /// Reads a line; the error is the word for the report.
    pub fn read(number: u32, line: &[u8], target: &Target, fields: &[Field]) -> Result<Self, &'static str> {
        let values: Map<String, Value> = serde_json::from_slice(line).map_err(|_| "not-a-json-object")?;
        for (name, value) in &values {
            let field = fields.iter().find(|field| field.name == name).ok_or("unknown-field")?;
            let fits = match field.text {
                Text::Flag => value.is_boolean(),
                Text::Id => value.is_u64(),
                _ => value.is_string(),
            };
            if !fits && !value.is_null() {
                return Err("wrong-type");
            }
        }
        let mut key = Vec::new();
        for name in &target.primary_key {
            let field = fields.iter().find(|field| field.name == name).ok_or("unknown-field")?;
            let text = comparable(field.text, values.get(name).unwrap_or(&Value::Null));
            if text.is_empty() {
                return Err("no-key");
            }
            if text.len() > MAX_KEY_BYTES {
                return Err("key-too-long");
            }
            key.push(text);
        }
        Ok(Self { number, key, values, fault: None })
    }

    /// What its key takes of an address.
    pub fn key_bytes(&self) -> usize {
        self.key.iter().map(|part| part.len() + 3).sum()
    }

    /// The text of a field; none if it is not there or no text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.values.get(field).and_then(Value::as_str)
    }
}

/// True if writing the one over the other would change nothing.
pub fn same(text: Text, left: &Value, right: &Value) -> bool {
    match (text, left, right) {
        (Text::Flag, ..) => flag(left) == flag(right),
        _ => comparable(text, left) == comparable(text, right),
    }
}

/// On SQLite, Tryton sends true and false as numbers.
fn flag(value: &Value) -> Option<bool> {
    value.as_bool().or(value.as_u64().map(|number| number != 0))
}

/// A value as text that is equal for what Tryton holds to be equal; empty for nothing.
pub fn comparable(text: Text, value: &Value) -> String {
    match value {
        Value::String(value) if text == Text::Exact => value.clone(),
        Value::String(value) if text == Text::Number => number(value.trim()),
        Value::String(value) => value.trim().to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// `+49 30 23125-001` as `+493023125001`; anything that is no telephone number stays.
fn number(text: &str) -> String {
    let is_number =
        text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-/(). \t".contains(&byte));
    if is_number { text.chars().filter(|sign| sign.is_ascii_digit() || *sign == '+').collect() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Text, same};

    #[test]
    fn what_tryton_keeps_in_another_form_is_the_same() {
        assert!(same(Text::Number, &json!("+49 (30) 23125-001"), &json!("+49 30 23125 001")));
        assert!(!same(Text::Number, &json!("+49 30 23125 001"), &json!("+49 30 23125 002")));
        assert!(!same(Text::Number, &json!("a@b.example"), &json!("ab.example")));
        assert!(same(Text::Trimmed, &json!(" a "), &json!("a")));
        assert!(same(Text::Trimmed, &json!(""), &json!(null)));
        assert!(!same(Text::Exact, &json!(" a "), &json!("a")));
        assert!(!same(Text::Flag, &json!(false), &json!(null)));
        assert!(same(Text::Flag, &json!(true), &json!(1)) && !same(Text::Flag, &json!(true), &json!(0)));
    }
}
