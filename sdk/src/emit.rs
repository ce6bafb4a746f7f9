//! Records out: one reused buffer per stream, emitted when it is large enough, always before a checkpoint.

use serde::Serialize;

use crate::pages::{PageAck, PageRequest};
use crate::sql::Rows;
use crate::{Error, StreamRequest, host, runtime};

/// A buffer of this size is handed over (measured: 64 KiB to 1 MiB cost the least).
const EMIT_AT_BYTES: usize = 512 << 10;
/// Room for the record that crosses [`EMIT_AT_BYTES`].
const SPARE_BYTES: usize = 16 << 10;

/// What the gate did with a batch: counts, no value flows back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ack {
    /// Records let through.
    pub accepted: u32,
    /// Records left out under the flow's rule.
    pub rejected: u32,
    /// Undeclared fields that were dropped: the paths are in the host's report.
    pub dropped_fields: u32,
}

/// Where the records of one stream go.
#[derive(Debug)]
pub struct Output {
    stream: u32,
    limit: Option<u64>,
    full_refresh: bool,
    /// Keys of deleted records; they come before what is in `buffer`.
    deleted: Vec<u8>,
    buffer: Vec<u8>,
    records: u64,
    deletions: u64,
    rejected: u64,
    dropped_fields: u64,
}

impl Output {
    /// The output of this stream. [`crate::Source::read`] makes it; a source that reads several streams side by side makes its own.
    #[must_use]
    pub fn new(request: &StreamRequest) -> Self {
        Self {
            stream: request.index,
            limit: request.limit,
            full_refresh: request.full_refresh,
            deleted: Vec::new(),
            buffer: Vec::new(),
            records: 0,
            deletions: 0,
            rejected: 0,
            dropped_fields: 0,
        }
    }

    /// Hands over one record. Anything that serialises to a JSON object.
    ///
    /// # Errors
    /// [`Error::Permanent`] if it does not serialise; else as [`Output::flush`].
    pub fn record<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<(), Error> {
        append(&mut self.buffer, record, "a record")?;
        self.wrote(1)
    }

    /// Says that the remote has deleted a record: its primary key, anything that serialises to a JSON object with those fields and no others. It comes
    /// after the records before it and before those behind it. The stream says `deletes = true` in `connector.toml`; where only the configuration tells,
    /// the manifest says it. In a full refresh nothing is handed over: what is not emitted is gone.
    ///
    /// # Errors
    /// As [`Output::record`].
    pub fn deleted<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        if self.full_refresh {
            return Ok(());
        }
        if !self.buffer.is_empty() {
            self.flush()?;
        }
        append(&mut self.deleted, key, "a key")?;
        self.deletions += 1;
        if self.deleted.len() >= EMIT_AT_BYTES { self.flush() } else { Ok(()) }
    }

    /// The buffer, for a source that writes JSON by itself: append whole lines (`{…}\n`), then call [`Output::wrote`].
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve_exact(EMIT_AT_BYTES + SPARE_BYTES);
        }
        &mut self.buffer
    }

    /// Counts records appended to [`Output::buffer`] and emits when there is enough.
    ///
    /// # Errors
    /// As [`Output::flush`].
    pub fn wrote(&mut self, records: u64) -> Result<(), Error> {
        self.records += records;
        if self.buffer.len() >= EMIT_AT_BYTES { self.flush() } else { Ok(()) }
    }

    /// Hands over NDJSON from elsewhere without copying it: whole lines, at most 16 MiB. The records are counted by the gate.
    ///
    /// # Errors
    /// As [`Output::flush`].
    pub fn lines(&mut self, ndjson: &[u8]) -> Result<Ack, Error> {
        self.flush()?;
        if ndjson.is_empty() {
            return Ok(Ack::default());
        }
        let ack = host::emit(self.stream, ndjson)?;
        self.records += u64::from(ack.accepted) + u64::from(ack.rejected);
        self.note(ack);
        Ok(ack)
    }

    /// Hands over the records of a response that stay in the host. See [`PageRequest`].
    ///
    /// # Errors
    /// As [`Output::flush`].
    pub fn page(&mut self, page: &PageRequest<'_>) -> Result<PageAck, Error> {
        self.flush()?;
        let answer = page.emit(self.stream)?;
        self.records += u64::from(answer.extracted);
        self.note(answer.ack);
        Ok(answer)
    }

    /// Hands over the next part of rows that stay in the host; none at their end. `observe`: fields whose values are told, unless they may
    /// be personal.
    ///
    /// # Errors
    /// As [`Output::flush`], and the database's.
    pub fn rows(&mut self, rows: &mut Rows, observe: &[String]) -> Result<Option<PageAck>, Error> {
        self.flush()?;
        let Some(answer) = rows.emit(self.stream, observe)? else { return Ok(None) };
        self.records += u64::from(answer.extracted);
        self.note(answer.ack);
        Ok(Some(answer))
    }

    /// Emits what is still in the buffer.
    ///
    /// # Errors
    /// What the host answers; [`Error::Cancelled`] after a refusal.
    pub fn flush(&mut self) -> Result<(), Error> {
        if !self.deleted.is_empty() {
            let ack = host::emit_deleted(self.stream, &self.deleted)?;
            self.deleted.clear();
            self.note(ack);
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        let ack = host::emit(self.stream, &self.buffer)?;
        self.buffer.clear();
        self.note(ack);
        Ok(())
    }

    /// Emits what is in the buffer and says that everything before is covered by this state: JSON of at most 4 MiB, deterministic,
    /// without personal data.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the host wants the run to end (the checkpoint counts); [`Error::Permanent`] if the state does not serialise.
    pub fn checkpoint<S: Serialize + ?Sized>(&mut self, state: &S) -> Result<(), Error> {
        let text = serde_json::to_vec(state).map_err(|error| Error::Permanent(format!("the state cannot be written as JSON: {error}")))?;
        self.flush()?;
        host::checkpoint(self.stream, &text)?;
        if runtime::cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// True once the request's limit is reached: stop reading.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.remaining() == Some(0)
    }

    /// How many records the request still wants. None: all.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.records))
    }

    /// Records handed over until now, also those that are still in the buffer.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Deletions handed over until now, also those that are still in the buffer.
    #[must_use]
    pub fn deletions(&self) -> u64 {
        self.deletions
    }

    /// Records and keys that the gate left out until now.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Undeclared fields that the gate dropped until now.
    #[must_use]
    pub fn dropped_fields(&self) -> u64 {
        self.dropped_fields
    }

    fn note(&mut self, ack: Ack) {
        self.rejected += u64::from(ack.rejected);
        self.dropped_fields += u64::from(ack.dropped_fields);
    }
}

/// Appends a line of NDJSON, or nothing.
fn append<T: Serialize + ?Sized>(buffer: &mut Vec<u8>, value: &T, what: &str) -> Result<(), Error> {
    let start = buffer.len();
    if let Err(error) = serde_json::to_writer(&mut *buffer, value) {
        buffer.truncate(start);
        return Err(Error::Permanent(format!("{what} cannot be written as JSON ({:?} error)", error.classify())));
    }
    buffer.push(b'\n');
    Ok(())
}
