//! The command line as a contract: exit codes, documents for programs, what a run without a terminal prints, what options change.

use std::os::unix::fs::MetadataExt;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::program::{Outcome, Program, Running};
use crate::support::story::{ARCHIVE, HEAD, PURPOSE, crm, file_to_file, flow, sample_to_file};

const OUT: &str = "out/contacts.ndjson";

/// A run that does not come to its end by itself.
fn endless() -> Program {
    Program::with_manifest(&sample_to_file(2_000_000_000, ""))
}

fn until_it_writes(program: &Program, running: &mut Running) {
    let out = program.path("out");
    running.until("something is written", |_| {
        std::fs::read_dir(&out)
            .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| entry.metadata().is_ok_and(|meta| meta.len() > 1000))))
    });
}

#[test]
fn done_is_0() {
    let program = Program::with_manifest(&sample_to_file(10, ""));
    for arguments in
        [&["check"][..], &["run"], &["status"], &["audit", "verify"], &["audit", "show"], &["schema"], &["--help"], &["--version"]]
    {
        let outcome = program.run(arguments).ends(0);
        assert!(arguments == ["run"] || !outcome.stdout.is_empty(), "{arguments:?} prints its result on standard output");
    }
}

#[test]
fn failed_while_running_is_1_and_some_of_several_is_5() {
    let program = Program::with_manifest(&two_flows());
    program.write("in/people.ndjson", "{\"id\":1}\n{\"id\":\n");
    program.run(&["run", "--flow", "people-to-archive"]).ends(1).says("HUB-E219");
    program.run(&["run", "--flow", "contacts-to-archive"]).ends(0);
    program.run(&["run"]).ends(5).says("HUB-E219").says("1 failed");
}

fn two_flows() -> String {
    let people = file_to_file("[stream.desk.people.fields]\nid = \"user.unique_id\"", "fields = [\"id\"]");
    people + &crm(10) + &flow("contacts-to-archive", "crm.contacts", "archive.contacts", "fields = [\"id\"]")
}

#[test]
fn called_wrongly_is_2() {
    let program = Program::with_manifest(&sample_to_file(10, ""));
    let wrong: [&[&str]; 9] = [
        &[],
        &["rum"],
        &["run", "--fast"],
        &["run", "--limit", "many"],
        &["run", "nowhere.toml"],
        &["run", "--flow", "contacts-to-archiv"],
        &["explain", "HUB-E999"],
        &["completion", "cmd"],
        &["audit", "verify", "--data", "nowhere"],
    ];
    for arguments in wrong {
        let outcome = program.run(arguments).ends(2);
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        assert!(!outcome.stderr.is_empty(), "{arguments:?}");
    }
    program.run(&["run", "--flow", "contacts-to-archiv"]).says("HUB-E009").says("contacts-to-archive");
    assert!(!program.has(OUT));
}

#[test]
fn denied_is_3() {
    let program = Program::with_manifest(&sample_to_file(10, "").replace("\"email\"", "\"email\", \"shoe_size\""));
    program.run(&["check"]).ends(3).says("HUB-E101");
    program.run(&["run"]).ends(3).says("HUB-E101").says("audit log");
    assert!(!program.has("out"), "nothing was written");
}

#[test]
fn a_damaged_store_is_4() {
    let program = Program::with_manifest(&sample_to_file(10, ""));
    program.run(&["run"]).ends(0);
    let mut data = std::fs::read(program.path("hub-data/store/db")).unwrap();
    let found: Vec<usize> = data.windows(13).enumerate().filter(|(_, window)| *window == b"{\"v\":1,\"seq\":").map(|(at, _)| at).collect();
    assert!(!found.is_empty(), "entries stand in the file as they are");
    for at in found {
        data[at + 40] ^= 1;
    }
    program.write("hub-data/store/db", data);
    program.run(&["audit", "verify"]).ends(4);
    program.run(&["run"]).ends(4);
}

#[test]
fn ctrl_c_ends_cleanly_with_130_and_a_line_every_ten_seconds_without_a_terminal() {
    let program = endless();
    let mut running = program.start(&["run"]);
    running.until("a line of progress", |running| running.said().contains("contacts-to-archive: read "));
    running.signal(Signal::INT);
    let outcome = running.wait().ends(130).says("ending after the next checkpoint");
    let progress: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("contacts-to-archive: read ")).collect();
    assert!(progress.iter().all(|line| line.contains("written") && line.ends_with("rec/s")), "{progress:?}");
    assert!(!outcome.stderr.contains('\u{1b}') && !outcome.stderr.contains('\r'), "no control characters without a terminal");
    let status = program.run(&["status", "--output", "json"]).ends(0).json();
    assert_eq!(status["flows"][0]["last"]["state"], "interrupted");
    program.run(&["audit", "verify"]).ends(0);
    assert_eq!(program.audit().last().unwrap()["kind"], "hub.stop");
    assert!(!program.has(OUT), "what was not read to its end replaces nothing");
}

#[test]
fn terminated_ends_cleanly_with_143() {
    let program = endless();
    program.write(OUT, "{\"id\":0}\n");
    let mut running = program.start(&["run", "--output", "json"]);
    until_it_writes(&program, &mut running);
    running.signal(Signal::TERM);
    let document = running.wait().ends(143).json();
    assert_eq!(document["exit_code"], 143);
    assert_eq!(document["flows"][0]["interrupted"], true);
    assert_eq!(program.read(OUT), "{\"id\":0}\n", "a part does not take the place of the whole");
    program.run(&["audit", "verify"]).ends(0);
}

