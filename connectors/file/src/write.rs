//! Files as a destination: appended to, or replaced in one step at the end of the run.

use std::collections::BTreeMap;

use hub_sdk::files::FileWriter;
use hub_sdk::{Batch, Destination, Error, Mode, Report, RowError, Target};
use memchr::memchr_iter;

use crate::columns::CsvRows;
use crate::{Config, Format};

/// Writes streams.
pub(crate) struct FileDestination {
    files: BTreeMap<u32, OpenFile>,
}

struct OpenFile {
    /// None once finished.
    writer: Option<FileWriter>,
    path: String,
    mode: Mode,
    /// None: NDJSON.
    csv: Option<CsvRows>,
    /// Key and report of the last batch: delivered again, it is not written again.
    last: Option<(String, Report)>,
}

impl Destination for FileDestination {
    type Config = Config;

    /// Nothing is written to find out: a folder that is not granted shows when the run opens its files.
    fn check(config: Config) -> Result<(), Error> {
        config.delimiter().map(|_| ())
    }

    fn open(config: Config, targets: Vec<Target>) -> Result<Self, Error> {
        let mut files = BTreeMap::new();
        for target in targets {
            files.insert(target.index, OpenFile::open(&config, target)?);
        }
        Ok(Self { files })
    }

    fn write(&mut self, target: u32, key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        self.file(target)?.write(key, batch)
    }

    fn flush(&mut self, target: u32) -> Result<(), Error> {
        Ok(self.file(target)?.writer()?.sync()?)
    }

    fn finish(&mut self, target: u32) -> Result<(), Error> {
        let file = self.file(target)?;
        file.writer()?;
        match file.writer.take() {
            Some(writer) => Ok(writer.finish()?),
            None => Ok(()),
        }
    }
}

impl FileDestination {
    fn file(&mut self, target: u32) -> Result<&mut OpenFile, Error> {
        self.files.get_mut(&target).ok_or_else(|| Error::Permanent(format!("no stream was opened with the index {target}")))
    }
}

impl OpenFile {
    fn open(config: &Config, target: Target) -> Result<Self, Error> {
        let path = config.path(&target.name)?;
        let names: Vec<String> = target.fields.iter().map(|field| field.name.clone()).collect();
        let csv =
            (config.format == Format::Csv).then(|| config.delimiter().map(|delimiter| CsvRows::new(&names, delimiter))).transpose()?;
        let (mut writer, is_new) = match target.mode {
            Mode::Replace => (FileWriter::replace(&path, config.compression())?, true),
            Mode::Append => {
                // Asked before opening: the writer may create the file.
                let is_new = csv.is_some() && config.entry(&path)?.is_none_or(|entry| entry.size == 0);
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
        Ok(Self { writer: Some(writer), path, mode: target.mode, csv, last: None })
    }

    fn writer(&mut self) -> Result<&mut FileWriter, Error> {
        let (path, mode) = (&self.path, self.mode);
        self.writer.as_mut().ok_or_else(|| Error::Permanent(format!("`{path}` ({mode:?}) was already finished")))
    }

    fn write(&mut self, key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        if let Some((_, report)) = self.last.as_ref().filter(|(last, _)| last == key) {
            return Ok(report.clone());
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
        self.last = Some((key.to_owned(), report.clone()));
        Ok(report)
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
