//! The connector `lowcode`: runs a manifest in Airbyte's low-code language as it is.
//!
//! The host has read the manifest, checked it and put placeholders in the place of secrets; the language itself is `hub_lowcode`'s. Here the two meet:
//! `bridge` is the engine's view of the ABI. Records stay in the host where the manifest permits.

mod bridge;

use hub_lowcode::fault::{Failure, FailureType};
use hub_lowcode::load::Manifest;
use hub_lowcode::stream::Connector;
use hub_lowcode::stream::check::Verdict;
use hub_lowcode::value::Value;
use hub_lowcode::yaml::Node;
use hub_sdk::{Error, Output, Source, StreamRequest};
use serde_json::value::RawValue;

use bridge::Bridge;

/// What the host makes of a low-code manifest and a system's configuration.
#[hub_sdk::config]
struct Config {
    /// The manifest with all references followed.
    #[schemars(with = "serde_json::Value")]
    manifest: Box<RawValue>,
    /// The system's configuration, with placeholders for its secrets.
    #[schemars(with = "serde_json::Value")]
    config: Box<RawValue>,
    /// Take all records in, although the manifest does not want to look into them.
    #[serde(default)]
    open_records: bool,
}

struct LowCode {
    connector: Connector,
}

hub_sdk::connector!(source: LowCode);

impl Source for LowCode {
    type Config = Config;

    fn open(config: Config) -> Result<Self, Error> {
        let manifest = value(&config.manifest, "the manifest")?;
        let settings = value(&config.config, "the configuration")?;
        let root = Manifest::resolved(Node::from_value(&manifest)).for_run();
        let source = Connector::read_manifest(root.root()).map_err(|faults| {
            let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Error::Config(told.join("; "))
        })?;
        let now = i64::try_from(hub_sdk::runtime::now().as_micros()).unwrap_or(i64::MAX);
        let connector = Connector::new(source, &settings, now).map_err(|failure| error(&failure))?;
        Ok(Self { connector: if config.open_records { connector.with_open_records() } else { connector } })
    }

    fn check(&mut self) -> Result<(), Error> {
        let bridge = Bridge::new(Output::new(&StreamRequest::new("check")));
        match self.connector.check(&bridge).map_err(|failure| error(&failure))? {
            Verdict::Reached => Ok(()),
            Verdict::Unreached(message) => Err(Error::Config(message)),
        }
    }

    fn read_stream(&mut self, request: &StreamRequest, output: &mut Output) -> Result<(), Error> {
        let state = match request.state.as_deref().filter(|_| !request.full_refresh) {
            Some(bytes) => Some(Value::from_json(bytes).map_err(|_| {
                Error::Permanent(format!("stream `{}`: the stored state is not JSON; reset the flow's state to read it anew", request.name))
            })?),
            None => None,
        };
        let bridge = Bridge::new(std::mem::replace(output, Output::new(request)));
        let read = self.connector.read(&request.name, request.index, state.as_ref(), &bridge);
        *output = bridge.into_output();
        let summary = match read {
            // A trial run has what it wants.
            Err(Failure::Ended) if output.is_full() => return Ok(()),
            other => other.map_err(|failure| error(&failure))?,
        };
        match summary.failures.first() {
            Some(failure) => Err(error(failure)),
            None => Ok(()),
        }
    }
}

fn value(text: &RawValue, what: &str) -> Result<Value, Error> {
    Value::from_json(text.get().as_bytes()).map_err(|_| Error::Config(format!("{what} cannot be read")))
}

fn error(failure: &Failure) -> Error {
    match failure {
        Failure::Ended => Error::Cancelled,
        Failure::Stream { failure_type: FailureType::Config, message, .. } => Error::Config(message.clone()),
        Failure::Stream { failure_type: FailureType::System, message, .. } => Error::Permanent(message.clone()),
        Failure::Stream { failure_type: FailureType::Transient, message, retry_after } => Error::Transient {
            message: message.clone(),
            retry_after: retry_after.filter(|seconds| (0.0..1e9).contains(seconds)).map(std::time::Duration::from_secs_f64),
        },
    }
}
