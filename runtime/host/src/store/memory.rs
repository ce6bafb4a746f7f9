//! A store that forgets: for trials and tests. Keeps the same rules as the others, but for durability.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use hub_core::audit::TreeHead;
use hub_core::audit::tree::Frontier;

use super::sealing::Sealer;
use super::{Durability, Namespace, Options, Page, Store, StoreError, Transaction, within_limits};

/// Everything in memory.
pub struct MemoryStore {
    content: Mutex<Content>,
    options: Options,
}

struct Content {
    values: BTreeMap<(Namespace, Vec<u8>), Vec<u8>>,
    entries: Vec<Vec<u8>>,
    hashes: Vec<Vec<u8>>,
    sealer: Sealer,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let sealer = Sealer::new(Frontier::default(), [0; 32], 0);
        Self { content: Mutex::new(Content { values: BTreeMap::new(), entries: Vec::new(), hashes: Vec::new(), sealer }), options }
    }

    /// A panic elsewhere leaves the content whole: it is changed only after everything that can fail.
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, transaction: Transaction) -> Result<u64, StoreError> {
        within_limits(&transaction)?;
        let mut content = self.content();
        let mut sealer = content.sealer.clone();
        let sealed = sealer.seal(&transaction.audit, (self.options.now)())?;
        content.sealer = sealer;
        for entry in sealed {
            content.entries.push(entry.bytes);
            content.hashes.push(entry.hashes);
        }
        for put in transaction.puts {
            match put.value {
                Some(value) => content.values.insert((put.namespace, put.key), value),
                None => content.values.remove(&(put.namespace, put.key)),
            };
        }
        Ok(content.sealer.size())
    }
}

impl Store for MemoryStore {
    fn commit(&self, transaction: Transaction, _: Durability) -> BoxFuture<'static, Result<u64, StoreError>> {
        futures::future::ready(self.apply(transaction)).boxed()
    }

    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.content().values.get(&(namespace, key.to_vec())).cloned())
    }

    fn scan(&self, namespace: Namespace, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Page, StoreError> {
        let start = match after.filter(|after| *after >= prefix) {
            Some(after) => Bound::Excluded((namespace, after.to_vec())),
            None => Bound::Included((namespace, prefix.to_vec())),
        };
        let content = self.content();
        let found = content.values.range((start, Bound::Unbounded));
        let matching = found.take_while(|((family, key), _)| *family == namespace && key.starts_with(prefix));
        Ok(matching.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn audit(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(self.content().entries.iter().skip(from).take(limit).cloned().collect())
    }

    fn hashes(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(usize::try_from(seq).ok().and_then(|seq| self.content().hashes.get(seq).cloned()))
    }

    fn head(&self) -> Result<TreeHead, StoreError> {
        Ok(self.content().sealer.head())
    }

    fn free_space_ok(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn memory_keeps_the_contract() {
        super::super::contract::all(&|| Arc::new(MemoryStore::new(Options::default())));
    }
}
