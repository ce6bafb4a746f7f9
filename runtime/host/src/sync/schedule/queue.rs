//! Which flow begins when: a heap of the moments at which something is to be looked at, and a row of flows that wait for a free slot.
//!
//! Takes the time as an argument, starts nothing and waits for nothing. Invariant: a flow never runs twice at once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hub_core::manifest::Schedule;
use hub_core::policy::Policy;
use hub_core::schedule::{Plan, Times, Windows, retry};

use super::super::flow::systems;
use super::Outcome;
use super::breaker::Breaker;
use super::slots::Slots;

/// A flow's number in the queue.
pub(super) type Place = usize;

/// All flows of a process.
pub(super) struct Queue {
    flows: Vec<Queued>,
    /// One entry for each time that was set; what a flow no longer waits for is passed over.
    heap: BinaryHeap<Reverse<(DateTime<Utc>, Place)>>,
    row: VecDeque<Place>,
    slots: Slots,
    /// By number of the system.
    breakers: Vec<Breaker>,
    numbers: HashMap<Box<str>, u32>,
    windows: Windows,
}

struct Queued {
    id: Arc<str>,
    /// None: it runs once.
    plan: Option<Plan>,
    state: State,
    /// When it is to be looked at.
    wake: Option<DateTime<Utc>>,
    /// Numbers of the systems that it uses.
    systems: Box<[u32]>,
    /// How often a run that failed for a passing reason is tried again.
    retries: u32,
    /// How often it was, since its last planned time.
    attempt: u32,
    retry: Option<DateTime<Utc>>,
}

/// What came of a flow's turn.
enum Turn {
    Begins,
    /// All slots are taken.
    StillWaits,
    /// It is looked at again at another time.
    Leaves,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waits for its time.
    Idle,
    /// Stands in the row.
    Ready,
    Running,
}

impl Queue {
    pub(super) fn new(policy: &Policy, flows: &[String], last: &HashMap<String, DateTime<Utc>>, now: DateTime<Utc>, jobs: usize) -> Self {
        let manifest = policy.manifest();
        let mut queue = Self::empty(jobs, Windows::of(manifest));
        for (id, system) in &manifest.systems {
            let most = system.concurrency.as_ref().and_then(|most| usize::try_from(most.value).ok());
            queue.add_system(id, most.unwrap_or(usize::MAX));
        }
        let mut shared: BTreeMap<&Schedule, Arc<Times>> = BTreeMap::new();
        for id in flows {
            let Some((flow, rule)) = policy.flow(id) else { continue };
            let mut systems: Vec<u32> = systems(flow, rule).filter_map(|system| queue.numbers.get(system).copied()).collect();
            systems.sort_unstable();
            systems.dedup();
            let times = flow.schedule.as_ref().and_then(|schedule| {
                let known = shared.get(&schedule.value).cloned();
                let times = known.or_else(|| Times::new(&schedule.value).map(Arc::new))?;
                shared.insert(&schedule.value, times.clone());
                Some(times)
            });
            let plan = times.map(|times| Plan::new(times, &flow.timing, id, last.get(id).copied().unwrap_or(now).min(now)));
            let retries = flow.timing.retries.as_ref().and_then(|most| u32::try_from(most.value).ok()).unwrap_or(retry::RETRIES);
            queue.add(id, plan, systems, retries, now);
        }
        queue
    }

    pub(super) fn empty(jobs: usize, windows: Windows) -> Self {
        Self {
            flows: Vec::new(),
            heap: BinaryHeap::new(),
            row: VecDeque::new(),
            slots: Slots::new(jobs),
            breakers: Vec::new(),
            numbers: HashMap::new(),
            windows,
        }
    }

    /// Systems are numbered in this order.
    pub(super) fn add_system(&mut self, id: &str, most: usize) {
        self.numbers.insert(id.into(), u32::try_from(self.breakers.len()).unwrap_or(u32::MAX));
        self.slots.add_system(most);
        self.breakers.push(Breaker::default());
    }

