//! YAML as the reference reads it (PyYAML, 1.1) into nodes that know their place.
//!
//! Knows nothing of components: a [`Node`] is a value with marks. References (`$ref`) are texts like any other here; `load` follows them.
//! Every hostile shape ends in a fault: texts, nesting, aliases and the number of nodes behind aliases are bounded.

mod compose;
mod indent;
mod node;
mod scalar;
mod timestamp;

pub use compose::{Document, MAX_ALIASES, MAX_NESTING, MAX_NODES, MAX_TEXT, parse};
pub use node::{Content, Entries, Entry, Mapping, Node, Sequence};

#[cfg(test)]
mod tests;
