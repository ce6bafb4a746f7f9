//! The engine's view of the outside, over the ABI. Knows nothing of the language.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use hub_lowcode::host::{FetchError, Host, Level, Method, Observed, PageOutcome, PageRequest, Pending, Request, Response};
use hub_lowcode::value::Value;
use hub_sdk::{Error, Output, StreamRequest, http, pages, runtime};

/// Nobody waits longer for a remote, in seconds.
const LONGEST_WAIT: f64 = 86_400.0;

/// What the engine asks of the host, for one stream.
pub struct Bridge {
    output: Rc<RefCell<Output>>,
}

impl Bridge {
    /// Records and checkpoints go to this output.
    pub fn new(output: Output) -> Self {
        Self { output: Rc::new(RefCell::new(output)) }
    }

    /// Gives the output back.
    pub fn into_output(self) -> Output {
        self.output.replace(Output::new(&StreamRequest::new("")))
    }
}

impl Host for Bridge {
    fn now_micros(&self) -> i64 {
        i64::try_from(runtime::now().as_micros()).unwrap_or(i64::MAX)
    }

    fn sleep(&self, seconds: f64) -> Result<(), FetchError> {
        runtime::sleep(Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_WAIT)));
        if runtime::cancelled() { Err(FetchError::Ended) } else { Ok(()) }
    }

    fn start(&self, request: &Request) -> Box<dyn Pending> {
        Box::new(UnderWay { pending: outgoing(request).start(), output: Rc::clone(&self.output) })
    }

    fn emit(&self, _stream: u32, record: &Value) -> Result<(), FetchError> {
        let mut output = self.output.borrow_mut();
        let buffer = output.buffer();
        record.write_json(buffer);
        buffer.push(b'\n');
        output.wrote(1).map_err(|error| fault(&error))
    }

    fn checkpoint(&self, _stream: u32, state: &Value) -> Result<(), FetchError> {
        let mut text = Vec::new();
        state.write_json(&mut text);
        let raw: Box<serde_json::value::RawValue> =
            serde_json::from_slice(&text).map_err(|_| FetchError::Malformed("the state is not JSON".to_owned()))?;
        self.output.borrow_mut().checkpoint(&raw).map_err(|error| fault(&error))
    }

    fn log(&self, level: Level, message: &str) {
        let level = match level {
            Level::Debug => runtime::Level::Debug,
            Level::Info => runtime::Level::Info,
            Level::Warn => runtime::Level::Warn,
            Level::Error => runtime::Level::Error,
        };
        runtime::log(level, message);
    }

    fn cancelled(&self) -> bool {
        runtime::cancelled() || self.output.borrow().is_full()
    }
}

/// A request that the host is sending.
struct UnderWay {
    pending: http::Pending,
    output: Rc<RefCell<Output>>,
}

impl Pending for UnderWay {
    fn wait(self: Box<Self>) -> Result<Box<dyn Response>, FetchError> {
        let response = self.pending.wait().map_err(unanswered)?;
        Ok(Box::new(Answer { response, output: self.output }))
    }
}

/// A response whose body is in the host.
struct Answer {
    response: http::Response,
    output: Rc<RefCell<Output>>,
}

impl Response for Answer {
    fn status(&self) -> u16 {
        self.response.status()
    }

    fn headers(&self) -> Vec<(String, String)> {
        self.response.headers()
    }

    fn pointer(&self, path: &str) -> Result<Option<Value>, FetchError> {
        let found: Option<Box<serde_json::value::RawValue>> = self.response.pointer(path).map_err(|error| fault(&error))?;
        found.map(|text| value(text.get())).transpose()
    }

    fn length(&self, path: &str) -> Result<Option<u64>, FetchError> {
        Ok(self.response.length(path).map_err(|error| fault(&error))?.map(u64::from))
    }

    fn body(&self) -> Result<Vec<u8>, FetchError> {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut self.response.body(), &mut bytes).map_err(|_| FetchError::Ended)?;
        Ok(bytes)
    }

    fn renew_credential(&self) -> Result<bool, FetchError> {
        self.response.renew_credential().map_err(unanswered)
    }

    fn emit_page(&self, _stream: u32, page: &PageRequest) -> Result<PageOutcome, FetchError> {
        let mut request = pages::PageRequest::new(&self.response, page.pointer.as_str());
        for (field, constant) in &page.constants {
            request = request.constant(field, &text(constant));
        }
        for field in &page.observe {
            request = request.observe(field);
        }
        let ack = self.output.borrow_mut().page(&request).map_err(|error| fault(&error))?;
        let observed = ack.observed.iter().map(observed).collect::<Result<_, _>>()?;
        Ok(PageOutcome { extracted: u64::from(ack.extracted), observed })
    }
}

fn observed(seen: &pages::Observed) -> Result<Observed, FetchError> {
    let read = |text: &Option<String>| text.as_deref().map(value).transpose();
    Ok(Observed { first: read(&seen.first)?, last: read(&seen.last)?, min: read(&seen.min)?, max: read(&seen.max)? })
}

fn value(text: &str) -> Result<Value, FetchError> {
    Value::from_json(text.as_bytes()).map_err(|_| FetchError::Malformed("a value of a response is not JSON".to_owned()))
}

fn text(value: &Value) -> String {
    let mut bytes = Vec::new();
    value.write_json(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn outgoing(request: &Request) -> http::Request {
    let method = match request.method {
        Method::Get => http::Method::Get,
        Method::Head => http::Method::Head,
        Method::Post => http::Method::Post,
        Method::Put => http::Method::Put,
        Method::Patch => http::Method::Patch,
        Method::Delete => http::Method::Delete,
        Method::Options => http::Method::Options,
        Method::Report => http::Method::Report,
        Method::Propfind => http::Method::Propfind,
    };
    let mut outgoing = http::Request::new(method, request.url.as_str());
    for (name, value) in &request.headers {
        outgoing = outgoing.header(name, value.as_str());
    }
    if let Some(body) = &request.body {
        outgoing = outgoing.body(body.clone());
    }
    match &request.credential {
        Some(name) => outgoing.credential(name.as_str()),
        None => outgoing,
    }
}

fn unanswered(error: http::FetchError) -> FetchError {
    match error {
        http::FetchError::Denied(_) => FetchError::Ended,
        http::FetchError::TooLarge(_) => FetchError::TooLarge,
        http::FetchError::Malformed(text) => FetchError::Malformed(text),
        http::FetchError::Credential { config, message } => FetchError::Credential { config, message },
        other => FetchError::Transport(other.to_string()),
    }
}

fn fault(error: &Error) -> FetchError {
    match error {
        Error::Cancelled => FetchError::Ended,
        other => FetchError::Malformed(other.to_string()),
    }
}
