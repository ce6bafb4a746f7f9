//! A store that forgets: for trials and tests. Keeps the same rules as the others, but for durability.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use hub_core::audit::TreeHead;
use hub_core::audit::prune::kept;
use hub_core::audit::tree::{Frontier, Hash};

use super::sealing::Sealer;
use super::{Durability, Namespace, Options, Page, Store, StoreError, Transaction, hash_in, next_cut, within_limits};

/// Everything in memory.
pub struct MemoryStore {
    content: Mutex<Content>,
    options: Options,
}

struct Content {
    values: BTreeMap<(Namespace, Vec<u8>), Vec<u8>>,
    /// From `first` on.
    entries: VecDeque<Vec<u8>>,
    /// By number; before `first` only what stands above the entries of a block.
    hashes: BTreeMap<u64, Vec<u8>>,
    first: u64,
    sealer: Sealer,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let sealer = Sealer::new(Frontier::default(), [0; 32], 0);
        let (values, entries, hashes) = (BTreeMap::new(), VecDeque::new(), BTreeMap::new());
        Self { content: Mutex::new(Content { values, entries, hashes, first: 0, sealer }), options }
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
            content.entries.push_back(entry.bytes);
            content.hashes.insert(entry.seq, entry.hashes);
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

impl Content {
    fn entry(&self, seq: u64) -> Option<&Vec<u8>> {
        self.entries.get(usize::try_from(seq.checked_sub(self.first)?).ok()?)
    }

    fn hash(&self, seq: u64, level: u32) -> Option<Hash> {
        hash_in(self.hashes.get(&seq)?, level, seq < self.first)
    }

    fn root_at(&self, size: u64) -> Result<Hash, StoreError> {
        let frontier = Frontier::load(size, |seq, level| self.hash(seq, level));
        frontier.map(|frontier| frontier.root()).map_err(|_| StoreError::Pruned { first: self.first })
    }

    fn prune(&mut self, by: u64) -> Result<u64, StoreError> {
        let to = next_cut(self.first, by, self.entry(by).map(Vec::as_slice), |size| self.root_at(size))?;
        for seq in self.first..to {
            self.entries.pop_front();
            let nodes = self.hashes.remove(&seq).and_then(|hashes| kept(&hashes).map(<[u8]>::to_vec));
            self.hashes.extend(nodes.map(|nodes| (seq, nodes)));
        }
        self.first = to;
        Ok(to)
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
        let content = self.content();
        let from = from.checked_sub(content.first).ok_or(StoreError::Pruned { first: content.first })?;
        Ok(content.entries.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)).take(limit).cloned().collect())
    }

    fn hash(&self, seq: u64, level: u32) -> Result<Option<Hash>, StoreError> {
        Ok(self.content().hash(seq, level))
    }

    fn first(&self) -> Result<u64, StoreError> {
        Ok(self.content().first)
    }

    fn prune(&self, by: u64) -> BoxFuture<'static, Result<u64, StoreError>> {
        let pruned = self.content().prune(by);
        futures::future::ready(pruned).boxed()
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
