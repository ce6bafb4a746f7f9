//! The observation over a store in memory whose clock stands where a test puts it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::Cell;

use futures::FutureExt as _;
use hub_core::audit::{Draft, Kind};

use super::*;
use crate::store::{Durability, MemoryStore, Moment, Options, Put, Transaction};

const DAY_MS: u64 = 86_400_000;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

fn now() -> Moment {
    let wall_ms = NOW.get();
    Moment { wall_ms, monotonic_ms: wall_ms }
}

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn at(text: &str) -> u64 {
    clock::start_of(date(text), None)
}

fn empty() -> MemoryStore {
    MemoryStore::new(Options { now, ..Options::default() })
}

fn write(store: &MemoryStore, moment_ms: u64, audit: Vec<Draft>, runs: &[RunRecord]) {
    NOW.set(moment_ms);
    let put = |run: &RunRecord| Put { namespace: Namespace::Runs, key: run.id.clone().into_bytes(), value: Some(run.encode()) };
    let transaction = Transaction { puts: runs.iter().map(put).collect(), audit };
    store.commit(transaction, Durability::Sync).now_or_never().unwrap().unwrap();
}

fn run(flow: &str, started_ms: u64, written: u64, dropped: &[(&str, u64)]) -> RunRecord {
    let id = ulid::Ulid::from_parts(started_ms, u128::from(written)).to_string();
    let dropped = dropped.iter().map(|(path, times)| ((*path).to_owned(), *times)).collect();
    RunRecord { id, flow: flow.to_owned(), started_ms, ended_ms: Some(started_ms + 1), written, dropped, ..RunRecord::default() }
}

fn observed(store: &MemoryStore, day: &str) -> Option<Observed> {
    read(store, date(day), None).unwrap_or_else(|failure| panic!("{failure:?}"))
}

#[test]
fn what_ran_was_delivered_and_was_denied_is_counted() {
    let store = empty();
    let start = at("2026-03-01");
    let intent = Draft::new(Kind::FlowIntent).flow("a").fields(["id", "email"]).categories(["user.contact"]);
    let first_met = Draft::new(Kind::FlowDenied).flow("a").run("closed").code(Code::E201).count("size", 2);
    let stopped = Draft::new(Kind::FlowDenied).flow("a").code(Code::E218);
    let wrong = Draft::new(Kind::FlowDenied).flow("a").code(Code::E220).count("records", 7);
    let outside = Draft::new(Kind::FlowDenied).system("crm").code(Code::E215);
    let manifest = Draft::new(Kind::FlowDenied).code(Code::E101).detail("never came into force");
    let runs = [run("a", start, 10, &[("size", 20)]), run("a", start + DAY_MS, 5, &[("size", 1)]), run("gone", start, 1, &[])];
    write(&store, start, vec![Draft::new(Kind::HubStart), intent, first_met, stopped, wrong, outside, manifest], &runs);
    let found = observed(&store, "2026-03-10").unwrap();
    assert_eq!((found.since, found.until, found.entries), (date("2026-03-01"), date("2026-03-10"), 7));
    let own = &found.flows["a"];
    assert_eq!((own.runs, own.records, own.last_run.as_deref()), (2, 15, Some("2026-03-02 00:00 UTC")));
    assert_eq!(own.fields.iter().collect::<Vec<_>>(), ["email", "id"]);
    assert_eq!(own.categories.iter().collect::<Vec<_>>(), ["user.contact"]);
    assert_eq!(own.undeclared, BTreeMap::from([("size".to_owned(), 21)]), "the sums of the records, not what a batch met first");
    assert_eq!(own.denials, BTreeMap::from([("HUB-E218".to_owned(), 1), ("HUB-E220".to_owned(), 7)]));
    assert_eq!(found.elsewhere, BTreeMap::from([("HUB-E215".to_owned(), 1)]));
    assert_eq!(found.flows["gone"].runs, 1);
}

#[test]
fn a_run_without_an_end_is_counted_by_the_log() {
    let store = empty();
    let start = at("2026-03-01");
    let open = RunRecord { ended_ms: None, ..run("a", start, 0, &[]) };
    let met = Draft::new(Kind::FlowDenied).flow("a").run(open.id.clone()).code(Code::E201).count("size", 2);
    write(&store, start, vec![met], &[open]);
    assert_eq!(observed(&store, "2026-03-01").unwrap().flows["a"].undeclared, BTreeMap::from([("size".to_owned(), 2)]));
}

#[test]
fn the_window_ends_with_the_day_and_reaches_back_ninety_days() {
    let store = empty();
    for (day, flow) in [("2026-01-01", "old"), ("2026-04-01", "in"), ("2026-06-01", "later")] {
        let denied = Draft::new(Kind::FlowDenied).flow(flow).code(Code::E218);
        write(&store, at(day), vec![denied], &[run(flow, at(day), 1, &[])]);
    }
    let found = observed(&store, "2026-05-01").unwrap();
    assert_eq!((found.since, found.until), (date("2026-01-31"), date("2026-05-01")));
    assert_eq!(found.flows.keys().collect::<Vec<_>>(), ["in"]);
    assert_eq!(found.flows["in"].denials.len(), 1);
    assert!(observed(&store, "2025-12-31").is_none(), "nothing was on record yet");
    assert!(observed(&empty(), "2026-05-01").is_none());
}

#[test]
fn names_from_outside_are_bounded_over_all_runs() {
    let store = empty();
    let start = at("2026-03-01");
    for number in 0..600_u64 {
        write(&store, start, Vec::new(), &[run("a", start + number, 1, &[(&format!("name-{number}"), 1)])]);
    }
    write(&store, start, vec![Draft::new(Kind::HubStop)], &[]);
    let found = observed(&store, "2026-03-01").unwrap();
    let own = &found.flows["a"].undeclared;
    assert_eq!((own.len(), own[OTHER_PATHS]), (MAX_UNDECLARED_PATHS + 1, 600 - MAX_UNDECLARED_PATHS as u64));
    assert_eq!(found.flows["a"].runs, 600, "more than a page");
}

#[test]
fn what_a_long_entry_had_no_room_for_is_noticed() {
    let store = empty();
    let start = at("2026-03-01");
    let long = Draft::new(Kind::FlowIntent).flow("a").fields((0..400).map(|number| format!("field-{number}-{}", "x".repeat(100))));
    write(&store, start, vec![long], &[]);
    assert!(observed(&store, "2026-03-01").unwrap().flows["a"].is_cut);
}

#[test]
fn a_store_in_use_tells_how_to_do_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(Some(folder.path().to_owned()), None);
    assert!(observe(&config, date("2026-03-01"), None).unwrap().is_none(), "there is no store");
    let held = store::open(&folder.path().join("store").display().to_string()).unwrap();
    let failure = observe(&config, date("2026-03-01"), None).unwrap_err();
    let problem = failure.problems.iter().next().unwrap();
    assert!(problem.code == Code::E503 && problem.help.contains("--no-observed"), "{problem:?}");
    drop(held);
}
