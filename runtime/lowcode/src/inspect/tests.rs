//! What a manifest is said to be able to do, against recorded manifests and hostile ones.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests read their cases and say what they skip")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::*;
use crate::value::Value;
use crate::yaml;

/// A recorded case.
struct Case {
    name: String,
    manifest: Manifest,
    configuration: Value,
    golden: Json,
}

fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/lowcode/dev"));
        if !folder.is_dir() {
            println!("skipped: no recorded cases at hand");
            return Vec::new();
        }
        let mut folders: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        folders.iter().map(|folder| case(folder)).collect()
    })
}

fn case(folder: &Path) -> Case {
    Case {
        name: folder.display().to_string(),
        manifest: Manifest::read(&fs::read_to_string(folder.join("manifest.yaml")).unwrap()).unwrap().0,
        configuration: Value::from_json(&fs::read(folder.join("config.json")).unwrap()).unwrap(),
        golden: serde_json::from_slice(&fs::read(folder.join("golden.json")).unwrap()).unwrap(),
    }
}

/// Sorted keys, no blanks: what the recorded digests were taken of.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Dict(dict) => {
            let mut dict: crate::value::Dict = dict.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            dict.sort_keys();
            Value::dict(dict)
        }
        Value::List(items) => Value::list(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn digest(schema: &Value) -> String {
    let mut text = Vec::new();
    sorted(schema).write_json(&mut text);
    Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn described(facts: &StreamFacts) -> Json {
    let mut told = serde_json::json!({"name": facts.name, "supported_sync_modes": ["full_refresh"]});
    if let Some(field) = &facts.cursor_field {
        told["supported_sync_modes"] = serde_json::json!(["full_refresh", "incremental"]);
        told["source_defined_cursor"] = serde_json::json!(!facts.catalog_may_choose_cursor);
        told["default_cursor_field"] = serde_json::json!([field]);
    }
    if !facts.primary_key.is_empty() {
        told["source_defined_primary_key"] = serde_json::json!(facts.primary_key);
    }
    if let Schema::Static(schema) = &facts.schema {
        told["json_schema_sha256"] = digest(schema).into();
    }
    told
}

#[test]
fn streams_are_told_as_recorded() {
    let mut wrong = Vec::new();
    for case in cases() {
        let found = inspect(&case.manifest, Some(&case.configuration), 0);
        assert_eq!(found.faults, [], "{}", case.name);
        let actual: Vec<Json> = found.streams.iter().map(described).collect();
        let expected = case.golden["discover"].as_array().cloned().unwrap_or_default();
        if actual.len() != expected.len() {
            wrong.push(format!("{}: {} streams, expected {}; {:?}", case.name, actual.len(), expected.len(), found.faults));
        }
        wrong.extend(
            actual.iter().zip(&expected).filter(|(actual, expected)| actual != expected).map(|(a, e)| format!("{}: {a}\n  {e}", case.name)),
        );
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every origin that was asked in a recorded run is known before it, or said to be open.
#[test]
fn origins_are_known_before_the_run() {
    for case in cases() {
        let found = inspect(&case.manifest, Some(&case.configuration), 0);
        let known: BTreeSet<&str> = found.hosts.origins.iter().map(|one| one.origin.as_str()).collect();
        let asked: BTreeSet<String> = asked(&case.golden);
        let surprising: Vec<&String> = asked.iter().filter(|origin| !known.contains(origin.as_str())).collect();
        let is_open = found.hosts.open.iter().any(|open| open.cause == Cause::Run);
        assert!(surprising.is_empty() || is_open, "{}: {surprising:?} not among {known:?}, {:?}", case.name, found.hosts.open);
    }
}

fn asked(golden: &Json) -> BTreeSet<String> {
    let mut origins = BTreeSet::new();
    for stream in golden["streams"].as_object().unwrap().values() {
        for run in stream["runs"].as_object().unwrap().values() {
            for request in run["requests"].as_array().into_iter().flatten() {
                let url = url::Url::parse(request["url"].as_str().unwrap()).unwrap();
                origins.insert(url.origin().ascii_serialization());
            }
        }
    }
    origins
}

/// Words, digits and decimals that are never the same twice.
fn maker() -> impl FnMut(Shape) -> String {
    let mut count = 0;
    move |shape| {
        count += 1;
        match shape {
            Shape::Word => format!("placeholder{count:04}x"),
            Shape::Digits => format!("71{count:010}"),
            Shape::Decimal => format!("71{count:06}.5"),
        }
    }
}

#[test]
fn no_secret_of_a_case_enters_the_sandbox() {
    for case in cases() {
        let secrets = secret_paths(&case.manifest);
        let derived = derive_secrets(case.manifest.for_run().root(), &case.configuration, &secrets, 0, &mut maker());
        assert!(derived.is_ok(), "{}: {derived:?}", case.name);
        let derived = derived.unwrap();
        // Examples in the specification are no secrets, even if they look like those of the case.
        let streams = derived.manifest.get("streams").unwrap().to_json();
        let inside = format!("{}{}", String::from_utf8(streams).unwrap(), derived.configuration.to_json());
        for (placeholder, real) in &derived.secrets {
            assert!(!inside.contains(&format!("\"{real}\"")), "{}: {real} is inside, not only {placeholder}", case.name);
        }
        assert!(!derived.secrets.is_empty(), "{}: no secrets among {secrets:?}", case.name);
    }
}

fn small(text: &str) -> Manifest {
    let text = format!("version: 6.0.0\ncheck: {{type: CheckStream, stream_names: [s]}}\n{text}");
    Manifest::read(&text).unwrap().0
}

/// A manifest with one stream whose requester has these fields.
fn with_requester(fields: &str) -> Manifest {
    small(&format!(
        "streams:\n- name: s\n  retriever:\n    record_selector: {{extractor: {{field_path: []}}}}\n    requester: {{{fields}}}\n  schema_loader: {{type: InlineSchemaLoader, schema: {{}}}}\n"
    ))
}

fn origins(fields: &str, configuration: Option<&Value>) -> (Vec<String>, Vec<(String, Cause)>) {
    let hosts = inspect(&with_requester(fields), configuration, 0).hosts;
    let open = hosts.open.into_iter().map(|open| (open.template, open.cause)).collect();
    (hosts.origins.into_iter().map(|origin| origin.origin).collect(), open)
}

fn value(json: &str) -> Value {
    Value::from_json(json.as_bytes()).unwrap()
}

#[test]
fn hosts_are_found_behind_templates() {
    let configuration = value(r#"{"host": "https://one.example:8443/v1", "sub": "two"}"#);
    let known = |fields: &str| origins(fields, Some(&configuration)).0;
    assert_eq!(known("url_base: 'https://api.example/v1/'"), ["https://api.example"]);
    assert_eq!(known("url_base: \"{{ config['host'] }}\", path: x"), ["https://one.example:8443"]);
    assert_eq!(known("url_base: \"https://{{ config.sub }}.example/{{ stream_slice['id'] }}/\""), ["https://two.example"]);
    assert_eq!(known("url_base: \"{{ config['host'] }}/{{ stream_slice['id'] }}\""), ["https://one.example:8443"]);
    assert_eq!(known("url_base: 'https://api.example', path: 'http://other.example/x'"), ["http://other.example", "https://api.example"]);
    assert_eq!(
        known(
            "url_base: 'https://api.example', authenticator: {type: OAuthAuthenticator, token_refresh_endpoint: 'https://login.example/t'}"
        ),
        ["https://api.example", "https://login.example"]
    );
}

#[test]
fn open_hosts_say_why() {
    let configuration = value("{}");
    assert_eq!(origins("url: \"{{ download_target }}\"", Some(&configuration)).1, [("{{ download_target }}".to_owned(), Cause::Run)]);
    let open = origins("url_base: \"https://{{ config['sub'] }}.example\"", None).1;
    assert_eq!(open, [("https://{{ config['sub'] }}.example".to_owned(), Cause::Configuration)]);
    let open = origins("url_base: 'https://api.example', path: \"{{ stream_slice['url'] }}\"", Some(&configuration)).1;
    assert_eq!(open, [("{{ stream_slice['url'] }}".to_owned(), Cause::Perhaps)]);
    assert!(origins("url_base: 'https://api.example', path: \"{{ stream_slice['id'] }}/x\"", Some(&configuration)).1.is_empty());
    assert!(matches!(origins("url_base: 'ftp://x'", None).1.as_slice(), [(_, Cause::Invalid(_))]));
}

#[test]
fn secrets_are_those_marked_and_those_sent() {
    let manifest = small(
        "spec:\n  type: Spec\n  connection_specification:\n    properties:\n      key: {type: string, airbyte_secret: true}\n      open: {type: string}\n      \
         credentials:\n        oneOf:\n        - properties: {token: {airbyte_secret: true}, kind: {const: a}}\n      many: {items: {properties: {p: {airbyte_secret: true}}}}\n\
         streams:\n- name: s\n  retriever:\n    record_selector: {extractor: {field_path: []}}\n    requester:\n      url_base: https://x.example\n      \
         authenticator: {type: BasicHttpAuthenticator, username: \"{{ config.get('user') }}\"}\n",
    );
    let paths: Vec<String> = secret_paths(&manifest).iter().map(SecretPath::dotted).collect();
    assert_eq!(paths, ["credentials.token", "key", "many.*.p", "user"]);
}

#[test]
fn what_stands_beside_a_marked_secret_or_in_an_address_is_none() {
    let manifest = small(
        "spec: {type: Spec, connection_specification: {properties: {key: {airbyte_secret: true}}}}\nstreams:\n- name: s\n  retriever:\n    record_selector: {extractor: \
         {field_path: []}}\n    requester:\n      url_base: \"https://{{ config['account'] }}.example\"\n      authenticator: {type: SelectiveAuthenticator, \
         authenticator_selection_path: [kind], authenticators: {a: {type: BearerAuthenticator, api_token: \"{{ config['user'] }}:{{ config['key'] }}\"}, b: {type: \
         ApiKeyAuthenticator, api_token: \"{{ config['account'] }}-{{ config['token'] }}\"}}}\n",
    );
    let paths: Vec<String> = secret_paths(&manifest).iter().map(SecretPath::dotted).collect();
    assert_eq!(paths, ["key", "token"]);
}

struct Outcome {
    headers: Value,
    configuration: Value,
    secrets: Vec<(String, String)>,
}

fn derived(header: &str, configuration: &str) -> Result<Outcome, Vec<Fault>> {
    let fields = format!("url_base: https://x.example, request_headers: {{h: \"{header}\"}}");
    let secrets = [SecretPath { steps: vec!["key".to_owned()], why: Why::Marked }];
    let derived = derive_secrets(with_requester(&fields).root(), &value(configuration), &secrets, 0, &mut maker())?;
    let headers = derived.manifest.at(&["streams", "0", "retriever", "requester", "request_headers"]).unwrap().to_value();
    Ok(Outcome { headers, configuration: derived.configuration, secrets: derived.secrets })
}

fn header(template: &str, configuration: &str) -> (String, Vec<(String, String)>) {
    let outcome = derived(template, configuration).unwrap();
    (outcome.headers.get("h").unwrap().as_str().unwrap().to_owned(), outcome.secrets)
}

#[test]
fn what_passes_a_secret_on_stays_as_it_is() {
    for template in [
        "{{ config['key'] }}",
        "Bearer {{ config.get('key') }} {{ stream_slice['id'] }}",
        "{{ 'Bearer ' ~ config['key'] }}",
        "{{ config['key'] if config['key'] is defined else stream_slice.x }}",
        "{{ config['key'] or '' }}",
        "{{ config['key'] | default('') }}",
        "{% if config['key'] %}{{ config['key'] }}{% endif %}",
        "{{ config['other'] | upper }}{{ stream_slice['id'] | int }}",
        "{{ {'a': config['key']} }}",
    ] {
        let (text, secrets) = header(template, r#"{"key": "real", "other": "o"}"#);
        assert_eq!(text, template);
        assert_eq!(secrets, [("placeholder0001x".to_owned(), "real".to_owned())]);
    }
}

#[test]
fn what_transforms_a_secret_is_settled_beforehand() {
    let (text, secrets) = header("{{ config['key'] | base64encode }}", r#"{"key": "real"}"#);
    assert_eq!((text.as_str(), secrets.last().unwrap().1.as_str()), ("placeholder0002x", "cmVhbA=="));
    let (text, secrets) = header("k={{ config['key'].upper() }}&s={{ stream_slice['id'] }}", r#"{"key": "real"}"#);
    assert_eq!((text.as_str(), secrets.last().unwrap().1.as_str()), ("k=placeholder0002x&s={{ stream_slice['id'] }}", "REAL"));
    assert_eq!(header("{{ config['key'] == 'real' }}", r#"{"key": "real"}"#).0, "{{ True }}");
    let (text, secrets) = header("{{ config['key'] | int + 1 }}", r#"{"key": "41"}"#);
    assert_eq!((text.as_str(), secrets.last().unwrap().1.as_str()), ("{{ 710000000002 }}", "42"));
}

#[test]
fn what_mixes_a_secret_with_the_run_is_refused_with_its_place() {
    for template in [
        "{{ (config['key'] ~ stream_slice['id']) | base64encode }}",
        "{{ config['key'] | hash('md5', now_utc()) }}",
        "{{ config | tojson }}{{ record.id }}",
    ] {
        let result = derived(template, r#"{"key": "real"}"#);
        if template.contains("tojson") {
            assert!(result.is_ok(), "the part is settled");
            continue;
        }
        let faults = result.map(|_| ()).unwrap_err();
        let fault = faults.first().unwrap();
        assert_eq!(fault.path, "streams.0.retriever.requester.request_headers.h");
        assert!(fault.mark.is_some());
        assert!(!fault.to_string().contains("real"));
    }
}

#[test]
fn placeholders_look_like_what_they_stand_for() {
    let shapes = |configuration: &str| {
        let outcome = derived("x", configuration).unwrap();
        (outcome.configuration.get("key").unwrap().to_json(), outcome.secrets)
    };
    assert_eq!(shapes(r#"{"key": "1234"}"#).0, "\"710000000001\"");
    assert_eq!(shapes(r#"{"key": "007"}"#).0, "\"placeholder0001x\"");
    assert_eq!(shapes(r#"{"key": 1234}"#).0, "710000000001");
    assert_eq!(shapes(r#"{"key": "12.5"}"#).0, "\"71000001.5\"");
    assert_eq!(shapes(r#"{"key": "12.50"}"#).0, "\"placeholder0001x\"");
    assert_eq!(shapes(r#"{"key": ""}"#), ("\"\"".to_owned(), Vec::new()));
    assert_eq!(shapes(r#"{"key": {"a": "x", "b": ["y", true]}}"#).0, r#"{"a":"placeholder0001x","b":["placeholder0002x",true]}"#);
    assert!(derived("x", "{}").unwrap().secrets.is_empty());
}

#[test]
fn faults_and_notes_are_sorted_by_place() {
    let text = "version: 6.0.0\ncheck: {type: CheckStream, stream_names: [s]}\nstreams:\n- name: s\n  retriever: {type: CustomRetriever, class_name: a.B}\n\
                - name: t\n  retriever: {type: Nothing}\n";
    let manifest = Manifest::resolved(crate::load::resolve(&yaml::parse(text).unwrap().root).unwrap());
    let found = inspect(&manifest, None, 0);
    let lines: Vec<u32> = found.faults.iter().filter_map(|fault| fault.mark.map(|mark| mark.line)).collect();
    assert_eq!(lines, [5, 7]);
    assert_eq!(found.faults.first().unwrap().kind, crate::fault::Kind::CustomClass("a.B".to_owned()));
}

#[test]
fn a_manifest_has_streams() {
    let found = inspect(&small("streams: []"), None, 0);
    assert_eq!(found.faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(), ["streams"]);
}

/// Whatever stands in the place of whatever, there is an answer.
#[test]
fn damaged_manifests_end_in_an_answer() {
    let text = "version: 6.0.0\ncheck: {type: CheckStream, stream_names: [s]}\nspec: {type: Spec, connection_specification: {properties: {key: {airbyte_secret: true}, \
                c: {oneOf: [{properties: {d: {airbyte_secret: true}}}]}}}}\nstreams:\n- name: s\n  primary_key: [[a]]\n  $parameters: {p: 1}\n  incremental_sync: {type: \
                DatetimeBasedCursor, cursor_field: x, datetime_format: '%s', start_datetime: '2020-01-01'}\n  retriever:\n    record_selector: {extractor: {field_path: [a]}}\n    \
                requester:\n      url_base: \"{{ config['key'] }}\"\n      path: \"{{ config['key'] | upper }}/{{ stream_slice.x }}\"\n      authenticator: {type: OAuthAuthenticator, \
                token_refresh_endpoint: x, refresh_token_updater: {}}\n  schema_loader: {type: InlineSchemaLoader, schema: {}}\n";
    let root = yaml::parse(text).unwrap().root;
    let odd = ["5", "~", "[]", "{}", "[[1]]", "{type: 7}", "'{{'", "\"{{ config }}\"", "'#/streams'", "{type: {}}", "{$ref: 5}"];
    let odd: Vec<yaml::Node> = odd.iter().map(|text| yaml::parse(text).unwrap().root).collect();
    let secrets = secret_paths(&Manifest::read(text).unwrap().0);
    let mut answers = 0;
    for place in 0..root.size() {
        for odd in &odd {
            let mut left = place;
            let damaged = replaced(&root, odd, &mut left);
            let Ok(resolved) = crate::load::resolve(&damaged) else { continue };
            let manifest = Manifest::resolved(resolved);
            for configuration in ["{}", "5", r#"{"key": "real", "c": {"d": [1]}}"#] {
                let configuration = value(configuration);
                let _ = inspect(&manifest, Some(&configuration), 0);
                let _ = derive_secrets(manifest.root(), &configuration, &secrets, 0, &mut maker());
                answers += 1;
            }
        }
    }
    assert!(answers > 500, "{answers}");
}

/// The tree with its node number `left` replaced.
fn replaced(node: &yaml::Node, odd: &yaml::Node, left: &mut u64) -> yaml::Node {
    let is_here = *left == 0;
    *left = left.wrapping_sub(1);
    if is_here {
        return odd.clone();
    }
    match (node.entries(), node.items()) {
        (Some(entries), _) => {
            let entries = entries.iter().map(|(key, entry)| (key.clone(), replaced(&entry.node, odd, left).into())).collect();
            yaml::Node::mapping(node.mark, entries)
        }
        (_, Some(items)) => yaml::Node::sequence(node.mark, items.iter().map(|item| replaced(item, odd, left)).collect()),
        _ => node.clone(),
    }
}

#[test]
fn the_deepest_manifest_ends_in_an_answer() {
    let deep = format!("{}'{{{{ config.key }}}}'{}", "{type: T, $parameters: {p: 1}, a: ".repeat(90), "}".repeat(90));
    let manifest = small(&format!("streams: [{deep}]"));
    let found = inspect(&manifest, Some(&value("{}")), 0);
    assert_eq!(found.faults.len(), 1, "{:?}", found.faults);
    let secrets = [SecretPath { steps: vec!["key".to_owned()], why: Why::Marked }];
    assert!(derive_secrets(manifest.root(), &value("{}"), &secrets, 0, &mut maker()).is_ok());
}
