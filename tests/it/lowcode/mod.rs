//! Low-code manifests, unchanged, in the real program: what they deliver, what they keep to themselves, and how hostile ones end.

mod example;
mod hostile;
mod import;
mod memory;
mod sandbox;
mod secrets;
pub mod source;
