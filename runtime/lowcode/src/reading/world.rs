//! The host as slices use it: requests of parent streams are answered from memory if they were sent before. The memory is bounded and ends with the run.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use crate::host::{FetchError, Host, Method, PageOutcome, PageRequest, Pending, Request, Response};
use crate::value::Value;

/// Responses that are kept at most while their bodies stay with the host.
const KEPT_UNREAD: usize = 64;
/// Bytes of bodies that are kept at most.
const KEPT_BYTES: usize = 32 * 1024 * 1024;

/// The host, and what it said before.
pub struct World<'h> {
    /// The host itself.
    pub host: &'h dyn Host,
    cache: Rc<RefCell<Cache>>,
}

#[derive(Default)]
struct Cache {
    responses: HashMap<Key, Rc<Kept>>,
    order: VecDeque<Key>,
    /// Of the bodies that were read.
    bytes: usize,
    /// How many were not.
    unread: usize,
}

/// A request as it is compared. The name tells streams and who asks apart; the place of the authenticator does not count, since a
/// stream stands in many places as a parent.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    name: String,
    head: bool,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    /// Once it was asked for.
    body: RefCell<Option<Rc<Vec<u8>>>>,
    response: Box<dyn Response>,
}

impl<'h> World<'h> {
    /// A host that has said nothing yet.
    #[must_use]
    pub fn new(host: &'h dyn Host) -> Self {
        Self { host, cache: Rc::default() }
    }

    /// Sends a request, or answers it from memory if answers are kept, under a name: equal requests of equal names are the same.
    #[must_use]
    pub fn start(&self, kept: Option<&str>, request: &Request) -> Box<dyn Pending> {
        let Some(name) = kept.filter(|_| matches!(request.method, Method::Get | Method::Head)) else {
            return self.host.start(request);
        };
        let mut headers = request.headers.clone();
        headers.sort();
        let key = Key {
            name: name.to_owned(),
            head: request.method == Method::Head,
            url: request.url.clone(),
            headers,
            body: request.body.clone(),
        };
        if let Some(kept) = self.cache.borrow().responses.get(&key) {
            return Box::new(Known(self.replay(kept)));
        }
        Box::new(Asked { pending: self.host.start(request), key, cache: Rc::clone(&self.cache) })
    }

    fn replay(&self, kept: &Rc<Kept>) -> Replay {
        Replay { kept: Rc::clone(kept), cache: Rc::clone(&self.cache) }
    }
}

struct Known(Replay);

impl Pending for Known {
    fn wait(self: Box<Self>) -> Result<Box<dyn Response>, FetchError> {
        Ok(Box::new(self.0))
    }
}

struct Asked {
    pending: Box<dyn Pending>,
    key: Key,
    cache: Rc<RefCell<Cache>>,
}

impl Pending for Asked {
    fn wait(self: Box<Self>) -> Result<Box<dyn Response>, FetchError> {
        // An equal request that was under way at the same time may have been answered since.
        let known = self.cache.borrow().responses.get(&self.key).cloned();
        if let Some(kept) = known {
            return Ok(Box::new(Replay { kept, cache: self.cache }));
        }
        let response = self.pending.wait()?;
        if response.status() != 200 {
            return Ok(response);
        }
        let kept = Rc::new(Kept { status: 200, headers: response.headers(), body: RefCell::new(None), response });
        self.cache.borrow_mut().keep(self.key, Rc::clone(&kept));
        Ok(Box::new(Replay { kept, cache: self.cache }))
    }
}

impl Cache {
    fn keep(&mut self, key: Key, kept: Rc<Kept>) {
        self.unread += 1;
        self.order.push_back(key.clone());
        self.responses.insert(key, kept);
        self.trim();
    }

    fn read(&mut self, bytes: usize) {
        self.unread = self.unread.saturating_sub(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.trim();
    }

    fn trim(&mut self) {
        while self.bytes > KEPT_BYTES || self.unread > KEPT_UNREAD {
            let Some(gone) = self.order.pop_front().and_then(|oldest| self.responses.remove(&oldest)) else { break };
            match gone.body.try_borrow().ok().and_then(|body| body.as_ref().map(|body| body.len())) {
                Some(bytes) => self.bytes = self.bytes.saturating_sub(bytes),
                None => self.unread = self.unread.saturating_sub(1),
            }
        }
    }
}

/// A response that is kept; dropped from the memory, it lives on as long as it is used.
struct Replay {
    kept: Rc<Kept>,
    cache: Rc<RefCell<Cache>>,
}

impl Response for Replay {
    fn status(&self) -> u16 {
        self.kept.status
    }

    fn headers(&self) -> Vec<(String, String)> {
        self.kept.headers.clone()
    }

    fn pointer(&self, path: &str) -> Result<Option<Value>, FetchError> {
        self.kept.response.pointer(path)
    }

    fn length(&self, path: &str) -> Result<Option<u64>, FetchError> {
        self.kept.response.length(path)
    }

    fn body(&self) -> Result<Vec<u8>, FetchError> {
        let known = self.kept.body.borrow().clone();
        if let Some(body) = known {
            return Ok(body.to_vec());
        }
        let body = self.kept.response.body()?;
        *self.kept.body.borrow_mut() = Some(Rc::new(body.clone()));
        self.cache.borrow_mut().read(body.len());
        Ok(body)
    }

    fn emit_page(&self, stream: u32, page: &PageRequest) -> Result<PageOutcome, FetchError> {
        self.kept.response.emit_page(stream, page)
    }
}
