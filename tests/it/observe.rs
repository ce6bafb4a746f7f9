//! Who watches is told what happened, in the forms that others read, and never a value of a record or a secret.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::program::{Program, connectors};
use crate::support::server::{Answer, Request, Server};
use crate::support::story::{ARCHIVE, HEAD, PURPOSE, crm, file_to_file, flow, sample_to_file};

const SECRET: &str = "whsec_cGxhbnRlZC1zZWNyZXQtb2YtdGhlLWhvb2s=";
const TOKEN: &str = "planted-token-of-the-collector";
const VALUE: &str = "planted.person@example.org";

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A whole exchange on one connection.
fn ask(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

fn page(port: u16) -> String {
    ask(port, &format!("GET /metrics HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n"))
}

fn signed_by(request: &Request, secret: &str) -> bool {
    let (id, seconds) = (request.header("webhook-id").unwrap(), request.header("webhook-timestamp").unwrap().parse().unwrap());
    let message = hub_core::tell::event::Message { id: id.to_owned(), body: request.body.clone() };
    let wanted = hub_core::tell::event::signature(&hub_core::tell::event::key(secret), &message, seconds);
    request.header("webhook-signature") == Some(wanted.as_str())
}

fn bodies(server: &Server) -> Vec<Value> {
    server.requests().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}

fn alert(server: &Server, more: &str) -> String {
    format!("\n[alert.ops]\nto = \"{}\"\nsecret = {{ env = \"HOOK_SECRET\" }}\n{more}\n", server.url("/hub"))
}

#[test]
fn a_failed_run_is_told_once_it_is_taken() {
    let server = Server::scripted(vec![Answer::new(503), Answer::new(200)]);
    let manifest = file_to_file("[stream.desk.people.fields]\nid = \"user.unique_id\"", "fields = [\"id\"]")
        + &alert(&server, "on = [\"run.failed\"]");
    let mut program = Program::with_manifest(&manifest);
    program.set("HOOK_SECRET", SECRET);
    program.write("in/people.ndjson", format!("{{\"id\":1}}\nnot json {VALUE}\n"));
    let outcome = program.run(&["run", "-v"]).ends(1);
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "the first was refused, the second taken\n{}", outcome.stderr);
    assert!(requests.iter().all(|request| signed_by(request, SECRET)));
    assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"), "a receiver can tell a message that it has had");
    assert_eq!(requests[0].header("content-type"), Some("application/cloudevents+json; charset=utf-8"));
    let event = &bodies(&server)[1];
    assert_eq!(
        (&event["specversion"], &event["type"], &event["subject"]),
        (&json!("1.0"), &json!("hub.run.failed.v1"), &json!("people-to-archive"))
    );
    assert_eq!((&event["data"]["code"], &event["data"]["flow"]), (&json!("HUB-E219"), &json!("people-to-archive")));
    assert_eq!(event["id"].as_str(), requests[1].header("webhook-id"));
    assert!(event["source"].as_str().unwrap().starts_with("hub/"));
    let granted = program.audit().into_iter().find(|entry| entry["kind"] == "egress.granted" && entry["system"] == "alert:ops");
    let granted = granted.expect("who is told is on record");
    assert_eq!((&granted["detail"], granted.get("run")), (&json!(server.origin()), None));
    assert!(!outcome.stderr.contains(SECRET));
}

#[test]
fn a_receiver_that_is_gone_stops_no_run() {
    let manifest = sample_to_file(10, "")
        + &format!(
            "\n[alert.ops]\nto = \"http://127.0.0.1:{}/hub\"\nsecret = {{ env = \"HOOK_SECRET\" }}\non = [\"run.completed\"]\n",
            free_port()
        );
    let mut program = Program::with_manifest(&manifest);
    program.set("HOOK_SECRET", SECRET);
    program.run(&["run"]).ends(0).says("HUB-E314").says("alert:ops");
    assert_eq!(program.records("out/contacts.ndjson").len(), 10);
}

