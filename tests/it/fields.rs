//! What happens to values on their way: each action, names, nested fields, lists, and the ways in which a record can hide something.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::program::Program;
use crate::support::story::{ARCHIVE, DESK, HEAD, PURPOSE, file_to_file, flow};

const OUT: &str = "out/people.ndjson";

const FIELDS: &str = r#"[stream.desk.people.fields]
id = "user.unique_id"
name = "user.name"
email = "user.contact.email"
note = "user.content.private"
"address.city" = "user.contact.address.city"
"address.postal_code" = "user.contact.address.postal_code"
"#;

/// Runs the records through the fields and answers with what arrived.
fn through(fields: &str, records: &str) -> (Program, Vec<Value>) {
    let program = Program::with_manifest(&file_to_file(FIELDS, fields));
    program.write("in/people.ndjson", records);
    program.run(&["run"]).ends(0);
    let arrived = program.records(OUT);
    (program, arrived)
}

#[test]
fn every_action_does_what_it_says() {
    let fields = r#"[flow.people-to-archive.fields]
id = { action = "allow", to = "number" }
name = { action = "mask", first = 1, last = 2 }
email = { action = "constant", value = "nobody@example.org" }
note = { action = "hash" }
"address.postal_code" = { action = "truncate", keep = 2 }
"address.city" = "drop"
"#;
    let records = concat!(
        r#"{"id":1,"name":"Erika","email":"e@x.example","note":"abc","address":{"city":"Hannover","postal_code":"30159"}}"#,
        "\n",
        r#"{"id":2,"name":"Żółć Ünal","email":null,"note":null,"address":{"city":"X","postal_code":"1"}}"#,
        "\n",
        r#"{"id":3,"name":"Al","note":"","address":{}}"#,
        "\n",
    );
    let (program, arrived) = through(fields, records);
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(
        arrived,
        [
            json!({ "number": 1, "name": "E**ka", "email": "nobody@example.org", "note": abc, "address": { "postal_code": "30" } }),
            json!({ "number": 2, "name": "Ż******al", "email": "nobody@example.org", "note": null, "address": { "postal_code": "1" } }),
            json!({ "number": 3, "name": "**", "note": empty, "address": {} }),
        ]
    );
    let text = program.read(OUT);
    for hidden in ["Erika", "e@x.example", "Hannover", "30159"] {
        assert!(!text.contains(hidden), "{hidden} has passed");
    }
}

#[test]
fn the_same_person_gets_the_same_pseudonym_inside_a_domain_only() {
    let streams = r#"
[stream.desk.people]
identity = { customer = { field = "email", strength = "strong" } }
subjects = ["customer"]
retention = ["customer"]
[stream.desk.people.fields]
email = "user.contact.email"
[stream.desk.orders]
identity = { customer = { field = "mail", strength = "strong" } }
subjects = ["customer"]
retention = ["customer"]
[stream.desk.orders.fields]
mail = "user.contact.email"
[pseudonym.one]
key = { file = "secrets/one.key" }
[pseudonym.two]
key = { env = "HUB_TEST_KEY" }
"#;
    let pseudonym = |field: &str, domain: &str| {
        format!("fields = {{ {field} = {{ action = \"pseudonymise\", domain = \"{domain}\", to = \"person\" }} }}")
    };
    let flows = flow("a", "desk.people", "archive.a", &pseudonym("email", "one"))
        + &flow("b", "desk.orders", "archive.b", &pseudonym("mail", "one"))
        + &flow("c", "desk.people", "archive.c", &pseudonym("email", "two"));
    let mut program = Program::with_manifest(&[HEAD, PURPOSE, ARCHIVE, DESK, streams, &flows].concat());
    program.set("HUB_TEST_KEY", "a key of the second domain");
    program.write("secrets/one.key", "a key of the first domain\n");
    program.write("in/people.ndjson", "{\"email\":\"a@x.example\"}\n{\"email\":\"b@x.example\"}\n{\"email\":\"a@x.example\"}\n");
    program.write("in/orders.ndjson", "{\"mail\":\"b@x.example\"}\n{\"mail\":\"\\u0061@x.example\"}\n");
    program.run(&["run"]).ends(0);
    let persons = |name: &str| program.records(name).iter().map(|record| record["person"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let (people, orders, other) = (persons("out/a.ndjson"), persons("out/b.ndjson"), persons("out/c.ndjson"));
    assert_eq!(people[0], people[2], "the same person, the same pseudonym");
    assert_ne!(people[0], people[1]);
    assert_eq!((&orders[0], &orders[1]), (&people[1], &people[0]), "also from another stream and in another spelling");
    assert_eq!(other[0], other[2]);
    let all: BTreeSet<&String> = people.iter().chain(&other).collect();
    assert_eq!(all.len(), 4, "another domain, other pseudonyms");
    let base32 = |token: &str| token.len() == 26 && token.bytes().all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte));
    assert!(all.iter().all(|token| base32(token)), "{all:?}");
    program.run(&["run"]).ends(0);
    assert_eq!(persons("out/a.ndjson"), people, "and in the next run");
}