#[test]
fn a_schedule_runs_again_and_again_until_terminated() {
    let program = Program::with_manifest(&sample_to_file(10, "schedule = \"* * * * * *\""));
    let mut running = program.start(&["run"]);
    let file = program.path(OUT);
    // Each run puts a new file in the place of the old one.
    let mut seen = std::collections::BTreeSet::new();
    running.until("two runs", |_| {
        seen.extend(std::fs::metadata(&file).ok().map(|meta| (meta.ino(), meta.mtime_nsec())));
        seen.len() >= 2
    });
    program.run(&["run"]).ends(1).says("HUB-E503");
    running.signal(Signal::TERM);
    running.wait().ends(143).says("1 of 1 flows have a schedule: staying until stopped.");
    let log = program.audit();
    let runs = log.iter().filter(|entry| entry["kind"] == "flow.result" && entry["outcome"] == "completed").count();
    assert!(runs >= 2, "{log:#?}");
    assert_eq!(log.last().unwrap()["kind"], "hub.stop");
    assert_eq!(program.records(OUT).len(), 10);
    program.run(&["run", "--once"]).ends(0).says("One pass, then exit.");
}

#[test]
fn limit_ends_early() {
    let program = Program::with_manifest(&sample_to_file(100_000, "mode = \"append\""));
    program.run(&["run", "--limit", "25"]).ends(0);
    assert_eq!(program.records(OUT).len(), 25);
    program.run(&["run"]).ends(0);
    assert_eq!(program.records(OUT).len(), 100_000, "the next run goes on behind it");
}

#[test]
fn a_dry_run_writes_and_remembers_nothing() {
    let program = Program::with_manifest(&sample_to_file(100, "mode = \"append\""));
    let outcome = program.run(&["run", "--dry-run"]).ends(0).says("100 records would be written");
    assert_eq!(outcome.stdout, "");
    assert!(!program.has(OUT), "nothing is written");
    let status = program.run(&["status", "--output", "json"]).ends(0).json();
    assert_eq!(status["flows"][0]["last"], Value::Null, "no run is remembered");
    program.run(&["run"]).ends(0);
    program.run(&["run", "--dry-run"]).ends(0).says("0 records would be written");
    program.run(&["run"]).ends(0);
    assert_eq!(program.records(OUT).len(), 100, "progress is that of the real runs");
}

#[test]
fn only_the_named_flow_runs() {
    let program = Program::with_manifest(&two_flows());
    program.write("in/people.ndjson", "{\"id\":1}\n");
    program.run(&["run", "--flow", "people-to-archive"]).ends(0).says("1 flows, 1 records written");
    assert!(program.has("out/people.ndjson") && !program.has(OUT));
    program.run(&["run", "--flow", "people-to-archive", "--flow", "contacts-to-archive"]).ends(0).says("2 flows, 11 records written");
    assert!(program.has(OUT));
}

#[test]
fn init_check_and_run_in_an_empty_folder() {
    let program = Program::new();
    program.run(&["init"]).ends(0);
    program.run(&["check"]).ends(0);
    program.run(&["run"]).ends(0).says("1000 records written");
    assert_eq!(program.records(OUT).len(), 1000);
    let ignored = program.read(".gitignore");
    assert!(ignored.contains("hub-data") && ignored.contains("out"));
    program.write("manifest.toml", "mine");
    program.run(&["init"]).ends(2).says("already there");
    assert_eq!(program.read("manifest.toml"), "mine", "nothing is overwritten");
    program.run(&["init", "another"]).ends(0);
    program.run(&["run", "another/manifest.toml"]).ends(0);
    assert!(program.has("another/out/contacts.ndjson") && program.has("another/hub-data"), "everything is beside the manifest");
}

#[test]
fn data_goes_where_it_is_told() {
    let mut program = Program::with_manifest(&sample_to_file(10, ""));
    program.run(&["run", "--data", "elsewhere"]).ends(0);
    assert!(program.has("elsewhere/store") && !program.has("hub-data"));
    program.run(&["audit", "verify"]).ends(2).says("there is no store");
    program.set("HUB_DATA", "elsewhere");
    program.run(&["audit", "verify"]).ends(0);
}

#[test]
fn quiet_prints_nothing_and_colours_are_asked_for() {
    let mut program = Program::with_manifest(&sample_to_file(10, ""));
    let outcome = program.run(&["run", "--quiet"]).ends(0);
    assert_eq!(outcome.printed(), "");
    program.write("manifest.toml", HEAD.replace("manifest", "manifst"));
    let escaped = |outcome: &Outcome| outcome.stderr.contains('\u{1b}');
    assert!(!escaped(&program.run(&["check"]).ends(2)), "no colours into a pipe");
    assert!(escaped(&program.run(&["check", "--color", "always"]).ends(2)));
    program.set("CLICOLOR_FORCE", "1");
    assert!(!escaped(&program.run(&["check", "--color", "never"]).ends(2)));
}

#[test]
fn a_closed_pipe_is_no_fault() {
    let program = Program::with_manifest(&sample_to_file(10, ""));
    program.run(&["run"]).ends(0);
    for verb in ["explain", "schema", "completion bash", "audit show", "plugin inspect builtin:sample"] {
        let outcome = program.shell(&format!("hub {verb} | true")).ends(0);
        assert_eq!(outcome.stderr, "", "hub {verb}");
    }
}

#[test]
fn many_flows_of_one_system_run_one_after_the_other() {
    let flows: String =
        (0..20).map(|number| flow(&format!("f{number}"), "crm.contacts", &format!("archive.c{number}"), "fields = [\"id\"]")).collect();
    let program = Program::with_manifest(&[HEAD, PURPOSE, ARCHIVE, &crm(5), &flows].concat());
    program.run(&["run"]).ends(0).says("20 flows, 100 records written");
    for number in 0..20 {
        assert_eq!(program.records(&format!("out/c{number}.ndjson")).len(), 5);
    }
}
