//! What an operator is told about a manifest that is wrong: everything in one go, with places and a remedy. Compared as whole texts.

use crate::support::golden::golden;
use crate::support::program::Program;
use crate::support::story::{ARCHIVE, DESK, HEAD, PURPOSE, crm, flow, sample_to_file};

/// Checks a manifest, compares what is printed, and holds that checking leaves nothing behind.
fn told(name: &str, code: i32, manifest: &str) {
    let program = Program::with_manifest(manifest);
    let outcome = program.run(&["check"]).ends(code);
    golden(&format!("check-{name}"), &outcome.stderr, program.folder());
    assert_eq!(outcome.stdout, "");
    let left: Vec<_> = std::fs::read_dir(program.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["manifest.toml"], "checking leaves nothing behind");
}

#[test]
fn a_right_manifest_is_praised_on_standard_output() {
    let program = Program::with_manifest(&sample_to_file(10, ""));
    let outcome = program.run(&["check"]).ends(0);
    golden("check-right", &outcome.stdout, program.folder());
    assert_eq!(outcome.stderr, "");
}

#[test]
fn text_that_is_no_toml() {
    told("no-toml", 2, "manifest = 1\n[system.crm\nconnector = \"builtin:sample\"\n[flow.x]\nfrom = crm.contacts\n");
}

#[test]
fn unknown_keys_are_all_told_with_the_nearest_one() {
    let system = crm(10).replace("connector", "conector").replace("config", "confg");
    let flow = flow("a", "crm.contacts", "archive.contacts", "fields = [\"id\"]\nmod = \"append\"");
    told("unknown-keys", 2, &[HEAD, PURPOSE, ARCHIVE, &system, &flow, "\n[flows.b]\nfrom = \"crm.contacts\"\n"].concat());
}

#[test]
fn wrong_values() {
    let system = crm(10) + "status = \"aproved\"\nlimits = { seconds = 0, memory_mib = \"much\" }\nhosts = [\"api.example.org\"]\n";
    let flow = flow("a", "crm", "archive.contacts", "fields = []\nmode = \"overwrite\"\nschedule = \"61 3 * * * Europe/Berln\"");
    told("wrong-values", 2, &[HEAD, PURPOSE, ARCHIVE, &system, &flow].concat());
}

#[test]
fn missing_keys() {
    let text = "manifest = 1\n[system.crm]\n[purpose.care]\nuse = \"essential.service\"\n[retention.customer]\n[flow.a]\nfrom = \"crm.contacts\"\n";
    told("missing-keys", 2, text);
}

#[test]
fn names_that_nobody_declared() {
    let wrong = flow("a", "crn.contacts", "archiv.contacts", "fields = [\"id\"]")
        .replace("\"care\"", "\"caer\"")
        .replace("[\"customer\"]", "[\"custommer\"]");
    let purpose = PURPOSE.replace("essential.service\"", "essential.servce\"").replace("[\"user\"]", "[\"user.contact.emial\"]");
    told("unknown-names", 3, &[HEAD, &purpose, ARCHIVE, &crm(10), &wrong].concat());
}

#[test]
fn streams_and_fields_that_the_connector_does_not_have() {
    let flows = flow("a", "crm.contact", "archive.contacts", "fields = [\"id\"]")
        + &flow("b", "crm.contacts", "archive.b", "fields = [\"id\", \"emial\", \"shoe_size\", \"address.zip\"]");
    told("unknown-fields", 3, &[HEAD, PURPOSE, ARCHIVE, &crm(10), &flows].concat());
}

#[test]
fn categories_that_the_purpose_does_not_need() {
    let purpose = PURPOSE.replace("[\"user\"]", "[\"user.contact.email\", \"user.unique_id\"]");
    let flow = flow("a", "crm.contacts", "archive.contacts", "fields = [\"id\", \"email\", \"iban\", \"address\"]");
    told("not-needed", 3, &[HEAD, &purpose, ARCHIVE, &crm(10), &flow].concat());
}

#[test]
fn a_hash_of_what_can_be_guessed() {
    let rest = "[flow.a.fields]\nid = \"allow\"\nphone = \"hash\"\niban = { action = \"pseudonymise\", domain = \"analytcs\" }";
    let flow = flow("a", "crm.contacts", "archive.contacts", rest);
    told("guessable", 3, &[HEAD, PURPOSE, ARCHIVE, &crm(10), "\n[pseudonym.analytics]\nkey = { file = \"key\" }\n", &flow].concat());
}

#[test]
fn a_stream_without_subjects_and_a_recipient_without_retention() {
    let stream = "\n[stream.desk.people]\n[stream.desk.people.fields]\nid = \"user.unique_id\"\nemail = \"user.contact.email\"\nodd = \"user.odd\"\n";
    let flow =
        flow("a", "desk.people", "archive.people", "fields = [\"id\", \"email\", \"odd\"]").replace("retention = [\"customer\"]\n", "");
    told("no-subject-no-retention", 3, &[HEAD, PURPOSE, ARCHIVE, DESK, stream, &flow].concat());
}

