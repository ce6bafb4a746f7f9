//! When each flow last ran, from the history of runs: what lies between then and now was missed.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::store::format::{RunOutcome, RunRecord};
use crate::store::{self, Namespace, StoreError};
use crate::sync::Host;

/// Looked at first. The whole history is read only if a flow has no run in these days.
const RECENT_MS: u64 = 35 * 86_400_000;

/// When each flow's last run began that reached its end or failed. One that was interrupted is made up for like one that never began.
pub(super) fn last_runs(host: &Host, flows: &[String]) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
    let mut found = HashMap::new();
    let recent = (host.clock.now_us() / 1000).saturating_sub(RECENT_MS);
    let from = ulid::Ulid::from_parts(recent, 0).to_string().into_bytes();
    for after in [Some(from), None] {
        if flows.iter().all(|flow| found.contains_key(flow)) {
            break;
        }
        store::each(&*host.store, Namespace::Runs, after, |_, value| {
            let record = RunRecord::decode(value)?;
            let began = i64::try_from(record.started_ms).ok().and_then(DateTime::from_timestamp_millis);
            if let Some(began) = began.filter(|_| matches!(record.outcome, RunOutcome::Completed | RunOutcome::Failed)) {
                let last = found.entry(record.flow).or_insert(began);
                *last = began.max(*last);
            }
            Ok(())
        })?;
    }
    Ok(found)
}
