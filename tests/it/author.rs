//! What an author of connectors does: begin, test, hold against the standard, publish; and what a newcomer gets to run that way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::program::{Program, root};
use crate::support::server::{Answer, Server};

/// A connector `acme` as `hub new` lays it out.
fn acme() -> Program {
    let program = Program::new();
    program.run(&["new", "connector", "acme", "--lang", "yaml"]).ends(0).prints("next: cd acme && hub test");
    program
}

/// Replaces text in a file of the program's folder.
fn edit(program: &Program, name: &str, from: &str, to: &str) {
    let text = program.read(name);
    assert!(text.contains(from), "{name} has no `{from}`");
    program.write(name, text.replace(from, to));
}

/// Numbers of the checks with an outcome.
fn numbers(report: &Value, outcome: &str) -> Vec<u64> {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().filter(|check| check["outcome"] == outcome).map(|check| check["number"].as_u64().unwrap()).collect()
}

#[test]
fn a_newcomer_gets_from_nothing_to_a_run_without_editing() {
    let warm = acme();
    // Compiling the interpreter is not counted: the first call of any connector on a machine does it.
    warm.run(&["test", "acme"]).ends(0);
    let begun = Instant::now();
    let program = acme();
    program.run(&["test", "acme"]).ends(0).prints("✓ people: people  5 records, then 1\n1 passed, 0 failed");
    program.run(&["conform", "acme"]).ends(0).prints(" 0 failed, ");
    program.run(&["publish", "acme", "dir:acme/plugins"]).ends(0).prints("✓ dir:acme/plugins/acme:0.1.0");
    let installed = program.run(&["plugin", "install", "dir:acme/plugins/acme", "--manifest", "acme/manifest.toml"]).ends(0);
    let installed = installed.prints("reads      system.operations, user.contact.email, user.name, user.unique_id");
    installed
        .prints("may reach  config:base_url")
        .prints("licence    Apache-2.0")
        .prints("materials  listed beside it")
        .prints(" 0 failed, ");
    let before_the_run = begun.elapsed();
    // Its port is a fixed one, which somebody else may have: here it is one that is free.
    let mut api = program.start(&["test", "acme", "--serve", "127.0.0.1:0"]);
    api.until("it listens", |api| api.said().contains("until stopped"));
    let said = api.said();
    let address = said.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    edit(&program, "acme/manifest.toml", "127.0.0.1:8950", &address);
    let compiling = Instant::now();
    program.run(&["run", "acme/manifest.toml"]).ends(0).says("read 5  written 5");
    let first = compiling.elapsed();
    let again = Instant::now();
    program.run(&["run", "acme/manifest.toml"]).ends(0).says("written 5");
    let records = program.records("acme/out/people.ndjson");
    assert_eq!(records.len(), 5);
    assert_eq!(records[4], json!({ "id": 5, "name": "Person 5", "email": "person5@example.org" }));
    api.kill();
    let took = before_the_run + again.elapsed();
    println!("newcomer: {:.1} s without compiling, the run that compiled {:.1} s", took.as_secs_f64(), first.as_secs_f64());
    // A machine that does much else beside may take longer; ten times as long is another program.
    assert!(took < Duration::from_secs(600), "{took:?}");
}

#[test]
fn the_page_of_the_template_is_true() {
    let program = acme();
    let page = program.read("acme/README.md");
    for call in ["hub test", "hub conform", "hub publish dir:plugins", "hub plugin install dir:plugins/acme"] {
        assert!(page.contains(call), "{call}");
        program.shell(&format!("cd acme && {call}")).ends(0);
    }
    program.shell("cd acme && hub dev --once").ends(0).says("1 passed, 0 failed");
    program.run(&["new", "connector", "acme"]).ends(2).says("is there already");
    for name in ["Acme", "a_b", "../a", "1st", "-a"] {
        program.run(&["new", "connector", "--", name]).ends(2);
    }
}

