//! Low-code connectors as the host reads them: descriptions, secrets, grants, take-overs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use hub_core::labels;
use hub_core::manifest::{self, NoFiles};
use serde_json::json;

use super::import::{Plan, catalog, manifest as import_manifest, split, states};
use super::*;

const ACME: &str = r##"
version: "6.0.0"
type: DeclarativeSource
description: Contacts of Acme.
check: { type: CheckStream, stream_names: [contacts] }
definitions:
  requester:
    type: HttpRequester
    url_base: "https://{{ config['region'] }}.acme.example/v1"
    authenticator: { type: BearerAuthenticator, api_token: "{{ config['credentials']['api_key'] }}" }
streams:
  - type: DeclarativeStream
    name: "contacts "
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester: { $ref: "#/definitions/requester", path: contacts }
      record_selector: { type: RecordSelector, extractor: { type: DpathExtractor, field_path: [items] } }
    schema_loader:
      type: InlineSchemaLoader
      schema:
        type: object
        properties:
          id: { type: [ "null", string ] }
          email: { type: string }
          address: { type: object, properties: { city: { type: string } } }
          extra: {}
          "odd.name": { type: string }
  - type: DeclarativeStream
    name: late
    retriever:
      type: SimpleRetriever
      requester: { $ref: "#/definitions/requester", path: late, oddity: 1 }
      record_selector:
        type: RecordSelector
        extractor: { type: DpathExtractor, field_path: [] }
        record_filter: { type: RecordFilter, condition: "{{ record['x'] == 1 }}" }
    schema_loader: { type: InlineSchemaLoader, schema: {} }
spec:
  type: Spec
  connection_specification:
    type: object
    required: [region, credentials]
    properties:
      region: { type: string, enum: [eu, us] }
      credentials:
        type: object
        required: [api_key]
        properties: { api_key: { type: string, airbyte_secret: true, minLength: 30 } }
"##;

fn hub(system: &str) -> Manifest {
    let text = format!(
        "manifest = 1\n[operator]\nname = \"A\"\ncontact = \"b@example.org\"\n[system.acme]\nconnector = \"manifest.yaml\"\n{system}\n[purpose.p]\nuse = \"sales\"\nbasis = {{ art6 = \"f\" }}\nallows = []\n"
    );
    match manifest::read("manifest.toml", &text, &NoFiles) {
        Ok(manifest) => manifest,
        Err(failed) => panic!("{:?}", failed.problems),
    }
}

fn texts(manifest: &str, labels: Option<&str>) -> Texts {
    Texts { manifest: manifest.to_owned(), file: 1, labels: labels.map(|text| (text.to_owned(), 2)) }
}

fn told(manifest: &str, labels: Option<&str>, system: &str) -> (Option<LowCode>, Vec<String>) {
    let hub = hub(system);
    let reading = Reading { hub: Some(&hub), system: hub.systems.get("acme"), ..Reading::default() };
    let (read, problems) = read(&texts(manifest, labels), reading);
    (read, problems.iter().map(|problem| format!("{} {}", problem.code, problem.title)).collect())
}

const GOOD: &str = "config = { region = \"eu\" }\nsecrets = { \"credentials.api_key\" = { file = \"key\" } }";

#[test]
fn a_manifest_is_told_with_streams_hosts_secrets_and_reasons() {
    let (read, problems) = told(ACME, None, GOOD);
    assert_eq!(problems, Vec::<String>::new());
    let read = read.unwrap();
    assert_eq!(read.streams.iter().map(|stream| stream.name.as_str()).collect::<Vec<_>>(), ["contacts", "late"]);
    assert_eq!(read.own_name("contacts"), "contacts ");
    assert_eq!(read.inspection.hosts.origins[0].origin, "https://eu.acme.example");
    assert_eq!(read.inspection.secrets.iter().map(inspect::SecretPath::dotted).collect::<Vec<_>>(), ["credentials.api_key"]);
    assert_eq!(read.streams[0].primary_key[0].as_str(), "id");
    assert!(read.reasons("contacts").is_empty() && !read.reasons("late").is_empty());
    let remarks: Vec<&str> = read.remarks.iter().map(|remark| remark.text.as_str()).collect();
    assert!(remarks.iter().any(|text| text.contains("odd.name")) && remarks.iter().any(|text| text.contains("oddity")), "{remarks:#?}");
}

