//! A source that misbehaves with records and with the machine; `attack` in its configuration says how. The attacks are in `records` and `machine`.

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "source-connector", generate_all });
}

mod machine;
mod records;

use bindings::exports::hub::connector::source::{Error, Guest, StreamRequest, Summary};
use bindings::hub::connector::sink::{self, Ack};
use serde_json::Value;

struct Hostile;

/// What an attack is given.
struct Job {
    config: Value,
    stream: StreamRequest,
}

type Attack = fn(&Job) -> Result<(), Error>;

impl Guest for Hostile {
    fn check(_config: String) -> Result<(), Error> {
        Ok(())
    }

    fn read(config: String, streams: Vec<StreamRequest>) -> Result<Summary, Error> {
        let config: Value = serde_json::from_str(&config).map_err(|error| Error::Config(error.to_string()))?;
        let stream = streams.into_iter().next().ok_or_else(|| Error::Config("no stream".to_owned()))?;
        let job = Job { config, stream };
        let wanted = job.text("attack");
        let attacks = records::ALL.iter().chain(machine::ALL);
        let attack = attacks.copied().find(|(name, _)| *name == wanted).map(|(_, attack)| attack);
        attack.ok_or_else(|| Error::Config(format!("no attack `{wanted}`")))?(&job)?;
        Ok(Summary { records: u64::MAX })
    }
}

impl Job {
    fn text(&self, key: &str) -> &str {
        self.config[key].as_str().unwrap_or_default()
    }

    /// A value that must not arrive anywhere.
    fn canary(&self) -> &str {
        self.text("canary")
    }

    /// Emits what is there, as it is.
    fn emit(&self, batch: impl AsRef<[u8]>) -> Result<Ack, Error> {
        sink::emit(self.stream.index, batch.as_ref())
    }

    fn checkpoint(&self, state: &[u8]) -> Result<(), Error> {
        sink::checkpoint(self.stream.index, state)
    }
}

/// A record to which nothing can be objected.
fn honest(id: &str) -> String {
    format!("{{\"id\":\"{id}\",\"email\":\"{id}@example.org\",\"score\":1.5}}\n")
}

bindings::export!(Hostile with_types_in bindings);

const DESCRIPTION: &[u8] = include_bytes!("../description.json");

/// What the connector says about itself; the build puts it at component level.
#[used]
#[unsafe(link_section = "hub:manifest")]
static SECTION: [u8; DESCRIPTION.len()] = *include_bytes!("../description.json");
