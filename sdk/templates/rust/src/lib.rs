//! The connector `{{name}}`: says in one sentence what it reads. Reaches nothing yet.

use hub_sdk::{Error, Output, Source, StreamRequest};
use serde::Serialize;

/// What the operator sets for one system.
#[hub_sdk::config]
struct Config {
    /// Records to hand over.
    count: u32,
}

/// One record of the stream `items`.
#[derive(Serialize)]
struct Item<'a> {
    id: u32,
    text: &'a str,
}

struct {{Name}} {
    config: Config,
}

hub_sdk::connector!(source: {{Name}});

impl Source for {{Name}} {
    type Config = Config;

    fn open(config: Config) -> Result<Self, Error> {
        Ok(Self { config })
    }

    fn read_stream(&mut self, request: &StreamRequest, output: &mut Output) -> Result<(), Error> {
        if request.name != "items" {
            return Err(Error::Config(format!("there is no stream `{}`; there is items", request.name)));
        }
        let first = request.state()?.unwrap_or(0);
        for id in first..self.config.count {
            if output.is_full() {
                return output.checkpoint(&id);
            }
            output.record(&Item { id, text: "Moin" })?;
        }
        output.checkpoint(&self.config.count)
    }
}

#[cfg(test)]
mod tests;
