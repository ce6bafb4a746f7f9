//! What keeps hub running for years: looking at state, making a flow begin anew, backups that are proven, and a doctor.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::program::Program;
use crate::support::story::sample_to_file;

fn program() -> Program {
    let program = Program::with_manifest(&sample_to_file(1000, "mode = \"append\""));
    program.run(&["run"]).ends(0);
    program
}

const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

#[test]
fn state_goes_to_another_store_readable_by_its_owner_or_by_a_recipient_only() {
    let program = program();
    program.run(&["state", "export", "plain.json"]).ends(0).prints("1 flows").prints("names or addresses");
    assert_eq!(fs::metadata(program.path("plain.json")).unwrap().permissions().mode() & 0o777, 0o600);
    program.run(&["state", "export", "plain.json"]).ends(2).says("plain.json");
    program.run(&["state", "export", "sealed.age", "--to", "age1nobody"]).ends(2).says("no age recipient");
    program.run(&["state", "export", "sealed.age", "--to", RECIPIENT]).ends(0);
    assert!(!String::from_utf8_lossy(&fs::read(program.path("sealed.age")).unwrap()).contains("hub_state"));
    program.run(&["state", "import", "plain.json"]).ends(2).says("--replace");

    let mut other = self::program_without_run();
    for file in ["plain.json", "sealed.age"] {
        fs::copy(program.path(file), other.path(file)).unwrap();
    }
    other.run(&["state", "import", "sealed.age"]).ends(2).says("HUB_AGE_IDENTITY");
    other.set("HUB_AGE_IDENTITY", IDENTITY);
    other.run(&["state", "import", "sealed.age"]).ends(0).prints("1 flows go on");
    other.run(&["run"]).ends(0).says(" 0 records written");
    assert!(other.audit().iter().any(|entry| entry["kind"] == "state.imported" && entry["flow"] == "contacts-to-archive"));
    for bad in ["{}", "", "{\"hub_state\":2,\"flows\":{}}", "{\"hub_state\":1,\"flows\":{\"contacts-to-archive\":\"e30=\"}}"] {
        other.write("bad.json", bad);
        other.run(&["state", "import", "bad.json", "--replace"]).ends(2).says("cannot be taken over");
    }
}

fn program_without_run() -> Program {
    Program::with_manifest(&sample_to_file(1000, "mode = \"append\""))
}

#[test]
fn state_is_shown_without_cursors_and_a_flow_can_begin_anew() {
    let program = program();
    program.run(&["state", "show"]).ends(0).prints("contacts-to-archive  goes on from a checkpoint").prints("1 runs");
    let shown = program.run(&["state", "show", "-o", "json"]).ends(0).json();
    assert!(shown["flows"][0]["cursor_bytes"].as_u64().unwrap() > 0 && shown["bytes_on_disk"].as_u64().unwrap() > 0, "{shown}");
    program.run(&["run"]).ends(0).says(" 0 records written");
    program.run(&["state", "reset", "contacts-to-archive"]).ends(2).says("--yes contacts-to-archive");
    program.run(&["state", "reset", "nothing", "--yes", "nothing"]).ends(2).says("nothing is stored");
    program.run(&["state", "reset", "contacts-to-archive", "--yes", "contacts-to-archive"]).ends(0).prints("begins anew");
    program.run(&["state", "show"]).ends(0).prints("no flow has come anywhere yet");
    program.run(&["run"]).ends(0).says("1000 records written");
    assert!(program.audit().iter().any(|entry| entry["kind"] == "state.reset" && entry["flow"] == "contacts-to-archive"));
}

#[test]
fn a_store_is_written_anew_and_flows_go_on() {
    let program = program();
    let done = program.run(&["state", "compact", "-o", "json"]).ends(0).json();
    assert!(done["bytes_after"].as_u64() > Some(0) && done["audit_entries"].as_u64() > Some(0), "{done}");
    program.run(&["state", "compact"]).ends(0).prints("KiB before").prints("proven whole");
    program.run(&["run"]).ends(0).says(" 0 records written");
    program.run(&["audit", "verify"]).ends(0);
    program_without_run().run(&["state", "compact"]).ends(2);
}

