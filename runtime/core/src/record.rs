//! What flows: names of streams and fields, batches, cursors. Holds bytes and names, never decides about them.

use std::fmt;
use std::sync::Arc;

/// The greatest size of a connector's state in bytes (`sink.checkpoint`).
pub const MAX_CURSOR_BYTES: usize = 4 << 20;
/// The greatest size of one emitted batch in bytes (`sink.emit`).
pub const MAX_BATCH_BYTES: usize = 16 << 20;

/// A stream of a system, written `system.stream`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Id of the system in the manifest.
    pub system: Arc<str>,
    /// Name of the stream as its connector calls it.
    pub stream: Arc<str>,
}

impl StreamId {
    /// Splits `system.stream` at its first dot. None unless both parts have text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (system, stream) = text.split_once('.')?;
        (!system.is_empty() && !stream.is_empty()).then(|| Self { system: system.into(), stream: stream.into() })
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.system, self.stream)
    }
}

/// Where a field stands in a record: names joined by dots (`address.city`). Arrays are transparent: `lines.product` is the product of every line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Arc<str>);

impl FieldPath {
    /// Takes the path as written. None if a part is empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split('.').all(|part| !part.is_empty()).then(|| Self(text.into()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names from the outside to the inside.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// The path of a field inside this one.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0).into())
    }

    /// True if `self` is `other` or stands inside it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.strip_prefix(&*other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The greatest length of a name from a record that is told, in bytes.
pub(crate) const MAX_USUAL_NAME_BYTES: usize = 128;
/// More digits make a number of somebody, not a name.
const MAX_DIGITS: usize = 5;

/// A name comes from a record, and a record can hold a person's data in the place of a name: only what looks like a name is told.
#[must_use]
pub fn is_usual_name(name: &str) -> bool {
    let rest = name.strip_prefix(['@', '$', '#']).unwrap_or(name);
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    let plain = rest.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '-' | ':'));
    plain && digits <= MAX_DIGITS && (1..=MAX_USUAL_NAME_BYTES).contains(&name.len())
}

/// A field of a stream, written `system.stream.field`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamField {
    /// The stream.
    pub stream: StreamId,
    /// The field.
    pub field: FieldPath,
}

impl StreamField {
    /// Splits `system.stream.field` at its first two dots, so that a stream with a dot in its name cannot be meant. None unless all parts have
    /// text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (system, rest) = text.split_once('.')?;
        let (stream, field) = rest.split_once('.')?;
        let named = !system.is_empty() && !stream.is_empty();
        let stream = StreamId { system: system.into(), stream: stream.into() };
        FieldPath::parse(field).filter(|_| named).map(|field| Self { stream, field })
    }
}

impl fmt::Display for StreamField {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.stream, self.field)
    }
}

/// A connector's state after a checkpoint: opaque bytes. May hold personal data of a badly written connector, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(Arc<[u8]>);

impl Cursor {
    /// None if the state is over [`MAX_CURSOR_BYTES`].
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= MAX_CURSOR_BYTES).then(|| Self(bytes.into()))
    }

    /// The bytes as the connector gave them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Cursor({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::StreamField;

    #[test]
    fn a_field_of_a_stream_is_split_at_the_first_two_dots() {
        let shown = |text: &str| StreamField::parse(text).map(|found| (found.stream.to_string(), found.field.to_string()));
        assert_eq!(shown("erp.parties.address.city"), Some(("erp.parties".to_owned(), "address.city".to_owned())));
        for bad in ["", "erp", "erp.parties", "erp.parties.", ".parties.id", "erp..id", "erp.parties..id"] {
            assert_eq!(shown(bad), None, "{bad}");
        }
    }
}
