//! Where the harness meets the engine: the credentials of a case, and one stream read.

use hub_lowcode::fault::{Failure, Fault};
use hub_lowcode::host::{FetchError, Host, Request};
use hub_lowcode::load::Manifest;
use hub_lowcode::model::authenticator::{ApiKey, Authenticator, read_authenticator};
use hub_lowcode::model::reader::Reader;
use hub_lowcode::model::requester::Inject;
use hub_lowcode::model::text::Text;
use hub_lowcode::stream::Connector;
use hub_lowcode::template::Scope;
use hub_lowcode::value::Value;

use super::outside::Outside;

/// Makes requests ready with the authenticators of a manifest.
pub struct Credentials {
    manifest: Manifest,
    config: Value,
}

impl Credentials {
    /// The request with what its credential adds.
    pub fn authenticate(&self, request: &Request, outside: &Outside<'_>) -> Result<Request, FetchError> {
        let mut request = request.clone();
        let Some(place) = request.credential.clone() else { return Ok(request) };
        let steps: Vec<&str> = place.split('.').collect();
        let node = self.manifest.root().at(&steps).ok_or_else(|| failed(format!("there is nothing at `{place}`")))?;
        let authenticator = read_authenticator(node, &mut Reader::new(), None);
        let authenticator = authenticator.ok_or_else(|| failed(format!("there is no authenticator at `{place}`")))?;
        let scope = Scope::new(outside.now_micros()).with("config", self.config.clone());
        self.inject(&authenticator, &mut request, &scope)?;
        Ok(request)
    }

    fn inject(&self, authenticator: &Authenticator, request: &mut Request, scope: &Scope) -> Result<(), FetchError> {
        let text = |text: &Text| text.evaluate_to_text(scope).map_err(|error| failed(error.to_string()));
        match authenticator {
            Authenticator::None => {}
            Authenticator::Bearer { token } => request.headers.push(("Authorization".into(), format!("Bearer {}", text(token)?))),
            Authenticator::Basic { username, password } => {
                let pair = format!("{}:{}", text(username)?, password.as_ref().map_or(Ok(String::new()), text)?);
                let value = format!("Basic {}", data_encoding::BASE64.encode(pair.as_bytes()));
                request.headers.push(("Authorization".into(), value));
            }
            Authenticator::ApiKey(ApiKey { token, inject }) => {
                let (name, value) = (inject.path.first().map_or(Ok(String::new()), text)?, text(token)?);
                match inject.inject {
                    Inject::Header => request.headers.push((name, value)),
                    Inject::Parameter => {
                        let mut url = url::Url::parse(&request.url).map_err(|error| failed(error.to_string()))?;
                        url.query_pairs_mut().append_pair(&name, &value);
                        request.url = url.into();
                    }
                    _ => return Err(failed("keys in bodies are not there yet".into())),
                }
            }
            Authenticator::Selective { selection_path, authenticators } => {
                let chosen = selection_path.iter().try_fold(&self.config, |value, step| value.get(step)).and_then(Value::as_str);
                let found = authenticators.iter().find(|(name, _)| Some(name.as_str()) == chosen);
                let (_, found) = found.ok_or_else(|| failed("no such authenticator".into()))?;
                self.inject(found, request, scope)?;
            }
            _ => return Err(failed("this authenticator is not there yet".into())),
        }
        Ok(())
    }
}

fn failed(message: String) -> FetchError {
    FetchError::Credential { config: true, message }
}

/// A case's manifest and configuration, read.
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
        let (manifest, notes) = Manifest::read(manifest).map_err(|faults| told(&faults))?;
        for note in notes {
            println!("note: {note}");
        }
        Ok(Self { manifest, config: super::json::to_value(config) })
    }

    /// The manifest's authenticators, fresh.
    pub fn credentials(&self) -> Credentials {
        Credentials { manifest: self.manifest.clone(), config: self.config.clone() }
    }

    /// Reads one stream to its end and answers with what failed.
    pub fn read(&self, stream: &str, state: Option<&Value>, host: &dyn Host) -> Result<Vec<Failure>, String> {
        let source = Connector::read_manifest(self.manifest.root()).map_err(|faults| told(&faults))?;
        let connector = match Connector::new(source, &self.config, host.now_micros()) {
            Ok(connector) => connector,
            Err(failure) => return Ok(vec![failure]),
        };
        Ok(match connector.read(stream, 0, state, host) {
            Ok(summary) => summary.failures,
            Err(failure) => vec![failure],
        })
    }
}

fn told(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
