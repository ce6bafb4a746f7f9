//! Reads components from resolved nodes: one place for "which type is this", "is it there", "is it of that kind", and for telling all faults together.
//! Knows no component; each component's file says what it wants.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::fault::{Fault, Kind, Mark};
use crate::model::text::{Text, Texts};
use crate::value::{Dict, Value};
use crate::yaml::{Content, Node};

/// Deeper than this no component lies in another.
const MAXIMUM_DEPTH: usize = 64;
/// More faults than this help nobody.
const MAXIMUM_FAULTS: usize = 1000;
/// Streams within streams multiply; a reading visits at most so many components.
const MAXIMUM_COMPONENTS: usize = 400_000;

/// Something in the manifest without effect, as in the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it stands in the text, if that is known.
    pub mark: Option<Mark>,
    /// Where it stands in the manifest.
    pub path: String,
    /// What it is.
    pub message: String,
}

/// What was found on the way.
#[derive(Debug, Default)]
pub struct Reader {
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
    /// Everything that has no effect.
    pub notes: Vec<Note>,
    path: Vec<String>,
    components: usize,
    /// Names of all parameters that were seen: they are handed down as fields, whether a component has such a field or not.
    handed_down: BTreeSet<String>,
}

impl Reader {
    /// A reader that stands at the root.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where it stands: `streams.0.retriever`.
    #[must_use]
    pub fn path(&self) -> String {
        self.path.join(".")
    }

    /// Reads something one step further inside.
    pub fn inside<R>(&mut self, step: impl Display, read: impl FnOnce(&mut Self) -> R) -> R {
        self.path.push(step.to_string());
        let result = read(self);
        self.path.pop();
        result
    }

    /// Tells a fault at this place.
    pub fn fault(&mut self, node: &Node, kind: Kind, message: impl Into<String>) {
        if self.faults.len() < MAXIMUM_FAULTS {
            self.faults.push(Fault { mark: node.mark, path: self.path(), kind, message: message.into() });
        }
    }

    /// Tells something without effect at this place.
    pub fn note(&mut self, mark: Option<Mark>, message: impl Into<String>) {
        if self.notes.len() < MAXIMUM_FAULTS {
            self.notes.push(Note { mark, path: self.path(), message: message.into() });
        }
    }

