//! Files as a source. A file has no history: an unchanged one is not read again, a changed one is read as a whole.

use hub_sdk::files::{FileReader, find};
use hub_sdk::{Error, Output, Source, StreamRequest};
use memchr::{memchr_iter, memrchr};
use serde::{Deserialize, Serialize};

use crate::columns::CsvRecords;
use crate::{Config, Format};

/// A line longer than this is refused: it would not fit into one batch.
const MAX_LINE_BYTES: usize = 15 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads streams.
pub(crate) struct FileSource(Config);

/// The file as it was when it was read to its end.
#[derive(Deserialize, PartialEq, Serialize)]
struct State {
    size: u64,
    modified_ms: u64,
}

impl Source for FileSource {
    type Config = Config;

    fn open(config: Config) -> Result<Self, Error> {
        config.delimiter()?;
        Ok(Self(config))
    }

    fn check(&mut self) -> Result<(), Error> {
        self.0.check()
    }

    fn read_stream(&mut self, request: &StreamRequest, output: &mut Output) -> Result<(), Error> {
        let path = self.0.path(&request.name)?;
        let Some(entry) = find(&path)? else {
            return Err(Error::Config(format!("there is no file `{path}` for the stream `{}`", request.name)));
        };
        // Taken before reading: what is appended meanwhile makes the file a changed one for the next run.
        let state = State { size: entry.size, modified_ms: entry.modified_ms };
        if request.state::<State>()?.is_some_and(|last| last == state) {
            return Ok(());
        }
        let file = FileReader::open(&path, self.0.compression())?;
        match self.0.format {
            Format::Ndjson => pass_through(file, output)?,
            Format::Csv => read_csv(file, self.0.delimiter()?, &path, output)?,
        }
        if output.is_full() { output.flush() } else { output.checkpoint(&state) }
    }
}

/// Hands the file over in large pieces that end with a line.
fn pass_through(mut file: FileReader, output: &mut Output) -> Result<(), Error> {
    let mut pending = Vec::new();
    let mut start_of_file = true;
    while !output.is_full() {
        let Some(chunk) = file.chunk()? else {
            if !pending.is_empty() {
                pending.push(b'\n');
                hand_over(&pending, output)?;
            }
            return Ok(());
        };
        pending.extend_from_slice(&chunk);
        if start_of_file && pending.len() >= BYTE_ORDER_MARK.len() {
            start_of_file = false;
            if pending.starts_with(BYTE_ORDER_MARK) {
                pending.drain(..BYTE_ORDER_MARK.len());
            }
        }
        // Only the new chunk can hold the last line end: what was pending before had none.
        let searched = pending.len().saturating_sub(chunk.len());
        let Some(end) = memrchr(b'\n', pending.get(searched..).unwrap_or_default()).map(|end| searched + end + 1) else {
            if pending.len() > MAX_LINE_BYTES {
                return Err(Error::Permanent(format!(
                    "a line is longer than {MAX_LINE_BYTES} bytes: is the file NDJSON, one object a line?"
                )));
            }
            continue;
        };
        hand_over(pending.get(..end).unwrap_or_default(), output)?;
        pending.drain(..end);
    }
    Ok(())
}

/// As many of these lines as the request still wants.
fn hand_over(lines: &[u8], output: &mut Output) -> Result<(), Error> {
    let end = output.remaining().and_then(|wanted| {
        let last = usize::try_from(wanted).ok()?.checked_sub(1)?;
        memchr_iter(b'\n', lines).nth(last).map(|end| end + 1)
    });
    output.lines(lines.get(..end.unwrap_or(lines.len())).unwrap_or_default())?;
    Ok(())
}

fn read_csv(file: FileReader, delimiter: u8, path: &str, output: &mut Output) -> Result<(), Error> {
    let mut records = CsvRecords::open(file.buffered(), delimiter, path)?;
    while !output.is_full() && records.write_next(output.buffer())? {
        output.wrote(1)?;
    }
    Ok(())
}
