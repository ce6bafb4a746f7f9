//! The engine's outside in a case: a fixed clock, waits that only are noted, requests to the case's API, records and states kept.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use hub_lowcode::host::{FetchError, Host, Level, Method, Observed, PageOutcome, PageRequest, Pending, Request, Response};
use hub_lowcode::value::Value;

use super::credentials::Credentials;
use super::json;
use super::wire::{Answer, Wire};

/// Longest time for a run.
const RUN: Duration = Duration::from_secs(60);

/// What a run left behind.
#[derive(Default)]
pub struct Kept {
    pub records: RefCell<Vec<serde_json::Value>>,
    pub state: RefCell<Option<serde_json::Value>>,
    pub waits: RefCell<Vec<f64>>,
    pub blind_pages: Cell<u64>,
    pub open_records: Cell<u64>,
}

/// The outside of one run.
#[derive(Clone)]
pub struct Outside(Rc<Inner>);

struct Inner {
    now: i64,
    wire: Rc<Wire>,
    credentials: Credentials,
    begun: Instant,
    open: bool,
    kept: Kept,
}

impl Outside {
    /// `open`: pages are not to be handed on unseen.
    pub fn new(now: i64, wire: Rc<Wire>, credentials: Credentials, open: bool) -> Self {
        Self(Rc::new(Inner { now, wire, credentials, begun: Instant::now(), open, kept: Kept::default() }))
    }

    /// What the run left behind.
    pub fn kept(&self) -> &Kept {
        &self.0.kept
    }

    /// The fixed clock.
    pub fn now(&self) -> i64 {
        self.0.now
    }

    /// Time would pass.
    pub fn note_wait(&self, seconds: f64) {
        self.0.kept.waits.borrow_mut().push(seconds);
    }

    /// Sends a request as it is.
    pub fn send(&self, request: &Request) -> Result<Answer, FetchError> {
        let (scheme, rest) =
            request.url.split_once("://").ok_or_else(|| FetchError::Malformed(format!("no scheme in `{}`", request.url)))?;
        let rest = rest.split('#').next().unwrap_or_default();
        let path = match rest.find(['/', '?']) {
            Some(at) if rest[at..].starts_with('?') => format!("/__o/{scheme}/{}/{}", &rest[..at], &rest[at..]),
            Some(_) => format!("/__o/{scheme}/{rest}"),
            None => format!("/__o/{scheme}/{rest}/"),
        };
        let method = match request.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Report => "REPORT",
            Method::Propfind => "PROPFIND",
        };
        self.0.wire.send(method, &path, &request.headers, request.body.as_deref()).map_err(|error| FetchError::Transport(error.to_string()))
    }

    fn answer(&self, request: &Request) -> Result<Box<dyn Response>, FetchError> {
        if self.cancelled() {
            return Err(FetchError::Ended);
        }
        let ready = self.0.credentials.authenticate(request, self)?;
        let answer = self.send(&ready);
        self.0.credentials.ended(request, answer.as_ref().map_or(true, |answer| answer.status >= 400));
        Ok(Box::new(Page { answer: answer?, parsed: OnceCell::new(), outside: self.clone(), credential: request.credential.clone() }))
    }
}

impl Host for Outside {
    fn now_micros(&self) -> i64 {
        self.0.now
    }

    fn sleep(&self, seconds: f64) -> Result<(), FetchError> {
        self.note_wait(seconds);
        if self.cancelled() { Err(FetchError::Ended) } else { Ok(()) }
    }

    fn pace(&self, _seconds: f64) -> Result<(), FetchError> {
        if self.cancelled() { Err(FetchError::Ended) } else { Ok(()) }
    }

    fn start(&self, request: &Request) -> Box<dyn Pending> {
        Box::new(Ready(self.answer(request)))
    }

    fn emit(&self, _stream: u32, record: &Value) -> Result<(), FetchError> {
        self.0.kept.open_records.set(self.0.kept.open_records.get() + 1);
        self.0.kept.records.borrow_mut().push(json::from_value(record));
        Ok(())
    }

    fn checkpoint(&self, _stream: u32, state: &Value) -> Result<(), FetchError> {
        self.0.kept.state.replace(Some(json::from_value(state)));
        Ok(())
    }