    /// A mapping whose `type` is one of those; a missing `type` means the first of them.
    pub fn component<'n>(&mut self, node: &'n Node, expected: &[&'static str]) -> Option<Fields<'n>> {
        self.components += 1;
        if self.path.len() > MAXIMUM_DEPTH || self.components > MAXIMUM_COMPONENTS {
            self.fault(node, Kind::Limit, format!("components nest deeper than {MAXIMUM_DEPTH} or are more than {MAXIMUM_COMPONENTS}"));
            return None;
        }
        let Content::Mapping(_) = &node.content else {
            self.fault(node, Kind::Invalid, format!("expected {}, which is a mapping", one_of(expected)));
            return None;
        };
        if let Some(parameters) = node.get("$parameters").and_then(Node::entries) {
            self.handed_down.extend(parameters.keys().map(ToString::to_string));
        }
        let kind = node.component_type();
        let class = node.get("class_name").and_then(Node::as_str);
        match kind {
            Some(kind) if expected.contains(&kind) => expected.iter().find(|name| **name == kind).map(|name| Fields::new(node, name)),
            Some(kind) if kind.starts_with("Custom") => {
                let class = class.unwrap_or(kind);
                self.fault(
                    node,
                    Kind::CustomClass(class.to_owned()),
                    format!("`{kind}` asks for the Python class `{class}`; Python code is not run"),
                );
                None
            }
            None if class.is_some() => {
                let class = class.unwrap_or_default();
                self.fault(
                    node,
                    Kind::CustomClass(class.to_owned()),
                    format!("asks for the Python class `{class}`; Python code is not run"),
                );
                None
            }
            Some(kind) => {
                self.fault(node, Kind::Unsupported, format!("`{kind}` is not known here; expected {}", one_of(expected)));
                None
            }
            None => Some(Fields::new(node, expected.first().copied().unwrap_or_default())),
        }
    }

    /// Reads each item of a sequence; faults where it is none.
    pub fn items<'n, R>(&mut self, node: &'n Node, mut read: impl FnMut(&mut Self, &'n Node) -> Option<R>) -> Vec<R> {
        let Some(items) = node.items() else {
            self.fault(node, Kind::Invalid, format!("expected a list, not {}", node.kind_name()));
            return Vec::new();
        };
        items.iter().enumerate().filter_map(|(index, item)| self.inside(index, |reader| read(reader, item))).collect()
    }

    /// A text as it stands, no template.
    pub fn word(&mut self, node: &Node) -> Option<String> {
        match &node.content {
            Content::Scalar(Value::Str(text)) => Some(text.to_string()),
            Content::Scalar(value @ (Value::Int(_) | Value::Float(..) | Value::Bool(_))) => Some(value.python_str()),
            _ => {
                self.fault(node, Kind::Invalid, "expected a text");
                None
            }
        }
    }

    /// A flag.
    pub fn flag(&mut self, node: &Node) -> Option<bool> {
        match &node.content {
            Content::Scalar(Value::Bool(flag)) => Some(*flag),
            Content::Scalar(Value::Str(text)) => match text.to_lowercase().as_str() {
                "true" | "yes" | "on" | "y" | "t" | "1" => Some(true),
                "false" | "no" | "off" | "n" | "f" | "0" => Some(false),
                _ => {
                    self.fault(node, Kind::Invalid, "expected true or false");
                    None
                }
            },
            Content::Scalar(Value::Int(0)) => Some(false),
            Content::Scalar(Value::Int(1)) => Some(true),
            _ => {
                self.fault(node, Kind::Invalid, "expected true or false");
                None
            }
        }
    }

    /// A whole number.
    pub fn integer(&mut self, node: &Node) -> Option<i64> {
        let number = match &node.content {
            Content::Scalar(Value::Int(number)) => i64::try_from(*number).ok(),
            Content::Scalar(Value::Float(number, _)) if number.fract() == 0.0 && number.abs() < 9.0e15 => Some(*number as i64),
            Content::Scalar(Value::Str(text)) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.fault(node, Kind::Invalid, "expected a whole number");
        }
        number
    }

    /// A number.
    pub fn number(&mut self, node: &Node) -> Option<f64> {
        let number = match &node.content {
            Content::Scalar(Value::Int(number)) => Some(*number as f64),
            Content::Scalar(Value::Float(number, _)) => Some(*number),
            Content::Scalar(Value::Str(text)) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number: &f64| number.is_finite());
        if number.is_none() {
            self.fault(node, Kind::Invalid, "expected a number");
        }
        number
    }

    /// A template; numbers and flags are constants of their kind.
    pub fn text(&mut self, node: &Node, parameters: &Value) -> Option<Text> {
        match &node.content {
            Content::Scalar(Value::Str(text)) => match Text::parse(text, parameters.clone()) {
                Ok(text) => Some(text),
                Err(message) => {
                    self.fault(node, Kind::Syntax, format!("the template cannot be read: {message}"));
                    None
                }
            },
            Content::Scalar(value) => Some(Text::constant(value.clone())),
            _ => {
                self.fault(node, Kind::Invalid, "expected a text");
                None
            }
        }
    }

    /// A tree whose texts, keys included, are templates.
    pub fn texts(&mut self, node: &Node, parameters: &Value) -> Option<Texts> {
        match Texts::parse(&node.to_value(), parameters) {
            Ok(texts) => Some(texts),
            Err(message) => {
                self.fault(node, Kind::Syntax, format!("a template cannot be read: {message}"));
                None
            }
        }
    }
}

/// The fields of one component, and which of them were asked for.
pub struct Fields<'n> {
    /// The component's node.
    pub node: &'n Node,
    /// Its `type`.
    pub kind: &'static str,
    /// Its `$parameters`, for templates.
    pub parameters: Value,
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    fn new(node: &'n Node, kind: &'static str) -> Self {
        let parameters = node.get("$parameters").map_or_else(|| Value::Dict(Dict::new().into()), Node::to_value);
        Self { node, kind, parameters, asked: vec!["type", "$parameters"] }
    }

    /// The node of a field; a null counts as absent.
    pub fn get(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        self.node.get(key).filter(|node| !matches!(node.content, Content::Scalar(Value::None)))
    }