#[test]
fn an_alert_can_be_tried() {
    let server = Server::start(|request, _| Answer::new(if request.path() == "/hub" { 204 } else { 404 }));
    let wrong = format!("[alert.wrong]\nto = \"{}\"\nsecret = {{ env = \"HOOK_SECRET\" }}\n", server.url("/nowhere"));
    let mut program = Program::with_manifest(&(sample_to_file(10, "") + &alert(&server, "") + &wrong));
    program.set("HOOK_SECRET", SECRET);
    program.run(&["alert", "list"]).ends(0).prints("ops").prints("run.failed, flow.denied, flow.paused, audit.broken");
    program.run(&["alert", "test", "ops"]).ends(0).prints("✓ ops: status 204");
    let event = &bodies(&server)[0];
    assert_eq!((&event["type"], &event["data"]), (&json!("hub.test.v1"), &json!({ "alert": "ops" })));
    program.run(&["alert", "test", "wrong", "manifest.toml"]).ends(1).says("HUB-E314").says("status 404");
    program.run(&["alert", "test", "manifest.toml"]).ends(1).prints("✓ ops").says("`wrong`");
    program.run(&["alert", "test", "nobody"]).ends(2).says("HUB-E009").says("declared alerts: ops, wrong");
    assert!(server.requests().iter().all(|request| signed_by(request, SECRET)));
    let without = Program::with_manifest(&program.read("manifest.toml"));
    without.run(&["alert", "test", "ops"]).ends(1).says("HUB-E312").says("HOOK_SECRET");
}

#[test]
fn what_is_told_goes_to_the_declared_address_only() {
    let elsewhere = Server::scripted(vec![Answer::new(200)]);
    let target = elsewhere.url("/stolen");
    let server = Server::start(move |_, _| Answer::redirect(307, &target));
    let mut program = Program::with_manifest(&(sample_to_file(10, "") + &alert(&server, "")));
    program.set("HOOK_SECRET", SECRET);
    program.run(&["alert", "test"]).ends(3).says("HUB-E204").says("alert:ops");
    assert_eq!((server.requests().len(), elsewhere.requests().len()), (1, 0));
    let denied = program.audit().into_iter().find(|entry| entry["kind"] == "flow.denied").expect("it is on record");
    assert_eq!((&denied["code"], &denied["system"]), (&json!("HUB-E204"), &json!("alert:ops")));
    program.write(
        "manifest.toml",
        sample_to_file(10, "") + "\n[alert.ops]\nto = \"http://hooks.example.org/hub\"\nsecret = { env = \"S\" }\n",
    );
    program.run(&["check"]).ends(3).says("HUB-E401");
    program.write("manifest.toml", sample_to_file(10, "") + "\n[observe]\nmetrics = \"0.0.0.0:9464\"\n");
    program.run(&["check"]).ends(3).says("HUB-E405").says("127.0.0.1:9464");
}

#[test]
fn a_log_that_was_changed_is_told() {
    let server = Server::scripted(vec![Answer::new(200)]);
    let mut program = Program::with_manifest(&(sample_to_file(10, "") + &alert(&server, "")));
    program.set("HOOK_SECRET", SECRET);
    program.run(&["run"]).ends(0);
    // A head that the log never had.
    program.run(&["audit", "anchor", "--to", "anchors.jsonl"]).ends(0);
    let mut other = Program::with_manifest(&program.read("manifest.toml"));
    other.set("HOOK_SECRET", SECRET);
    std::fs::create_dir_all(other.path("hub-data")).unwrap();
    std::fs::copy(program.path("hub-data/audit.key"), other.path("hub-data/audit.key")).unwrap();
    other.run(&["run", "--once"]).ends(0);
    other.run(&["run", "--once"]).ends(0);
    std::fs::copy(program.path("anchors.jsonl"), other.path("anchors.jsonl")).unwrap();
    other.run(&["audit", "verify", "--anchors", "anchors.jsonl"]).ends(4).says("HUB-E501").says("alert `ops`: told (status 200)");
    assert_eq!(bodies(&server).last().unwrap()["type"], "hub.audit.broken.v1");
}

#[test]
fn the_page_of_metrics_counts_while_hub_stays() {
    let port = free_port();
    let manifest = sample_to_file(10, "schedule = \"* * * * * *\"").replace("records = 10", "records = 10, undeclared = true")
        + &format!("\n[observe]\nmetrics = \"127.0.0.1:{port}\"\n");
    let program = Program::with_manifest(&manifest);
    let mut running = program.start(&["run"]);
    running.until("the second run has ended", |running| running.said().matches("✓ contacts-to-archive").count() >= 2);
    let text = page(port);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.to_lowercase().contains("content-type: text/plain; version=0.0.4"), "{head}");
    let value = |name: &str| {
        let line = body.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in\n{body}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert!(value("hub_records_total{flow=\"contacts-to-archive\",op=\"read\"}") >= 20.0, "{body}");
    assert!(value("hub_records_total{flow=\"contacts-to-archive\",op=\"written\"}") >= 20.0);
    assert!(value("hub_denials_total{flow=\"contacts-to-archive\",rule=\"HUB-E201\"}") >= 20.0);
    assert!(value("hub_runs_total{flow=\"contacts-to-archive\",outcome=\"completed\"}") >= 2.0);
    assert!(value("hub_run_duration_seconds_count{flow=\"contacts-to-archive\"}") >= 2.0);
    assert!(value("hub_last_success_timestamp_seconds{flow=\"contacts-to-archive\"}") > 1.7e9);
    assert!(value("hub_audit_entries_total") > 5.0);
    assert_eq!(
        (value("hub_breaker_open{system=\"crm\"}"), value("hub_runs_total{flow=\"contacts-to-archive\",outcome=\"failed\"}")),
        (0.0, 0.0)
    );
    assert!(!body.contains('@') && !body.contains("loyalty_card"), "no value and no undeclared name\n{body}");
    hostile_clients(port);
    assert!(page(port).starts_with("HTTP/1.1 200"), "it still answers");
    // The port is taken: the second hub says so and reads nothing.
    let second = Program::with_manifest(&manifest);
    second.run(&["run"]).ends(1).says("HUB-E315").says(&format!("127.0.0.1:{port}"));
    assert!(!second.has("out/contacts.ndjson"));
    running.signal(Signal::TERM);
    running.wait().ends(143);
}

