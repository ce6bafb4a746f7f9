//! What an outsider can check without trusting hub: exports, proofs and signed heads, by hub's own verifier and by another one that shares no code with it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::examples::{follow, with_examples};
use crate::support::program::{Outcome, Program, root};
use crate::support::server::{Answer, Server};
use crate::support::story::sample_to_file;

#[test]
fn the_page_about_the_log_shows_what_happens() {
    follow(&with_examples(), &root().join("docs/audit.md"));
}

#[test]
fn the_page_about_watching_shows_what_happens() {
    follow(&with_examples(), &root().join("docs/observe.md"));
}

fn program() -> Program {
    let program = Program::with_manifest(&sample_to_file(100, ""));
    for _ in 0..3 {
        program.run(&["run"]).ends(0);
    }
    program
}

fn key(program: &Program) -> String {
    program.run(&["audit", "key"]).ends(0).stdout.trim().to_owned()
}

/// The second verifier.
fn python(program: &Program, arguments: &str) -> Outcome {
    program.shell(&format!("python3 '{}' {arguments}", root().join("tests/audit_verify.py").display()))
}

/// Both verifiers say the same of an export.
fn both(program: &Program, file: &str, key: &str, anchors: &str, code: i32) {
    let flag = if anchors.is_empty() { String::new() } else { format!("--anchors {anchors}") };
    let own = program.shell(&format!("hub audit verify --export {file} --key '{key}' {flag}"));
    assert_eq!(own.code, Some(code), "hub, {file}: {}", own.printed());
    let other = python(program, &format!("export {file} '{key}' {anchors}"));
    assert_eq!(other.code, Some(code), "the other, {file}: {}", other.printed());
}

#[test]
fn an_export_is_verified_without_the_store_and_every_change_is_noticed() {
    let program = program();
    let key = key(&program);
    program.run(&["audit", "export", "--out", "log.jsonl"]).ends(0).prints("hub audit verify --export log.jsonl");
    both(&program, "log.jsonl", &key, "", 0);
    program.run(&["audit", "export", "--out", "log.jsonl"]).ends(2).says("log.jsonl");
    let whole = program.read("log.jsonl");
    let lines: Vec<&str> = whole.lines().collect();
    assert!(lines.len() > 10, "{}", lines.len());
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        change(&mut lines);
        lines.join("\n") + "\n"
    };
    let attacks = [
        ("flipped", changed(&|lines| lines[5] = lines[5].replacen("flow", "fl0w", 1))),
        ("deleted", changed(&|lines| drop(lines.remove(5)))),
        ("inserted", changed(&|lines| lines.insert(5, lines[4].clone()))),
        ("reordered", changed(&|lines| lines.swap(5, 6))),
        ("truncated", changed(&|lines| lines.truncate(6))),
        ("empty", changed(&|lines| lines.truncate(1))),
        ("renumbered", changed(&|lines| lines[0] = lines[0].replacen("\\n", "\\n1", 1))),
        ("nothing", String::new()),
    ];
    for (name, text) in attacks {
        assert_ne!(text, whole, "{name}");
        program.write(name, text);
        both(&program, name, &key, "", 4);
    }
    let foreign = Program::with_manifest(&sample_to_file(1, ""));
    foreign.run(&["run"]).ends(0);
    both(&program, "log.jsonl", &self::key(&foreign), "", 4);
    program.run(&["audit", "verify", "--export", "log.jsonl", "--key", "nonsense+"]).ends(2).says("no public key");
    program.run(&["audit", "verify", "--export", "log.jsonl"]).ends(2);
    let events = program.run(&["audit", "export", "--format", "ocsf"]).ends(0).stdout;
    assert!(events.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["class_uid"] == 6003));
}

#[test]
fn one_entry_and_the_growth_of_the_log_are_proven_offline() {
    let program = program();
    let key = key(&program);
    let last = program.audit().len() - 1;
    for entry in [0, 1, last / 2, last] {
        program.write("proof.json", program.run(&["audit", "proof", &entry.to_string()]).ends(0).stdout);
        program.run(&["audit", "verify", "--proof", "proof.json", "--key", &key]).ends(0).prints(&format!("entry {entry} is in the log"));
        assert_eq!(python(&program, &format!("proof proof.json '{key}'")).code, Some(0), "{entry}");
    }
    let changed = program.read("proof.json").replacen("seq\\\":", "seq\\\":1", 1);
    program.write("changed.json", changed);
    program.run(&["audit", "verify", "--proof", "changed.json", "--key", &key]).ends(4).says("HUB-E501");
    assert_eq!(python(&program, &format!("proof changed.json '{key}'")).code, Some(4));
    program.run(&["audit", "proof", "100000"]).ends(2).says("there is no audit entry 100000");

    program.write("old.note", program.run(&["audit", "anchor"]).ends(0).stdout);
    program.run(&["run"]).ends(0);
    program.write("growth.json", program.run(&["audit", "consistency", "old.note"]).ends(0).stdout);
    program.run(&["audit", "verify", "--proof", "growth.json", "--key", &key]).ends(0).prints("begins with");
    assert_eq!(python(&program, &format!("proof growth.json '{key}'")).code, Some(0));
    let note = program.read("old.note");
    let size = note.lines().nth(1).unwrap();
    program.write("forged.note", note.replacen(size, "3", 1));
    program.run(&["audit", "consistency", "forged.note"]).ends(4).says("its signature is not of the key");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(source, target).unwrap();
        }
    }
}

