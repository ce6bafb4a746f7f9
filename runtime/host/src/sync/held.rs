//! The quarantine at the beginning and the end of a run: what is past its time is erased, what two people released is delivered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hub_core::audit::{Draft, Kind};
use hub_core::date::Date;
use hub_core::manifest::{Flow, Manifest, WriteMode};
use hub_core::problem::Problem;

use super::Host;
use super::flow::store_problem;
use crate::clock;
use crate::quarantine::{self, KEEP_DAYS, NEEDED, Vault};
use crate::store::format::HeldRecord;
use crate::store::{Durability, Store, StoreError, Transaction};

/// What of a flow waits, and what may go.
#[derive(Default)]
pub(super) struct Waiting {
    /// Records that wait.
    pub count: usize,
    /// Ids and records that two people released, unless the flow meets them again by itself.
    pub released: Vec<(String, Vec<u8>)>,
}

/// Erases what is past its time, of all flows.
///
/// # Errors
/// The store does not answer.
pub async fn sweep(store: &dyn Store, vault: &Vault, today: Date) -> Result<Vec<(String, HeldRecord)>, StoreError> {
    let mut entries = quarantine::entries(store)?;
    let puts = quarantine::expired(&entries, today);
    if !puts.is_empty() {
        let gone: BTreeSet<Vec<u8>> = puts.iter().map(|put| put.key.clone()).collect();
        let mut flows: BTreeMap<String, u64> = BTreeMap::new();
        entries.retain(|(id, entry)| {
            let stays = !gone.contains(id.as_bytes());
            if !stays {
                *flows.entry(entry.flow.clone()).or_default() += 1;
            }
            stays
        });
        let audit = flows.into_iter().map(|(flow, records)| Draft {
            flow: Some(flow),
            records: Some(records),
            ..Draft::new(Kind::QuarantineExpired)
        });
        store.commit(Transaction { puts, audit: audit.collect() }, Durability::Sync).await?;
    }
    let in_use = entries.iter().map(|(_, entry)| entry.day.clone()).collect();
    vault.forget(&in_use, today);
    Ok(entries)
}

/// What waits of a flow, after a sweep.
pub(super) async fn of_flow(host: &Host, vault: &Vault, flow: &Flow) -> Result<Waiting, Arc<Problem>> {
    let today = clock::day_by(&*host.clock, host.policy.manifest());
    let entries = sweep(&*host.store, vault, today).await.map_err(|error| store_problem(&error))?;
    let mut waiting = Waiting::default();
    for (id, entry) in entries.into_iter().filter(|(_, entry)| entry.flow == flow.id.value) {
        if quarantine::given(&id, &entry) < NEEDED {
            waiting.count += 1;
        } else if flow.mode.value != WriteMode::Replace {
            let record = vault.record(&id, &entry)?;
            waiting.released.push((id, record));
        }
    }
    Ok(waiting)
}

/// For how many days records are kept.
pub(super) fn keep_days(manifest: &Manifest) -> i64 {
    let keep = manifest.quarantine.as_ref().and_then(|rules| rules.keep.as_ref());
    keep.and_then(|period| i64::try_from(period.value.approximate_days()).ok()).unwrap_or(KEEP_DAYS)
}
