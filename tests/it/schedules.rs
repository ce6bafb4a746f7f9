//! Flows that stay: a manifest that changes meanwhile, a rate that a system is not asked beyond, retries, and the page about all of it.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;

use rustix::process::Signal;

use crate::support::program::{Program, Running, root};
use crate::support::story::{flow, sample_to_file};

const EVERY_SECOND: &str = "schedule = \"* * * * * *\"";

/// A flow that runs each second, and one for the beginning.
fn staying() -> String {
    let once = flow("once", "crm.contacts", "archive.once", "fields = [\"id\"]\nmode = \"append\"");
    format!("{}{once}", sample_to_file(10, EVERY_SECOND))
}

/// Waits until a file was put in another's place.
fn until_replaced(program: &Program, running: &mut Running, name: &str) {
    let (file, mut seen) = (program.path(name), BTreeSet::new());
    running.until("a new file", |_| {
        seen.extend(std::fs::metadata(&file).ok().map(|meta| (meta.ino(), meta.mtime_nsec())));
        seen.len() >= 2
    });
}

#[test]
fn a_changed_manifest_takes_over_and_a_denied_one_does_not() {
    let text = staying();
    let program = Program::with_manifest(&text);
    let mut running = program.start(&["run"]);
    until_replaced(&program, &mut running, "out/contacts.ndjson");

    running.signal(Signal::HUP);
    running.until("an answer", |running| running.said().contains("read again: nothing has changed"));
    program.write("manifest.toml", text.replace("\"email\"]", "\"emial\"]"));
    running.signal(Signal::HUP);
    running.until("the refusal", |running| running.said().contains("stays in force"));
    assert!(running.said().contains("HUB-E101") && running.said().contains("emial"), "{}", running.said());
    until_replaced(&program, &mut running, "out/contacts.ndjson");
    assert!(program.records("out/contacts.ndjson")[0].get("email").is_some(), "the old one still runs");

    let other = flow("other", "crm.contacts", "archive.others", &format!("fields = [\"id\"]\n{EVERY_SECOND}"));
    program.write("manifest.toml", format!("{}{other}", text.replace("\"email\"]", "\"last_name\"]")));
    running.signal(Signal::HUP);
    running.until("the change", |running| running.said().contains("the new manifest is in force"));
    running.until("the new flow", |_| program.has("out/others.ndjson"));
    until_replaced(&program, &mut running, "out/contacts.ndjson");
    running.signal(Signal::TERM);
    running.wait().ends(143);

    let record = &program.records("out/contacts.ndjson")[0];
    assert!(record.get("last_name").is_some() && record.get("email").is_none(), "{record}");
    assert_eq!(program.records("out/once.ndjson").len(), 10, "what has no schedule ran once");
    let log = program.audit();
    assert!(log.iter().any(|entry| entry["kind"] == "flow.denied" && entry["code"] == "HUB-E101"), "the refusal is on record");
    let starts: Vec<_> = log.iter().filter(|entry| entry["kind"] == "hub.start").collect();
    assert_eq!(starts.len(), 2);
    assert!(starts.iter().all(|entry| entry["actor"].as_str().is_some_and(|actor| actor.starts_with("uid:"))), "{starts:?}");
    program.run(&["audit", "verify"]).ends(0);
    let history = program.run(&["changes", "--output", "json"]).ends(0).json();
    assert_eq!(history["changes"].as_array().unwrap().len(), 2, "{history:#}");
}

#[test]
fn a_watched_file_is_read_again_when_it_changes() {
    let program = Program::with_manifest(&staying());
    let mut running = program.start(&["run", "--watch"]);
    until_replaced(&program, &mut running, "out/contacts.ndjson");
    program.write("manifest.toml", staying().replace("\"email\"]", "\"last_name\"]"));
    running.until("the change", |running| running.said().contains("the new manifest is in force"));
    until_replaced(&program, &mut running, "out/contacts.ndjson");
    running.signal(Signal::TERM);
    running.wait().ends(143);
    assert!(program.records("out/contacts.ndjson")[0].get("last_name").is_some());
    program.run(&["run", "--watch", "--once"]).ends(2);
}

#[test]
fn the_manifest_of_the_page_is_one() {
    let page = std::fs::read_to_string(root().join("docs/schedule.md")).unwrap();
    let shown = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let (top, rest) = shown.split_once("\n[system.crm]\n").unwrap();
    let (of_system, of_flow) = rest.split_once("\n[flow.contacts-to-archive]\n").unwrap();
    let text = sample_to_file(10, of_flow).replacen("manifest = 1\n", &format!("manifest = 1\n{top}\n"), 1).replacen(
        "[system.crm]\n",
        &format!("[system.crm]\n{of_system}\n"),
        1,
    );
    let program = Program::with_manifest(&text);
    program.run(&["check"]).ends(0);
    program.run(&["run", "--once"]).ends(0);
}
