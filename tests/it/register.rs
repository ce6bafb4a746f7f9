//! The register tells what was observed beside what is declared: from run history and audit log, without a value of a record.

use serde_json::{Value, json};

use crate::support::program::Program;
use crate::support::story::{file_to_file, sample_to_file};

const JSON: [&str; 4] = ["register", "export", "--format", "json"];

fn register(program: &Program, more: &[&str]) -> Value {
    program.run(&[&JSON, more].concat()).ends(0).json()["register"].clone()
}

fn seen<'r>(register: &'r Value, flow: &str) -> &'r Value {
    let entries = register["entries"].as_array().unwrap();
    let mut all = entries.iter().flat_map(|entry| entry["observed"].as_array().unwrap());
    all.find(|seen| seen["flow"] == flow).unwrap_or_else(|| panic!("{flow}: {register:#}"))
}

#[test]
fn a_flow_that_runs_as_declared_matches() {
    let program = Program::with_manifest(&sample_to_file(10, ""));
    let before = program.run(&JSON).ends(0).says("nothing was observed").says("hub-data").says("--data");
    assert_eq!(before.json()["register"]["current"], Value::Null);
    assert!(!program.has("hub-data"), "looking makes no store");

    program.run(&["run"]).ends(0);
    program.run(&["run"]).ends(0);
    let found = register(&program, &[]);
    assert_eq!(found["current"], true, "{found:#}");
    assert_eq!((&found["observation"]["days"], &found["undeclared"]), (&json!(0), &json!([])));
    let flow = seen(&found, "contacts-to-archive");
    assert_eq!((&flow["state"], &flow["drift"], &flow["runs"], &flow["records"]), (&json!("match"), &json!(false), &json!(2), &json!(20)));
    assert_eq!((&flow["fields"], &flow["denials"]), (&json!([2, 2]), &json!({})));
    assert!(flow["categories"].as_array().unwrap().contains(&json!("user.contact.email")), "{flow}");

    let page = program.run(&["register", "export", "--lang", "de", "--format", "md"]).ends(0);
    page.prints("Das Verzeichnis ist aktuell.").prints("Beobachtet vom").prints("contacts-to-archive: stimmt überein");
}

#[test]
fn without_observation_a_register_is_the_same_wherever_it_is_made() {
    let program = Program::with_manifest(&sample_to_file(10, ""));
    let same = ["register", "export", "--format", "json", "--at", "2026-11-23", "--no-observed"];
    let before = program.run(&same).ends(0);
    assert_eq!(before.stderr, "");
    program.run(&["run"]).ends(0);
    assert_eq!(program.run(&same).ends(0).stdout, before.stdout);
    let earlier = program.run(&["register", "export", "--at", "2026-01-31", "--lang", "en"]).ends(0);
    earlier.says("nothing was observed up to 2026-01-31").prints("Made without observation");
}

#[test]
fn what_was_denied_and_what_is_not_declared_any_more_is_drift() {
    let fields = "[stream.desk.people.fields]\nid = \"user.unique_id\"\nemail = \"user.contact.email\"\n";
    let text = file_to_file(fields, "fields = [\"id\", \"email\"]");
    let program = Program::with_manifest(&text);
    program.write(
        "in/people.ndjson",
        "{\"id\":1,\"email\":\"e@x.example\",\"shoe\":7741852}\n{\"id\":2,\"email\":\"f@x.example\",\"shoe\":45}\n",
    );
    program.run(&["run"]).ends(0);
    let found = register(&program, &[]);
    let flow = seen(&found, "people-to-archive");
    assert_eq!((&flow["state"], &flow["drift"], &found["current"]), (&json!("denied"), &json!(true), &json!(false)));
    assert_eq!((&flow["denials"], &flow["undeclared"]), (&json!({ "HUB-E201": 2 }), &json!({ "shoe": 2 })));
    let printed = found.to_string();
    assert!(!printed.contains("e@x.example") && !printed.contains("7741852"), "no value of a record: {printed}");
    let page = program.run(&["register", "export", "--lang", "de", "--format", "md"]).ends(0);
    page.prints("Das Verzeichnis ist nicht aktuell").prints("HUB-E201 ×2").prints("shoe ×2");

    program.write("manifest.toml", text.replace("email = \"user.contact.email\"\n", "email = \"user.contact.email\"\nshoe = \"user\"\n"));
    let repaired = register(&program, &[]);
    assert_eq!((&seen(&repaired, "people-to-archive")["state"], &repaired["current"]), (&json!("match"), &json!(true)), "declared since");

    program.write("manifest.toml", text.replace("people-to-archive", "people-elsewhere"));
    let renamed = register(&program, &[]);
    assert_eq!((&renamed["undeclared"], &renamed["current"]), (&json!(["people-to-archive"]), &json!(false)));
    assert_eq!(renamed["observation"]["undeclared"], json!({ "people-to-archive": { "HUB-E201": 2 } }));
    assert_eq!(seen(&renamed, "people-elsewhere")["state"], "waiting");
}

#[test]
fn a_store_in_use_tells_how_to_do_without_it() {
    let program = Program::with_manifest(&sample_to_file(10, "schedule = \"0 3 * * *\""));
    let mut running = program.start(&["run"]);
    running.until("it has its store", |running| running.said().contains("staying until stopped"));
    program.run(&["register", "export"]).ends(1).says("HUB-E503").says("--no-observed");
    program.run(&["register", "export", "--no-observed", "--lang", "en"]).ends(0).prints("Made without observation");
    running.signal(rustix::process::Signal::TERM);
    running.wait().ends(143);
}
