//! What was observed of each flow: counts run records and entries of the audit log for the register. Knows no document and judges nothing.
//!
//! Reads page by page and keeps names and counts only. What it keeps is bounded: by the flows, codes and fields that manifests have named, and for
//! names that came from outside by the bound that a single run has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hub_core::date::Date;
use hub_core::gate::{MAX_UNDECLARED_PATHS, OTHER_PATHS};
use hub_core::problem::{Code, Problem};
use hub_core::report::Observed;
use hub_core::report::register::DEAD_AFTER_DAYS;
use serde::Deserialize;

use super::Failure;
use super::run::store_problem;
use crate::clock;
use crate::config::Config;
use crate::store::format::RunRecord;
use crate::store::{self, Namespace, Store, StoreError};
use crate::sync::schedule::MOST_RUNS;

const PAGE: usize = 256;
/// More runs than these without an end are not told apart: their undeclared fields are not counted.
const MAX_OPEN_RUNS: usize = 4096;

/// From when to when, in milliseconds since 1970; the end is not part of it.
#[derive(Clone, Copy, Debug)]
struct Window {
    start_ms: u64,
    end_ms: u64,
}

/// Observes the time up to the end of a day, as far back as it matters. None: there was nothing to observe at that time.
///
/// # Errors
/// E503 if another process has the store, with the way to do without it; else what the store says.
pub(super) fn observe(config: &Config, day: Date, zone: Option<&str>) -> Result<Option<Observed>, Failure> {
    let folder = config.data.join("store");
    if !folder.exists() {
        return Ok(None);
    }
    let store = store::open(&folder.display().to_string()).map_err(|error| unopened(&error, &config.data))?;
    read(&*store, day, zone)
}

fn unopened(error: &StoreError, data: &Path) -> Problem {
    match error {
        StoreError::InUse => Problem::new(
            Code::E503,
            format!("the store in `{}` is in use by another hub: what was observed cannot be read", data.display()),
            "wait for the run to end or stop it, or leave the observation out: `--no-observed`",
        ),
        other => store_problem(other),
    }
}

fn read(store: &dyn Store, day: Date, zone: Option<&str>) -> Result<Option<Observed>, Failure> {
    let back = i64::try_from(DEAD_AFTER_DAYS).unwrap_or(i64::MAX);
    let first = day.add_days(-back).unwrap_or(day);
    let end_ms = day.add_days(1).map_or(u64::MAX, |next| clock::start_of(next, zone)).min(clock::now_ms().saturating_add(1));
    let window = Window { start_ms: clock::start_of(first, zone), end_ms };
    let day_of = |moment_ms: u64| clock::day(moment_ms.saturating_mul(1000), zone);
    let Some(begun_ms) = entry(store, oldest(store)?)?.map(|entry| entry.moment_ms()).filter(|begun| *begun < end_ms) else {
        return Ok(None);
    };
    let mut observed = Observed {
        since: day_of(begun_ms.max(window.start_ms)),
        until: day_of(end_ms.saturating_sub(1)),
        entries: 0,
        flows: BTreeMap::new(),
        elsewhere: BTreeMap::new(),
    };
    let seen = count_runs(store, window, &mut observed)?;
    // So many are kept at most: older ones may have been forgotten.
    if let Some(oldest) = seen.oldest_ms.filter(|_| seen.count >= MOST_RUNS - MOST_RUNS / 10) {
        observed.since = observed.since.max(day_of(oldest));
    }
    count_entries(store, window, &seen.open, &mut observed)?;
    Ok(Some(observed))
}

/// Runs since the window began.
#[derive(Default)]
struct Runs {
    /// How many there are.
    count: usize,
    /// When the first of them began.
    oldest_ms: Option<u64>,
    /// Those of the window that have no end, whose sums no record has.
    open: BTreeSet<String>,
}

/// Counts the runs that began in the window.
fn count_runs(store: &dyn Store, window: Window, observed: &mut Observed) -> Result<Runs, Failure> {
    let mut seen = Runs::default();
    // Ids of runs begin with their time, so that what began before the window need not be read.
    let before = ulid::Ulid::from_parts(window.start_ms, 0).to_string().into_bytes();
    let read = store::each(store, Namespace::Runs, Some(before), |_, value| {
        let record = RunRecord::decode(value)?;
        seen.count += 1;
        seen.oldest_ms.get_or_insert(record.started_ms);
        if record.started_ms < window.start_ms || record.started_ms >= window.end_ms {
            return Ok(());
        }
        let own = observed.flows.entry(record.flow).or_default();
        own.runs += 1;
        own.records = own.records.saturating_add(record.written);
        own.last_run = Some(minute(record.started_ms));
        add_paths(&mut own.undeclared, record.dropped);
        if record.ended_ms.is_none() && seen.open.len() < MAX_OPEN_RUNS {
            seen.open.insert(record.id);
        }
        Ok(())
    });
    read.map(|()| seen).map_err(|error| store_problem(&error).into())
}