    /// Fields that need no reading here and are not to be noted.
    pub fn ignore(&mut self, keys: &[&'static str]) {
        self.asked.extend_from_slice(keys);
    }

    /// Reads a field if it is there.
    pub fn read<R>(&mut self, reader: &mut Reader, key: &'static str, read: impl FnOnce(&mut Reader, &'n Node) -> Option<R>) -> Option<R> {
        let node = self.get(key)?;
        reader.inside(key, |reader| read(reader, node))
    }

    /// Reads a field that must be there.
    pub fn require<R>(
        &mut self,
        reader: &mut Reader,
        key: &'static str,
        read: impl FnOnce(&mut Reader, &'n Node) -> Option<R>,
    ) -> Option<R> {
        if self.get(key).is_none() {
            reader.fault(self.node, Kind::Invalid, format!("`{}` needs `{key}`", self.kind));
            return None;
        }
        self.read(reader, key, read)
    }

    /// Reads each item of a list; none if the field is absent.
    pub fn each<R>(&mut self, reader: &mut Reader, key: &'static str, read: impl FnMut(&mut Reader, &'n Node) -> Option<R>) -> Vec<R> {
        self.read(reader, key, |reader, node| Some(reader.items(node, read))).unwrap_or_default()
    }

    /// A template that may be absent.
    pub fn text(&mut self, reader: &mut Reader, key: &'static str) -> Option<Text> {
        let parameters = self.parameters.clone();
        self.read(reader, key, |reader, node| reader.text(node, &parameters))
    }

    /// A template that must be there.
    pub fn require_text(&mut self, reader: &mut Reader, key: &'static str) -> Option<Text> {
        let parameters = self.parameters.clone();
        self.require(reader, key, |reader, node| reader.text(node, &parameters))
    }

    /// A list of templates: a path.
    pub fn text_list(&mut self, reader: &mut Reader, key: &'static str) -> Vec<Text> {
        let parameters = self.parameters.clone();
        self.each(reader, key, |reader, node| reader.text(node, &parameters))
    }

    /// A tree of templates that may be absent.
    pub fn texts(&mut self, reader: &mut Reader, key: &'static str) -> Option<Texts> {
        let parameters = self.parameters.clone();
        self.read(reader, key, |reader, node| reader.texts(node, &parameters))
    }

    /// A text without templates that may be absent.
    pub fn word(&mut self, reader: &mut Reader, key: &'static str) -> Option<String> {
        self.read(reader, key, Reader::word)
    }

    /// A text without templates that must be there.
    pub fn require_word(&mut self, reader: &mut Reader, key: &'static str) -> Option<String> {
        self.require(reader, key, Reader::word)
    }

    /// A list of texts without templates.
    pub fn word_list(&mut self, reader: &mut Reader, key: &'static str) -> Vec<String> {
        self.each(reader, key, Reader::word)
    }

    /// A flag, with what holds if it is absent.
    pub fn flag(&mut self, reader: &mut Reader, key: &'static str, default: bool) -> bool {
        self.read(reader, key, Reader::flag).unwrap_or(default)
    }

    /// A whole number that may be absent.
    pub fn integer(&mut self, reader: &mut Reader, key: &'static str) -> Option<i64> {
        self.read(reader, key, Reader::integer)
    }

    /// A number that may be absent.
    pub fn number(&mut self, reader: &mut Reader, key: &'static str) -> Option<f64> {
        self.read(reader, key, Reader::number)
    }

    /// Any value as it stands.
    pub fn value(&mut self, key: &'static str) -> Option<Value> {
        self.get(key).map(Node::to_value)
    }

    /// Notes the fields nobody asked for, unless they were handed down as parameters.
    pub fn end(self, reader: &mut Reader) {
        let Some(entries) = self.node.entries() else { return };
        for (key, entry) in entries {
            if !self.asked.contains(&key.as_ref()) && !reader.handed_down.contains(key.as_ref()) {
                let kind = self.kind;
                reader.inside(key, |reader| reader.note(entry.key_mark, format!("`{kind}` has no field `{key}`; it has no effect")));
            }
        }
    }
}

fn one_of(expected: &[&str]) -> String {
    match expected {
        [one] => format!("`{one}`"),
        _ => format!("one of {}", expected.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}
