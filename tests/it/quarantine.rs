//! Records that a rule holds back: nothing of them arrives, nothing of them is shown, two people release one, and after their time they are gone.

use crate::support::program::Program;
use crate::support::story::file_to_file;

const STREAM: &str = "primary_key = [\"id\"]\nfields = { id = \"user.unique_id\", name = \"user.name\", note = \"user.content.private\" }";
const FLOW: &str = "fields = [\"id\", \"name\", \"note\"]\nmode = \"append\"";

/// An address where a name should stand, and an account number in a note.
const PLANTED: [&str; 2] = ["planted.person@secret.example", "DE02120300000000202051"];

fn people() -> String {
    let mut lines: String = (0..300).map(|id| format!("{{\"id\":\"{id}\",\"name\":\"Ada\",\"note\":\"nothing\"}}\n")).collect();
    lines.push_str(&format!("{{\"id\":\"x1\",\"name\":\"{}\",\"note\":\"a\"}}\n", PLANTED[0]));
    lines.push_str(&format!("{{\"id\":\"x2\",\"name\":\"Bob\",\"note\":\"pay to {}\"}}\n", PLANTED[1]));
    lines
}

fn program() -> Program {
    let program = Program::with_manifest(&file_to_file(STREAM, FLOW));
    program.write("in/people.ndjson", people());
    program
}

/// The ids of held records, by the field that held them.
fn held(program: &Program, field: &str) -> String {
    let listed = program.run(&["quarantine", "list", "-o", "json"]).ends(0).json();
    let records = listed["records"].as_array().unwrap();
    records.iter().find(|record| record["field"] == field).unwrap()["id"].as_str().unwrap().to_owned()
}

/// Every file below a folder as one text.
fn everything(folder: &std::path::Path, out: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            everything(&path, out);
        } else {
            out.extend(std::fs::read(path).unwrap());
        }
    }
}

#[test]
fn what_looks_like_an_identifier_waits_and_is_shown_nowhere() {
    let program = program();
    let run = program.run(&["run", "-vv"]).ends(0).says("2 records wait in the quarantine");
    assert_eq!(program.records("out/people.ndjson").len(), 300);
    let id = held(&program, "note");
    let shown =
        program.run(&["quarantine", "show", &id[..8]]).ends(0).prints("shape     {id:text(2),name:text(3),note:text(29)}").prints("iban");
    let list = program.run(&["quarantine", "list"]).ends(0).prints("HUB-E202").prints("2 waiting");
    let mut files = Vec::new();
    everything(&program.path("hub-data"), &mut files);
    files.extend([run.stdout, run.stderr, shown.stdout, list.stdout].concat().into_bytes());
    for planted in PLANTED {
        let found = files.windows(planted.len()).any(|part| part == planted.as_bytes());
        assert!(!found, "{planted} is in the clear");
    }
    let denied: Vec<_> = program.audit().into_iter().filter(|entry| entry["kind"] == "flow.denied").collect();
    assert_eq!(denied.len(), 1, "{denied:?}");
    assert_eq!(denied[0]["counts"], serde_json::json!({"name email": 1, "note iban": 1}));
    // The same records again: they wait already.
    program.write("in/people.ndjson", people());
    program.run(&["run"]).ends(0);
    program.run(&["quarantine", "list"]).ends(0).prints("2 waiting");
}

#[test]
fn two_people_in_two_roles_release_a_record() {
    let program = program();
    program.run(&["run"]).ends(0);
    let before = program.records("out/people.ndjson").len();
    let id = held(&program, "name");
    for key in ["a.key", "b.key"] {
        program.run(&["approve", "--new-key", key]).ends(0);
    }
    let release = |role: &str, key: &str| program.run(&["quarantine", "release", &id, "--role", role, "--key", key]);
    release("dpo", "a.key").ends(0).prints("1 of 2: another person in another role has to agree");
    // One person in two roles is one person, and one role is one role.
    release("role:sales", "a.key").ends(0).prints("1 of 2");
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/people.ndjson").len(), before, "nothing goes out with one person's word");
    release("role:sales", "b.key").ends(0).prints("2 of 2: it goes out in the next run");
    program.run(&["run"]).ends(0);
    let records = program.records("out/people.ndjson");
    assert_eq!(records.len(), before + 1);
    assert_eq!(records.last().unwrap()["name"], PLANTED[0]);
    program.run(&["quarantine", "list"]).ends(0).prints("1 waiting");
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/people.ndjson").len(), before + 1, "it goes out once");
    let kinds: Vec<_> = program.audit().iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect();
    for (kind, count) in [("quarantine.approved", 3), ("quarantine.released", 1)] {
        assert_eq!(kinds.iter().filter(|known| *known == kind).count(), count, "{kind}");
    }
    program.run(&["audit", "verify"]).ends(0);
}

