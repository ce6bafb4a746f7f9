//! Streams whose manifests need no look at the records, but whose labels forbid the host to tell what they go on from: said before a run.

use serde_json::json;

use super::source::{Source, manifest};
use crate::support::program::Program;
use crate::support::server::{Answer, Server};

const CURSOR: &str = "    incremental_sync:
      type: DatetimeBasedCursor
      cursor_field: changed
      datetime_format: \"%Y-%m-%dT%H:%M:%SZ\"
      start_datetime: \"2026-01-01T00:00:00Z\"
";
const ADDED: &str = "    transformations:
      - type: AddFields
        fields: [{ type: AddedFieldDefinition, path: [origin], value: acme }]
";

/// One page of two records; what the test says of the cursor is in the schema and in the labels.
fn scene(stream: &str, fields: &str) -> (Server, Program, String) {
    let server = Server::start(|_, _| {
        let items = json!([
            { "id": 1, "name": "Ada", "changed": "2026-03-01T00:00:00Z" },
            { "id": 2, "name": "Alan", "changed": "2026-02-01T00:00:00Z" },
        ]);
        Answer::json(&json!({ "items": items }))
    });
    let paginator = "      paginator: { type: NoPagination }\n".to_owned();
    let mut yaml = Source { stream: stream.to_owned(), paginator, ..Source::default() }.yaml();
    if !fields.is_empty() {
        yaml = yaml.replace("name: { type: string } }", "name: { type: string }, changed: { type: string } }");
    }
    let text = manifest(&server.origin(), "", "").replace("name = \"user.name\"", &format!("name = \"user.name\"{fields}"));
    let program = Program::with_manifest(&text);
    program.write("source.yaml", yaml);
    (server, program, text)
}

#[test]
fn what_the_host_would_not_tell_is_denied_before_a_run() {
    for (stream, fields, says) in [
        (CURSOR, ", changed = \"user.behavior\"", "`changed`, which the host does not tell a connector: the field may be personal"),
        (CURSOR, "", "`changed`, which the host does not tell a connector: the field is not declared"),
        (ADDED, "", "adds the field `origin`, which is not declared"),
    ] {
        let (server, program, text) = scene(stream, fields);
        program.write("manifest.toml", text.replace("grants = [\"read-body\"]\n", ""));
        for verb in ["check", "run"] {
            let outcome = program.run(&[verb]).ends(3);
            assert!(outcome.stderr.contains("HUB-E310") && outcome.stderr.contains(says), "{verb}: {}", outcome.stderr);
        }
        assert!(server.requests().is_empty());
    }
}

#[test]
fn with_the_grant_the_records_are_read_in_the_sandbox() {
    let (_server, program, _) = scene(&format!("{CURSOR}{ADDED}"), ", changed = \"user.behavior\"");
    program.run(&["check"]).ends(0);
    // Its state would keep a value of the person.
    program.run(&["run"]).ends(3).says("HUB-E217");
    let (_server, program, _) = scene(&format!("{CURSOR}{ADDED}"), "");
    program.run(&["check"]).ends(0);
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/items.ndjson"), [json!({ "id": 1, "name": "Ada" }), json!({ "id": 2, "name": "Alan" })]);
}

#[test]
fn without_the_grant_a_harmless_cursor_is_enough() {
    let (_server, program, text) = scene(CURSOR, ", changed = \"system.operations\"");
    program.write("manifest.toml", text.replace("grants = [\"read-body\"]\n", ""));
    program.run(&["check"]).ends(0);
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/items.ndjson").len(), 2);
}
