//! The one thread that writes. Gathers transactions, applies them as one batch, makes them durable, answers.
//!
//! Invariants: batches are applied in the order of the calls; nobody is told `Sync` before fdatasync returned; any error of the disk ends the process,
//! since after a failed fsync the kernel may have dropped the pages and a second try would report success for them.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hub_core::audit::TreeHead;
use hub_core::audit::prune::kept;
use hub_core::audit::tree::Hash;
use tokio::sync::oneshot;

use super::anchor::Anchored;
use super::format::Head;
use super::layout::{self, AUDIT, HASHES, HEAD_KEY, NODES, PRUNED_VERSION, VERSION_KEY, Writes, broken, engine_error, numbered};
use super::sealing::{Moment, Sealer};
use super::{Durability, StoreError, TRANSACTION_LIMIT, Transaction, anchor, check, next_cut};

/// Most transactions in one batch.
const GROUP: usize = 512;
/// How long a batch waits for the callers that it last had.
const LINGER: Duration = Duration::from_millis(2);
/// When what is only lazily written goes to the disk: it must be there within a second.
const LAZY: Duration = Duration::from_millis(700);
/// When the anchor follows the log.
const ANCHOR_AFTER: Duration = Duration::from_secs(1);
/// After how many entries it follows at once.
const ANCHOR_ENTRIES: u64 = 256;

/// One call of `commit` or `prune`.
pub(super) struct Request {
    pub transaction: Transaction,
    /// The entry that names the cut of a pruning.
    pub prune: Option<u64>,
    pub durability: Durability,
    pub answer: oneshot::Sender<Result<u64, StoreError>>,
}

/// What readers see of the log.
#[derive(Clone)]
pub(super) struct Seen {
    pub head: TreeHead,
    /// Entries before this number were pruned.
    pub first: u64,
}

/// Held for writing while a batch is applied, so that no reader sees half of one.
pub(super) type Shared = Arc<RwLock<Seen>>;

/// The writer's state.
pub(super) struct Committer {
    pub database: ::sled::Db,
    /// An own descriptor of the engine's data file, for fdatasync: the engine's flush does not reach the device.
    pub data: File,
    pub folder: PathBuf,
    pub shared: Shared,
    pub sealer: Sealer,
    pub state: Hash,
    pub now: fn() -> Moment,
    /// Entries that the anchor counts.
    pub anchored: u64,
    /// Entries before this number were pruned.
    pub first: u64,
    /// Where a pruning ends that has begun, as the anchor has it.
    pub cut: u64,
    pub due: Due,
}

/// What is to be done without being asked, and until when.
#[derive(Default)]
pub(super) struct Due {
    durable: Option<Instant>,
    anchor: Option<Instant>,
    /// Callers that waited for the last batch to be durable: they are likely to come again at once.
    callers: usize,
}

/// Several transactions on their way into one batch.
struct Stage {
    sealer: Sealer,
    state: Hash,
    first: u64,
    writes: Writes,
    /// Values by key as they will be after the batch.
    values: Writes,
}

