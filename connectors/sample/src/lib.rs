//! The connector `sample`: invented contacts, orders and invoices, the same for the same seed, as many as asked for. Reaches nothing.

mod generate;

use generate::{Generator, Stream};
use hub_sdk::{Error, Output, Source, StreamRequest};
use serde::{Deserialize, Serialize};

/// A checkpoint is made after so many records.
const CHECKPOINT_EVERY: u64 = 10_000;

/// Invented business data.
#[hub_sdk::config]
#[serde(default)]
struct Config {
    /// Records of each stream.
    records: u64,
    /// Another seed makes other people.
    seed: u64,
    /// Adds the field `loyalty_card` to contacts, which no schema declares: see what hub does about it.
    undeclared: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { records: 1000, seed: 1, undeclared: false }
    }
}

/// How far a stream was read.
#[derive(Debug, Deserialize, Serialize)]
struct State {
    /// Number of the next record, from 0.
    next: u64,
}

struct Sample {
    records: u64,
    generator: Generator,
}

hub_sdk::connector!(source: Sample);

impl Source for Sample {
    type Config = Config;

    fn open(config: Config) -> Result<Self, Error> {
        Ok(Self { records: config.records, generator: Generator::new(config.seed, config.undeclared) })
    }

    fn read_stream(&mut self, request: &StreamRequest, output: &mut Output) -> Result<(), Error> {
        let Some(stream) = Stream::by_name(&request.name) else {
            return Err(Error::Config(format!("there is no stream `{}`; there are contacts, orders and invoices", request.name)));
        };
        let start = request.state::<State>()?.map_or(0, |state| state.next);
        let end = output.remaining().map_or(self.records, |wanted| self.records.min(start.saturating_add(wanted)));
        let mut next = start;
        while next < end {
            let stop = end.min((next / CHECKPOINT_EVERY + 1) * CHECKPOINT_EVERY);
            for index in next..stop {
                self.generator.write(stream, index, output.buffer());
                output.wrote(1)?;
            }
            next = stop;
            output.checkpoint(&State { next })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
