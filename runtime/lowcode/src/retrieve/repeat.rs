//! Ends paginations that go in circles: the same request that brings the same answer again and again, and more pages than any API has.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::fault::Failure;
use crate::host::Request;
use crate::retrieve::answer::Answer;
use crate::retrieve::failure::system;
use crate::retrieve::walk::Page;

/// A slice has so many pages at most.
const MAXIMUM_PAGES: u64 = 1_000_000;
/// The same request with the same answer comes so often at most.
const MAXIMUM_SAME: u32 = 3;
/// The same records come so often at most, whatever was asked: such an API does not know the parameter that names the page.
const MAXIMUM_SAME_RECORDS: u32 = 20;
/// On the blind path the answer is known by its number of records only.
const MAXIMUM_SAME_UNSEEN: u32 = 100;

/// What was asked and answered last.
#[derive(Debug, Default)]
pub struct Repetition {
    pages: u64,
    request: u64,
    answer: u64,
    same_request: bool,
    same: u32,
    same_records: u32,
}

impl Repetition {
    /// Notes a request for a page.
    ///
    /// # Errors
    /// There are too many pages.
    pub fn request(&mut self, request: &Request) -> Result<(), Failure> {
        self.pages += 1;
        if self.pages > MAXIMUM_PAGES {
            return Err(system(format!("a slice has more than {MAXIMUM_PAGES} pages; its pagination does not seem to end")));
        }
        let digest = digest(&(&request.url, &request.headers, &request.body));
        self.same_request = self.pages > 1 && digest == self.request;
        self.request = digest;
        Ok(())
    }

    /// Notes the answer.
    ///
    /// # Errors
    /// The same came too often.
    pub fn answer(&mut self, answer: &Answer, page: &Page) -> Result<(), Failure> {
        let (digest, maximum) = match answer.known_body() {
            Some(body) => (digest(&body), MAXIMUM_SAME),
            None => (page.emitted, MAXIMUM_SAME_UNSEEN),
        };
        let is_same = self.pages > 1 && digest == self.answer;
        self.same = if self.same_request && is_same { self.same + 1 } else { 0 };
        self.same_records = if is_same && !page.records.is_empty() { self.same_records + 1 } else { 0 };
        self.answer = digest;
        if self.same >= maximum {
            return Err(system("the pagination goes in circles: the same request brought the same page again and again"));
        }
        if self.same_records >= MAXIMUM_SAME_RECORDS {
            let pages = MAXIMUM_SAME_RECORDS + 1;
            return Err(system(format!(
                "{pages} pages hold the same records: the API does not seem to know the parameter that names the page"
            )));
        }
        Ok(())
    }
}

fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
