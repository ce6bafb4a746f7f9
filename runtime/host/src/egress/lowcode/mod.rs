//! Credentials of a low-code connector: providers built from its manifest and the real configuration, used by the place of an authenticator.
//!
//! Tokens are got here, outside of the sandbox: a provider's own requests take the way of every request (see `Egress`), and its answers end here.
//! Invariant: whatever was got at run time is blackened in everything that goes back to the guest.

mod keeper;
mod placeholder;

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hub_core::manifest::Origin;
use hub_core::policy::origin_of;
use hub_lowcode::auth::{Injection, Provider};
use hub_lowcode::load::Manifest;
use hub_lowcode::model::reader::Reader;
use hub_lowcode::model::requester::read_requester;
use hub_lowcode::value::{Dict, Value};
use url::Url;
use zeroize::Zeroizing;

use super::message::Request;
use super::{Method, SendError};
pub use keeper::{Keeper, SecretFiles};
use placeholder::Placeholders;

/// Requests whose failure is remembered.
const MAX_FAILED: usize = 64;
/// Secrets got at run time that are remembered; more come from an endpoint that gives a new one for each request.
const MAX_TRACES: usize = 1024;

/// Everything that the credentials of a low-code connector are made of.
pub(super) struct LowCode {
    manifest: Manifest,
    config: Mutex<Value>,
    placeholders: Placeholders,
    origins: Vec<Origin>,
    keeper: Option<Arc<dyn Keeper>>,
    entries: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Entry>>>>,
    traces: RwLock<VecDeque<Zeroizing<String>>>,
    /// Held while a token is got: one at a time, whoever wants it.
    pub(super) getting: tokio::sync::Mutex<()>,
}

/// One authenticator in use.
pub(super) struct Entry {
    pub(super) provider: Provider,
    /// What was put in last, and how often that changed.
    last: Option<Injection>,
    pub(super) generation: u64,
    failed: HashSet<u64>,
}

/// With which credential a request went out.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(super) credential: String,
    pub(super) generation: u64,
}

