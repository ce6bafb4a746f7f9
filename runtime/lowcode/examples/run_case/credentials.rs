//! The credentials of a run: the manifest's authenticators at work, each under its place, as the host has them outside of the sandbox.

use std::cell::RefCell;
use std::collections::HashMap;

use hub_lowcode::auth::{Answer, Injection, Need, Provider};
use hub_lowcode::host::{FetchError, Request};
use hub_lowcode::load::Manifest;
use hub_lowcode::model::reader::Reader;
use hub_lowcode::model::requester::read_requester;
use hub_lowcode::value::{Dict, Value};

use super::outside::Outside;

/// More than any login takes.
const MAX_STEPS: usize = 200;

/// Makes requests ready.
pub struct Credentials {
    manifest: Manifest,
    config: RefCell<Value>,
    entries: RefCell<HashMap<String, Entry>>,
}

struct Entry {
    provider: Provider,
    last: Option<Injection>,
    /// Requests that failed the last time.
    failed: Vec<Request>,
}

impl Credentials {
    /// Those of a resolved manifest over the real configuration.
    pub fn new(manifest: Manifest, config: Value) -> Self {
        Self { manifest, config: RefCell::new(config), entries: RefCell::default() }
    }

    /// The request with what its credential adds.
    pub fn authenticate(&self, request: &Request, outside: &Outside) -> Result<Request, FetchError> {
        let mut ready = request.clone();
        let Some(place) = request.credential.as_deref() else { return Ok(ready) };
        let mut entry = self.take(place)?;
        entry.provider.begin(entry.failed.contains(request));
        let put = self.put(&mut entry, outside);
        if let Ok(put) = &put {
            entry.last = Some(put.clone());
        }
        self.entries.borrow_mut().insert(place.to_owned(), entry);
        put?.apply(&mut ready).map_err(|clash| failed(false, clash.to_string()))?;
        Ok(ready)
    }

    /// Takes notice of how a request ended.
    pub fn ended(&self, request: &Request, is_failed: bool) {
        let mut entries = self.entries.borrow_mut();
        let Some(entry) = request.credential.as_ref().and_then(|place| entries.get_mut(place)) else { return };
        entry.failed.retain(|known| known != request);
        if is_failed {
            entry.failed.push(request.clone());
        }
    }

    /// Gets a new token in the place of a rejected one.
    pub fn renew(&self, place: &str, outside: &Outside) -> Result<bool, FetchError> {
        let mut entry = self.take(place)?;
        let renews = entry.provider.renew();
        let put = if renews { self.put(&mut entry, outside).map(drop) } else { Ok(()) };
        self.entries.borrow_mut().insert(place.to_owned(), entry);
        put.map(|()| renews)
    }

    fn take(&self, place: &str) -> Result<Entry, FetchError> {
        match self.entries.borrow_mut().remove(place) {
            Some(entry) => Ok(entry),
            None => Ok(Entry { provider: self.provider(place)?, last: None, failed: Vec::new() }),
        }
    }

    fn provider(&self, place: &str) -> Result<Provider, FetchError> {
        let steps: Vec<&str> = place.split('.').collect();
        let requester = match steps.split_last() {
            Some((&"authenticator", above)) => self.manifest.root().at(above),
            _ => None,
        };
        let requester = requester.and_then(|node| read_requester(node, &mut Reader::new()));
        let authenticator = requester.and_then(|requester| requester.authenticator);
        let authenticator = authenticator.ok_or_else(|| failed(true, format!("there is no authenticator at `{place}`")))?;
        Provider::new(&authenticator.component, self.config.borrow().clone()).map_err(|error| failed(error.config, error.message))
    }

    fn put(&self, entry: &mut Entry, outside: &Outside) -> Result<Injection, FetchError> {
        for _ in 0..MAX_STEPS {
            entry.provider.set_config(self.config.borrow().clone());
            match entry.provider.next(outside.now()) {
                Need::Ready(put) => return Ok(put),
                Need::Request(request) => match outside.send(&request) {
                    Ok(answer) => {
                        entry.provider.answer(outside.now(), &Answer { status: answer.status, body: answer.body });
                        for update in entry.provider.take_updates() {
                            let changed = changed(&self.config.borrow(), &update.path, update.value);
                            self.config.replace(changed);
                        }
                    }
                    Err(error) => entry.provider.lost(outside.now(), &format!("{error:?}")),
                },
                Need::Wait(seconds) => outside.note_wait(seconds),
                Need::Failed(error) => return Err(failed(error.config, error.message)),
            }
        }
        Err(failed(false, "the login does not come to an end".to_owned()))
    }
}

/// The tree with another value at a path.
fn changed(value: &Value, path: &[String], member: Value) -> Value {
    let Some((step, rest)) = path.split_first() else { return member };
    let mut dict = value.as_dict().cloned().unwrap_or_else(Dict::new);
    let inner = changed(dict.get(step.as_str()).unwrap_or(&Value::None), rest, member);
    dict.insert(step.as_str().into(), inner);
    Value::dict(dict)
}

fn failed(config: bool, message: String) -> FetchError {
    FetchError::Credential { config, message }
}
