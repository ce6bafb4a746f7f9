//! Proposals as a `labels.toml` for people to go through. Nothing in it counts until somebody sets `confirmed`.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{Confidence, Proposals};
use crate::record::FieldPath;

/// One stream of the file.
#[derive(Debug)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// The key as the manifest says.
    pub primary_key: Vec<FieldPath>,
    /// What was guessed.
    pub proposals: Proposals,
}

const HEAD: &str = "\
# Labels of the streams of this connector: proposals, to be gone through by somebody who knows the data.
# No label counts while it is not confirmed. Look at a stream, then set its `confirmed = true`: that confirms what is written as a plain text.
# A label `{ category = \"…\", confirmed = false }` is less sure and is confirmed by itself. What has no label is not deliverable (HUB-E102).
labels = 1
";

/// The file.
#[must_use]
pub fn write(streams: &[Written]) -> String {
    let mut text = HEAD.to_owned();
    for stream in streams {
        let name = key(&stream.name);
        let _ = write!(text, "\n[stream.{name}]\nconfirmed = false\n");
        subjects(&stream.proposals, &mut text);
        let keys: Vec<String> = stream.primary_key.iter().map(|path| quoted(path.as_str())).collect();
        if !keys.is_empty() {
            let _ = writeln!(text, "# primary_key = [{}]   # as the manifest says; write another one here", keys.join(", "));
        }
        let _ = writeln!(text, "[stream.{name}.fields]");
        for proposal in &stream.proposals.fields {
            let (path, category) = (quoted(proposal.path.as_str()), quoted(&proposal.category));
            let why = format!("{}: {}", proposal.confidence.name(), comment(&proposal.reason));
            let _ = match proposal.confidence {
                Confidence::High => writeln!(text, "{path} = {category}   # {why}"),
                _ => writeln!(text, "{path} = {{ category = {category}, confirmed = false }}   # {why}"),
            };
        }
        for path in &stream.proposals.unknown {
            let _ = writeln!(text, "# {} = \"\"   # nothing can be guessed", quoted(path.as_str()));
        }
    }
    text
}

fn subjects(proposals: &Proposals, text: &mut String) {
    let Some((_, reason)) = proposals.subjects.first() else {
        text.push_str("# subjects = [\"\"]   # whose data is it?\n");
        return;
    };
    let names: Vec<String> = proposals.subjects.iter().map(|(subject, _)| quoted(subject)).collect();
    let _ = writeln!(text, "subjects = [{}]   # {}", names.join(", "), comment(reason));
}

/// A TOML key: bare where that is possible.
#[must_use]
pub fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare { name.to_owned() } else { quoted(name) }
}

/// A TOML text.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut found = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => found.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(found, "\\u{:04X}", u32::from(control));
            }
            plain => found.push(plain),
        }
    }
    found.push('"');
    found
}

/// A value in one line of TOML. What TOML does not have (`null`) is left out.
#[must_use]
pub fn inline(value: &Value) -> String {
    let entries = |fields: &Map<String, Value>| {
        let entries = fields.iter().filter(|(_, value)| !value.is_null());
        entries.map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect::<Vec<_>>()
    };
    match value {
        Value::Null => "\"\"".to_owned(),
        Value::String(text) => quoted(text),
        Value::Object(fields) => format!("{{ {} }}", entries(fields).join(", ")),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// A text that stays in its comment.
pub(crate) fn comment(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}
