//! From a path as a manifest writes it to a path of this machine. Opens nothing.

use std::path::{Path, PathBuf};

use hub_core::problem::{Sources, Span};

/// A path that a manifest file names, relative to that file.
#[must_use]
pub fn beside(sources: &Sources, span: Span, path: &str) -> PathBuf {
    let folder = sources.get(span.file).and_then(|(name, _)| Path::new(name).parent());
    folder.unwrap_or_else(|| Path::new("")).join(path)
}
