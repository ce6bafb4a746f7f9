//! When each flow last ran, from the history of runs: what lies between then and now was missed. And how long that history is.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::store::format::{RunOutcome, RunRecord};
use crate::store::{self, Durability, Namespace, Put, Store, StoreError, Transaction};
use crate::sync::Host;

/// Looked at first. The whole history is read only if a flow has no run in these days.
const RECENT_MS: u64 = 35 * 86_400_000;

/// Runs are kept so long: what registers look back on, and some days more.
const KEPT_MS: u64 = 100 * 86_400_000;
/// Runs that are kept at most; the oldest go first.
pub const MOST_RUNS: usize = 250_000;
/// Deleted in one transaction.
const AT_ONCE: usize = 1_000;

/// True if the oldest run is older than runs are kept: asked before the whole history is read.
pub(super) fn is_long(store: &dyn Store, now_ms: u64) -> Result<bool, StoreError> {
    let oldest = store.scan(Namespace::Runs, b"", None, 1)?.pop();
    Ok(oldest.is_some_and(|(key, _)| began(&key) < now_ms.saturating_sub(KEPT_MS)))
}

/// Deletes runs that are too old or too many; the newest of each flow stays. Answers with how many that were.
pub(super) async fn trim(store: &dyn Store, now_ms: u64, most: usize) -> Result<usize, StoreError> {
    let mut newest: HashMap<String, Vec<u8>> = HashMap::new();
    let mut keys = Vec::new();
    store::each(store, Namespace::Runs, None, |key, value| {
        newest.insert(RunRecord::decode(value)?.flow, key.to_vec());
        keys.push(key.to_vec());
        Ok(())
    })?;
    let surplus = keys.len().saturating_sub(most);
    let newest: HashSet<Vec<u8>> = newest.into_values().collect();
    let is_over = |(place, key): &(usize, Vec<u8>)| *place < surplus || began(key) < now_ms.saturating_sub(KEPT_MS);
    let over: Vec<Vec<u8>> = keys.into_iter().enumerate().filter(is_over).map(|(_, key)| key).filter(|key| !newest.contains(key)).collect();
    for some in over.chunks(AT_ONCE) {
        let puts = some.iter().map(|key| Put { namespace: Namespace::Runs, key: key.clone(), value: None }).collect();
        store.commit(Transaction { puts, audit: Vec::new() }, Durability::Lazy).await?;
    }
    Ok(over.len())
}

/// Ids of runs begin with their time. One that has no such id is as old as can be.
fn began(key: &[u8]) -> u64 {
    let id = std::str::from_utf8(key).ok().and_then(|text| ulid::Ulid::from_string(text).ok());
    id.map_or(0, |id| id.timestamp_ms())
}

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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;

    async fn with_runs(runs: &[(&str, u64)]) -> std::sync::Arc<dyn Store> {
        let store = store::open("memory:").unwrap();
        for (number, (flow, day)) in runs.iter().enumerate() {
            let id = ulid::Ulid::from_parts(day * DAY, number as u128).to_string();
            let record = RunRecord { id: id.clone(), flow: (*flow).to_owned(), started_ms: day * DAY, ..RunRecord::default() };
            let put = Put { namespace: Namespace::Runs, key: id.into_bytes(), value: Some(record.encode()) };
            store.commit(Transaction { puts: vec![put], audit: Vec::new() }, Durability::Sync).await.unwrap();
        }
        store
    }

    fn left(store: &dyn Store) -> Vec<(String, u64)> {
        let mut left = Vec::new();
        store::each(store, Namespace::Runs, None, |_, value| {
            let record = RunRecord::decode(value)?;
            left.push((record.flow, record.started_ms / DAY));
            Ok(())
        })
        .unwrap();
        left
    }

    #[tokio::test]
    async fn old_runs_go_and_the_last_of_each_flow_stays() {
        let store = with_runs(&[("a", 1), ("a", 2), ("rare", 3), ("a", 150), ("a", 260)]).await;
        assert!(is_long(&*store, 300 * DAY).unwrap() && !is_long(&*store, 50 * DAY).unwrap());
        assert_eq!(trim(&*store, 300 * DAY, 10).await.unwrap(), 3);
        assert_eq!(left(&*store), [("rare".to_owned(), 3), ("a".to_owned(), 260)]);
        assert_eq!(trim(&*store, 300 * DAY, 10).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn of_too_many_runs_the_oldest_go() {
        let store = with_runs(&[("a", 1), ("b", 2), ("a", 3), ("a", 4), ("a", 5)]).await;
        assert_eq!(trim(&*store, 6 * DAY, 3).await.unwrap(), 1, "the only run of `b` stays");
        assert_eq!(left(&*store).iter().map(|(_, day)| *day).collect::<Vec<_>>(), [2, 3, 4, 5]);
    }
}
