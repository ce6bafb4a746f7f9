//! The functions of the ABI as the fake host answers them. The same names and types as the sandbox's imports.

use std::cmp::Ordering;
use std::mem;
use std::time::Duration;

use serde_json::Value;

use super::host::{Answer, File, LogLine, State, with};
use crate::files::{Compression, Entry, FileError};
use crate::http::{FetchError, Request};
use crate::pages::{Observed, PageAck};
use crate::runtime::Level;
use crate::sql::{Column, Dialect, Failure, Shaped, SqlError, TableName, Value as SqlValue};
use crate::{Ack, Error};

const MAX_BATCH_BYTES: usize = 16 << 20;
const MAX_STATE_BYTES: usize = 4 << 20;
const MAX_READ_BYTES: u32 = 1 << 20;
const MAX_SLEEP_MS: u32 = 3_600_000;
const MAX_UNDER_WAY: usize = 16;

pub fn emit(stream: u32, batch: &[u8]) -> Result<Ack, Error> {
    let accepted = lines_of(batch)?;
    with(|state| state.batches.push((stream, batch.to_vec())));
    Ok(Ack { accepted, rejected: 0, dropped_fields: 0 })
}

pub fn emit_deleted(stream: u32, keys: &[u8]) -> Result<Ack, Error> {
    let accepted = lines_of(keys)?;
    with(|state| state.deleted.push((stream, keys.to_vec())));
    Ok(Ack { accepted, rejected: 0, dropped_fields: 0 })
}

/// The number of objects in NDJSON.
fn lines_of(batch: &[u8]) -> Result<u32, Error> {
    if batch.len() > MAX_BATCH_BYTES {
        return Err(Error::permanent(format!("fake host: a batch of {} bytes is over the limit of {MAX_BATCH_BYTES}", batch.len())));
    }
    let mut count = 0;
    for (row, line) in crate::Batch::new(batch).lines().enumerate() {
        if !matches!(serde_json::from_slice(line), Ok(Value::Object(_))) {
            return Err(Error::permanent(format!("fake host: row {row} of a batch is no JSON object on a line of its own")));
        }
        count += 1;
    }
    Ok(count)
}

pub fn checkpoint(stream: u32, text: &[u8]) -> Result<(), Error> {
    if text.len() > MAX_STATE_BYTES {
        return Err(Error::permanent(format!("fake host: a state of {} bytes is over the limit of {MAX_STATE_BYTES}", text.len())));
    }
    with(|state| state.checkpoints.push((stream, text.to_vec())));
    Ok(())
}

pub fn emit_page(
    stream: u32,
    page: &Response,
    pointer: &str,
    constants: &[(String, String)],
    observe: &[String],
) -> Result<PageAck, Error> {
    let body = page.value()?;
    let mut records = match body.pointer(pointer) {
        None => Vec::new(),
        Some(Value::Array(items)) => items.clone(),
        Some(single) => vec![single.clone()],
    };
    let mut batch = Vec::new();
    for record in &mut records {
        for (path, json) in constants {
            let value = serde_json::from_str(json).map_err(|_| Error::permanent(format!("fake host: the constant `{path}` is no JSON")))?;
            record[path.as_str()] = value;
        }
        batch.extend_from_slice(record.to_string().as_bytes());
        batch.push(b'\n');
    }
    let ack = if batch.is_empty() { Ack::default() } else { emit(stream, &batch)? };
    let observed = observe.iter().map(|field| observe_field(field, &records)).collect();
    Ok(PageAck { ack, extracted: ack.accepted, observed })
}

fn observe_field(field: &str, records: &[Value]) -> Observed {
    let values: Vec<&Value> = records.iter().filter_map(|record| record.get(field)).collect();
    let text = |value: Option<&&Value>| value.map(ToString::to_string);
    Observed {
        field: field.into(),
        first: text(values.first()),
        last: text(values.last()),
        min: text(values.iter().min_by(|left, right| compare(left, right))),
        max: text(values.iter().max_by(|left, right| compare(left, right))),
    }
}

fn compare(left: &Value, right: &Value) -> Ordering {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        _ => left.as_str().cmp(&right.as_str()),
    }
}

/// A prepared answer, handed out.
#[derive(Debug)]
pub struct Response {
    answer: Answer,
    position: std::cell::Cell<usize>,
}

impl Response {
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    pub fn headers(&self) -> Vec<(String, String)> {
        self.answer.headers.clone()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.answer.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    }

