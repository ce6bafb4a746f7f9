//! The trait of a connector that writes, and what it is given.

use serde::de::DeserializeOwned;

use crate::{Error, JsonSchema};

/// Writes streams of a system. One value serves one run: opened once, written and flushed as often as needed, finished.
pub trait Destination: Sized {
    /// The `config` object of the manifest: a struct with `#[hub_sdk::config]`.
    type Config: DeserializeOwned + JsonSchema;

    /// Can the system be reached and written to? Nothing to ask by default.
    ///
    /// # Errors
    /// Whatever stands in the way, for the operator to read.
    fn check(_config: Self::Config) -> Result<(), Error> {
        Ok(())
    }

    /// Takes the configuration and the streams to come.
    ///
    /// # Errors
    /// [`Error::Config`] for a mode or a stream that the system cannot take.
    fn open(config: Self::Config, targets: Vec<Target>) -> Result<Self, Error>;

    /// Writes one batch. The same `key` means the same batch delivered again: it must not be written twice where the system can tell.
    ///
    /// # Errors
    /// What concerns the batch as a whole; single records go into the report.
    fn write(&mut self, target: u32, key: &str, batch: Batch<'_>) -> Result<Report, Error>;

    /// Deletes records by their primary key: `keys` has an object with the fields of [`Target::primary_key`] on each line. It comes after the batches before
    /// it. A record that is not there is deleted and counts as written, so that a second delivery of the same `key` has the same report. Called only if
    /// `[destination]` in `connector.toml` says `deletes = true`; cannot by default.
    ///
    /// # Errors
    /// What concerns the keys as a whole; single ones go into the report.
    fn delete(&mut self, _target: u32, _key: &str, _keys: Batch<'_>) -> Result<Report, Error> {
        Err(Error::permanent("this destination cannot delete records"))
    }

    /// Everything written before is durable when this returns: the host commits its checkpoint after it.
    ///
    /// # Errors
    /// Durability could not be reached.
    fn flush(&mut self, target: u32) -> Result<(), Error>;

    /// The run was read to its end: flush, and put a replacement in its place. By default only a flush.
    ///
    /// # Errors
    /// As [`Destination::flush`].
    fn finish(&mut self, target: u32) -> Result<(), Error> {
        self.flush(target)
    }
}

/// What happens to earlier content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Kept; records are added.
    Append,
    /// Replaced as a whole by `finish`, not before.
    Replace,
    /// Records with the same primary key are overwritten.
    Upsert,
}

/// One stream to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What the other calls name it by.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Effect on earlier content.
    pub mode: Mode,
    /// Fields that identify a record.
    pub primary_key: Vec<String>,
    /// Top-level fields in the order of the manifest.
    pub fields: Vec<Field>,
}

/// One field of what arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What its values are, where the source says it.
    pub kind: Kind,
    /// Category and purpose, for a comment.
    pub about: String,
}

impl Field {
    /// A text without a label.
    #[must_use]
    pub fn text(name: &str) -> Self {
        Self { name: name.to_owned(), kind: Kind::Text, about: String::new() }
    }
}

/// What values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text, and whatever has no type.
    Text,
    /// A whole number.
    Integer,
    /// A number with all its digits.
    Number,
    /// True or false.
    Boolean,
    /// RFC 3339.
    Timestamp,
    /// A day.
    Date,
    /// Objects, lists, several types.
    Json,
}

/// A batch: NDJSON, one object a line.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a>(&'a [u8]);

impl<'a> Batch<'a> {
    /// Wraps NDJSON.
    #[must_use]
    pub fn new(ndjson: &'a [u8]) -> Self {
        Self(ndjson)
    }

    /// The bytes as they are.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The records' texts, without line ends and without empty lines. A record's row is its position here.
    pub fn lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.0.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
    }
}

/// A record that the system would not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// Position in the batch, from 0.
    pub row: u32,
    /// The connector's own word (`too-long`), never a value.
    pub code: String,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records taken.
    pub written: u32,
    /// Records refused.
    pub failed: Vec<RowError>,
}
