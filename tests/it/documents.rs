//! What the program prints for other programs: JSON documents with documented keys, the manifest's schema, completions, pages of codes.

use std::fs;

use serde_json::{Value, json};

use crate::support::program::{Program, root};
use crate::support::story::{file_to_file, sample_to_file};

/// The keys of an object are exactly these.
fn keys(value: &Value, wanted: &[&str]) {
    let mut found: Vec<&str> = value.as_object().unwrap_or_else(|| panic!("not an object: {value:#}")).keys().map(String::as_str).collect();
    let mut wanted = wanted.to_vec();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted, "{value:#}");
}

#[test]
fn check_as_json() {
    let program = Program::with_manifest(&sample_to_file(10, ""));
    let document = program.run(&["check", "--output", "json"]).ends(0).json();
    keys(&document, &["version", "ok", "systems", "flows", "digest", "problems", "warnings", "notes"]);
    assert_eq!((&document["version"], &document["ok"], &document["systems"]), (&json!(1), &json!(true), &json!(2)));
    program.write("manifest.toml", sample_to_file(10, "").replace("\"email\"", "\"emial\""));
    let outcome = program.run(&["check", "--output", "json"]).ends(3);
    assert_eq!(outcome.stderr, "", "one document and nothing else");
    let document = outcome.json();
    keys(&document, &["version", "ok", "problems"]);
    let problem = &document["problems"][0];
    keys(problem, &["code", "name", "title", "places", "notes", "help"]);
    assert_eq!((&problem["code"], &problem["name"]), (&json!("HUB-E101"), &json!("undeclared-field")));
    assert!(problem["help"].as_str().unwrap().contains("email"));
    let place = &problem["places"][0];
    keys(place, &["file", "line", "column", "start", "end", "text"]);
    let text = program.read("manifest.toml");
    let at = |key: &str| usize::try_from(place[key].as_u64().unwrap()).unwrap();
    assert_eq!(&text[at("start")..at("end")], "\"emial\"");
    assert_eq!(text.lines().nth(at("line") - 1).unwrap()[at("column") - 1..].split(']').next(), Some("\"emial\""));
}

/// What is told of a run.
const RUN: [&str; 15] = [
    "run",
    "flow",
    "read",
    "written",
    "rejected",
    "undeclared",
    "skipped",
    "held",
    "suspected",
    "deleted",
    "retracted",
    "deletes_ignored",
    "milliseconds",
    "interrupted",
    "problem",
];
/// What is told of the last run of a flow.
const LAST: [&str; 12] =
    ["run", "state", "started", "ended", "code", "read", "written", "deleted", "retracted", "deletes_ignored", "rejected", "undeclared"];

#[test]
fn run_status_and_audit_as_json() {
    let program = Program::with_manifest(&sample_to_file(10, "").replace("records = 10", "records = 10, undeclared = true"));
    let outcome = program.run(&["run", "--output", "json"]).ends(0);
    assert_eq!(outcome.stderr, "");
    let document = outcome.json();
    keys(&document, &["version", "ok", "exit_code", "flows"]);
    let flow = &document["flows"][0];
    keys(flow, &RUN);
    assert_eq!((&flow["read"], &flow["written"], &flow["rejected"]), (&json!(10), &json!(10), &json!(0)));
    assert_eq!(flow["undeclared"], json!({ "loyalty_card": 10 }));

    let status = program.run(&["status", "--output", "json"]).ends(0).json();
    keys(&status, &["version", "audit_entries", "flows", "anchors", "receivers_failing"]);
    keys(&status["flows"][0], &["flow", "last"]);
    let last = &status["flows"][0]["last"];
    keys(last, &LAST);
    assert_eq!((&last["state"], &last["run"]), (&json!("ok"), &flow["run"]));

    let verified = program.run(&["audit", "verify", "--output", "json"]).ends(0).json();
    keys(&verified, &["version", "ok", "first", "entries", "root", "signed_heads", "older_heads", "first_bad"]);
    let log = program.audit();
    assert_eq!(verified["entries"], json!(log.len()));
    assert_eq!(status["audit_entries"], json!(log.len()));
    for (number, entry) in log.iter().enumerate() {
        assert_eq!(entry["seq"], json!(number));
    }
    let denied: Vec<&Value> = log.iter().filter(|entry| entry["kind"] == "flow.denied").collect();
    assert_eq!(denied.len(), 1, "{denied:#?}");
    assert_eq!((&denied[0]["code"], &denied[0]["counts"]["loyalty_card"]), (&json!("HUB-E201"), &json!(10)));
}

