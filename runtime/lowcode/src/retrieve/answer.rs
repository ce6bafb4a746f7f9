//! A response while it is judged, paged and taken apart: body and JSON are fetched once, and on the blind path not at all:
//! there the templates see only what they read by name.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::host::{FetchError, Response};
use crate::model::text::Text;
use crate::retrieve::header;
use crate::template::{Scope, Step};
use crate::value::{Dict, Value};

/// A response under examination.
pub struct Answer {
    response: Box<dyn Response>,
    /// Whether its body stays with the host.
    blind: bool,
    headers: Vec<(String, String)>,
    body: OnceCell<Rc<Vec<u8>>>,
    json: OnceCell<Option<Value>>,
}

impl Answer {
    /// Begins to examine a response.
    #[must_use]
    pub fn new(response: Box<dyn Response>, blind: bool) -> Self {
        let headers = response.headers();
        Self { response, blind, headers, body: OnceCell::new(), json: OnceCell::new() }
    }

    /// The response itself.
    #[must_use]
    pub fn response(&self) -> &dyn Response {
        self.response.as_ref()
    }

    /// Status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    /// Whether the status is none of an error.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status() < 400
    }

    /// Headers, names in lower case.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The whole body.
    ///
    /// # Errors
    /// The host cannot give it.
    pub fn body(&self) -> Result<Rc<Vec<u8>>, FetchError> {
        if let Some(body) = self.body.get() {
            return Ok(Rc::clone(body));
        }
        let body = Rc::new(self.response.body()?);
        Ok(Rc::clone(self.body.get_or_init(|| body)))
    }

    /// The body, if it was fetched.
    #[must_use]
    pub fn known_body(&self) -> Option<&[u8]> {
        self.body.get().map(|body| body.as_slice())
    }

    /// The body as JSON; none if it is not.
    ///
    /// # Errors
    /// The host cannot give it.
    pub fn json(&self) -> Result<Option<Value>, FetchError> {
        if let Some(json) = self.json.get() {
            return Ok(json.clone());
        }
        let body = self.body()?;
        let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
        let json = Value::from_json(text).ok();
        Ok(self.json.get_or_init(|| json).clone())
    }

    /// The scope with `response` (empty if it is no JSON) and `headers`, as response filters see them.
    ///
    /// # Errors
    /// The host cannot give what is read.
    pub fn bind(&self, scope: &Scope, texts: &[&Text]) -> Result<Scope, FetchError> {
        let response = self.response_for(texts, || Ok(self.json()?.unwrap_or_else(|| Value::dict(Dict::new()))))?;
        Ok(scope.with("response", response).with_any_case("headers", Value::dict(header::all(&self.headers))))
    }

    /// What templates read of `response`: on the blind path those places only, else everything.
    ///
    /// # Errors
    /// The host cannot give what is read.
    pub fn response_for(&self, texts: &[&Text], whole: impl FnOnce() -> Result<Value, FetchError>) -> Result<Value, FetchError> {
        let uses = texts.iter().flat_map(|text| text.uses()).filter(|one| one.root == "response");
        if !self.blind || !self.is_ok() {
            return if uses.count() == 0 { Ok(Value::dict(Dict::new())) } else { whole() };
        }
        let mut seen = Value::dict(Dict::new());
        for one in uses {
            self.fetch(&one.steps, &mut seen)?;
        }
        Ok(seen)
    }

    fn fetch(&self, steps: &[Step], seen: &mut Value) -> Result<(), FetchError> {
        let keys: Vec<String> = steps
            .iter()
            .map(|step| match step {
                Step::Key(key) => key.clone(),
                Step::Index(index) => index.to_string(),
            })
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let pointer = pointer(&keys);
        let value = match self.response.length(&pointer)? {
            Some(length) => Some(Value::list(vec![Value::None; usize::try_from(length).unwrap_or(usize::MAX).min(1_000_000)])),
            None => self.response.pointer(&pointer)?,
        };
        match value {
            Some(value) => {
                // A place that lies in another that was fetched before is there already.
                let _ = crate::retrieve::dpath::put(seen, &keys, value);
                Ok(())
            }
            None => self.fetch_parent(&keys, seen),
        }
    }

    /// Whether a missing place's parents are there decides between "nothing" and an error.
    fn fetch_parent(&self, keys: &[String], seen: &mut Value) -> Result<(), FetchError> {
        for length in (1..keys.len()).rev() {
            let parent = &keys[..length];
            if crate::retrieve::dpath::get(seen, parent).is_ok_and(|known| known.is_some()) {
                return Ok(());
            }
            if let Some(value) = self.response.pointer(&pointer(parent))? {
                let kept = if matches!(value, Value::Dict(_)) { Value::dict(Dict::new()) } else { value };
                let _ = crate::retrieve::dpath::put(seen, parent, kept);
                return Ok(());
            }
        }
        Ok(())
    }
}

/// RFC 6901.
#[must_use]
pub fn pointer(keys: &[String]) -> String {
    keys.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect()
}
