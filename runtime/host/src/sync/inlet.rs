//! Where a flow's records leave the source guest: numbers batches, passes the gate, hands on. Waits while the destination is behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::future::BoxFuture;
use hub_core::gate::{FieldPlan, Reason, ScanReport};
use hub_core::policy::Deletes;
use hub_core::problem::{Code, Problem};
use hub_core::record::{Cursor, StreamId};
use hub_core::tell::trace::{Mark, Step};
use tokio::sync::{Mutex, mpsc};

use super::Meter;
use crate::capability::{Accepted, Inlet, Page, PageAccepted, Refused};
use crate::clock::Clock;
use crate::delivered::Withdrawn;
use crate::gate::{Delivery, Gate, Passed, Payload, Pending, Retraction};

/// What travels from the source's side to the destination's side, in order.
pub(super) enum Message {
    /// Records with their audit entry on its way.
    Batch(Pending),
    /// Keys of records whose consent was withdrawn, and where they are remembered.
    Retraction(Pending, Vec<Vec<u8>>),
    /// Everything before is covered by this state.
    Checkpoint(Cursor),
}

/// Sums over a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub accepted: u64,
    pub rejected: u64,
    pub undeclared: BTreeMap<String, u64>,
    /// Records that did not meet a condition.
    pub skipped: BTreeMap<Reason, u64>,
    /// Records that wait in the quarantine.
    pub held: u64,
    /// Hints at special categories, by field.
    pub suspected: BTreeMap<String, u64>,
    /// Records that the source reported as deleted and the flow leaves where they are.
    pub deletes_ignored: u64,
}

impl Totals {
    /// Records that the source handed over.
    pub fn read(&self) -> u64 {
        self.accepted + self.rejected + self.held + self.skipped.values().sum::<u64>()
    }
}

/// The inlet of one flow.
pub(super) struct FlowInlet {
    pub gate: Arc<Gate>,
    pub plan: FieldPlan,
    /// By which keys of deleted records pass; none where the flow does not delete.
    pub keys: Option<FieldPlan>,
    pub deletes: Deletes,
    /// Delivered records whose consent was withdrawn since.
    pub withdrawn: Vec<Withdrawn>,
    pub flow: Arc<str>,
    pub from: StreamId,
    pub to: StreamId,
    pub batches: AtomicU64,
    pub sender: Mutex<Option<mpsc::Sender<Message>>>,
    pub totals: Mutex<Totals>,
    pub meter: Arc<Meter>,
    pub limit: Option<u64>,
    /// More records than the flow ever had: it is paused (E213).
    pub most: Option<u64>,
    /// When what is known of the consent ledger is too old, in microseconds since 1970.
    pub stale_after: Option<u64>,
    pub clock: Arc<dyn Clock>,
    /// Set by the inlet when the limit is reached.
    pub cancelled: Arc<AtomicBool>,
}

/// Undeclared paths that a run keeps apart; the scanner keeps as many in one batch.
const MAX_PATHS: usize = 256;

/// Keys of one batch of retractions.
const RETRACTED_AT_ONCE: usize = 1000;

/// Released records of one batch.
const RELEASED_AT_ONCE: usize = 100;

impl FlowInlet {
    /// Ends the stream of messages: the destination's side sees the end after everything that was sent.
    pub async fn close(&self) {
        self.sender.lock().await.take();
    }

    async fn deliver(&self, stream: u32, payload: Payload) -> Result<Passed, Refused> {
        known(&self.gate, &self.from.system, stream).await?;
        if self.stale_after.is_some_and(|end| self.clock.now_us() > end) {
            let title = format!("flow `{}`: what is known of the consent ledger is older than `max_age`", self.flow);
            let problem = Problem::new(Code::E206, title, "run the flow again: a run reads the ledger first");
            return self.refused(problem).await;
        }
        let batch = self.batches.fetch_add(1, Ordering::Relaxed) + 1;
        let delivery = Delivery { flow: self.flow.clone(), from: self.from.clone(), to: self.to.clone(), batch, payload };
        let began_us = self.clock.now_us();
        let (pending, passed) = self.gate.pass(delivery, &self.plan).await.map_err(Refused)?;
        let ended_us = self.clock.now_us();
        self.meter.mark(Mark { step: Step::Judge, began_us, ended_us, records: u64::from(passed.report.accepted) });
        if let Some(read) = self.count(&passed.report).await {
            let title = format!("flow `{}` is paused: it has read {read} records, far more than in its earlier runs", self.flow);
            let help = format!("find out why; then `hub resume` with the manifest and `{}` lets it go on where it stopped", self.flow);
            return self.refused(Problem::new(Code::E213, title, help)).await;
        }
        if let Some(pending) = pending {
            self.send(Message::Batch(pending)).await?;
        }
        Ok(passed)
    }

    /// Adds up; answers with the sum if it is more than the flow may read.
    async fn count(&self, report: &ScanReport) -> Option<u64> {
        let mut totals = self.totals.lock().await;
        totals.accepted += u64::from(report.accepted);
        totals.rejected += rejected(report);
        for (path, count) in &report.undeclared {
            let kept = totals.undeclared.contains_key(path) || totals.undeclared.len() < MAX_PATHS;
            let name = if kept { path.as_str() } else { "…" };
            *totals.undeclared.entry(name.to_owned()).or_default() += count;
        }
        for (reason, count) in &report.skipped {
            *totals.skipped.entry(*reason).or_default() += u64::from(*count);
        }
        totals.held += report.held.len() as u64;
        for (place, count) in report.hints() {
            *totals.suspected.entry(place).or_default() += count;
        }
        self.meter.add_read(u64::from(report.accepted) + rejected(report));
        if self.limit.is_some_and(|limit| totals.accepted >= limit) {
            self.cancelled.store(true, Ordering::Relaxed);
        }
        let read = totals.read();
        self.most.is_some_and(|most| read > most).then_some(read)
    }

