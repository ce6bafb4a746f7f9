//! kill -9 at any moment: nothing is lost, nothing is there twice, the log stays whole. Two programs never share a store.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::chance::Chance;
use crate::support::program::{Program, Running};
use crate::support::story::sample_to_file;

const OUT: &str = "out/contacts.ndjson";

#[test]
fn fifty_kills_of_a_replacing_run_leave_every_record_exactly_once() {
    const RECORDS: u64 = 200_000;
    let total = size_of_a_whole_run(RECORDS);
    let program = Program::with_manifest(&sample_to_file(RECORDS, ""));
    let mut chance = Chance::new("replace");
    let mut cut_off = 0;
    for round in 0..50 {
        let mut running = program.start(&["run", "--quiet"]);
        if round % 5 == 4 {
            // While it starts: opening the store, loading components, the first entries.
            std::thread::sleep(std::time::Duration::from_millis(chance.below(120)));
        } else {
            let target = chance.below(total + total / 20);
            until_written(&program.path("out"), &mut running, target);
        }
        cut_off += u32::from(!running.has_ended());
        running.kill();
        whole_log(&program, round);
        if let Ok(there) = std::fs::metadata(program.path(OUT)) {
            assert_eq!(there.len(), total, "round {round}: a replacement is there as a whole or not at all");
        }
    }
    assert!(cut_off >= 30, "only {cut_off} of 50 kills met a run");
    program.run(&["run"]).ends(0).says("200000 records written");
    each_once(&program, RECORDS);
    let left: Vec<_> = std::fs::read_dir(program.path("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["contacts.ndjson"], "what the killed runs left is cleared away");
    whole_log(&program, 50);
    assert!(program.audit().iter().any(|entry| entry["kind"] == "hub.recovered"), "the log tells that runs were cut off");
}

#[test]
fn kills_of_an_appending_run_leave_every_record_exactly_once() {
    // A checkpoint stands behind every 10,000 records: the kills come before the first one of a run, and behind it.
    const RECORDS: u64 = 200_000;
    let checkpoint = size_of_a_whole_run(RECORDS) / (RECORDS / 10_000);
    let program = Program::with_manifest(&sample_to_file(RECORDS, "mode = \"append\""));
    let mut chance = Chance::new("append");
    let mut cut_off = 0;
    for round in 0..10 {
        let mut running = program.start(&["run", "--quiet"]);
        let there = size(&program.path("out"));
        let behind = if round % 2 == 0 { 1 } else { checkpoint + checkpoint / 2 };
        until_written(&program.path("out"), &mut running, there + behind + chance.below(checkpoint));
        cut_off += u32::from(!running.has_ended());
        running.kill();
        whole_log(&program, round);
    }
    assert!(cut_off >= 3, "only {cut_off} of 10 kills met a run");
    program.run(&["run"]).ends(0);
    each_once(&program, RECORDS);
    program.run(&["run"]).ends(0).says(" 0 records written");
    each_once(&program, RECORDS);
    whole_log(&program, 10);
}

#[test]
fn a_run_that_ends_by_a_signal_goes_on_from_its_checkpoint() {
    const RECORDS: u64 = 300_000;
    let program = Program::with_manifest(&sample_to_file(RECORDS, "mode = \"append\""));
    let mut running = program.start(&["run"]);
    until_written(&program.path("out"), &mut running, 1_000_000);
    running.signal(rustix::process::Signal::TERM);
    running.wait().ends(143);
    let first = program.records(OUT).len();
    assert!(first > 0 && first < 300_000, "{first}");
    program.run(&["run"]).ends(0);
    each_once(&program, RECORDS);
}

#[test]
fn two_programs_never_share_a_store() {
    let program = Program::with_manifest(&sample_to_file(2_000_000_000, ""));
    let mut running = program.start(&["run"]);
    until_written(&program.path("out"), &mut running, 1);
    for arguments in [&["run"][..], &["audit", "show"], &["plugin", "accept", "crm"]] {
        program.run(arguments).ends(1).says("HUB-E503").says("--data");
    }
    program.run(&["audit", "verify"]).ends(0);
    program.run(&["status"]).ends(0).prints("did not end");
    let other = program.run(&["run", "--limit", "10", "--data", "other", "--dry-run"]).ends(0);
    assert!(other.stderr.contains("10 records would be written"), "{}", other.stderr);
    running.kill();
    program.run(&["status"]).ends(0);
}

/// Bytes that all records take, from a run that nothing disturbs.
fn size_of_a_whole_run(records: u64) -> u64 {
    let program = Program::with_manifest(&sample_to_file(records, ""));
    program.run(&["run"]).ends(0);
    each_once(&program, records);
    std::fs::metadata(program.path(OUT)).unwrap().len()
}

/// Waits until the files that are being written have so many bytes, or until the run has ended.
fn until_written(folder: &Path, running: &mut Running, bytes: u64) {
    while !running.has_ended() && size(folder) < bytes {
        std::thread::sleep(std::time::Duration::from_micros(500));
    }
}

/// Bytes of what is not yet in its place, or of what is appended to.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes: BTreeMap<String, u64> = entries
        .filter_map(|entry| entry.ok())
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.metadata().ok()?.len())))
        .collect();
    let partial: Vec<u64> = sizes.iter().filter(|(name, _)| *name != "contacts.ndjson").map(|(_, size)| *size).collect();
    partial.iter().max().or_else(|| sizes.get("contacts.ndjson")).copied().unwrap_or(0)
}

fn whole_log(program: &Program, round: u32) {
    if program.has("hub-data/store/db") {
        let outcome = program.run(&["audit", "verify"]);
        assert_eq!(outcome.code, Some(0), "round {round}\n{}", outcome.printed());
    }
}

/// Every id from the first to the last is there once.
fn each_once(program: &Program, records: u64) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for record in program.records(OUT) {
        *seen.entry(record["id"].to_string()).or_default() += 1;
    }
    let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).take(5).collect();
    assert_eq!(twice, Vec::<(&String, &u32)>::new(), "records that are there more than once");
    assert_eq!(u64::try_from(seen.len()).unwrap(), records, "records that are there");
}
