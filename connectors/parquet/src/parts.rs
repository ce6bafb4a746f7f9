//! Files that are added to a stream, one for each checkpoint that has records: `FOLDER/STREAM/part-0000000000.parquet` and on.
//!
//! Which number comes next stands in `FOLDER/STREAM.parts`, a line for each part, and follows from its length alone: a connector may not read where it
//! writes. The host cuts that file to the last checkpoint after a crash, so what is delivered again gets the number that it had and takes the place of what
//! is there. Invariant: the line of a part is durable before the part is in its place, so each part behind the last checkpoint is known by its line.

use hub_sdk::Error;
use hub_sdk::files::{Compression, FileError, FileWriter, find, list};

use crate::file::{Layout, ParquetFile};

/// What the names of parts begin with.
const PREFIX: &str = "part-";
/// What they end with.
const SUFFIX: &str = ".parquet";
/// The bytes of a line: `part-0000000000.parquet` and its end.
const LINE_BYTES: u64 = 24;
/// The greatest number has ten digits.
const MAX_PARTS: u64 = 10_000_000_000;

/// The parts of a stream.
pub(crate) struct Parts {
    folder: String,
    list: FileWriter,
    next: u64,
    open: Option<ParquetFile>,
}

impl Parts {
    /// Goes on behind the last part that counts. What an interrupted run left behind its last checkpoint is emptied.
    pub(crate) fn open(base: &str, layout: &Layout) -> Result<Self, Error> {
        let path = format!("{base}.parts");
        let before = find(&path)?.map(|entry| entry.size);
        let there = numbers(base)?;
        if before.is_none() && !there.as_ref().is_some_and(Vec::is_empty) {
            return Err(uncounted(base, &path));
        }
        let list = FileWriter::append(&path, Compression::None)?;
        let after = find(&path)?.map_or(0, |entry| entry.size);
        if after % LINE_BYTES != 0 {
            return Err(Error::Config(format!(
                "`{path}` was changed: it has {after} bytes, and {LINE_BYTES} for each part; take away what is no whole line"
            )));
        }
        let (before, next) = (before.unwrap_or(0), after / LINE_BYTES);
        let behind: Vec<u64> = match there {
            Some(there) => there.into_iter().filter(|number| *number >= next).collect(),
            None => (next..before.div_ceil(LINE_BYTES)).collect(),
        };
        // The host has cut nothing off: one part may be there without a line, more were not written by a run that this file knows of.
        if before == after && behind.iter().any(|number| *number > next) {
            return Err(uncounted(base, &path));
        }
        let parts = Self { folder: base.to_owned(), list, next, open: None };
        for number in behind {
            ParquetFile::open(&parts.path(number), layout)?.end()?.finish()?;
        }
        Ok(parts)
    }

    /// The part that is being written, begun if need be.
    pub(crate) fn current(&mut self, layout: &Layout) -> Result<&mut ParquetFile, Error> {
        let file = match self.open.take() {
            Some(file) => file,
            None => ParquetFile::open(&self.path(self.next), layout)?,
        };
        Ok(self.open.insert(file))
    }

    /// Puts the part that is being written in its place, if there is one.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if self.next >= MAX_PARTS {
            return Err(Error::Permanent(format!("`{}` has {MAX_PARTS} parts: begin another stream", self.folder)));
        }
        let ended = open.end()?;
        self.list.put(format!("{}\n", name(self.next)).as_bytes())?;
        self.list.sync()?;
        ended.finish()?;
        self.next += 1;
        Ok(())
    }

    /// Nothing comes any more.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.flush()?;
        Ok(self.list.finish()?)
    }

    fn path(&self, number: u64) -> String {
        format!("{}/{}", self.folder, name(number))
    }
}

fn name(number: u64) -> String {
    format!("{PREFIX}{number:010}{SUFFIX}")
}

/// Numbers of the parts in a folder. None: there are too many files to list.
fn numbers(folder: &str) -> Result<Option<Vec<u64>>, Error> {
    let number = |path: &str| path.rsplit('/').next()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok();
    match list(folder) {
        Ok(entries) => Ok(Some(entries.iter().filter_map(|entry| number(&entry.path)).collect())),
        Err(FileError::NotFound(_)) => Ok(Some(Vec::new())),
        Err(FileError::TooLarge(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn uncounted(folder: &str, path: &str) -> Error {
    Error::Config(format!(
        "`{folder}` holds parts that `{path}` does not count: put back the `{path}` that belongs to them, or move them away"
    ))
}
