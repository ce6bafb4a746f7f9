//! A source of another tool is taken over: nothing secret in the manifest, nothing decided for the operator, and no full reload.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::program::Program;
use crate::support::server::{Answer, Server};

const SECRET: &str = "a-very-secret-key-of-acme";

const SOURCE: &str = r#"
version: "6.0.0"
type: DeclarativeSource
check: { type: CheckStream, stream_names: [contacts] }
streams:
  - type: DeclarativeStream
    name: contacts
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester:
        type: HttpRequester
        url_base: "{{ config['base_url'] }}"
        path: contacts
        authenticator: { type: BearerAuthenticator, api_token: "{{ config['api_key'] }}" }
      record_selector: { type: RecordSelector, extractor: { type: DpathExtractor, field_path: [items] } }
    incremental_sync:
      type: DatetimeBasedCursor
      cursor_field: updated_at
      datetime_format: "%Y-%m-%dT%H:%M:%SZ"
      start_datetime: "2020-01-01T00:00:00Z"
      start_time_option: { type: RequestOption, inject_into: request_parameter, field_name: since }
    schema_loader:
      type: InlineSchemaLoader
      schema:
        type: object
        properties: { id: { type: string }, updated_at: { type: string }, email: { type: [ "null", string ] } }
spec:
  type: Spec
  connection_specification:
    type: object
    required: [base_url, api_key]
    properties: { base_url: { type: string }, api_key: { type: string, airbyte_secret: true } }
"#;

/// A folder with what the other tool left, and with what `hub import` made of it.
fn imported(base_url: &str) -> Program {
    let program = Program::new();
    program.write("old/manifest.yaml", SOURCE);
    program.write("old/config.json", json!({ "base_url": base_url, "api_key": SECRET }).to_string());
    let stream = json!({ "name": "contacts", "json_schema": { "properties": { "id": {}, "updated_at": {} } } });
    let catalog = json!({ "streams": [{ "stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append" }] });
    program.write("old/catalog.json", catalog.to_string());
    let state = json!([{ "type": "STREAM", "stream": { "stream_descriptor": { "name": "contacts" }, "stream_state": { "updated_at": "2026-03-01T00:00:00Z" } } }]);
    program.write("old/state.json", state.to_string());
    let arguments =
        ["import", "airbyte", "--manifest", "old/manifest.yaml", "--config", "old/config.json", "--catalog", "old/catalog.json"];
    let outcome = program.run(&[&arguments[..], &["--state", "old/state.json", "--to", "new"]].concat()).ends(0);
    assert!(outcome.stdout.contains("1 flows, 1 secrets in files of their own, 1 states"), "{}", outcome.stdout);
    program
}

/// What only a person can say.
fn filled(program: &Program) {
    let manifest = program.read("new/manifest.toml");
    let manifest = manifest
        .replace("# name = \"…\"\n# contact = \"…\"", "name = \"Muster GmbH\"\ncontact = \"datenschutz@muster.example\"")
        .replace(
            "# use = \"…\"\n# basis = { art6 = \"…\" }\n# allows = [\"…\"]",
            "use = \"essential.service\"\nbasis = { art6 = \"b\", contract = \"x\" }\nallows = [\"user.unique_id\"]",
        )
        .replace("# retention = [\"…\"]", "retention = [\"year\"]")
        .replace("# dsr = { erase = \"manual\", procedure = \"…\" }", "dsr = { erase = \"manual\", procedure = \"P-1\" }")
        .replace("# collected_for = [\"imported\"]", "collected_for = [\"imported\"]");
    program.write("new/manifest.toml", manifest + "\n[retention.year]\nkind = \"limit\"\nperiod = \"P1Y\"\n");
}

#[test]
fn secrets_stay_out_of_the_manifest_and_open_places_are_named() {
    let program = imported("https://api.acme.example");
    assert!(!program.read("new/manifest.toml").contains(SECRET) && !program.read("new/labels.toml").contains(SECRET));
    assert_eq!(program.read("new/secrets/api-key"), SECRET);
    let mode = |name: &str| std::fs::metadata(program.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("new/secrets/api-key"), mode("new/secrets"), mode("new/state/contacts.json")), (0o600, 0o700, 0o600));
    assert_eq!(program.read("new/manifest.yaml"), SOURCE);
    let checked = program.run(&["check", "new/manifest.toml"]).ends(2);
    for place in ["`name`", "`contact`", "`use`", "`basis`", "`allows`"] {
        assert!(checked.stderr.contains(place), "{place}: {}", checked.stderr);
    }
    filled(&program);
    program.run(&["check", "new/manifest.toml"]).ends(3).says("HUB-E102").says("hub plugin label");
    let again = [
        "import",
        "airbyte",
        "--manifest",
        "old/manifest.yaml",
        "--config",
        "old/config.json",
        "--catalog",
        "old/catalog.json",
        "--to",
        "new",
    ];
    program.run(&again).ends(2).says("is not empty");
}