    /// Deletes what was delivered under a consent that was withdrawn since, before anything else happens.
    pub async fn retract(&self) -> Result<(), Refused> {
        for chunk in self.withdrawn.chunks(RETRACTED_AT_ONCE) {
            let retraction = Retraction {
                flow: self.flow.clone(),
                from: self.from.clone(),
                to: self.to.clone(),
                batch: self.batches.fetch_add(1, Ordering::Relaxed) + 1,
                ndjson: chunk.iter().flat_map(|one| one.key.bytes().chain(std::iter::once(b'\n'))).collect(),
                records: u32::try_from(chunk.len()).unwrap_or(u32::MAX),
            };
            let pending = self.gate.retract(retraction).await.map_err(Refused)?;
            self.send(Message::Retraction(pending, chunk.iter().map(|one| one.place.clone()).collect())).await?;
        }
        Ok(())
    }

    async fn delete(&self, stream: u32, keys: Vec<u8>) -> Result<Accepted, Refused> {
        known(&self.gate, &self.from.system, stream).await?;
        if self.deletes == Deletes::Ignored {
            let count = keys.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
            self.totals.lock().await.deletes_ignored += count as u64;
            return Ok(Accepted { rejected: u32::try_from(count).unwrap_or(u32::MAX), ..Accepted::default() });
        }
        let batch = self.batches.fetch_add(1, Ordering::Relaxed) + 1;
        let (flow, from, to) = (self.flow.clone(), self.from.clone(), self.to.clone());
        let delivery = Delivery { flow, from, to, batch, payload: Payload::Keys(keys) };
        // Without a plan of its own the gate refuses before it looks into the keys: nothing says that there are any.
        let (pending, passed) = self.gate.pass(delivery, self.keys.as_ref().unwrap_or(&self.plan)).await.map_err(Refused)?;
        let report = &passed.report;
        self.totals.lock().await.rejected += rejected(report) + report.held.len() as u64;
        if let Some(pending) = pending {
            self.send(Message::Batch(pending)).await?;
        }
        Ok(accepted(report))
    }

    /// Delivers records that people released, ahead of everything else.
    pub async fn redeliver(&self, records: &[(String, Vec<u8>)]) -> Result<(), Refused> {
        for chunk in records.chunks(RELEASED_AT_ONCE) {
            let lines: Vec<u8> = chunk.iter().flat_map(|(_, record)| record.iter().copied().chain(std::iter::once(b'\n'))).collect();
            self.deliver(0, Payload::Lines(lines)).await?;
        }
        Ok(())
    }

    async fn refused<T>(&self, problem: Problem) -> Result<T, Refused> {
        Err(Refused(self.gate.denied(&self.from.system, problem).await))
    }

    async fn send(&self, message: Message) -> Result<(), Refused> {
        let sender = self.sender.lock().await.clone();
        let sent = match sender {
            Some(sender) => sender.send(message).await.is_ok(),
            None => false,
        };
        // The destination's side has failed and keeps its own problem, which the run reports; this one only ends the guest.
        sent.then_some(()).ok_or_else(|| {
            let problem = Problem::new(Code::E311, format!("flow `{}`: the destination ended", self.flow), "see the destination's problem");
            Refused(Arc::new(problem))
        })
    }
}

impl Inlet for FlowInlet {
    fn batch(&self, stream: u32, ndjson: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        Box::pin(async move { Ok(accepted(&self.deliver(stream, Payload::Lines(ndjson)).await?.report)) })
    }

    fn deleted(&self, stream: u32, keys: Vec<u8>) -> BoxFuture<'_, Result<Accepted, Refused>> {
        Box::pin(self.delete(stream, keys))
    }

    fn is_observable(&self, field: &str) -> bool {
        self.plan.is_observable(field)
    }

    fn page(&self, stream: u32, page: Page) -> BoxFuture<'_, Result<PageAccepted, Refused>> {
        Box::pin(async move {
            let passed = self.deliver(stream, Payload::Page(page)).await?;
            let outcome = passed.page.unwrap_or_default();
            Ok(PageAccepted { accepted: accepted(&passed.report), extracted: outcome.extracted, observed: outcome.observed })
        })
    }

    fn checkpoint(&self, stream: u32, state: Cursor) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async move {
            known(&self.gate, &self.from.system, stream).await?;
            self.send(Message::Checkpoint(state)).await
        })
    }
}

/// One run serves one stream of a connector; every other index is a stream without a flow (E218).
pub(super) async fn known(gate: &Gate, system: &str, stream: u32) -> Result<(), Refused> {
    if stream == 0 {
        return Ok(());
    }
    let problem = Problem::new(
        Code::E218,
        format!("the connector of `{system}` emitted records of stream number {stream}, which no flow declares"),
        "declare a flow for the stream, or correct the connector",
    );
    Err(Refused(gate.denied(system, problem).await))
}

fn accepted(report: &ScanReport) -> Accepted {
    let skipped: u64 = report.skipped.values().map(|count| u64::from(*count)).sum();
    let rejected = u32::try_from(rejected(report) + skipped + report.held.len() as u64).unwrap_or(u32::MAX);
    Accepted { accepted: report.accepted, rejected, dropped_fields: report.dropped_fields }
}

fn rejected(report: &ScanReport) -> u64 {
    report.rejected.values().map(|count| u64::from(*count)).sum()
}
