//! The destination's side of a run: waits for each batch's audit entry, writes it, remembers progress at checkpoints.
//!
//! Invariant: cursor and file positions are stored together and only after the destination made everything before them durable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_core::audit::{Draft, Kind, Outcome};
use hub_core::manifest::OnInvalid;
use hub_core::problem::{Code, Problem};
use hub_core::record::{Cursor, StreamId};
use hub_core::tell::trace::{Mark, Step};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::Meter;
use super::inlet::Message;
use crate::capability::sql::Databases;
use crate::clock::Clock;
use crate::crash::{Point, is_rehearsed, reach};
use crate::database::Failure;
use crate::delivered;
use crate::gate::{Checked, Gate, Verb};
use crate::plugin::abi::OpenSink;
use crate::plugin::{PluginError, WriteReport};
use crate::store::format::{PendingCommit, Progress};
use crate::store::{Durability, Namespace, Put, Store, Transaction};

/// A commit of a database costs the same for one record as for many: a checkpoint waits for those that follow so closely.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// One run's destination. `sink` is none in a dry run: everything is cleared, nothing is written.
pub(super) struct Outlet {
    pub gate: Arc<Gate>,
    /// The flow's source.
    pub from: StreamId,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub sink: Option<OpenSink>,
    pub progress: Progress,
    /// Cursor of the last checkpoint, which is on record unless it waits.
    pub reached: Option<Vec<u8>>,
    /// Until when a checkpoint waits for the database's commit.
    pub waits_until: Option<Instant>,
    /// Records were given to the destination since the last checkpoint: committed now, they would come twice after a crash.
    pub is_ahead: bool,
    pub committed: Instant,
    pub on_invalid: OnInvalid,
    pub meter: Arc<Meter>,
    /// Batches since the cursor became what it is: with it they name a batch in the same way when it is delivered again.
    pub since: u64,
    pub written: u64,
    pub deleted: u64,
    /// Those deleted records whose consent was withdrawn.
    pub retracted: u64,
    pub refused: u64,
}

impl Outlet {
    /// Takes messages until the source's side closes.
    pub async fn drain(&mut self, mut messages: mpsc::Receiver<Message>) -> Result<(), Arc<Problem>> {
        loop {
            let next = match self.waits_until.filter(|_| !self.is_ahead) {
                Some(end) => tokio::time::timeout_at(end.into(), messages.recv()).await,
                None => Ok(messages.recv().await),
            };
            let Ok(next) = next else {
                self.catch_up().await?;
                continue;
            };
            let Some(message) = next else { return Ok(()) };
            match message {
                Message::Batch(pending) => {
                    let key = self.idempotency_key();
                    self.since += 1;
                    self.give(key, pending.cleared().await?.into_inner()).await.map(drop)?;
                }
                Message::Retraction(pending, places) => self.retract(pending.cleared().await?.into_inner(), places).await?,
                Message::Checkpoint(state) => self.checkpoint(state).await?,
            }
        }
    }

    /// The source was read to its end: the destination finishes too.
    pub async fn finish(&mut self) -> Result<(), Arc<Problem>> {
        let (flow, system) = (self.gate.context().flow.clone(), self.system());
        self.announce().await?;
        if let Some(open) = &mut self.sink {
            open.sink.finish(0).await.map_err(|error| Arc::new(plugin_problem(&flow, &system, &error)))?;
            self.progress.positions = open.positions.committed();
        }
        self.commit().await?;
        self.progress.cursor.clone_from(&self.reached);
        reach(Point::Finished);
        Ok(())
    }

    /// Id of the system that it writes into.
    fn system(&self) -> String {
        self.gate.context().recipient.split('.').next().unwrap_or_default().to_owned()
    }

