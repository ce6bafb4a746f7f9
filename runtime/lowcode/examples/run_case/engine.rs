//! Where the harness meets the engine: a case's manifest, read, and one stream read to its end.

use hub_lowcode::fault::{Failure, Fault};
use hub_lowcode::host::Host;
use hub_lowcode::load::Manifest;
use hub_lowcode::stream::Connector;
use hub_lowcode::value::Value;

use super::credentials::Credentials;

/// A case's manifest and configuration.
pub struct Engine {
    manifest: Manifest,
    config: Value,
}

impl Engine {
    /// Reads a manifest.
    ///
    /// # Errors
    /// All faults of the manifest.
    pub fn new(manifest: &str, config: &serde_json::Value) -> Result<Self, String> {
        let (manifest, notes) = Manifest::read(manifest).map_err(told)?;
        for note in notes {
            println!("note: {note}");
        }
        Ok(Self { manifest, config: super::json::to_value(config) })
    }

    /// The manifest with its configuration, and its authenticators, fresh.
    ///
    /// # Errors
    /// All faults of the manifest; or how its rules refuse the configuration.
    pub fn connector(&self, now: i64) -> Result<Result<(Connector, Credentials), Failure>, String> {
        let source = Connector::read_manifest(self.manifest.root()).map_err(told)?;
        Ok(Connector::new(source, &self.config, now).map(|connector| {
            let credentials = Credentials::new(self.manifest.clone(), connector.config().clone());
            (connector, credentials)
        }))
    }

    /// Whether requests wait for each other as well.
    pub fn has_budget(&self) -> bool {
        self.manifest.root().get("api_budget").is_some()
    }

    /// For a connector that does not come to be.
    pub fn no_credentials(&self) -> Credentials {
        Credentials::new(self.manifest.clone(), self.config.clone())
    }
}

/// Reads one stream to its end and answers with what failed.
pub fn read(connector: &Connector, stream: &str, state: Option<&Value>, host: &dyn Host) -> Vec<Failure> {
    match connector.read(stream, 0, state, host) {
        Ok(summary) => summary.failures,
        Err(failure) => vec![failure],
    }
}

fn told(faults: Vec<Fault>) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