#[test]
fn an_older_store_and_one_written_anew_are_told_by_what_was_kept() {
    let program = program();
    let store = program.path("hub-data/store");
    copy(&store, &program.path("older"));
    program.run(&["run"]).ends(0);
    let key = key(&program);
    for _ in 0..2 {
        program.run(&["audit", "anchor", "--to", "anchors.jsonl"]).ends(0).prints("anchored in anchors.jsonl");
        program.run(&["run"]).ends(0);
    }
    assert_eq!(program.audit().iter().filter(|entry| entry["kind"] == "audit.anchored").count(), 2);
    program.run(&["audit", "verify", "--anchors", "anchors.jsonl"]).ends(0).prints("3 signed heads agree");
    program.run(&["audit", "export", "--out", "log.jsonl"]).ends(0);
    both(&program, "log.jsonl", &key, "anchors.jsonl", 0);

    // With its own notes removed too, only what was kept elsewhere tells it.
    fs::remove_dir_all(&store).unwrap();
    copy(&program.path("older"), &store);
    program.run(&["audit", "verify"]).ends(4);
    fs::remove_file(program.path("hub-data/audit.note")).unwrap();
    program.run(&["audit", "verify"]).ends(0).prints("nothing was signed");
    program.run(&["audit", "verify", "--anchors", "anchors.jsonl"]).ends(4).says("HUB-E501");

    fs::remove_dir_all(&store).unwrap();
    for _ in 0..8 {
        program.run(&["run"]).ends(0);
    }
    program.run(&["audit", "verify"]).ends(0);
    program.run(&["audit", "verify", "--anchors", "anchors.jsonl"]).ends(4).says("HUB-E501");
    program.run(&["audit", "export", "--out", "anew.jsonl"]).ends(0);
    both(&program, "anew.jsonl", &key, "anchors.jsonl", 4);
}

#[test]
fn a_log_is_pruned_and_stays_provable() {
    let program = Program::with_manifest(&sample_to_file(400_000, ""));
    program.run(&["run"]).ends(0);
    let (key, size) = (key(&program), program.audit().len());
    assert!(size > 600, "{size}");
    program.run(&["audit", "prune"]).ends(0);
    program.run(&["audit", "prune", "--before", "2100-01-01"]).ends(2).says("--anchor");
    program.run(&["audit", "prune", "--before", "2001-01-01", "--yes"]).ends(0).prints("nothing to delete");
    program.run(&["audit", "anchor", "--to", "anchors.jsonl"]).ends(0);
    program.run(&["audit", "prune", "--before", "2100-01-01", "--anchor", "anchors.jsonl"]).ends(0).prints("the log is kept from entry");
    program
        .run(&["audit", "verify", "--anchors", "anchors.jsonl"])
        .ends(0)
        .prints("those before were pruned")
        .prints("2 signed heads agree");
    program.run(&["audit", "export", "--out", "log.jsonl"]).ends(0);
    both(&program, "log.jsonl", &key, "anchors.jsonl", 0);
    program.run(&["audit", "proof", "0"]).ends(2).says("were pruned");
    program.run(&["audit", "show"]).ends(0).prints("audit.pruned");
    program.run(&["changes"]).ends(0);
    program.run(&["doctor"]).prints("those before were pruned");
    program.run(&["run"]).ends(0);
    program.run(&["audit", "verify"]).ends(0);
    program.run(&["backup", "kept"]).ends(0);
    program.run(&["restore", "kept", "--replace"]).ends(0);
    program.run(&["audit", "verify"]).ends(0).prints("those before were pruned");
}

