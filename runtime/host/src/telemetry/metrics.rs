//! The numbers that Prometheus gets. Labels are ids of the manifest and codes, so their number is bounded by it.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use hub_core::problem::{Class, Code};
use hub_core::tell::{Run, State};
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::quarantine;
use crate::store::Store;
use crate::sync::{Meter, Summary};

type Labels = Vec<(&'static str, String)>;
type Seconds = Gauge<f64, AtomicU64>;
type Durations = Family<Labels, Histogram, fn() -> Histogram>;

/// Outcomes of runs, so that each has a number before the first of its kind.
const OUTCOMES: [&str; 4] = ["completed", "interrupted", "failed", "denied"];

/// All numbers of one process.
pub(super) struct Metrics {
    registry: Registry,
    store: Arc<dyn Store>,
    flows: Vec<String>,
    records: Family<Labels, Counter>,
    denials: Family<Labels, Counter>,
    runs: Family<Labels, Counter>,
    durations: Durations,
    running: Family<Labels, Gauge>,
    succeeded: Family<Labels, Seconds>,
    audit: Counter,
    breakers: Family<Labels, Gauge>,
    held: Family<Labels, Gauge>,
    told: Family<Labels, Counter>,
    live: Mutex<BTreeMap<String, Live>>,
}

/// A run under way, and what of it was counted.
struct Live {
    meter: Arc<Meter>,
    read: u64,
    written: u64,
    deleted: u64,
}

impl Metrics {
    /// Every flow has its numbers from the beginning: what never happened is 0, not absent.
    pub(super) fn new<'n>(
        store: Arc<dyn Store>,
        flows: impl Iterator<Item = &'n String>,
        systems: impl Iterator<Item = &'n String>,
    ) -> Self {
        let durations: Durations =
            Family::new_with_constructor(|| Histogram::new([0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0]));
        let mut all = Self {
            registry: Registry::with_prefix("hub"),
            store,
            flows: flows.cloned().collect(),
            records: Family::default(),
            denials: Family::default(),
            runs: Family::default(),
            durations,
            running: Family::default(),
            succeeded: Family::default(),
            audit: Counter::default(),
            breakers: Family::default(),
            held: Family::default(),
            told: Family::default(),
            live: Mutex::default(),
        };
        all.register();
        for flow in &all.flows {
            for operation in ["read", "written", "rejected", "skipped", "held", "deleted", "deletes-ignored"] {
                drop(all.records.get_or_create(&vec![("flow", flow.clone()), ("op", operation.to_owned())]));
            }
            for outcome in OUTCOMES {
                drop(all.runs.get_or_create(&vec![("flow", flow.clone()), ("outcome", outcome.to_owned())]));
            }
            drop(all.running.get_or_create(&of_flow(flow)));
            drop(all.held.get_or_create(&of_flow(flow)));
        }
        for system in systems {
            all.left_alone(system, false);
        }
        all
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("records", "Records of a flow, by what became of them", self.records.clone());
        registry.register("denials", "What a rule kept out: values, records or runs", self.denials.clone());
        registry.register("runs", "Runs that ended, by how", self.runs.clone());
        registry.register("run_duration_seconds", "From begin to end of a run", self.durations.clone());
        registry.register("running", "Runs under way", self.running.clone());
        registry.register("last_success_timestamp_seconds", "When a run last reached its end", self.succeeded.clone());
        registry.register("audit_entries", "Entries of the audit log", self.audit.clone());
        registry.register("breaker_open", "1 while a system is left alone after failures in a row", self.breakers.clone());
        registry.register("quarantine_records", "Records that wait for two people", self.held.clone());
        registry.register("told", "Messages to receivers, by what became of them", self.told.clone());
    }

    /// The page.
    pub(super) fn text(&self) -> String {
        {
            let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
            live.iter_mut().for_each(|(flow, run)| self.count(flow, run));
        }
        if let Ok(head) = self.store.head() {
            self.audit.inc_by(head.size.saturating_sub(self.audit.get()));
        }
        let mut text = String::new();
        // Writing into a text does not fail.
        let _ = prometheus_text::encode(&mut text, &self.registry);
        text
    }

    fn count(&self, flow: &str, run: &mut Live) {
        let (read, written, deleted) = (run.meter.read(), run.meter.written(), run.meter.deleted());
        self.add(flow, "read", read.saturating_sub(run.read));
        self.add(flow, "written", written.saturating_sub(run.written));
        self.add(flow, "deleted", deleted.saturating_sub(run.deleted));
        (run.read, run.written, run.deleted) = (run.read.max(read), run.written.max(written), run.deleted.max(deleted));
    }

    fn add(&self, flow: &str, operation: &str, count: u64) {
        self.records.get_or_create(&vec![("flow", flow.to_owned()), ("op", operation.to_owned())]).inc_by(count);
    }

    pub(super) fn begins(&self, flow: &str, meter: &Arc<Meter>) {
        self.running.get_or_create(&of_flow(flow)).set(1);
        let run = Live { meter: meter.clone(), read: 0, written: 0, deleted: 0 };
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(flow.to_owned(), run);
    }

    /// `summary`: none if the run could not begin.
    pub(super) fn ended(&self, run: &Run, summary: Option<&Summary>) {
        let flow = run.flow.as_str();
        self.running.get_or_create(&of_flow(flow)).set(0);
        let counted = self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(flow);
        let (read, written, deleted) = counted.map_or((0, 0, 0), |live| (live.read, live.written, live.deleted));
        self.add(flow, "read", run.read.saturating_sub(read));
        self.add(flow, "written", run.written.saturating_sub(written));
        if let Some(summary) = summary {
            self.add(flow, "rejected", summary.rejected);
            self.add(flow, "skipped", summary.skipped.values().sum());
            self.add(flow, "held", summary.held);
            self.add(flow, "deleted", summary.deleted.saturating_sub(deleted));
            self.add(flow, "deletes-ignored", summary.deletes_ignored);
            self.durations.get_or_create(&of_flow(flow)).observe(std::time::Duration::from_millis(summary.millis).as_secs_f64());
        }
        self.runs.get_or_create(&vec![("flow", flow.to_owned()), ("outcome", run.state.word().to_owned())]).inc();
        let ended_it = run.state.code().filter(|code| code.class() == Class::Policy && !run.denied.iter().any(|(known, _)| known == code));
        for (code, count) in ended_it.map(|code| (code, 1)).into_iter().chain(run.denied.iter().copied()) {
            self.denied(flow, code, count);
        }
        if run.state == State::Completed {
            self.succeeded(flow, run.ended_us / 1000);
        }
        self.look_at_the_quarantine();
    }

    fn denied(&self, flow: &str, code: Code, count: u64) {
        self.denials.get_or_create(&vec![("flow", flow.to_owned()), ("rule", code.id().to_owned())]).inc_by(count);
    }

    /// A run reached its end at this moment, in milliseconds since 1970.
    pub(super) fn succeeded(&self, flow: &str, ms: u64) {
        let seconds = std::time::Duration::from_millis(ms).as_secs_f64();
        self.succeeded.get_or_create(&of_flow(flow)).set(seconds);
    }

    pub(super) fn left_alone(&self, system: &str, is_left_alone: bool) {
        self.breakers.get_or_create(&vec![("system", system.to_owned())]).set(is_left_alone.into());
    }

    /// A message was `taken`, `given-up` or `left-out`; a signed head `taken` or `failed`.
    pub(super) fn told(&self, receiver: &str, outcome: &str) {
        self.told.get_or_create(&vec![("receiver", receiver.to_owned()), ("outcome", outcome.to_owned())]).inc();
    }

    pub(super) fn look_at_the_quarantine(&self) {
        let Ok(entries) = quarantine::entries(&*self.store) else { return };
        let mut waiting: BTreeMap<&str, i64> = BTreeMap::new();
        entries.iter().for_each(|(_, entry)| *waiting.entry(&entry.flow).or_default() += 1);
        for flow in &self.flows {
            self.held.get_or_create(&of_flow(flow)).set(waiting.get(flow.as_str()).copied().unwrap_or(0));
        }
    }
}

fn of_flow(flow: &str) -> Labels {
    vec![("flow", flow.to_owned())]
}
