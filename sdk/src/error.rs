//! Why a connector stops, in the words that the scheduler understands. Carries no value of a record.

use std::fmt;
use std::time::Duration;

/// How an error should be treated, not where it came from. The text is shown to the operator (2 KiB are kept): say what was being done,
/// where, and what to do next; never a value of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The operator must mend the configuration. Never retried.
    Config(String),
    /// The remote refused the credential. Never retried.
    Auth(String),
    /// Worth another try.
    Transient {
        /// What happened.
        message: String,
        /// The least delay before the next try (a remote's Retry-After).
        retry_after: Option<Duration>,
    },
    /// The remote no longer matches the declared schema. The run stops.
    SchemaDrift(String),
    /// Will fail again in the same way.
    Permanent(String),
    /// The host asked for the end, or refused a call. Return it as it is.
    Cancelled,
}

impl Error {
    /// [`Error::Config`] with this text.
    pub fn config(message: impl Into<String>) -> Self {
        Self::Config(message.into())
    }

    /// [`Error::Permanent`] with this text.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::Permanent(message.into())
    }

    /// [`Error::SchemaDrift`] with this text.
    pub fn drift(message: impl Into<String>) -> Self {
        Self::SchemaDrift(message.into())
    }

    /// [`Error::Transient`] with this text and no wish for a delay.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::Transient { message: message.into(), retry_after: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(message) => write!(out, "configuration: {message}"),
            Self::Auth(message) => write!(out, "credential refused: {message}"),
            Self::Transient { message, .. } => write!(out, "temporary: {message}"),
            Self::SchemaDrift(message) => write!(out, "schema drift: {message}"),
            Self::Permanent(message) => out.write_str(message),
            Self::Cancelled => out.write_str("cancelled by the host"),
        }
    }
}

impl std::error::Error for Error {}
