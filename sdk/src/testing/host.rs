//! The fake host's state and what a test can prepare and look at.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde_json::Value;

use crate::files::Compression;
use crate::http::{FetchError, Request};
use crate::runtime::Level;

/// The host of this thread. Making one forgets everything before.
#[derive(Debug)]
pub struct FakeHost {
    _one_thread: PhantomData<*const ()>,
}

/// A prepared response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A JSON body with status 200.
    #[must_use]
    pub fn json(value: &Value) -> Self {
        Self { status: 200, headers: vec![("content-type".into(), "application/json".into())], body: value.to_string().into_bytes() }
    }

    /// An empty body with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// One line that the connector logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Severity.
    pub level: Level,
    /// Text.
    pub message: String,
}

/// Answers a request in place of the network.
pub(crate) type Server = Box<dyn FnMut(&Request) -> Result<Answer, FetchError>>;

/// A file in memory: plain bytes, and how it is said to be stored.
#[derive(Clone)]
pub(crate) struct File {
    pub bytes: Vec<u8>,
    pub compression: Compression,
    pub modified_ms: u64,
}

#[derive(Default)]
pub(crate) struct State {
    pub batches: Vec<(u32, Vec<u8>)>,
    pub deleted: Vec<(u32, Vec<u8>)>,
    pub checkpoints: Vec<(u32, Vec<u8>)>,
    pub logs: Vec<LogLine>,
    pub requests: Vec<Request>,
    pub server: Option<Server>,
    pub folders: Vec<String>,
    pub files: BTreeMap<String, File>,
    pub now_ms: u64,
    pub calls: u64,
    pub sleeps: Vec<Duration>,
    pub under_way: usize,
    pub read_body: bool,
    pub cancel_after_checkpoints: Option<usize>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Looks at or changes the state of this thread's host.
pub(crate) fn with<T>(act: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(act)
}

impl FakeHost {
    /// A host without answers, folders and grants; its clock stands at 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        with(|state| *state = State { now_ms: 1_767_225_600_000, ..State::default() });
        Self { _one_thread: PhantomData }
    }

    /// Answers every request with this function.
    pub fn serve(&self, server: impl FnMut(&Request) -> Result<Answer, FetchError> + 'static) {
        with(|state| state.server = Some(Box::new(server)));
    }

    /// Lets the connector read bodies.
    pub fn grant_read_body(&self) {
        with(|state| state.read_body = true);
    }

    /// Grants a folder for reading and writing.
    pub fn grant_folder(&self, name: &str) {
        with(|state| state.folders.push(name.into()));
    }

    /// Puts a file into a granted folder: `FOLDER/name`, plain bytes.
    pub fn put_file(&self, path: &str, compression: Compression, bytes: &[u8]) {
        with(|state| {
            let modified_ms = state.now_ms;
            state.files.insert(path.into(), File { bytes: bytes.to_vec(), compression, modified_ms });
        });
    }

    /// Sets the wall clock.
    pub fn set_now_ms(&self, now_ms: u64) {
        with(|state| state.now_ms = now_ms);
    }

    /// How long the connector waited, call by call. The clock went on; nobody waited.
    #[must_use]
    pub fn sleeps(&self) -> Vec<Duration> {
        with(|state| state.sleeps.clone())
    }

    /// The host wants the end once it has so many checkpoints.
    pub fn cancel_after_checkpoints(&self, count: usize) {
        with(|state| state.cancel_after_checkpoints = Some(count));
    }

    /// The batches of a stream as they were emitted.
    #[must_use]
    pub fn batches(&self, stream: u32) -> Vec<Vec<u8>> {
        with(|state| state.batches.iter().filter(|(index, _)| *index == stream).map(|(_, batch)| batch.clone()).collect())
    }

    /// The records of a stream.
    #[must_use]
    pub fn records(&self, stream: u32) -> Vec<Value> {
        let all = self.batches(stream).concat();
        serde_json::Deserializer::from_slice(&all).into_iter().map_while(Result::ok).collect()
    }

    /// The keys that a stream reported as deleted.
    #[must_use]
    pub fn deleted(&self, stream: u32) -> Vec<Value> {
        let all = with(|state| {
            state.deleted.iter().filter(|(index, _)| *index == stream).flat_map(|(_, keys)| keys.clone()).collect::<Vec<u8>>()
        });
        serde_json::Deserializer::from_slice(&all).into_iter().map_while(Result::ok).collect()
    }

    /// The states of a stream's checkpoints, oldest first.
    #[must_use]
    pub fn checkpoints(&self, stream: u32) -> Vec<Vec<u8>> {
        with(|state| state.checkpoints.iter().filter(|(index, _)| *index == stream).map(|(_, text)| text.clone()).collect())
    }

    /// What was logged.
    #[must_use]
    pub fn logs(&self) -> Vec<LogLine> {
        with(|state| state.logs.clone())
    }

    /// The requests that were sent.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        with(|state| state.requests.clone())
    }

    /// The plain bytes of a file. None: there is none.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        with(|state| state.files.get(path).map(|file| file.bytes.clone()))
    }
}

impl Default for FakeHost {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("State").field("batches", &self.batches.len()).field("files", &self.files.len()).finish_non_exhaustive()
    }
}