#[test]
fn a_pseudonym_without_a_key_is_no_run() {
    let fields = "fields = { email = { action = \"pseudonymise\", domain = \"one\" } }";
    let program = Program::with_manifest(&(file_to_file(FIELDS, fields) + "[pseudonym.one]\nkey = { file = \"one.key\" }\n"));
    program.write("in/people.ndjson", "{\"email\":\"a@x.example\"}\n");
    program.run(&["check"]).ends(0);
    program.run(&["run"]).ends(1).says("HUB-E214");
    program.write("one.key", "too short\n");
    program.run(&["run"]).ends(1).says("HUB-E214");
    assert!(!program.has(OUT), "nothing is written without a key");
    program.write("one.key", "long enough for a key\n");
    program.run(&["run"]).ends(0);
}

#[test]
fn names_change_also_inside_objects() {
    let fields = "[flow.people-to-archive.fields]\nid = { action = \"allow\", to = \"key\" }\n\"address.city\" = { action = \"allow\", to = \"place.town\" }";
    let (_, arrived) = through(fields, "{\"id\":1,\"address\":{\"city\":\"Hannover\",\"postal_code\":\"30159\"}}\n");
    assert_eq!(arrived, [json!({ "key": 1, "place": { "town": "Hannover" } })]);
}

#[test]
fn lists_lose_what_nobody_declared_in_each_element() {
    let records =
        "{\"id\":1,\"lines\":[{\"product\":\"a\",\"secret\":\"s1\"},{\"secret\":\"s2\",\"product\":\"b\"},{}]}\n{\"id\":2,\"lines\":[]}\n";
    let program = Program::with_manifest(&file_to_file("schema = \"people.schema.json\"", "fields = [\"id\", \"lines\"]"));
    program.write("people.schema.json", list_schema().to_string());
    program.write("in/people.ndjson", records);
    let outcome = program.run(&["run"]).ends(0).says("HUB-E201").says("lines.secret").says("dropped 2 times");
    assert!(!outcome.printed().contains("s1"));
    let arrived = program.records(OUT);
    assert_eq!(arrived, [json!({ "id": 1, "lines": [{ "product": "a" }, { "product": "b" }, {}] }), json!({ "id": 2, "lines": [] })]);
}

/// A stream of numbered records with a list.
fn list_schema() -> Value {
    json!({ "type": "object", "properties": {
        "id": { "type": "integer", "x-hub-category": "user.unique_id" },
        "name": { "type": "string", "x-hub-category": "user.name" },
        "lines": { "type": "array", "items": { "type": "object", "properties": {
            "product": { "type": "string", "x-hub-category": "user.behavior.purchase_history" } } } } } })
}

