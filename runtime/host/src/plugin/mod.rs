//! Connectors as the rest of the host sees them: two traits, whatever the ABI generation. Knows neither wasmtime nor WIT types (see `abi`).

pub mod abi;
pub mod engine;
pub mod package;
mod trap;

use std::sync::Arc;

use futures::future::BoxFuture;
use hub_core::manifest::WriteMode;
use hub_core::problem::{Code, Problem};
use hub_core::record::{Cursor, FieldPath, StreamId};
use hub_core::stream::ValueKind;

/// What a source is asked to read.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// Flow that wants it: what `Inlet` is told.
    pub flow: Arc<str>,
    /// The stream.
    pub stream: StreamId,
    /// Paths that the flow keeps.
    pub fields: Vec<FieldPath>,
    /// State of the last committed checkpoint.
    pub state: Option<Cursor>,
    /// Everything must be read.
    pub full_refresh: bool,
    /// A trial run ends after about so many records.
    pub limit: Option<u64>,
}

/// What a destination is asked to write.
#[derive(Clone, Debug)]
pub struct WriteTarget {
    /// The stream.
    pub stream: StreamId,
    /// Effect on earlier content.
    pub mode: WriteMode,
    /// Destination names of the primary key.
    pub primary_key: Vec<FieldPath>,
    /// Top-level destination fields in the order of the manifest.
    pub fields: Vec<TargetField>,
}

/// A field as it arrives at a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetField {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: ValueKind,
    /// Category and purpose, for a comment.
    pub about: String,
}

/// Why a connector did not do it. Texts of the guest are cut to 2 KiB, control characters removed; they may go to the terminal, never to the audit log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: connector `{connector}`: {message}")]
pub struct PluginError {
    /// E204, E301 to E311, E401, or the code of the refusal that the guest ran into.
    pub code: Code,
    /// Name of the connector.
    pub connector: String,
    /// What sort of end the guest told; none where it told nothing.
    pub kind: Option<ErrorKind>,
    /// What happened.
    pub message: String,
    /// Demangled name of the guest's innermost frame, for traps.
    pub frame: Option<String>,
    /// Worth another try, after so many milliseconds at least.
    pub retry_after_ms: Option<Option<u32>>,
    /// The refusal that the guest ran into, with its remedy and places.
    pub refusal: Option<Box<Problem>>,
}

/// How a guest's error is to be treated, as the interface has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The operator must mend the configuration.
    Config,
    /// The remote refused the credential.
    Auth,
    /// Worth another try later.
    Transient,
    /// The remote no longer matches the declared schema.
    SchemaDrift,
    /// Will fail again in the same way.
    Permanent,
    /// The host asked for the end.
    Cancelled,
}

impl ErrorKind {
    /// What a guest's text begins with.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Config => "wrong configuration",
            Self::Auth => "the credential was refused",
            Self::Transient => "it may work later",
            Self::SchemaDrift => "the remote no longer matches the declared schema",
            Self::Permanent => "it failed",
            Self::Cancelled => "it ended because the host asked for it",
        }
    }
}

impl PluginError {
    /// The guest ended because it was asked to.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.kind == Some(ErrorKind::Cancelled)
    }
}

/// A record that a destination would not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFailure {
    /// Position in the batch, from 0.
    pub row: u32,
    /// The connector's own word.
    pub code: String,
}

/// What a destination says about a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteReport {
    /// Records taken.
    pub written: u32,
    /// Records refused.
    pub failed: Vec<RowFailure>,
}

/// A connector that reads. One instance, one run.
pub trait Source: Send {
    /// Reads the streams to their end; records go through the inlet that the instance was started with. Answers with the connector's own count.
    fn read(&mut self, requests: Vec<ReadRequest>) -> BoxFuture<'_, Result<u64, PluginError>>;
    /// Can the system be reached?
    fn check(&mut self) -> BoxFuture<'_, Result<(), PluginError>>;
}

/// A connector that writes. One instance, one run.
pub trait Sink: Send {
    /// Called once, first.
    fn open(&mut self, targets: Vec<WriteTarget>) -> BoxFuture<'_, Result<(), PluginError>>;
    /// One batch of NDJSON for the target with this index.
    fn write(&mut self, target: u32, idempotency_key: String, batch: Vec<u8>) -> BoxFuture<'_, Result<WriteReport, PluginError>>;
    /// Deletes what the NDJSON of primary keys names; a record that is not there counts as written.
    fn delete(&mut self, target: u32, idempotency_key: String, keys: Vec<u8>) -> BoxFuture<'_, Result<WriteReport, PluginError>>;
    /// Everything written before is durable.
    fn flush(&mut self, target: u32) -> BoxFuture<'_, Result<(), PluginError>>;
    /// The run was read to its end.
    fn finish(&mut self, target: u32) -> BoxFuture<'_, Result<(), PluginError>>;
    /// Can the system be reached?
    fn check(&mut self) -> BoxFuture<'_, Result<(), PluginError>>;
}
