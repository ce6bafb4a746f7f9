//! Requests and responses: what a guest may put into one and what it gets out of the other. Sends nothing.

use bytes::Bytes;
use hub_core::policy::ask::{Ask, Redirect, Target};
use hub_core::problem::Code;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::Url;

use super::lowcode::Issued;
use super::{Hold, MAX_HEADER_BYTES, SendError};
use crate::gate::Asks;
use std::sync::Arc;

/// A request that somebody wants to send.
#[derive(Clone, Debug)]
pub struct Request {
    /// System whose connector asks.
    pub system: Arc<str>,
    /// Where it goes; absolute.
    pub url: Url,
    /// What is to be done there.
    pub method: Method,
    /// Names in lower case and values, checked by [`check_headers`].
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Bytes>,
    /// Name of the credential to be injected.
    pub credential: Option<String>,
    /// What redirected there; none for a request that a connector makes.
    pub redirect: Option<Redirect>,
}

impl Asks for Request {
    fn ask(&self) -> Ask<'_> {
        let url = Target::new(&self.url, self.redirect.as_ref());
        Ask::Send { system: &self.system, url, credential: self.credential.as_deref() }
    }
}

/// Methods of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are HTTP's own names")]
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

impl Method {
    /// As it is written in a request.
    #[must_use]
    pub fn name(self) -> reqwest::Method {
        match self {
            Self::Get => reqwest::Method::GET,
            Self::Head => reqwest::Method::HEAD,
            Self::Post => reqwest::Method::POST,
            Self::Put => reqwest::Method::PUT,
            Self::Patch => reqwest::Method::PATCH,
            Self::Delete => reqwest::Method::DELETE,
            Self::Options => reqwest::Method::OPTIONS,
            Self::Report => registered("REPORT"),
            Self::Propfind => registered("PROPFIND"),
        }
    }
}

/// A method of the IANA registry that the library has no constant for. Such a name is always well-formed.
fn registered(name: &str) -> reqwest::Method {
    reqwest::Method::from_bytes(name.as_bytes()).unwrap_or_default()
}

/// An answer with its whole body.
#[derive(Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Names in lower case and values, without cookies and secrets.
    pub headers: Vec<(String, String)>,
    /// The body, secrets blackened.
    pub body: Bytes,
    /// The credential that it was sent with, if that can be renewed.
    pub(crate) issued: Option<Issued>,
    pub(crate) _hold: Hold,
}

/// Headers that carry a login: a connector names a credential instead.
const LOGIN_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-forwarded-authorization"];
/// Headers that say where a message goes, where it ends, or who sent it: the host's.
const HOST_HEADERS: [&str; 15] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
];
/// What goes along to another origin.
const TRAVELLING_HEADERS: [&str; 4] = ["accept", "accept-language", "content-type", "user-agent"];

/// A header that a guest may not set: the rule, and its name if it is a name that can be shown.
#[derive(Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// It belongs to the host.
    Reserved(Code, String),
    /// It is not a header.
    Malformed,
}

/// Puts names into lower case and looks for those that belong to the host. `owned`: the headers that credentials are sent in.
///
/// # Errors
/// The first fault.
pub fn check_headers(headers: &mut [(String, String)], mut owned: impl Iterator<Item = String>) -> Result<(), HeaderFault> {
    let owned: Vec<String> = owned.by_ref().collect();
    for (name, value) in headers {
        name.make_ascii_lowercase();
        if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err() {
            return Err(HeaderFault::Malformed);
        }
        if LOGIN_HEADERS.contains(&name.as_str()) || owned.contains(name) {
            return Err(HeaderFault::Reserved(Code::E309, name.clone()));
        }
        if is_the_hosts(name) {
            return Err(HeaderFault::Reserved(Code::E204, name.clone()));
        }
    }
    Ok(())
}

/// As [`check_headers`] for a low-code connector: what belongs to the host is left out, a login stays, since it holds placeholders at most.
///
/// # Errors
/// What is no header.
pub fn take_own_headers(headers: &mut Vec<(String, String)>) -> Result<(), HeaderFault> {
    for (name, value) in headers.iter_mut() {
        name.make_ascii_lowercase();
        if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err() {
            return Err(HeaderFault::Malformed);
        }
    }
    headers.retain(|(name, _)| !is_the_hosts(name));
    Ok(())
}

fn is_the_hosts(name: &str) -> bool {
    HOST_HEADERS.contains(&name) || name.starts_with("proxy-") || name.starts_with("sec-")
}

pub(super) fn survives_redirect(name: &str, same_origin: bool, becomes_get: bool) -> bool {
    (same_origin || TRAVELLING_HEADERS.contains(&name)) && !(becomes_get && name.starts_with("content-"))
}

/// The guest's headers and the host's own. Compression stays off: an unpacked size would have no limit.
pub(super) fn outgoing(headers: &[(String, String)]) -> Result<HeaderMap, SendError> {
    let mut map = HeaderMap::with_capacity(headers.len() + 3);
    map.insert(USER_AGENT, HeaderValue::from_static(concat!("hub/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in headers {
        let wrong = || SendError::Invalid("a header is malformed".to_owned());
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        if name == USER_AGENT {
            map.insert(name, value);
        } else {
            map.append(name, value);
        }
    }
    map.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(map)
}

/// The answer's headers for the guest: no cookies, secrets blackened, bounded in sum.
pub(super) fn incoming(headers: &HeaderMap, redact: impl Fn(&str) -> String) -> Result<Vec<(String, String)>, SendError> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > MAX_HEADER_BYTES {
        return Err(SendError::TooLarge(MAX_HEADER_BYTES as u64));
    }
    let kept = headers.iter().filter(|(name, _)| !matches!(name.as_str(), "set-cookie" | "set-cookie2"));
    Ok(kept.map(|(name, value)| (name.as_str().to_owned(), redact(&String::from_utf8_lossy(value.as_bytes())))).collect())
}
