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
    /// Of so many records the last one is reported as deleted right after it was handed over; 0: none is. In a full refresh it is left out.
    deleted_every: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { records: 1000, seed: 1, undeclared: false, deleted_every: 0 }
    }
}

/// How far a stream was read.
#[derive(Debug, Deserialize, Serialize)]
struct State {
    /// Number of the next record, from 0.
    next: u64,
}

/// What identifies a record.
#[derive(Debug, Serialize)]
struct Key {
    id: u64,
}

struct Sample {
    records: u64,
    deleted_every: u64,
    generator: Generator,
}

hub_sdk::connector!(source: Sample);

impl Source for Sample {
    type Config = Config;

    fn open(config: Config) -> Result<Self, Error> {
        Ok(Self { records: config.records, deleted_every: config.deleted_every, generator: Generator::new(config.seed, config.undeclared) })
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
                let is_deleted = (index + 1).checked_rem(self.deleted_every) == Some(0);
                if is_deleted && request.full_refresh {
                    continue;
                }
                self.generator.write(stream, index, output.buffer());
                output.wrote(1)?;
                if is_deleted {
                    output.deleted(&Key { id: index + 1 })?;
                }
            }
            next = stop;
            output.checkpoint(&State { next })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
