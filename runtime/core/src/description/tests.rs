//! Descriptions inside hand-made components: found, read, refused with a pointer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the seeds of the fuzzer are files")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::problem::Code;

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn leb(mut number: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        out.push(if number == 0 { byte } else { byte | 0x80 });
        if number == 0 {
            return out;
        }
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], leb(content.len()), content.to_vec()].concat()
}

fn custom(name: &str, data: &[u8]) -> Vec<u8> {
    section(0, &[leb(name.len()), name.as_bytes().to_vec(), data.to_vec()].concat())
}

fn component(sections: &[Vec<u8>]) -> Vec<u8> {
    [COMPONENT.to_vec(), sections.concat()].concat()
}

fn good() -> Value {
    json!({
        "hub": "0.1", "name": "crm", "version": "1.2.0-rc.1+7", "summary": "Reads contacts.",
        "config": { "type": "object", "properties": { "base_url": { "type": "string" } }, "additionalProperties": false },
        "imports": ["http", "sink", "runtime"], "hosts": ["https://API.example.org", "https://api.example.org:8443", "config:base_url"], "read_body": true,
        "source": { "streams": [{
            "name": "contacts", "summary": "People.", "primary_key": ["id"], "cursor": "updated_at", "subjects": ["customer"],
            "schema": { "type": "object", "properties": {
                "id": { "type": "integer", "x-hub-category": "user.unique_id" },
                "email": { "type": "string", "x-hub-category": "user.contact.email" },
                "updated_at": { "type": "string", "x-hub-category": "system.operations" }
            } }
        }], "any_stream": false },
        "destination": { "modes": ["append", "replace"], "accepts": ["user", "system"], "streams": null }
    })
}

fn faults(value: &Value) -> Vec<String> {
    match parse(value.to_string().as_bytes()) {
        Ok(_) => panic!("accepted: {value}"),
        Err(DescriptionError::Invalid(faults)) => faults.iter().map(ToString::to_string).collect(),
        Err(other) => vec![other.to_string()],
    }
}

/// The faults of the good description with one value changed (`null` = removed).
fn changed(pointer: &str, value: Value) -> Vec<String> {
    let mut whole = good();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match whole.pointer_mut(parent).unwrap() {
        Value::Object(map) if value.is_null() => drop(map.shift_remove(key)),
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
    faults(&whole)
}

#[test]
fn a_description_is_read_out_of_a_component() {
    let text = good().to_string();
    let bytes = component(&[
        section(1, &[MODULE, &custom(SECTION, b"another")].concat()),
        custom("producers", b"x"),
        custom(SECTION, text.as_bytes()),
    ]);
    let description = read(&bytes).unwrap();
    assert_eq!((description.name.as_str(), description.version.as_str(), description.abi.as_str()), ("crm", "1.2.0-rc.1+7", "0.1"));
    let hosts = ["https://api.example.org", "https://api.example.org:8443"].map(|host| HostClaim::Origin(host.to_owned()));
    assert_eq!(description.hosts[..2], hosts);
    assert_eq!(description.hosts[2], HostClaim::Config("base_url".to_owned()));
    let source = description.source.unwrap();
    assert_eq!(source.streams[0].shape.fields.len(), 3);
    assert_eq!(source.streams[0].cursor.as_ref().unwrap().as_str(), "updated_at");
    assert_eq!(description.destination.unwrap().modes, ["append", "replace"]);
}

#[test]
fn only_one_section_at_component_level_counts() {
    let text = good().to_string();
    let nested = section(1, &[MODULE, &custom(SECTION, text.as_bytes())].concat());
    let inner = section(4, &component(&[custom(SECTION, text.as_bytes())]));
    assert_eq!(read(&component(&[])).unwrap_err(), DescriptionError::Missing { nested: false });
    assert_eq!(read(&component(&[nested])).unwrap_err(), DescriptionError::Missing { nested: true });
    assert_eq!(read(&component(&[inner])).unwrap_err(), DescriptionError::Missing { nested: true });
    let twice = component(&[custom(SECTION, text.as_bytes()), custom(SECTION, text.as_bytes())]);
    assert_eq!(read(&twice).unwrap_err(), DescriptionError::Twice);
    let large = component(&[custom(SECTION, &vec![b' '; MAX_SECTION_BYTES + 1])]);
    assert_eq!(read(&large).unwrap_err(), DescriptionError::TooLarge { bytes: MAX_SECTION_BYTES + 1 });
}

#[test]
fn what_is_no_component_is_told() {
    let module = [MODULE.to_vec(), custom(SECTION, b"{}")].concat();
    for bytes in [&module[..], b"", b"\0asm", b"not wasm at all", &COMPONENT[..6], &component(&[vec![0, 0xff]])] {
        let error = read(bytes).unwrap_err();
        assert!(matches!(error, DescriptionError::NotAComponent { .. }), "{error}");
        assert_eq!(error.code(), Code::E303);
    }
}

#[test]
fn another_abi_has_its_own_code() {
    let mut other = good();
    other["hub"] = json!("0.2");
    other["new_key_of_that_generation"] = json!(1);
    let error = parse(other.to_string().as_bytes()).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (Code::E304, "the connector speaks ABI `0.2`, this hub speaks `0.1`"));
}