#[test]
fn secrets_stand_in_secrets_and_nothing_else_does() {
    let (_, problems) = told(ACME, None, "config = { region = \"eu\", credentials = { api_key = \"abc\" } }");
    assert!(problems.iter().any(|problem| problem.starts_with("HUB-E012 `credentials.api_key`")), "{problems:?}");
    let (_, problems) = told(ACME, None, "config = { region = \"eu\", credentials = {} }\nsecrets = { region = { env = \"R\" } }");
    let found: Vec<bool> = ["HUB-E012 `region` is no secret", "`credentials` lacks", "credentials"]
        .iter()
        .map(|word| problems.iter().any(|problem| problem.contains(word)))
        .collect();
    assert_eq!(found, [true, true, true], "{problems:?}");
    let (_, problems) = told(ACME, None, "config = { region = \"xx\" }\nsecrets = { \"credentials.api_key\" = { file = \"key\" } }");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("`region` is none of") && !problems[0].contains("xx"), "{problems:?}");
}

#[test]
fn everything_that_cannot_run_is_told_at_once_with_its_place() {
    let broken = ACME
        .replace("type: DpathExtractor, field_path: [items]", "type: CustomRecordExtractor, class_name: acme.Extractor")
        .replace("condition: \"{{ record['x'] == 1 }}\"", "condition: \"{{ record['x' }}\"")
        .replace("type: CheckStream,", "type: CheckEverything,");
    let hub = hub(GOOD);
    let reading = Reading { hub: Some(&hub), system: hub.systems.get("acme"), ..Reading::default() };
    let texts = texts(&broken, None);
    let (read, problems) = read(&texts, reading);
    assert!(read.is_some());
    let mut sources = Sources::default();
    sources.add("manifest.toml", "");
    sources.add("manifest.yaml", &broken);
    assert_eq!(problems.len(), 3, "{problems:#?}");
    for (word, line) in [("CheckEverything", "check:"), ("acme.Extractor", "CustomRecordExtractor"), ("condition", "record['x' }}")] {
        let problem = problems.iter().find(|problem| problem.title.contains(word)).unwrap();
        let (number, _) = sources.line_column(problem.labels[0].span);
        assert!(broken.lines().nth(number - 1).unwrap().contains(line), "{word}: line {number}");
    }
}

#[test]
fn text_that_is_no_manifest_is_told() {
    for text in ["", "a: [", "[]", "version: 1", "\u{0}"] {
        let (read, problems) = read(&texts(text, None), Reading::default());
        assert!(read.is_none() && !problems.is_empty(), "{text:?}");
    }
}

#[test]
fn labels_reach_the_description_and_change_the_digest() {
    let labels = "labels = 1\n[stream.contacts]\nsubjects = [\"customer\"]\n[stream.contacts.fields]\nemail = \"user.contact.email\"\naddress = \"user.contact.address\"\n[stream.late.fields]\nx = \"non-personal\"\n";
    let (read, problems) = told(ACME, Some(labels), GOOD);
    assert_eq!(problems, Vec::<String>::new());
    let (read, plain) = (read.unwrap(), told(ACME, None, GOOD).0.unwrap());
    assert_ne!(read.digest, plain.digest);
    assert_eq!(read.streams[1].shape.leaves().len(), 1);
    let base = Description {
        abi: "0.1".to_owned(),
        name: "lowcode".to_owned(),
        version: "1.0.0".to_owned(),
        summary: "x".to_owned(),
        config: json!({}),
        imports: vec!["http".to_owned()],
        hosts: Vec::new(),
        read_body: true,
        source: None,
        destination: None,
    };
    let description = read.description(Path::new("connectors/Acme CRM/manifest.yaml"), &base);
    assert_eq!(
        (description.name.as_str(), description.version.as_str(), description.summary.as_str()),
        ("acme-crm", "6.0.0", "Contacts of Acme.")
    );
    let claimed = hub_core::description::claimed_capability(&description);
    assert!(claimed.categories.contains("read:user.contact.email") && claimed.hosts.contains("https://eu.acme.example"));
}

#[test]
fn what_is_missing_is_said_before_a_run() {
    let flow = "[flow.f]\nfrom = \"acme.late\"\nto = \"acme.x\"\npurpose = \"p\"\nfields = [\"x\"]\n";
    let found = |system: &str| {
        let hub = hub(&format!("{GOOD}\n{system}\n{flow}"));
        let system = hub.systems.get("acme").unwrap();
        let (read, _) = read(&texts(ACME, None), Reading { hub: Some(&hub), system: Some(system), ..Reading::default() });
        let (problems, remarks) = missing(&read.unwrap(), &hub, system);
        (problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), remarks.len())
    };
    assert_eq!(found(""), (vec![Code::E310, Code::E204], 0));
    assert_eq!(found("hosts = [\"https://other.example\"]\ngrants = [\"read-body\"]"), (vec![], 1));
    assert_eq!(found("hosts = [\"https://eu.acme.example\"]\ngrants = [\"read-body\"]"), (vec![], 0));
}

