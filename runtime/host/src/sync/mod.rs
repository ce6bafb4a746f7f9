//! Runs flows: what one run needs, what it tells, and in which order flows run. The way of one batch is `flow`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hub_core::policy::Policy;
use hub_core::problem::Problem;
use hub_core::tell::trace::Mark;

use crate::clock::Clock;
use crate::config::Config;
use crate::egress::Lookup;
use crate::plugin::package::{Compiler, Package, Workshop};
use crate::store::Store;

mod capability;
mod consult;
pub mod flow;
pub mod held;
mod initial_state;
mod inlet;
mod ledger;
mod outlet;
pub mod schedule;
mod secrets;
mod volume;

pub use capability::{accept, activate};

/// Components by system id.
pub type Packages = BTreeMap<String, Arc<Package>>;

/// What every run of a process shares.
#[derive(Clone)]
pub struct Host {
    /// What may happen.
    pub policy: Arc<Policy>,
    /// Components of the manifest's systems.
    pub packages: Packages,
    /// What must survive.
    pub store: Arc<dyn Store>,
    /// Where things are.
    pub config: Config,
    /// Set when the process is asked to end: guests finish at their next checkpoint.
    pub stopping: Arc<AtomicBool>,
    /// How names become addresses.
    pub lookup: Arc<dyn Lookup>,
    /// What time it is for guests, and how they wait.
    pub clock: Arc<dyn Clock>,
}

impl Host {
    /// Where components are compiled.
    #[must_use]
    pub fn workshop(&self) -> Workshop {
        Workshop {
            cache: self.config.data.join("cache"),
            ledger: Arc::new(ledger::StoreLedger(self.store.clone())),
            compiler: Compiler::Child(self.config.program.clone()),
        }
    }
}

/// How a run differs from the plain one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Everything is read and judged, nothing is written or remembered.
    pub dry_run: bool,
    /// End after about so many records.
    pub limit: Option<u64>,
}

/// How a run went. Counts and names only.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Run id.
    pub run: String,
    /// Flow id.
    pub flow: String,
    /// Records that the source handed over.
    pub read: u64,
    /// Records that the destination took.
    pub written: u64,
    /// Records left out by the flow's rules.
    pub rejected: u64,
    /// Undeclared fields that were dropped, by path.
    pub undeclared: BTreeMap<String, u64>,
    /// Records that did not meet a condition, by its name.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Records that wait in the quarantine.
    pub held: u64,
    /// Hints at special categories, by field and kind.
    pub suspected: BTreeMap<String, u64>,
    /// Records that the destination deleted.
    pub deleted: u64,
    /// Those of them whose consent was withdrawn.
    pub retracted: u64,
    /// Records that the source reported as deleted and the flow leaves where they are.
    pub deletes_ignored: u64,
    /// Milliseconds from begin to end.
    pub millis: u64,
    /// Why it did not reach its end.
    pub problem: Option<Arc<Problem>>,
    /// It ended early because the process was asked to end.
    pub interrupted: bool,
}

/// Parts of a run that are kept apart; of further ones the number is kept.
const MAX_MARKS: usize = 512;

/// One run as those see it who watch: its id, live counts, and how long its parts took.
#[derive(Debug)]
pub struct Meter {
    run: ulid::Ulid,
    read: AtomicU64,
    written: AtomicU64,
    deleted: AtomicU64,
    marks: Mutex<Vec<Mark>>,
    left_out: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        let run = ulid::Ulid::from_datetime(std::time::UNIX_EPOCH + Duration::from_millis(crate::clock::now_ms()));
        Self {
            run,
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
            deleted: AtomicU64::new(0),
            marks: Mutex::default(),
            left_out: AtomicU64::new(0),
        }
    }
}

impl Meter {
    /// The run's id.
    #[must_use]
    pub fn run(&self) -> ulid::Ulid {
        self.run
    }

    /// Parts of the run so far, and the number of those that there was no room for.
    #[must_use]
    pub fn marks(&self) -> (Vec<Mark>, u64) {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (marks, self.left_out.load(Ordering::Relaxed))
    }

    fn mark(&self, mark: Mark) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.len() < MAX_MARKS {
            marks.push(mark);
        } else {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records read so far.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Records written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Records deleted so far.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        self.deleted.load(Ordering::Relaxed)
    }

    fn add_deleted(&self, count: u64) {
        self.deleted.fetch_add(count, Ordering::Relaxed);
    }

    fn add_read(&self, count: u64) {
        self.read.fetch_add(count, Ordering::Relaxed);
    }

    fn add_written(&self, count: u64) {
        self.written.fetch_add(count, Ordering::Relaxed);
    }
}
