//! Outbound HTTP through the host. The body stays there: a connector steers by pointers; reading a body is a grant of its own.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{self, Read};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, host};

/// The most that one read of a body brings over, in bytes.
const CHUNK_BYTES: u32 = 256 << 10;

/// Request methods.
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

/// One request: `Request::get(url).query("page", 2).credential("crm").send()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) credential: Option<String>,
    pub(crate) timeout: Option<Duration>,
}

impl Request {
    /// A request with this method to this absolute URL.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: None, credential: None, timeout: None }
    }

    /// GET.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::Get, url)
    }

    /// POST.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::Post, url)
    }

    /// Adds a parameter to the query, percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.url.push(if self.url.contains('?') { '&' } else { '?' });
        encode(&mut self.url, name);
        self.url.push('=');
        encode(&mut self.url, &value.to_string());
        self
    }

    /// Adds a header. Those that carry a credential, a host or a length are the host's.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The body, at most 4 MiB.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Some(bytes.into());
        self
    }

    /// A JSON body with its content type.
    ///
    /// # Errors
    /// [`Error::Permanent`] if the value does not serialise.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, Error> {
        let bytes =
            serde_json::to_vec(value).map_err(|error| Error::Permanent(format!("a request body cannot be written as JSON: {error}")))?;
        Ok(self.header("content-type", "application/json").body(bytes))
    }

    /// Names the credential binding of the manifest that the host puts in. Without: an anonymous request.
    #[must_use]
    pub fn credential(mut self, name: impl Into<String>) -> Self {
        self.credential = Some(name.into());
        self
    }

    /// How long to wait: 30 s without this, 120 s at most.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The URL as it will be asked for.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The first header of this name, as set by [`Request::header`].
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as it will be sent.
    #[must_use]
    pub fn body_bytes(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// The name of the credential.
    #[must_use]
    pub fn credential_name(&self) -> Option<&str> {
        self.credential.as_deref()
    }

    /// Sends it and waits for the whole response. Any status is a response.
    ///
    /// # Errors
    /// No response: see [`FetchError`].
    pub fn send(&self) -> Result<Response, FetchError> {
        host::fetch(self).map(|handle| Response { handle, url: self.url.clone() })
    }

    /// Sends it in the background. At most 16 may be under way; dropping the handle abandons the request.
    #[must_use]
    pub fn start(&self) -> Pending {
        Pending { handle: host::start(self), url: self.url.clone() }
    }

    /// [`Request::send`] and [`Response::success`] in one.
    ///
    /// # Errors
    /// As these two.
    pub fn send_for_success(&self) -> Result<Response, Error> {
        self.send()?.success()
    }
}

/// Sends up to 16 requests at once; answers in their order.
#[must_use]
pub fn fetch_many(requests: &[Request]) -> Vec<Result<Response, FetchError>> {
    let answers = host::fetch_many(requests);
    answers.into_iter().zip(requests).map(|(answer, request)| answer.map(|handle| Response { handle, url: request.url.clone() })).collect()
}

/// A request under way.
#[derive(Debug)]
pub struct Pending {
    handle: host::Pending,
    url: String,
}

impl Pending {
    /// Waits for the whole response. Any status is a response.
    ///
    /// # Errors
    /// No response: see [`FetchError`].
    pub fn wait(self) -> Result<Response, FetchError> {
        let Self { handle, url } = self;
        handle.wait().map(|handle| Response { handle, url })
    }
}

/// A response whose body is in the host.
#[derive(Debug)]
pub struct Response {
    pub(crate) handle: host::Response,
    url: String,
}