#[test]
fn a_failed_run_as_json_names_the_problem() {
    let program = Program::with_manifest(&file_to_file("[stream.desk.people.fields]\nid = \"user.unique_id\"", "fields = [\"id\"]"));
    program.write("in/people.ndjson", "{\"id\":1}\nnot json\n");
    let outcome = program.run(&["run", "--output", "json"]).ends(1);
    assert_eq!(outcome.stderr, "");
    let document = outcome.json();
    assert_eq!((&document["ok"], &document["exit_code"]), (&json!(false), &json!(1)));
    let problem = &document["flows"][0]["problem"];
    assert_eq!(problem["code"], "HUB-E219");
    assert!(problem["title"].as_str().unwrap().contains("record 2"), "{problem:#}");
    let status = program.run(&["status", "--output", "json"]).ends(0).json();
    assert_eq!((&status["flows"][0]["last"]["state"], &status["flows"][0]["last"]["code"]), (&json!("failed"), &json!("HUB-E219")));
}

#[test]
fn what_a_connector_claims_as_json() {
    let program = Program::new();
    for name in ["sample", "file", "roundup", "tryton", "carddav", "parquet"] {
        let reference = format!("builtin:{name}");
        let document = program.run(&["plugin", "inspect", &reference, "--output", "json"]).ends(0).json();
        let wanted = [
            "version",
            "name",
            "connector_version",
            "summary",
            "digest",
            "abi",
            "imports",
            "hosts",
            "read_body",
            "streams",
            "any_stream",
            "destination",
            "config",
        ];
        keys(&document, &wanted);
        assert_eq!(document["name"], json!(name));
        assert!(jsonschema::validator_for(&document["config"]).is_ok());
        for stream in document["streams"].as_array().unwrap() {
            keys(stream, &["name", "summary", "fields", "subjects", "primary_key", "cursor", "deletes"]);
            assert!(
                stream["fields"].as_object().unwrap().values().all(Value::is_string),
                "every field of a shipped connector has a category: {stream:#}"
            );
        }
        let page = program.run(&["plugin", "inspect", &reference]).ends(0).stdout;
        assert!(page.starts_with(name) && !page.contains("UNCLASSIFIED"), "{page}");
    }
    program.run(&["plugin", "inspect", "builtin:nothing"]).ends(2).says("HUB-E007");
    assert!(!program.has("hub-data"), "looking at a connector leaves nothing behind");
}

/// Editors give a schema TOML's dates as texts.
fn as_editors_see_it(value: &toml::Value) -> Value {
    match value {
        toml::Value::Datetime(day) => json!(day.to_string()),
        toml::Value::Array(items) => items.iter().map(as_editors_see_it).collect(),
        toml::Value::Table(table) => Value::Object(table.iter().map(|(key, value)| (key.clone(), as_editors_see_it(value))).collect()),
        other => serde_json::to_value(other).unwrap(),
    }
}