    pub(super) fn add(&mut self, id: &str, plan: Option<Plan>, systems: Vec<u32>, retries: u32, now: DateTime<Utc>) {
        let wake = plan.as_ref().map_or(Some(now), Plan::due);
        // A flow without a schedule has one pass, as `--once` has.
        let retries = if plan.is_some() { retries } else { 0 };
        let systems = systems.into();
        self.flows.push(Queued { id: id.into(), plan, state: State::Idle, wake: None, systems, retries, attempt: 0, retry: None });
        self.wake_at(self.flows.len() - 1, wake);
    }

    pub(super) fn flow(&self, place: Place) -> Arc<str> {
        self.flows.get(place).map_or_else(|| "".into(), |flow| flow.id.clone())
    }

    /// Flows and their next times.
    pub(super) fn waiting_for_their_time(&self) -> impl Iterator<Item = (&str, DateTime<Utc>)> {
        self.flows.iter().filter_map(|flow| Some((&*flow.id, flow.plan.as_ref()?.due()?)))
    }

    /// Nothing will ever become due, and nothing waits for a slot.
    pub(super) fn is_done(&self) -> bool {
        self.heap.is_empty() && self.row.is_empty()
    }

    /// How long until something is to be looked at.
    pub(super) fn pause(&self, now: DateTime<Utc>) -> Option<Duration> {
        self.heap.peek().map(|Reverse((wake, _))| (*wake - now).to_std().unwrap_or_default())
    }

    /// Flows that begin now. They count as running from here on.
    pub(super) fn ready(&mut self, now: DateTime<Utc>) -> Vec<Place> {
        while let Some(Reverse((wake, place))) = self.heap.peek().copied().filter(|Reverse((wake, _))| *wake <= now) {
            self.heap.pop();
            self.look_at(place, wake, now);
        }
        self.begin(now)
    }

    fn look_at(&mut self, place: Place, wake: DateTime<Utc>, now: DateTime<Utc>) {
        let Some(flow) = self.flows.get_mut(place).filter(|flow| flow.wake == Some(wake)) else { return };
        flow.wake = None;
        match (flow.state, &mut flow.plan) {
            (State::Idle, _) => match self.windows.closed_until(now) {
                Some(end) => self.wake_at(place, Some(end)),
                None => {
                    flow.state = State::Ready;
                    self.row.push_back(place);
                }
            },
            (State::Running, Some(plan)) if !plan.waits() => {
                tracing::info!(flow = &*flow.id, "its time has come while it still runs, and is left out");
                plan.leave_out(now);
                let due = plan.due();
                self.wake_at(place, due);
            }
            // It is looked at when the run ends, or when its turn comes.
            (State::Running | State::Ready, _) => {}
        }
    }

    /// Along the row, in the order of arrival.
    fn begin(&mut self, now: DateTime<Utc>) -> Vec<Place> {
        let mut begun = Vec::new();
        self.slots.forget_kept();
        let mut still = VecDeque::new();
        while let Some(place) = self.row.pop_front() {
            if self.slots.is_full() {
                still.push_back(place);
                break;
            }
            match self.turn(place, now) {
                Turn::Begins => begun.push(place),
                Turn::StillWaits => still.push_back(place),
                Turn::Leaves => {}
            }
        }
        still.append(&mut self.row);
        self.row = still;
        begun
    }