/// Whoever is on this machine can connect, and is not trusted.
fn hostile_clients(port: u16) {
    assert!(ask(port, "GET /metrics HTTP/1.1\r\nhost: evil.example\r\n\r\n").starts_with("HTTP/1.1 421"));
    assert!(ask(port, "GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 421"));
    assert!(ask(port, &format!("GET /other HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n")).starts_with("HTTP/1.1 404"));
    assert!(ask(port, "POST /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length: 999999999\r\n\r\n").starts_with("HTTP/1.1 405"));
    let long = format!("GET /metrics HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "a".repeat(1 << 20));
    assert!(!ask(port, &long).starts_with("HTTP/1.1 200"));
    let many = format!("GET /metrics HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: y\r\n".repeat(1000));
    assert!(!ask(port, &many).starts_with("HTTP/1.1 200"));
    // More connections that say nothing than are served at once: further ones are hung up on, and the silent ones end by themselves.
    let silent: Vec<TcpStream> = (0..64).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    drop(silent);
    for _ in 0..2000 {
        if page(port).starts_with("HTTP/1.1 200") {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the page does not come back");
}

#[test]
fn lineage_and_traces_of_a_run() {
    let server = Server::scripted(vec![Answer::new(200)]);
    let observe = format!(
        "\n[observe]\nlineage = {{ file = \"lineage.ndjson\" }}\notlp = {{ to = \"{}\", token = {{ env = \"OTLP_TOKEN\" }} }}\n",
        server.url("/v1/traces")
    );
    let mut program = Program::with_manifest(&(sample_to_file(10, "") + &observe));
    program.set("OTLP_TOKEN", TOKEN);
    let document = program.run(&["run", "--output", "json"]).ends(0).json();
    let run = document["flows"][0]["run"].clone();
    let events = program.records("lineage.ndjson");
    assert_eq!(events.iter().map(|event| event["eventType"].as_str().unwrap()).collect::<Vec<_>>(), ["START", "COMPLETE"]);
    assert_eq!(events[0]["run"]["runId"], events[1]["run"]["runId"]);
    assert_eq!(events[1]["run"]["facets"]["hub_gdpr"]["hubRun"], run);
    assert_eq!(events[1]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"], 10);
    let columns = &events[1]["outputs"][0]["facets"]["columnLineage"]["fields"];
    assert_eq!(columns["email"]["inputFields"][0]["namespace"], "crm");
    let requests = server.requests();
    assert_eq!((requests.len(), requests[0].header("authorization")), (1, Some(format!("Bearer {TOKEN}").as_str())));
    let trace = &bodies(&server)[0];
    let spans = trace["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone();
    let names: Vec<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!((names[0], names.contains(&"hub.judge"), names.contains(&"hub.deliver")), ("hub.run", true, true), "{names:?}");
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("lineage.ndjson").len(), 4, "events are added");
    program.run(&["run", "--dry-run"]).ends(0);
    assert_eq!((program.records("lineage.ndjson").len(), server.requests().len()), (4, 2), "a dry run is told to nobody");
}

#[test]
fn a_run_that_fails_has_an_end_in_the_lineage_of_a_server() {
    let server = Server::scripted(vec![Answer::new(201)]);
    let observe = format!("\n[observe]\nlogs = \"json\"\nlineage = {{ to = \"{}\" }}\n", server.url("/api/v1/lineage"));
    let manifest = file_to_file("[stream.desk.people.fields]\nid = \"user.unique_id\"", "fields = [\"id\"]") + &observe;
    let program = Program::with_manifest(&manifest);
    program.write("in/people.ndjson", "not json\n");
    let outcome = program.run(&["run", "-v"]).ends(1);
    let events = bodies(&server);
    assert_eq!(events.iter().map(|event| event["eventType"].as_str().unwrap()).collect::<Vec<_>>(), ["START", "FAIL"]);
    assert_eq!(events[1]["run"]["facets"]["errorMessage"]["message"], "HUB-E219 record-unreadable");
    let lines: Vec<Value> =
        outcome.stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect();
    assert!(lines.iter().any(|line| line["message"] == "a run ended" && line["code"] == "HUB-E219"), "{lines:#?}");
}

/// Values of records, names of fields that nobody declared, secrets and tokens: in nothing that leaves.
#[test]
fn nothing_planted_comes_out() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|_, _| {
        ASKED.fetch_add(1, Ordering::Relaxed);
        Answer::new(200)
    });
    let port = free_port();
    let observe = format!(
        "\n[observe]\nmetrics = \"127.0.0.1:{port}\"\nlineage = {{ to = \"{}\", token = {{ env = \"OTLP_TOKEN\" }} }}\notlp = {{ to = \"{}\", token = {{ env = \"OTLP_TOKEN\" }} }}\n",
        server.url("/lineage"),
        server.url("/v1/traces")
    );
    let on = "on = [\"run.failed\", \"run.completed\", \"flow.denied\", \"flow.paused\", \"audit.broken\"]";
    let rest = "fields = [\"id\"]\non_invalid = \"skip\"\nschedule = \"* * * * * *\"\nmode = \"append\"";
    let manifest = file_to_file("[stream.desk.people.fields]\nid = \"user.unique_id\"\nemail = \"user.contact.email\"", rest)
        + &observe
        + &alert(&server, on);
    let mut program = Program::with_manifest(&manifest);
    program.set("HOOK_SECRET", SECRET);
    program.set("OTLP_TOKEN", TOKEN);
    // As a value, as the name of a field, and in a line that is no record.
    let lines = format!("{{\"id\":\"{VALUE}\",\"email\":\"{VALUE}\",\"{VALUE}\":1}}\n{{\"id\":2,\"email\":\"{VALUE}\"}}\n\"{VALUE}\"\n");
    program.write("in/people.ndjson", lines);
    let mut running = program.start(&["run", "-vv"]);
    running.until("three servers were told", |_| ASKED.load(Ordering::Relaxed) >= 5);
    let metrics = page(port);
    assert!(metrics.starts_with("HTTP/1.1 200"));
    running.signal(Signal::TERM);
    let outcome = running.wait();
    let requests = server.requests();
    for path in ["/lineage", "/v1/traces", "/hub"] {
        assert!(requests.iter().any(|request| request.path() == path), "{path}");
    }
    let told: String = requests.iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    for planted in [VALUE, "planted", SECRET, TOKEN] {
        assert!(!told.contains(planted), "{planted} in what was told\n{told}");
        assert!(!metrics.contains(planted), "{planted} in the metrics\n{metrics}");
    }
    let logs: String = outcome.stderr.lines().filter(|line| !line.contains("HUB-E201")).map(|line| format!("{line}\n")).collect();
    for planted in [SECRET, TOKEN, VALUE] {
        assert!(!logs.contains(planted), "{planted} in the log\n{logs}");
    }
}

/// Two flows on one page: numbers of each, and zeros for what has not happened.
#[test]
fn every_flow_has_its_numbers() {
    assert!(connectors().is_dir());
    let port = free_port();
    let other = flow("other", "crm.contacts", "archive.others", "fields = [\"id\"]\nschedule = \"0 0 1 1 *\"");
    let first = flow("first", "crm.contacts", "archive.contacts", "fields = [\"id\"]");
    let manifest = [HEAD, PURPOSE, ARCHIVE, &crm(5), &first, &other, &format!("\n[observe]\nmetrics = \"[::1]:{port}\"\n")].concat();
    let program = Program::with_manifest(&manifest);
    let mut running = program.start(&["run"]);
    running.until("the first has ended", |running| running.said().contains("✓ first"));
    let mut stream = TcpStream::connect(("::1", port)).unwrap();
    stream.write_all(format!("GET /metrics HTTP/1.1\r\nhost: [::1]:{port}\r\n\r\n").as_bytes()).unwrap();
    let mut body = String::new();
    stream.read_to_string(&mut body).unwrap();
    assert!(body.contains("hub_runs_total{flow=\"first\",outcome=\"completed\"} 1\n"), "{body}");
    assert!(body.contains("hub_runs_total{flow=\"other\",outcome=\"completed\"} 0\n"), "{body}");
    assert!(!body.contains("hub_last_success_timestamp_seconds{flow=\"other\"}"), "it never worked\n{body}");
    running.signal(Signal::TERM);
    running.wait().ends(143);
}
