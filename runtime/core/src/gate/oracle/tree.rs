//! A JSON text as a tree that keeps repeated names, the order of names and the spelling of values.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A value. Strings and numbers keep their text.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Null,
    Boolean(bool),
    Number(String),
    /// As written with its quotes, and unescaped.
    Text(String, String),
    Object(Vec<(Name, Tree)>),
    Array(Vec<Tree>),
}

/// A name in an object.
#[derive(Clone, Debug)]
pub(super) struct Name {
    /// Unescaped.
    pub(super) text: String,
    /// As written with its quotes.
    pub(super) json: String,
}

impl Tree {
    /// None if the text is not one JSON value within the limits. `depth` = objects and arrays around it.
    pub(super) fn read(text: &str, depth: usize) -> Option<Self> {
        let raw: &RawValue = serde_json::from_str(text).ok()?;
        let text = raw.get();
        match text.as_bytes().first()? {
            b'{' | b'[' if depth >= super::super::MAX_DEPTH => None,
            b'{' => serde_json::Deserializer::from_str(text).deserialize_map(Members(depth + 1)).ok()?.map(Self::Object),
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                items.iter().map(|item| Self::read(item.get(), depth + 1)).collect::<Option<Vec<_>>>().map(Self::Array)
            }
            b'"' => Some(Self::Text(text.to_owned(), serde_json::from_str(text).ok()?)),
            b'n' => Some(Self::Null),
            b't' | b'f' => Some(Self::Boolean(text == "true")),
            _ => (text.len() <= super::super::MAX_NUMBER_BYTES).then(|| Self::Number(text.to_owned())),
        }
    }

    pub(super) fn is_container(&self) -> bool {
        matches!(self, Self::Object(_) | Self::Array(_))
    }

    /// The text without whitespace between tokens. Spelling is kept.
    pub(super) fn json(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Number(text) | Self::Text(text, _) => text.clone(),
            Self::Array(items) => format!("[{}]", items.iter().map(Self::json).collect::<Vec<_>>().join(",")),
            Self::Object(members) => {
                let members = members.iter().map(|(name, value)| format!("{}:{}", name.json, value.json()));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }

    /// What treatments see.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(_, text) | Self::Number(text) => Some(text.clone()),
            Self::Boolean(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The value under a pointer's steps. The error: a name on the way stands twice.
    pub(super) fn at(&self, steps: &[String]) -> Result<Option<&Self>, ()> {
        let Some((step, rest)) = steps.split_first() else { return Ok(Some(self)) };
        let found = match self {
            Self::Object(members) => {
                let mut same = members.iter().filter(|(name, _)| name.text == *step);
                let found = same.next().map(|(_, value)| value);
                if same.next().is_some() {
                    return Err(());
                }
                found
            }
            Self::Array(items) => step.parse::<usize>().ok().filter(|at| at.to_string() == *step).and_then(|at| items.get(at)),
            _ => None,
        };
        found.map_or(Ok(None), |found| found.at(rest))
    }
}

/// The steps of an RFC 6901 pointer.
pub(super) fn steps(pointer: &str) -> Option<Vec<String>> {
    let mut steps = Vec::new();
    let mut characters = pointer.chars();
    while let Some(character) = characters.next() {
        match (character, steps.last_mut()) {
            ('/', _) => steps.push(String::new()),
            (_, None) => return None,
            ('~', Some(step)) => step.push(match characters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            }),
            (other, Some(step)) => step.push(other),
        }
    }
    Some(steps)
}

struct Members(usize);

impl<'de> Visitor<'de> for Members {
    type Value = Option<Vec<(Name, Tree)>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = access.next_entry::<&RawValue, &RawValue>()? {
            let Some(tree) = Tree::read(value.get(), self.0) else { return Ok(None) };
            let Ok(text) = serde_json::from_str(name.get()) else { return Ok(None) };
            members.push((Name { text, json: name.get().to_owned() }, tree));
        }
        Ok(Some(members))
    }
}
