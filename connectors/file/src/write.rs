//! Files as a destination: appended to, or replaced in one step at the end of the run.

use hub_sdk::files::{FileWriter, find};
use hub_sdk::{Batch, Destination, Error, LastBatch, Mode, Opened, Report, RowError, Target};
use memchr::memchr_iter;

use crate::columns::CsvRows;
use crate::{Config, Format};

/// Writes streams.
pub(crate) struct FileDestination {
    files: Opened<OpenFile>,
}

struct OpenFile {
    /// None once finished.
    writer: Option<FileWriter>,
    path: String,
    mode: Mode,
    /// None: NDJSON.
    csv: Option<CsvRows>,
    last: LastBatch,
}

impl Destination for FileDestination {
    type Config = Config;

    /// Nothing is written to find out: a folder that is not granted shows when the run opens its files.
    fn check(config: Config) -> Result<(), Error> {
        config.delimiter().map(|_| ())
    }

    fn open(config: Config, targets: Vec<Target>) -> Result<Self, Error> {
        Ok(Self { files: Opened::new(targets, |target| OpenFile::open(&config, target))? })
    }

    fn write(&mut self, target: u32, key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        self.files.get(target)?.write(key, batch)
    }

    fn flush(&mut self, target: u32) -> Result<(), Error> {
        Ok(self.files.get(target)?.writer()?.sync()?)
    }

    fn finish(&mut self, target: u32) -> Result<(), Error> {
        let file = self.files.get(target)?;
        file.writer()?;
        match file.writer.take() {
            Some(writer) => Ok(writer.finish()?),
            None => Ok(()),
        }
    }
}

impl OpenFile {
    fn open(config: &Config, target: Target) -> Result<Self, Error> {
        let path = config.path(&target.name)?;
        let csv = (config.format == Format::Csv)
            .then(|| config.delimiter().map(|delimiter| CsvRows::new(&target.fields, delimiter)))
            .transpose()?;
        let (mut writer, is_new) = match target.mode {
            Mode::Replace => (FileWriter::replace(&path, config.compression())?, true),
            Mode::Append => {
                // Asked before opening: the writer may create the file.
                let is_new = csv.is_some() && find(&path)?.is_none_or(|entry| entry.size == 0);
                (FileWriter::append(&path, config.compression())?, is_new)
            }
            Mode::Upsert => {
                return Err(Error::Config(format!(
                    "the stream `{}`: a file has no keys to upsert by; use the mode append or replace",
                    target.name
                )));
            }
        };
        if let Some(csv) = csv.as_ref().filter(|_| is_new) {
            writer.put(&csv.header()?)?;
        }
        Ok(Self { writer: Some(writer), path, mode: target.mode, csv, last: LastBatch::default() })
    }

    fn writer(&mut self) -> Result<&mut FileWriter, Error> {
        let (path, mode) = (&self.path, self.mode);
        self.writer.as_mut().ok_or_else(|| Error::Permanent(format!("`{path}` ({mode:?}) was already finished")))
    }

    fn write(&mut self, key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        if let Some(report) = self.last.again(key) {
            return Ok(report);
        }
        let report = match &self.csv {
            None => self.write_lines(batch.as_bytes())?,
            Some(csv) => {
                let rows = csv.rows(batch.lines())?;
                self.writer()?.put(&rows.bytes)?;
                let failed = rows.failed.into_iter().map(|(row, code)| RowError { row, code: code.into() }).collect();
                Report { written: rows.written, failed }
            }
        };
        Ok(self.last.keep(key, report))
    }

    fn write_lines(&mut self, ndjson: &[u8]) -> Result<Report, Error> {
        let writer = self.writer()?;
        writer.put(ndjson)?;
        let mut lines = memchr_iter(b'\n', ndjson).count();
        if !ndjson.is_empty() && !ndjson.ends_with(b"\n") {
            writer.put(b"\n")?;
            lines += 1;
        }
        Ok(Report { written: u32::try_from(lines).unwrap_or(u32::MAX), failed: Vec::new() })
    }
}