    /// It is a flow's turn.
    fn turn(&mut self, place: Place, now: DateTime<Utc>) -> Turn {
        let Some(flow) = self.flows.get_mut(place) else { return Turn::Leaves };
        // A window may have opened while it waited for a slot.
        if let Some(end) = self.windows.closed_until(now) {
            flow.state = State::Idle;
            self.wake_at(place, Some(end));
            return Turn::Leaves;
        }
        let each = flow.systems.iter().filter_map(|number| self.breakers.get(*number as usize));
        if let Some(until) = each.filter_map(|breaker| breaker.closed_until(now)).max() {
            flow.state = State::Idle;
            self.wake_at(place, Some(until));
            return Turn::Leaves;
        }
        if !self.slots.take(&flow.systems) {
            return Turn::StillWaits;
        }
        let is_retry = flow.retry.take().is_some();
        let is_planned = flow.plan.as_mut().is_none_or(|plan| plan.begin(now));
        let begins = is_retry || is_planned;
        flow.attempt = if is_planned { 0 } else { flow.attempt };
        flow.state = if begins { State::Running } else { State::Idle };
        let due = flow.plan.as_ref().and_then(Plan::due);
        if begins {
            each_of(&mut self.breakers, &flow.systems, |_, breaker| breaker.begins());
        } else {
            tracing::info!(flow = &*flow.id, "it is too late for its time, which is left out");
            self.slots.give_back(&flow.systems);
        }
        // A time that passed before the run began is no overlap: it is made up for when the run ends.
        self.wake_at(place, due.filter(|due| !begins || *due > now));
        if begins { Turn::Begins } else { Turn::Leaves }
    }

    /// A run ended. Answers with the flow's next time, or that of its retry.
    pub(super) fn ended(&mut self, place: Place, outcome: &Outcome, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let problem = match outcome {
            Ok(summary) => summary.problem.as_ref(),
            Err(problem) => Some(problem),
        };
        let passing = problem.and_then(|problem| problem.passing.as_deref());
        let flow = self.flows.get_mut(place)?;
        flow.state = State::Idle;
        self.slots.give_back(&flow.systems);
        let at_fault = passing.and_then(|passing| self.numbers.get(&*passing.system).copied());
        each_of(&mut self.breakers, &flow.systems, |number, breaker| match problem {
            None => breaker.works(),
            Some(_) if at_fault == Some(number) => {
                if let (Some(until), Some(passing)) = (breaker.fails(now), passing) {
                    tracing::warn!(system = passing.system, until = %until.to_rfc3339(), "it failed again and again and is left alone");
                }
            }
            Some(_) => breaker.undecided(),
        });
        let due = flow.plan.as_ref().and_then(Plan::due);
        if let Some(passing) = passing.filter(|_| flow.attempt < flow.retries) {
            let chance = now.timestamp_subsec_micros().wrapping_mul(2_654_435_761).wrapping_add(u32::try_from(place).unwrap_or(0));
            let at = now + retry::pause(flow.attempt, passing.after_ms, chance.into());
            // The next planned run is as good as a retry.
            if due.is_none_or(|due| at < due) {
                flow.attempt += 1;
                flow.retry = Some(at);
                tracing::info!(
                    flow = &*flow.id,
                    attempt = flow.attempt,
                    of = flow.retries,
                    "it failed for a reason that may pass, and is tried again"
                );
            }
        }
        let next = flow.retry.or(due);
        if flow.retry.is_some() || flow.wake.is_none() {
            self.wake_at(place, next);
        }
        next
    }

    /// The systems of a flow, and whether each is left alone.
    pub(super) fn breakers(&self, place: Place) -> impl Iterator<Item = (&str, bool)> {
        let systems = self.flows.get(place).map_or(&[] as &[u32], |flow| &flow.systems);
        let of = |number: &u32| self.breakers.get(*number as usize).is_some_and(Breaker::is_tripped);
        self.numbers.iter().filter(|(_, number)| systems.contains(number)).map(move |(system, number)| (&**system, of(number)))
    }

    fn wake_at(&mut self, place: Place, wake: Option<DateTime<Utc>>) {
        if let (Some(flow), Some(wake)) = (self.flows.get_mut(place), wake) {
            flow.wake = Some(wake);
            self.heap.push(Reverse((wake, place)));
        }
    }
}

/// Each system of a flow with its number.
fn each_of(breakers: &mut [Breaker], systems: &[u32], mut change: impl FnMut(u32, &mut Breaker)) {
    for number in systems {
        if let Some(breaker) = breakers.get_mut(*number as usize) {
            change(*number, breaker);
        }
    }
}