#[test]
fn the_key_of_the_log_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut program = program();
    let file = program.path("hub-data/audit.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let public = key(&program);
    fs::rename(&file, program.path("elsewhere.key")).unwrap();
    program.set("HUB_AUDIT_KEY_FILE", program.path("elsewhere.key").to_string_lossy());
    assert_eq!(key(&program), public);
    program.run(&["run"]).ends(0);
    assert!(!file.exists(), "no second key is made");
    fs::set_permissions(program.path("elsewhere.key"), fs::Permissions::from_mode(0o644)).unwrap();
    program.run(&["audit", "key"]).ends(1).says("HUB-E312").says("chmod 600");
    program.run(&["run"]).ends(0).says("was not signed");
}

#[test]
fn evidence_is_had_while_a_hub_is_running() {
    let program = Program::with_manifest(&sample_to_file(2_000_000_000, "mode = \"append\""));
    let mut running = program.start(&["run"]);
    running.until("writes", |_| program.has("out/contacts.ndjson"));
    // The first head counts entries that were on the disk for a while.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let key = key(&program);
    program.run(&["audit", "anchor", "--to", "anchors.jsonl"]).ends(0).prints("entries anchored");
    program.run(&["audit", "export", "--out", "log.jsonl"]).ends(0);
    both(&program, "log.jsonl", &key, "anchors.jsonl", 0);
    program.write("proof.json", program.run(&["audit", "proof", "3"]).ends(0).stdout);
    program.run(&["audit", "verify", "--proof", "proof.json", "--key", &key]).ends(0);
    running.kill();
    program.run(&["audit", "verify", "--anchors", "anchors.jsonl"]).ends(0);
}

/// Heads in a file of anchors.
fn lines(program: &Program, file: &str) -> usize {
    program.read(file).lines().count()
}

#[test]
fn anchors_of_the_manifest_get_heads_and_tell_a_folder_that_was_put_back() {
    let server = Server::scripted(vec![Answer::new(201)]);
    let far = format!("[audit.anchor.far]\nurl = \"{}\"\nevery = \"P366D\"\n", server.url("/notes"));
    let manifest = sample_to_file(100, "") + "\n[audit.anchor.near]\nfile = \"anchors.jsonl\"\n" + &far;
    let program = Program::with_manifest(&manifest);
    program.run(&["doctor"]).ends(0).prints("near has no head of the log yet");
    program.run(&["run"]).ends(0);
    let key = key(&program);
    let posted = String::from_utf8(server.requests()[0].body.clone()).unwrap();
    let verifier = hub_core::audit::note::Verifier::parse(&key).unwrap();
    assert!(verifier.open(&posted).is_ok(), "{posted}");
    copy(&program.path("hub-data"), &program.path("older"));
    for _ in 0..2 {
        program.run(&["run"]).ends(0);
    }
    assert_eq!((lines(&program, "anchors.jsonl"), server.requests().len()), (3, 1));
    assert!(
        program.audit().iter().any(|entry| entry["kind"] == "audit.anchored" && entry["detail"].as_str().unwrap().starts_with("`near`: "))
    );
    let granted = program.audit().into_iter().find(|entry| entry["system"] == "anchor:far").expect("who takes heads is on record");
    assert_eq!(granted["kind"], "egress.granted");
    program.run(&["audit", "verify"]).ends(0).prints("4 signed heads agree");
    program.run(&["audit", "verify", "--anchors", "anchors.jsonl", "--key", &key]).ends(0);
    program.run(&["status"]).ends(0).prints("· last anchored: ").prints(", by near, 2 entries since");
    program.run(&["doctor"]).ends(0).prints("✓ anchor").prints("by far, ");
    let status = program.run(&["status", "-o", "json"]).ends(0).json();
    assert_eq!((&status["anchors"][1]["anchor"], &status["anchors"][1]["entries_since"]), (&"near".into(), &2.into()));

    // The whole data folder, with its own signed head: only the anchor tells it.
    fs::remove_dir_all(program.path("hub-data")).unwrap();
    copy(&program.path("older"), &program.path("hub-data"));
    program.run(&["audit", "verify"]).ends(4).says("HUB-E501");
    program.run(&["run"]).ends(4).says("HUB-E502").says("anchors.jsonl");
    fs::rename(program.path("anchors.jsonl"), program.path("kept.jsonl")).unwrap();
    program.run(&["audit", "verify"]).ends(4).says("it is not there, and anchor `near` took a head");
    program.write("manifest.toml", manifest.replace("anchors.jsonl", "anew.jsonl"));
    program.run(&["run"]).ends(0);
    assert_eq!(lines(&program, "anew.jsonl"), 1);
}

