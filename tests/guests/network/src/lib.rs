//! A source that misbehaves on the network. `attack` in its configuration says how, other keys hold the request.

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "source-connector", generate_all });
}

mod attacks;

use bindings::exports::hub::connector::source::{Error, Guest, StreamRequest, Summary};
use bindings::hub::connector::http::{self, FetchError, Header, Method, Request, Response};
use bindings::hub::connector::sink;
use serde_json::Value;

struct Hostile;

/// What an attack is given: its configuration.
struct Job(Value);

impl Guest for Hostile {
    fn check(_config: String) -> Result<(), Error> {
        Ok(())
    }

    fn read(config: String, _streams: Vec<StreamRequest>) -> Result<Summary, Error> {
        let config = serde_json::from_str(&config).map_err(|error| Error::Config(error.to_string()))?;
        let job = Job(config);
        let wanted = job.text("attack");
        let attack = attacks::ALL.iter().find(|(name, _)| *name == wanted);
        let (_, attack) = attack.ok_or_else(|| Error::Config(format!("no attack `{wanted}`")))?;
        attack(&job)?;
        Ok(Summary { records: 0 })
    }
}

impl Job {
    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }

    /// The request of the configuration: `url`, `headers` as pairs, `credential`, `body_bytes`, `timeout_ms`.
    fn request(&self) -> Request {
        let pairs = self.0["headers"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let body = self.0["body_bytes"].as_u64().map(|bytes| vec![b'x'; bytes as usize]);
        Request {
            method: if body.is_some() { Method::Post } else { Method::Get },
            url: self.text("url").to_owned(),
            headers: pairs.map(|pair| Header { name: text(&pair[0]), value: text(&pair[1]) }).collect(),
            body,
            credential: self.0["credential"].as_str().map(str::to_owned),
            timeout_ms: self.0["timeout_ms"].as_u64().map(|timeout| timeout as u32),
        }
    }

    fn fetch(&self) -> Result<Response, Error> {
        http::fetch(&self.request()).map_err(failed)
    }

    /// Emits a text in a declared field, so that whatever was learned would arrive.
    fn tell(&self, text: &str) -> Result<(), Error> {
        let record = serde_json::json!({ "id": "learned", "email": text });
        sink::emit(0, format!("{record}\n").as_bytes()).map(drop)
    }
}

fn failed(error: FetchError) -> Error {
    match error {
        FetchError::Denied(_) => Error::Cancelled,
        other => Error::Permanent(format!("{other:?}")),
    }
}

bindings::export!(Hostile with_types_in bindings);

const DESCRIPTION: &[u8] = include_bytes!("../description.json");

/// What the connector says about itself; the build puts it at component level.
#[used]
#[unsafe(link_section = "hub:manifest")]
static SECTION: [u8; DESCRIPTION.len()] = *include_bytes!("../description.json");