    pub fn pointer(&self, path: &str) -> Result<Option<String>, FetchError> {
        let body = self.value()?;
        let Some(value) = body.pointer(path) else { return Ok(None) };
        let through_array = path.match_indices('/').any(|(end, _)| body.pointer(&path[..end]).is_some_and(Value::is_array));
        if (through_array || holds_array(value)) && !with(|state| state.read_body) {
            return Err(FetchError::Denied(format!("`{path}` reaches into an array, which needs the read-body grant")));
        }
        Ok(Some(value.to_string()))
    }

    pub fn length(&self, path: &str) -> Result<Option<u32>, FetchError> {
        let length = self.value()?.pointer(path).and_then(Value::as_array).map(Vec::len);
        Ok(length.map(|length| u32::try_from(length).unwrap_or(u32::MAX)))
    }

    pub fn read(&self, max: u32) -> Result<Option<Vec<u8>>, FetchError> {
        if !with(|state| state.read_body) {
            return Err(FetchError::Denied("reading a body needs the read-body grant".into()));
        }
        let rest = self.answer.body.get(self.position.get()..).unwrap_or_default();
        let chunk = &rest[..rest.len().min(max.min(MAX_READ_BYTES) as usize)];
        self.position.set(self.position.get() + chunk.len());
        Ok((!chunk.is_empty()).then(|| chunk.to_vec()))
    }

    /// No credential of the fake host expires.
    pub fn renew(&self) -> Result<bool, FetchError> {
        Ok(false)
    }

    fn value(&self) -> Result<Value, FetchError> {
        serde_json::from_slice(&self.answer.body).map_err(|_| FetchError::Malformed("the body is not JSON".into()))
    }
}

fn holds_array(value: &Value) -> bool {
    match value {
        Value::Array(_) => true,
        Value::Object(fields) => fields.values().any(holds_array),
        _ => false,
    }
}

pub fn fetch(request: &Request) -> Result<Response, FetchError> {
    // The server leaves the state while it runs: it may look at the host itself.
    let server = with(|state| {
        state.requests.push(request.clone());
        state.server.take()
    });
    let Some(mut server) = server else {
        return Err(FetchError::Transport("the fake host serves nothing: call FakeHost::serve first".into()));
    };
    let answer = server(request);
    with(|state| state.server = Some(server));
    answer.map(|answer| Response { answer, position: std::cell::Cell::new(0) })
}

pub fn fetch_many(requests: &[Request]) -> Vec<Result<Response, FetchError>> {
    requests.iter().map(fetch).collect()
}

/// A request under way: answered when it began, told when it is waited for.
#[derive(Debug)]
pub struct Pending(Result<Response, FetchError>);

impl Pending {
    pub fn wait(mut self) -> Result<Response, FetchError> {
        mem::replace(&mut self.0, Err(FetchError::Transport("the request was abandoned".into())))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        with(|state| state.under_way -= 1);
    }
}

pub fn start(request: &Request) -> Pending {
    let under_way = with(|state| {
        state.under_way += 1;
        state.under_way
    });
    Pending(if under_way > MAX_UNDER_WAY {
        Err(FetchError::Denied(format!("fake host: {under_way} requests are under way, the limit is {MAX_UNDER_WAY}")))
    } else {
        fetch(request)
    })
}

pub fn list(folder: &str) -> Result<Vec<Entry>, FileError> {
    with(|state| {
        allowed(state, folder)?;
        let inside = |path: &str| path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')).is_some_and(|name| !name.contains('/'));
        let entry =
            |(path, file): (&String, &File)| Entry { path: path.clone(), size: file.bytes.len() as u64, modified_ms: file.modified_ms };
        Ok(state.files.iter().filter(|(path, _)| inside(path)).map(entry).collect())
    })
}

fn allowed(state: &State, path: &str) -> Result<(), FileError> {
    let folder = path.split('/').next().unwrap_or_default();
    if path.split('/').any(|part| part == "..") || !state.folders.iter().any(|granted| granted == folder) {
        return Err(FileError::Denied(format!("`{path}` is in no granted folder")));
    }
    Ok(())
}

/// A file handed out for reading.
#[derive(Debug)]
pub struct Reader {
    bytes: Vec<u8>,
    position: std::cell::Cell<usize>,
}

impl Reader {
    pub fn read(&self, max: u32) -> Result<Option<Vec<u8>>, FileError> {
        let rest = self.bytes.get(self.position.get()..).unwrap_or_default();
        let chunk = &rest[..rest.len().min(max.min(MAX_READ_BYTES) as usize)];
        self.position.set(self.position.get() + chunk.len());
        Ok((!chunk.is_empty()).then(|| chunk.to_vec()))
    }
}

