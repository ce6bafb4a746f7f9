//! Who is delivered: a filter takes records, a ledger says who consented, a limit of storage ends, and keys are looked up in another stream.

use crate::support::program::Program;
use crate::support::story::{ARCHIVE, DESK, HEAD, LEDGER, PURPOSE, flow};

const PEOPLE: &str = r#"
[stream.desk.people]
identity = { customer = { field = "id", strength = "strong" } }
subjects = ["customer"]
retention = ["customer"]
primary_key = ["id"]
fields = { id = "user.unique_id", email = "user.contact.email", city = "user.contact.address.city", last = "system.operations", amount = "user.payment" }
"#;

const RECORDS: &str = r#"{"id":"1","email":"ada@x.example","city":"Hannover","last":"2026-01-02","amount":10}
{"id":"2","email":"BOB@x.example","city":"Wien","last":"2026-02-02","amount":250.5}
{"id":"3","email":"eve@x.example","city":"Hannover","last":"2016-02-02","amount":7}
{"id":"4","city":"Bern","last":"2026-02-02","amount":null}
"#;

fn program(more: &str, rest: &str) -> Program {
    let own = flow("people", "desk.people", "archive.people", rest);
    let program = Program::with_manifest(&[HEAD, PURPOSE, ARCHIVE, DESK, PEOPLE, more, &own].concat());
    program.write("in/people.ndjson", RECORDS);
    program
}

fn arrived(program: &Program) -> Vec<String> {
    program.records("out/people.ndjson").iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_filter_takes_records_and_the_others_are_counted() {
    let program = program("", "fields = [\"id\", \"email\"]\nfilter = \"city in ('Hannover', 'Bern') and amount < 10.0\"");
    let json = program.run(&["run", "-o", "json"]).ends(0).json();
    assert_eq!(arrived(&program), ["3"]);
    assert_eq!((&json["flows"][0]["skipped"]["filter"], &json["flows"][0]["read"]), (&3.into(), &4.into()));
    let denied = program.audit().iter().filter(|entry| entry["kind"] == "flow.denied").count();
    assert_eq!(denied, 0, "what the flow never wanted is not denied");
}

#[test]
fn a_filter_that_cannot_be_meant_is_told() {
    for (filter, code, text) in [
        ("city =", "HUB-E003", "a number, `true`, `false` or a text in single quotes is missing at character 7"),
        ("town = 'x'", "HUB-E101", "which stream `desk.people` does not declare"),
    ] {
        let program = program("", &format!("fields = [\"id\"]\nfilter = \"{filter}\""));
        let outcome = program.run(&["check"]);
        assert!(outcome.stderr.contains(code) && outcome.stderr.contains(text), "{}", outcome.stderr);
    }
}

#[test]
fn only_who_consented_is_delivered() {
    let rest = "fields = [\"id\", \"email\"]\n[flow.people.consent]\nledger = \"desk.consents\"\nscope = \"news-1\"\nmatch = { email = \"mail\" }\nmax_age = \"P1D\"";
    let more = LEDGER;
    let program = program(more, rest);
    let manifest = program
        .read("manifest.toml")
        .replace("purpose = \"care\"\nretention = [\"customer\"]\nfields", "purpose = \"news\"\nretention = [\"customer\"]\nfields");
    program.write("manifest.toml", manifest);
    let ledger = |rows: &[(&str, &str, &str)]| -> String {
        rows.iter()
            .map(|(mail, status, at)| {
                format!("{{\"mail\":\"{mail}\",\"scope\":\"news-1\",\"status\":\"{status}\",\"at\":\"{at}\",\"proof\":\"doi\"}}\n")
            })
            .collect()
    };
    program.write(
        "in/consents.ndjson",
        ledger(&[
            ("ada@x.example", "given", "2026-01-01"),
            ("bob@x.example", "given", "2026-01-01"),
            ("bob@x.example", "withdrawn", "2026-01-05"),
        ]),
    );
    program
        .run(&["run"])
        .ends(0)
        .says("HUB-E206 people: 2 records left out (consent-missing)")
        .says("HUB-E206 people: 1 records left out (consent-withdrawn)");
    assert_eq!(arrived(&program), ["1"]);
    // Consent counts from its moment on, and so does its withdrawal.
    program
        .write("in/consents.ndjson", ledger(&[("ada@x.example", "withdrawn", "2026-03-01"), ("bob@x.example", "confirmed", "2026-03-01")]));
    program.write("in/people.ndjson", RECORDS);
    program.run(&["run"]).ends(0);
    assert_eq!(arrived(&program), ["2"]);
    // Without a ledger nobody consented: the run does not begin.
    std::fs::remove_file(program.path("in/consents.ndjson")).unwrap();
    let outcome = program.run(&["run"]);
    assert!(outcome.code != Some(0), "{}", outcome.stderr);
    assert_eq!(arrived(&program), ["2"], "what was there stays");
    // A row that cannot be read may be the withdrawal.
    program.write("in/consents.ndjson", "{\"mail\":\"ada@x.example\"\n");
    program.run(&["run"]).ends(1).says("HUB-E219").says("desk.consents");
    let consulted =
        program.audit().iter().filter(|entry| entry["kind"] == "stream.consulted" && entry["detail"] == "desk.consents").count();
    assert!(consulted >= 2, "{consulted}");
}

#[test]
fn what_is_past_its_limit_is_not_copied() {
    let program = program("", "fields = [\"id\", \"last\"]");
    let manifest = program.read("manifest.toml").replace("period = \"P3Y\"", "period = \"P3Y\"\nstart = \"last\"");
    program.write("manifest.toml", manifest);
    program.run(&["run"]).ends(0).says("HUB-E212 people: 1 records left out (over-age)");
    assert_eq!(arrived(&program), ["1", "2", "4"]);
}

const CITIES: &str = r#"
[stream.desk.cities]
primary_key = ["name"]
fields = { name = "system.operations", code = "system.operations" }
"#;

#[test]
fn keys_are_looked_up_in_another_stream() {
    let rest = "[flow.people.fields]\nid = \"allow\"\ncity = { to = \"code\", action = \"lookup\", via = \"desk.cities.code\", missing = \"null\" }";
    let program = program(CITIES, rest);
    program.write("in/cities.ndjson", "{\"name\":\"Hannover\",\"code\":\"30159\"}\n{\"name\":\"Wien\",\"code\":\"1010\"}\n");
    program.run(&["run"]).ends(0);
    let codes: Vec<_> = program.records("out/people.ndjson").iter().map(|record| record["code"].clone()).collect();
    assert_eq!(codes, [serde_json::json!("30159"), "1010".into(), "30159".into(), serde_json::Value::Null]);
}

#[test]
fn two_values_for_one_key_are_none() {
    let rest = "[flow.people.fields]\nid = \"allow\"\ncity = { to = \"code\", action = \"lookup\", via = \"desk.cities.code\" }";
    let program = program(CITIES, rest);
    program.write("in/cities.ndjson", "{\"name\":\"Hannover\",\"code\":\"1\"}\n{\"name\":\"Hannover\",\"code\":\"2\"}\n");
    program.run(&["run"]).ends(1).says("HUB-E220").says("the key of a record that can be looked up");
}