#[test]
fn every_fault_has_a_pointer() {
    let cases = [
        ("/hub", json!(1), "/hub: a text is expected"),
        ("/name", Value::Null, "/name: this key is missing"),
        ("/name", json!("Crm"), "/name: \"Crm\" is no name"),
        ("/name", json!("a".repeat(65)), "/name: the text must have 1 to 64 bytes"),
        ("/version", json!("1.2"), "/version: \"1.2\" is no semantic version"),
        ("/version", json!("01.2.3"), "/version: \"01.2.3\" is no semantic version"),
        ("/summary", json!("x".repeat(501)), "/summary: the text must have"),
        ("/summary", json!("a\u{1b}[31m"), "/summary: the text must have"),
        ("/summry", json!("x"), "/summry: unknown key (did you mean `summary`?)"),
        ("/config", json!(true), "/config: a JSON Schema (an object) is expected"),
        ("/config", json!({ "type": "objekt" }), "/config: this is no usable JSON Schema"),
        ("/config", json!({ "$ref": "https://example.org/s.json" }), "/config: the schema may refer to itself"),
        ("/imports", json!(["http", "wasi:cli/environment"]), "/imports/1: one of http, sink"),
        ("/imports", json!(["http", "http"]), "/imports/1: this entry stands twice"),
        ("/imports", json!("http"), "/imports: a list of texts is expected"),
        ("/hosts/0", json!("http://example.org"), "/hosts/0: `https://host`"),
        ("/hosts/0", json!("https://example.org/v1"), "/hosts/0: `https://host`"),
        ("/hosts/0", json!("https://*.example.org"), "/hosts/0: `https://host`"),
        ("/hosts/0", json!("https://a@example.org"), "/hosts/0: `https://host`"),
        ("/hosts/0", json!("config:"), "/hosts/0: `https://host`"),
        ("/read_body", json!("yes"), "/read_body: `true` or `false` is expected"),
        ("/source", json!([]), "/source: an object is expected"),
        ("/source/streams", json!([]), "/source: a source without streams needs `any_stream`"),
        ("/source/streams", json!({}), "/source/streams: a list of at most 500 streams"),
        ("/source/streams/0/name", json!("a/b"), "/source/streams/0/name: use 1 to 128 bytes"),
        ("/source/streams/0/schema", json!({ "type": "array" }), "/source/streams/0/schema"),
        ("/source/streams/0/schema/properties/email/x-hub-category", json!("user.contact.emial"), "did you mean `user.contact.email`?"),
        ("/source/streams/0/primary_key", json!(["no"]), "/source/streams/0/primary_key: the schema has no field `no`"),
        ("/source/streams/0/primary_key", json!(["a..b"]), "/source/streams/0/primary_key/0: a field path is expected"),
        ("/source/streams/0/cursor", json!("no"), "/source/streams/0/cursor: the schema has no field `no`"),
        (
            "/source/streams/0/subjects",
            json!(["custommer"]),
            "/source/streams/0/subjects/0: \"custommer\" is no key of the vocabulary (did you mean `customer`?)",
        ),
        ("/destination/modes", json!(["merge"]), "/destination/modes/0: one of append, replace, upsert"),
        ("/source/streams/0/deletes", json!("yes"), "/source/streams/0/deletes: `true` or `false` is expected"),
        ("/destination/deletes", json!(1), "/destination/deletes: `true` or `false` is expected"),
        ("/destination/modes", json!([]), "/destination/modes: at least one entry is needed"),
        ("/destination/accepts", json!(["users"]), "/destination/accepts/0: \"users\" is no key"),
        ("/destination/streams", json!(["a\u{200b}b"]), "/destination/streams/0: use 1 to 128 bytes"),
    ];
    for (pointer, value, expected) in cases {
        let found = changed(pointer, value);
        assert!(found.iter().any(|fault| fault.contains(expected)), "{pointer}: {expected:?} not in {found:?}");
    }
}

