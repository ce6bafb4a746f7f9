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
use hub_core::schedule::{Plan, Times, Windows};

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
    windows: Windows,
}

struct Queued {
    id: Arc<str>,
    /// None: it runs once.
    plan: Option<Plan>,
    state: State,
    /// When it is to be looked at.
    wake: Option<DateTime<Utc>>,
    /// Numbers of the systems with a limit.
    systems: Box<[u32]>,
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
        let limited: BTreeMap<&str, (u32, usize)> = manifest
            .systems
            .iter()
            .filter_map(|(id, system)| Some((id.as_str(), system.concurrency.as_ref()?.value as usize)))
            .zip(0..)
            .map(|((id, most), number)| (id, (number, most)))
            .collect();
        let mut queue = Self::empty(Slots::new(jobs, by_number(&limited)), Windows::of(manifest));
        let mut shared: BTreeMap<&Schedule, Arc<Times>> = BTreeMap::new();
        for id in flows {
            let Some((flow, rule)) = policy.flow(id) else { continue };
            let consulted = rule.consulted.iter().map(|consulted| &*consulted.stream.system);
            let uses = [&*flow.from.value.system, &*flow.to.value.system].into_iter().chain(consulted);
            let mut systems: Vec<u32> = uses.filter_map(|system| limited.get(system).map(|(number, _)| *number)).collect();
            systems.sort_unstable();
            systems.dedup();
            let times = flow.schedule.as_ref().and_then(|schedule| {
                let known = shared.get(&schedule.value).cloned();
                let times = known.or_else(|| Times::new(&schedule.value).map(Arc::new))?;
                shared.insert(&schedule.value, times.clone());
                Some(times)
            });
            let plan = times.map(|times| Plan::new(times, &flow.timing, id, last.get(id).copied().unwrap_or(now).min(now)));
            queue.add(id, plan, systems, now);
        }
        queue
    }

    pub(super) fn empty(slots: Slots, windows: Windows) -> Self {
        Self { flows: Vec::new(), heap: BinaryHeap::new(), row: VecDeque::new(), slots, windows }
    }

    pub(super) fn add(&mut self, id: &str, plan: Option<Plan>, systems: Vec<u32>, now: DateTime<Utc>) {
        let wake = plan.as_ref().map_or(Some(now), Plan::due);
        self.flows.push(Queued { id: id.into(), plan, state: State::Idle, wake: None, systems: systems.into() });
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
            let Some(flow) = self.flows.get_mut(place) else { continue };
            if !self.slots.take(&flow.systems) {
                still.push_back(place);
                continue;
            }
            let begins = flow.plan.as_mut().is_none_or(|plan| plan.begin(now));
            flow.state = if begins { State::Running } else { State::Idle };
            let due = flow.plan.as_ref().and_then(Plan::due);
            if begins {
                begun.push(place);
            } else {
                tracing::info!(flow = &*flow.id, "it is too late for its time, which is left out");
                self.slots.give_back(&flow.systems);
            }
            // A time that passed before the run began is no overlap: it is made up for when the run ends.
            self.wake_at(place, due.filter(|due| !begins || *due > now));
        }
        still.append(&mut self.row);
        self.row = still;
        begun
    }

    /// A run ended. Answers with the next time of the flow.
    pub(super) fn ended(&mut self, place: Place) -> Option<DateTime<Utc>> {
        let flow = self.flows.get_mut(place)?;
        flow.state = State::Idle;
        self.slots.give_back(&flow.systems);
        let due = flow.plan.as_ref()?.due()?;
        if flow.wake.is_none() {
            self.wake_at(place, Some(due));
        }
        Some(due)
    }

    fn wake_at(&mut self, place: Place, wake: Option<DateTime<Utc>>) {
        if let (Some(flow), Some(wake)) = (self.flows.get_mut(place), wake) {
            flow.wake = Some(wake);
            self.heap.push(Reverse((wake, place)));
        }
    }
}

/// Limits in the order of their numbers.
fn by_number(limited: &BTreeMap<&str, (u32, usize)>) -> Vec<usize> {
    let mut limits: Vec<(u32, usize)> = limited.values().copied().collect();
    limits.sort_unstable();
    limits.into_iter().map(|(_, most)| most).collect()
}