    fn log(&self, level: Level, message: &str) {
        if level != Level::Debug {
            println!("{level:?}: {message}");
        }
    }

    fn cancelled(&self) -> bool {
        self.0.begun.elapsed() > RUN
    }
}

/// Answered already: one request after the other.
struct Ready(Result<Box<dyn Response>, FetchError>);

impl Pending for Ready {
    fn wait(self: Box<Self>) -> Result<Box<dyn Response>, FetchError> {
        self.0
    }
}

struct Page {
    answer: Answer,
    parsed: OnceCell<Option<serde_json::Value>>,
    outside: Outside,
    credential: Option<String>,
}

impl Page {
    fn json(&self) -> Result<&serde_json::Value, FetchError> {
        self.parsed
            .get_or_init(|| serde_json::from_slice(&self.answer.body).ok())
            .as_ref()
            .ok_or_else(|| FetchError::Malformed("the body is not JSON".into()))
    }
}

impl Response for Page {
    fn status(&self) -> u16 {
        self.answer.status
    }

    fn headers(&self) -> Vec<(String, String)> {
        self.answer.headers.clone()
    }

    fn pointer(&self, path: &str) -> Result<Option<Value>, FetchError> {
        Ok(self.json()?.pointer(path).map(json::to_value))
    }

    fn length(&self, path: &str) -> Result<Option<u64>, FetchError> {
        Ok(self.json()?.pointer(path).and_then(|value| value.as_array()).map(|items| items.len() as u64))
    }

    fn body(&self) -> Result<Vec<u8>, FetchError> {
        Ok(self.answer.body.clone())
    }

    fn renew_credential(&self) -> Result<bool, FetchError> {
        match &self.credential {
            Some(place) => self.outside.0.credentials.renew(place, &self.outside),
            None => Ok(false),
        }
    }

    fn emit_page(&self, _stream: u32, page: &PageRequest) -> Result<PageOutcome, FetchError> {
        if self.outside.0.open {
            return Err(FetchError::Malformed("pages are not handed on here".into()));
        }
        let records: Vec<serde_json::Value> = match self.json()?.pointer(&page.pointer) {
            None | Some(serde_json::Value::Null) => Vec::new(),
            Some(serde_json::Value::Array(items)) => items.clone(),
            Some(single @ serde_json::Value::Object(_)) => vec![single.clone()],
            Some(_) => return Err(FetchError::Malformed("the pointer leads to neither an array nor an object".into())),
        };
        let observed = page.observe.iter().map(|field| observe(&records, field)).collect();
        let extracted = records.len() as u64;
        for mut record in records {
            let Some(members) = record.as_object_mut() else {
                return Err(FetchError::Malformed("a record is not an object".into()));
            };
            for (name, value) in &page.constants {
                members.insert(name.clone(), json::from_value(value));
            }
            self.outside.0.kept.records.borrow_mut().push(record);
        }
        self.outside.0.kept.blind_pages.set(self.outside.0.kept.blind_pages.get() + 1);
        Ok(PageOutcome { extracted, observed })
    }
}

/// First, last, least and greatest value of a field; records without it are passed over.
fn observe(records: &[serde_json::Value], field: &str) -> Observed {
    let values: Vec<&serde_json::Value> = records.iter().filter_map(|record| record.get(field)).collect();
    let ordered =
        |first: &serde_json::Value, second: &serde_json::Value| match (first.as_f64(), second.as_f64(), first.as_str(), second.as_str()) {
            (Some(first), Some(second), ..) => first.total_cmp(&second),
            (_, _, Some(first), Some(second)) => first.cmp(second),
            _ => std::cmp::Ordering::Equal,
        };
    let comparable = || values.iter().copied().filter(|value| value.is_string() || value.is_number());
    Observed {
        first: values.first().map(|value| json::to_value(value)),
        last: values.last().map(|value| json::to_value(value)),
        min: comparable().min_by(|first, second| ordered(first, second)).map(json::to_value),
        max: comparable().max_by(|first, second| ordered(first, second)).map(json::to_value),
    }
}
