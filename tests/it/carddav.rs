//! A real address book, read by its server's sync token: what is new, what is gone, and what happens when the server forgets the token.

use std::collections::BTreeSet;

use serde_json::json;

use crate::roundup::holds_nowhere;
use crate::support::process::Process;
use crate::support::program::Program;
use crate::support::story::{ARCHIVE, HEAD, PURPOSE, flow};

fn system(name: &str, book: &Process, grants: &str) -> String {
    format!(
        "\n[system.{name}]\nconnector = \"builtin:carddav\"\nconfig = {{ base_url = \"{}\", page_size = 25 }}\nhosts = [\"{}\"]\ngrants = [{grants}]\ncollected_for = [\"care\"]\n\
         credentials = {{ contacts = {{ scheme = \"basic\", user = \"hub\", value = {{ file = \"secrets/{name}\" }} }} }}\ndsr = {{ erase = \"native\" }}\n",
        book.url(),
        book.origin()
    )
}

fn manifest(book: &Process, grants: &str) -> String {
    let fields = "fields = [\"href\", \"fn\", \"family_name\", \"emails\", \"phones\", \"org\", \"addresses.street\", \"addresses.city\", \"rev\"]\nmode = \"append\"\ndeletes = \"ignore\"";
    [HEAD, PURPOSE, ARCHIVE, &system("dav", book, grants), &flow("contacts-to-archive", "dav.contacts", "archive.contacts", fields)]
        .concat()
}

fn run(program: &Program) -> (u64, u64) {
    let document = program.run(&["run", "--output", "json"]).ends(0).json();
    let count = |what: &str| document["flows"][0][what].as_u64().unwrap();
    (count("read"), count("written"))
}

#[test]
fn all_cards_come_once_and_later_what_changed() {
    let mut book = Process::start("radicale", &["--cards", "60"]);
    let program = Program::with_manifest(&manifest(&book, "\"read-body\""));
    program.write("secrets/dav", book.told("password"));
    assert_eq!(run(&program), (60, 60));
    let contacts = program.records("out/contacts.ndjson");
    let hrefs: BTreeSet<&str> = contacts.iter().map(|contact| contact["href"].as_str().unwrap()).collect();
    assert_eq!(hrefs.len(), 60);
    let tenth = contacts.iter().find(|contact| contact["href"] == "/hub/contacts/card-10.vcf").unwrap();
    assert_eq!(tenth["emails"], json!(["k10@company.example"]));
    assert_eq!(tenth["phones"], json!(["+49 30 23125 010"]));
    assert_eq!(
        (&tenth["org"], &tenth["addresses"]),
        (&json!("Beispiel GmbH"), &json!([{ "street": "Hafenstraße 10, Hinterhaus", "city": "Köln" }]))
    );
    assert!(!program.read("out/contacts.ndjson").contains("Sehr lange Notiz"), "the note is not the flow's");
    assert_eq!(run(&program), (0, 0), "nothing has changed");
    assert_eq!(book.order("touch 7")["touched"], 7);
    assert_eq!(book.order("delete 9")["deleted"], 9);
    assert_eq!(run(&program), (1, 1), "one has changed; one is gone");
    let last = program.records("out/contacts.ndjson").pop().unwrap();
    assert!(last["href"] == "/hub/contacts/card-7.vcf" && last["family_name"].as_str().unwrap().ends_with(" *"), "{last}");
    assert_eq!(book.order("forget")["forgotten"], true);
    assert_eq!(book.order("touch 8")["touched"], 8);
    assert_eq!(run(&program), (59, 59), "the server does not know the token any more: all that is there");
    assert_eq!(run(&program), (0, 0));
    holds_nowhere(&program.path("hub-data"), book.told("password"));
    program.run(&["audit", "verify"]).ends(0);
}

/// What a source says is gone leaves the other book too; what is the same is not written again.
#[test]
fn a_book_follows_another_one() {
    let (mut book, copy) = (Process::start("radicale", &["--cards", "5"]), Process::start("radicale", &["--cards", "0"]));
    let grants = "\"read-body\"";
    let into = flow(
        "book-to-copy",
        "dav.contacts",
        "copy.contacts",
        "mode = \"upsert\"\nfields = { href = { action = \"allow\", to = \"uid\" }, fn = \"allow\", emails = \"allow\" }",
    );
    let out = flow(
        "copy-to-archive",
        "copy.contacts",
        "archive.contacts",
        "mode = \"append\"\ndeletes = \"ignore\"\nfields = [\"href\", \"uid\", \"fn\", \"emails\", \"phones\"]",
    );
    let systems = [system("dav", &book, grants), system("copy", &copy, grants)].concat();
    let program = Program::with_manifest(&[HEAD, PURPOSE, ARCHIVE, &systems, &into, &out].concat());
    program.write("secrets/dav", book.told("password"));
    program.write("secrets/copy", copy.told("password"));
    // Of both flows: read, written, deleted, deletes left alone.
    let run = || {
        let document = program.run(&["run", "--output", "json"]).ends(0).json();
        [0, 1].map(|flow| ["read", "written", "deleted", "deletes_ignored"].map(|what| document["flows"][flow][what].as_u64().unwrap()))
    };
    assert_eq!(run(), [[5, 5, 0, 0], [5, 5, 0, 0]]);
    let copied = program.records("out/contacts.ndjson");
    let third = copied.iter().find(|card| card["uid"] == "/hub/contacts/card-3.vcf").unwrap();
    assert_eq!((&third["fn"], &third["emails"], &third["phones"]), (&json!("Dörte Voß"), &json!(["k3@company.example"]), &json!([])));
    program.run(&["state", "reset", "book-to-copy", "--yes", "book-to-copy"]).ends(0);
    assert_eq!(run(), [[5, 5, 0, 0], [0, 0, 0, 0]], "written once more, nothing has changed");
    assert_eq!((&book.order("touch 3")["touched"], &book.order("delete 4")["deleted"]), (&json!(3), &json!(4)));
    assert_eq!(run(), [[1, 1, 1, 0], [1, 1, 0, 1]]);
    let last = program.records("out/contacts.ndjson").pop().unwrap();
    assert_eq!((&last["href"], &last["fn"]), (&third["href"], &json!("Dörte Voß *")), "the same card");
    holds_nowhere(&program.path("hub-data"), copy.told("password"));
    program.run(&["audit", "verify"]).ends(0);
}

#[test]
fn a_body_is_read_only_with_the_grant() {
    let book = Process::start("radicale", &["--cards", "3"]);
    let program = Program::with_manifest(&manifest(&book, ""));
    program.write("secrets/dav", book.told("password"));
    let outcome = program.run(&["run"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.printed());
    assert!(outcome.stderr.contains("read-body"), "{}", outcome.stderr);
}

#[test]
fn a_wrong_password_and_a_wrong_address_are_told() {
    let book = Process::start("radicale", &["--cards", "1"]);
    let program = Program::with_manifest(&manifest(&book, "\"read-body\""));
    program.write("secrets/dav", "planted-password");
    let outcome = program.run(&["run", "-vv"]).ends(1).says("HUB-E307");
    assert!(!outcome.printed().contains("planted-password"), "{}", outcome.printed());
    program.write("secrets/dav", book.told("password"));
    program.write("manifest.toml", program.read("manifest.toml").replace("/hub/contacts/", "/hub/other/"));
    program.run(&["run"]).ends(1).says("/hub/other/");
}
