//! What a guest calls: each function converts its arguments, forwards to the version-free capability, and converts the answer.
//!
//! Each begins with how the call is counted (see `State`): a glance, a walk over a body, or work handed to the host.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::hub::connector::{files, http, pages, runtime, sink, types};
use crate::capability::files::{Compression, FileError, Reader, Writer};
use crate::capability::http::{FetchError, Pending, Response};
use crate::capability::run::Ended;
use crate::capability::{self, Accepted, files as file, http as web};
use crate::egress::Method;
use crate::plugin::abi::guest::State;

/// The length of an epoch: whoever sleeps longer has left its place to others.
const SHORT_SLEEP_MS: u32 = 10;

impl types::Host for State {}

impl sink::Host for State {
    async fn emit(&mut self, stream: u32, batch: Vec<u8>) -> Result<Result<sink::Ack, types::Error>> {
        self.work()?;
        Ok(capability::sink::emit(&self.run, stream, batch).await.map(ack).map_err(ended))
    }

    async fn emit_deleted(&mut self, stream: u32, keys: Vec<u8>) -> Result<Result<sink::Ack, types::Error>> {
        self.work()?;
        Ok(capability::sink::emit_deleted(&self.run, stream, keys).await.map(ack).map_err(ended))
    }

    async fn checkpoint(&mut self, stream: u32, state: Vec<u8>) -> Result<Result<(), types::Error>> {
        self.work()?;
        Ok(capability::sink::checkpoint(&self.run, stream, &state).await.map_err(ended))
    }
}

impl pages::Host for State {
    async fn emit_page(
        &mut self,
        stream: u32,
        page: Resource<Response>,
        pointer: String,
        constants: Vec<(String, String)>,
        observe: Vec<String>,
    ) -> Result<Result<pages::PageAck, types::Error>> {
        self.work()?;
        let page = self.table.get(&page)?;
        let accepted = capability::pages::emit_page(&self.run, stream, page, pointer, constants, observe).await;
        Ok(accepted.map(page_ack).map_err(ended))
    }
}

impl runtime::Host for State {
    fn log(&mut self, level: types::Level, message: String) -> Result<()> {
        self.glance()?;
        capability::runtime::log(&self.run, severity(level), &message);
        Ok(())
    }

    fn now_ms(&mut self) -> Result<u64> {
        self.glance()?;
        Ok(capability::runtime::now_ms(&self.run))
    }

    fn now_us(&mut self) -> Result<u64> {
        self.glance()?;
        Ok(capability::runtime::now_us(&self.run))
    }

    async fn sleep_ms(&mut self, milliseconds: u32) -> Result<()> {
        // A moment's sleep must not make a busy guest look idle.
        if milliseconds < SHORT_SLEEP_MS {
            self.glance()?
        } else {
            self.work()?
        }
        capability::runtime::sleep_ms(&self.run, milliseconds).await;
        Ok(())
    }

    fn monotonic_ns(&mut self) -> Result<u64> {
        self.glance()?;
        Ok(capability::runtime::monotonic_ns(&self.run))
    }

    fn random(&mut self, length: u32) -> Result<Vec<u8>> {
        self.glance()?;
        capability::runtime::random(length).map_err(wasmtime::Error::new)
    }

    fn cancelled(&mut self) -> Result<bool> {
        self.glance()?;
        Ok(capability::runtime::cancelled(&self.run))
    }
}

impl http::Host for State {
    async fn fetch(&mut self, request: http::Request) -> Result<Result<Resource<Response>, http::FetchError>> {
        self.work()?;
        let answer = web::fetch(&self.run, fetch(request)).await;
        self.keep(answer)
    }

    async fn fetch_many(&mut self, requests: Vec<http::Request>) -> Result<Vec<Result<Resource<Response>, http::FetchError>>> {
        self.work()?;
        let answers = web::fetch_many(&self.run, requests.into_iter().map(fetch).collect()).await;
        answers.into_iter().map(|answer| self.keep(answer)).collect()
    }

    async fn start(&mut self, request: http::Request) -> Result<Resource<Pending>> {
        self.glance()?;
        let pending = web::start(&self.run, fetch(request)).await;
        Ok(self.table.push(pending)?)
    }
}

