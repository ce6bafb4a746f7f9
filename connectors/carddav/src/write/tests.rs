//! Against a small address book in memory that finds, takes and deletes cards as Radicale 3.9 does (checked against the real one in tests/it).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use hub_sdk::http::{Method, Request};
use hub_sdk::testing::{Answer, FakeHost, Writer};
use hub_sdk::{Error, Field, Kind, Mode, Target};

use super::CardDavDestination;

const CONFIG: &str = r#"{ "base_url": "https://dav.example.org/anna/contacts" }"#;
const BOOK: &str = "https://dav.example.org/anna/contacts/";

/// Cards by the last part of their address; a tag is a number.
#[derive(Default)]
struct Server {
    cards: BTreeMap<String, (u32, String)>,
    writes: u32,
    /// So many times somebody else is faster.
    rivals: u32,
}

impl Server {
    fn put(&mut self, name: &str, card: &str) {
        self.writes += 1;
        self.cards.insert(name.into(), (self.writes, card.into()));
    }

    fn answer(&mut self, request: &Request) -> Answer {
        assert_eq!(request.credential_name(), Some("contacts"));
        let body = std::str::from_utf8(request.body_bytes().unwrap_or_default()).unwrap();
        let name = request.url().strip_prefix(BOOK).unwrap();
        if matches!(request.method(), Method::Put | Method::Delete) && self.rivals > 0 {
            self.rivals -= 1;
            self.writes += 1;
            for card in self.cards.values_mut() {
                card.0 = self.writes;
            }
        }
        let is_as_found = match (request.header_value("if-match"), request.header_value("if-none-match"), self.cards.get(name)) {
            (Some(tag), None, Some((is, _))) => tag == format!("\"{is}\""),
            (None, Some("*"), there) => there.is_none(),
            _ => false,
        };
        match request.method() {
            Method::Report => self.found(body),
            Method::Put | Method::Delete if !is_as_found => Answer::status(412),
            Method::Put if body.contains("refuse") => Answer::status(400),
            Method::Put => {
                assert_eq!(request.header_value("content-type"), Some("text/vcard; charset=utf-8"));
                self.put(name, body);
                Answer::status(201)
            }
            Method::Delete => {
                self.cards.remove(name);
                Answer::status(200)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Without regard to case, as most servers search.
    fn found(&self, body: &str) -> Answer {
        let asked: Vec<String> =
            body.split("match-type=\"equals\">").skip(1).map(|rest| rest.split('<').next().unwrap().to_lowercase()).collect();
        let members = self.cards.iter().filter(|(_, (_, card))| asked.contains(&uid(card).to_lowercase())).map(|(name, (tag, card))| {
            let card = card.replace('&', "&amp;").replace('\r', "&#13;");
            format!("<response><href>/anna/contacts/{name}</href><propstat><prop><getetag>\"{tag}\"</getetag><CR:address-data>{card}</CR:address-data></prop><status>HTTP/1.1 200 OK</status></propstat></response>")
        });
        let text: String = members.collect();
        let text = format!("<multistatus xmlns=\"DAV:\" xmlns:CR=\"urn:ietf:params:xml:ns:carddav\">{text}</multistatus>");
        Answer { body: text.into_bytes(), ..Answer::status(207) }
    }
}

fn uid(card: &str) -> &str {
    card.split("UID:").nth(1).unwrap().split("\r\n").next().unwrap()
}

fn card(uid: &str, name: &str) -> String {
    format!("BEGIN:VCARD\r\nVERSION:4.0\r\nUID:{uid}\r\nFN:{name}\r\nX-OWN:stays\r\nEND:VCARD\r\n")
}

fn server() -> (Rc<RefCell<Server>>, FakeHost) {
    let server = Rc::new(RefCell::new(Server::default()));
    let (host, behind) = (FakeHost::new(), Rc::clone(&server));
    host.grant_read_body();
    host.serve(move |request| Ok(behind.borrow_mut().answer(request)));
    (server, host)
}

fn target(mode: Mode, key: &[&str], fields: &[&str]) -> Target {
    let field = |name: &&str| Field { name: (*name).into(), kind: Kind::Text, about: String::new() };
    Target {
        index: 3,
        name: "contacts".into(),
        mode,
        primary_key: key.iter().map(ToString::to_string).collect(),
        fields: fields.iter().map(field).collect(),
    }
}

fn open() -> Writer<CardDavDestination> {
    Writer::open(CONFIG, vec![target(Mode::Upsert, &["uid"], &["uid", "fn", "emails"])]).unwrap()
}

#[test]
fn cards_are_made_once_and_changed_where_they_differ() {
    let (server, _host) = server();
    server.borrow_mut().put("old.vcf", &card("K1", "Anna"));
    let batch = "{\"uid\":\"K1\",\"fn\":\"Anna Neu\"}\n{\"uid\":\"urn:x/ü\",\"fn\":\"Zoë\",\"emails\":[\"z@company.example\"]}\n{\"uid\":\"urn:x/ü\",\"fn\":\"Zoë W.\"}";
    assert_eq!(open().write(3, batch).unwrap().written, 3);
    let names: Vec<String> = server.borrow().cards.keys().cloned().collect();
    assert_eq!(names, ["old.vcf", "urn_3ax_2f_c3_bc.vcf"]);
    assert_eq!(server.borrow().cards["old.vcf"].1, card("K1", "Anna Neu"));
    assert!(server.borrow().cards["urn_3ax_2f_c3_bc.vcf"].1.contains("FN:Zoë W.\r\nEMAIL:z@company.example\r\n"));
    let writes = server.borrow().writes;
    let settled = "{\"uid\":\"K1\",\"fn\":\"Anna Neu\"}\n{\"uid\":\"urn:x/ü\",\"fn\":\"Zoë W.\",\"emails\":[\"z@company.example\"]}";
    assert_eq!(open().write(3, settled).unwrap().written, 2);
    assert_eq!(server.borrow().writes, writes, "the same changes nothing");
}

#[test]
fn a_card_that_somebody_else_changes_is_looked_at_again() {
    let (server, _host) = server();
    server.borrow_mut().put("1.vcf", &card("K1", "Anna"));
    server.borrow_mut().rivals = 2;
    assert_eq!(open().write(3, r#"{"uid":"K1","fn":"Zoë"}"#).unwrap().written, 1);
    server.borrow_mut().rivals = 3;
    let busy = Err(Error::transient("a card is being changed by somebody else again and again"));
    assert_eq!(open().write(3, r#"{"uid":"K1","fn":"Anna"}"#), busy);
    server.borrow_mut().rivals = 3;
    assert_eq!(open().delete(3, r#"{"uid":"K1"}"#), busy);
}

#[test]
fn deleted_cards_are_gone_and_stay_gone() {
    let (server, _host) = server();
    for (name, uid) in [("1.vcf", "K1"), ("2.vcf", "K2"), ("3.vcf", "k1"), ("4.vcf", "K1")] {
        server.borrow_mut().put(name, &card(uid, "x"));
    }
    for _ in 0..2 {
        assert_eq!(open().delete(3, "{\"uid\":\"K1\"}\n{\"uid\":\"K9\"}").unwrap().written, 2);
        assert_eq!(server.borrow().cards.keys().collect::<Vec<_>>(), ["2.vcf", "3.vcf"], "another case is another card");
    }
}

#[test]
fn rows_that_do_not_fit_are_named_by_a_word() {
    let (server, _host) = server();
    server.borrow_mut().put("1.vcf", &card("K1", "x"));
    server.borrow_mut().put("2.vcf", &card("K1", "y"));
    let long = format!(r#"{{"uid":"{}"}}"#, "x".repeat(200));
    let rows = [
        "[1]",
        r#"{"uid":5,"fn":"x"}"#,
        r#"{"fn":"x"}"#,
        r#"{"uid":" ","fn":"x"}"#,
        &long,
        r#"{"uid":"n","photo":"x"}"#,
        r#"{"uid":"n"}"#,
        r#"{"uid":"n","fn":"x","emails":"a@company.example"}"#,
        r#"{"uid":"n","fn":"refuse"}"#,
        r#"{"uid":"K1","fn":"x"}"#,
        r#"{"uid":"good","fn":"x"}"#,
    ];
    let report = open().write(3, &rows.join("\n")).unwrap();
    assert_eq!(report.written, 1);
    let words: Vec<_> = report.failed.iter().map(|row| (row.row, row.code.as_str())).collect();
    let wanted = [
        "not-a-json-object",
        "wrong-type",
        "no-key",
        "no-key",
        "key-too-long",
        "unknown-field",
        "no-name",
        "wrong-type",
        "refused",
        "ambiguous-key",
    ];
    assert_eq!(words, (0..).zip(wanted).collect::<Vec<_>>());
}

#[test]
fn a_member_outside_of_the_book_is_not_touched() {
    let host = FakeHost::new();
    host.grant_read_body();
    host.serve(|request| {
        assert_eq!(request.method(), Method::Report);
        let text = format!(
            "<multistatus xmlns=\"DAV:\" xmlns:CR=\"urn:ietf:params:xml:ns:carddav\"><response><href>/bert/contacts/1.vcf</href><propstat><prop><getetag>\"1\"</getetag><CR:address-data>{}</CR:address-data></prop></propstat></response></multistatus>",
            card("K1", "x").replace('\r', "&#13;")
        );
        Ok(Answer { body: text.into_bytes(), ..Answer::status(207) })
    });
    let outside = Err(Error::drift("the server names a card that is not in this address book"));
    assert_eq!(open().write(3, r#"{"uid":"K1","fn":"y"}"#), outside);
    assert_eq!(open().delete(3, r#"{"uid":"K1"}"#), outside);
}

#[test]
fn a_target_that_cannot_be_is_refused_when_opening() {
    let (_server, _host) = server();
    let message = |target: Target| Writer::<CardDavDestination>::open(CONFIG, vec![target]).unwrap_err().to_string();
    let named = Target { name: "events".into(), ..target(Mode::Upsert, &["uid"], &["uid"]) };
    assert!(message(named).contains("only contacts can be written"));
    assert!(message(target(Mode::Append, &["uid"], &["uid"])).contains("use the mode upsert"));
    assert!(message(target(Mode::Upsert, &["href"], &["href"])).contains("must arrive as `uid` alone"));
    assert!(message(target(Mode::Upsert, &["uid"], &["uid", "photo"])).contains("no field `photo` to write; there are uid, fn"));
}