#[test]
fn the_next_run_goes_on_from_where_the_other_tool_was() {
    let server = Server::start(|request, _| {
        assert_eq!(request.header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
        Answer::json(&json!({ "items": [{ "id": "1", "updated_at": "2026-04-01T00:00:00Z", "email": "ada@example.org" }] }))
    });
    let program = imported(&server.origin());
    filled(&program);
    let labels = program.read("new/labels.toml");
    assert!(labels.contains("user.contact.email"));
    program.write("new/labels.toml", labels.replace("confirmed = false", "confirmed = true"));
    program.run(&["run", "new/manifest.toml"]).ends(0);
    let since: Vec<String> = server.requests().iter().filter_map(|request| request.query("since").map(str::to_owned)).collect();
    assert_eq!(since.len(), 1);
    assert!(since[0].starts_with("2026-03-01"), "{since:?}");
    assert_eq!(program.read("new/out/contacts.ndjson").lines().count(), 1);
    program.run(&["run", "new/manifest.toml"]).ends(0);
    let since: Vec<String> = server.requests().iter().filter_map(|request| request.query("since").map(str::to_owned)).collect();
    assert!(since[1].starts_with("2026-04-01"), "{since:?}");
}

#[test]
fn proposals_are_written_once_and_a_sample_shows_no_value() {
    let program = Program::new();
    program.write("acme/manifest.yaml", SOURCE);
    program.write("sample.ndjson", "{\"id\":\"ada@example.org\"}\n");
    let sampled = ["plugin", "label", "acme/manifest.yaml", "--stream", "contacts", "--sample", "sample.ndjson", "--output", "json"];
    let document = program.run(&sampled).ends(0).json();
    let fields = document["streams"][0]["fields"].as_array().unwrap();
    assert!(
        fields.iter().any(|field| field["path"] == "id" && field["category"] == "user.contact.email" && field["confidence"] == "high"),
        "{document}"
    );
    assert!(!document.to_string().contains("ada@"));
    let written = program.run(&["plugin", "label", "acme/manifest.yaml", "--write", "acme/labels.toml"]).ends(0);
    assert!(written.stdout.contains("nothing counts yet"), "{}", written.stdout);
    program.run(&["plugin", "label", "acme/manifest.yaml", "--write", "acme/labels.toml"]).ends(2).says("already there");
    let inspected = program.run(&["plugin", "inspect", "acme/manifest.yaml", "--output", "json"]).ends(0).json();
    assert_eq!(inspected["streams"][0]["enters_sandbox"], false);
    assert_eq!(inspected["secrets"], json!(["api_key"]));
    assert!(inspected["unconfirmed_labels"].as_u64().unwrap() > 0);
    assert_eq!(inspected["streams"][0]["fields"]["email"]["category"], json!(null), "unconfirmed labels do not count");
}

#[test]
fn all_that_cannot_run_is_told_with_its_place() {
    let program = Program::new();
    let broken =
        SOURCE.replace("{ type: DpathExtractor, field_path: [items] }", "{ type: CustomRecordExtractor, class_name: acme.Extractor }");
    let broken = broken.replace("{ type: CheckStream,", "{ type: CheckEverything,");
    program.write("manifest.yaml", &broken);
    program.write(
        "manifest.toml",
        "manifest = 1\noperator = { name = \"A\", contact = \"b@example.org\" }\n[system.acme]\nconnector = \"manifest.yaml\"\nconfig = { base_url = \"https://a.example\", api_key = \"literal\" }\nhosts = [\"https://a.example\"]\n",
    );
    let outcome = program.run(&["check"]).ends(2).says("HUB-E010").says("acme.Extractor").says("CheckEverything").says("HUB-E012");
    assert!(!outcome.stderr.contains("literal"), "{}", outcome.stderr);
    let document = program.run(&["check", "--output", "json"]).ends(2).json();
    let places: Vec<_> = document["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|problem| problem["code"] == "HUB-E010")
        .map(|problem| problem["places"][0]["line"].as_u64().unwrap())
        .collect();
    assert_eq!(places.len(), 2, "{document:#}");
    assert!(places.iter().all(|line| *line > 1), "{places:?}");
}
