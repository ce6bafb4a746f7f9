//! The only outbound socket. Sends what the gate cleared, follows redirects by asking again, and connects to cleared addresses only.
//!
//! Does not decide and does not audit (see `gate`). There is one client per origin, because a connection's clearance belongs to an origin:
//! its resolver asks the gate for each address and hands out those alone, so what was checked is what is connected to.

mod client;
mod credential;
mod failure;
mod keystore;
mod lowcode;
mod message;
mod pace;
mod ready;

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hub_core::manifest::{Origin, Rate, Region};
use hub_core::policy::ask::Redirect;
use hub_core::policy::{self, origin_of};
use hub_core::problem::{Code, Problem};
use hub_lowcode::auth::Injection;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use url::Url;

pub use client::{Connection, Lookup, SystemLookup, Witness};
pub use credential::Credentials;
pub(crate) use credential::{read_bounded, read_secret};
pub use failure::SendError;
pub(crate) use keystore::identity;
pub use lowcode::{Keeper, SecretFiles};
pub use message::{HeaderFault, Method, Request, Response, check_headers, take_own_headers};

use crate::clock::Clock;
use crate::gate::{Cleared, Gate};
use client::OriginClient;

/// The greatest body of a response.
pub const MAX_BODY_BYTES: u64 = 64 << 20;
/// The greatest sum of a response's headers.
pub const MAX_HEADER_BYTES: usize = 64 << 10;
/// Bodies that one instance may hold at the same time.
const MAX_HELD_BYTES: u64 = 256 << 20;
const MAX_REDIRECTS: usize = 10;

/// The way out for one system in one run.
pub struct Egress {
    system: Arc<str>,
    gate: Arc<Gate>,
    credentials: Credentials,
    lookup: Arc<dyn Lookup>,
    clock: Arc<dyn Clock>,
    region: Option<Region>,
    pace: Option<Arc<pace::Pace>>,
    clients: Mutex<HashMap<Origin, Arc<OriginClient>>>,
    held: Arc<AtomicU64>,
}

impl Egress {
    /// For one system and one run.
    #[must_use]
    pub fn new(system: Arc<str>, gate: Arc<Gate>, credentials: Credentials, lookup: Arc<dyn Lookup>, clock: Arc<dyn Clock>) -> Self {
        Self { system, gate, credentials, lookup, clock, region: None, pace: None, clients: Mutex::default(), held: Arc::default() }
    }

    /// With the region that answers have to prove.
    #[must_use]
    pub fn in_region(self, region: Option<Region>) -> Self {
        Self { region, ..self }
    }

    /// Not faster than a rate, which all runs of the process share.
    #[must_use]
    pub fn paced(self, rate: Option<Rate>) -> Self {
        Self { pace: rate.map(|rate| pace::shared(&self.system, rate)), ..self }
    }

    /// Sends a request and waits for the whole answer, redirects included.
    ///
    /// # Errors
    /// See [`SendError`]. Texts hold no URL and no secret.
    pub async fn send(&self, request: Cleared<Request>, timeout: Duration) -> Result<Response, SendError> {
        self.send_ready(request, timeout).await.map_err(|error| error.map_text(|text| self.credentials.redact(text)))
    }

    /// The cleared addresses of a server that is no HTTP server: a database.
    ///
    /// # Errors
    /// [`SendError::Denied`] and [`SendError::Dns`].
    pub async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, SendError> {
        client::cleared_addresses(&self.system, &self.gate, &self.lookup, url).await
    }

    /// The address that a guest means: secrets of a low-code connector in the place of their placeholders.
    #[must_use]
    pub fn meant(&self, url: Url) -> Option<Url> {
        match self.credentials.low_code() {
            Some(low_code) => low_code.url(&url),
            None => Some(url),
        }
    }

    /// Whether guests of this system write requests as a foreign manifest has them: a login in a header is a placeholder there.
    #[must_use]
    pub fn is_low_code(&self) -> bool {
        self.credentials.low_code().is_some()
    }

    /// The header that a credential of this system is sent in, in lower case; the guest may not set it.
    pub fn owned_headers(&self) -> impl Iterator<Item = String> {
        self.credentials.header_names()
    }

