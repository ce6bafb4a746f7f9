//! Against a small address book in memory that answers as Radicale 3.9 does (checked against the real one in tests/e2e).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use hub_sdk::http::{FetchError, Method, Request};
use hub_sdk::testing::{Answer, FakeHost, check, read};
use hub_sdk::{Error, StreamRequest};

use super::CardDav;

const CONFIG: &str = r#"{ "base_url": "https://dav.example.org/anna/contacts", "page_size": 3 }"#;
const BOOK: &str = "/anna/contacts/";

/// Each change has a number; a token is one of them.
#[derive(Default)]
struct Server {
    cards: BTreeMap<u64, (usize, String)>,
    gone: BTreeMap<u64, usize>,
    changes: usize,
    /// Tokens before this one are forgotten.
    oldest: usize,
    /// Members of one answer.
    limit: Option<usize>,
}

impl Server {
    fn with(count: u64) -> Rc<RefCell<Self>> {
        let mut server = Self::default();
        (1..=count).for_each(|number| server.put(number, "Köhler"));
        Rc::new(RefCell::new(server))
    }

    fn put(&mut self, number: u64, name: &str) {
        self.changes += 1;
        self.cards.insert(number, (self.changes, name.to_owned()));
    }

    fn delete(&mut self, number: u64) {
        self.changes += 1;
        self.cards.remove(&number);
        self.gone.insert(number, self.changes);
    }

    fn answer(&mut self, request: &Request) -> Answer {
        assert_eq!((request.url(), request.credential_name()), ("https://dav.example.org/anna/contacts/", Some("contacts")));
        assert_eq!(request.header_value("content-type"), Some("application/xml; charset=utf-8"));
        let body = std::str::from_utf8(request.body_bytes().unwrap()).unwrap().to_owned();
        match (request.method(), request.header_value("depth"), body.contains("sync-collection")) {
            (Method::Propfind, Some("0"), false) => multistatus(&format!(
                "<response><href>{BOOK}</href><propstat><prop><resourcetype><CR:addressbook /><collection /></resourcetype><sync-token>7</sync-token></prop><status>HTTP/1.1 200 OK</status></propstat></response>"
            )),
            (Method::Report, Some("0"), true) => self.sync(&body),
            (Method::Report, Some("1"), false) => self.multiget(&body),
            other => panic!("{other:?}"),
        }
    }

    fn sync(&self, body: &str) -> Answer {
        let token = body.split("<sync-token>").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
        let since = token.strip_prefix("http://x/&amp;").map_or(0, |number| number.parse().unwrap());
        if !token.is_empty() && since < self.oldest {
            return Answer {
                body: br#"<?xml version="1.0"?><error xmlns="DAV:"><valid-sync-token /></error>"#.to_vec(),
                ..Answer::status(403)
            };
        }
        let mut members: Vec<(usize, String)> = self
            .cards
            .iter()
            .filter(|(_, (change, _))| *change > since)
            .map(|(number, (change, _))| {
                (*change, format!("<response><href>{BOOK}{number}.vcf</href><propstat><prop><getetag>\"1\"</getetag></prop><status>HTTP/1.1 200 OK</status></propstat></response>"))
            })
            .collect();
        let gone = self.gone.iter().filter(|(_, change)| **change > since && since > 0);
        members.extend(gone.map(|(number, change)| {
            (*change, format!("<response><href>{BOOK}{number}.vcf</href><status>HTTP/1.1 404 Not Found</status></response>"))
        }));
        members.sort();
        let mut until = self.changes;
        let mut text = String::new();
        if let Some(limit) = self.limit.filter(|limit| *limit < members.len()) {
            members.truncate(limit);
            until = members.last().unwrap().0;
            text = format!("<response><href>{BOOK}</href><status>HTTP/1.1 507 Insufficient Storage</status></response>");
        }
        members.iter().for_each(|(_, member)| text.push_str(member));
        multistatus(&format!("<sync-token>http://x/&amp;{until}</sync-token>{text}"))
    }

    fn multiget(&self, body: &str) -> Answer {
        let mut text = String::new();
        for part in body.split("<href>").skip(1) {
            let href = part.split('<').next().unwrap();
            let number: u64 = href.strip_prefix(BOOK).and_then(|name| name.strip_suffix(".vcf")).unwrap().parse().unwrap();
            match self.cards.get(&number) {
                None => text.push_str(&format!("<response><href>{href}</href><status>HTTP/1.1 404 Not Found</status></response>")),
                Some((_, name)) => text.push_str(&format!(
                    "<response><href>https://dav.example.org{href}</href><propstat><prop><CR:address-data>BEGIN:VCARD&#13;\nVERSION:4.0\nUID:{number}\nFN:{name} &amp; Söhne\nEND:VCARD</CR:address-data></prop><status>HTTP/1.1 200 OK</status></propstat></response>"
                )),
            }
        }
        multistatus(&text)
    }
}

