//! Records that the source reports as deleted, and records whose consent was withdrawn: they are deleted at a destination that can, and where it cannot the
//! program says so before a deletion is lost. The destination is `tests/guests/table`.

use serde_json::Value;

use crate::support::program::{Program, executable};
use crate::support::story::{ARCHIVE, DESK, HEAD, LEDGER, PURPOSE, crm, flow};

/// The system `table`: rows with keys in `rows`.
const TABLE: &str = r#"
[system.table]
connector = "table.wasm"
config = { folder = "rows", from = "earlier" }
folders = { rows = { path = "rows", access = "write" }, earlier = { path = "rows", access = "read" } }
dsr = { erase = "native" }
"#;

const REPORTS: &str = "\n[stream.crm.contacts]\ndeletes = true\n";
const FIELDS: &str = "fields = [\"id\", \"email\"]";

fn program(manifest: &str) -> Program {
    let program = Program::with_manifest(manifest);
    let path = executable().with_file_name("guests").join("table.wasm");
    let component = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask build` first", path.display()));
    program.write("table.wasm", component);
    program.write("rows/.keep", "");
    program
}

/// Ten contacts of which every third is deleted as soon as it was there.
fn contacts(more: &str, destination: &str, rest: &str) -> String {
    let crm = crm(10).replace("records = 10", "records = 10, deleted_every = 3");
    let to = if destination == TABLE { "table.contacts" } else { "archive.contacts" };
    [HEAD, PURPOSE, destination, &crm, more, &flow("contacts", "crm.contacts", to, rest)].concat()
}

fn ids(program: &Program, name: &str, field: &str) -> Vec<Value> {
    let mut ids: Vec<Value> = program.records(name).iter().map(|record| record[field].clone()).collect();
    ids.sort_by_key(Value::to_string);
    ids
}

#[test]
fn what_the_source_deletes_goes_from_the_destination() {
    let rest = "mode = \"upsert\"\nfields = { id = { action = \"allow\", to = \"number\" }, email = \"allow\" }";
    let program = program(&contacts(REPORTS, TABLE, rest));
    let outcome = program.run(&["run", "-o", "json"]).ends(0).json();
    let flow = &outcome["flows"][0];
    assert_eq!([&flow["read"], &flow["written"], &flow["deleted"], &flow["retracted"]], [10, 10, 3, 0].map(Value::from).each_ref());
    let left: Vec<String> = ids(&program, "rows/contacts.ndjson", "number").iter().map(Value::to_string).collect();
    assert_eq!(left, ["1", "10", "2", "4", "5", "7", "8"]);
    let told = program.read("rows/contacts.log");
    assert!(told.contains("+3\n-3\n+4\n") && told.contains("+9\n-9\n+10\n"), "in the order of the source:\n{told}");
    let log = program.audit();
    let of_kind = |kind: &str| log.iter().filter(|entry| entry["kind"] == kind).collect::<Vec<_>>();
    let (intents, results) = (of_kind("flow.deletes"), of_kind("flow.deleted"));
    assert_eq!((intents.len(), results.len()), (3, 3));
    assert!(intents.iter().all(|entry| entry["fields"] == serde_json::json!(["number"]) && entry["records"] == 1), "{intents:?}");
    assert!(intents.iter().zip(&results).all(|(intent, result)| intent["seq"].as_u64() < result["seq"].as_u64()));
    let status = program.run(&["status", "-o", "json"]).ends(0).json();
    assert_eq!(status["flows"][0]["last"]["deleted"], 3);
    program.run(&["run"]).ends(0).says("0 records written");
    program.run(&["audit", "verify"]).ends(0);
}

#[test]
fn a_pseudonym_finds_its_row() {
    let rest = "mode = \"upsert\"\nfields = { id = { action = \"pseudonymise\", domain = \"one\", to = \"who\" }, email = \"allow\" }";
    let keys = format!("{REPORTS}[pseudonym.one]\nkey = {{ file = \"one.key\" }}\n");
    let program = program(&contacts(&keys, TABLE, rest));
    program.write("one.key", "a key of the first domain\n");
    program.run(&["run"]).ends(0).says("10 records written, 3 deleted");
    let left = ids(&program, "rows/contacts.ndjson", "who");
    assert_eq!(left.len(), 7);
    assert!(left.iter().all(|who| who.as_str().is_some_and(|token| token.len() == 26)), "{left:?}");
}

#[test]
fn a_deletion_is_not_lost_in_silence() {
    let append = format!("mode = \"append\"\n{FIELDS}");
    // A file cannot delete: the flow has to say that the records stay.
    let files = program(&contacts(REPORTS, ARCHIVE, &append));
    files.run(&["check"]).ends(3).says("HUB-E106").says("`archive` cannot delete").says("deletes = \"ignore\"");
    let stays = program(&contacts(REPORTS, ARCHIVE, &format!("{append}\ndeletes = \"ignore\"")));
    stays.run(&["run"]).ends(0).says("contacts: 3 records reported as deleted stay at the destination");
    assert_eq!(stays.records("out/contacts.ndjson").len(), 10);
    // Replaced as a whole: what is deleted is not read.
    let replaced = program(&contacts(REPORTS, ARCHIVE, FIELDS));
    replaced.run(&["run"]).ends(0);
    assert_eq!(ids(&replaced, "out/contacts.ndjson", "id").len(), 7);
    // Nobody said that there are any.
    let undeclared = program(&contacts("", TABLE, &format!("mode = \"upsert\"\n{FIELDS}")));
    undeclared.run(&["check"]).ends(0);
    undeclared.run(&["run"]).ends(3).says("HUB-E106").says("deletes = true").says("crm.contacts");
    assert!(undeclared.audit().iter().any(|entry| entry["kind"] == "flow.denied" && entry["code"] == "HUB-E106"));
    // What names no row deletes none.
    let keyless = program(&contacts(REPORTS, TABLE, "mode = \"upsert\"\nfields = [\"email\", \"number\"]"));
    keyless.run(&["check"]).ends(3).says("HUB-E182").says("`id` of the primary key does not arrive");
    // A trial deletes nothing.
    let trial = program(&contacts(REPORTS, TABLE, &format!("mode = \"upsert\"\n{FIELDS}")));
    trial.run(&["run", "--dry-run"]).ends(0).says("10 records would be written, 3 deleted");
    assert!(!trial.has("rows/contacts.ndjson"));
}

const PEOPLE: &str = r#"
[stream.desk.people]
identity = { customer = { field = "id", strength = "strong" } }
subjects = ["customer"]
retention = ["customer"]
primary_key = ["id"]
fields = { id = "user.unique_id", email = "user.contact.email" }
"#;

fn newsletter(destination: &str, more: &str) -> Program {
    let to = if destination == TABLE { "table.people" } else { "archive.people" };
    let gate = format!("[flow.people.consent]\nledger = \"desk.consents\"\nscope = \"news-1\"\nmatch = {{ email = \"mail\" }}\n{more}");
    let rest = format!("mode = \"{}\"\n{FIELDS}\n{gate}", if destination == TABLE { "upsert" } else { "append" });
    let flow = flow("people", "desk.people", to, &rest).replace("purpose = \"care\"", "purpose = \"news\"");
    program(&[HEAD, PURPOSE, destination, DESK, PEOPLE, LEDGER, &flow].concat())
}

fn ledger(program: &Program, rows: &[(&str, &str)]) {
    let line = |(mail, status): &(&str, &str)| {
        format!("{{\"mail\":\"{mail}\",\"scope\":\"news-1\",\"status\":\"{status}\",\"at\":\"2026-01-01\",\"proof\":\"doi\"}}\n")
    };
    program.write("in/consents.ndjson", rows.iter().map(line).collect::<String>());
}

#[test]
fn who_withdraws_is_deleted_where_it_was_delivered() {
    let program = newsletter(TABLE, "");
    let people = "{\"id\":\"p-1\",\"email\":\"ada@x.example\"}\n{\"id\":\"p-2\",\"email\":\"bob@x.example\"}\n{\"id\":\"p-3\",\"email\":\"eve@x.example\"}\n";
    program.write("in/people.ndjson", people);
    ledger(&program, &[("ada@x.example", "given"), ("bob@x.example", "given"), ("eve@x.example", "no")]);
    program.run(&["run"]).ends(0).says("2 records written, 0 fields");
    assert_eq!(ids(&program, "rows/people.ndjson", "id"), ["p-1", "p-2"]);
    // The source need not hand the record over once more.
    program.write("in/people.ndjson", people.lines().last().map(|line| format!("{line}\n")).unwrap_or_default());
    ledger(&program, &[("ada@x.example", "withdrawn"), ("bob@x.example", "given"), ("eve@x.example", "no")]);
    program.run(&["run"]).ends(0).says("HUB-E206 people: 1 records deleted at the destination (consent-withdrawn)");
    assert_eq!(ids(&program, "rows/people.ndjson", "id"), ["p-2"]);
    // Who never was there is not told of.
    let told = program.read("rows/people.log");
    assert_eq!(told, "-\"p-1\"\n", "{told}");
    let log = program.audit();
    let intent = log.iter().find(|entry| entry["kind"] == "flow.deletes").unwrap();
    assert_eq!((&intent["code"], &intent["records"], &intent["fields"]), (&"HUB-E206".into(), &1.into(), &serde_json::json!(["id"])));
    // Done is done; and nothing of it is in the open.
    let again = program.run(&["run", "-o", "json"]).ends(0).json();
    assert_eq!(again["flows"][0]["retracted"], 0);
    for value in ["p-1", "p-2", "ada@x.example", "bob@x.example"] {
        let holds = |path: &std::path::PathBuf| {
            std::fs::read(path).unwrap_or_default().windows(value.len()).any(|window| window == value.as_bytes())
        };
        let kept: Vec<_> = files(&program.path("hub-data")).into_iter().filter(holds).collect();
        assert!(kept.is_empty(), "{value} is kept in {kept:?}");
    }
}

#[test]
fn what_cannot_be_retracted_is_left_out_as_before() {
    for (program, out) in
        [(newsletter(ARCHIVE, ""), "out/people.ndjson"), (newsletter(TABLE, "on_withdrawal = \"keep\""), "rows/people.ndjson")]
    {
        program.write("in/people.ndjson", "{\"id\":\"p-1\",\"email\":\"ada@x.example\"}\n");
        ledger(&program, &[("ada@x.example", "given")]);
        program.run(&["run"]).ends(0);
        ledger(&program, &[("ada@x.example", "withdrawn")]);
        program.write("in/people.ndjson", "{\"id\":\"p-1\",\"email\":\"ada@x.example\"}\n{\"id\":\"p-1\",\"email\":\"ada@x.example\"}\n");
        let outcome = program.run(&["run"]).ends(0);
        assert!(!outcome.printed().contains("deleted at the destination"), "{}", outcome.printed());
        assert_eq!(ids(&program, out, "id").len(), 1);
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
