//! Write a connector for hub: implement [`Source`] or [`Destination`], name it in [`connector!`], describe it in `connector.toml`.
//!
//! A connector runs in a sandbox without files, sockets, clock or entropy of its own. What it can do stands in the modules here, one per
//! interface of the ABI; calling one is what imports it. Natively the same calls reach the fake host of [`testing`], so that a
//! connector has ordinary unit tests. This crate decides nothing: what a flow may carry is the manifest's and the host's matter.
//!
//! ```
//! use hub_sdk::{Error, Output, Source, StreamRequest};
//!
//! #[hub_sdk::config]
//! struct Config {
//!     /// How many greetings to hand over.
//!     count: u32,
//! }
//!
//! struct Greetings(Config);
//!
//! impl Source for Greetings {
//!     type Config = Config;
//!
//!     fn open(config: Config) -> Result<Self, Error> {
//!         Ok(Self(config))
//!     }
//!
//!     fn read_stream(&mut self, _request: &StreamRequest, output: &mut Output) -> Result<(), Error> {
//!         for id in 0..self.0.count {
//!             output.record(&serde_json::json!({ "id": id, "text": "Moin" }))?;
//!         }
//!         output.checkpoint(&self.0.count)
//!     }
//! }
//!
//! let host = hub_sdk::testing::FakeHost::new();
//! let records = hub_sdk::testing::read::<Greetings>(r#"{ "count": 2 }"#, vec![StreamRequest::new("greetings")])?;
//! assert_eq!(records, 2);
//! assert_eq!(host.records(0)[1]["text"], "Moin");
//! # Ok::<(), Error>(())
//! ```

mod config;
mod delivery;
mod destination;
mod emit;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod emit_tests;
mod error;
mod host;
mod source;

pub mod dates;
pub mod files;
pub mod http;
pub mod pages;
pub mod runtime;
pub mod sql;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use delivery::{Columns, LastBatch, Opened};
pub use destination::{Batch, Destination, Field, Kind, Mode, Report, RowError, Target};
pub use emit::{Ack, Output};
pub use error::Error;
/// Makes a struct or an enum part of the configuration: derives `Debug`, `Deserialize` (unknown fields are refused) and `JsonSchema`.
/// Doc comments become the schema's descriptions.
pub use hub_sdk_macros::config;
/// Exports a connector and embeds its description: `connector!(source: A)`, `connector!(destination: B)` or
/// `connector!(source: A, destination: B)`. Reads `connector.toml` and the schemas that it names at compile time; a mistake in them is a
/// compile error. Adds a unit test that keeps the config's schema file equal to what the config's type says (`HUB_BLESS=1` writes it).
pub use hub_sdk_macros::connector;
pub use schemars::{self, JsonSchema};
pub use serde;
pub use source::{Source, StreamRequest};

/// What [`connector!`] expands to. No part of the promise to authors.
#[doc(hidden)]
pub mod __private {
    #[cfg(target_arch = "wasm32")]
    pub use crate::host::guest::{DestinationComponent, SourceComponent, destination_world, source_world};

    /// Lets the compiler complain about the connector's own type, also where nothing is exported.
    pub fn is_source<S: crate::Source>() {}
    /// As [`is_source`].
    pub fn is_destination<D: crate::Destination>() {}
}
