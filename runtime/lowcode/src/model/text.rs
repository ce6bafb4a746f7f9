//! Templates together with the `$parameters` of the component they stand in. Evaluates through `template`; knows no component.

use std::fmt;
use std::sync::Arc;

use crate::template::{Scope, Template, TemplateError, Types, Use};
use crate::value::{Dict, Value};

/// One template of a component.
#[derive(Clone)]
pub struct Text {
    inner: Arc<Inner>,
}

struct Inner {
    template: Template,
    parameters: Value,
    /// Whether `parameters` (or `options`) is read at all.
    bound: bool,
    /// A value that is no text.
    constant: Option<Value>,
}

impl Text {
    /// Compiles a template.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, parameters: Value) -> Result<Self, String> {
        let template = Template::parse(text)?;
        let bound = template.uses().iter().any(|one| matches!(one.root.as_ref(), "parameters" | "options"));
        Ok(Self { inner: Arc::new(Inner { template, parameters, bound, constant: None }) })
    }

    /// A value that needs no evaluation.
    #[must_use]
    pub fn constant(value: Value) -> Self {
        let constant = Some(value.clone());
        Self { inner: Arc::new(Inner { template: Template::constant(value), parameters: Value::None, bound: false, constant }) }
    }

    /// The constant, or the template's text.
    #[must_use]
    pub fn value(&self) -> Value {
        self.inner.constant.clone().unwrap_or_else(|| Value::str(self.source()))
    }

    /// As it stands in the manifest.
    #[must_use]
    pub fn source(&self) -> &str {
        self.inner.template.text()
    }

    /// Whether nothing is to be evaluated.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.inner.template.is_constant()
    }

    /// What it reads.
    #[must_use]
    pub fn uses(&self) -> &[Use] {
        self.inner.template.uses()
    }

    /// The template itself.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.inner.template
    }

    /// The parameters of its component.
    #[must_use]
    pub fn parameters(&self) -> &Value {
        &self.inner.parameters
    }

    /// Evaluates, with the reference's typing of the result; an empty result is tried once more as the text itself.
    ///
    /// # Errors
    /// What went wrong, without values.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TemplateError> {
        if self.inner.bound { self.inner.template.evaluate(&self.bind(scope)) } else { self.inner.template.evaluate(scope) }
    }

    /// Evaluates to a value of these types; an empty result is none.
    ///
    /// # Errors
    /// What went wrong, without values.
    pub fn evaluate_typed(&self, scope: &Scope, types: Types) -> Result<Value, TemplateError> {
        if self.inner.bound {
            self.inner.template.evaluate_with(&self.bind(scope), None, types)
        } else {
            self.inner.template.evaluate_with(scope, None, types)
        }
    }

    /// As [`Text::evaluate`], to a value of these types.
    ///
    /// # Errors
    /// What went wrong, without values.
    pub fn evaluate_as(&self, scope: &Scope, types: Types) -> Result<Value, TemplateError> {
        let default = Some(&self.inner.template);
        if self.inner.bound {
            self.inner.template.evaluate_with(&self.bind(scope), default, types)
        } else {
            self.inner.template.evaluate_with(scope, default, types)
        }
    }

    /// Evaluates to what Python's `str` makes of it.
    ///
    /// # Errors
    /// What went wrong, without values.
    pub fn evaluate_to_text(&self, scope: &Scope) -> Result<String, TemplateError> {
        Ok(match self.evaluate(scope)? {
            Value::Str(text) => text.to_string(),
            other => other.python_str(),
        })
    }

    /// Evaluates as a condition.
    ///
    /// # Errors
    /// What went wrong, without values.
    pub fn evaluate_boolean(&self, scope: &Scope) -> Result<bool, TemplateError> {
        if self.inner.bound { self.inner.template.evaluate_boolean(&self.bind(scope)) } else { self.inner.template.evaluate_boolean(scope) }
    }

    fn bind(&self, scope: &Scope) -> Scope {
        scope.with("parameters", self.inner.parameters.clone())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.source(), out)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source() && self.inner.parameters == other.inner.parameters
    }
}

/// A tree of templates: request parameters, bodies, headers.
#[derive(Clone, Debug, PartialEq)]
pub enum Texts {
    /// A leaf.
    Text(Text),
    /// A mapping; its keys are templates too.
    Mapping(Vec<(Text, Texts)>),
    /// A list.
    List(Vec<Texts>),
}

