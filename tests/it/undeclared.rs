//! `hub drift`: what runs left out becomes a proposal, which is pasted by somebody and then passes.

use serde_json::{Value, json};

use crate::support::program::Program;
use crate::support::story::{file_to_file, sample_to_file};

fn with_loyalty_card() -> Program {
    Program::with_manifest(&sample_to_file(10, "").replace("records = 10", "records = 10, undeclared = true"))
}

#[test]
fn a_new_field_is_proposed_pasted_and_passes() {
    let program = with_loyalty_card();
    program.run(&["drift", "--detailed-exitcode"]).ends(0).prints("no run has read anything");
    assert!(!program.has("hub-data"), "looking makes no store");
    program.run(&["run"]).ends(0).says("loyalty_card: undeclared field, dropped 10 times").says("hub drift manifest.toml");
    let outcome = program.run(&["drift"]).ends(0).prints("loyalty_card").prints("dropped 10 times");
    assert!(outcome.stdout.contains("[stream.crm.contacts.added]\n#loyalty_card = "), "{}", outcome.stdout);
    program.run(&["drift", "manifest.toml", "contacts-to-archive", "--detailed-exitcode"]).ends(2);
    let document = program.run(&["drift", "--output", "json"]).ends(0).json();
    assert_eq!((&document["drifted"], &document["flows"][0]["run"]["read"]), (&json!(true), &json!(10)));
    assert_eq!(document["flows"][0]["undeclared"][0]["count"], 10);
    let patch = document["patch"].as_str().unwrap();

    let manifest = program.read("manifest.toml");
    program.write("manifest.toml", format!("{manifest}\n{patch}"));
    program.run(&["check"]).ends(0);
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/contacts.ndjson")[0]["loyalty_card"], Value::Null, "what is pasted as it is allows nothing");

    let decided: Vec<String> = patch.lines().map(decide).collect();
    let listed = "fields = [\"id\", \"email\", \"loyalty_card\"]";
    assert!(patch.contains(listed), "{patch}");
    program.write("manifest.toml", manifest.replace("fields = [\"id\", \"email\"]", listed) + "\n" + &decided.join("\n"));
    program.run(&["check"]).ends(0);
    program.run(&["run"]).ends(0).says("0 fields denied");
    assert!(program.records("out/contacts.ndjson")[0]["loyalty_card"].is_string());
    program.run(&["drift", "--detailed-exitcode"]).ends(0).prints("nothing drifted");
}

/// A line of the patch after somebody has answered it.
fn decide(line: &str) -> String {
    let answers = [
        ("#subjects = ", "subjects = "),
        ("#identity = ", "identity = "),
        ("#retention = [\"\"]", "retention = [\"customer\"]"),
        ("strength = \"\"", "strength = \"strong\""),
    ];
    let line = answers.iter().fold(line.to_owned(), |line, (waiting, answer)| line.replace(waiting, answer));
    if line.starts_with("#loyalty_card") { "loyalty_card = \"user.unique_id\"".to_owned() } else { line }
}

#[test]
fn a_run_that_found_nothing_new_does_not_hide_what_an_earlier_one_met() {
    let program = with_loyalty_card();
    let manifest = program.read("manifest.toml");
    program.write("manifest.toml", manifest.replace("fields = [", "mode = \"append\"\nfields = ["));
    program.run(&["run"]).ends(0);
    program.run(&["run"]).ends(0).says("0 records written");
    program.run(&["drift", "--detailed-exitcode"]).ends(2).prints("loyalty_card");
}

const SCHEMA: &str = r#"{ "type": "object", "properties": { "id": { "type": "integer", "x-hub-category": "system.operations" }, "fax": { "type": "string", "x-hub-category": "user.contact.fax_number" } } }"#;

#[test]
fn what_the_source_no_longer_describes_is_told_although_the_manifest_is_denied() {
    let program = Program::with_manifest(&file_to_file("schema = \"people.schema.json\"", "fields = [\"id\", \"fax\"]"));
    program.write("people.schema.json", SCHEMA);
    program.write("in/people.ndjson", "{\"id\":1,\"fax\":\"1\"}\n");
    program.run(&["run"]).ends(0);
    program.run(&["drift", "--detailed-exitcode"]).ends(0);
    program.write("people.schema.json", SCHEMA.replace("fax", "pager"));
    program.run(&["check"]).ends(3).says("HUB-E101");
    let outcome = program.run(&["drift", "--detailed-exitcode"]).ends(2);
    assert!(outcome.stdout.contains("- fax") && outcome.stdout.contains("take it out of [flow.people-to-archive]"), "{}", outcome.stdout);
    program.run(&["drift", "--output", "json"]).ends(0).prints("\"gone\": [\n        \"fax\"");
}

#[test]
fn names_that_could_be_values_are_counted_and_not_told() {
    let program = Program::with_manifest(&file_to_file("[stream.desk.people.fields]\nid = \"system.operations\"", "fields = [\"id\"]"));
    program.write("in/people.ndjson", "{\"id\":1,\"ada@example.org\":2,\"mobile\":\"1\"}\n");
    program.run(&["run"]).ends(0);
    let outcome = program.run(&["drift"]).ends(0).prints("names could be values").prints("perhaps user.contact.phone_number");
    assert!(!outcome.printed().contains("ada@"), "{}", outcome.printed());
    assert!(outcome.stdout.contains("These lines belong into [stream.desk.people.fields], manifest.toml:"), "{}", outcome.stdout);
    let strict = program.read("manifest.toml") + "on_undeclared = \"stop\"\n";
    program.write("manifest.toml", strict);
    program.run(&["run"]).ends(3).says("HUB-E201");
    program.run(&["drift", "--detailed-exitcode"]).ends(2).prints("HUB-E201");
}

#[test]
fn errors_are_1_where_exit_codes_are_detailed() {
    let program = with_loyalty_card();
    program.run(&["drift", "manifest.toml", "contacts"]).ends(2).says("HUB-E009").says("contacts-to-archive");
    program.run(&["drift", "manifest.toml", "contacts", "--detailed-exitcode"]).ends(1).says("HUB-E009");
    program.run(&["drift", "nowhere.toml"]).ends(2).says("HUB-E001");
}
