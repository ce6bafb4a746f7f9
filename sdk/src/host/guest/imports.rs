//! The host's functions in the SDK's types, over the generated bindings.

use std::time::Duration;

use super::bindings::hub::connector::{files as wire_files, http as wire_http, pages as wire_pages, runtime as wire_runtime, sink, types};
pub use super::databases::*;
use crate::files::{Compression, Entry, FileError};
use crate::http::{FetchError, Method, Request};
use crate::pages::{Observed, PageAck};
use crate::runtime::Level;
use crate::{Ack, Error};

/// NDJSON to the gate.
pub fn emit(stream: u32, batch: &[u8]) -> Result<Ack, Error> {
    Ok(sink::emit(stream, batch)?.into())
}

/// Keys of deleted records to the gate.
pub fn emit_deleted(stream: u32, keys: &[u8]) -> Result<Ack, Error> {
    Ok(sink::emit_deleted(stream, keys)?.into())
}

/// Everything emitted before is covered by this state.
pub fn checkpoint(stream: u32, state: &[u8]) -> Result<(), Error> {
    Ok(sink::checkpoint(stream, state)?)
}

/// Records from a response to the gate.
pub fn emit_page(
    stream: u32,
    page: &Response,
    pointer: &str,
    constants: &[(String, String)],
    observe: &[String],
) -> Result<PageAck, Error> {
    let answer = wire_pages::emit_page(stream, &page.0, pointer, constants, observe)?;
    let observed = answer.observed.into_iter().map(|seen| Observed {
        field: seen.field,
        first: seen.first,
        last: seen.last,
        min: seen.min,
        max: seen.max,
    });
    Ok(PageAck { ack: answer.ack.into(), extracted: answer.extracted, observed: observed.collect() })
}

/// A response in the host.
#[derive(Debug)]
pub struct Response(wire_http::Response);

impl Response {
    /// Status code.
    pub fn status(&self) -> u16 {
        self.0.status()
    }

    /// All headers.
    pub fn headers(&self) -> Vec<(String, String)> {
        self.0.headers().into_iter().map(|header| (header.name, header.value)).collect()
    }

    /// One header.
    pub fn header(&self, name: &str) -> Option<String> {
        self.0.header(name)
    }

    /// JSON text at a pointer.
    pub fn pointer(&self, path: &str) -> Result<Option<String>, FetchError> {
        Ok(self.0.pointer(path)?)
    }

    /// Length of an array.
    pub fn length(&self, path: &str) -> Result<Option<u32>, FetchError> {
        Ok(self.0.length(path)?)
    }

    /// A new token for the credential.
    pub fn renew(&self) -> Result<bool, FetchError> {
        Ok(self.0.renew()?)
    }

    /// The next bytes of the body.
    pub fn read(&self, max: u32) -> Result<Option<Vec<u8>>, FetchError> {
        Ok(self.0.read(max)?)
    }
}

/// One request.
pub fn fetch(request: &Request) -> Result<Response, FetchError> {
    Ok(Response(wire_http::fetch(&wire_request(request))?))
}

/// Several requests.
pub fn fetch_many(requests: &[Request]) -> Vec<Result<Response, FetchError>> {
    let requests: Vec<_> = requests.iter().map(wire_request).collect();
    wire_http::fetch_many(&requests).into_iter().map(|answer| Ok(Response(answer?))).collect()
}

/// A request under way.
#[derive(Debug)]
pub struct Pending(wire_http::Pending);

impl Pending {
    /// Its answer.
    pub fn wait(self) -> Result<Response, FetchError> {
        Ok(Response(wire_http::Pending::wait(self.0)?))
    }
}

/// One request, in the background.
pub fn start(request: &Request) -> Pending {
    Pending(wire_http::start(&wire_request(request)))
}

/// Files of a folder.
pub fn list(folder: &str) -> Result<Vec<Entry>, FileError> {
    let entries = wire_files::list(folder)?;
    Ok(entries.into_iter().map(|entry| Entry { path: entry.path, size: entry.size, modified_ms: entry.modified_ms }).collect())
}

/// A file being read.
#[derive(Debug)]
pub struct Reader(wire_files::Reader);

impl Reader {
    /// The next bytes.
    pub fn read(&self, max: u32) -> Result<Option<Vec<u8>>, FileError> {
        Ok(self.0.read(max)?)
    }
}

/// Opens for reading.
pub fn open(path: &str, compression: Compression) -> Result<Reader, FileError> {
    Ok(Reader(wire_files::open(path, compression.into())?))
}

/// A file being written.
#[derive(Debug)]
pub struct Writer(wire_files::Writer);

impl Writer {
    /// More bytes.
    pub fn write(&self, bytes: &[u8]) -> Result<(), FileError> {
        Ok(self.0.write(bytes)?)
    }