#[test]
fn deletions_are_claimed_on_either_side() {
    let claims = |value: &Value| {
        let description = parse(value.to_string().as_bytes()).unwrap();
        (description.source.unwrap().streams[0].deletes, description.destination.unwrap().deletes)
    };
    let mut both = good();
    assert_eq!(claims(&both), (false, false));
    (both["source"]["streams"][0]["deletes"], both["destination"]["deletes"]) = (json!(true), json!(true));
    assert_eq!(claims(&both), (true, true));
    both["source"]["streams"][0]["primary_key"] = json!([]);
    assert_eq!(faults(&both), ["/source/streams/0/deletes: what is deleted is named by `primary_key`, and there is none"]);
}

#[test]
fn a_description_must_offer_something() {
    let mut nothing = good();
    nothing.as_object_mut().unwrap().retain(|key, _| key != "source" && key != "destination");
    assert_eq!(faults(&nothing), ["/: neither `source` nor `destination` is there: the connector does nothing"]);
}

#[test]
fn amounts_are_bounded() {
    let stream = |number: usize| json!({ "name": format!("s{number}"), "summary": "x", "schema": { "type": "object", "properties": {} } });
    let many: Vec<Value> = (0..=MAX_STREAMS).map(stream).collect();
    assert!(changed("/source/streams", json!(many))[0].contains("at most 500 streams"));
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    assert!(matches!(parse(deep.as_bytes()).unwrap_err(), DescriptionError::Json { reason } if reason.contains("deep")));
    assert!(matches!(parse(br#"{"hub":"0.1","hub":"0.1"}"#).unwrap_err(), DescriptionError::Json { .. }));
    assert!(changed("/source/streams", json!(vec![stream(1), stream(1)]))[0].contains("/source/streams/1: this stream stands twice"));
}

#[test]
fn capabilities_are_compared_by_what_is_new() {
    let old = claimed_capability(&parse(good().to_string().as_bytes()).unwrap());
    assert!(old.categories.contains("read:user.contact.email") && old.categories.contains("write:user"));
    assert!(old.imports.contains("read-body") && old.hosts.contains("config:base_url"));
    assert!(old.widened_by(&old).is_empty());
    let mut newer = good();
    newer["hosts"] = json!(["https://evil.example"]);
    newer["imports"] = json!(["http", "sink", "files"]);
    newer["destination"]["accepts"] = json!(["user.name", "non-personal"]);
    newer["source"]["streams"][0]["schema"]["properties"]["email"]["x-hub-category"] = json!("user.health_and_medical");
    let newer = claimed_capability(&parse(newer.to_string().as_bytes()).unwrap());
    let expected =
        ["data category read:user.health_and_medical", "data category write:non-personal", "host https://evil.example", "interface files"];
    assert_eq!(old.widened_by(&newer), expected);
    let stored: Capability = serde_json::from_str(&serde_json::to_string(&old).unwrap()).unwrap();
    assert_eq!(stored, old);
}

/// Files under `fuzz/seeds` keep their promise: `good-*` is read, `bad-*` is refused.
#[test]
fn seeds_are_what_their_names_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/description");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let content = if name.ends_with(".wasm") { read(&bytes) } else { parse(&bytes) };
        if name.starts_with("good-") || name.starts_with("bad-") {
            assert_eq!(content.is_ok(), name.starts_with("good-"), "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
        let _ = parse(&bytes);
        let _ = read(&component(&[custom(SECTION, &bytes)]));
    }

    #[test]
    fn no_mutation_panics(edits in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..8)) {
        let mut bytes = component(&[section(1, MODULE), custom(SECTION, good().to_string().as_bytes())]);
        for (at, byte) in &edits {
            let at = usize::from(*at) % bytes.len();
            bytes[at] = *byte;
        }
        let _ = read(&bytes);
        let mut text = good().to_string().into_bytes();
        for (at, byte) in edits {
            let at = usize::from(at) % text.len();
            text[at] = byte;
        }
        let _ = parse(&text);
    }
}