fn multistatus(inner: &str) -> Answer {
    let text = format!(
        "<?xml version='1.0' encoding='utf-8'?>\n<multistatus xmlns=\"DAV:\" xmlns:CR=\"urn:ietf:params:xml:ns:carddav\">{inner}</multistatus>"
    );
    Answer { body: text.into_bytes(), ..Answer::status(207) }
}

fn host(server: &Rc<RefCell<Server>>) -> FakeHost {
    let (host, server) = (FakeHost::new(), Rc::clone(server));
    host.grant_read_body();
    host.serve(move |request| Ok(server.borrow_mut().answer(request)));
    host
}

fn answering(answer: Answer) -> FakeHost {
    let host = FakeHost::new();
    host.grant_read_body();
    host.serve(move |_| Ok(answer.clone()));
    host
}

fn contacts(state: Option<Vec<u8>>) -> Vec<StreamRequest> {
    vec![StreamRequest { state, ..StreamRequest::new("contacts") }]
}

fn hrefs(host: &FakeHost) -> Vec<String> {
    host.records(0).iter().map(|record| record["href"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn all_cards_then_what_changed() {
    let server = Server::with(8);
    let first = host(&server);
    assert_eq!(check::<CardDav>(CONFIG), Ok(()));
    assert_eq!(read::<CardDav>(CONFIG, contacts(None)), Ok(8));
    assert_eq!(first.records(0)[0]["fn"], "Köhler & Söhne");
    assert_eq!(hrefs(&first)[0], "/anna/contacts/1.vcf");
    let state = first.checkpoints(0).pop();
    assert_eq!(state.as_deref(), Some(br#"{"token":"http://x/&8"}"#.as_slice()));
    let idle = host(&server);
    assert_eq!(read::<CardDav>(CONFIG, contacts(state.clone())), Ok(0));
    assert!(idle.checkpoints(0).is_empty(), "the same token says nothing new");
    server.borrow_mut().put(3, "Ahrens");
    server.borrow_mut().delete(5);
    let second = host(&server);
    assert_eq!(read::<CardDav>(CONFIG, contacts(state)), Ok(1));
    assert_eq!(hrefs(&second), ["/anna/contacts/3.vcf"]);
    assert_eq!(second.deleted(0), [serde_json::json!({ "href": "/anna/contacts/5.vcf" })]);
}

#[test]
fn a_token_that_the_server_forgot_means_all_anew() {
    let server = Server::with(4);
    let first = host(&server);
    read::<CardDav>(CONFIG, contacts(None)).unwrap();
    let state = first.checkpoints(0).pop();
    server.borrow_mut().oldest = 5;
    server.borrow_mut().delete(2);
    let again = host(&server);
    assert_eq!(read::<CardDav>(CONFIG, contacts(state)), Ok(3));
    assert!(again.logs()[0].message.contains("no longer knows the last sync token"));
}

#[test]
fn an_answer_that_is_cut_is_asked_for_further() {
    let server = Server::with(8);
    server.borrow_mut().limit = Some(3);
    let whole = host(&server);
    assert_eq!(read::<CardDav>(CONFIG, contacts(None)), Ok(8));
    assert_eq!(whole.checkpoints(0).len(), 3);
    let stopped = host(&server);
    stopped.cancel_after_checkpoints(1);
    assert_eq!(read::<CardDav>(CONFIG, contacts(None)), Err(Error::Cancelled));
    let (state, mut seen) = (stopped.checkpoints(0).pop(), hrefs(&stopped));
    let rest = host(&server);
    assert_eq!(read::<CardDav>(CONFIG, contacts(state)), Ok(5));
    seen.extend(hrefs(&rest));
    assert_eq!(seen, (1..=8).map(|number| format!("{BOOK}{number}.vcf")).collect::<Vec<_>>());
}

#[test]
fn a_trial_run_fetches_no_more_than_it_wants() {
    let host = host(&Server::with(8));
    assert_eq!(read::<CardDav>(CONFIG, vec![StreamRequest { limit: Some(4), ..StreamRequest::new("contacts") }]), Ok(4));
    assert!(host.checkpoints(0).is_empty());
    let asked: usize =
        host.requests().iter().map(|request| std::str::from_utf8(request.body_bytes().unwrap()).unwrap().matches("<href>").count()).sum();
    assert_eq!(asked, 4);
}

#[test]
fn a_card_that_is_none_does_not_stop_the_others() {
    let host = FakeHost::new();
    host.grant_read_body();
    let response = |number: u32, data: &str| {
        format!(
            "<response><href>/{number}.vcf</href><propstat><prop><CR:address-data>{data}</CR:address-data></prop></propstat></response>"
        )
    };
    let good = "BEGIN:VCARD\nVERSION:3.0\nFN:x\nEND:VCARD";
    let page = [response(1, "secret"), response(2, good), response(3, &format!("<![CDATA[{good}]]>"))].concat();
    host.serve(move |_| Ok(multistatus(&format!("<sync-token>1</sync-token>{page}"))));
    assert_eq!(read::<CardDav>(r#"{ "base_url": "https://dav.example.org/" }"#, contacts(None)), Ok(2));
    assert_eq!(host.logs()[0].message, "cards that are no vCard 3 or 4 and were left out: 1");
}

#[test]
fn hostile_answers_become_an_error_without_their_text() {
    let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]><multistatus xmlns=\"DAV:\">&b;</multistatus>";
    let wrong: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "the answer holds no sync token"),
        (b"secret".to_vec(), "the answer"),
        (b"<a><b></a>".to_vec(), "no well-formed XML"),
        (b"<multistatus xmlns=\"DAV:\"><response>".to_vec(), "ends in its middle"),
        (b"</a>".to_vec(), "the answer"),
        (b"<a>\xFF\xFE</a>".to_vec(), "the answer"),
        (laughs.as_bytes().to_vec(), "document type"),
        (multistatus("<response><status>HTTP/1.1 200 OK</status></response>").body, "names no member"),
        (multistatus(&"<a>".repeat(70_000)).body, "nested too deeply"),
        (multistatus(&format!("<sync-token>{}</sync-token>", "x".repeat(5_000))).body, "longer than 4096 bytes"),
        (multistatus("<sync-token>&secret;</sync-token>").body, "none of XML's own"),
        (multistatus("<sync-token>&#x110000;</sync-token>").body, "none of XML's own"),
        (multistatus("<sync-token xmlns=\"urn:other\">1</sync-token>").body, "holds no sync token"),
    ];
    for (body, part) in wrong {
        let _host = answering(Answer { body: body.clone(), ..Answer::status(207) });
        let message = read::<CardDav>(CONFIG, contacts(None)).unwrap_err().to_string();
        assert!(
            message.contains(part) && !message.contains("secret"),
            "{message}: {}",
            String::from_utf8_lossy(&body[..body.len().min(80)])
        );
    }
}

#[test]
fn a_card_may_not_be_endless() {
    let card = format!(
        "<response><href>/1.vcf</href><propstat><prop><CR:address-data>{}</CR:address-data></prop></propstat></response>",
        "x".repeat(9 << 20)
    );
    let _host = answering(multistatus(&format!("<sync-token>1</sync-token>{card}")));
    let message = read::<CardDav>(CONFIG, contacts(None)).unwrap_err().to_string();
    assert!(message.contains("longer than 8388608 bytes"), "{message}");
}

#[test]
fn answers_that_are_none_become_the_right_error() {
    let address = "https://dav.example.org/anna/contacts/ answered with status";
    let cases: [(Result<Answer, FetchError>, Error); 4] = [
        (Ok(Answer::status(401)), Error::Auth(format!("{address} 401"))),
        (Ok(Answer::status(403)), Error::Auth(format!("{address} 403"))),
        (Ok(Answer::status(503)), Error::Transient { message: format!("{address} 503"), retry_after: None }),
        (Err(FetchError::Denied("no".into())), Error::Cancelled),
    ];
    for (answer, error) in cases {
        let host = FakeHost::new();
        host.grant_read_body();
        host.serve(move |_| answer.clone());
        assert_eq!(check::<CardDav>(CONFIG), Err(error.clone()));
        for state in [None, Some(br#"{"token":"1"}"#.to_vec())] {
            assert_eq!(read::<CardDav>(CONFIG, contacts(state)), Err(error.clone()));
        }
    }
    let _host = answering(Answer::status(200));
    assert!(check::<CardDav>(CONFIG).unwrap_err().to_string().contains("with status 200"));
}

#[test]
fn wrong_input_has_a_message() {
    let _host = host(&Server::with(1));
    let message = |config: &str, stream: &str| read::<CardDav>(config, vec![StreamRequest::new(stream)]).unwrap_err().to_string();
    assert!(message(CONFIG, "events").contains("there is contacts"));
    assert!(message(r#"{ "base_url": "https://a.example/", "page_size": 0 }"#, "contacts").contains("`page_size` must be from 1 to 1000"));
    let odd = read::<CardDav>(CONFIG, contacts(Some(br#"{"since":1}"#.to_vec()))).unwrap_err().to_string();
    assert!(odd.contains("reset the flow's state"), "{odd}");
    let _host = answering(multistatus(
        "<response><href>/</href><propstat><prop><resourcetype><collection/></resourcetype></prop></propstat></response>",
    ));
    assert!(check::<CardDav>(CONFIG).unwrap_err().to_string().contains("no address book"));
}
