//! The trait of a connector that reads, and what it is asked for.

use serde::de::DeserializeOwned;

use crate::{Error, JsonSchema, Output};

/// Reads streams of a system. One value serves one run.
pub trait Source: Sized {
    /// The `config` object of the manifest: a struct with `#[hub_sdk::config]`.
    type Config: DeserializeOwned + JsonSchema;

    /// Takes the configuration. Reaches nothing yet.
    ///
    /// # Errors
    /// [`Error::Config`] where the configuration makes no sense.
    fn open(config: Self::Config) -> Result<Self, Error>;

    /// Can the system be reached, and does it accept the credential? Nothing to ask by default.
    ///
    /// # Errors
    /// Whatever stands in the way, for the operator to read.
    fn check(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Reads one stream to its end, or until [`Output::is_full`]. Checkpoint now and then: [`Output::checkpoint`] also notices that the
    /// host wants the run to end.
    ///
    /// # Errors
    /// Anything that keeps the stream from being read; what was checkpointed before stays.
    fn read_stream(&mut self, request: &StreamRequest, output: &mut Output) -> Result<(), Error>;

    /// Reads all requested streams and counts the records. By default one stream after the other.
    ///
    /// # Errors
    /// The first error of a stream.
    fn read(&mut self, requests: &[StreamRequest]) -> Result<u64, Error> {
        let mut records = 0;
        for request in requests {
            let mut output = Output::new(request);
            self.read_stream(request, &mut output)?;
            output.flush()?;
            records += output.records();
        }
        Ok(records)
    }
}

/// One stream to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRequest {
    /// What the host calls the stream in this run.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Paths of the fields that the flow wants (`address.city`): ask the remote for no more. Empty: all.
    pub fields: Vec<String>,
    /// The state of the last committed checkpoint. None: from the beginning.
    pub state: Option<Vec<u8>>,
    /// The destination is replaced as a whole: read everything, there is no state.
    pub full_refresh: bool,
    /// Stop after about so many records.
    pub limit: Option<u64>,
}

impl StreamRequest {
    /// The first stream of a run, from its beginning, all fields, no limit.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { index: 0, name: name.into(), fields: Vec::new(), state: None, full_refresh: false, limit: None }
    }

    /// The last checkpoint's state as the type that was given to [`Output::checkpoint`]. None: start from the beginning.
    ///
    /// # Errors
    /// [`Error::Permanent`] if the stored state is not of this type (of an older version of the connector, say).
    pub fn state<S: DeserializeOwned>(&self) -> Result<Option<S>, Error> {
        let Some(bytes) = self.state.as_deref().filter(|_| !self.full_refresh) else { return Ok(None) };
        let state = serde_json::from_slice(bytes).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            Error::Permanent(format!(
                "stream `{}`: the stored checkpoint cannot be read ({place}); reset the flow's state to read it anew",
                self.name
            ))
        })?;
        Ok(Some(state))
    }

    /// True if the flow wants this top-level field or something inside it.
    #[must_use]
    pub fn wants(&self, field: &str) -> bool {
        self.fields.is_empty()
            || self.fields.iter().any(|path| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }
}