#[test]
fn the_guest_gets_placeholders_and_the_host_the_secrets() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key"), "a-very-secret-key-of-acme\n").unwrap();
    let hub = hub(&GOOD.replace("\"key\"", &format!("{:?}", folder.path().join("key"))));
    let system = hub.systems.get("acme").unwrap();
    let (read, _) = read(&texts(ACME, None), Reading { hub: Some(&hub), system: Some(system), ..Reading::default() });
    let started = read.unwrap().start(&hub.sources, system, 0, false).unwrap();
    assert!(!started.guest.contains("a-very-secret"), "{}", started.guest);
    let guest: Value = serde_json::from_str(&started.guest).unwrap();
    assert_eq!(guest.pointer("/config/region"), Some(&json!("eu")));
    let placeholder = guest.pointer("/config/credentials/api_key").and_then(Value::as_str).unwrap();
    assert!(started.secrets.iter().any(|(name, real)| name == placeholder && real == "a-very-secret-key-of-acme"));
    assert_eq!(guest.pointer("/manifest/streams/0/name"), Some(&json!("contacts ")));
    fs::remove_file(folder.path().join("key")).unwrap();
    let (read, _) = super::read(&texts(ACME, None), Reading { hub: Some(&hub), system: Some(system), ..Reading::default() });
    assert_eq!(read.unwrap().start(&hub.sources, system, 0, false).err().unwrap().code, Code::E312);
}

#[test]
fn catalogues_of_all_forms_are_read() {
    let value = json!({ "streams": [
        { "stream": { "name": "a", "json_schema": { "properties": { "id": {}, "x": {} } } }, "sync_mode": "incremental", "destination_sync_mode": "append_dedup", "primary_key": [["id"], ["o", "id"]] },
        { "stream": { "name": "b" }, "config": { "syncMode": "full_refresh", "destinationSyncMode": "overwrite", "selected": true } },
        { "stream": { "name": "c" }, "config": { "selected": false } },
        { "stream": { "name": "d" }, "sync_mode": "full_refresh", "destination_sync_mode": "append" },
    ] });
    let found = catalog(&value).unwrap();
    let modes: Vec<_> = found.iter().map(|stream| (stream.name.as_str(), stream.mode, stream.note.is_some())).collect();
    assert_eq!(modes, [("a", "upsert", false), ("b", "replace", false), ("d", "append", true)]);
    assert_eq!(
        (found[0].primary_key.clone(), found[0].fields.clone()),
        (vec!["id".to_owned(), "o.id".to_owned()], vec!["id".to_owned(), "x".to_owned()])
    );
    for bad in [json!({}), json!({ "streams": [] }), json!({ "streams": [{}] }), json!({ "streams": [{ "name": "a" }, { "name": "a" }] })] {
        assert!(catalog(&bad).is_err(), "{bad}");
    }
}

#[test]
fn states_of_all_forms_are_read() {
    let message = json!({ "type": "STREAM", "stream": { "stream_descriptor": { "name": "a" }, "stream_state": { "at": "2026" } } });
    let forms = [
        message.to_string(),
        json!([message]).to_string(),
        format!("{}\n{}\n", json!({ "type": "STATE", "state": { "type": "STREAM", "stream": { "stream_descriptor": { "name": "a" }, "stream_state": { "at": "2025" } } } }), json!({ "type": "STATE", "state": message })),
        json!({ "type": "GLOBAL", "global": { "stream_states": [{ "stream_descriptor": { "name": "a" }, "stream_state": { "at": "2026" } }] } }).to_string(),
        json!({ "stateType": "stream", "streamState": [{ "streamDescriptor": { "name": "a" }, "streamState": { "at": "2026" } }] }).to_string(),
        json!({ "a": { "at": "2026" } }).to_string(),
        json!([{ "stream_descriptor": { "name": "a" }, "stream_state": { "at": "2026" } }]).to_string(),
    ];
    for form in forms {
        let found = states(&form).unwrap();
        assert_eq!((found.len(), &found["a"]), (1, &json!({ "at": "2026" })), "{form}");
    }
    assert!(states("{").is_err());
    let nothing = json!({ "stream": { "stream_descriptor": { "name": "a" }, "stream_state": { "__ab_no_cursor_state_message": true } } });
    assert!(states(&nothing.to_string()).unwrap().is_empty());
}

