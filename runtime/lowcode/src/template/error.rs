//! Why a template has no value.

use std::fmt;

/// How the message begins about what a template may not touch.
pub(super) const UNSAFE: &str = "access to attribute ";

/// The kinds that the reference tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something inside is not there (`UndefinedError`): the default takes over once.
    Undefined,
    /// Python's `TypeError`: the reference takes the template's own text for its result.
    Type,
    /// Another exception of Python: the evaluation fails.
    Value,
    /// The template uses what is no longer supported: an error of the configuration.
    Unsupported,
    /// Too many steps, too much text, nested too deep.
    Limit,
}

/// Why a template has no value. Holds names, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// What kind.
    pub kind: ErrorKind,
    /// What happened.
    pub message: String,
}

impl TemplateError {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn type_error(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Type, message)
    }

    pub(super) fn value_error(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Value, message)
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Limit, message)
    }

    pub(super) fn undefined(message: impl Into<String>) -> Self {
        let message = message.into();
        // What is there but may not be touched is no matter for a default.
        let kind = if message.starts_with(UNSAFE) { ErrorKind::Value } else { ErrorKind::Undefined };
        Self { kind, message }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for TemplateError {}

/// A result of an evaluation.
pub(super) type Outcome<T> = Result<T, TemplateError>;
