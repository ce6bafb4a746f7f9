//! Tells who watches how runs go: numbers for Prometheus, lineage, traces, alerts, and signed heads of the log for whoever keeps them. What is told is
//! `hub_core::tell`'s; who may be told, the gate's.
//!
//! Invariant: nothing here stops a run once it has begun. It sees summaries, codes and counts, never a record.

mod alerts;
mod anchors;
mod book;
mod courier;
mod metrics;
mod page;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use hub_core::gate::Reason;
use hub_core::manifest::{Alert, Lineage, Receiver};
use hub_core::policy::Policy;
use hub_core::problem::{Code, Problem};
use hub_core::tell::event::{self, Message};
use hub_core::tell::{Run, State, lineage, trace};
use serde_json::Value;
use zeroize::Zeroizing;

use alerts::Alerts;
use anchors::{Anchors, Shared};
pub use book::{Book, reached};
pub use courier::Courier;
use courier::Outbox;
use metrics::Metrics;
use page::Page;

use crate::clock::Clock;
use crate::gate::{Gate, RunContext};
use crate::place::beside;
use crate::store::format::{RunOutcome, RunRecord};
use crate::store::{self, Namespace, Store};
use crate::sync::schedule::Watcher;
use crate::sync::{Host, Meter, Summary};

/// How long the end of the process waits for receivers.
const PATIENCE: Duration = Duration::from_secs(10);
const JSON: &str = "application/json";

/// Everybody who is told something.
pub struct Telemetry {
    policy: Arc<Policy>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    page: Option<Page>,
    file: Option<Mutex<File>>,
    lineage: Option<Outbox>,
    traces: Option<Outbox>,
    alerts: Arc<Alerts>,
    anchors: Anchors,
    running: Mutex<BTreeMap<String, (Arc<Meter>, u64)>>,
}

/// A gate for what is told: it belongs to no run.
#[must_use]
pub fn gate(host: &Host) -> Arc<Gate> {
    let context = RunContext { manifest_digest: host.policy.manifest().digest.clone(), ..RunContext::default() };
    Arc::new(Gate::new(host.policy.clone(), host.store.clone(), context, host.clock.clone()))
}

/// The way to an alert's receiver.
///
/// # Errors
/// E312 if its secret or its token cannot be read.
pub fn to_alert(host: &Host, gate: &Arc<Gate>, alert: &Alert) -> Result<Courier, Problem> {
    let sources = &host.policy.manifest().sources;
    let secret = crate::egress::read_secret(sources, alert.secret.span, &alert.secret.value).map_err(|reason| {
        let title = format!("alert `{}` cannot be signed: its secret cannot be read: {reason}", alert.id.value);
        Problem::new(Code::E312, title, "put the secret where the manifest says, then run again").at(alert.secret.span, "its place")
    })?;
    Courier::new(host, gate, &alert.receiver, event::CONTENT_TYPE, Some(Zeroizing::new(event::key(&secret))))
}

impl Telemetry {
    /// Listens, opens files and puts every receiver on record. `source`: which hub this is.
    ///
    /// # Errors
    /// E315 for a port or file that cannot be had, E312 for a secret, E502 or E507 for an anchor of another log, the gate's refusal.
    pub async fn start(host: &Host, source: String) -> Result<Self, Problem> {
        let manifest = host.policy.manifest();
        let metrics = Arc::new(Metrics::new(host.store.clone(), manifest.flows.keys(), manifest.systems.keys()));
        let observe = manifest.observe.as_ref();
        let page = match observe.and_then(|observe| observe.metrics.as_ref()) {
            Some(address) => {
                past(&*host.store, &metrics);
                Some(Page::open(address.value, metrics.clone()).await.map_err(|problem| problem.at(address.span, "declared here"))?)
            }
            None => None,
        };
        let gate = gate(host);
        let book = Arc::new(Book::new(host.store.clone(), host.clock.clone()));
        let plain = async |receiver: &Receiver| started(Courier::new(host, &gate, receiver, JSON, None)?, &metrics, &book).await;
        let (file, lineage) = match observe.and_then(|observe| observe.lineage.as_ref()) {
            Some(Lineage::File(file)) => (Some(Mutex::new(append_to(host, file)?)), None),
            Some(Lineage::Server(receiver)) => (None, Some(plain(receiver).await?)),
            None => (None, None),
        };
        let traces = match observe.and_then(|observe| observe.otlp.as_ref()) {
            Some(receiver) => Some(plain(receiver).await?),
            None => None,
        };
        let mut outboxes = BTreeMap::new();
        for (id, alert) in &manifest.alerts {
            outboxes.insert(id.clone(), started(to_alert(host, &gate, alert)?, &metrics, &book).await?);
        }
        let (policy, store, clock) = (host.policy.clone(), host.store.clone(), host.clock.clone());
        let alerts = Arc::new(Alerts { policy: policy.clone(), clock: clock.clone(), source, outboxes });
        let (config, metrics_too) = (host.config.clone(), metrics.clone());
        let shared = Shared { config, store: store.clone(), clock: clock.clone(), book, alerts: alerts.clone(), metrics: metrics_too };
        let anchors = Anchors::start(host, &gate, &Arc::new(shared)).await?;
        Ok(Self { policy, store, clock, metrics, page, file, lineage, traces, alerts, anchors, running: Mutex::default() })
    }

    /// Gives away what is due, waits for receivers a little, then lets go.
    pub async fn finish(self) {
        self.anchors.finish().await;
        // The keepers of anchors have ended: nobody else holds them.
        let alerts = Arc::into_inner(self.alerts).map(|alerts| alerts.outboxes).unwrap_or_default();
        let outboxes = self.lineage.into_iter().chain(self.traces).chain(alerts.into_values());
        futures::future::join_all(outboxes.map(|outbox| outbox.close(PATIENCE))).await;
        drop(self.page);
    }

