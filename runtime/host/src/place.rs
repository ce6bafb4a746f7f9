//! From a path as a manifest writes it to a path of this machine, and what is wrong with a value without the value. Opens nothing.

use std::path::{Path, PathBuf};

use hub_core::problem::{Sources, Span};

/// A path that a manifest file names, relative to that file.
#[must_use]
pub fn beside(sources: &Sources, span: Span, path: &str) -> PathBuf {
    let folder = sources.get(span.file).and_then(|(name, _)| Path::new(name).parent());
    folder.unwrap_or_else(|| Path::new("")).join(path)
}

/// What is wrong with a value, without the value: a configuration may hold what should not be shown.
#[must_use]
pub fn without_value(error: &jsonschema::ValidationError<'_>) -> String {
    use jsonschema::error::ValidationErrorKind as Kind;
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => format!("has unknown keys: {}", unexpected.join(", ")),
        Kind::Required { property } => format!("lacks {property}"),
        Kind::Type { .. } => "has the wrong type".to_owned(),
        Kind::Enum { options } => format!("is none of {options}"),
        other => format!("breaks the rule `{}`", other.keyword()),
    }
}
