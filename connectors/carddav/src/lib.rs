//! The connector `carddav`: contacts of an address book, by the server's sync token (RFC 6352, RFC 6578).
//!
//! A report names the members that changed and those that are gone; the cards of the former are fetched in groups and read here. The
//! state is the token. Contacts are written by their UID, each as it was seen last.

mod answer;
mod book;
mod card;
mod edit;
mod write;

use hub_sdk::{Error, Output, Source, StreamRequest, runtime};
use serde::{Deserialize, Serialize};

use answer::Member;
use book::{Book, Changes};
use write::CardDavDestination;

/// An address book.
#[hub_sdk::config]
struct Config {
    /// Address of the address book itself, ending with `/`: `https://dav.example.org/anna/contacts/`.
    base_url: String,
    /// Name of the credential (basic) in the manifest.
    #[serde(default = "default_credential")]
    credential: String,
    /// Cards of one request.
    #[serde(default = "default_page_size")]
    #[schemars(range(min = 1, max = 1000))]
    page_size: u32,
}

fn default_credential() -> String {
    "contacts".into()
}

fn default_page_size() -> u32 {
    100
}

/// What is kept between runs: the server's own mark, no personal data.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct State {
    token: String,
}

struct CardDav {
    book: Book,
    page_size: usize,
}

hub_sdk::connector!(source: CardDav, destination: CardDavDestination);

impl Source for CardDav {
    type Config = Config;

    fn open(config: Config) -> Result<Self, Error> {
        if config.page_size == 0 || config.page_size > 1_000 {
            return Err(Error::config("`page_size` must be from 1 to 1000"));
        }
        Ok(Self { page_size: config.page_size as usize, book: Book::new(config.base_url, config.credential) })
    }

    fn check(&mut self) -> Result<(), Error> {
        self.book.check()
    }

    fn read_stream(&mut self, request: &StreamRequest, output: &mut Output) -> Result<(), Error> {
        if request.name != "contacts" {
            return Err(Error::Config(format!("there is no stream `{}`; there is contacts", request.name)));
        }
        let mut token = request.state::<State>()?.map(|state| state.token);
        loop {
            let changes = match self.book.changes(token.as_deref())? {
                Some(changes) => changes,
                None => {
                    runtime::warn(
                        "the server no longer knows the last sync token: the whole address book is read, what was deleted since is not told",
                    );
                    self.book.changes(None)?.ok_or_else(|| Error::drift("the server refuses to list its members without a sync token"))?
                }
            };
            self.hand_over(&changes, request, output)?;
            if output.is_full() {
                return output.flush();
            }
            forget(&changes.gone, output)?;
            let is_new = token.as_deref() != Some(&changes.token);
            token = Some(changes.token.clone());
            if is_new {
                output.checkpoint(&State { token: changes.token })?;
            }
            if !changes.is_cut || !is_new {
                return output.flush();
            }
        }
    }
}

impl CardDav {
    fn hand_over(&self, changes: &Changes, request: &StreamRequest, output: &mut Output) -> Result<(), Error> {
        let mut unreadable = 0_u64;
        for hrefs in changes.changed.chunks(self.page_size) {
            // A trial run fetches no more cards than it wants.
            let wanted = output.remaining().and_then(|rest| usize::try_from(rest).ok()).unwrap_or(usize::MAX);
            let hrefs = hrefs.get(..wanted.min(hrefs.len())).unwrap_or_default();
            if hrefs.is_empty() {
                break;
            }
            self.book.cards(hrefs, request, |Member { href, card, .. }| {
                // Without a card: deleted since it was named, which the next token tells.
                let Some(text) = card else { return Ok(()) };
                match card::read(&href, &text, request) {
                    Some(record) => output.record(&record),
                    None => {
                        unreadable += 1;
                        Ok(())
                    }
                }
            })?;
        }
        if unreadable > 0 {
            runtime::warn(&format!("cards that are no vCard 3 or 4 and were left out: {unreadable}"));
        }
        Ok(())
    }
}

/// Members that the server says are gone: their addresses are the keys of what was delivered.
fn forget(hrefs: &[String], output: &mut Output) -> Result<(), Error> {
    hrefs.iter().try_for_each(|href| output.deleted(&serde_json::json!({ "href": href })))
}

#[cfg(test)]
mod tests;
