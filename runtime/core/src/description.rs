//! What a connector says about itself, read from its custom section without running it. A claim, never a grant: what is allowed is the manifest's.
//!
//! The section is `hub:manifest` at component level, JSON, at most [`MAX_SECTION_BYTES`], exactly one.

mod capability;
pub(crate) mod json;
mod parse;
mod section;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::record::FieldPath;
pub use crate::stream::CATEGORY_KEYWORD;
use crate::stream::StreamShape;

pub use capability::{Capability, claimed_capability};
pub use parse::{MAX_STREAMS, parse};
pub use section::{DescriptionError, Fault, component_names, read, text};

/// The only ABI generation that this version knows.
pub const ABI: &str = "0.1";
/// Name of the custom section.
pub const SECTION: &str = "hub:manifest";
/// The greatest size of the section in bytes.
pub const MAX_SECTION_BYTES: usize = 256 << 10;

/// The checked description.
#[derive(Clone, Debug)]
pub struct Description {
    /// `0.1`.
    pub abi: String,
    /// `[a-z][a-z0-9-]*`, at most 64 bytes.
    pub name: String,
    /// Semantic version of the connector.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// JSON Schema of the `config` object.
    pub config: Value,
    /// Capability interfaces that it imports: any of `http sink pages files runtime`.
    pub imports: Vec<String>,
    /// Where it wants to connect.
    pub hosts: Vec<HostClaim>,
    /// It wants to read response bodies inside the sandbox.
    pub read_body: bool,
    /// Present if it can be read from.
    pub source: Option<SourceClaim>,
    /// Present if it can be written to.
    pub destination: Option<DestinationClaim>,
}

/// An origin that the connector wants to reach.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostClaim {
    /// `https://api.example.org` (scheme, host, optional port).
    Origin(String),
    /// `config:base_url`: the origin of the URL in this key of the config.
    Config(String),
}

/// What can be read.
#[derive(Clone, Debug)]
pub struct SourceClaim {
    /// Streams that the connector knows.
    pub streams: Vec<StreamClaim>,
    /// True: any other stream name is possible too; the manifest must declare its fields.
    pub any_stream: bool,
}

/// One stream that can be read.
#[derive(Clone, Debug)]
pub struct StreamClaim {
    /// Its name.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Fields, types, categories.
    pub shape: StreamShape,
    /// Fields that identify a record.
    pub primary_key: Vec<FieldPath>,
    /// The field that grows with every change, if there is one.
    pub cursor: Option<FieldPath>,
    /// Data subjects (keys of the vocabulary).
    pub subjects: Vec<String>,
    /// It reports records that were deleted at the system, by their primary key.
    pub deletes: bool,
}

/// What can be written.
#[derive(Clone, Debug)]
pub struct DestinationClaim {
    /// Any of `append replace upsert`.
    pub modes: Vec<String>,
    /// Roots of the data categories that it can take (`user`, `system`, `non-personal`, or narrower).
    pub accepts: Vec<String>,
    /// None: any stream name; else these.
    pub streams: Option<Vec<String>>,
    /// It can delete records by their primary key.
    pub deletes: bool,
}

/// The greatest length of a stream's name in bytes.
pub const MAX_STREAM_NAME_BYTES: usize = 128;

/// None if a stream may have this name; else what a name looks like. Names are shown, audited and become file names, so they hold no control
/// or invisible characters, no slashes, and do not begin with a dot.
#[must_use]
pub fn stream_name_fault(name: &str) -> Option<&'static str> {
    let hidden = |character: char| {
        character.is_control()
            || matches!(character, '/' | '\\' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let fits =
        !name.is_empty() && name.len() <= MAX_STREAM_NAME_BYTES && name.trim() == name && !name.starts_with('.') && !name.contains(hidden);
    (!fits).then_some("use 1 to 128 bytes without slashes, control characters, a dot at the beginning or blanks at the ends")
}