#[test]
fn what_becomes_different_is_shown_record_by_record() {
    let program = acme();
    edit(
        &program,
        "acme/recordings/people.json",
        "\"name\": \"Person 2\", \"email\": \"person2@example.org\", \"updated_at\": \"2025-11-04T09:30:00Z\" },\n        {",
        "\"name\": \"Other 2\", \"email\": \"person2@example.org\", \"updated_at\": \"2025-11-04T09:30:00Z\" },\n        {",
    );
    let outcome = program.run(&["test", "acme"]).ends(1);
    outcome.prints("✗ people: people").prints("- {\"id\":2,\"name\":\"Other 2\"").prints("+ {\"id\":2,\"name\":\"Person 2\"");
    let report = program.run(&["test", "acme", "--output", "json"]).ends(1).json();
    assert_eq!((&report["passed"], &report["failed"]), (&json!(0), &json!(1)));
    program.run(&["test", "acme", "--accept"]).ends(0);
    program.run(&["test", "acme"]).ends(0);
    // A request that nobody recorded is told by its path, never by its query.
    edit(&program, "acme/manifest.yaml", "path: /v1/people", "path: /v2/people");
    program.run(&["test", "acme"]).ends(1);
}

#[test]
fn dev_builds_and_plays_again_after_a_change() {
    let program = acme();
    let mut dev = program.start(&["dev", "acme"]);
    dev.until("the first pass", |dev| dev.said().contains("waiting for a change"));
    edit(&program, "acme/recordings/people.json", "\"again\": [\n        { \"id\": 5", "\"again\": [\n        { \"id\": 6");
    dev.until("the second pass", |dev| dev.said().contains("- going on: {\"id\":6"));
    edit(&program, "acme/manifest.yaml", "type: DeclarativeSource", "type: [DeclarativeSource");
    dev.until("what is wrong with the manifest", |dev| dev.said().contains("HUB-E010"));
    dev.kill();
}

/// An API of two pages with people in it, that takes a key.
fn people() -> Server {
    Server::start(|request, _| {
        if request.header("x-api-key") != Some("planted-secret-9d1e") {
            return Answer::new(401);
        }
        let since = request.query("updated_since").unwrap_or_default().to_owned();
        let person = |id: u32, name: &str, email: &str, day: u32| {
            json!({ "id": 771_000 + id, "name": name, "email": email, "updated_at": format!("2026-03-{day:02}T08:00:00Z"),
                "phone": "+49 171 5550199", "note": format!("call {name} back"), "plan": "gold" })
        };
        let (people, next) = match request.query("page") {
            _ if since.starts_with("2026-03-04") => (vec![person(3, "Zoë Planted", "zoe.planted@firma.de", 4)], Value::Null),
            None => {
                (vec![person(1, "Jürgen Planted", "juergen.planted@firma.de", 2), person(2, "Ana Planted", "ana@firma.de", 3)], json!(2))
            }
            Some(_) => (vec![person(3, "Zoë Planted", "zoe.planted@firma.de", 4)], Value::Null),
        };
        Answer::json(&json!({ "people": people, "next_page": next, "support": "juergen.planted@firma.de" }))
            .header("x-request-owner", "Ana Planted")
    })
}

#[test]
fn a_recording_has_invented_persons_and_no_secret() {
    let program = acme();
    let server = people();
    program.write("acme/secrets/api_key", "planted-secret-9d1e\n");
    let outcome = program.run(&["test", "acme", "--record", &server.origin(), "--name", "real"]).ends(0);
    outcome.prints("invented values stand for personal ones");
    let recording = program.read("acme/recordings/real.json");
    for planted in ["Planted", "firma.de", "5550199", "771001", "771003", "planted-secret", &server.origin()] {
        assert!(!recording.contains(planted), "`{planted}` stands in the recording:\n{recording}");
    }
    let read: Value = serde_json::from_str(&recording).unwrap();
    let first = &read["interactions"][0]["response"]["body"]["json"];
    let people = first["people"].as_array().unwrap();
    assert_eq!(first["support"], people[0]["email"], "the same person is the same everywhere");
    assert!(people[0]["email"].as_str().unwrap().ends_with("@example.org"));
    assert_eq!(people[0]["id"].to_string().len(), 6, "a number has as many digits");
    assert_eq!((&people[0]["plan"], &people[0]["updated_at"]), (&json!("gold"), &json!("2026-03-02T08:00:00Z")), "the rest is as it was");
    assert!(read["interactions"][0]["request"]["url"].as_str().unwrap().starts_with("https://api.acme.example/v1/people"));
    assert_eq!(read["streams"]["people"]["records"].as_array().unwrap().len(), 3);
    assert_eq!(read["streams"]["people"]["again"].as_array().unwrap().len(), 1);
    drop(server);
    // Nobody needs the real system any more, and both recordings hold.
    program.run(&["test", "acme"]).ends(0).prints("2 passed, 0 failed");
    program.run(&["conform", "acme"]).ends(0);
    program.run(&["test", "acme", "--record", "http://127.0.0.1:9", "--name", "real"]).ends(2).says("is there already");
}