impl http::HostPending for State {
    async fn wait(&mut self, this: Resource<Pending>) -> Result<Result<Resource<Response>, http::FetchError>> {
        self.work()?;
        let pending = self.table.delete(this)?;
        let answer = pending.wait().await;
        self.keep(answer)
    }

    async fn drop(&mut self, this: Resource<Pending>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl State {
    fn keep(&mut self, answer: Result<Response, FetchError>) -> Result<Result<Resource<Response>, http::FetchError>> {
        Ok(match answer {
            Ok(response) => Ok(self.table.push(response)?),
            Err(error) => Err(fetch_error(error)),
        })
    }
}

impl http::HostResponse for State {
    fn status(&mut self, this: Resource<Response>) -> Result<u16> {
        self.glance()?;
        Ok(self.table.get(&this)?.status())
    }

    fn headers(&mut self, this: Resource<Response>) -> Result<Vec<types::Header>> {
        self.glance()?;
        let header = |(name, value): &(String, String)| types::Header { name: name.clone(), value: value.clone() };
        Ok(self.table.get(&this)?.headers().iter().map(header).collect())
    }

    fn header(&mut self, this: Resource<Response>, name: String) -> Result<Option<String>> {
        self.glance()?;
        Ok(self.table.get(&this)?.header(&name).map(str::to_owned))
    }

    async fn pointer(&mut self, this: Resource<Response>, path: String) -> Result<Result<Option<String>, http::FetchError>> {
        self.walk(self.table.get(&this)?.size())?;
        Ok(self.table.get(&this)?.pointer(&self.run, &path).await.map_err(fetch_error))
    }

    async fn length(&mut self, this: Resource<Response>, path: String) -> Result<Result<Option<u32>, http::FetchError>> {
        self.walk(self.table.get(&this)?.size())?;
        Ok(self.table.get(&this)?.length(&self.run, &path).await.map_err(fetch_error))
    }

    async fn renew(&mut self, this: Resource<Response>) -> Result<Result<bool, http::FetchError>> {
        self.work()?;
        Ok(self.table.get(&this)?.renew(&self.run).await.map_err(fetch_error))
    }

    async fn read(&mut self, this: Resource<Response>, max: u32) -> Result<Result<Option<Vec<u8>>, http::FetchError>> {
        self.glance()?;
        Ok(self.table.get_mut(&this)?.read(&self.run, max).await.map_err(fetch_error))
    }

    async fn drop(&mut self, this: Resource<Response>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl files::Host for State {
    async fn list(&mut self, folder: String) -> Result<Result<Vec<files::Entry>, files::FileError>> {
        self.work()?;
        let entry = |entry: file::Entry| files::Entry { path: entry.path, size: entry.size, modified_ms: entry.modified_ms };
        let listed = file::list(&self.run, &folder).await;
        Ok(listed.map(|entries| entries.into_iter().map(entry).collect()).map_err(file_error))
    }

    async fn open(&mut self, path: String, compression: files::Compression) -> Result<Result<Resource<Reader>, files::FileError>> {
        self.work()?;
        Ok(match file::open(&self.run, &path, packing(compression)).await {
            Ok(reader) => Ok(self.table.push(reader)?),
            Err(error) => Err(file_error(error)),
        })
    }

    async fn replace(&mut self, path: String, compression: files::Compression) -> Result<Result<Resource<Writer>, files::FileError>> {
        self.work()?;
        let opened = file::replace(&self.run, &path, packing(compression)).await;
        self.keep_writer(opened)
    }

    async fn append(&mut self, path: String, compression: files::Compression) -> Result<Result<Resource<Writer>, files::FileError>> {
        self.work()?;
        let opened = file::append(&self.run, &path, packing(compression)).await;
        self.keep_writer(opened)
    }
}

impl State {
    fn keep_writer(&mut self, opened: Result<Writer, FileError>) -> Result<Result<Resource<Writer>, files::FileError>> {
        Ok(match opened {
            Ok(writer) => Ok(self.table.push(writer)?),
            Err(error) => Err(file_error(error)),
        })
    }
}

impl files::HostReader for State {
    async fn read(&mut self, this: Resource<Reader>, max: u32) -> Result<Result<Option<Vec<u8>>, files::FileError>> {
        self.work()?;
        Ok(self.table.get_mut(&this)?.read(&self.run, max).await.map_err(file_error))
    }

    async fn drop(&mut self, this: Resource<Reader>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl files::HostWriter for State {
    async fn write(&mut self, this: Resource<Writer>, bytes: Vec<u8>) -> Result<Result<(), files::FileError>> {
        self.work()?;
        Ok(self.table.get_mut(&this)?.write(&self.run, bytes).await.map_err(file_error))
    }

    async fn sync(&mut self, this: Resource<Writer>) -> Result<Result<(), files::FileError>> {
        self.work()?;
        Ok(self.table.get_mut(&this)?.sync(&self.run).await.map_err(file_error))
    }

    async fn finish(&mut self, this: Resource<Writer>) -> Result<Result<(), files::FileError>> {
        self.work()?;
        Ok(self.table.get_mut(&this)?.finish(&self.run).await.map_err(file_error))
    }

    async fn drop(&mut self, this: Resource<Writer>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

/// The guest learns that it must end, not why: the reason may name what it must not know.
pub(super) fn ended(_ended: Ended) -> types::Error {
    types::Error::Cancelled
}

fn fetch_error(error: FetchError) -> http::FetchError {
    match error {
        FetchError::Ended(ended) => http::FetchError::Denied(ended.0.code.id().to_owned()),
        FetchError::Timeout => http::FetchError::Timeout,
        FetchError::TooLarge(limit) => http::FetchError::TooLarge(limit),
        FetchError::Dns(text) => http::FetchError::Dns(text),
        FetchError::Tls(text) => http::FetchError::Tls(text),
        FetchError::Transport(text) => http::FetchError::Transport(text),
        FetchError::Malformed(text) => http::FetchError::Malformed(text),
        FetchError::Credential { config, message } => http::FetchError::Credential(http::CredentialFault { config, message }),
    }
}

fn file_error(error: FileError) -> files::FileError {
    match error {
        FileError::Ended(ended) => files::FileError::Denied(ended.0.code.id().to_owned()),
        FileError::NotFound(text) => files::FileError::NotFound(text),
        FileError::TooLarge(limit) => files::FileError::TooLarge(limit),
        FileError::Failed(text) => files::FileError::Failed(text),
    }
}

fn fetch(request: http::Request) -> web::Fetch {
    web::Fetch {
        method: method(request.method),
        url: request.url,
        headers: request.headers.into_iter().map(|header| (header.name, header.value)).collect(),
        body: request.body,
        credential: request.credential,
        timeout_ms: request.timeout_ms,
    }
}

fn method(method: http::Method) -> Method {
    match method {
        http::Method::Get => Method::Get,
        http::Method::Head => Method::Head,
        http::Method::Post => Method::Post,
        http::Method::Put => Method::Put,
        http::Method::Patch => Method::Patch,
        http::Method::Delete => Method::Delete,
        http::Method::Options => Method::Options,
        http::Method::Report => Method::Report,
        http::Method::Propfind => Method::Propfind,
    }
}

fn packing(compression: files::Compression) -> Compression {
    match compression {
        files::Compression::None => Compression::None,
        files::Compression::Gzip => Compression::Gzip,
    }
}

fn severity(level: types::Level) -> capability::runtime::Level {
    match level {
        types::Level::Debug => capability::runtime::Level::Debug,
        types::Level::Info => capability::runtime::Level::Info,
        types::Level::Warn => capability::runtime::Level::Warn,
        types::Level::Error => capability::runtime::Level::Error,
    }
}

pub(super) fn ack(accepted: Accepted) -> sink::Ack {
    sink::Ack { accepted: accepted.accepted, rejected: accepted.rejected, dropped_fields: accepted.dropped_fields }
}

fn page_ack(page: capability::PageAccepted) -> pages::PageAck {
    let observed = page.observed.into_iter();
    let observed =
        observed.map(|seen| pages::Observed { field: seen.field, first: seen.first, last: seen.last, min: seen.min, max: seen.max });
    pages::PageAck { ack: ack(page.accepted), extracted: page.extracted, observed: observed.collect() }
}