#[test]
fn an_object_in_the_place_of_a_text_does_not_pass() {
    let hiding = [r#"{"id":1,"name":{"first":"hidden"}}"#, r#"{"id":1,"name":["hidden"]}"#, r#"{"id":1,"name":[{"first":"hidden"}]}"#];
    for record in hiding {
        // A schema says that the name is a text.
        let program = Program::with_manifest(&file_to_file("schema = \"people.schema.json\"", "fields = [\"id\", \"name\"]"));
        program.write("people.schema.json", list_schema().to_string());
        program.write("in/people.ndjson", record);
        let outcome = program.run(&["run"]).ends(1).says("HUB-E220").says("`name`");
        assert!(!outcome.printed().contains("hidden") && !program.has(OUT), "{record}: {}", outcome.printed());

        // Only a label says what the name is: what is inside of it was never declared.
        let program = Program::with_manifest(&file_to_file(FIELDS, "fields = [\"id\", \"name\"]"));
        program.write("in/people.ndjson", record);
        let outcome = program.run(&["run"]);
        assert!(outcome.code == Some(0) || outcome.stderr.contains("HUB-E220"), "{record}: {}", outcome.printed());
        let arrived = if program.has(OUT) { program.read(OUT) } else { String::new() };
        assert!(!outcome.printed().contains("hidden") && !arrived.contains("hidden"), "{record}: {arrived}");
    }
}

#[test]
fn duplicate_keys_do_not_hide_anything() {
    for hidden in [r#"{"id":1,"name":"shown","name":"hidden"}"#, r#"{"id":1,"name":"shown","na\u006de":"hidden"}"#] {
        let program = Program::with_manifest(&file_to_file(FIELDS, "fields = [\"id\", \"name\"]"));
        program.write("in/people.ndjson", hidden);
        let outcome = program.run(&["run"]).ends(1).says("HUB-E219");
        assert!(!outcome.printed().contains("hidden"), "{}", outcome.printed());
        assert!(!program.has(OUT), "{hidden}");
    }
}

#[test]
fn escaped_keys_are_the_keys_that_they_mean() {
    let program = Program::with_manifest(&file_to_file(FIELDS, "fields = [\"id\", \"name\"]"));
    program.write(
        "in/people.ndjson",
        "{\"\\u0069d\":1,\"n\\u0061me\":\"Erika\",\"\\u006coyalty\":\"gold\",\"\\u0065mail\":\"e@x.example\"}\n",
    );
    program.run(&["run"]).ends(0).says("loyalty");
    assert_eq!(program.records(OUT), [json!({ "id": 1, "name": "Erika" })]);
    assert!(!program.run(&["status"]).ends(0).stdout.contains("gold"));
}

#[test]
fn what_contradicts_the_schema_stops_or_is_left_out() {
    let records = "{\"id\":1}\n{\"id\":\"two\"}\n{\"id\":3}\n[1]\n\n{\"id\":4}\n";
    let manifest = file_to_file("schema = \"people.schema.json\"", "fields = [\"id\"]");
    let program = Program::with_manifest(&manifest);
    program.write("people.schema.json", list_schema().to_string());
    program.write("in/people.ndjson", records);
    let outcome = program.run(&["run"]).ends(1).says("HUB-E220").says("record 2");
    assert!(!outcome.printed().contains("\"two\""));
    assert!(!program.has(OUT), "a run that stops replaces nothing");
    program.write("manifest.toml", manifest.replace("fields = [\"id\"]", "fields = [\"id\"]\non_invalid = \"skip\""));
    program.run(&["run"]).ends(0).says("left out 2");
    assert_eq!(program.records(OUT), [json!({ "id": 1 }), json!({ "id": 3 }), json!({ "id": 4 })]);
    let codes: BTreeSet<String> = program
        .audit()
        .iter()
        .filter(|entry| entry["kind"] == "flow.denied")
        .map(|entry| entry["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(codes, ["HUB-E219", "HUB-E220"].map(str::to_owned).into());
}

#[test]
fn an_undeclared_field_can_stop_the_run() {
    let program = Program::with_manifest(&file_to_file(FIELDS, "fields = [\"id\"]\non_undeclared = \"stop\""));
    program.write("in/people.ndjson", "{\"id\":1}\n{\"id\":2,\"loyalty\":\"gold\"}\n");
    let outcome = program.run(&["run"]).ends(3).says("HUB-E201").says("`loyalty`").says("record 2");
    assert!(!outcome.printed().contains("gold"));
    assert!(!program.has(OUT));
}

#[test]
fn numbers_and_texts_arrive_as_they_were_written() {
    let record = r#"{"id":12345678901234567890.10,"name":"\u00fc\ud83d\ude00 \"\\ ü😀","email":"a\u0000b"}"#;
    let program = Program::with_manifest(&file_to_file(FIELDS, "fields = [\"id\", \"name\", \"email\"]"));
    program.write("in/people.ndjson", format!("\u{feff}{record}\r\n"));
    program.run(&["run"]).ends(0);
    assert_eq!(program.read(OUT).trim_end(), record);
}

#[test]
fn csv_and_gzip_there_and_back() {
    let stream = "[stream.desk.people.fields]\nid = \"user.unique_id\"\nname = \"user.name\"";
    let packed = ARCHIVE
        .replace("folder = \"out\"", "folder = \"out\", compression = \"gzip\"")
        .replace("archive", "packed")
        .replace("path = \"out\"", "path = \"packed\"");
    let unpack = DESK
        .replace("desk", "back")
        .replace("{ folder = \"in\"", "{ folder = \"in\", compression = \"gzip\"")
        .replace("path = \"in\"", "path = \"packed\"");
    let back = "\n[stream.back.people]\nidentity = { customer = { field = \"id\", strength = \"strong\" } }\nsubjects = [\"customer\"]\nretention = [\"customer\"]\n[stream.back.people.fields]\nid = \"user.unique_id\"\nname = \"user.name\"\n";
    let manifest = file_to_file(stream, "fields = [\"id\", \"name\"]\nmode = \"append\"")
        .replace("config = { folder = \"in\" }", "config = { folder = \"in\", format = \"csv\", delimiter = \";\" }")
        .replace("config = { folder = \"out\" }", "config = { folder = \"out\", format = \"csv\" }")
        + &packed
        + &unpack
        + back
        + &flow("pack", "desk.people", "packed.people", "fields = [\"id\", \"name\"]")
        + &flow("unpack", "back.people", "archive.back", "fields = [\"id\", \"name\"]");
    let program = Program::with_manifest(&manifest);
    program.write("in/people.csv", "id;name;loyalty\n1;\"Erika; Muster\";gold\n2;=1+1;\n");
    program.run(&["run"]).ends(0).says("loyalty");
    assert_eq!(program.read("out/people.csv"), "id,name\n1,Erika; Muster\n2,'=1+1\n");
    assert_eq!(program.read("out/back.csv"), "id,name\n1,Erika; Muster\n2,'=1+1\n");
    let packed = std::fs::read(program.path("packed/people.ndjson.gz")).unwrap();
    assert_eq!(&packed[..2], [0x1f, 0x8b]);
    program.write("in/people.csv", "id;name;loyalty\n3;Otto;\n");
    program.run(&["run", "--flow", "people-to-archive"]).ends(0);
    assert_eq!(program.read("out/people.csv"), "id,name\n1,Erika; Muster\n2,'=1+1\n3,Otto\n", "the first line stands there once");
}
