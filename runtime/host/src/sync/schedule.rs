//! When flows run: one pass in the order of the manifest, or each on its schedule until the process is asked to end.
//!
//! Simple on purpose. What a missed or overlapping time means is not handled here: a flow never overlaps
//! itself, and a time that passes while it runs is left out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hub_core::problem::{Code, Problem};
use hub_core::schedule::Times;

use super::flow::run_flow;
use super::{Host, Meter, Options, Summary};

/// Who watches: told when a flow begins and ends.
pub trait Watcher: Send + Sync {
    /// A flow begins; its meter counts from now on.
    fn begins(&self, flow: &str, meter: &Arc<Meter>);
    /// It ended, or could not begin.
    fn ended(&self, flow: &str, result: &Result<Summary, Arc<Problem>>);
    /// A flow waits for its time.
    fn waits(&self, flow: &str, until: DateTime<Utc>);
}

/// Runs the flows once, one after the other. Goes on after a failure: flows do not depend on each other.
pub async fn once(host: &Host, flows: &[String], options: Options, watcher: &dyn Watcher) -> Vec<Result<Summary, Arc<Problem>>> {
    let mut results = Vec::new();
    for flow in flows {
        if host.stopping.load(Ordering::Relaxed) {
            break;
        }
        results.push(watched(host, flow, options, watcher).await);
    }
    results
}

/// Runs each flow on its schedule until the process is asked to end; flows without one run once at the beginning.
pub async fn until_stopped(host: &Host, flows: &[String], options: Options, watcher: &dyn Watcher) -> Vec<Result<Summary, Arc<Problem>>> {
    let running: FuturesUnordered<_> = flows.iter().map(|flow| repeat(host, flow, options, watcher)).collect();
    running.collect::<Vec<_>>().await.into_iter().flatten().collect()
}

async fn repeat(host: &Host, flow: &str, options: Options, watcher: &dyn Watcher) -> Option<Result<Summary, Arc<Problem>>> {
    let schedule = host.policy.flow(flow).and_then(|(declared, _)| declared.schedule.as_ref().map(|schedule| schedule.value.clone()));
    let Some(schedule) = schedule else { return Some(watched(host, flow, options, watcher).await) };
    let mut last = None;
    let times = Times::new(&schedule)?;
    while let Some(at) = times.next_after(now()) {
        watcher.waits(flow, at);
        if !wait_until(host, at).await {
            break;
        }
        last = Some(watched(host, flow, options, watcher).await);
    }
    last
}

async fn watched(host: &Host, flow: &str, options: Options, watcher: &dyn Watcher) -> Result<Summary, Arc<Problem>> {
    let meter = Arc::new(Meter::default());
    watcher.begins(flow, &meter);
    let result = run_flow(host, flow, options, meter).await;
    watcher.ended(flow, &result);
    result
}

/// False if the process was asked to end first. Looks at the clock again and again: a sleeping machine or a set clock must not be slept through.
async fn wait_until(host: &Host, at: DateTime<Utc>) -> bool {
    while now() < at {
        if host.stopping.load(Ordering::Relaxed) {
            return false;
        }
        let left = (at - now()).to_std().unwrap_or_default();
        tokio::time::sleep(left.min(Duration::from_millis(200))).await;
    }
    !host.stopping.load(Ordering::Relaxed)
}

fn now() -> DateTime<Utc> {
    let millis = i64::try_from(crate::clock::now_ms()).unwrap_or(i64::MAX);
    Utc.timestamp_millis_opt(millis).single().unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A problem for a set of flows that names nothing.
#[must_use]
pub fn nothing_to_run() -> Problem {
    Problem::new(Code::E009, "the manifest declares no flow", "add a `[flow.ID]`: what is not declared is denied, so nothing would run")
}
