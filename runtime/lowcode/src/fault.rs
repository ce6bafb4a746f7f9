//! What is wrong with a manifest, with its place; and how a run of a stream fails.

use std::fmt;

/// A place in the manifest's text, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// What kind of fault it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A custom Python class: its `class_name`.
    CustomClass(String),
    /// A component type or value that the engine does not know.
    Unsupported,
    /// Required and missing, or of the wrong kind.
    Invalid,
    /// Over a limit: nesting, size, aliases, references.
    Limit,
    /// Not YAML, or not a template.
    Syntax,
}

/// One fault of a manifest. All faults of a manifest are told together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where it stands in the text, if that is known.
    pub mark: Option<Mark>,
    /// Where it stands in the manifest: `streams.0.retriever.requester`.
    pub path: String,
    /// What kind.
    pub kind: Kind,
    /// What is wrong, and what is expected instead.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mark) = self.mark {
            write!(out, "line {} column {}: ", mark.line, mark.column)?;
        }
        if !self.path.is_empty() {
            write!(out, "`{}`: ", self.path)?;
        }
        out.write_str(&self.message)
    }
}

/// Whose fault a failed run is, in the reference's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureType {
    /// `config_error`.
    Config,
    /// `system_error`.
    System,
    /// `transient_error`.
    Transient,
}

impl FailureType {
    /// As the reference writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config_error",
            Self::System => "system_error",
            Self::Transient => "transient_error",
        }
    }
}

/// Why a stream could not be read to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The stream failed; the text holds no value of a record and no secret.
    Stream {
        /// Whose fault.
        failure_type: FailureType,
        /// What happened.
        message: String,
        /// Worth another try of the whole run, after so many seconds at least.
        retry_after: Option<f64>,
    },
    /// The host wants the run to end, or refused a call.
    Ended,
}