impl LowCode {
    pub(super) fn new(
        manifest: Manifest,
        config: Value,
        placeholders: Vec<(String, Zeroizing<String>)>,
        origins: Vec<Origin>,
        keeper: Option<Arc<dyn Keeper>>,
    ) -> Self {
        Self {
            manifest,
            config: Mutex::new(config),
            placeholders: Placeholders::new(placeholders),
            origins,
            keeper,
            entries: Mutex::default(),
            traces: RwLock::default(),
            getting: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn is_bound(&self, origin: &Origin) -> bool {
        self.origins.contains(origin)
    }

    /// The address that a guest means.
    pub(super) fn url(&self, url: &Url) -> Option<Url> {
        self.placeholders.url(url, |url| origin_of(url).is_some_and(|origin| self.is_bound(&origin)))
    }

    /// The request with the secrets of its headers and its body, for a granted origin.
    pub(super) fn reveal(&self, request: &mut Request) {
        if !origin_of(&request.url).is_some_and(|origin| self.is_bound(&origin)) {
            return;
        }
        for (_, value) in &mut request.headers {
            *value = self.placeholders.header(value);
        }
        let kind = request.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
        if let Some(body) = request.body.as_ref().and_then(|body| self.placeholders.body(body, kind)) {
            request.body = Some(body.into());
        }
    }

    pub(super) fn config(&self) -> Value {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The authenticator at a place; made at its first use.
    pub(super) fn entry(&self, place: &str) -> Result<Arc<tokio::sync::Mutex<Entry>>, SendError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(place) {
            return Ok(Arc::clone(entry));
        }
        let provider = self.provider(place)?;
        let entry = Arc::new(tokio::sync::Mutex::new(Entry { provider, last: None, generation: 0, failed: HashSet::new() }));
        entries.insert(place.to_owned(), Arc::clone(&entry));
        Ok(entry)
    }

    fn provider(&self, place: &str) -> Result<Provider, SendError> {
        let steps: Vec<&str> = place.split('.').collect();
        let requester = match steps.split_last() {
            Some((&"authenticator", above)) => self.manifest.root().at(above),
            _ => None,
        };
        let mut reader = Reader::new();
        let requester = requester.and_then(|node| read_requester(node, &mut reader));
        let authenticator = requester.and_then(|requester| requester.authenticator);
        let authenticator = authenticator.ok_or_else(|| SendError::Invalid("the manifest has no such authenticator".to_owned()))?;
        let made = Provider::new(&authenticator.component, self.config());
        made.map_err(|failed| SendError::Credential { config: failed.config, message: failed.message })
    }

    /// Changes of the configuration that a provider made: for all others, for the next run, and for the traces.
    pub(super) fn take_updates(&self, provider: &mut Provider) -> Result<(), SendError> {
        let updates = provider.take_updates();
        if updates.is_empty() {
            return Ok(());
        }
        {
            let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
            for update in &updates {
                *config = changed(&config, &update.path, update.value.clone());
                // Dates are no secrets, and short of being one they look like ordinary text.
                if update.path.last().is_some_and(|name| !name.contains("date")) {
                    self.trace(&update.value.python_str());
                }
            }
        }
        let Some(keeper) = &self.keeper else { return Ok(()) };
        keeper.keep(&updates).map_err(|reason| SendError::Credential {
            config: false,
            message: format!("the new refresh token could not be stored: {reason}"),
        })
    }

    /// Remembers a text that must not come back.
    pub(super) fn trace(&self, secret: &str) {
        let mut traces = self.traces.write().unwrap_or_else(PoisonError::into_inner);
        if traces.iter().any(|known| known.as_str() == secret) {
            return;
        }
        if traces.len() >= MAX_TRACES {
            traces.pop_front();
        }
        traces.push_back(Zeroizing::new(secret.to_owned()));
    }

    /// All texts that must not come back.
    pub(super) fn traces(&self) -> Vec<Zeroizing<String>> {
        let got = self.traces.read().unwrap_or_else(PoisonError::into_inner);
        self.placeholders.secrets().chain(got.iter()).cloned().collect()
    }
}

impl Entry {
    /// Takes notice of what is put in.
    pub(super) fn ready(&mut self, injection: &Injection) {
        if self.last.as_ref() != Some(injection) {
            self.generation += 1;
            self.last = Some(injection.clone());
        }
    }

    /// Whether this request failed the last time that it was sent.
    pub(super) fn has_failed(&self, request: &Request) -> bool {
        self.failed.contains(&fingerprint(request))
    }

    /// Remembers how a request ended.
    pub(super) fn ended(&mut self, request: &Request, failed: bool) {
        if !failed {
            self.failed.remove(&fingerprint(request));
        } else if self.failed.len() < MAX_FAILED {
            self.failed.insert(fingerprint(request));
        }
    }
}

fn fingerprint(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    (request.url.as_str(), request.method as u8, &request.headers, &request.body).hash(&mut hasher);
    hasher.finish()
}

/// The tree with another value at a path.
fn changed(value: &Value, path: &[String], member: Value) -> Value {
    let Some((step, rest)) = path.split_first() else { return member };
    let mut dict = value.as_dict().cloned().unwrap_or_else(Dict::new);
    let inner = changed(dict.get(step.as_str()).unwrap_or(&Value::None), rest, member);
    dict.insert(step.as_str().into(), inner);
    Value::dict(dict)
}

/// Besides headers, what of a request takes an injection.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    pub(super) query: bool,
    pub(super) body: bool,
}

/// Puts an injection into a request.
pub(super) fn inject(injection: &Injection, request: &mut Request, parts: Parts) -> Result<(), SendError> {
    let mut plain = hub_lowcode::host::Request {
        method: method(request.method),
        url: request.url.to_string(),
        headers: std::mem::take(&mut request.headers),
        body: request.body.as_ref().map(|body| body.to_vec()),
        credential: None,
    };
    let mut injection = injection.clone();
    if !parts.query {
        injection.query.clear();
    }
    if !parts.body {
        injection.form.clear();
        injection.json.clear();
    }
    injection.apply(&mut plain).map_err(|clash| SendError::Credential { config: false, message: clash.to_string() })?;
    request.url = Url::parse(&plain.url).map_err(|_| SendError::Invalid("the credential does not fit into the URL".to_owned()))?;
    request.headers = plain.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    request.body = plain.body.map(Into::into);
    Ok(())
}

/// A provider's own request as one of the system.
pub(super) fn own_request(system: &Arc<str>, request: hub_lowcode::host::Request) -> Result<Request, SendError> {
    let url = Url::parse(&request.url);
    let mut url =
        url.map_err(|_| SendError::Credential { config: true, message: "the address of a login is not an absolute URL".to_owned() })?;
    url.set_fragment(None);
    let headers = request.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let method = match request.method {
        hub_lowcode::host::Method::Get => Method::Get,
        hub_lowcode::host::Method::Head => Method::Head,
        hub_lowcode::host::Method::Post => Method::Post,
        hub_lowcode::host::Method::Put => Method::Put,
        hub_lowcode::host::Method::Patch => Method::Patch,
        hub_lowcode::host::Method::Delete => Method::Delete,
        hub_lowcode::host::Method::Options => Method::Options,
        hub_lowcode::host::Method::Report => Method::Report,
        hub_lowcode::host::Method::Propfind => Method::Propfind,
    };
    Ok(Request { system: Arc::clone(system), url, method, headers, body: request.body.map(Into::into), credential: None, redirect: None })
}

fn method(method: Method) -> hub_lowcode::host::Method {
    match method {
        Method::Get => hub_lowcode::host::Method::Get,
        Method::Head => hub_lowcode::host::Method::Head,
        Method::Post => hub_lowcode::host::Method::Post,
        Method::Put => hub_lowcode::host::Method::Put,
        Method::Patch => hub_lowcode::host::Method::Patch,
        Method::Delete => hub_lowcode::host::Method::Delete,
        Method::Options => hub_lowcode::host::Method::Options,
        Method::Report => hub_lowcode::host::Method::Report,
        Method::Propfind => hub_lowcode::host::Method::Propfind,
    }
}

#[cfg(test)]
mod tests;