#[test]
fn what_is_imported_holds_no_secret_and_asks_for_what_it_cannot_know() {
    let config = json!({ "region": "eu", "credentials": { "api_key": "a-very-secret-key-of-acme", "kind": "key" }, "none": null });
    let (read, _) = read(&texts(ACME, None), Reading { config: Some(&config), ..Reading::default() });
    let read = read.unwrap();
    let (rest, secrets) = split(&read, &config);
    assert_eq!(secrets["credentials.api_key"], "a-very-secret-key-of-acme");
    let selected = catalog(&json!({ "streams": [
        { "stream": { "name": "contacts" }, "sync_mode": "incremental", "destination_sync_mode": "append" },
        { "stream": { "name": "late", "json_schema": { "properties": { "x": {} } } }, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite" },
    ] })).unwrap();
    let files = vec![("credentials.api_key".to_owned(), "secrets/key".to_owned())];
    let state = [("contacts".to_owned(), "state/contacts.json".to_owned())].into();
    let text = import_manifest(&Plan { read: &read, system: "acme".to_owned(), config: rest, secrets: files, selected, states: state });
    assert!(!text.contains("a-very-secret"));
    let failed = manifest::read("manifest.toml", &text, &NoFiles).err().unwrap();
    let missing: Vec<&str> = failed.problems.iter().map(|problem| problem.title.as_str()).collect();
    assert!(failed.problems.iter().all(|problem| problem.code == Code::E004), "{missing:#?}\n{text}");
    assert_eq!(missing.len(), 5, "{missing:#?}");
    let filled = text
        .replace("# name = \"…\"\n# contact = \"…\"", "name = \"A\"\ncontact = \"B\"")
        .replace("# use = \"…\"\n# basis = { art6 = \"…\" }\n# allows = [\"…\"]", "use = \"sales\"\nbasis = { art6 = \"f\" }\nallows = []");
    let manifest = match manifest::read("manifest.toml", &filled, &NoFiles) {
        Ok(manifest) => manifest,
        Err(failed) => panic!("{:#?}", failed.problems),
    };
    let acme = &manifest.systems["acme"];
    assert_eq!(acme.config.value, json!({ "region": "eu", "credentials": { "kind": "key" } }));
    assert_eq!(acme.hosts[0].value.to_string(), "https://eu.acme.example");
    let contacts = &manifest.flows["contacts"];
    assert_eq!(contacts.state.as_ref().unwrap().value, "state/contacts.json");
    assert_eq!(contacts.fields.iter().map(|field| field.path.value.as_str()).collect::<Vec<_>>(), ["address", "email", "extra", "id"]);
    assert_eq!(manifest.flows["late"].fields[0].path.value.as_str(), "x");
    assert!(text.contains("grants = [\"read-body\"]"));
}

/// The recorded manifests of others: each stream has a shape, each proposal is read again, no manifest is refused.
#[test]
fn recorded_manifests_are_described_and_labelled() {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/lowcode/dev"));
    let Ok(cases) = fs::read_dir(&root) else {
        eprintln!("skipped: {} is not there", root.display());
        return;
    };
    let mut streams = 0;
    for case in cases {
        let folder = case.unwrap().path();
        let config: Value = serde_json::from_str(&fs::read_to_string(folder.join("config.json")).unwrap()).unwrap();
        let texts = texts(&fs::read_to_string(folder.join("manifest.yaml")).unwrap(), None);
        let (read, problems) = read(&texts, Reading { config: Some(&config), ..Reading::default() });
        assert_eq!(problems, [], "{}", folder.display());
        let read = read.unwrap();
        for (claim, facts) in read.streams.iter().zip(&read.inspection.streams) {
            streams += 1;
            let names = match &facts.schema {
                inspect::Schema::Static(schema) => {
                    schema.get("properties").and_then(|names| names.as_dict()).map_or(0, |names| names.len())
                }
                _ => 0,
            };
            assert!(
                claim.shape.fields.len() <= names && (names == 0 || !claim.shape.fields.is_empty()),
                "{} {}",
                folder.display(),
                claim.name
            );
        }
        let written: Vec<labels::Written> = read
            .streams
            .iter()
            .map(|claim| labels::Written {
                name: claim.name.clone(),
                primary_key: claim.primary_key.clone(),
                proposals: labels::propose(&claim.name, &read.foreign[&claim.name], None, None),
            })
            .collect();
        let text = labels::write(&written);
        let (labels, faults) = labels::parse(&text, 0, &|_| false, &|_| false);
        assert_eq!(faults, [], "{}", folder.display());
        let mut streams = read.streams.clone();
        assert_eq!(labels.apply(&mut streams), [], "{}", folder.display());
        assert!(streams.iter().flat_map(|stream| stream.shape.leaves()).all(|(_, leaf)| leaf.category.is_none()));
    }
    assert!(streams >= 464, "{streams} streams");
}
