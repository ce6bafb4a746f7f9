//! What a connector's test calls: run the connector as the host would, from the text of its configuration.

use std::fmt;
use std::path::Path;

use crate::{Batch, Destination, Error, JsonSchema, Report, Source, StreamRequest, Target, config};

/// Runs a source over these streams; the records are in the [`super::FakeHost`]. Answers with the connector's own count.
///
/// # Errors
/// What the connector answers.
pub fn read<S: Source>(config: &str, requests: Vec<StreamRequest>) -> Result<u64, Error> {
    S::open(config::parse(config)?)?.read(&requests)
}

/// Runs a source's check.
///
/// # Errors
/// What the connector answers.
pub fn check<S: Source>(config: &str) -> Result<(), Error> {
    S::open(config::parse(config)?)?.check()
}

/// A destination being written to.
pub struct Writer<D> {
    destination: D,
    batches: u64,
}

impl<D: Destination> Writer<D> {
    /// Opens the destination.
    ///
    /// # Errors
    /// What the connector answers.
    pub fn open(config: &str, targets: Vec<Target>) -> Result<Self, Error> {
        Ok(Self { destination: D::open(config::parse(config)?, targets)?, batches: 0 })
    }

    /// Writes a batch under a key of its own.
    ///
    /// # Errors
    /// What the connector answers.
    pub fn write(&mut self, target: u32, ndjson: &str) -> Result<Report, Error> {
        self.batches += 1;
        let key = format!("batch-{}", self.batches);
        self.write_as(target, &key, ndjson)
    }

    /// Writes a batch under this key: twice the same key is a second delivery.
    ///
    /// # Errors
    /// What the connector answers.
    pub fn write_as(&mut self, target: u32, key: &str, ndjson: &str) -> Result<Report, Error> {
        self.destination.write(target, key, Batch::new(ndjson.as_bytes()))
    }

    /// Deletes by keys, under a key of its own.
    ///
    /// # Errors
    /// What the connector answers.
    pub fn delete(&mut self, target: u32, keys: &str) -> Result<Report, Error> {
        self.batches += 1;
        let key = format!("batch-{}", self.batches);
        self.destination.delete(target, &key, Batch::new(keys.as_bytes()))
    }

    /// Makes durable what was written.
    ///
    /// # Errors
    /// What the connector answers.
    pub fn flush(&mut self, target: u32) -> Result<(), Error> {
        self.destination.flush(target)
    }

    /// Ends the run.
    ///
    /// # Errors
    /// What the connector answers.
    pub fn finish(&mut self, target: u32) -> Result<(), Error> {
        self.destination.finish(target)
    }
}

impl<D> fmt::Debug for Writer<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Writer").field("batches", &self.batches).finish_non_exhaustive()
    }
}

/// Compares a config's schema file with what the type says; `HUB_BLESS=1` writes it. `connector!` adds a test that calls this.
///
/// # Panics
/// If they differ, or the file cannot be read or written: it is a test's assertion.
#[allow(clippy::panic, reason = "a test fails by panicking")]
pub fn assert_config_schema<C: JsonSchema>(path: &str) {
    // The order of keys hangs on features that any other crate of a build may switch on; the file has one order.
    let mut schema = schemars::schema_for!(C).to_value();
    schema.sort_all_objects();
    let ordered = schemars::Schema::try_from(schema).and_then(|schema| serde_json::to_string_pretty(&schema));
    let wanted = match ordered {
        Ok(text) => text + "\n",
        Err(error) => panic!("the schema of the configuration cannot be written: {error}"),
    };
    #[expect(clippy::disallowed_methods, reason = "a test of a connector has no host whose settings it could ask")]
    let bless = std::env::var_os("HUB_BLESS").is_some_and(|value| value == "1");
    if bless {
        if let Err(error) = std::fs::write(Path::new(path), wanted) {
            panic!("{path} cannot be written: {error}");
        }
        return;
    }
    let found = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path} cannot be read: {error}; HUB_BLESS=1 writes it"));
    assert!(found == wanted, "{path} is not what the configuration's type says; HUB_BLESS=1 cargo test writes it. Wanted:\n{wanted}");
}
