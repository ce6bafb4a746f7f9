//! Where the harness meets the engine: the credentials of a case, and one stream read.

use hub_lowcode::fault::Failure;
use hub_lowcode::host::{FetchError, Host, Request};
use hub_lowcode::value::Value;

use super::outside::Outside;

/// Makes requests ready with the authenticators of a manifest.
pub struct Credentials;

impl Credentials {
    /// The request with what its credential adds.
    pub fn authenticate(&self, request: &Request, _outside: &Outside<'_>) -> Result<Request, FetchError> {
        Ok(request.clone())
    }
}

/// A case's manifest and configuration, read.
pub struct Engine;

impl Engine {
    /// Reads a manifest.
    ///
    /// # Errors
    /// All faults of the manifest.
    pub fn new(_manifest: &str, _config: &serde_json::Value) -> Result<Self, String> {
        Ok(Self)
    }

    /// The manifest's authenticators, fresh.
    pub fn credentials(&self) -> Credentials {
        Credentials
    }

    /// Reads one stream to its end.
    pub fn read(&self, _stream: &str, _state: Option<Value>, _open: bool, _host: &dyn Host) -> Result<(), Failure> {
        Err(Failure::Ended)
    }
}