#[test]
fn released_records_that_the_flow_meets_again_are_not_denied_again() {
    let program = Program::with_manifest(&file_to_file(STREAM, &FLOW.replace("append", "replace")));
    program.write("in/people.ndjson", people());
    program.run(&["run"]).ends(0).says("2 records wait in the quarantine");
    for key in ["a.key", "b.key"] {
        program.run(&["approve", "--new-key", key]).ends(0);
    }
    for field in ["name", "note"] {
        let id = held(&program, field);
        for (role, key) in [("dpo", "a.key"), ("role:sales", "b.key")] {
            program.run(&["quarantine", "release", &id, "--role", role, "--key", key]).ends(0);
        }
    }
    let denied = || program.audit().iter().filter(|entry| entry["kind"] == "flow.denied").count();
    let before = denied();
    let run = program.run(&["run"]).ends(0);
    assert!(!run.stderr.contains("in the quarantine"), "{}", run.stderr);
    assert_eq!((program.records("out/people.ndjson").len(), denied()), (302, before));
}

#[test]
fn a_record_can_be_dropped_and_then_its_day_has_no_key() {
    let program = program();
    program.run(&["run"]).ends(0);
    let keys = || std::fs::read_dir(program.path("hub-data/quarantine")).unwrap().count();
    assert_eq!(keys(), 2, "one for ids, one for today");
    let id = held(&program, "name");
    program.run(&["quarantine", "drop", &id]).ends(0).prints("1 erased");
    program.run(&["quarantine", "drop", &id]).ends(2).says("no held record has the id");
    program.run(&["quarantine", "drop", "--flow", "people-to-archive"]).ends(0).prints("1 erased");
    program.run(&["quarantine", "list"]).ends(0).prints("nothing waits");
    program.run(&["quarantine", "show", ""]).ends(2);
}