fn count_entries(store: &dyn Store, window: Window, open: &BTreeSet<String>, observed: &mut Observed) -> Result<(), Failure> {
    let mut next = first_at(store, window.start_ms)?;
    loop {
        let page = store.audit(next, PAGE).map_err(|error| store_problem(&error))?;
        if page.is_empty() {
            return Ok(());
        }
        for line in &page {
            let entry = Entry::parse(next, line)?;
            if entry.moment_ms() >= window.end_ms {
                return Ok(());
            }
            next += 1;
            observed.entries += 1;
            match entry.kind.as_str() {
                "flow.intent" => delivered(entry, observed),
                "flow.denied" => denied(entry, open, observed),
                _ => {}
            }
        }
    }
}

fn delivered(entry: Entry, observed: &mut Observed) {
    let Some(flow) = entry.flow else { return };
    let own = observed.flows.entry(flow).or_default();
    own.is_cut |= entry.cut.fields > 0;
    own.fields.extend(entry.fields);
    own.categories.extend(entry.categories);
}

/// A manifest that was denied as a whole (E1xx without a flow) never came into force: that is no observation of what is processed.
fn denied(entry: Entry, open: &BTreeSet<String>, observed: &mut Observed) {
    let Some(code) = entry.code else { return };
    let own = match entry.flow {
        Some(flow) => observed.flows.entry(flow).or_default(),
        None if code.starts_with("HUB-E1") || code.starts_with("HUB-E0") => return,
        None => return add(&mut observed.elsewhere, code, 1),
    };
    if code == Code::E201.id() && !entry.counts.is_empty() {
        // The entry holds what its batch met first; the run's record holds the sums, once it has ended.
        if entry.run.is_some_and(|run| open.contains(&run)) {
            add_paths(&mut own.undeclared, entry.counts);
            add_paths(&mut own.undeclared, [(OTHER_PATHS.to_owned(), entry.cut.counted)]);
        }
        return;
    }
    let times = entry.counts.values().fold(0_u64, |sum, times| sum.saturating_add(*times)).max(1);
    add(&mut own.denials, code, times);
}

/// Adds counts of names from outside: so many names, the rest in one sum, as in a single run.
fn add_paths(sums: &mut BTreeMap<String, u64>, counts: impl IntoIterator<Item = (String, u64)>) {
    for (path, times) in counts.into_iter().filter(|(_, times)| *times > 0) {
        let is_full = sums.len() >= MAX_UNDECLARED_PATHS && !sums.contains_key(&path);
        add(sums, if is_full { OTHER_PATHS.to_owned() } else { path }, times);
    }
}

fn add(sums: &mut BTreeMap<String, u64>, name: String, times: u64) {
    let sum = sums.entry(name).or_default();
    *sum = sum.saturating_add(times);
}

/// Number of the first entry that is not older than a moment. Times in the log never go back, so that the way there can be halved.
pub(super) fn first_at(store: &dyn Store, moment_ms: u64) -> Result<u64, Failure> {
    let (mut from, mut to) = (oldest(store)?, store.head().map_err(|error| store_problem(&error))?.size);
    while from < to {
        let middle = from + (to - from) / 2;
        match entry(store, middle)? {
            Some(entry) if entry.moment_ms() < moment_ms => from = middle + 1,
            _ => to = middle,
        }
    }
    Ok(from)
}

/// Number of the first entry that is kept.
fn oldest(store: &dyn Store) -> Result<u64, Failure> {
    store.first().map_err(|error| store_problem(&error).into())
}

fn entry(store: &dyn Store, number: u64) -> Result<Option<Entry>, Failure> {
    let page = store.audit(number, 1).map_err(|error| store_problem(&error))?;
    page.first().map(|line| Entry::parse(number, line)).transpose()
}

/// What an entry of the log says, as far as it is counted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    ts: String,
    kind: String,
    run: Option<String>,
    flow: Option<String>,
    code: Option<String>,
    counts: BTreeMap<String, u64>,
    categories: BTreeSet<String>,
    fields: BTreeSet<String>,
    cut: Cut,
}

/// What an entry had no room for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cut {
    counted: u64,
    fields: u64,
}

impl Entry {
    fn parse(number: u64, line: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(line).map_err(|_| {
            let help = "keep the folder as evidence, look with `hub audit verify`, restore a backup";
            Problem::new(Code::E501, format!("audit entry {number} cannot be read"), help).into()
        })
    }

    fn moment_ms(&self) -> u64 {
        let moment = chrono::DateTime::parse_from_rfc3339(&self.ts).ok();
        moment.map_or(0, |moment| u64::try_from(moment.timestamp_millis()).unwrap_or(0))
    }
}

/// `2026-11-23 02:00 UTC`.
fn minute(moment_ms: u64) -> String {
    let whole = hub_core::audit::timestamp(moment_ms).replace('T', " ");
    format!("{} UTC", whole.get(..16).unwrap_or(&whole))
}

#[cfg(test)]
#[path = "observed_tests.rs"]
mod tests;
