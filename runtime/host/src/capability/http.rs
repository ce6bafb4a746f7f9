//! `http`: one request and a handle of its answer. The body stays here; reading it in the guest is a grant of its own.
//!
//! Checks the form of a request, then asks the gate. Sends nothing itself (see `egress`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use hub_core::policy::ask::Ask;
use hub_core::problem::{Code, Problem};
use tokio::task::JoinHandle;
use url::Url;

use super::pointer::{self, Found, Malformed};
use super::run::{Ended, Run};
use crate::egress::{self, Method, SendError};
use crate::gate::{Asks, Cleared};

const MAX_URL_BYTES: usize = 8 << 10;
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 16 << 10;
const MAX_BODY_BYTES: usize = 4 << 20;
const MAX_NAME_BYTES: usize = 1 << 10;
const MAX_POINTED_BYTES: usize = 64 << 10;
const MAX_CHUNK_BYTES: usize = 1 << 20;
const MAX_REQUESTS: usize = 256;
/// Requests of `fetch_many`, and those under way.
const AT_ONCE: usize = 16;
const DEFAULT_TIMEOUT_MS: u32 = 30_000;
const MAX_TIMEOUT_MS: u32 = 120_000;

/// A request as a guest gives it.
#[derive(Debug)]
pub struct Fetch {
    /// What is to be done.
    pub method: Method,
    /// Where.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<Vec<u8>>,
    /// Name of a credential binding.
    pub credential: Option<String>,
    /// None = 30 s.
    pub timeout_ms: Option<u32>,
}

/// Why there is no response, or no part of one.
#[derive(Clone, Debug)]
pub enum FetchError {
    /// The run has ended.
    Ended(Ended),
    /// The time was up.
    Timeout,
    /// The limit in bytes.
    TooLarge(u64),
    /// No such name.
    Dns(String),
    /// No trust.
    Tls(String),
    /// Anything else on the way.
    Transport(String),
    /// The request, the body or the pointer is not well formed.
    Malformed(String),
    /// The credential could not be made ready.
    Credential {
        /// The configuration is at fault.
        config: bool,
        /// What happened, without a secret.
        message: String,
    },
}

impl From<Ended> for FetchError {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl From<Malformed> for FetchError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.0.to_owned())
    }
}

/// A body wants to go into the sandbox.
#[derive(Debug)]
pub struct BodyRead {
    pub(super) system: Arc<str>,
}

impl Asks for BodyRead {
    fn ask(&self) -> Ask<'_> {
        Ask::ReadBody { system: &self.system }
    }
}

/// Sends one request and waits for the whole response.
///
/// # Errors
/// See [`FetchError`].
pub async fn fetch(run: &Run, request: Fetch) -> Result<Response, FetchError> {
    run.going()?;
    let timeout = Duration::from_millis(u64::from(request.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS).min(MAX_TIMEOUT_MS)));
    let cargo = cargo(run, request).await?;
    let cleared = run.clear(cargo).await?;
    let answer = run.egress.send(cleared, timeout).await.map_err(|error| failed(run, error))?;
    Ok(Response { answer, position: 0 })
}

/// Sends several requests, 16 at once; answers in their order.
pub async fn fetch_many(run: &Run, requests: Vec<Fetch>) -> Vec<Result<Response, FetchError>> {
    let count = requests.len();
    if let Err(ended) = run.within("a number of requests", count, MAX_REQUESTS).await {
        return (0..count).map(|_| Err(FetchError::Ended(ended.clone()))).collect();
    }
    futures::stream::iter(requests).map(|request| fetch(run, request)).buffered(AT_ONCE).collect().await
}

/// A request in the background. Dropping it abandons the request.
pub struct Pending {
    run: Arc<Run>,
    answer: JoinHandle<Result<Response, FetchError>>,
}

/// Begins to send a request. Everything that may be wrong with it is told by [`Pending::wait`], but for too many requests under way (E306).
pub async fn start(run: &Arc<Run>, request: Fetch) -> Pending {
    let count = run.under_way.fetch_add(1, Ordering::Relaxed) + 1;
    let within = run.within("a number of requests under way", count, AT_ONCE).await;
    let own = Arc::clone(run);
    let answer = tokio::spawn(async move {
        within?;
        fetch(&own, request).await
    });
    Pending { run: Arc::clone(run), answer }
}

impl Pending {
    /// Waits for the whole response.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn wait(mut self) -> Result<Response, FetchError> {
        let answer = (&mut self.answer).await;
        answer.unwrap_or_else(|_| Err(FetchError::Transport("the request was abandoned".to_owned())))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.run.under_way.fetch_sub(1, Ordering::Relaxed);
        self.answer.abort();
    }
}

