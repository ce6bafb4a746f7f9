//! Documents for people out of a policy: the register of processing activities, screenings, notices, inventory and diagram.
//!
//! Each is built as a model that knows both languages, then rendered. Derives and words; decides nothing, and adds no fact that neither the
//! manifest nor an observation has: what is absent is told as absent.

pub mod catalogue;
pub mod csv;
pub mod diagram;
pub mod dpia;
pub mod html;
pub mod inventory;
pub mod json;
pub mod jsonld;
pub mod markdown;
mod names;
pub mod notice;
pub mod pia;
pub mod protection;
pub mod register;
mod sheet;
#[cfg(test)]
#[allow(clippy::panic, reason = "a test fails by panicking")]
mod tests;
mod text;
pub mod words;

pub use register::{Observed, ObservedFlow, Register};
pub use sheet::{Document, Row, Section};
pub use text::{Fact, Named, Text};