#[test]
fn a_backup_is_proven_and_taken_back_and_what_was_there_is_kept() {
    let program = program();
    program.run(&["backup", "safe"]).ends(0).prints("proven whole").prints("without keys");
    assert!(!program.has("safe/keys") && !program.has("safe/audit.key"));
    program.run(&["backup", "safe"]).ends(2).says("is there already");
    program.run(&["state", "reset", "contacts-to-archive", "--yes", "contacts-to-archive"]).ends(0);
    program.run(&["restore", "safe"]).ends(2).says("--replace");
    program.run(&["restore", "safe", "--replace"]).ends(0).prints("are back").prints("store.before-");
    program.run(&["run"]).ends(0).says(" 0 records written");
    program.run(&["audit", "verify"]).ends(0);
    assert!(program.audit().iter().any(|entry| entry["kind"] == "state.restored"));

    // Without its keys a backup gives nobody the state; with them it comes back whole.
    let elsewhere = Program::with_manifest(&program.read("manifest.toml"));
    elsewhere.shell(&format!("cp -r '{}' .", program.path("safe").display())).ends(0);
    elsewhere.run(&["restore", "safe"]).ends(1).says("HUB-E312").says("state-1.key");
    program.run(&["backup", "whole", "--with-keys"]).ends(0).prints("as secret as them");
    let other = Program::with_manifest(&program.read("manifest.toml"));
    other.shell(&format!("cp -r '{}' .", program.path("whole").display())).ends(0);
    other.run(&["restore", "whole"]).ends(0);
    other.run(&["state", "show"]).ends(0).prints("goes on from a checkpoint");
}

/// Put back with its own anchor, an older store contradicts nothing but the head that was signed after it.
#[test]
fn an_older_store_in_its_place_is_refused_and_a_backup_is_still_taken_back() {
    let program = program();
    program.run(&["backup", "safe"]).ends(0);
    program.shell("cp -r hub-data/store older").ends(0);
    program.run(&["run"]).ends(0);
    program.shell("rm -r hub-data/store && cp -r older hub-data/store").ends(0);
    for verb in [&["run"][..], &["state", "show"], &["audit", "anchor"], &["key", "rotate"]] {
        program.run(verb).ends(4).says("HUB-E502").says("an older state was put in its place");
    }
    program.run(&["audit", "verify"]).ends(4);
    program.run(&["restore", "safe", "--replace"]).ends(0);
    program.run(&["run"]).ends(0);
    // The same where the store is gone and only its signed head is left.
    program.shell("rm -r hub-data/store").ends(0);
    program.run(&["restore", "safe"]).ends(0);
    program.run(&["run"]).ends(0);
}

#[test]
fn a_backup_that_was_changed_is_not_taken_back() {
    let program = program();
    program.run(&["backup", "safe"]).ends(0);
    let path = program.path("safe/store/db");
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.windows(9).position(|part| part == b"flow.inte").unwrap();
    bytes[place] ^= 1;
    fs::write(&path, bytes).unwrap();
    program.run(&["restore", "safe", "--replace"]).ends(4);
    program.run(&["run"]).ends(0).says(" 0 records written");
}

#[test]
fn a_store_is_backed_up_while_it_is_used() {
    let program = Program::with_manifest(&sample_to_file(2_000_000_000, "mode = \"append\""));
    let mut running = program.start(&["run"]);
    running.until("writes", |_| program.has("out/contacts.ndjson"));
    program.run(&["backup", "safe"]).ends(0).prints("proven whole");
    running.kill();
    program.run(&["audit", "verify"]).ends(0);
}

#[test]
fn the_doctor_says_what_is_wrong() {
    let program = program();
    program.run(&["doctor"]).ends(0).prints("✓ audit").prints("! master key").prints("✓ signature");
    let key = program.path("hub-data/audit.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    program.run(&["doctor"]).ends(1).prints("✗ data").prints("chmod 600");
    let looks = program.run(&["doctor", "-o", "json"]).ends(1).json();
    assert!(looks["looks"].as_array().unwrap().iter().any(|look| look["state"] == "bad"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(program.path("manifest.toml")).unwrap();
    program.run(&["doctor", "--data", "hub-data"]).ends(1).prints("✗ manifest");
}