#[test]
fn an_anchor_that_fails_stops_nothing_and_is_told() {
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let server = Server::start(move |_, _| Answer::new(if is_mended.load(Ordering::SeqCst) { 200 } else { 503 }));
    let hooks = Server::scripted(vec![Answer::new(200)]);
    let tables = format!(
        "\n[audit.anchor.far]\nurl = \"{}\"\n[alert.ops]\nto = \"{}\"\nsecret = {{ env = \"HOOK_SECRET\" }}\n",
        server.url("/notes"),
        hooks.url("/hub")
    );
    let mut program = Program::with_manifest(&(sample_to_file(10, "") + &tables));
    program.set("HOOK_SECRET", "word");
    program.run(&["run"]).ends(0).says("HUB-E316").says("status 503");
    assert_eq!(program.records("out/contacts.ndjson").len(), 10);
    let told: serde_json::Value = serde_json::from_slice(&hooks.requests()[0].body).unwrap();
    assert_eq!((&told["type"], &told["data"]["anchor"]), (&"hub.audit.broken.v1".into(), &"far".into()));
    program.run(&["status"]).ends(0).prints("! far has no head of the log yet").prints("HUB-E316 it fails since");
    program.run(&["doctor"]).ends(0).prints("! anchor").prints("status 503");
    program.run(&["audit", "prune", "--before", "2100-01-01", "--yes"]).ends(1).says("HUB-E316");
    mended.store(true, Ordering::SeqCst);
    program.run(&["run"]).ends(0);
    program.run(&["status"]).ends(0).prints("· last anchored: ");
}

#[test]
fn a_receiver_that_takes_nothing_is_in_the_status() {
    let hooks = Server::scripted(vec![Answer::new(403), Answer::new(403), Answer::new(200)]);
    let tables = format!("\n[alert.ops]\nto = \"{}\"\nsecret = {{ env = \"HOOK_SECRET\" }}\non = [\"run.completed\"]\n", hooks.url("/hub"));
    let mut program = Program::with_manifest(&(sample_to_file(10, "") + &tables));
    program.set("HOOK_SECRET", "word");
    program.run(&["run"]).ends(0).says("HUB-E314");
    program.run(&["status"]).ends(0).prints("! alert:ops: HUB-E314 it takes nothing since").prints("(status 403), 1 messages given up");
    program.run(&["alert", "test"]).ends(1);
    program.run(&["alert", "test"]).ends(0);
    let status = program.run(&["status", "-o", "json"]).ends(0).json();
    assert_eq!(status["receivers_failing"].as_array().unwrap().len(), 0, "{status}");
}

#[test]
fn pruning_stops_at_what_was_anchored() {
    let manifest = sample_to_file(400_000, "");
    let program = Program::with_manifest(&(manifest.clone() + "\n[audit.anchor.near]\nfile = \"anchors.jsonl\"\n"));
    program.run(&["run"]).ends(0);
    let anchored: u64 = program.run(&["status", "-o", "json"]).ends(0).json()["anchors"][0]["entries"].as_u64().unwrap();
    // More entries than a block that no anchor has seen.
    program.write("manifest.toml", &manifest);
    program.run(&["run"]).ends(0);
    program.write("manifest.toml", manifest + "\n[audit.anchor.near]\nfile = \"anchors.jsonl\"\n");
    program.run(&["audit", "prune", "--before", "2100-01-01", "--yes"]).ends(0);
    let first = program.run(&["audit", "verify", "-o", "json"]).ends(0).json()["first"].as_u64().unwrap();
    assert_eq!(first, anchored / 256 * 256);
    assert!(program.audit().len() as u64 > 512);
}

#[test]
fn a_lost_key_of_the_log_is_not_replaced_in_silence() {
    let program = program();
    let public = key(&program);
    let (file, note) = (program.path("hub-data/audit.key"), program.path("hub-data/audit.note"));
    fs::rename(&file, program.path("kept.key")).unwrap();
    let before = program.audit().len();
    for call in [&["run"][..], &["audit", "key"], &["audit", "export"], &["audit", "verify"]] {
        program.run(call).ends(4).says("HUB-E507").says("audit.key");
    }
    program.run(&["audit", "verify", "--key", &public]).ends(0).prints("1 signed heads agree");
    program.run(&["doctor"]).ends(1).prints("✗ signature").prints("HUB-E507");
    assert_eq!((program.audit().len(), file.exists()), (before, false));
    let other = self::program();
    fs::copy(other.path("hub-data/audit.key"), &file).unwrap();
    program.run(&["run"]).ends(4).says("its last head was signed with another one");
    fs::rename(program.path("kept.key"), &file).unwrap();
    program.run(&["run"]).ends(0);
    // It is lost for good: what it signed is put aside.
    fs::remove_file(&file).unwrap();
    fs::rename(&note, program.path("kept.note")).unwrap();
    program.run(&["run"]).ends(0);
    assert_ne!(key(&program), public);
}
