//! The SDK for JavaScript and the connectors that are written with it: their own tests pass, their folders are what the standard says, and what its template
//! makes reads a server.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::javascript::{build, installed, sdk, unit_tests};
use crate::support::program::{Program, root};
use crate::support::server::{Answer, Server};
use crate::support::story::{ARCHIVE, HEAD, PURPOSE, flow};

#[test]
fn the_sdk_passes_its_own_tests() {
    unit_tests(&sdk());
}

#[test]
fn every_connector_passes_its_own_tests_and_has_the_folder_of_the_standard() {
    let connectors = connectors();
    assert!(connectors.iter().any(|folder| folder.ends_with("mailman")), "{connectors:?}");
    for folder in connectors {
        unit_tests(&folder);
        stands(&folder);
    }
}

/// Folders below `connectors` whose code is JavaScript.
fn connectors() -> Vec<PathBuf> {
    let folders = fs::read_dir(root().join("connectors")).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|folder| folder.join("package.json").is_file()).collect()
}

/// Points 1, 3, 6 and 7 of the standard, as far as the files tell.
fn stands(folder: &Path) {
    let shown = folder.display();
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{shown}/{name}: {error}"));
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let made = ["node_modules", "target"];
    let found: BTreeSet<String> = entries.filter(|name| !made.contains(&name.as_str())).collect();
    let wanted = ["README.md", "connector.toml", "package.json", "recordings", "schemas", "src", "test.toml", "tests"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(wanted), "{shown}");
    let package: Value = serde_json::from_str(&text("package.json")).unwrap();
    let described: toml::Table = toml::from_str(&text("connector.toml")).unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    assert_eq!((package["name"].as_str(), described["name"].as_str()), (Some(name), Some(name)), "{shown}");
    assert_eq!(package["dependencies"], json!({ "hub-sdk": "file:../../sdk/js" }), "{shown}");
    let readme = text("README.md");
    for stream in described["stream"].as_array().unwrap() {
        let stream = stream.as_table().unwrap();
        let schema: Value = serde_json::from_str(&text(stream["schema"].as_str().unwrap())).unwrap();
        assert!(readme.contains(&format!("`{}`", stream["name"].as_str().unwrap())), "{shown}/README.md does not mention {stream:?}");
        assert!(!stream["primary_key"].as_array().unwrap().is_empty(), "{shown}: {stream:?}");
        for (field, value) in schema["properties"].as_object().unwrap() {
            assert!(value["x-hub-category"].is_string(), "{shown}: {stream:?}: `{field}` has no category");
            assert!(readme.contains(&format!("`{field}`")), "{shown}/README.md does not mention `{field}`");
        }
    }
    let config: Value = serde_json::from_str(&text(described["config"].as_str().unwrap())).unwrap();
    assert_eq!(config["additionalProperties"], json!(false), "{shown}");
    for key in config["properties"].as_object().unwrap().keys() {
        assert!(readme.contains(&format!("| `{key}` |")), "{shown}/README.md does not list `{key}`");
    }
}

#[test]
fn the_shipped_connector_makes_the_same_of_a_recorded_core_and_conforms() {
    let program = Program::new();
    build(&program, "mailman");
    program.run(&["test", "connectors/mailman"]).ends(0).prints("3 passed, 0 failed");
    let report = program.run(&["conform", "connectors/mailman", "--output", "json"]).ends(0).json();
    assert!(report["passed"].as_u64().unwrap() >= 40, "{report:#}");
}

#[test]
fn a_new_connector_is_tested_built_and_judged_and_reads_pages_of_an_api() {
    let program = Program::new();
    let sdk = sdk();
    program.run(&["new", "connector", "desk", "--lang", "js", "--sdk", root().join("sdk").to_str().unwrap()]).ends(0);
    installed(&program, "desk", &sdk);
    unit_tests(&program.path("desk"));
    program.run(&["test", "desk"]).ends(0).prints("1 passed, 0 failed");
    program.run(&["conform", "desk"]).ends(0).prints(" 0 failed, ");
    let server = Server::start(|request, _| {
        let (items, next) = match request.query("page") {
            Some("1") => (json!([{ "id": 1, "name": "Ada", "email": "ada@x.example" }, { "id": 2, "secret": "planted" }]), json!(2)),
            _ => (json!([{ "id": 3, "email": "eve@x.example" }]), Value::Null),
        };
        Answer::json(&json!({ "items": items, "next_page": next }))
    });
    let system = format!(
        "\n[system.desk]\nconnector = \"desk/target/desk.wasm\"\nconfig = {{ base_url = \"{0}\" }}\nhosts = [\"{0}\"]\ncollected_for = [\"care\"]\n\
         credentials = {{ api = {{ scheme = \"bearer\", value = {{ file = \"secrets/api\" }} }} }}\n",
        server.origin()
    );
    let flow = flow("items", "desk.items", "archive.items", "fields = [\"id\", \"email\"]");
    program.write("manifest.toml", [HEAD, PURPOSE, ARCHIVE, &system, &flow].concat());
    program.write("secrets/api", "token-of-the-test");
    program.run(&["run"]).ends(0).says("3 records written, 1 fields denied");
    let records = program.records("out/items.ndjson");
    assert_eq!(json!(records), json!([{ "id": 1, "email": "ada@x.example" }, { "id": 2 }, { "id": 3, "email": "eve@x.example" }]));
    assert!(server.requests().iter().all(|request| request.header("authorization") == Some("Bearer token-of-the-test")));
}
