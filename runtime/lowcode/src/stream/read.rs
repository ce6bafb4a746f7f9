//! One stream from its state to its end: a window of slices under way at the same time, their effects in the slices' order, states in between.
//! Builds no request and keeps no position (`retrieve` and `slice` do).

use std::collections::VecDeque;

use crate::fault::Failure;
use crate::host::{FetchError, Host, Pending};
use crate::reading::world::World;
use crate::reading::{Reading, Work};
use crate::retrieve::system;
use crate::retrieve::{Page, Step, Walk};
use crate::slice::Judge;
use crate::slice::cursor::{Greatest, Progress};

/// Failures of single slices that are told at most.
const TOLD_FAILURES: usize = 100;
/// So many partitions make a state that is not written after each slice.
const SMALL_STATE: usize = 100;
/// Microseconds between the states of many partitions.
const STATE_PAUSE: i64 = 60_000_000;

/// What became of a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Slices that were read to their end.
    pub slices: u64,
    /// Records that entered the engine and left it.
    pub records: u64,
    /// Records that went to the gate without entering the engine.
    pub blind_records: u64,
    /// Why slices were not read to their end; one for each, as far as they are told.
    pub failures: Vec<Failure>,
}

/// A slice under way.
struct Slot {
    work: Work,
    walk: Walk,
    begun: Begun,
    failed: Option<Failure>,
    greatest: Greatest,
}

/// What a slice was about to do when it was left.
enum Begun {
    Nothing,
    Waits(f64),
    Paces(f64),
    Sent(Box<dyn Pending>),
}

/// One run over one stream.
pub struct Run<'r, 'h> {
    /// The host, and the answers of parent streams.
    pub world: &'r World<'h>,
    /// The stream.
    pub reading: Reading,
    /// Its number.
    pub number: u32,
    /// How many slices may be under way.
    pub window: usize,
    /// What became of it so far.
    pub summary: Summary,
    told: Option<i64>,
}

impl<'r, 'h> Run<'r, 'h> {
    /// A run that has done nothing yet.
    #[must_use]
    pub fn new(world: &'r World<'h>, reading: Reading, number: u32, window: usize) -> Self {
        Self { world, reading, number, window: window.max(1), summary: Summary::default(), told: None }
    }

    /// Reads all slices. A slice that fails does not hinder the others; the state at the end holds what all that were read have in common.
    ///
    /// # Errors
    /// [`Failure::Ended`], or the state cannot be written.
    pub fn read(mut self) -> Result<Summary, Failure> {
        let mut slots: VecDeque<Slot> = VecDeque::new();
        let mut more = true;
        loop {
            while more && slots.len() < self.window {
                match self.begin() {
                    Ok(Some(slot)) => slots.push_back(slot),
                    Ok(None) => more = false,
                    Err(failure) => {
                        self.failed(failure)?;
                        more = false;
                    }
                }
            }
            let Some(mut slot) = slots.pop_front() else { break };
            match self.pages(&mut slot) {
                Ok(()) => self.close(slot)?,
                Err(failure) => self.failed(failure)?,
            }
            if self.host().cancelled() {
                return Err(Failure::Ended);
            }
        }
        self.reading.tracker.set_now(self.host().now_micros());
        self.reading.finish()?;
        self.checkpoint()?;
        Ok(self.summary)
    }

