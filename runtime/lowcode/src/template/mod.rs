//! Templates: Jinja with the reference's functions, Python's methods and its typing of rendered texts.
//!
//! The language is small but exact: operators, truth, texts and errors are Python's, so it has an evaluator of its own over [`Value`].
//! Steps, text and nesting are bounded: a hostile template ends with an error.

mod arguments;
mod ast;
mod attributes;
mod budget;
mod error;
mod filters;
mod flow;
mod format;
mod functions;
mod lexer;
mod literal;
mod machine;
mod methods;
mod nested;
mod operand;
mod operators;
mod parser;
mod printf;
mod scope;
mod tests;
mod uses;

use std::sync::Arc;

use crate::value::Value;

use ast::{Expression, Statement};
use literal::literal;
use machine::{Machine, borrowed};
use operand::Operand;
use uses::{Analysis, analyse};

pub use error::{ErrorKind, TemplateError};
pub use nested::{Mapping, Nested, RequestInput};
pub use scope::Scope;
pub use uses::{Step, Use};

/// Types that a typed result may have (the reference's `valid_types`); any other result stays the rendered text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Types(u8);

impl Types {
    /// All.
    pub const ANY: Self = Self(0);
    /// `str`.
    pub const STR: Self = Self(1);
    /// `int`; `bool` is one.
    pub const INT: Self = Self(2);
    /// `float`.
    pub const FLOAT: Self = Self(4);
    /// `bool`.
    pub const BOOL: Self = Self(8);
    /// `list`.
    pub const LIST: Self = Self(16);
    /// `dict`.
    pub const DICT: Self = Self(32);

    /// Whether a value is of these types.
    fn has(self, value: &Value) -> bool {
        let own = match value {
            _ if self == Self::ANY => return true,
            Value::Str(_) => Self::STR.0,
            Value::Bool(_) => Self::BOOL.0 | Self::INT.0,
            Value::Int(_) => Self::INT.0,
            Value::Float(..) => Self::FLOAT.0,
            Value::List(_) => Self::LIST.0,
            Value::Dict(_) => Self::DICT.0,
            _ => 0,
        };
        self.0 & own != 0
    }

    /// These and those.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A compiled template. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Template {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    text: String,
    body: Body,
    uses: Vec<Use>,
    /// Variables without which the reference does not begin.
    needed: Vec<String>,
    /// The variable in it that is no longer supported.
    unsupported: bool,
}

#[derive(Debug)]
enum Body {
    /// No text.
    Value(Value),
    /// A text without marks, and the value that it is.
    Constant(String, Option<Value>),
    /// One expression and no text around it.
    Expression(Vec<Statement>),
    /// Anything else.
    Statements(Vec<Statement>),
}

/// What rendering gives: a text, or a value that need not become a text, as it would be read back the same.
enum Rendered {
    Text(Arc<str>),
    Value(Value),
}

