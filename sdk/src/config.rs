//! The operator's `config` object as a type. The host has checked it against the schema; what the schema cannot say is found here.

use serde::de::DeserializeOwned;

use crate::Error;

/// Reads the JSON text that the host hands over.
pub fn parse<C: DeserializeOwned>(text: &str) -> Result<C, Error> {
    serde_json::from_str(text).map_err(|error| Error::Config(format!("`config` of the system: {error}")))
}