#[test]
fn a_wrong_key_and_a_pipeline_record_nothing() {
    let mut program = acme();
    let server = people();
    program.write("acme/secrets/api_key", "another-secret\n");
    program.run(&["test", "acme", "--record", &server.origin(), "--name", "real"]).ends(1);
    assert!(!program.has("acme/recordings/real.json"));
    program.set("CI", "true");
    let refused = program.run(&["test", "acme", "--record", &server.origin(), "--name", "real"]).ends(2);
    refused.says("nothing is recorded in continuous integration");
    assert_eq!(server.requests().len(), 1, "the second call asked nothing");
    program.run(&["test", "acme"]).ends(0);
}

#[test]
fn a_connector_that_loses_a_page_does_not_pass() {
    let program = acme();
    // It stops at a page whose answer has no next one, and takes an error for such a page.
    edit(
        &program,
        "acme/manifest.yaml",
        "          backoff_strategies:\n            - type: WaitTimeFromHeader\n              header: Retry-After\n",
        "          response_filters:\n            - type: HttpResponseFilter\n              action: IGNORE\n              http_codes: [404, 429, 500, 503]\n",
    );
    edit(&program, "acme/manifest.yaml", "additionalProperties: false", "additionalProperties: true");
    let report = program.run(&["conform", "acme", "--output", "json"]).ends(1).json();
    let failed = numbers(&report, "failed");
    // Unknown keys accepted, a 429 and a failure taken for an end.
    for number in [14, 50, 51, 52, 53, 57, 64] {
        assert!(failed.contains(&number), "check {number} passed: {failed:?}");
    }
    assert_eq!(report["kit"], "1");
    let kept: Value = serde_json::from_str(&program.read("acme/target/conformance.json")).unwrap();
    assert_eq!(kept, report);
    assert!(report["checks"].as_array().unwrap().len() >= 40);
}

#[test]
fn what_is_shipped_passes_what_can_be_tried_without_a_system() {
    let program = Program::new();
    for name in ["sample", "file", "parquet", "carddav", "roundup", "tryton", "sql"] {
        let report = program.run(&["conform", &format!("builtin:{name}"), "--output", "json"]);
        let report = report.json();
        // A component alone has no folder that could name a licence, and no recording.
        assert_eq!(numbers(&report, "failed"), [8], "{name}: {report:#}");
    }
    // Those with recordings, one of them of a real tracker, are tried with all that can be recorded.
    for (name, least) in [("sample", 40), ("roundup", 60)] {
        let folder = root().join("connectors").join(name);
        let component = format!("builtin:{name}");
        let report = program.run(&["conform", &component, "--with", folder.to_str().unwrap(), "--output", "json"]).ends(0).json();
        assert!(report["passed"].as_u64().unwrap() >= least, "{name}: {report:#}");
    }
    let writes = Program::new();
    writes
        .write("trial/test.toml", "[system]\nconfig = { folder = \"out\" }\nfolders = { out = { path = \"out\", access = \"write\" } }\n");
    let report = writes.run(&["conform", "builtin:file", "--with", "trial", "--output", "json"]).json();
    assert_eq!(numbers(&report, "failed"), [8], "{report:#}");
    for number in [90, 91, 92, 93, 94, 95, 96, 97, 98] {
        assert!(numbers(&report, "passed").contains(&number), "{number}: {report:#}");
    }
    let listed = program.run(&["conform", "--list"]).ends(0).stdout;
    assert!(listed.lines().count() >= 40, "{listed}");
}

