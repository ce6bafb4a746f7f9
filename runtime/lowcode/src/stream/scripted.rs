//! A host for tests: answers by address, keeps what it was asked and told.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::host::{FetchError, Host, Level, PageOutcome, PageRequest, Pending, Request, Response};
use crate::load::Manifest;
use crate::stream::Connector;
use crate::value::Value;

/// 2024-03-01T00:00:00Z.
pub const NOW: i64 = 1_709_251_200_000_000;

/// Answers by address; an address it does not know is not found.
#[derive(Default)]
pub struct Scripted {
    answers: HashMap<String, String>,
    /// Addresses that were asked for, in this order.
    pub asked: RefCell<Vec<String>>,
    /// Records, in this order.
    pub records: RefCell<Vec<Value>>,
    /// States, in this order.
    pub states: RefCell<Vec<Value>>,
    /// Ends the run after so many states.
    pub patience: Cell<Option<usize>>,
}

impl Scripted {
    pub fn new(answers: &[(&str, &str)]) -> Self {
        let answers = answers.iter().map(|(url, body)| ((*url).to_owned(), (*body).to_owned())).collect();
        Self { answers, ..Self::default() }
    }

    pub fn record_texts(&self) -> Vec<String> {
        self.records.borrow().iter().map(text).collect()
    }

    pub fn last_state(&self) -> String {
        self.states.borrow().last().map(text).unwrap_or_default()
    }
}

pub fn text(value: &Value) -> String {
    let mut text = Vec::new();
    value.write_json(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

pub fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

/// A connector of a manifest's streams and whatever else is given.
pub fn connector(rest: &str, config: &str) -> Connector {
    let manifest = format!("version: 6.0.0\ntype: DeclarativeSource\ncheck: {{type: CheckStream, stream_names: [a]}}\n{rest}");
    let (manifest, _) = Manifest::read(&manifest).unwrap();
    let source = Connector::read_manifest(manifest.root()).unwrap();
    Connector::new(source, &json(config), NOW).unwrap()
}

struct Ready(Result<Box<dyn Response>, FetchError>);

impl Pending for Ready {
    fn wait(self: Box<Self>) -> Result<Box<dyn Response>, FetchError> {
        self.0
    }
}

struct Answer {
    status: u16,
    body: String,
}

impl Response for Answer {
    fn status(&self) -> u16 {
        self.status
    }

    fn headers(&self) -> Vec<(String, String)> {
        vec![("content-type".to_owned(), "application/json".to_owned())]
    }

    fn pointer(&self, path: &str) -> Result<Option<Value>, FetchError> {
        let steps: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
        Ok(crate::stream::path::get(&json(&self.body), &steps).cloned())
    }

    fn length(&self, path: &str) -> Result<Option<u64>, FetchError> {
        Ok(self.pointer(path)?.and_then(|value| value.as_items().map(|items| items.len() as u64)))
    }

    fn body(&self) -> Result<Vec<u8>, FetchError> {
        Ok(self.body.clone().into_bytes())
    }

    fn emit_page(&self, _: u32, _: &PageRequest) -> Result<PageOutcome, FetchError> {
        Err(FetchError::Malformed("these tests read every record".to_owned()))
    }
}

impl Host for Scripted {
    fn now_micros(&self) -> i64 {
        NOW
    }

    fn sleep(&self, _: f64) -> Result<(), FetchError> {
        Ok(())
    }

    fn start(&self, request: &Request) -> Box<dyn Pending> {
        self.asked.borrow_mut().push(request.url.clone());
        let (status, body) = match self.answers.get(&request.url) {
            Some(body) => (200, body.clone()),
            None => (404, "{}".to_owned()),
        };
        Box::new(Ready(Ok(Box::new(Answer { status, body }))))
    }

    fn emit(&self, _: u32, record: &Value) -> Result<(), FetchError> {
        self.records.borrow_mut().push(record.clone());
        Ok(())
    }

    fn checkpoint(&self, _: u32, state: &Value) -> Result<(), FetchError> {
        self.states.borrow_mut().push(state.clone());
        Ok(())
    }

    fn log(&self, _: Level, _: &str) {}

    fn cancelled(&self) -> bool {
        self.patience.get().is_some_and(|patience| self.states.borrow().len() >= patience)
    }
}
