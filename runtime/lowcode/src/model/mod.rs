//! The components of the language as data: what a manifest says once its references are resolved. Reads them from nodes and tells all faults together.
//!
//! Evaluates nothing, sends nothing: `retrieve`, `slice`, `auth` and `stream` give these structures their life.

pub mod asynchronous;
pub mod authenticator;
pub mod budget;
pub mod configuration;
pub mod cursor;
pub mod decoder;
pub mod error;
pub mod paginator;
pub mod partition;
pub mod properties;
pub mod reader;
pub mod requester;
pub mod resolver;
pub mod retriever;
pub mod schema;
pub mod selector;
pub mod source;
pub mod stream;
pub mod text;
pub mod transformation;

pub use reader::{Fields, Note, Reader};
pub use retriever::Retriever;
pub use source::{Source, read_source};
pub use stream::{AnyStream, StateDelegatingStream, Stream, read_any_stream, read_stream};
pub use text::{Text, Texts};

#[cfg(test)]
mod tests;