    /// What is deleted because a consent was withdrawn is forgotten as soon as the destination has made that durable.
    async fn retract(&mut self, checked: Checked, places: Vec<Vec<u8>>) -> Result<(), Arc<Problem>> {
        let key = self.key_of_its_own(checked.batch);
        let failed = self.give(key, checked).await?;
        self.retracted += (places.len() as u64).saturating_sub(failed);
        if self.sink.is_none() {
            return Ok(());
        }
        self.make_durable().await?;
        if failed == 0 {
            let puts = places.into_iter().map(delivered::gone).collect();
            drop(self.store.commit(Transaction { puts, audit: Vec::new() }, Durability::Lazy));
        }
        Ok(())
    }

    /// Writes or deletes. Answers with the number of records that the destination refused.
    async fn give(&mut self, key: String, checked: Checked) -> Result<u64, Arc<Problem>> {
        let (flow, system) = (self.gate.context().flow.clone(), self.system());
        self.is_ahead = true;
        let Some(open) = &mut self.sink else {
            self.count(checked.verb, checked.records);
            return Ok(0);
        };
        self.gate.still_holds(&checked.to, &self.from).await?;
        reach(Point::Intent);
        let began_us = self.clock.now_us();
        let called = match checked.verb {
            Verb::Write => open.sink.write(0, key, checked.ndjson),
            Verb::Delete => open.sink.delete(0, key, checked.ndjson),
        };
        let report = called.await.map_err(|error| Arc::new(plugin_problem(&flow, &system, &error)))?;
        reach(Point::Written);
        let failed = u64::try_from(report.failed.len()).unwrap_or(u64::MAX);
        contradiction(&report, checked.records).map_or(Ok(()), |what| Err(Arc::new(disbelieved(&flow, checked.batch, &what))))?;
        self.count(checked.verb, report.written);
        self.refused += failed;
        let ended_us = self.clock.now_us();
        self.meter.mark(Mark { step: Step::Deliver, began_us, ended_us, records: u64::from(report.written) });
        let result = Draft {
            batch: Some(checked.batch),
            records: Some(u64::from(report.written)),
            outcome: Some(if failed == 0 { Outcome::Completed } else { Outcome::Partial }),
            ..self.gate.context().draft(if checked.verb == Verb::Write { Kind::FlowResult } else { Kind::FlowDeleted })
        };
        // Lazy: order is kept, so the next intent makes it durable; nothing waits for it.
        drop(self.store.commit(Transaction { puts: Vec::new(), audit: vec![result] }, Durability::Lazy));
        reach(Point::Result);
        match report.failed.first() {
            Some(first) if self.on_invalid == OnInvalid::Stop => {
                let row = first.row + 1;
                let what = if checked.verb == Verb::Write { "refused" } else { "refused to delete" };
                let title = format!(
                    "flow `{flow}`, batch {}: the destination {what} {failed} records, the first is number {row}: {}",
                    checked.batch, first.code
                );
                Err(Arc::new(Problem::new(
                    Code::E311,
                    title,
                    "correct the records at their source, or set `on_invalid = \"skip\"` in the flow",
                )))
            }
            _ => Ok(failed),
        }
    }

    fn count(&mut self, verb: Verb, records: u32) {
        let records = u64::from(records);
        match verb {
            Verb::Write => {
                self.written += records;
                self.meter.add_written(records);
            }
            Verb::Delete => {
                self.deleted += records;
                self.meter.add_deleted(records);
            }
        }
    }

    async fn checkpoint(&mut self, state: Cursor) -> Result<(), Arc<Problem>> {
        self.since = counted_on(self.reached.as_deref(), state.as_bytes(), self.since);
        self.reached = Some(state.as_bytes().to_vec());
        self.is_ahead = false;
        self.waits_until = self.waits_until.or(Some(self.committed + COMMIT_EVERY));
        if self.commits().await && !is_rehearsed() && self.waits_until.is_some_and(|end| Instant::now() < end) {
            return Ok(());
        }
        self.catch_up().await
    }

