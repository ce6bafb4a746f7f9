//! The address book's server: what it is asked, and what its refusals mean.

use std::collections::BTreeMap;
use std::io::BufReader;

use hub_sdk::http::{Method, Request, Response};
use hub_sdk::{Error, StreamRequest};

use crate::answer::{self, Member};
use crate::{card, edit};

/// An answer is read in pieces of this size.
const BUFFER_BYTES: usize = 64 << 10;
const CARD_TYPE: &str = "text/vcard; charset=utf-8";
const PRECONDITION: &str = "valid-sync-token";

/// An address book on a server.
pub struct Book {
    /// Ends with `/`.
    url: String,
    credential: String,
}

/// What changed since a token.
#[derive(Debug, Default)]
pub struct Changes {
    /// Members that are new or have another content.
    pub changed: Vec<String>,
    /// Members that are no longer there.
    pub gone: Vec<String>,
    /// The mark for the next time.
    pub token: String,
    /// There is more: ask again with the token.
    pub is_cut: bool,
}

/// A card as it was found.
#[derive(Debug)]
pub struct Found {
    href: String,
    tag: String,
    pub card: String,
}

impl Book {
    pub fn new(mut url: String, credential: String) -> Self {
        if !url.ends_with('/') {
            url.push('/');
        }
        Self { url, credential }
    }

    /// It is an address book, and its server can say what changed.
    pub fn check(&self) -> Result<(), Error> {
        let question =
            r#"<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><sync-token/></prop></propfind>"#;
        let response = multistatus(self.request(Method::Propfind, "0", question).send()?)?;
        let answer = answer::read(BufReader::with_capacity(BUFFER_BYTES, response.body()), |_| Ok(()))?;
        if !answer.is_address_book {
            return Err(Error::config(
                "`base_url` is no address book: it must be the address of the book itself, not of its server or its owner",
            ));
        }
        match answer.token {
            Some(_) => Ok(()),
            None => Err(Error::config("the server cannot say what changed in this address book (it has no sync token, RFC 6578)")),
        }
    }

