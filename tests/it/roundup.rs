//! A connector over HTTP against a real tracker, and against servers that misbehave: incremental, with a secret that stays where it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::examples::with_examples;
use crate::support::program::{Program, root};
use crate::support::server::{Answer, Server};
use crate::support::story::{ARCHIVE, DESK, HEAD, PURPOSE, flow};
use crate::support::tracker::Tracker;

const OUT: &str = "out/issues.ndjson";
const SECRET: &str = "planted-password-of-the-tracker";

/// Issues of a tracker at an address, appended to a file; the password comes from `secret`.
fn issues(url: &str, origin: &str, secret: &str) -> String {
    let system = format!(
        "\n[system.tracker]\nconnector = \"builtin:roundup\"\nconfig = {{ base_url = \"{url}\", page_size = 50 }}\nhosts = [\"{origin}\"]\ncollected_for = [\"care\"]\n\
         credentials = {{ tracker = {{ scheme = \"basic\", user = \"admin\", value = {secret} }} }}\n"
    );
    let flow =
        flow("issues-to-archive", "tracker.issues", "archive.issues", "fields = [\"id\", \"title\", \"activity\"]\nmode = \"append\"");
    [HEAD, PURPOSE, ARCHIVE, &system, &flow].concat()
}

fn read(program: &Program) -> (Value, Value) {
    let document = program.run(&["run", "--output", "json"]).ends(0).json();
    (document["flows"][0]["read"].clone(), document["flows"][0]["written"].clone())
}

#[test]
fn the_first_run_reads_all_and_later_ones_what_changed() {
    let mut tracker = Tracker::start(120);
    let program = Program::with_manifest(&issues(tracker.url(), &tracker.origin(), "{ file = \"secrets/password\" }"));
    program.write("secrets/password", format!("{}\n", tracker.password()));
    assert_eq!(read(&program), (json!(120), json!(120)));
    let ids: BTreeSet<String> = program.records(OUT).iter().map(|record| record["id"].to_string()).collect();
    assert_eq!(ids.len(), 120, "each issue once, over several pages");
    assert_eq!(read(&program), (json!(0), json!(0)), "nothing has changed");
    tracker.touch(7);
    assert_eq!(read(&program), (json!(1), json!(1)), "one issue has changed");
    let last = program.records(OUT).pop().unwrap();
    assert_eq!(last["id"].as_str().map_or_else(|| last["id"].to_string(), str::to_owned), "7");
    assert!(last["title"].as_str().unwrap().ends_with(" *"));
    holds_nowhere(&program.path("hub-data"), tracker.password());
    let log = program.audit();
    let granted: Vec<&Value> = log.iter().filter(|entry| entry["kind"] == "egress.granted").collect();
    assert!(!granted.is_empty(), "each run's first request to a host is on record");
    assert!(
        granted.iter().all(|entry| entry["detail"].as_str().is_some_and(|detail| detail.contains("credential tracker"))),
        "{granted:#?}"
    );
    program.run(&["audit", "verify"]).ends(0);
}

