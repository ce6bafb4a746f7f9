//! What a held record looks like without its values: names, types, lengths of texts.

use std::fmt::Write as _;

use hub_core::gate::UNUSUAL_NAME;
use hub_core::record::is_usual_name;
use serde_json::Value;

/// Deeper objects and arrays are told as such.
const DEPTH: usize = 4;
/// The longest shape in characters.
const LONGEST: usize = 2000;

/// `{"id":number,"note":text(34)}`.
pub(super) fn of(record: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(record) else { return "unreadable".to_owned() };
    let mut text = String::new();
    append(&value, 0, &mut text);
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).chain(std::iter::once('…')).collect();
    }
    text
}

fn append(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(_) => out.push_str("boolean"),
        Value::Number(_) => out.push_str("number"),
        Value::String(text) => drop(write!(out, "text({})", text.chars().count())),
        Value::Array(items) => drop(write!(out, "array({})", items.len())),
        Value::Object(_) if depth == DEPTH => out.push_str("object"),
        Value::Object(members) => {
            out.push('{');
            // By name, so that a shape does not depend on how objects are kept in memory.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            for (at, (name, value)) in members.into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                out.push_str(if is_usual_name(name) { name } else { UNUSUAL_NAME });
                out.push(':');
                append(value, depth + 1, out);
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_shape_holds_no_value() {
        let record = br#"{"id":4711,"mail":"ada@x.example","deep":{"list":[1,2],"ok":true,"none":null},"ada@x.example more":1,"123456":2}"#;
        assert_eq!(
            of(record),
            "{(unusual name):number,(unusual name):number,deep:{list:array(2),none:null,ok:boolean},id:number,mail:text(13)}"
        );
        assert_eq!(of(b"{"), "unreadable");
        assert!(of(format!("{{\"a\":[{}]}}", "1,".repeat(10_000) + "1").as_bytes()).len() < 100);
    }
}
