//! What an author of connectors works with: a folder, the component that is built from it, recordings of its API, and the numbered checks.
//!
//! A connector under trial runs in the same sandbox, behind the same gate, and with the same way out as in a run; only what answers it is a
//! recording. Holds no rule and writes to no store.

pub mod bench;
pub mod build;
pub mod conform;
mod kept;
pub mod materials;
pub mod player;
pub mod project;
pub mod record;
pub mod recording;
mod scrub;
pub mod template;
#[cfg(test)]
mod tests;