#[test]
fn the_example_reads_a_tracker_as_its_page_says() {
    let mut tracker = Tracker::start(40);
    let program = with_examples();
    let manifest = "examples/roundup-to-file/manifest.toml";
    let text = program.read(manifest);
    let placeholder = text.lines().find_map(|line| line.split_once("base_url = \"")).and_then(|(_, rest)| rest.split('"').next()).unwrap();
    let origin = url::Url::parse(placeholder).unwrap().origin().ascii_serialization();
    program.write(manifest, text.replace(placeholder, tracker.url()).replace(&origin, &tracker.origin()));
    let page = fs::read_to_string(root().join("examples/roundup-to-file/README.md")).unwrap();
    assert!(page.contains("hub run examples/roundup-to-file/manifest.toml"), "the page says how to run it");
    let parsed: toml::Table = toml::from_str(&text).unwrap();
    let credentials = parsed["system"].as_table().unwrap().values().find_map(|system| system.get("credentials")).unwrap();
    for credential in credentials.as_table().unwrap().values() {
        let file = credential["value"].get("file").and_then(toml::Value::as_str).expect("the secret is in a file");
        program.write(&format!("examples/roundup-to-file/{file}"), tracker.password());
    }
    for pseudonym in parsed.get("pseudonym").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values) {
        let file = pseudonym["key"].get("file").and_then(toml::Value::as_str).expect("the key is in a file");
        if !program.has(&format!("examples/roundup-to-file/{file}")) {
            program.write(&format!("examples/roundup-to-file/{file}"), "a key for the tests only");
        }
    }
    let counts = || {
        let document = program.run(&["run", manifest, "--output", "json"]).ends(0).json();
        document["flows"].as_array().unwrap().iter().map(|flow| flow["read"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let first = counts();
    assert!(first.contains(&40), "the first run reads all issues: {first:?}");
    assert!(counts().iter().all(|count| *count == 0), "the second reads nothing");
    tracker.touch(11);
    assert_eq!(counts().iter().sum::<u64>(), 1, "the third reads what changed");
    program.run(&["audit", "verify", manifest]).ends(0);
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let tracker = Tracker::start(1);
    let mut program = Program::with_manifest(&issues(tracker.url(), &tracker.origin(), "{ env = \"HUB_TEST_PASSWORD\" }"));
    let outcome = program.run(&["run", "-vv"]);
    assert_eq!(outcome.code, Some(1), "without the variable: {}", outcome.printed());
    program.set("HUB_TEST_PASSWORD", SECRET);
    let outcome = program.run(&["run", "-vv"]).ends(1).says("HUB-E307");
    assert!(!outcome.printed().contains(SECRET), "{}", outcome.printed());
    assert!(!program.has(OUT) || program.read(OUT).is_empty());
    holds_nowhere(&program.path("hub-data"), SECRET);
}

/// What a server says about a secret, or about a person, is nobody else's business.
#[test]
fn a_server_that_repeats_the_secret_cannot_make_hub_repeat_it() {
    let server = Server::start(|request, _| {
        let sent = request.header("authorization").unwrap_or_default().to_owned();
        Answer::new(500)
            .header("content-type", "application/json")
            .bytes(json!({ "error": { "msg": sent, "person": "planted-person" } }).to_string())
    });
    let program = Program::with_manifest(&issues(&server.url("/tracker/"), &server.origin(), "{ file = \"password\" }"));
    program.write("password", SECRET);
    let outcome = program.run(&["run", "-vv"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.printed());
    let requests = server.requests();
    let sent = requests.first().and_then(|request| request.header("authorization")).expect("the host put the credential in");
    for hidden in [SECRET, "planted-person", sent.strip_prefix("Basic ").unwrap()] {
        assert!(!outcome.printed().contains(hidden), "{hidden}: {}", outcome.printed());
        holds_nowhere(&program.path("hub-data"), hidden);
    }
}

#[test]
fn answers_that_are_no_answers_end_the_run_with_a_message() {
    let cases: [(&str, Answer); 6] = [
        ("not found", Answer::new(404)),
        ("no JSON", Answer::new(200).header("content-type", "application/json").bytes("<html>")),
        ("other JSON", Answer::json(&json!({ "data": 1 }))),
        ("torn", Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":")),
        ("no HTTP", Answer::raw("hello\r\n")),
        ("many headers", Answer::raw(format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-more: 1\r\n".repeat(100_000)))),
    ];
    for (what, answer) in cases {
        let server = Server::scripted(vec![answer]);
        let program = Program::with_manifest(&issues(&server.url("/tracker/"), &server.origin(), "{ file = \"password\" }"));
        program.write("password", SECRET);
        let outcome = program.run(&["run"]);
        assert_eq!(outcome.code, Some(1), "{what}: {}", outcome.printed());
        assert!(outcome.stderr.contains("error[HUB-E") && outcome.stderr.contains("help"), "{what}: {}", outcome.stderr);
        assert!(!program.has(OUT) || program.read(OUT).is_empty(), "{what}");
        program.run(&["audit", "verify"]).ends(0);
    }
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let (origin, url) = {
        let server = Server::scripted(vec![Answer::new(200)]);
        (server.origin(), server.url("/tracker/"))
    };
    let program = Program::with_manifest(&issues(&url, &origin, "{ file = \"password\" }"));
    program.write("password", SECRET);
    program.run(&["run"]).ends(1).says("HUB-E307");
}

#[test]
fn a_host_that_is_not_granted_is_not_reached() {
    let server = Server::scripted(vec![Answer::new(200)]);
    let other = Server::scripted(vec![Answer::new(200)]);
    let program = Program::with_manifest(&issues(&server.url("/tracker/"), &other.origin(), "{ file = \"password\" }"));
    program.write("password", SECRET);
    let outcome = program.run(&["run"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.printed());
    assert_eq!((server.requests().len(), other.requests().len()), (0, 0));
    let denied: Vec<Value> = program.audit().into_iter().filter(|entry| entry["kind"] == "flow.denied").collect();
    assert!(!denied.is_empty(), "the denial is on record");
}

/// A tracker in place of a file: issues by their title, which is the only text that the classic template has.
#[test]
fn issues_are_written_once_however_often_they_are_sent() {
    let mut tracker = Tracker::start(5);
    let desk = "\n[stream.desk.tickets]\nprimary_key = [\"subject\"]\nidentity = { customer = { field = \"subject\", strength = \"weak\" } }\nsubjects = [\"customer\"]\nretention = [\"customer\"]\n\
                fields = { subject = \"user.content.private\", state = \"system.operations\", urgency = \"system.operations\" }\n";
    let system = format!(
        "\n[system.tracker]\nconnector = \"builtin:roundup\"\nconfig = {{ base_url = \"{}\", overlap_seconds = 0 }}\nhosts = [\"{}\"]\ngrants = [\"read-body\"]\ncollected_for = [\"care\"]\n\
         dsr = {{ erase = \"manual\", procedure = \"P-3\" }}\ncredentials = {{ tracker = {{ scheme = \"basic\", user = \"admin\", value = {{ file = \"secrets/password\" }} }} }}\n",
        tracker.url(),
        tracker.origin()
    );
    let fields = "mode = \"upsert\"\nfields = { subject = { action = \"allow\", to = \"title\" }, state = { action = \"allow\", to = \"status\" }, urgency = { action = \"allow\", to = \"priority\" } }";
    let program = Program::with_manifest(
        &[HEAD, PURPOSE, DESK, &system, desk, &flow("tickets-to-tracker", "desk.tickets", "tracker.issues", fields)].concat(),
    );
    program.write("secrets/password", tracker.password());
    let known = tracker.issue(1)["title"].as_str().unwrap().to_owned();
    let ticket = |subject: &str, state: &str| json!({ "subject": subject, "state": state, "urgency": "urgent" }).to_string() + "\n";
    program.write(
        "in/tickets.ndjson",
        [ticket(&known, "resolved"), ticket("Über alles: 100 % & mehr", "chatting"), ticket("Über", "open")].concat(),
    );
    let document = program.run(&["run", "--output", "json"]);
    // `open` is no status of the classic template: that row is refused, by its place and a word.
    assert!(document.printed().contains("refused"), "{}", document.printed());
    let written = [tracker.issue(1), tracker.issue(6)];
    assert_eq!((&written[0]["title"], &written[0]["status"]), (&json!(known), &json!("resolved")));
    assert_eq!((&written[1]["title"], &written[1]["status"]), (&json!("Über alles: 100 % & mehr"), &json!("chatting")));
    program.write("in/tickets.ndjson", [ticket(&known, "resolved"), ticket("Über alles: 100 % & mehr", "chatting")].concat());
    program.run(&["state", "reset", "tickets-to-tracker", "--yes", "tickets-to-tracker"]).ends(0);
    assert_eq!(read(&program), (json!(2), json!(2)));
    assert_eq!([tracker.issue(1), tracker.issue(6)], written, "the dates of change too");
    assert_eq!(tracker.issue(7), Value::Null);
}

pub fn holds_nowhere(folder: &Path, value: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds_nowhere(&path, value);
        } else {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(value.len()).any(|window| window == value.as_bytes()), "{} holds it", path.display());
        }
    }
}