/// Deeper than this no body lies in another.
const MAXIMUM_DEPTH: usize = 64;

impl Texts {
    /// Compiles a tree.
    ///
    /// # Errors
    /// What is wrong with one of its templates.
    pub fn parse(value: &Value, parameters: &Value) -> Result<Self, String> {
        Self::parse_below(value, parameters, 0)
    }

    fn parse_below(value: &Value, parameters: &Value, depth: usize) -> Result<Self, String> {
        if depth > MAXIMUM_DEPTH {
            return Err(format!("it nests deeper than {MAXIMUM_DEPTH}"));
        }
        Ok(match value {
            Value::Str(text) => Self::Text(Text::parse(text, parameters.clone())?),
            Value::Dict(dict) => Self::Mapping(
                dict.iter()
                    .map(|(key, value)| Ok((Text::parse(key, parameters.clone())?, Self::parse_below(value, parameters, depth + 1)?)))
                    .collect::<Result<_, String>>()?,
            ),
            Value::List(items) | Value::Tuple(items) => {
                Self::List(items.iter().map(|item| Self::parse_below(item, parameters, depth + 1)).collect::<Result<_, _>>()?)
            }
            other => Self::Text(Text::constant(other.clone())),
        })
    }

    /// Evaluates a tree of any depth; members that are none are left out.
    ///
    /// # Errors
    /// What went wrong, without values.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TemplateError> {
        Ok(match self {
            Self::Text(text) => text.evaluate_typed(scope, Types::ANY)?,
            Self::List(items) => Value::list(items.iter().map(|item| item.evaluate(scope)).collect::<Result<_, _>>()?),
            Self::Mapping(entries) => {
                let mut dict = Dict::with_capacity(entries.len());
                for (key, value) in entries {
                    dict.insert(key_text(&key.evaluate_typed(scope, Types::ANY)?), value.evaluate(scope)?);
                }
                dict.retain(|_, value| !value.is_none());
                Value::dict(dict)
            }
        })
    }

    /// Evaluates one text, or a mapping of one level whose values are of these types; members that are none are left out.
    /// What lies deeper is taken as it stands.
    ///
    /// # Errors
    /// What went wrong, without values.
    pub fn evaluate_flat(&self, scope: &Scope, types: Types) -> Result<Value, TemplateError> {
        let mut dict = match self {
            Self::Text(text) => match text.evaluate(scope)? {
                Value::Dict(dict) => dict.as_ref().clone(),
                other => return Ok(other),
            },
            Self::List(_) => return Ok(self.source()),
            Self::Mapping(entries) => {
                let mut dict = Dict::with_capacity(entries.len());
                for (key, value) in entries {
                    let value = match value {
                        Self::Text(text) => text.evaluate_typed(scope, types)?,
                        deeper => deeper.source(),
                    };
                    dict.insert(key_text(&key.evaluate_typed(scope, Types::STR)?), value);
                }
                dict
            }
        };
        dict.retain(|_, value| !value.is_none());
        Ok(Value::dict(dict))
    }

    /// As it stands in the manifest.
    #[must_use]
    pub fn source(&self) -> Value {
        match self {
            Self::Text(text) => text.value(),
            Self::List(items) => Value::list(items.iter().map(Self::source).collect()),
            Self::Mapping(entries) => Value::dict(entries.iter().map(|(key, value)| (key.source().into(), value.source())).collect()),
        }
    }

    /// All templates in it, keys included.
    pub fn visit<'t>(&'t self, see: &mut impl FnMut(&'t Text)) {
        match self {
            Self::Text(text) => see(text),
            Self::List(items) => items.iter().for_each(|item| item.visit(see)),
            Self::Mapping(entries) => {
                for (key, value) in entries {
                    see(key);
                    value.visit(see);
                }
            }
        }
    }

    /// The mapping, if it is one.
    #[must_use]
    pub fn as_mapping(&self) -> Option<&[(Text, Texts)]> {
        match self {
            Self::Mapping(entries) => Some(entries),
            _ => None,
        }
    }
}

fn key_text(key: &Value) -> Arc<str> {
    match key {
        Value::Str(text) => Arc::clone(text),
        other => other.python_str().into(),
    }
}