#[test]
fn a_connector_in_rust_builds_and_conforms_at_the_first_try() {
    let mut program = Program::new();
    // The standard library for the sandbox is compiled once for all runs of this test.
    program.set("CARGO_TARGET_DIR", crate::support::program::connectors().with_file_name("author-rust").display().to_string());
    let sdk = root().join("sdk").display().to_string();
    program.run(&["new", "connector", "my-system", "--lang", "rust", "--sdk", &sdk]).ends(0);
    let built = program.run(&["build", "my-system", "--output", "json"]).ends(0).json();
    assert_eq!((&built["name"], &built["bytes"]["shared"]), (&json!("my-system"), &json!(0)));
    assert!(built["bytes"]["component"].as_u64().unwrap() > built["bytes"]["packed"].as_u64().unwrap());
    program.run(&["conform", "my-system"]).ends(0).prints(" 0 failed, ");
    program.run(&["publish", "my-system", "dir:plugins"]).ends(0);
    program.run(&["new", "connector", "other", "--lang", "rust", "--sdk", "nowhere"]).ends(2).says("is not hub's SDK");
}

#[test]
fn the_catalogue_lists_what_is_vouched_for_and_nothing_else() {
    let program = acme();
    program.run(&["conform", "acme"]).ends(0);
    program.run(&["publish", "acme", "dir:plugins"]).ends(0);
    program.run(&["publish", "builtin:sample", "dir:plugins", "--unsigned"]).ends(0);
    let outcome = program.run(&["plugin", "catalogue", "--in", "dir:plugins", "--to", "site"]).ends(0);
    outcome.prints("1 connectors").says("left out: `sample`");
    let page = program.read("site/index.html");
    for wanted in [
        "acme 0.1.0",
        "people: system.operations, user.contact.email, user.name, user.unique_id",
        "config:base_url",
        " 0 failed, ",
        "Apache-2.0",
        "this machine&#39;s own key",
    ] {
        assert!(page.contains(wanted), "{wanted}\n{page}");
    }
    assert!(!page.contains("<script") && page.contains("default-src 'none'"));
    let document: Value = serde_json::from_str(&program.read("site/catalogue.json")).unwrap();
    assert_eq!(document["left_out"], json!(["sample"]));
    let found = program.run(&["plugin", "search", "--in", "dir:plugins", "--output", "json"]).ends(0).json();
    let acme = found["plugins"].as_array().unwrap().iter().find(|one| one["name"] == "acme").unwrap();
    assert!(acme["conformance"].as_str().unwrap().contains(" 0 failed, "), "{acme}");
    program.run(&["plugin", "catalogue", "--in", "dir:plugins", "--to", "site", "--lang", "de"]).ends(0);
    assert!(program.read("site/index.html").contains("Servicekatalog"));
}

#[test]
fn a_carried_manifest_cannot_say_more_than_it_does() {
    let program = acme();
    program.run(&["build", "acme"]).ends(0).prints("manifest and labels");
    let whole = std::fs::read(program.path("acme/target/acme.wasm")).unwrap();
    let at = whole.windows(11).rposition(|window| window == b"hub:lowcode").unwrap();
    // Cut off, broken, and of another form: told, and nothing runs.
    for (name, bytes) in [
        ("cut.wasm", whole[..whole.len() - 7].to_vec()),
        ("broken.wasm", [&whole[..at + 11], &vec![b'{'; whole.len() - at - 11][..]].concat()),
    ] {
        program.write(name, bytes);
        let refused = program.run(&["plugin", "inspect", name]);
        assert!(refused.code == Some(2) || refused.code == Some(3) || refused.code == Some(4), "{}", refused.printed());
        refused.says("error[HUB-E3");
    }
    let shown = program.run(&["plugin", "inspect", "acme/target/acme.wasm"]).ends(0);
    shown.prints("acme 0.1.0").prints("reads people").prints("bodies     stay in the host").prints("user.contact.email");
    edit(&program, "acme/connector.toml", "version = \"0.1.0\"", "version = \"one\"");
    program.run(&["build", "acme"]).ends(2).says("MAJOR.MINOR.PATCH");
    program.run(&["build", "nowhere"]).ends(2).says("hub new connector");
}