#[test]
fn systems_that_are_not_approved_and_labels_that_understate() {
    let system = crm(10) + "status = \"requested\"\n";
    let stream = "\n[stream.archive.contacts]\nretention = [\"customer\"]\n[stream.archive.contacts.fields]\nid = \"user.unique_id\"\nmail = \"user.contact.email\"\niban = \"user.name\"\n";
    let flow = flow("a", "crm.contacts", "archive.contacts", "fields = [\"id\", \"email\", \"iban\"]");
    told("not-approved", 3, &[HEAD, PURPOSE, ARCHIVE, &system, stream, &flow].concat());
}

#[test]
fn plain_http_and_connectors_that_are_not_there() {
    let systems = "\n[system.a]\nconnector = \"builtin:sampel\"\n[system.b]\nconnector = \"nowhere.wasm\"\n";
    let flow = flow("a", "a.contacts", "archive.contacts", "fields = [\"id\"]");
    told("no-connector", 2, &[HEAD, PURPOSE, ARCHIVE, systems, &flow].concat());
    told("no-component", 2, &[HEAD, PURPOSE, ARCHIVE, &systems.replace("nowhere.wasm", "manifest.toml"), &flow].concat());
    let http = crm(10) + "hosts = [\"http://api.example.org\"]\n";
    let flow = crate::support::story::flow("a", "crm.contacts", "archive.contacts", "fields = [\"id\"]");
    told("plain-http", 3, &[HEAD, PURPOSE, ARCHIVE, &http, &flow].concat());
}

#[test]
fn a_configuration_that_the_connector_refuses_does_not_show_the_value() {
    let system = "\n[system.crm]\nconnector = \"builtin:sample\"\nconfig = { records = \"PLANTED-many\", colour = \"red\" }\n";
    let flow = flow("a", "crm.contacts", "archive.contacts", "fields = [\"id\"]");
    told("configuration", 2, &[HEAD, PURPOSE, ARCHIVE, system, &flow].concat());
}

#[test]
fn a_secret_in_the_manifest_is_refused_and_not_repeated() {
    let system = crm(10) + "credentials = { token = { scheme = \"bearer\", value = \"PLANTED-secret-in-the-manifest\" } }\n";
    let flow = flow("a", "crm.contacts", "archive.contacts", "fields = [\"id\"]");
    let program = Program::with_manifest(&[HEAD, PURPOSE, ARCHIVE, &system, &flow].concat());
    for arguments in [&["check"][..], &["check", "--output", "json"], &["run", "-vv"]] {
        let outcome = program.run(arguments).ends(2);
        assert!(!outcome.printed().contains("PLANTED-secret"), "{}", outcome.printed());
        assert!(outcome.printed().contains("HUB-E"), "{}", outcome.printed());
    }
}

#[test]
fn included_files_keep_their_places() {
    let first = HEAD.replace("manifest = 1", "manifest = 1\ninclude = [\"flows/*.toml\", \"systems.toml\"]");
    let program = Program::with_manifest(&(first + PURPOSE + ARCHIVE));
    program.write("systems.toml", crm(10));
    program.write("flows/a.toml", flow("a", "crm.contacts", "archive.contacts", "fields = [\"id\", \"shoe_size\"]"));
    program.write("flows/b.toml", flow("b", "crm.contacts", "partner.contacts", "fields = [\"id\"]"));
    let outcome = program.run(&["check"]).ends(3);
    golden("check-included", &outcome.stderr, program.folder());
    let document = program.run(&["check", "--output", "json"]).ends(3).json();
    let places: Vec<(String, u64)> = document["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| &problem["places"][0])
        .map(|place| (place["file"].as_str().unwrap().to_owned(), place["line"].as_u64().unwrap()))
        .collect();
    assert_eq!(places.len(), 2, "{places:?}");
    for ((file, line), (wanted, at)) in places.iter().zip([("flows/a.toml", 7), ("flows/b.toml", 4)]) {
        assert!(file.ends_with(wanted), "{places:?}");
        assert_eq!(*line, at, "{places:?}");
    }
    program.write("flows/b.toml", flow("a", "crm.contacts", "archive.contacts", "fields = [\"id\"]"));
    let outcome = program.run(&["check"]).ends(2);
    golden("check-included-twice", &outcome.stderr, program.folder());
}

#[test]
fn no_manifest_is_a_wrong_call() {
    let program = Program::new();
    for arguments in [&["check"][..], &["run"], &["status"], &["check", "other/manifest.toml"]] {
        program.run(arguments).ends(2).says("HUB-E001").says("hub init");
    }
    program.write("manifest.toml", b"manifest = 1\n\xff\xfe\n");
    program.run(&["check"]).ends(2).says("UTF-8");
    program.write("manifest.toml", "");
    program.run(&["check"]).ends(2);
    program.write("manifest.toml", HEAD);
    program.run(&["run"]).ends(2).says("declares no flow");
}