impl Template {
    /// Compiles a text. A text without `{{`, `{%` and `{#` is constant.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let unsupported = text.contains("stream_state");
        if !["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) {
            let rendered = lexer::normalized(text);
            let value = literal(&rendered);
            let body = Body::Constant(rendered, value);
            return Ok(Self { inner: Arc::new(Inner { text: text.to_owned(), body, uses: Vec::new(), needed: Vec::new(), unsupported }) });
        }
        let statements = parser::parse(text)?;
        let Analysis { uses, needed } = analyse(&statements);
        let is_single = matches!(statements.as_slice(), [Statement::Print(expressions)] if expressions.len() == 1);
        let body = if is_single { Body::Expression(statements) } else { Body::Statements(statements) };
        Ok(Self { inner: Arc::new(Inner { text: text.to_owned(), body, uses, needed, unsupported }) })
    }

    /// A value that is no text, or a text that is not to be looked into.
    #[must_use]
    pub fn constant(value: Value) -> Self {
        let text = value.python_str();
        Self { inner: Arc::new(Inner { text, body: Body::Value(value), uses: Vec::new(), needed: Vec::new(), unsupported: false }) }
    }

    /// The text as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// Whether it has the same value in every scope.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        matches!(self.inner.body, Body::Value(_) | Body::Constant(..))
    }

    /// Every path of a variable that it reads.
    #[must_use]
    pub fn uses(&self) -> &[Use] {
        &self.inner.uses
    }

    /// The value, as the reference's `InterpolatedString` has it: an empty result or an undefined one is tried once more as its own default.
    ///
    /// # Errors
    /// See [`ErrorKind`]; [`ErrorKind::Type`] is never among them.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TemplateError> {
        self.evaluate_with(scope, Some(self), Types::ANY)
    }

    /// The value as the reference's `JinjaInterpolation.eval` has it, with a default for an empty or undefined result (none: `None`) and the
    /// types that are wanted.
    ///
    /// # Errors
    /// See [`ErrorKind`]; [`ErrorKind::Type`] is never among them.
    pub fn evaluate_with(&self, scope: &Scope, default: Option<&Template>, types: Types) -> Result<Value, TemplateError> {
        if let Body::Value(value) = &self.inner.body {
            return Ok(value.clone());
        }
        if let Some(name) = scope.reserved() {
            return Err(TemplateError::value_error(format!("found reserved keyword {name} among the variables")));
        }
        if self.inner.unsupported {
            let message = "`stream_state` is no longer supported for interpolation: use `stream_interval` instead";
            return Err(TemplateError::new(ErrorKind::Unsupported, message));
        }
        // As its own default it would give the same once more.
        let own_default = default.is_some_and(|default| Arc::ptr_eq(&default.inner, &self.inner));
        match self.render(scope) {
            Ok(Rendered::Text(text)) if text.is_empty() && !own_default => {}
            Ok(rendered) => return Ok(typed(rendered, types)),
            Err(error) if error.kind == ErrorKind::Undefined && !own_default => {}
            Err(error) => return Err(error),
        }
        match default {
            Some(default) => default.render(scope).map(|rendered| typed(rendered, types)),
            // Whatever the types: the reference has no text to look into.
            None => Ok(Value::None),
        }
    }

    /// `str()` of [`Template::evaluate`].
    ///
    /// # Errors
    /// As there.
    pub fn evaluate_text(&self, scope: &Scope) -> Result<String, TemplateError> {
        Ok(self.evaluate(scope)?.python_str())
    }

    /// The value as the reference's `InterpolatedBoolean` has it: undefined, empty and zero are false, and so are some texts; all else is true.
    ///
    /// # Errors
    /// As for [`Template::evaluate_with`].
    pub fn evaluate_boolean(&self, scope: &Scope) -> Result<bool, TemplateError> {
        match self.evaluate_with(scope, None, Types::ANY) {
            Ok(value) => Ok(is_true(&value)),
            Err(error) if error.kind == ErrorKind::Undefined => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The rendered text. Where Python raises a `TypeError`, that is the text of the template.
    fn render(&self, scope: &Scope) -> Result<Rendered, TemplateError> {
        let statements = match &self.inner.body {
            Body::Value(value) => return Ok(Rendered::Value(value.clone())),
            Body::Constant(text, Some(value)) if !text.is_empty() => return Ok(Rendered::Value(value.clone())),
            Body::Constant(text, _) => return Ok(Rendered::Text(text.as_str().into())),
            Body::Expression(statements) | Body::Statements(statements) => statements,
        };
        let missing: Vec<&str> = self.inner.needed.iter().map(String::as_str).filter(|name| scope.find(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(TemplateError::value_error(format!("undeclared variables: {}", missing.join(", "))));
        }
        let result = match (&self.inner.body, statements.as_slice()) {
            (Body::Expression(_), [Statement::Print(expressions)]) => self.render_expression(scope, expressions),
            _ => Machine::new(scope).run(statements).map(|text| Rendered::Text(text.into())),
        };
        match result {
            Err(error) if error.kind == ErrorKind::Type => Ok(Rendered::Text(self.inner.text.as_str().into())),
            other => other,
        }
    }

    fn render_expression(&self, scope: &Scope, expressions: &[Expression]) -> Result<Rendered, TemplateError> {
        let Some(expression) = expressions.first() else { return Ok(Rendered::Text("".into())) };
        let operand = match borrowed(scope, expression) {
            Some(value) => Operand::Value(value.clone()),
            None => Machine::new(scope).evaluate(expression)?,
        };
        Ok(match operand {
            Operand::Value(Value::Str(text)) => Rendered::Text(text),
            Operand::Value(value) if reads_back(&value) => Rendered::Value(value),
            other => Rendered::Text(other.to_text().into()),
        })
    }
}

/// Whether `literal(str(value))` is the value itself.
fn reads_back(value: &Value) -> bool {
    match value {
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Str(_) => true,
        Value::Float(number, _) => number.is_finite() || value.as_huge().is_some(),
        Value::List(items) | Value::Tuple(items) => items.iter().all(reads_back),
        Value::Dict(dict) => dict.values().all(reads_back),
        Value::Moment(_) | Value::Span(_) => false,
    }
}

/// The reference's typing: a text that is a Python literal becomes its value, if that is of a wanted type.
fn typed(rendered: Rendered, types: Types) -> Value {
    let (text, value) = match rendered {
        Rendered::Value(value) => {
            if types.has(&value) {
                return value;
            }
            return Value::from(value.python_str());
        }
        Rendered::Text(text) => {
            let value = literal(&text);
            (text, value)
        }
    };
    match value {
        Some(value) if types.has(&value) => value,
        _ => Value::Str(text),
    }
}

/// The reference's idea of true: everything that is not one of these.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Str(text) => !matches!(&**text, "False" | "false" | "{}" | "[]" | "()" | "" | "0" | "0.0"),
        other => other.is_truthy(),
    }
}

/// The members of a mapping.
fn methods_members(operand: &Operand) -> Option<Vec<(Operand, Operand)>> {
    let is_mapping = matches!(operand, Operand::Value(Value::Dict(_)) | Operand::Mapping(_) | Operand::AnyCase(_));
    is_mapping.then(|| methods::members(operand))
}
