//! The blind path: the records of a response go to the gate inside the host and never enter the sandbox.

use crate::emit::Ack;
use crate::http::Response;
use crate::{Error, host};

/// A page to hand over: `Output::page(&PageRequest::new(&response, "/data").observe("changed_at"))`.
#[derive(Debug)]
pub struct PageRequest<'a> {
    response: &'a Response,
    pointer: String,
    constants: Vec<(String, String)>,
    observe: Vec<String>,
}

impl<'a> PageRequest<'a> {
    /// The array (or the single object) at an RFC 6901 pointer. No value there: no record.
    pub fn new(response: &'a Response, pointer: impl Into<String>) -> Self {
        Self { response, pointer: pointer.into(), constants: Vec::new(), observe: Vec::new() }
    }

    /// Adds a field to each record: its path and its JSON text. At most 32.
    #[must_use]
    pub fn constant(mut self, path: &str, json: &str) -> Self {
        self.constants.push((path.into(), json.into()));
        self
    }

    /// Asks for the first, last, least and greatest value of a field that is declared as not personal. At most 16.
    #[must_use]
    pub fn observe(mut self, field: &str) -> Self {
        self.observe.push(field.into());
        self
    }

    pub(crate) fn emit(&self, stream: u32) -> Result<PageAck, Error> {
        host::emit_page(stream, &self.response.handle, &self.pointer, &self.constants, &self.observe)
    }
}

/// What the guest may learn about records that it never sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageAck {
    /// What the gate did with them.
    pub ack: Ack,
    /// Records found.
    pub extracted: u32,
    /// One entry for each observed field.
    pub observed: Vec<Observed>,
}

/// Border values of a field as JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The field.
    pub field: String,
    /// Of the first record.
    pub first: Option<String>,
    /// Of the last record.
    pub last: Option<String>,
    /// The least.
    pub min: Option<String>,
    /// The greatest.
    pub max: Option<String>,
}

impl PageAck {
    /// The greatest value of an observed field that holds text.
    #[must_use]
    pub fn greatest_text(&self, field: &str) -> Option<String> {
        let observed = self.observed.iter().find(|observed| observed.field == field)?;
        serde_json::from_str(observed.max.as_deref()?).ok()
    }
}