/// The request as policy can judge it: every size within its limit, every header the guest's own.
async fn cargo(run: &Run, request: Fetch) -> Result<egress::Request, FetchError> {
    let Fetch { method, url, mut headers, body, credential, .. } = request;
    run.within("a URL in bytes", url.len(), MAX_URL_BYTES).await?;
    run.within("a number of headers", headers.len(), MAX_HEADERS).await?;
    run.within("headers in bytes", headers.iter().map(|(name, value)| name.len() + value.len()).sum(), MAX_HEADER_BYTES).await?;
    run.within("a body in bytes", body.as_ref().map_or(0, Vec::len), MAX_BODY_BYTES).await?;
    run.within("a credential name in bytes", credential.as_ref().map_or(0, String::len), MAX_NAME_BYTES).await?;
    let checked = if run.egress.is_low_code() {
        egress::take_own_headers(&mut headers)
    } else {
        egress::check_headers(&mut headers, run.egress.owned_headers())
    };
    if let Err(fault) = checked {
        return Err(header_fault(run, fault).await);
    }
    let url = Url::parse(&url).ok().and_then(|url| run.egress.meant(url));
    let mut url = url.ok_or_else(|| FetchError::Malformed("the URL is not an absolute URL".to_owned()))?;
    url.set_fragment(None);
    let body = body.map(Bytes::from);
    Ok(egress::Request { system: Arc::clone(&run.system), url, method, headers, body, credential, redirect: None })
}

async fn header_fault(run: &Run, fault: egress::HeaderFault) -> FetchError {
    match fault {
        egress::HeaderFault::Malformed => FetchError::Malformed("a header is malformed".to_owned()),
        egress::HeaderFault::Reserved(code, name) => {
            let title = format!("the connector of system `{}` set the header `{name}`, which belongs to the host", run.system);
            let help = if code == Code::E309 { "name a credential binding in the request instead" } else { "leave the header to the host" };
            run.refuse(Problem::new(code, title, help)).await.into()
        }
    }
}

fn failed(run: &Run, error: SendError) -> FetchError {
    match error {
        SendError::Denied(problem) => run.end(problem).into(),
        SendError::Timeout => FetchError::Timeout,
        SendError::TooLarge(limit) => FetchError::TooLarge(limit),
        SendError::Dns(text) => FetchError::Dns(text),
        SendError::Tls(text) => FetchError::Tls(text),
        SendError::Transport(text) => FetchError::Transport(text),
        SendError::Invalid(text) => FetchError::Malformed(text),
        SendError::Credential { config, message } => FetchError::Credential { config, message },
    }
}

/// A response whose body stays in the host.
#[derive(Debug)]
pub struct Response {
    answer: egress::Response,
    position: usize,
}

impl Response {
    /// Status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// Names in lower case and values.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.answer.headers
    }

    /// The first header of a name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Gets a new token in the place of a rejected one. False: the request went out with nothing that can be renewed.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn renew(&self, run: &Run) -> Result<bool, FetchError> {
        run.going()?;
        match &self.answer.issued {
            Some(issued) => run.egress.renew(issued).await.map_err(|error| failed(run, error)),
            None => Ok(false),
        }
    }

    /// The whole body, for the blind path; never for the guest.
    pub(super) fn body(&self) -> Bytes {
        self.answer.body.clone()
    }

    /// How long a look into the body may take, counted in its bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.answer.body.len()
    }

    /// JSON text of the value at a pointer. What lies in an array, or holds one, needs the grant to read bodies.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn pointer(&self, run: &Run, path: &str) -> Result<Option<String>, FetchError> {
        let Some(found) = self.find(run, path).await? else { return Ok(None) };
        if found.inside_array || (found.is_container() && found.holds_array()) {
            run.clear(self.wish(run)).await?.into_inner();
        }
        if found.text.len() > MAX_POINTED_BYTES {
            return Err(FetchError::TooLarge(MAX_POINTED_BYTES as u64));
        }
        let checked: &serde_json::value::RawValue =
            serde_json::from_slice(found.text).map_err(|_| FetchError::Malformed("the value is not JSON".to_owned()))?;
        Ok(Some(checked.get().to_owned()))
    }

    /// Number of elements of the array at a pointer.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn length(&self, run: &Run, path: &str) -> Result<Option<u32>, FetchError> {
        match self.find(run, path).await? {
            Some(found) => Ok(found.length()?),
            None => Ok(None),
        }
    }

    /// The next chunk of the body, none at its end. Needs the grant.
    ///
    /// # Errors
    /// E310, or an earlier refusal.
    pub async fn read(&mut self, run: &Run, max: u32) -> Result<Option<Vec<u8>>, FetchError> {
        let clearance = run.clear(self.wish(run)).await?;
        Ok(self.chunk(clearance, max as usize))
    }

    fn chunk(&mut self, _clearance: Cleared<BodyRead>, max: usize) -> Option<Vec<u8>> {
        let rest = self.answer.body.get(self.position..).filter(|rest| !rest.is_empty())?;
        let chunk = rest[..rest.len().min(max.clamp(1, MAX_CHUNK_BYTES))].to_vec();
        self.position += chunk.len();
        Some(chunk)
    }

    fn wish(&self, run: &Run) -> BodyRead {
        BodyRead { system: Arc::clone(&run.system) }
    }

    async fn find(&self, run: &Run, path: &str) -> Result<Option<Found<'_>>, FetchError> {
        run.going()?;
        run.within("a pointer in bytes", path.len(), MAX_NAME_BYTES).await?;
        Ok(pointer::find(&self.answer.body, path)?)
    }
}
