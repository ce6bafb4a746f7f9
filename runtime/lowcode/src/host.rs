//! What the engine asks of whoever runs it: the guest's side of the ABI in the sandbox, a plain HTTP client in the conformance tests.

use crate::value::Value;

/// Request methods. The language has no word for the last two, which are WebDAV's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are HTTP's own")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Report,
    Propfind,
}

/// One request, ready to be sent but for its authentication, which the host adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// Absolute, with query.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<Vec<u8>>,
    /// Name of the credential that the host puts in (see `auth`): the place of the authenticator in the manifest. None: anonymous.
    pub credential: Option<String>,
}

/// Why there is no response, or no part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum FetchError {
    /// The host refused it, or the run has ended: stop.
    Ended,
    /// The network's fault; worth another try.
    Transport(String),
    /// Larger than the host allows.
    TooLarge,
    /// The request, the body or the pointer is not well formed.
    Malformed(String),
    /// The credential could not be made ready (login or token refresh failed).
    Credential {
        /// `config_error` if true, else `system_error`.
        config: bool,
        /// What happened, without a secret.
        message: String,
    },
}

/// A request under way.
pub trait Pending {
    /// Waits for its answer.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn wait(self: Box<Self>) -> Result<Box<dyn Response>, FetchError>;
}

/// Records of a page that go to the gate without entering the sandbox.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageRequest {
    /// RFC 6901, to the array or the single object.
    pub pointer: String,
    /// Top-level field and value, added to each record.
    pub constants: Vec<(String, Value)>,
    /// Fields whose first, last, least and greatest value is wanted.
    pub observe: Vec<String>,
}

/// What was seen of one field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Of the first record.
    pub first: Option<Value>,
    /// Of the last record.
    pub last: Option<Value>,
    /// The least, as the gate compares.
    pub min: Option<Value>,
    /// The greatest, as the gate compares.
    pub max: Option<Value>,
}

/// What became of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageOutcome {
    /// Records found.
    pub extracted: u64,
    /// In the order of the request.
    pub observed: Vec<Observed>,
}

/// A response whose body stays with the host until it is asked for.
pub trait Response {
    /// Status code.
    fn status(&self) -> u16;
    /// Names in lower case and values.
    fn headers(&self) -> Vec<(String, String)>;
    /// The value at an RFC 6901 pointer; none = absent.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn pointer(&self, path: &str) -> Result<Option<Value>, FetchError>;
    /// Number of elements of the array at a pointer; none = absent or no array.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn length(&self, path: &str) -> Result<Option<u64>, FetchError>;
    /// The whole body. It enters the sandbox: only for streams that cannot go the blind path.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn body(&self) -> Result<Vec<u8>, FetchError>;
    /// The remote rejected the credential: makes the host get a new token. True: another try uses another token.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn renew_credential(&self) -> Result<bool, FetchError> {
        Ok(false)
    }
    /// The blind path: hands the records under a pointer to the gate of stream number `stream`.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn emit_page(&self, stream: u32, page: &PageRequest) -> Result<PageOutcome, FetchError>;
}

/// Severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are their own explanation")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Everything that the engine needs of the outside.
pub trait Host {
    /// Wall clock, microseconds since 1970. Fixed in replays.
    fn now_micros(&self) -> i64;
    /// Waits; virtual in tests.
    ///
    /// # Errors
    /// [`FetchError::Ended`] if the run is to end.
    fn sleep(&self, seconds: f64) -> Result<(), FetchError>;
    /// Waits since the manifest's API budget allows no call yet: nothing failed.
    ///
    /// # Errors
    /// [`FetchError::Ended`] if the run is to end.
    fn pace(&self, seconds: f64) -> Result<(), FetchError> {
        self.sleep(seconds)
    }
    /// Sends a request; several may be under way.
    fn start(&self, request: &Request) -> Box<dyn Pending>;
    /// Hands over one record of stream number `stream` (implementations buffer).
    ///
    /// # Errors
    /// [`FetchError::Ended`].
    fn emit(&self, stream: u32, record: &Value) -> Result<(), FetchError>;
    /// Everything before is covered by this state.
    ///
    /// # Errors
    /// [`FetchError::Ended`].
    fn checkpoint(&self, stream: u32, state: &Value) -> Result<(), FetchError>;
    /// A line for the operator; never a value of a record.
    fn log(&self, level: Level, message: &str);
    /// The host wants the run to end.
    fn cancelled(&self) -> bool;
}