    fn host(&self) -> &'h dyn Host {
        self.world.host
    }

    fn begin(&mut self) -> Result<Option<Slot>, Failure> {
        let Some(work) = self.reading.next(self.world)? else { return Ok(None) };
        let mut walk = self.reading.walk(&work)?;
        // What hinders a slice is told when it is its turn.
        let (begun, failed) = match walk.next(self.host()) {
            Ok(Step::Request(request)) => (Begun::Sent(self.world.start(self.reading.kept.as_deref(), &request)), None),
            Ok(Step::Wait(seconds)) => (Begun::Waits(seconds), None),
            Ok(Step::Pace(seconds)) => (Begun::Paces(seconds), None),
            Ok(Step::Done) => (Begun::Nothing, None),
            Err(failure) => (Begun::Nothing, Some(failure)),
        };
        Ok(Some(Slot { work, walk, begun, failed, greatest: Greatest::default() }))
    }

    fn pages(&mut self, slot: &mut Slot) -> Result<(), Failure> {
        if let Some(failure) = slot.failed.take() {
            return Err(failure);
        }
        loop {
            let pending = match std::mem::replace(&mut slot.begun, Begun::Nothing) {
                Begun::Sent(pending) => pending,
                Begun::Waits(seconds) => {
                    self.host().sleep(seconds).map_err(ended)?;
                    continue;
                }
                Begun::Paces(seconds) => {
                    self.host().pace(seconds).map_err(ended)?;
                    continue;
                }
                Begun::Nothing => match slot.walk.next(self.host())? {
                    Step::Done => return Ok(()),
                    Step::Wait(seconds) => {
                        self.host().sleep(seconds).map_err(ended)?;
                        continue;
                    }
                    Step::Pace(seconds) => {
                        self.host().pace(seconds).map_err(ended)?;
                        continue;
                    }
                    Step::Request(request) => self.world.start(self.reading.kept.as_deref(), &request),
                },
            };
            let page = slot.walk.receive(self.host(), self.reading.tracker.judge(), pending.wait())?;
            self.take(page, &mut slot.greatest)?;
            let endless = matches!(*self.reading.tracker.progress.borrow(), Progress::Final);
            if endless && self.host().cancelled() {
                return Err(Failure::Ended);
            }
        }
    }

    fn take(&mut self, page: Page, greatest: &mut Greatest) -> Result<(), Failure> {
        for record in &page.records {
            self.host().emit(self.number, record).map_err(ended)?;
            self.reading.tracker.observe(greatest, record);
            self.summary.records += 1;
        }
        self.summary.blind_records += page.emitted;
        for (field, observed) in &page.observed {
            if field == self.reading.tracker.field() {
                for value in [&observed.min, &observed.max].into_iter().flatten() {
                    self.reading.tracker.observe_value(greatest, value);
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, slot: Slot) -> Result<(), Failure> {
        self.summary.slices += 1;
        self.reading.tracker.set_now(self.host().now_micros());
        match self.reading.close(&slot.work, slot.greatest) {
            Ok(true) if self.is_due() => self.checkpoint(),
            Ok(_) => Ok(()),
            Err(failure) => self.failed(failure),
        }
    }

    /// A state of many partitions is long; it is not written after each slice.
    fn is_due(&mut self) -> bool {
        let now = self.reading.tracker.now();
        let small = match &*self.reading.tracker.progress.borrow() {
            Progress::Final => return false,
            Progress::Single(_) => true,
            Progress::Partitioned(partitions) => partitions.len() <= SMALL_STATE,
        };
        let due = small || self.told.is_none_or(|told| now.saturating_sub(told) >= STATE_PAUSE);
        if due {
            self.told = Some(now);
        }
        due
    }

    fn checkpoint(&self) -> Result<(), Failure> {
        let state = self.reading.tracker.state().map_err(system)?;
        self.host().checkpoint(self.number, &state).map_err(ended)
    }

    fn failed(&mut self, failure: Failure) -> Result<(), Failure> {
        if failure == Failure::Ended {
            return Err(failure);
        }
        if self.summary.failures.len() < TOLD_FAILURES {
            self.summary.failures.push(failure);
        }
        Ok(())
    }
}

/// What the host refuses ends the run.
fn ended(error: FetchError) -> Failure {
    match error {
        FetchError::Ended => Failure::Ended,
        FetchError::Transport(message) | FetchError::Malformed(message) => system(message),
        FetchError::TooLarge => system("a response is larger than the host allows"),
        FetchError::Credential { message, .. } => system(message),
    }
}
