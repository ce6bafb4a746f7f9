//! A multistatus (RFC 4918), read as it comes: no tree of it is built, and no entity of a DTD is ever expanded.

use std::io::BufRead;

use hub_sdk::Error;
use quick_xml::events::{BytesRef, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

const DAV: &str = "DAV:";
const CARDDAV: &str = "urn:ietf:params:xml:ns:carddav";
/// Elements nested deeper are refused.
const MAX_DEPTH: usize = 32;
/// A path, a token or a status line has at most so many bytes.
const MAX_TEXT_BYTES: usize = 4 << 10;
/// A card has at most so many bytes, with a photo that the server sends unasked.
const MAX_CARD_BYTES: usize = 8 << 20;

/// One response of a multistatus.
#[derive(Debug, Default)]
pub struct Member {
    pub href: String,
    /// The member's own status, or that of its property where it was not found.
    pub status: Option<u16>,
    pub card: Option<String>,
    /// The mark of its present content.
    pub tag: Option<String>,
}

/// What stands around the members.
#[derive(Debug, Default)]
pub struct Answer {
    pub token: Option<String>,
    /// A resource type says so.
    pub is_address_book: bool,
}

/// Elements that matter.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Element {
    Response,
    Href,
    PropStat,
    Status,
    Token,
    Card,
    Tag,
    AddressBook,
    Other,
}

impl Element {
    fn of(namespace: &ResolveResult<'_>, local: &str) -> Self {
        match (namespace, local) {
            (ResolveResult::Bound(Namespace(DAV)), "response") => Self::Response,
            (ResolveResult::Bound(Namespace(DAV)), "href") => Self::Href,
            (ResolveResult::Bound(Namespace(DAV)), "propstat") => Self::PropStat,
            (ResolveResult::Bound(Namespace(DAV)), "status") => Self::Status,
            (ResolveResult::Bound(Namespace(DAV)), "sync-token") => Self::Token,
            (ResolveResult::Bound(Namespace(DAV)), "getetag") => Self::Tag,
            (ResolveResult::Bound(Namespace(CARDDAV)), "address-data") => Self::Card,
            (ResolveResult::Bound(Namespace(CARDDAV)), "addressbook") => Self::AddressBook,
            _ => Self::Other,
        }
    }

    /// How much text it may hold. None: its text is of no interest.
    fn text_limit(self) -> Option<usize> {
        match self {
            Self::Href | Self::Status | Self::Token | Self::Tag => Some(MAX_TEXT_BYTES),
            Self::Card => Some(MAX_CARD_BYTES),
            _ => None,
        }
    }
}

/// Hands over each member and answers with the rest.
pub fn read(body: impl BufRead, mut each: impl FnMut(Member) -> Result<(), Error>) -> Result<Answer, Error> {
    let mut reading = Reading::default();
    let mut reader = NsReader::from_reader(body);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let (namespace, event) = reader.read_resolved_event_into(&mut buffer).map_err(from_xml)?;
        match event {
            Event::Start(start) => reading.enter(Element::of(&namespace, start.local_name().into_inner()))?,
            Event::Empty(start) => {
                reading.enter(Element::of(&namespace, start.local_name().into_inner()))?;
                reading.leave(&mut each)?;
            }
            Event::End(_) => reading.leave(&mut each)?,
            Event::Text(text) => reading.text(&text.xml10_content())?,
            Event::CData(text) => reading.text(&text.xml10_content())?,
            Event::GeneralRef(name) => reading.sign(&name)?,
            Event::DocType(_) => return Err(Error::drift("the answer holds a document type, which no WebDAV server sends")),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    if !reading.open.is_empty() {
        return Err(Error::transient("the answer ends in its middle"));
    }
    Ok(reading.answer)
}

/// True if an element of this name is in it; false also for what is no XML.
pub fn names(body: impl BufRead, wanted: &str) -> bool {
    let mut reader = NsReader::from_reader(body);
    let mut buffer = Vec::new();
    // An error of WebDAV has a handful of elements.
    for _ in 0..64 {
        buffer.clear();
        match reader.read_resolved_event_into(&mut buffer) {
            Ok((ResolveResult::Bound(Namespace(DAV)), Event::Start(start) | Event::Empty(start)))
                if start.local_name().into_inner() == wanted =>
            {
                return true;
            }
            Ok((_, Event::Eof | Event::DocType(_))) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    false
}

#[derive(Default)]
struct Reading {
    open: Vec<Element>,
    /// Text of the innermost element, as long as that is of interest.
    text: String,
    member: Member,
    /// Of the property group that is being read.
    found: Option<String>,
    property_status: Option<u16>,
    answer: Answer,
}

impl Reading {
    fn enter(&mut self, element: Element) -> Result<(), Error> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Error::drift("the elements of the answer are nested too deeply"));
        }
        self.text.clear();
        match element {
            Element::Response => self.member = Member::default(),
            Element::PropStat => (self.found, self.property_status) = (None, None),
            Element::AddressBook => self.answer.is_address_book = true,
            _ => {}
        }
        self.open.push(element);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        let Some(limit) = self.open.last().and_then(|element| element.text_limit()) else { return Ok(()) };
        if self.text.len() + text.len() > limit {
            return Err(Error::Permanent(format!("a card or a path of the answer is longer than {limit} bytes")));
        }
        self.text.push_str(text);
        Ok(())
    }

    /// `&amp;`, `&#13;` and the like; any other name is not XML's own.
    fn sign(&mut self, name: &BytesRef<'_>) -> Result<(), Error> {
        let sign = match &**name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name.resolve_char_ref().ok().flatten(),
        };
        let sign = sign.ok_or_else(|| Error::drift("the answer holds an entity that is none of XML's own"))?;
        self.text(sign.encode_utf8(&mut [0; 4]))
    }

    fn leave(&mut self, each: &mut impl FnMut(Member) -> Result<(), Error>) -> Result<(), Error> {
        let Some(element) = self.open.pop() else { return Err(Error::drift("the answer closes an element that it did not open")) };
        let text = std::mem::take(&mut self.text);
        let is_property = self.open.contains(&Element::PropStat);
        match element {
            Element::Href if self.open.last() == Some(&Element::Response) => self.member.href = path(&text),
            Element::Status if is_property => self.property_status = status(&text),
            Element::Status => self.member.status = status(&text),
            Element::Card => self.found = Some(text),
            Element::Tag => self.member.tag = Some(text.trim().to_owned()),
            Element::Token => self.answer.token = Some(text.trim().to_owned()),
            Element::PropStat => match self.property_status {
                None | Some(200..=299) => self.member.card = self.found.take().or_else(|| self.member.card.take()),
                Some(_) => {}
            },
            Element::Response => {
                let member = std::mem::take(&mut self.member);
                if member.href.is_empty() {
                    return Err(Error::drift("a response of the answer names no member"));
                }
                each(member)?;
            }
            Element::AddressBook | Element::Other | Element::Href => {}
        }
        Ok(())
    }
}

/// `HTTP/1.1 404 Not Found`.
fn status(line: &str) -> Option<u16> {
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The path of an address; most servers send only that.
fn path(href: &str) -> String {
    let href = href.trim();
    let behind = href.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    behind.unwrap_or(href).to_owned()
}

/// What the reader says may quote the answer; where it failed is enough. A failure of the host goes through as it is.
fn from_xml(error: quick_xml::Error) -> Error {
    match error {
        quick_xml::Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(inner) => inner.clone(),
            None => Error::drift("the answer is not UTF-8"),
        },
        _ => Error::drift("the answer is no well-formed XML: is `base_url` the address of an address book?"),
    }
}
