//! Trees whose texts are templates: request parameters, headers, bodies.

use super::{Template, TemplateError, Types, Use};
use crate::value::{Dict, Value};

/// A tree of any shape, keys included (the reference's `InterpolatedNestedMapping`).
#[derive(Clone, Debug)]
pub enum Nested {
    /// No text: as it is.
    Value(Value),
    /// A text.
    Text(Template),
    /// A list.
    List(Vec<Nested>),
    /// A dictionary.
    Dict(Vec<(Template, Nested)>),
}

impl Nested {
    /// Reads the templates of a tree.
    ///
    /// # Errors
    /// If one of them is not well formed.
    pub fn parse(value: &Value) -> Result<Self, String> {
        Ok(match value {
            Value::Str(text) => Self::Text(Template::parse(text)?),
            Value::List(items) => Self::List(items.iter().map(Self::parse).collect::<Result<_, _>>()?),
            Value::Dict(dict) => {
                Self::Dict(dict.iter().map(|(key, value)| Ok((Template::parse(key)?, Self::parse(value)?))).collect::<Result<_, String>>()?)
            }
            other => Self::Value(other.clone()),
        })
    }

    /// The value; members of dictionaries that are `None` are left out.
    ///
    /// # Errors
    /// Those of the templates.
    pub fn evaluate(&self, scope: &super::Scope) -> Result<Value, TemplateError> {
        Ok(match self {
            Self::Value(value) => value.clone(),
            Self::Text(template) => template.evaluate_with(scope, None, Types::ANY)?,
            Self::List(items) => Value::list(items.iter().map(|item| item.evaluate(scope)).collect::<Result<_, _>>()?),
            Self::Dict(members) => {
                let mut dict = Dict::with_capacity(members.len());
                for (key, value) in members {
                    let key = key.evaluate_with(scope, None, Types::ANY)?;
                    dict.insert(key.python_str().into(), value.evaluate(scope)?);
                }
                dict.retain(|_, value| !value.is_none());
                Value::dict(dict)
            }
        })
    }

    /// Calls for every template inside.
    pub fn visit(&self, see: &mut dyn FnMut(&Template)) {
        match self {
            Self::Value(_) => {}
            Self::Text(template) => see(template),
            Self::List(items) => items.iter().for_each(|item| item.visit(see)),
            Self::Dict(members) => members.iter().for_each(|(key, value)| {
                see(key);
                value.visit(see);
            }),
        }
    }

    /// What the templates inside read.
    #[must_use]
    pub fn uses(&self) -> Vec<Use> {
        let mut uses = Vec::new();
        self.visit(&mut |template| uses.extend_from_slice(template.uses()));
        uses
    }
}

/// A dictionary of one level (the reference's `InterpolatedMapping`): values that are no texts stay as they are.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    members: Vec<(Template, MappingValue)>,
}

#[derive(Clone, Debug)]
enum MappingValue {
    Value(Value),
    Text(Template),
}

impl Mapping {
    /// Reads the templates of a dictionary.
    ///
    /// # Errors
    /// If one of them is not well formed.
    pub fn parse(dict: &Dict) -> Result<Self, String> {
        let member = |(key, value): (&std::sync::Arc<str>, &Value)| {
            let value = match value {
                Value::Str(text) => MappingValue::Text(Template::parse(text)?),
                other => MappingValue::Value(other.clone()),
            };
            Ok((Template::parse(key)?, value))
        };
        Ok(Self { members: dict.iter().map(member).collect::<Result<_, String>>()? })
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The value. The reference takes [`Types::STR`] for keys unless told otherwise.
    ///
    /// # Errors
    /// Those of the templates.
    pub fn evaluate(&self, scope: &super::Scope, keys: Types, values: Types) -> Result<Dict, TemplateError> {
        let mut dict = Dict::with_capacity(self.members.len());
        for (key, value) in &self.members {
            let key = key.evaluate_with(scope, None, keys)?;
            let value = match value {
                MappingValue::Value(value) => value.clone(),
                MappingValue::Text(template) => template.evaluate_with(scope, None, values)?,
            };
            dict.insert(key.python_str().into(), value);
        }
        Ok(dict)
    }

    /// Calls for every template inside.
    pub fn visit(&self, see: &mut dyn FnMut(&Template)) {
        for (key, value) in &self.members {
            see(key);
            if let MappingValue::Text(template) = value {
                see(template);
            }
        }
    }

    /// What the templates inside read.
    #[must_use]
    pub fn uses(&self) -> Vec<Use> {
        let mut uses = Vec::new();
        self.visit(&mut |template| uses.extend_from_slice(template.uses()));
        uses
    }
}

/// Request parameters, headers or form data: a text or a dictionary of one level (the reference's `InterpolatedRequestInputProvider`).
#[derive(Clone, Debug)]
pub enum RequestInput {
    /// One template for all of it.
    Text(Template),
    /// Names and values.
    Mapping(Mapping),
}

impl RequestInput {
    /// Reads the templates.
    ///
    /// # Errors
    /// If it is neither text nor dictionary, or if a template is not well formed.
    pub fn parse(value: &Value) -> Result<Self, String> {
        match value {
            Value::None => Ok(Self::Mapping(Mapping::default())),
            Value::Str(text) if text.is_empty() => Ok(Self::Mapping(Mapping::default())),
            Value::Str(text) => Ok(Self::Text(Template::parse(text)?)),
            Value::Dict(dict) => Ok(Self::Mapping(Mapping::parse(dict)?)),
            other => Err(format!("expected a text or a mapping, found {}", other.type_name())),
        }
    }

    /// The value; members that are `None` are left out.
    ///
    /// # Errors
    /// Those of the templates.
    pub fn evaluate(&self, scope: &super::Scope, keys: Types, values: Types) -> Result<Value, TemplateError> {
        match self {
            Self::Text(template) => {
                let value = template.evaluate(scope)?;
                Ok(match value {
                    Value::Dict(dict) if dict.values().any(Value::is_none) => Value::dict(
                        dict.iter().filter(|(_, value)| !value.is_none()).map(|(key, value)| (key.clone(), value.clone())).collect(),
                    ),
                    other => other,
                })
            }
            Self::Mapping(mapping) => {
                let mut dict = mapping.evaluate(scope, keys, values)?;
                dict.retain(|_, value| !value.is_none());
                Ok(Value::dict(dict))
            }
        }
    }

    /// Calls for every template inside.
    pub fn visit(&self, see: &mut dyn FnMut(&Template)) {
        match self {
            Self::Text(template) => see(template),
            Self::Mapping(mapping) => mapping.visit(see),
        }
    }

    /// What the templates inside read.
    #[must_use]
    pub fn uses(&self) -> Vec<Use> {
        let mut uses = Vec::new();
        self.visit(&mut |template| uses.extend_from_slice(template.uses()));
        uses
    }
}