    /// Makes the last checkpoint durable if it waits and nothing has come since.
    pub async fn catch_up(&mut self) -> Result<(), Arc<Problem>> {
        if self.waits_until.is_none() || self.is_ahead {
            return Ok(());
        }
        self.make_durable().await?;
        self.progress.cursor.clone_from(&self.reached);
        let Some(open) = &self.sink else { return Ok(()) };
        self.progress.positions = open.positions.committed();
        let key = self.gate.context().flow.clone().into_bytes();
        let put = Put { namespace: Namespace::Progress, key, value: Some(self.progress.encode()) };
        let entry = self.gate.context().draft(Kind::FlowCheckpoint);
        drop(self.store.commit(Transaction { puts: vec![put], audit: vec![entry] }, Durability::Lazy));
        reach(Point::Checkpoint);
        Ok(())
    }

    /// Whether it is a database that makes things durable.
    fn commits(&self) -> impl Future<Output = bool> + Send + use<> {
        let databases = self.databases();
        async move {
            match databases {
                Some(databases) => databases.is_in_use().await,
                None => false,
            }
        }
    }

    fn databases(&self) -> Option<Arc<Databases>> {
        self.sink.as_ref().map(|open| Arc::clone(&open.databases))
    }

    /// The destination flushes, and its database commits: then the flow stands where it was reached.
    async fn make_durable(&mut self) -> Result<(), Arc<Problem>> {
        self.announce().await?;
        let (flow, system) = (self.gate.context().flow.clone(), self.system());
        if let Some(open) = &mut self.sink {
            open.sink.flush(0).await.map_err(|error| Arc::new(plugin_problem(&flow, &system, &error)))?;
            reach(Point::Flushed);
        }
        self.commit().await?;
        self.is_ahead = false;
        Ok(())
    }

    /// Before a database commits, it is on record by which word the next run knows that it has, and where the flow stands then.
    async fn announce(&mut self) -> Result<(), Arc<Problem>> {
        self.waits_until = None;
        if !self.commits().await {
            return Ok(());
        }
        self.progress.pending = Some(PendingCommit { token: ulid::Ulid::new().to_string(), cursor: self.reached.clone() });
        let key = self.gate.context().flow.clone().into_bytes();
        let put = Put { namespace: Namespace::Progress, key, value: Some(self.progress.encode()) };
        let transaction = Transaction { puts: vec![put], audit: Vec::new() };
        self.store.commit(transaction, Durability::Sync).await.map_err(|error| Arc::new(super::flow::store_problem(&error)))?;
        reach(Point::Announced);
        Ok(())
    }

    /// Commits what the database holds since the last commit, with the word that was announced. If this fails, the next run finds out.
    async fn commit(&mut self) -> Result<(), Arc<Problem>> {
        let (Some(databases), Some(pending)) = (self.databases(), &self.progress.pending) else { return Ok(()) };
        let flow = &self.gate.context().flow;
        let committed = databases.commit(flow, &pending.token).await;
        committed.map_err(|failure| Arc::new(database_problem(flow, &self.system(), &failure)))?;
        reach(Point::Committed);
        self.progress.pending = None;
        self.committed = Instant::now();
        Ok(())
    }

    /// The same for the same batch after a crash: the cursor that it follows, and its number behind that.
    fn idempotency_key(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.gate.context().flow.as_bytes());
        hash.update([0]);
        hash.update(self.reached.as_deref().unwrap_or_default());
        hash.update([0]);
        hash.update(self.since.to_be_bytes());
        name_of(hash)
    }

    /// What does not come from the source has no place behind the cursor: counted there, it would shift the names of batches when they are delivered
    /// again. Another run retracts anew, which changes nothing.
    fn key_of_its_own(&self, batch: u64) -> String {
        let context = self.gate.context();
        let mut hash = Sha256::new();
        for part in [context.flow.as_bytes(), context.run.as_bytes(), b"retraction"] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(batch.to_be_bytes());
        name_of(hash)
    }
}

/// The name of a batch for the destination.
fn name_of(hash: Sha256) -> String {
    data_encoding::HEXLOWER.encode(hash.finalize().get(..16).unwrap_or_default())
}

/// A source may checkpoint the same cursor twice: many records of one second. Counting anew would give two batches one key, and the destination would take the
/// second for the first.
fn counted_on(before: Option<&[u8]>, cursor: &[u8], since: u64) -> u64 {
    if before == Some(cursor) { since } else { 0 }
}