impl Response {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.handle.status()
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        self.handle.headers()
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.handle.header(name)
    }

    /// Lets 2xx pass and names the rest: 401 and 403 are [`Error::Auth`], 408, 429 and 5xx are [`Error::Transient`] with Retry-After,
    /// anything else is [`Error::Permanent`].
    ///
    /// # Errors
    /// As said. The text holds status and address without its query, nothing of the body.
    pub fn success(self) -> Result<Self, Error> {
        let status = self.status();
        if (200..300).contains(&status) {
            return Ok(self);
        }
        let place = self.url.split(['?', '#']).next().unwrap_or_default();
        let message = format!("{place} answered with status {status}");
        Err(match status {
            401 | 403 => Error::Auth(message),
            408 | 429 | 500..=599 => Error::Transient { message, retry_after: self.retry_after() },
            _ => Error::Permanent(message),
        })
    }

    /// The value at an RFC 6901 pointer. None: absent. Needs no grant unless it reaches into an array.
    ///
    /// # Errors
    /// [`Error::SchemaDrift`] if the body is no JSON or the value is of another type.
    pub fn pointer<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Error> {
        let Some(text) = self.handle.pointer(path)? else { return Ok(None) };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|_| Error::SchemaDrift(format!("the value at `{path}` of a response is of another type than expected")))
    }

    /// Number of elements of the array at the pointer. None: absent, or no array. Needs no grant.
    ///
    /// # Errors
    /// [`Error::SchemaDrift`] if the body is no JSON.
    pub fn length(&self, path: &str) -> Result<Option<u32>, Error> {
        Ok(self.handle.length(path)?)
    }

    /// Makes the host get a new token after the remote rejected the credential. True: another try uses another token.
    ///
    /// # Errors
    /// [`FetchError::Credential`] if there is no new token to be had.
    pub fn renew_credential(&self) -> Result<bool, FetchError> {
        self.handle.renew()
    }

    /// The body, to be read in chunks. Needs the read-body grant.
    #[must_use]
    pub fn body(&self) -> Body<'_> {
        Body { handle: &self.handle, chunk: Vec::new(), position: 0 }
    }

    /// The whole body as JSON. Needs the read-body grant; prefer [`crate::Output::page`].
    ///
    /// # Errors
    /// [`Error::SchemaDrift`] if it is not JSON of that type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.handle.read(CHUNK_BYTES)? {
            bytes.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            Error::SchemaDrift(format!("a response body is not of the expected form ({place})"))
        })
    }

    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header("retry-after")?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

/// A body as a [`Read`].
#[derive(Debug)]
pub struct Body<'a> {
    handle: &'a host::Response,
    chunk: Vec<u8>,
    position: usize,
}

impl Read for Body<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position == self.chunk.len() {
            self.chunk = self.handle.read(CHUNK_BYTES).map_err(|error| io::Error::other(Error::from(error)))?.unwrap_or_default();
            self.position = 0;
        }
        let mut rest = self.chunk.get(self.position..).unwrap_or_default();
        let count = rest.read(out)?;
        self.position += count;
        Ok(count)
    }
}

/// Why there is no response, or no part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// Not granted. The run stops: return it.
    Denied(String),
    /// The remote took too long.
    Timeout,
    /// The body is larger than this many bytes.
    TooLarge(u64),
    /// The name could not be resolved.
    Dns(String),
    /// No trustworthy connection.
    Tls(String),
    /// The connection failed.
    Transport(String),
    /// The body is not JSON, or the pointer is not one.
    Malformed(String),
    /// The credential could not be made ready: a login or the exchange of a token failed.
    Credential {
        /// The configuration is wrong; else another try may help.
        config: bool,
        /// What happened.
        message: String,
    },
}

impl fmt::Display for FetchError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, text): (&str, Cow<'_, str>) = match self {
            Self::Denied(text) => ("the host refused the request", text.into()),
            Self::Timeout => ("no answer in time", Cow::Borrowed("")),
            Self::TooLarge(limit) => ("the response is too large", format!("the limit is {limit} bytes").into()),
            Self::Dns(text) => ("the name could not be resolved", text.into()),
            Self::Tls(text) => ("no secure connection", text.into()),
            Self::Transport(text) => ("the connection failed", text.into()),
            Self::Malformed(text) => ("the response is not what was expected", text.into()),
            Self::Credential { message, .. } => ("the credential could not be made ready", message.into()),
        };
        out.write_str(what)?;
        if text.is_empty() { Ok(()) } else { write!(out, ": {text}") }
    }
}

impl std::error::Error for FetchError {}

impl From<FetchError> for Error {
    fn from(error: FetchError) -> Self {
        match &error {
            FetchError::Denied(_) => Self::Cancelled,
            FetchError::Timeout | FetchError::Dns(_) | FetchError::Transport(_) => Self::transient(error.to_string()),
            FetchError::Malformed(_) => Self::SchemaDrift(error.to_string()),
            FetchError::Credential { config: true, .. } => Self::Auth(error.to_string()),
            FetchError::Credential { .. } => Self::transient(error.to_string()),
            FetchError::TooLarge(_) | FetchError::Tls(_) => Self::Permanent(error.to_string()),
        }
    }
}

/// Percent-encodes everything but unreserved characters.
fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn a_query_is_encoded() {
        let request = Request::get("https://a.example/x").query("@page", 2).query("q", "ä;b c");
        assert_eq!(request.url(), "https://a.example/x?%40page=2&q=%C3%A4%3Bb%20c");
    }
}
