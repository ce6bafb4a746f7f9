//! The check at the start: what the engine gives back must agree with itself and with the anchor before anything new is written.
//!
//! Reads the stored hashes, the last entries and all values, not the whole log (see `salvage` for that). Repairs nothing.

use hub_core::audit::Link;
use hub_core::audit::tree::{Frontier, Hash, leaf_hash, stored_hash};

use super::anchor::Anchored;
use super::format::Head;
use super::layout::{
    self, AUDIT, HASHES, HEAD_KEY, NAMESPACES, NODES, PRUNED_VERSION, VERSION, VERSION_KEY, broken, engine_error, numbered,
};
use super::sealing::Sealer;
use super::{StoreError, hash_in};

/// Entries at the end of the log whose bytes are checked at every start.
const TAIL: u64 = 256;

/// A store that agrees with itself.
pub(super) struct Loaded {
    pub sealer: Sealer,
    /// Sum over all values.
    pub state: Hash,
    /// Audit entries before this number were pruned.
    pub first: u64,
}

/// Nothing was ever written here.
pub(super) fn is_fresh(tree: &::sled::Tree) -> Result<bool, StoreError> {
    Ok(tree.iter().next().transpose().map_err(engine_error)?.is_none())
}

/// Checks a store that is not fresh.
pub(super) fn load(tree: &::sled::Tree, anchor: Option<&Anchored>) -> Result<Loaded, StoreError> {
    known_version(tree)?;
    let head = head(tree)?;
    let frontier = frontier(tree, head.first, head.size)?;
    if frontier.root() != head.root {
        return Err(broken("the stored hashes of the audit log do not add up to its head"));
    }
    anchored(tree, &head, anchor)?;
    let previous = tail(tree, head.first, head.size)?;
    if state_sum(tree)? != head.state {
        return Err(broken("the stored values are not the ones that were last written"));
    }
    Ok(Loaded { sealer: Sealer::new(frontier, previous, head.last_ms), state: head.state, first: head.first })
}

/// Refuses a layout that a newer hub wrote.
pub(super) fn known_version(tree: &::sled::Tree) -> Result<(), StoreError> {
    let stored = tree.get(VERSION_KEY).map_err(engine_error)?.ok_or_else(|| broken("it does not say its version"))?;
    let found = <[u8; 4]>::try_from(&stored[..]).map(u32::from_be_bytes).map_err(|_| broken("its version cannot be read"))?;
    if (VERSION..=PRUNED_VERSION).contains(&found) { Ok(()) } else { Err(StoreError::Format { found, known: PRUNED_VERSION }) }
}

/// What the store says of itself.
pub(super) fn head(tree: &::sled::Tree) -> Result<Head, StoreError> {
    Head::decode(&tree.get(HEAD_KEY).map_err(engine_error)?.ok_or_else(|| broken("the head is missing"))?)
}

/// The hash at a level of the audit tree that an entry completed, in a log that begins with entry `first`.
pub(super) fn hash(tree: &::sled::Tree, first: u64, seq: u64, level: u32) -> Result<Option<Hash>, StoreError> {
    let is_pruned = seq < first;
    let stored = tree.get(numbered(if is_pruned { NODES } else { HASHES }, seq)).map_err(engine_error)?;
    Ok(stored.and_then(|bytes| hash_in(&bytes, level, is_pruned)))
}

/// The edge of the tree over the first `size` entries.
pub(super) fn frontier(tree: &::sled::Tree, first: u64, size: u64) -> Result<Frontier, StoreError> {
    let mut failed = None;
    let stored = |seq, level| {
        hash(tree, first, seq, level).unwrap_or_else(|error| {
            failed = Some(error);
            None
        })
    };
    let loaded = Frontier::load(size, stored);
    match (loaded, failed) {
        (Ok(frontier), _) => Ok(frontier),
        (Err(_), Some(error)) => Err(error),
        (Err(seq), None) => Err(damaged("the stored hash of an audit entry is missing", seq)),
    }
}

fn anchored(tree: &::sled::Tree, head: &Head, anchor: Option<&Anchored>) -> Result<(), StoreError> {
    let Some(anchor) = anchor else {
        return if head.size == 0 {
            Ok(())
        } else {
            Err(broken("the file `audit.head` is missing: the audit log cannot be told from an older one"))
        };
    };
    let (known, cut) = (&anchor.head, anchor.cut);
    if known.size > head.size {
        let detail = format!("it holds {} audit entries, {} were written: an older state was put in its place", head.size, known.size);
        return Err(StoreError::Damaged { detail, first_bad_entry: Some(head.size) });
    }
    if head.first > cut {
        return Err(damaged("audit entries are gone that were not to be pruned", cut));
    }
    if frontier(tree, head.first, known.size)?.root() != known.root {
        return Err(broken(format!("the first {} audit entries are not the ones that `audit.head` vouches for", known.size)));
    }
    Ok(())
}

/// Checks the last entries against their hashes and the chain; answers with the hash of the last one.
fn tail(tree: &::sled::Tree, first: u64, size: u64) -> Result<Hash, StoreError> {
    let start = size.saturating_sub(TAIL).max(first);
    let mut previous: Option<Hash> = if start == 0 { Some([0; 32]) } else { None };
    for seq in start..size {
        let bytes = tree.get(numbered(AUDIT, seq)).map_err(engine_error)?.ok_or_else(|| damaged("an audit entry is missing", seq))?;
        let leaf = leaf_hash(&bytes);
        let stored = tree.get(numbered(HASHES, seq)).map_err(engine_error)?;
        let same_hash = stored.and_then(|hashes| stored_hash(&hashes, 0)) == Some(leaf);
        let linked = Link::parse(&bytes).is_some_and(|link| link.seq == seq && previous.is_none_or(|previous| previous == link.previous));
        if !same_hash || !linked {
            return Err(damaged("an audit entry was changed", seq));
        }
        previous = Some(leaf);
    }
    if tree.get_gt(numbered(AUDIT, size.saturating_sub(1))).map_err(engine_error)?.is_some_and(|(key, _)| key.first() == Some(&AUDIT))
        && size > 0
    {
        return Err(damaged("there are audit entries after the last known one", size));
    }
    Ok(previous.unwrap_or_default())
}

/// The sum over all values as they are read back.
pub(super) fn state_sum(tree: &::sled::Tree) -> Result<Hash, StoreError> {
    let mut sum = Hash::default();
    for namespace in NAMESPACES {
        for item in tree.scan_prefix(layout::value_key(namespace, b"")) {
            let (key, stored) = item.map_err(engine_error)?;
            let value = layout::whole_value(tree, &key, &stored)?;
            layout::toggle(&mut sum, &layout::fingerprint(&key, &value));
        }
    }
    Ok(sum)
}

fn damaged(detail: &str, seq: u64) -> StoreError {
    StoreError::Damaged { detail: detail.to_owned(), first_bad_entry: Some(seq) }
}