    /// What the summary, or the reason for which there is none, comes to.
    fn facts(&self, flow: &str, meter: &Meter, began_us: u64, result: Option<&Result<Summary, Arc<Problem>>>) -> Run {
        let mut run = Run {
            id: meter.run().to_string(),
            number: meter.run().0,
            flow: flow.to_owned(),
            began_us,
            ended_us: self.clock.now_us(),
            audit_entries: self.store.head().map_or(0, |head| head.size),
            ..Run::default()
        };
        match result {
            None => run.ended_us = began_us,
            Some(Err(problem)) => {
                // It has no record of its own.
                run.id = String::new();
                run.state = State::Failed(problem.code);
            }
            Some(Ok(summary)) => {
                run.state = match (&summary.problem, summary.interrupted) {
                    (Some(problem), _) => State::Failed(problem.code),
                    (None, true) => State::Interrupted,
                    (None, false) => State::Completed,
                };
                (run.read, run.written, run.deleted) = (summary.read, summary.written, summary.deleted);
                run.denied = denied(summary);
            }
        }
        run
    }

    fn lineage(&self, run: &Run) {
        if self.file.is_none() && self.lineage.is_none() {
            return;
        }
        let Some(event) = lineage::event(&self.policy, run) else { return };
        if let Some(file) = &self.file {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.write_all(format!("{event}\n").as_bytes()) {
                tracing::error!(flow = run.flow, "HUB-E315 lineage could not be written: {error}");
            }
        }
        if let Some(outbox) = &self.lineage {
            outbox.put(message(&event));
        }
    }

    fn alert(&self, run: &Run) {
        for (event, data) in event::of_run(run) {
            self.alerts.tell(event, Some(&run.flow), &data);
        }
    }
}

impl Watcher for Telemetry {
    fn begins(&self, flow: &str, meter: &Arc<Meter>) {
        self.metrics.begins(flow, meter);
        let began_us = self.clock.now_us();
        self.lineage(&self.facts(flow, meter, began_us, None));
        tracing::info!(flow, run = %meter.run(), "a run begins");
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(flow.to_owned(), (meter.clone(), began_us));
    }

    fn ended(&self, flow: &str, result: &Result<Summary, Arc<Problem>>) {
        self.anchors.ran();
        let Some((meter, began_us)) = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(flow) else { return };
        let run = self.facts(flow, &meter, began_us, Some(result));
        self.metrics.ended(&run, result.as_ref().ok());
        let code = run.state.code().map_or("", Code::id);
        tracing::info!(flow, run = %meter.run(), outcome = run.state.word(), code, read = run.read, written = run.written, "a run ended");
        self.lineage(&run);
        self.alert(&run);
        if let Some(outbox) = &self.traces {
            let (marks, left_out) = meter.marks();
            if let Some(trace) = trace::trace(&self.policy, &run, &marks, left_out) {
                outbox.put(message(&trace));
            }
        }
    }

    fn waits(&self, _: &str, _: DateTime<Utc>) {}

    fn left_alone(&self, system: &str, is_left_alone: bool) {
        self.metrics.left_alone(system, is_left_alone);
    }
}

/// An id that no other message has.
#[must_use]
pub fn new_id(us: u64) -> String {
    ulid::Ulid::from_datetime(std::time::UNIX_EPOCH + Duration::from_micros(us)).to_string()
}

fn message(document: &Value) -> Message {
    Message { id: String::new(), body: document.to_string().into_bytes() }
}

async fn started(courier: Courier, metrics: &Arc<Metrics>, book: &Arc<Book>) -> Result<Outbox, Problem> {
    courier.permit().await.map_err(Arc::unwrap_or_clone)?;
    Ok(courier.start(metrics.clone(), book.clone()))
}

fn append_to(host: &Host, file: &hub_core::problem::Spanned<String>) -> Result<File, Problem> {
    let path = beside(&host.policy.manifest().sources, file.span, &file.value);
    File::options().create(true).append(true).open(&path).map_err(|error| {
        let help = "make its folder, or correct the permissions";
        Problem::new(Code::E315, format!("lineage cannot be written to `{}`: {error}", file.value), help).at(file.span, "declared here")
    })
}

/// When each flow last reached its end, from the history: a hub that has just started would look like one that never worked.
fn past(store: &dyn Store, metrics: &Metrics) {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let read = store::each(store, Namespace::Runs, None, |_, value| {
        let record = RunRecord::decode(value)?;
        if let (RunOutcome::Completed, Some(ended)) = (record.outcome, record.ended_ms) {
            let known = last.entry(record.flow).or_default();
            *known = ended.max(*known);
        }
        Ok(())
    });
    if let Err(error) = read {
        tracing::warn!("the history of runs cannot be read: {error}");
    }
    last.iter().for_each(|(flow, ended)| metrics.succeeded(flow, *ended));
    metrics.look_at_the_quarantine();
}

/// What rules kept out of a run, by code. Paths stay behind: one that nobody declared may hold something of a record.
fn denied(summary: &Summary) -> Vec<(Code, u64)> {
    let mut all: BTreeMap<Code, u64> = BTreeMap::new();
    let mut add = |code: Code, count: u64| *all.entry(code).or_default() += count;
    add(Code::E201, summary.undeclared.values().sum());
    add(Code::E203, summary.suspected.values().sum());
    for reason in Reason::ALL {
        if let (Some(code), Some(count)) = (reason.code(), summary.skipped.get(reason.name())) {
            add(code, *count);
        }
    }
    all.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests;