    /// What changed since the token, or all members. None: the server does not know the token.
    pub fn changes(&self, token: Option<&str>) -> Result<Option<Changes>, Error> {
        let mut question = String::from(r#"<?xml version="1.0" encoding="utf-8"?><sync-collection xmlns="DAV:"><sync-token>"#);
        escape(token.unwrap_or_default(), &mut question);
        question.push_str("</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>");
        let response = self.request(Method::Report, "0", &question).send()?;
        if token.is_some() && is_unknown_token(&response)? {
            return Ok(None);
        }
        let response = multistatus(response)?;
        let mut changes = Changes::default();
        let answer = answer::read(BufReader::with_capacity(BUFFER_BYTES, response.body()), |member| {
            match member.status {
                Some(404) => changes.gone.push(member.href),
                Some(507) => changes.is_cut = true,
                // A collection inside of it is no card.
                _ if member.href.ends_with('/') => {}
                _ => changes.changed.push(member.href),
            }
            Ok(())
        })?;
        changes.token = answer.token.ok_or_else(|| Error::drift("the answer holds no sync token: does the server know RFC 6578?"))?;
        Ok(Some(changes))
    }

    /// The cards of some members, one after the other.
    pub fn cards(&self, hrefs: &[String], request: &StreamRequest, each: impl FnMut(Member) -> Result<(), Error>) -> Result<(), Error> {
        let mut question = String::from(concat!(
            r#"<?xml version="1.0" encoding="utf-8"?><C:addressbook-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">"#,
            "<prop><C:address-data>"
        ));
        for name in card::wanted(request) {
            question.push_str(&format!(r#"<C:prop name="{name}"/>"#));
        }
        question.push_str("</C:address-data></prop>");
        for href in hrefs {
            question.push_str("<href>");
            escape(href, &mut question);
            question.push_str("</href>");
        }
        question.push_str("</C:addressbook-multiget>");
        let response = multistatus(self.request(Method::Report, "1", &question).send()?)?;
        answer::read(BufReader::with_capacity(BUFFER_BYTES, response.body()), each).map(|_| ())
    }

    /// Cards by their UID; each that was asked for has an entry, with none, one, or several cards.
    pub fn find(&self, uids: &[&str]) -> Result<BTreeMap<String, Vec<Found>>, Error> {
        let mut found: BTreeMap<String, Vec<Found>> = uids.iter().map(|uid| ((*uid).to_owned(), Vec::new())).collect();
        if uids.is_empty() {
            return Ok(found);
        }
        let mut question = String::from(concat!(
            r#"<?xml version="1.0" encoding="utf-8"?><C:addressbook-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">"#,
            r#"<prop><getetag/><C:address-data/></prop><C:filter test="anyof">"#
        ));
        for uid in uids {
            question.push_str(r#"<C:prop-filter name="UID"><C:text-match match-type="equals">"#);
            escape(uid, &mut question);
            question.push_str("</C:text-match></C:prop-filter>");
        }
        question.push_str("</C:filter></C:addressbook-query>");
        let response = multistatus(self.request(Method::Report, "1", &question).send()?)?;
        answer::read(BufReader::with_capacity(BUFFER_BYTES, response.body()), |Member { href, card, tag, .. }| {
            let (Some(card), Some(tag)) = (card, tag) else { return Ok(()) };
            // Servers compare without regard to case, and some find more than was asked for.
            if let Some(cards) = edit::uid(&card).and_then(|uid| found.get_mut(&uid)) {
                cards.push(Found { href, tag, card });
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Puts a card where none is.
    pub fn create(&self, uid: &str, card: &str) -> Result<Response, Error> {
        let request = self.change(Method::Put, format!("{}{}.vcf", self.url, member_name(uid))).header("if-none-match", "*");
        Ok(request.header("content-type", CARD_TYPE).body(card).send()?)
    }

    /// Puts a card in the place of one that is as it was found.
    pub fn replace(&self, found: &Found, card: &str) -> Result<Response, Error> {
        let request = self.change(Method::Put, self.address(&found.href)?).header("if-match", found.tag.as_str());
        Ok(request.header("content-type", CARD_TYPE).body(card).send()?)
    }

    /// Deletes a card that is as it was found.
    pub fn delete(&self, found: &Found) -> Result<Response, Error> {
        Ok(self.change(Method::Delete, self.address(&found.href)?).header("if-match", found.tag.as_str()).send()?)
    }

    /// The address of a member; what lies outside of the book is none.
    fn address(&self, href: &str) -> Result<String, Error> {
        let host = self.url.find("://").map_or(0, |at| at + 3);
        let end = self.url.get(host..).and_then(|rest| rest.find('/')).map_or(self.url.len(), |at| host + at);
        let (origin, book) = self.url.split_at(end);
        match href.strip_prefix(book) {
            Some(member) if !member.is_empty() && !member.contains('/') => Ok(format!("{origin}{href}")),
            _ => Err(Error::drift("the server names a card that is not in this address book")),
        }
    }

    fn change(&self, method: Method, url: String) -> Request {
        Request::new(method, url).credential(self.credential.as_str())
    }

    fn request(&self, method: Method, depth: &str, question: &str) -> Request {
        Request::new(method, self.url.as_str())
            .header("content-type", "application/xml; charset=utf-8")
            .header("depth", depth)
            .credential(self.credential.as_str())
            .body(question)
    }
}

/// RFC 6578 names the precondition; the status is 403 by the book, and 409, 410 or 412 with some servers.
fn is_unknown_token(response: &Response) -> Result<bool, Error> {
    if !matches!(response.status(), 403 | 409 | 410 | 412) {
        return Ok(false);
    }
    // A refusal of the credential has the same status and may be no XML.
    Ok(answer::names(BufReader::with_capacity(BUFFER_BYTES, response.body()), PRECONDITION))
}

fn multistatus(response: Response) -> Result<Response, Error> {
    let response = response.success()?;
    match response.status() {
        207 => Ok(response),
        status => Err(Error::Config(format!(
            "the server answers a WebDAV request with status {status}: is `base_url` the address of an address book?"
        ))),
    }
}

/// The last part of a new card's address: letters, digits and hyphens stay, other bytes become two hexadecimal digits behind `_`.
fn member_name(uid: &str) -> String {
    let mut name = String::new();
    for byte in uid.bytes() {
        match byte {
            b'-' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => name.push(char::from(byte)),
            _ => name.push_str(&format!("_{byte:02x}")),
        }
    }
    name
}

fn escape(text: &str, out: &mut String) {
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
}
