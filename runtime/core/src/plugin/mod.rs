//! Connectors that come from a registry: where one is, what is pinned of it in the lock, who vouches for its bytes. Reads no file and no network.

mod pin;
mod reference;
mod signature;
#[cfg(test)]
mod tests;

pub use pin::Pin;
pub use reference::{Reference, Registry, is_digest, is_plugin_name, is_version};
pub use signature::{BadSignature, Envelope, PublisherKey, Publishing, Statement, key_text, parse_key};
