//! Parquet files as a destination: replaced in one step at the end of the run, or added to the stream at each checkpoint.

use std::collections::BTreeMap;

use hub_sdk::files::stream_path;
use hub_sdk::{Batch, Destination, Error, LastBatch, Mode, Opened, Report, RowError, Target};

use crate::Config;
use crate::file::{Layout, ParquetFile};
use crate::parts::Parts;

/// Writes streams.
pub(crate) struct ParquetDestination {
    streams: Opened<OpenStream>,
}

struct OpenStream {
    name: String,
    layout: Layout,
    output: Output,
    last: LastBatch,
}

enum Output {
    Whole(Box<ParquetFile>),
    Parts(Box<Parts>),
    Finished,
}

impl Destination for ParquetDestination {
    type Config = Config;

    fn open(config: Config, targets: Vec<Target>) -> Result<Self, Error> {
        Ok(Self { streams: Opened::new(targets, |target| OpenStream::open(&config, target))? })
    }

    fn write(&mut self, target: u32, key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        self.streams.get(target)?.write(key, batch)
    }

    fn flush(&mut self, target: u32) -> Result<(), Error> {
        match &mut self.streams.get(target)?.output {
            Output::Parts(parts) => parts.flush(),
            // An unfinished replacement is thrown away after a failure: there is nothing to keep before its end.
            Output::Whole(_) | Output::Finished => Ok(()),
        }
    }

    fn finish(&mut self, target: u32) -> Result<(), Error> {
        match std::mem::replace(&mut self.streams.get(target)?.output, Output::Finished) {
            Output::Whole(file) => Ok(file.end()?.finish()?),
            Output::Parts(parts) => parts.finish(),
            Output::Finished => Ok(()),
        }
    }
}

impl OpenStream {
    fn open(config: &Config, target: Target) -> Result<Self, Error> {
        let base = stream_path(&config.folder, &target.name)?;
        let layout = Layout::new(&target, config.columns.get(&target.name).unwrap_or(&BTreeMap::new()))?;
        let output = match target.mode {
            Mode::Replace => Output::Whole(Box::new(ParquetFile::open(&format!("{base}.parquet"), &layout)?)),
            Mode::Append => Output::Parts(Box::new(Parts::open(&base, &layout)?)),
            Mode::Upsert => {
                return Err(Error::Config(format!(
                    "the stream `{}`: a Parquet file has no keys to upsert by; use the mode append or replace",
                    target.name
                )));
            }
        };
        Ok(Self { name: target.name, layout, output, last: LastBatch::default() })
    }

    fn write(&mut self, key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        if let Some(report) = self.last.again(key) {
            return Ok(report);
        }
        let mut report = Report::default();
        for (row, record) in (0_u32..).zip(batch.lines()) {
            match self.layout.cells(record) {
                Err(code) => report.failed.push(RowError { row, code: code.into() }),
                Ok(cells) => {
                    let file = match &mut self.output {
                        Output::Whole(file) => file,
                        Output::Parts(parts) => parts.current(&self.layout)?,
                        Output::Finished => return Err(Error::Permanent(format!("the stream `{}` was already finished", self.name))),
                    };
                    file.push(&cells)?;
                    report.written += 1;
                }
            }
        }
        Ok(self.last.keep(key, report))
    }
}
