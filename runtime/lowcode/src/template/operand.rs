//! What an expression is while it is reckoned: a value, or something that only lives inside of a template.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::Macro;
use super::error::{Outcome, TemplateError};
use crate::value::{Value, write_str_repr};

/// What an expression is while it is reckoned.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Value(Value),
    /// What was not there: its description for the error.
    Undefined(Rc<str>),
    /// A sequence that holds more than values, or is no plain list.
    Sequence(Rc<Vec<Operand>>, Kind),
    /// A dictionary that holds more than values, or whose keys are not all texts.
    Mapping(Rc<Vec<(Operand, Operand)>>),
    /// A function of the reference or of Jinja.
    Function(&'static str),
    /// A method and what it is called on.
    Method(Rc<Operand>, &'static str),
    Macro(Arc<Macro>),
    /// What `caller()` runs: the body of a call block.
    Namespace(Rc<RefCell<Vec<(String, Operand)>>>),
    Loop(Rc<LoopState>),
    /// `cycler(…)`: items and place.
    Cycler(Rc<(Vec<Operand>, RefCell<usize>)>),
    /// `joiner(…)`: separator, and whether it was used.
    Joiner(Rc<(String, RefCell<bool>)>),
    /// A dictionary whose keys are the same in upper and lower case.
    AnyCase(Arc<crate::value::Dict>),
    /// Something without a use: `self`.
    Opaque(&'static str),
}

/// Kinds of sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    List,
    Tuple,
    /// Has no length, is always true, cannot be looked into.
    Generator,
    /// A view of a dictionary: its name in Python.
    View(&'static str),
}

/// What `loop` is in a loop.
#[derive(Debug)]
pub(super) struct LoopState {
    pub index: usize,
    pub items: Rc<Vec<Operand>>,
    pub depth: usize,
    pub changed: RefCell<Option<Vec<Operand>>>,
}

impl Operand {
    pub fn none() -> Self {
        Self::Value(Value::None)
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::Value(Value::from(text.into()))
    }

    pub fn int(number: usize) -> Self {
        Self::Value(Value::Int(i128::try_from(number).unwrap_or(i128::MAX)))
    }

    pub fn bool(flag: bool) -> Self {
        Self::Value(Value::Bool(flag))
    }

    pub fn undefined(message: impl Into<String>) -> Self {
        Self::Undefined(message.into().into())
    }

    /// A list; a plain one if it can be.
    pub fn list(items: Vec<Operand>) -> Self {
        match plain(&items) {
            Some(values) => Self::Value(Value::list(values)),
            None => Self::Sequence(Rc::new(items), Kind::List),
        }
    }

    /// A tuple; a plain one if it can be.
    pub fn tuple(items: Vec<Operand>) -> Self {
        match plain(&items) {
            Some(values) => Self::Value(Value::Tuple(Arc::new(values))),
            None => Self::Sequence(Rc::new(items), Kind::Tuple),
        }
    }

    pub fn generator(items: Vec<Operand>) -> Self {
        Self::Sequence(Rc::new(items), Kind::Generator)
    }

    /// A dictionary; a plain one if it can be. Later members replace earlier ones of the same key.
    pub fn mapping(members: Vec<(Operand, Operand)>) -> Self {
        let plain: Option<crate::value::Dict> = members
            .iter()
            .map(|member| match member {
                (Self::Value(Value::Str(key)), Self::Value(value)) => Some((Arc::clone(key), value.clone())),
                _ => None,
            })
            .collect();
        if let Some(dict) = plain {
            return Self::Value(Value::dict(dict));
        }
        let mut unique: Vec<(Operand, Operand)> = Vec::with_capacity(members.len());
        for (key, value) in members {
            match unique.iter_mut().find(|(known, _)| known.equals(&key)) {
                Some(known) => known.1 = value,
                None => unique.push((key, value)),
            }
        }
        Self::Mapping(Rc::new(unique))
    }

    pub fn as_value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        self.as_value().and_then(Value::as_str)
    }

    pub fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined(_))
    }

    /// Python's truth.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Value(value) => value.is_truthy(),
            Self::Undefined(_) => false,
            Self::Sequence(_, Kind::Generator) => true,
            Self::Sequence(items, _) => !items.is_empty(),
            Self::Mapping(members) => !members.is_empty(),
            Self::AnyCase(dict) => !dict.is_empty(),
            _ => true,
        }
    }

    /// Python's name of the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Value(value) => value.type_name(),
            Self::Undefined(_) => "Undefined",
            Self::Sequence(_, Kind::List) => "list",
            Self::Sequence(_, Kind::Tuple) => "tuple",
            Self::Sequence(_, Kind::Generator) => "generator",
            Self::Sequence(_, Kind::View(name)) => name,
            Self::Mapping(_) => "dict",
            Self::Function(_) => "function",
            Self::Method(..) => "builtin_function_or_method",
            Self::Macro(_) => "Macro",
            Self::Namespace(_) => "Namespace",
            Self::Loop(_) => "LoopContext",
            Self::Cycler(_) => "Cycler",
            Self::Joiner(_) => "Joiner",
            Self::AnyCase(_) => "CaseInsensitiveDict",
            Self::Opaque(name) => name,
        }
    }

    /// Python's `==`.
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(left), Self::Value(right)) => left == right,
            (Self::Undefined(_), Self::Undefined(_)) => true,
            (Self::Function(left), Self::Function(right)) => left == right,
            (Self::AnyCase(left), Self::AnyCase(right)) => left == right,
            (Self::Namespace(left), Self::Namespace(right)) => Rc::ptr_eq(left, right),
            (Self::Mapping(left), Self::Mapping(right)) => {
                let has = |key: &Operand, value: &Operand| right.iter().any(|(known, other)| known.equals(key) && other.equals(value));
                left.len() == right.len() && left.iter().all(|(key, value)| has(key, value))
            }
            (Self::Sequence(..), _) | (_, Self::Sequence(..)) => match (self.items_of_list(), other.items_of_list()) {
                (Some(left), Some(right)) => {
                    self.type_name() == other.type_name()
                        && left.len() == right.len()
                        && left.iter().zip(&right).all(|(left, right)| left.equals(right))
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// The items of a list or tuple.
    pub fn items_of_list(&self) -> Option<Vec<Operand>> {
        match self {
            Self::Value(value) => value.as_items().map(|items| items.iter().cloned().map(Self::Value).collect()),
            Self::Sequence(items, Kind::List | Kind::Tuple) => Some(items.to_vec()),
            _ => None,
        }
    }

    /// What a loop over it sees.
    pub fn iterate(&self) -> Outcome<Vec<Operand>> {
        match self {
            Self::Value(Value::Str(text)) => Ok(text.chars().map(|character| Self::text(character.to_string())).collect()),
            Self::Value(Value::Dict(dict)) | Self::AnyCase(dict) => {
                Ok(dict.keys().map(|key| Self::Value(Value::Str(Arc::clone(key)))).collect())
            }
            Self::Value(Value::List(items) | Value::Tuple(items)) => Ok(items.iter().cloned().map(Self::Value).collect()),
            Self::Undefined(_) => Ok(Vec::new()),
            Self::Sequence(items, _) => Ok(items.to_vec()),
            Self::Mapping(members) => Ok(members.iter().map(|(key, _)| key.clone()).collect()),
            Self::Loop(state) => Ok(state.items.get(state.index..).unwrap_or_default().to_vec()),
            _ => Err(TemplateError::type_error(format!("'{}' object is not iterable", self.type_name()))),
        }
    }

    /// `len()`.
    pub fn length(&self) -> Outcome<usize> {
        match self {
            Self::Value(Value::Str(text)) => Ok(if text.is_ascii() { text.len() } else { text.chars().count() }),
            Self::Value(Value::Dict(dict)) | Self::AnyCase(dict) => Ok(dict.len()),
            Self::Value(Value::List(items) | Value::Tuple(items)) => Ok(items.len()),
            Self::Undefined(_) => Ok(0),
            Self::Sequence(items, kind) if *kind != Kind::Generator => Ok(items.len()),
            Self::Mapping(members) => Ok(members.len()),
            Self::Loop(state) => Ok(state.items.len()),
            _ => Err(TemplateError::type_error(format!("object of type '{}' has no len()", self.type_name()))),
        }
    }

    /// `str()`.
    pub fn write_str(&self, out: &mut String) {
        match self {
            Self::Value(value) => value.write_python_str(out),
            Self::Undefined(_) => {}
            _ => self.write_repr(out),
        }
    }

    /// `repr()`.
    pub fn write_repr(&self, out: &mut String) {
        match self {
            Self::Value(value) => value.write_python_repr(out),
            Self::Undefined(_) => out.push_str("Undefined"),
            Self::Sequence(items, kind) => write_sequence(items, *kind, out),
            Self::Mapping(members) => write_members(members.iter().map(|(key, value)| (key, value)), out),
            Self::AnyCase(dict) => Value::Dict(Arc::clone(dict)).write_python_repr(out),
            Self::Function(name) => out.push_str(&format!("<function {name}>")),
            Self::Method(receiver, name) => out.push_str(&format!("<built-in method {name} of {} object>", receiver.type_name())),
            Self::Macro(object) => out.push_str(&format!("<Macro '{}'>", object.name)),
            Self::Namespace(members) => {
                out.push_str("<Namespace ");
                match members.try_borrow() {
                    Ok(members) => {
                        let keys: Vec<(Operand, Operand)> =
                            members.iter().map(|(key, value)| (Self::text(key.clone()), value.clone())).collect();
                        write_members(keys.iter().map(|(key, value)| (key, value)), out);
                    }
                    Err(_) => out.push_str("{...}"),
                }
                out.push('>');
            }
            Self::Loop(state) => out.push_str(&format!("<LoopContext {}/{}>", state.index + 1, state.items.len())),
            Self::Cycler(_) | Self::Joiner(_) => out.push_str(&format!("<{} object>", self.type_name())),
            Self::Opaque(name) => out.push_str(&format!("<{name}>")),
        }
    }

    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write_str(&mut out);
        out
    }

    pub fn repr(&self) -> String {
        let mut out = String::new();
        self.write_repr(&mut out);
        out
    }
}

impl From<Value> for Operand {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

fn plain(items: &[Operand]) -> Option<Vec<Value>> {
    items.iter().map(|item| item.as_value().cloned()).collect()
}

fn write_sequence(items: &[Operand], kind: Kind, out: &mut String) {
    let (open, close) = match kind {
        Kind::List => ("[".to_owned(), "]"),
        Kind::Tuple => ("(".to_owned(), if items.len() == 1 { ",)" } else { ")" }),
        Kind::View(name) => (format!("{name}(["), "])"),
        Kind::Generator => {
            out.push_str("<generator object>");
            return;
        }
    };
    out.push_str(&open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        item.write_repr(out);
    }
    out.push_str(close);
}

fn write_members<'a>(members: impl Iterator<Item = (&'a Operand, &'a Operand)>, out: &mut String) {
    out.push('{');
    for (index, (key, value)) in members.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        match key.as_str() {
            Some(key) => write_str_repr(key, out),
            None => key.write_repr(out),
        }
        out.push_str(": ");
        value.write_repr(out);
    }
    out.push('}');
}