/// A destination's report must account for every record of the batch, once.
fn contradiction(report: &WriteReport, sent: u32) -> Option<String> {
    let failed = report.failed.len();
    let told = u64::from(report.written) + failed as u64;
    let rows: std::collections::BTreeSet<u32> = report.failed.iter().map(|failure| failure.row).collect();
    if told != u64::from(sent) {
        return Some(format!("it reports {} written and {failed} refused of {sent} records", report.written));
    }
    (rows.len() != failed || rows.iter().any(|row| *row >= sent)).then(|| "it refuses records that are not in the batch".to_owned())
}

fn disbelieved(flow: &str, batch: u64, what: &str) -> Problem {
    let title = format!("flow `{flow}`, batch {batch}: the destination's report contradicts the batch: {what}");
    Problem::new(
        Code::E311,
        title,
        "the connector has a fault: report it to its author; nothing after the last checkpoint counts as delivered",
    )
}

/// A database did not do what the host itself wanted of it.
pub(super) fn database_problem(flow: &str, system: &str, failure: &Failure) -> Problem {
    let title = format!("flow `{flow}`: the database of system `{system}` failed: {} ({})", failure.message, failure.code);
    let help = "see that the server runs and what the role may do; nothing after the last checkpoint counts as delivered";
    let problem = Problem::new(Code::E322, title, help);
    if failure.passing { problem.passing(system, None) } else { problem }
}

/// What a connector's error means for a flow; `system` is the one that it serves. A refusal that the guest ran into keeps its remedy and its places.
pub(super) fn plugin_problem(flow: &str, system: &str, error: &PluginError) -> Problem {
    if let Some(refusal) = &error.refusal {
        let title = format!("flow `{flow}`: connector `{}`: {}", error.connector, error.message);
        return Problem { title, ..Problem::clone(refusal) };
    }
    let help = match error.code {
        Code::E301 => "the connector has a fault: report it to its author; nothing after the last checkpoint was kept",
        Code::E302 => "raise `limits` of the system if the work is honest, or report the connector",
        Code::E307 => "see the message; run again when the system answers",
        _ => "see `hub explain` for the code",
    };
    let problem = Problem::new(error.code, format!("flow `{flow}`: connector `{}`: {}", error.connector, error.message), help);
    // A guest that ran into a refusal has its code, and cannot make it pass by calling it temporary.
    let after_ms = error.retry_after_ms.filter(|_| error.code == Code::E307);
    let problem = match after_ms {
        Some(after_ms) => problem.passing(system, after_ms),
        None => problem,
    };
    match &error.frame {
        Some(frame) => problem.note(format!("in the guest's function `{frame}`")),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, WriteReport, contradiction, counted_on, disbelieved};
    use crate::plugin::RowFailure;

    fn report(written: u32, rows: &[u32]) -> WriteReport {
        WriteReport { written, failed: rows.iter().map(|row| RowFailure { row: *row, code: "no".to_owned() }).collect() }
    }

    #[test]
    fn batches_behind_the_same_cursor_are_counted_on() {
        assert_eq!(counted_on(None, b"a", 3), 0);
        assert_eq!(counted_on(Some(b"a"), b"b", 3), 0);
        assert_eq!(counted_on(Some(b"a"), b"a", 3), 3);
    }

    #[test]
    fn a_report_accounts_for_every_record_once() {
        for right in [report(5, &[]), report(3, &[0, 4]), report(0, &[0, 1, 2, 3, 4])] {
            assert_eq!(contradiction(&right, 5), None, "{right:?}");
        }
        for wrong in [report(4, &[]), report(6, &[]), report(5, &[1]), report(3, &[1, 1]), report(4, &[5]), report(u32::MAX, &[])] {
            let what = contradiction(&wrong, 5).unwrap_or_default();
            assert_eq!(disbelieved("f", 1, &what).code, Code::E311, "{wrong:?}");
            assert!(!what.is_empty(), "{wrong:?}");
        }
    }
}
