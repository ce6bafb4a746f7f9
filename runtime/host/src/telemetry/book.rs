//! Who outside was reached and who was not, in the store: another process can tell it, and the next one knows. Sends nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use hub_core::audit::{Draft, Kind};

use crate::clock::Clock;
use crate::store::format::Reached;
use crate::store::{self, Durability, Namespace, Put, Store, StoreError, Transaction};

/// Keeps what became of messages and of signed heads.
pub struct Book {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

/// What is known of everybody outside, by receiver id.
///
/// # Errors
/// The store's.
pub fn reached(store: &dyn Store) -> Result<BTreeMap<String, Reached>, StoreError> {
    let mut all = BTreeMap::new();
    store::each(store, Namespace::Reached, None, |id, value| {
        all.insert(String::from_utf8_lossy(id).into_owned(), Reached::decode(value)?);
        Ok(())
    })?;
    Ok(all)
}

impl Book {
    /// A book in this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// What is known; nothing if it cannot be read, since nobody is left untold for that.
    pub(super) fn of(&self, id: &str) -> Reached {
        let stored = self.store.get(Namespace::Reached, id.as_bytes()).ok().flatten();
        stored.and_then(|bytes| Reached::decode(&bytes).ok()).unwrap_or_default()
    }

    /// A message was taken. Written only where one was not before.
    pub async fn took(&self, id: &str) {
        if self.of(id).failing_since_ms.is_some() {
            self.write(id, Reached { taken_ms: Some(self.now_ms()), ..Reached::default() }, Vec::new()).await;
        }
    }

    /// A try failed. Written only if that is news.
    pub async fn failed(&self, id: &str, reason: &str) {
        let known = self.of(id);
        if known.failing_since_ms.is_none() || known.reason.as_deref() != Some(reason) {
            let since = known.failing_since_ms.or_else(|| Some(self.now_ms()));
            self.write(id, Reached { failing_since_ms: since, reason: Some(reason.to_owned()), ..known }, Vec::new()).await;
        }
    }

    /// A message is lost.
    pub async fn gave_up(&self, id: &str, reason: &str) {
        let known = self.of(id);
        let since = known.failing_since_ms.or_else(|| Some(self.now_ms()));
        let given_up = known.given_up.saturating_add(1);
        self.write(id, Reached { failing_since_ms: since, reason: Some(reason.to_owned()), given_up, ..known }, Vec::new()).await;
    }

    /// An anchor took a head over so many entries. That it did is on record.
    pub(super) async fn anchored(&self, id: &str, name: &str, entries: u64) {
        let reached = Reached { taken_ms: Some(self.now_ms()), entries, ..Reached::default() };
        self.write(id, reached, vec![Draft::new(Kind::AuditAnchored).detail(format!("`{name}`: {entries} entries"))]).await;
    }

    /// An alert says that it fails: true if the last one is longer ago than so many milliseconds.
    pub(super) async fn may_tell(&self, id: &str, least_ms: u64) -> bool {
        let (known, now) = (self.of(id), self.now_ms());
        let may = known.told_ms.is_none_or(|told| now.abs_diff(told) >= least_ms);
        if may {
            self.write(id, Reached { told_ms: Some(now), ..known }, Vec::new()).await;
        }
        may
    }

    fn now_ms(&self) -> u64 {
        self.clock.now_us() / 1000
    }

    async fn write(&self, id: &str, reached: Reached, audit: Vec<Draft>) {
        let put = Put { namespace: Namespace::Reached, key: id.as_bytes().to_vec(), value: Some(reached.encode()) };
        if let Err(error) = self.store.commit(Transaction { puts: vec![put], audit }, Durability::Sync).await {
            tracing::warn!(receiver = id, "what became of it was not stored: {error}");
        }
    }
}
