//! Failures of a stream from what went wrong below.

use crate::fault::{Failure, FailureType};
use crate::template::TemplateError;

/// The engine's or the API's fault.
#[must_use]
pub fn system(message: impl Into<String>) -> Failure {
    Failure::Stream { failure_type: FailureType::System, message: message.into(), retry_after: None }
}

/// The configuration's or the manifest's fault.
#[must_use]
pub fn config(message: impl Into<String>) -> Failure {
    Failure::Stream { failure_type: FailureType::Config, message: message.into(), retry_after: None }
}

/// A template that has no value, with what it was for.
#[must_use]
pub fn template(purpose: &str, error: &TemplateError) -> Failure {
    let message = format!("{purpose} cannot be evaluated: {error}");
    match error.kind {
        crate::template::ErrorKind::Unsupported => config(message),
        _ => system(message),
    }
}