#[test]
fn the_schema_accepts_every_example_and_refuses_what_is_broken() {
    let program = Program::new();
    let schema = program.run(&["schema"]).ends(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut seen = 0;
    for folder in fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let manifest: toml::Value = toml::from_str(&fs::read_to_string(folder.join("manifest.toml")).unwrap()).unwrap();
        let manifest = as_editors_see_it(&manifest);
        let errors: Vec<String> = validator.iter_errors(&manifest).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", folder.display());
        seen += 1;
    }
    assert!(seen >= 2);
    let right: Value = toml::from_str(&sample_to_file(10, "mode = \"append\"")).unwrap();
    assert!(validator.is_valid(&right));
    let flow = |change: fn(&mut Value)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        wrong
    };
    let broken: [(&str, Value); 8] = [
        ("no version", flow(|manifest| drop(manifest.as_object_mut().unwrap().remove("manifest")))),
        ("another version", flow(|manifest| manifest["manifest"] = json!(2))),
        ("unknown table", flow(|manifest| manifest["flows"] = json!({}))),
        ("unknown key", flow(|manifest| manifest["flow"]["contacts-to-archive"]["purpos"] = json!("care"))),
        ("unknown mode", flow(|manifest| manifest["flow"]["contacts-to-archive"]["mode"] = json!("overwrite"))),
        ("missing key", flow(|manifest| drop(manifest["flow"]["contacts-to-archive"].as_object_mut().unwrap().remove("purpose")))),
        ("wrong type", flow(|manifest| manifest["system"]["crm"]["connector"] = json!(1))),
        ("wrong letter", flow(|manifest| manifest["purpose"]["care"]["basis"]["art6"] = json!("g"))),
    ];
    for (what, manifest) in broken {
        assert!(!validator.is_valid(&manifest), "{what} must be refused");
    }
}

#[test]
fn init_writes_the_schema_that_the_manifest_names() {
    let program = Program::new();
    program.run(&["init"]).ends(0);
    let manifest = program.read("manifest.toml");
    let named = manifest.lines().next().unwrap().strip_prefix("#:schema ./").expect("the first line names the schema");
    let written: Value = serde_json::from_str(&program.read(named)).unwrap();
    assert_eq!(written, program.run(&["schema"]).ends(0).json());
}

#[test]
fn every_code_has_a_page() {
    let program = Program::new();
    let list = program.run(&["explain"]).ends(0).stdout;
    let codes: Vec<&str> = list.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(codes.len() >= 40 && codes.contains(&"HUB-E101") && codes.contains(&"HUB-E501"), "{codes:?}");
    for code in codes {
        let page = program.run(&["explain", code]).ends(0).stdout;
        assert!(page.starts_with(&format!("# {code}")), "{page}");
        assert!(
            page.lines().filter(|line| !line.trim().is_empty()).count() >= 3,
            "the page of {code} says what it means and what to do:\n{page}"
        );
        let short = code.strip_prefix("HUB-").unwrap().to_lowercase();
        assert_eq!(program.run(&["explain", &short]).ends(0).stdout, page);
    }
}

#[test]
fn shells_complete_verbs_and_options() {
    let program = Program::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = program.run(&["completion", shell]).ends(0).stdout;
        for word in ["init", "check", "run", "status", "audit", "plugin", "explain", "schema", "completion", "dry-run", "verify"] {
            assert!(script.contains(word), "{shell} does not know `{word}`");
        }
        assert!(!script.contains("compile-component") && !script.contains("reference-page"), "{shell} offers what is hidden");
        program.write(&format!("hub.{shell}"), script);
    }
    let line = "bash -c 'source ./hub.bash; COMP_WORDS=(hub che); COMP_CWORD=1; _hub hub che hub; echo \"${COMPREPLY[*]}\"'";
    assert_eq!(program.shell(line).ends(0).stdout.trim(), "check");
    let line = "bash -c 'source ./hub.bash; COMP_WORDS=(hub run --dry); COMP_CWORD=2; _hub hub --dry run; echo \"${COMPREPLY[*]}\"'";
    assert_eq!(program.shell(line).ends(0).stdout.trim(), "--dry-run");
}
