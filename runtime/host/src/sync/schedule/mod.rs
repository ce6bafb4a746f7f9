//! When flows run: one pass in the order of the manifest, or each on its schedule until the process is asked to end.
//!
//! One loop for all flows: which of them begins is `queue`'s, when its times are is the core's. Reads the time from the host's clock only.

mod breaker;
mod history;
mod queue;
mod slots;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod weeks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use hub_core::problem::{Code, Problem};

use super::flow::{run_flow, store_problem};
use super::{Host, Meter, Options, Summary};
use crate::clock::Clock;
use queue::{Place, Queue};

/// How often the loop looks at the clock, the stop mark and what became due: a sleeping machine or a set clock must not be slept through.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How often the history of runs is shortened.
const TIDY_AGAIN: Duration = Duration::from_secs(6 * 3600);

pub use history::MOST_RUNS;

type Outcome = Result<Summary, Arc<Problem>>;

/// Who watches: told when a flow begins and ends.
pub trait Watcher: Send + Sync {
    /// A flow begins; its meter counts from now on.
    fn begins(&self, flow: &str, meter: &Arc<Meter>);
    /// It ended, or could not begin.
    fn ended(&self, flow: &str, result: &Outcome);
    /// A flow waits for its time.
    fn waits(&self, flow: &str, until: DateTime<Utc>);
    /// A system is left alone after failures in a row, or used as before.
    fn left_alone(&self, _system: &str, _is_left_alone: bool) {}
}

/// Two who watch.
impl<First: Watcher, Second: Watcher> Watcher for (&First, &Second) {
    fn begins(&self, flow: &str, meter: &Arc<Meter>) {
        self.0.begins(flow, meter);
        self.1.begins(flow, meter);
    }

    fn ended(&self, flow: &str, result: &Outcome) {
        self.0.ended(flow, result);
        self.1.ended(flow, result);
    }

    fn waits(&self, flow: &str, until: DateTime<Utc>) {
        self.0.waits(flow, until);
        self.1.waits(flow, until);
    }

    fn left_alone(&self, system: &str, is_left_alone: bool) {
        self.0.left_alone(system, is_left_alone);
        self.1.left_alone(system, is_left_alone);
    }
}

/// Runs the flows once, one after the other. Goes on after a failure: flows do not depend on each other.
pub async fn once(host: &Host, flows: &[String], options: Options, watcher: &dyn Watcher) -> Vec<Outcome> {
    let mut results = Vec::new();
    if !options.dry_run && history::is_long(&*host.store, host.clock.now_us() / 1000).unwrap_or_default() {
        tidy(host.clone(), false).await;
    }
    for flow in flows {
        if host.stopping.load(Ordering::Relaxed) {
            break;
        }
        let meter = Arc::new(Meter::default());
        watcher.begins(flow, &meter);
        let result = run_flow(host, flow, options, meter).await;
        watcher.ended(flow, &result);
        results.push(result);
    }
    results
}

/// Runs each flow on its schedule until the process is asked to end; flows without one run once at the beginning. At most `jobs` run at once.
/// Answers with the last outcome of each flow that ran.
///
/// # Errors
/// The history of runs cannot be read.
pub async fn until_stopped(
    host: &Host,
    flows: &[String],
    options: Options,
    jobs: usize,
    watcher: &dyn Watcher,
) -> Result<Vec<Outcome>, Problem> {
    let tidying = tokio::spawn(tidy(host.clone(), true));
    let last = history::last_runs(host, flows).map_err(|error| store_problem(&error))?;
    let queue = Queue::new(&host.policy, flows, &last, moment(&*host.clock), jobs);
    let shared = Arc::new(host.clone());
    let begin = move |flow: Arc<str>, meter: Arc<Meter>| spawned(shared.clone(), flow, options, meter);
    let is_stopping = || host.stopping.load(Ordering::Relaxed);
    let outcomes = drive(queue, &*host.clock, &begin, watcher, &is_stopping, LOOK_AGAIN).await;
    tidying.abort();
    Ok(outcomes)
}

/// Keeps the history of runs at its length: now, and again as long as the process stays.
async fn tidy(host: Host, stays: bool) {
    loop {
        let now_ms = host.clock.now_us() / 1000;
        match history::trim(&*host.store, now_ms, MOST_RUNS).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "runs were too old or too many, and are forgotten"),
            Err(error) => tracing::warn!("the history of runs was not shortened: {error}"),
        }
        if !stays {
            return;
        }
        host.clock.sleep(TIDY_AGAIN).await;
    }
}

/// A task of its own, so that flows use several cores.
fn spawned(host: Arc<Host>, flow: Arc<str>, options: Options, meter: Arc<Meter>) -> BoxFuture<'static, Outcome> {
    Box::pin(async move {
        let task = tokio::spawn(async move { run_flow(&host, &flow, options, meter).await });
        match task.await {
            Ok(outcome) => outcome,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(Arc::new(Problem::new(Code::E313, format!("the run was given up: {error}"), "run the flow again"))),
            },
        }
    })
}

/// How a run of a flow is begun.
type Begin = dyn Fn(Arc<str>, Arc<Meter>) -> BoxFuture<'static, Outcome> + Send + Sync;

/// The loop. After the mark to stop nothing begins any more, and what runs is waited for.
async fn drive(
    mut queue: Queue,
    clock: &dyn Clock,
    begin: &Begin,
    watcher: &dyn Watcher,
    is_stopping: &(dyn Fn() -> bool + Send + Sync),
    look_again: Duration,
) -> Vec<Outcome> {
    let mut running = FuturesUnordered::new();
    let mut outcomes: BTreeMap<Place, Outcome> = BTreeMap::new();
    for (flow, until) in queue.waiting_for_their_time() {
        watcher.waits(flow, until);
    }
    loop {
        let stopping = is_stopping();
        if !stopping {
            for place in queue.ready(moment(clock)) {
                let (flow, meter) = (queue.flow(place), Arc::new(Meter::default()));
                watcher.begins(&flow, &meter);
                let run = begin(flow, meter);
                running.push(async move { (place, run.await) });
            }
        }
        if running.is_empty() && (stopping || queue.is_done()) {
            return outcomes.into_values().collect();
        }
        // What became due after the mark to stop stays due: it must not be waited for.
        let due = if stopping { None } else { queue.pause(moment(clock)) };
        let pause = clock.sleep(due.map_or(look_again, |pause| pause.min(look_again)));
        tokio::select! {
            Some((place, outcome)) = running.next() => {
                let flow = queue.flow(place);
                watcher.ended(&flow, &outcome);
                if let Some(until) = queue.ended(place, &outcome, moment(clock)) {
                    watcher.waits(&flow, until);
                }
                for (system, is_left_alone) in queue.breakers(place) {
                    watcher.left_alone(system, is_left_alone);
                }
                outcomes.insert(place, outcome);
            }
            () = pause => {}
        }
    }
}

fn moment(clock: &dyn Clock) -> DateTime<Utc> {
    i64::try_from(clock.now_us()).ok().and_then(DateTime::from_timestamp_micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A problem for a set of flows that names nothing.
#[must_use]
pub fn nothing_to_run() -> Problem {
    Problem::new(Code::E009, "the manifest declares no flow", "add a `[flow.ID]`: what is not declared is denied, so nothing would run")
}