impl Committer {
    /// Works until every sender is gone; then everything is durable and anchored.
    pub fn run(mut self, requests: &Receiver<Request>) {
        let _fatal = AbortOnPanic;
        loop {
            match self.next(requests) {
                Ok(first) => {
                    let group = self.gather(first, requests);
                    self.commit(group);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.overdue(Instant::now());
        }
        self.make_durable();
        self.write_anchor();
    }

    fn next(&self, requests: &Receiver<Request>) -> Result<Request, RecvTimeoutError> {
        match self.due.durable.into_iter().chain(self.due.anchor).min() {
            Some(until) => requests.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Takes what waits already, and waits shortly for as many callers as waited for the last batch: one caller alone never waits for others.
    fn gather(&mut self, first: Request, requests: &Receiver<Request>) -> Vec<Request> {
        let until = Instant::now() + LINGER;
        let (mut bytes, mut waiting) = (weight(&first), waits(&first));
        let mut group = vec![first];
        while group.len() < GROUP && bytes < TRANSACTION_LIMIT {
            let next = match requests.try_recv() {
                Err(TryRecvError::Empty) if waiting > 0 && waiting < self.due.callers => {
                    requests.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
                }
                other => other.ok(),
            };
            let Some(next) = next else { break };
            bytes += weight(&next);
            waiting += waits(&next);
            group.push(next);
        }
        self.due.callers = waiting;
        group
    }

    fn commit(&mut self, group: Vec<Request>) {
        let (writes, values) = (Writes::new(), Writes::new());
        let mut stage = Stage { sealer: self.sealer.clone(), state: self.state, first: self.first, writes, values };
        let now = (self.now)();
        let mut answers = Vec::with_capacity(group.len());
        for request in group {
            let done = match request.prune {
                Some(by) => self.prune(&mut stage, by),
                None => self.add(&mut stage, &request.transaction, now),
            };
            answers.push((request.durability, request.answer, done));
        }
        self.apply(stage);
        // A caller that went away does not want its answer: what it asked for is done all the same.
        let (sync, lazy): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(durability, _, _)| *durability == Durability::Sync);
        for (_, answer, done) in lazy {
            let _ = answer.send(done);
        }
        if sync.is_empty() {
            self.due.durable.get_or_insert_with(|| Instant::now() + LAZY);
        } else {
            self.make_durable();
        }
        for (_, answer, done) in sync {
            let _ = answer.send(done);
        }
    }

    /// Adds a whole transaction to the stage, or nothing of it.
    fn add(&self, stage: &mut Stage, transaction: &Transaction, now: Moment) -> Result<u64, StoreError> {
        let mut sealer = stage.sealer.clone();
        let sealed = sealer.seal(&transaction.audit, now)?;
        let (mut state, mut writes, mut values) = (stage.state, Writes::new(), Writes::new());
        for put in &transaction.puts {
            let key = layout::value_key(put.namespace, &put.key);
            let old = match values.get(&key).or_else(|| stage.values.get(&key)) {
                Some(value) => value.clone(),
                None => layout::read_value(&self.database, &key)?,
            };
            for value in [old.as_deref(), put.value.as_deref()].into_iter().flatten() {
                layout::toggle(&mut state, &layout::fingerprint(&key, value));
            }
            layout::write_value(&mut writes, &key, old.as_deref(), put.value.as_deref());
            values.insert(key, put.value.clone());
        }
        for entry in sealed {
            writes.insert(numbered(AUDIT, entry.seq).to_vec(), Some(entry.bytes));
            writes.insert(numbered(HASHES, entry.seq).to_vec(), Some(entry.hashes));
        }
        stage.sealer = sealer;
        stage.state = state;
        stage.writes.extend(writes);
        stage.values.extend(values);
        Ok(stage.sealer.size())
    }

    /// Adds the next step of a pruning. **Invariant**: the entry that names the cut is on the disk, and the anchor says where it ends, before anything goes.
    fn prune(&mut self, stage: &mut Stage, by: u64) -> Result<u64, StoreError> {
        let entry = self.database.get(numbered(AUDIT, by)).map_err(engine_error)?;
        let root_at = |size| check::frontier(&self.database, self.first, size).map(|frontier| frontier.root());
        let to = next_cut(stage.first, by, entry.as_deref(), root_at)?;
        if to == stage.first {
            return Ok(to);
        }
        self.cut = self.cut.max(to);
        self.make_durable();
        self.anchor_now();
        for seq in stage.first..to {
            let hashes = self.database.get(numbered(HASHES, seq)).map_err(engine_error)?;
            let hashes = hashes.ok_or_else(|| broken("the stored hash of an audit entry is missing"))?;
            if let Some(nodes) = kept(&hashes) {
                stage.writes.insert(numbered(NODES, seq).to_vec(), Some(nodes.to_vec()));
            }
            stage.writes.insert(numbered(AUDIT, seq).to_vec(), None);
            stage.writes.insert(numbered(HASHES, seq).to_vec(), None);
        }
        stage.writes.insert(VERSION_KEY.to_vec(), Some(PRUNED_VERSION.to_be_bytes().to_vec()));
        stage.first = to;
        Ok(to)
    }

    fn apply(&mut self, stage: Stage) {
        if stage.writes.is_empty() {
            return;
        }
        let head = stage.sealer.head();
        let stored = Head { size: head.size, root: head.root, state: stage.state, last_ms: stage.sealer.last_ms(), first: stage.first };
        let mut batch = ::sled::Batch::default();
        batch.insert(HEAD_KEY, stored.encode());
        for (key, value) in stage.writes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.database.apply_batch(batch) {
            fatal("written", &error);
        }
        *shared = Seen { head, first: stage.first };
        drop(shared);
        self.sealer = stage.sealer;
        self.state = stage.state;
        self.first = stage.first;
        if self.sealer.size() > self.anchored {
            self.due.anchor.get_or_insert_with(|| Instant::now() + ANCHOR_AFTER);
        }
    }

    fn overdue(&mut self, now: Instant) {
        let anchor = self.due.anchor.is_some_and(|until| until <= now);
        if self.due.durable.is_some_and(|until| until <= now) {
            self.make_durable();
        }
        let behind = self.sealer.size() - self.anchored;
        if anchor || (behind >= ANCHOR_ENTRIES && self.due.durable.is_none()) {
            if self.due.durable.is_some() {
                self.make_durable();
            }
            self.write_anchor();
        }
    }

    /// The engine's flush hands its buffers to the kernel, fdatasync hands them to the device. Only both together are durable.
    fn make_durable(&mut self) {
        if let Err(error) = self.database.flush() {
            fatal("flushed", &error);
        }
        if let Err(error) = self.data.sync_data() {
            fatal("made durable", &error);
        }
        self.due.durable = None;
    }

    fn write_anchor(&mut self) {
        self.due.anchor = None;
        if self.sealer.size() == self.anchored {
            return;
        }
        self.anchor_now();
    }

    fn anchor_now(&mut self) {
        if let Err(error) = anchor::write(&self.folder, &Anchored { head: self.sealer.head(), cut: self.cut }) {
            fatal("anchored", &error);
        }
        self.anchored = self.sealer.size();
    }
}

fn waits(request: &Request) -> usize {
    usize::from(request.durability == Durability::Sync)
}

fn weight(request: &Request) -> usize {
    let values = request.transaction.puts.iter().map(|put| put.key.len() + put.value.as_ref().map_or(0, Vec::len));
    values.sum::<usize>() + 1_024 * request.transaction.audit.len()
}

/// Ends the process: what is in memory is no longer what is on disk. The next start recovers from the disk.
fn fatal(doing: &str, error: &dyn std::error::Error) -> ! {
    let line = format!("the store cannot be {doing}: {error}; ending at once, since nothing written from here on could be trusted");
    if tracing::dispatcher::has_been_set() {
        tracing::error!("{line}");
    } else {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    std::process::abort()
}

/// A panic of this thread must not leave callers waiting beside a half-applied batch.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            fatal("written", &std::io::Error::other("its thread panicked"));
        }
    }
}