#[test]
fn a_key_of_the_quarantine_can_be_wrapped_by_a_master_key() {
    let mut program = program();
    program.set("HUB_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    program.run(&["run"]).ends(0);
    let id = held(&program, "name");
    for key in ["a.key", "b.key"] {
        program.run(&["approve", "--new-key", key]).ends(0);
    }
    program.run(&["quarantine", "release", &id, "--role", "dpo", "--key", "a.key"]).ends(0);
    program.run(&["quarantine", "release", &id, "--role", "role:sales", "--key", "b.key"]).ends(0);
    program.set("HUB_MASTER_KEY", "BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    program.run(&["run"]).ends(1).says("HUB-E312").says("HUB_MASTER_KEY");
    program.set("HUB_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    program.run(&["run"]).ends(0);
    program.run(&["quarantine", "list"]).ends(0).prints("1 waiting");
}

#[test]
fn a_trial_counts_and_keeps_nothing() {
    let program = program();
    program.run(&["run", "--dry-run"]).ends(0).says("2 records would wait in the quarantine");
    assert!(!program.path("hub-data/quarantine").exists());
}

#[test]
fn a_wrong_label_is_no_exception() {
    let stream = STREAM
        .replace("name = \"user.name\"", "name = \"user.content.private\"")
        .replace("note = \"user.content.private\"", "note = \"user.name\"");
    let program = Program::with_manifest(&file_to_file(&stream, FLOW));
    let lines: String = (0..300).map(|id| format!("{{\"id\":\"{id}\",\"name\":\"Ada\",\"note\":\"a{id}@x.example\"}}\n")).collect();
    program.write("in/people.ndjson", lines);
    program.run(&["run"]).ends(3).says("HUB-E202").says("more than one record in a hundred is held back");
    assert!(!program.has("out/people.ndjson") || program.records("out/people.ndjson").is_empty());
    // Somebody says that it is right so.
    let permitted = format!("{stream}\nmay_hold = {{ note = [\"email\"] }}");
    program.write("manifest.toml", file_to_file(&permitted, FLOW));
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/people.ndjson").len(), 300);
}

#[test]
fn undeclared_fields_can_make_a_record_wait() {
    let rest = format!("{FLOW}\non_undeclared = \"hold\"");
    let program = Program::with_manifest(&file_to_file(STREAM, &rest));
    program.write("in/people.ndjson", "{\"id\":\"1\",\"name\":\"Ada\"}\n{\"id\":\"2\",\"name\":\"Bob\",\"salary\":5}\n");
    program.run(&["run"]).ends(0).says("1 records wait");
    assert_eq!(program.records("out/people.ndjson").len(), 1);
    program.run(&["quarantine", "list"]).ends(0).prints("HUB-E201").prints("salary").prints("undeclared");
}

#[test]
fn a_secret_of_hub_in_a_record_ends_the_run() {
    let manifest = file_to_file(STREAM, FLOW).replace(
        "folders = { in = { path = \"in\", access = \"read\" } }",
        "folders = { in = { path = \"in\", access = \"read\" } }\nhosts = [\"http://127.0.0.1:9\"]\ncredentials = { api = { scheme = \"bearer\", value = { env = \"API_TOKEN\" } } }",
    );
    let mut program = Program::with_manifest(&manifest);
    program.set("API_TOKEN", "planted/\"token");
    program.write("in/people.ndjson", "{\"id\":\"1\",\"name\":\"Ada\",\"note\":\"use planted/\\\"token\"}\n");
    let run = program.run(&["run"]).ends(3).says("HUB-E404");
    assert!(!run.stderr.contains("planted"), "{}", run.stderr);
    assert!(!program.has("out/people.ndjson") || program.records("out/people.ndjson").is_empty());
}

#[test]
fn far_more_than_usual_pauses_a_flow_until_somebody_looked() {
    let program = Program::with_manifest(&file_to_file(STREAM, FLOW));
    let lines = |count: usize, run: usize| -> String {
        (0..count).map(|id| format!("{{\"id\":\"{run}-{id}\",\"name\":\"Ada\",\"note\":\"n\"}}\n")).collect()
    };
    for run in 0..5 {
        program.write("in/people.ndjson", lines(20 + run, run));
        program.run(&["run"]).ends(0);
    }
    let before = program.records("out/people.ndjson").len();
    program.write("in/people.ndjson", lines(1001, 9));
    program.run(&["run"]).ends(3).says("HUB-E213").says("is paused");
    program.write("in/people.ndjson", lines(20, 10));
    program.run(&["run"]).ends(3).says("HUB-E213").says("is paused since run");
    assert_eq!(program.records("out/people.ndjson").len(), before);
    program.run(&["resume", "nobody"]).ends(2).says("is not declared");
    program.run(&["resume", "people-to-archive"]).ends(0).prints("goes on with its next run");
    program.run(&["resume", "people-to-archive"]).ends(0).prints("is not paused");
    program.write("in/people.ndjson", lines(1001, 9));
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/people.ndjson").len(), before + 1001);
    let kinds: Vec<_> = program.audit().iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect();
    assert!(kinds.iter().any(|kind| kind == "flow.paused") && kinds.iter().any(|kind| kind == "flow.resumed"), "{kinds:?}");
}

#[test]
fn a_cursor_that_is_personal_is_not_kept() {
    let stream = format!("{STREAM}\ncursor = \"name\"");
    let program = Program::with_manifest(&file_to_file(&stream, FLOW));
    program.write("in/people.ndjson", people());
    program.run(&["run"]).ends(3).says("HUB-E217").says("cursor = \"updated_at\"");
}

/// The bytes of everything in the data folder.
fn stored(program: &Program) -> Vec<u8> {
    let mut files = Vec::new();
    everything(&program.path("hub-data"), &mut files);
    files
}

#[test]
fn with_a_master_key_it_is_kept_encrypted_and_a_new_key_makes_the_old_state_unreadable() {
    let stream = format!("{STREAM}\ncursor = \"name\"");
    let mut program = Program::with_manifest(&file_to_file(&stream, FLOW));
    program.write("in/people.ndjson", "{\"id\":\"1\",\"name\":\"Erika-Planted\",\"note\":\"a\"}\n");
    let key = program.write("master.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    program.set("HUB_MASTER_KEY_FILE", key.to_string_lossy());
    program.run(&["run"]).ends(0);
    let planted = |program: &Program| stored(program).windows(13).any(|part| part == b"Erika-Planted");
    assert!(!planted(&program), "the cursor is in the clear");
    let state = program.read("hub-data/keys/state-1.key");
    assert!(state.starts_with("wrapped:"), "{state}");
    program.run(&["key", "status"]).ends(0).prints("state-1");

    // Another master key takes over.
    let next = program.write("next.key", "BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    program.set("HUB_MASTER_KEY_FILE", next.to_string_lossy());
    program.run(&["run"]).ends(1).says("HUB-E312").says("hub key rotate");
    program.set("HUB_OLD_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    program.run(&["key", "rotate"]).ends(0).prints("2 values of the state are encrypted under a new key");
    program.set("HUB_OLD_MASTER_KEY", "");
    assert!(!program.has("hub-data/keys/state-1.key"));
    program.run(&["key", "status", "-o", "json"]).ends(0).prints("\"state-2\"");
    let before = program.records("out/people.ndjson").len();
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/people.ndjson").len(), before, "the state was kept: nothing is read twice");
    let kinds: Vec<_> = program.audit().iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect();
    assert!(kinds.iter().any(|kind| kind == "key.rotated") && kinds.iter().any(|kind| kind == "key.wrapped"), "{kinds:?}");
    program.run(&["audit", "verify"]).ends(0);
    assert!(!planted(&program));

    std::fs::remove_dir_all(program.path("hub-data/keys")).unwrap();
    program.run(&["run"]).ends(1).says("state-2.key").says("is gone");
    assert!(!program.has("hub-data/keys"), "nothing is overwritten");
}

#[test]
fn hints_at_health_are_told_and_pass() {
    let program = Program::with_manifest(&file_to_file(STREAM, FLOW));
    program.write("in/people.ndjson", "{\"id\":\"1\",\"name\":\"Ada\",\"note\":\"Krankmeldung liegt vor\"}\n");
    let run = program.run(&["run"]).ends(0).says("HUB-E203 people-to-archive note health: seems to hold a special category, 1 times");
    assert!(!run.stderr.contains("Krankmeldung"));
    assert_eq!(program.records("out/people.ndjson").len(), 1);
    assert!(program.audit().iter().any(|entry| entry["code"] == "HUB-E203" && entry["counts"]["note health"] == 1));
}