pub fn open(path: &str, compression: Compression) -> Result<Reader, FileError> {
    with(|state| {
        allowed(state, path)?;
        let file = state.files.get(path).ok_or_else(|| FileError::NotFound(path.into()))?;
        if file.compression != compression {
            return Err(FileError::Failed(format!("`{path}` is not stored in this compression")));
        }
        Ok(Reader { bytes: file.bytes.clone(), position: std::cell::Cell::new(0) })
    })
}

/// A file handed out for writing: what is pending shows up in the folder as the ABI says.
#[derive(Debug)]
pub struct Writer {
    path: String,
    compression: Compression,
    replaces: bool,
    pending: std::cell::RefCell<Vec<u8>>,
}

impl Writer {
    pub fn write(&self, bytes: &[u8]) -> Result<(), FileError> {
        if bytes.len() > MAX_BATCH_BYTES {
            return Err(FileError::TooLarge(MAX_BATCH_BYTES as u64));
        }
        self.pending.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    pub fn sync(&self) -> Result<(), FileError> {
        if !self.replaces {
            self.store();
        }
        Ok(())
    }

    pub fn finish(self) -> Result<(), FileError> {
        self.store();
        Ok(())
    }

    fn store(&self) {
        let pending = mem::take(&mut *self.pending.borrow_mut());
        with(|state| {
            let modified_ms = state.now_ms;
            let kept = if self.replaces { None } else { state.files.remove(&self.path) };
            let mut bytes = kept.map(|file| file.bytes).unwrap_or_default();
            bytes.extend_from_slice(&pending);
            state.files.insert(self.path.clone(), File { bytes, compression: self.compression, modified_ms });
        });
    }
}

pub fn replace(path: &str, compression: Compression) -> Result<Writer, FileError> {
    writer(path, compression, true)
}

pub fn append(path: &str, compression: Compression) -> Result<Writer, FileError> {
    writer(path, compression, false)
}

fn writer(path: &str, compression: Compression, replaces: bool) -> Result<Writer, FileError> {
    with(|state| allowed(state, path))?;
    Ok(Writer { path: path.into(), compression, replaces, pending: std::cell::RefCell::default() })
}

pub fn log(level: Level, message: &str) {
    with(|state| state.logs.push(LogLine { level, message: message.into() }));
}

pub fn now_us() -> u64 {
    with(|state| state.now_ms.saturating_mul(1000))
}

/// The clock goes on by as much; nobody waits.
pub fn sleep_ms(milliseconds: u32) {
    with(|state| {
        let milliseconds = u64::from(milliseconds.min(MAX_SLEEP_MS));
        state.now_ms = state.now_ms.saturating_add(milliseconds);
        state.sleeps.push(Duration::from_millis(milliseconds));
    });
}

/// Each call a microsecond later: tests stay the same on every machine.
pub fn monotonic_ns() -> u64 {
    with(|state| {
        state.calls += 1;
        state.calls * 1_000
    })
}

/// A fixed sequence, for the same reason.
pub fn random(count: u32) -> Vec<u8> {
    with(|state| {
        let mut next = || {
            state.calls = state.calls.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state.calls >> 56) as u8
        };
        (0..count.min(4096)).map(|_| next()).collect()
    })
}

pub fn cancelled() -> bool {
    with(|state| state.cancel_after_checkpoints.is_some_and(|count| state.checkpoints.len() >= count))
}

/// The fake host has no database: what a connector asks of one is tried out with a real one.
fn no_database<T>() -> Result<T, SqlError> {
    Err(SqlError::Failed(Failure { code: "no-database".into(), message: "the fake host has no database".into(), ..Failure::default() }))
}

pub fn dialect_of(_database: &str) -> Result<Dialect, SqlError> {
    no_database()
}

pub fn describe(_database: &str, _table: &TableName) -> Result<Option<Vec<Column>>, SqlError> {
    no_database()
}

pub fn execute(_database: &str, _statement: &str, _parameters: &[SqlValue]) -> Result<u64, SqlError> {
    no_database()
}

pub fn load(_database: &str, _table: &TableName, _columns: &[Shaped], _records: &[u8], _skip: &[u32]) -> Result<u32, SqlError> {
    no_database()
}

/// There are none.
#[derive(Debug)]
pub enum Rows {}

impl Rows {
    pub fn read(&self) -> Result<Option<Vec<u8>>, SqlError> {
        match *self {}
    }
}

pub fn query(_database: &str, _statement: &str, _parameters: &[SqlValue], _columns: &[Shaped]) -> Result<Rows, SqlError> {
    no_database()
}

pub fn emit_rows(_stream: u32, rows: &Rows, _observe: &[String]) -> Result<Option<PageAck>, Error> {
    match *rows {}
}