    /// Durable from here.
    pub fn sync(&self) -> Result<(), FileError> {
        Ok(self.0.sync()?)
    }

    /// The end.
    pub fn finish(self) -> Result<(), FileError> {
        Ok(self.0.finish()?)
    }
}

/// A new version of a file.
pub fn replace(path: &str, compression: Compression) -> Result<Writer, FileError> {
    Ok(Writer(wire_files::replace(path, compression.into())?))
}

/// More of a file.
pub fn append(path: &str, compression: Compression) -> Result<Writer, FileError> {
    Ok(Writer(wire_files::append(path, compression.into())?))
}

/// A log line.
pub fn log(level: Level, message: &str) {
    let level = match level {
        Level::Debug => types::Level::Debug,
        Level::Info => types::Level::Info,
        Level::Warn => types::Level::Warn,
        Level::Error => types::Level::Error,
    };
    wire_runtime::log(level, message);
}

/// Wall clock.
pub fn now_us() -> u64 {
    wire_runtime::now_us()
}

/// Waits.
pub fn sleep_ms(milliseconds: u32) {
    wire_runtime::sleep_ms(milliseconds);
}

/// Time since the run began.
pub fn monotonic_ns() -> u64 {
    wire_runtime::monotonic_ns()
}

/// Random bytes.
pub fn random(count: u32) -> Vec<u8> {
    wire_runtime::random(count)
}

/// The host wants the end.
pub fn cancelled() -> bool {
    wire_runtime::cancelled()
}

fn wire_request(request: &Request) -> wire_http::Request {
    let method = match request.method {
        Method::Get => wire_http::Method::Get,
        Method::Head => wire_http::Method::Head,
        Method::Post => wire_http::Method::Post,
        Method::Put => wire_http::Method::Put,
        Method::Patch => wire_http::Method::Patch,
        Method::Delete => wire_http::Method::Delete,
        Method::Options => wire_http::Method::Options,
        Method::Report => wire_http::Method::Report,
        Method::Propfind => wire_http::Method::Propfind,
    };
    wire_http::Request {
        method,
        url: request.url.clone(),
        headers: request.headers.iter().map(|(name, value)| types::Header { name: name.clone(), value: value.clone() }).collect(),
        body: request.body.clone(),
        credential: request.credential.clone(),
        timeout_ms: request.timeout.map(milliseconds),
    }
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

impl From<sink::Ack> for Ack {
    fn from(ack: sink::Ack) -> Self {
        Self { accepted: ack.accepted, rejected: ack.rejected, dropped_fields: ack.dropped_fields }
    }
}

impl From<Compression> for wire_files::Compression {
    fn from(compression: Compression) -> Self {
        match compression {
            Compression::None => Self::None,
            Compression::Gzip => Self::Gzip,
        }
    }
}

impl From<wire_files::FileError> for FileError {
    fn from(error: wire_files::FileError) -> Self {
        match error {
            wire_files::FileError::Denied(text) => Self::Denied(text),
            wire_files::FileError::NotFound(text) => Self::NotFound(text),
            wire_files::FileError::TooLarge(limit) => Self::TooLarge(limit),
            wire_files::FileError::Failed(text) => Self::Failed(text),
        }
    }
}

impl From<wire_http::FetchError> for FetchError {
    fn from(error: wire_http::FetchError) -> Self {
        match error {
            wire_http::FetchError::Denied(text) => Self::Denied(text),
            wire_http::FetchError::Timeout => Self::Timeout,
            wire_http::FetchError::TooLarge(limit) => Self::TooLarge(limit),
            wire_http::FetchError::Dns(text) => Self::Dns(text),
            wire_http::FetchError::Tls(text) => Self::Tls(text),
            wire_http::FetchError::Transport(text) => Self::Transport(text),
            wire_http::FetchError::Malformed(text) => Self::Malformed(text),
            wire_http::FetchError::Credential(fault) => Self::Credential { config: fault.config, message: fault.message },
        }
    }
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::Config(text) => Self::Config(text),
            types::Error::Auth(text) => Self::Auth(text),
            types::Error::Transient(retry) => {
                Self::Transient { message: retry.message, retry_after: retry.after_ms.map(|after| Duration::from_millis(after.into())) }
            }
            types::Error::SchemaDrift(text) => Self::SchemaDrift(text),
            types::Error::Permanent(text) => Self::Permanent(text),
            types::Error::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Config(text) => Self::Config(text),
            Error::Auth(text) => Self::Auth(text),
            Error::Transient { message, retry_after } => Self::Transient(types::Retry { message, after_ms: retry_after.map(milliseconds) }),
            Error::SchemaDrift(text) => Self::SchemaDrift(text),
            Error::Permanent(text) => Self::Permanent(text),
            Error::Cancelled => Self::Cancelled,
        }
    }
}