    /// `put`: what a low-code credential adds, at every hop that it is bound to.
    async fn follow(&self, mut request: Cleared<Request>, put: Option<&Injection>, is_blackened: bool) -> Result<Response, SendError> {
        let had_body = request.get().body.is_some();
        let asked = self.lookup.witness().map(|witness| (witness, self.revealed(request.get())));
        for hop in 0..=MAX_REDIRECTS {
            let sent = request.into_inner();
            // A redirect names its query itself, and one that takes the body away takes away what the credential adds to it.
            let parts = lowcode::Parts { query: hop == 0, body: hop == 0 || (had_body && sent.body.is_some()) };
            let answer = self.exchange(&sent, put, parts).await?;
            let Some(location) = redirect_target(answer.status(), answer.headers()) else {
                let answer = self.receive(answer, is_blackened).await?;
                if let Some((witness, asked)) = &asked {
                    witness.answered(asked, &answer, !is_blackened);
                }
                return Ok(answer);
            };
            let Some(next) = self.redirected(sent, answer.status(), &location) else {
                return Err(SendError::Transport("the server redirects to something that is not a URL".to_owned()));
            };
            request = self.gate.clear(next).await.map_err(SendError::Denied)?;
        }
        Err(SendError::Transport(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// As it is sent, but for what a credential adds.
    fn revealed(&self, request: &Request) -> Request {
        let mut request = request.clone();
        if let Some(low_code) = self.credentials.low_code() {
            low_code.reveal(&mut request);
        }
        request
    }

    /// One request, one answer without its body.
    async fn exchange(&self, request: &Request, put: Option<&Injection>, parts: lowcode::Parts) -> Result<reqwest::Response, SendError> {
        if let Some(pace) = &self.pace {
            pace.wait().await;
        }
        let detour = self.lookup.detour(&request.url);
        let client = self.client(request, detour.as_ref()).await?;
        let mut request = Cow::Borrowed(request);
        if let Some(low_code) = self.credentials.low_code() {
            low_code.reveal(request.to_mut());
        }
        let mut headers = HeaderMap::new();
        match (&request.credential, put) {
            (None, _) => {}
            (Some(_), Some(put)) => lowcode::inject(put, request.to_mut(), parts)?,
            (Some(name), None) => {
                let header = self.credentials.header(name);
                let (name, value) = header.ok_or_else(|| SendError::Invalid("the credential is not at hand".to_owned()))?;
                headers.insert(name, value);
            }
        }
        let mut all = message::outgoing(&request.headers)?;
        all.extend(headers);
        // What the credential put into the query goes along.
        let target = if detour.is_some() { self.lookup.detour(&request.url) } else { None };
        let is_detour = target.is_some();
        let mut outgoing = client.http.request(request.method.name(), target.unwrap_or_else(|| request.url.clone())).headers(all);
        if let Some(body) = &request.body {
            outgoing = outgoing.body(body.clone());
        }
        let answer = match outgoing.send().await {
            Ok(answer) => answer,
            Err(error) => return Err(self.unanswered(&request, &error).await),
        };
        match answer.remote_addr() {
            Some(remote) if is_detour || client.is_cleared(remote.ip()) => self.placed(&request, answer).await,
            _ => Err(SendError::Denied(self.gate.denied(&self.system, elsewhere(&self.system)).await)),
        }
    }

    /// A server that cannot prove who it is ends the run; every other failure is the connector's to handle.
    async fn unanswered(&self, request: &Request, error: &reqwest::Error) -> SendError {
        match failure::distrust(error) {
            Some(reason) => {
                let host = request.url.host_str().unwrap_or("?");
                SendError::Denied(self.gate.denied(&self.system, distrusted(&self.system, host, reason)).await)
            }
            None => failure::classify(error),
        }
    }

    /// The answer, if it comes from where the manifest says. Redirects too: whoever sends one has had the request.
    async fn placed(&self, request: &Request, answer: reqwest::Response) -> Result<reqwest::Response, SendError> {
        let Some(region) = &self.region else { return Ok(answer) };
        let values: Vec<&str> =
            answer.headers().get_all(&region.header.value).iter().map(|value| value.to_str().unwrap_or_default()).collect();
        match policy::elsewhere(&self.system, region, &request.url, &values) {
            None => Ok(answer),
            Some(refusal) => Err(SendError::Denied(self.gate.denied(&self.system, refusal.problem()).await)),
        }
    }

    /// The client of the request's origin. Its first use asks for a literal address, which no resolver sees.
    async fn client(&self, request: &Request, detour: Option<&Url>) -> Result<Arc<OriginClient>, SendError> {
        let url = detour.unwrap_or(&request.url);
        let origin = origin_of(url).ok_or_else(|| SendError::Invalid("the URL has no host".to_owned()))?;
        if let Some(client) = self.clients().get(&origin) {
            return Ok(Arc::clone(client));
        }
        let client = OriginClient::new(&self.system, &self.gate, &self.lookup, url)?;
        if detour.is_none() {
            client.clear_literal().await.map_err(SendError::Denied)?;
        }
        Ok(Arc::clone(self.clients().entry(origin).or_insert_with(|| Arc::new(client))))
    }

    fn clients(&self) -> std::sync::MutexGuard<'_, HashMap<Origin, Arc<OriginClient>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a browser would send next, less what must not leave the origin.
    fn redirected(&self, sent: Request, status: StatusCode, location: &str) -> Option<Request> {
        let mut url = sent.url.join(location).ok()?;
        url.set_fragment(None);
        let same_origin = origin_of(&url) == origin_of(&sent.url);
        let becomes_get = match status.as_u16() {
            301 | 302 => sent.method == Method::Post,
            303 => !matches!(sent.method, Method::Get | Method::Head),
            _ => false,
        };
        let had_credential = sent.credential.is_some();
        let credential = sent.credential.filter(|name| {
            let is_bound = origin_of(&url).is_some_and(|origin| self.credentials.is_bound(name, &origin));
            // Nobody bound a low-code credential to single origins: it stays where it was sent.
            is_bound && (same_origin || self.credentials.has_binding(name))
        });
        // A low-code connector may have put a secret anywhere into its request.
        let with_credential = had_credential || self.is_low_code();
        let redirect = Some(Redirect { from: sent.url, with_credential });
        let mut headers = sent.headers;
        headers.retain(|(name, _)| message::survives_redirect(name, same_origin, becomes_get));
        let (method, body) = if becomes_get { (Method::Get, None) } else { (sent.method, sent.body) };
        Some(Request { system: sent.system, url, method, headers, body, credential, redirect })
    }

    async fn receive(&self, mut answer: reqwest::Response, is_blackened: bool) -> Result<Response, SendError> {
        let status = answer.status().as_u16();
        let headers = message::incoming(answer.headers(), |text| self.credentials.redact(text))?;
        if answer.content_length().is_some_and(|length| length > MAX_BODY_BYTES) {
            return Err(SendError::TooLarge(MAX_BODY_BYTES));
        }
        let mut hold = Hold { held: Arc::clone(&self.held), bytes: 0 };
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failure::classify(&error))? {
            if body.len() as u64 + chunk.len() as u64 > MAX_BODY_BYTES || !hold.add(chunk.len()) {
                return Err(SendError::TooLarge(MAX_BODY_BYTES));
            }
            body.extend_from_slice(&chunk);
        }
        if is_blackened {
            self.credentials.redact_bytes(&mut body);
        }
        Ok(Response { status, headers, body: Bytes::from(body), issued: None, _hold: hold })
    }
}

fn redirect_target(status: StatusCode, headers: &HeaderMap) -> Option<String> {
    let redirects = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    redirects.then(|| headers.get(LOCATION)?.to_str().ok().map(str::to_owned)).flatten()
}

fn elsewhere(system: &str) -> Problem {
    let title = format!("a connection of system `{system}` ended at an address that was not cleared");
    Problem::new(Code::E204, title, "look for a proxy or a rewritten route on this machine")
}

fn distrusted(system: &str, host: &str, reason: &str) -> Problem {
    let title = format!("the certificate of `{host}`, which system `{system}` wants to reach, cannot be trusted: {reason}");
    let help = "have the certificate mended at the server; an authority of your own goes to the certificates of this machine";
    Problem::new(Code::E402, title, help)
}

/// Share of the memory that bodies of one instance may take; given back when the response is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    held: Arc<AtomicU64>,
    bytes: u64,
}

impl Hold {
    fn add(&mut self, bytes: usize) -> bool {
        let bytes = bytes as u64;
        self.bytes += bytes;
        self.held.fetch_add(bytes, Ordering::Relaxed) + bytes <= MAX_HELD_BYTES
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
