//! The check at the start: what the engine gives back must agree with itself and with the anchor before anything new is written.
//!
//! Reads the stored hashes, the last entries and all values, not the whole log (see `salvage` for that). Repairs nothing.

use hub_core::audit::tree::{Frontier, Hash, leaf_hash, stored_hash};
use hub_core::audit::{Link, TreeHead};

use super::StoreError;
use super::format::Head;
use super::layout::{self, AUDIT, HASHES, HEAD_KEY, NAMESPACES, VERSION, VERSION_KEY, broken, engine_error, numbered};
use super::sealing::Sealer;

/// Entries at the end of the log whose bytes are checked at every start.
const TAIL: u64 = 256;

/// A store that agrees with itself.
pub(super) struct Loaded {
    pub sealer: Sealer,
    /// Sum over all values.
    pub state: Hash,
}

/// Nothing was ever written here.
pub(super) fn is_fresh(tree: &::sled::Tree) -> Result<bool, StoreError> {
    Ok(tree.iter().next().transpose().map_err(engine_error)?.is_none())
}

/// Checks a store that is not fresh.
pub(super) fn load(tree: &::sled::Tree, anchor: Option<&TreeHead>) -> Result<Loaded, StoreError> {
    known_version(tree)?;
    let head = head(tree)?;
    let frontier = frontier(tree, head.size)?;
    if frontier.root() != head.root {
        return Err(broken("the stored hashes of the audit log do not add up to its head"));
    }
    anchored(tree, &head, anchor)?;
    let previous = tail(tree, head.size)?;
    if state_sum(tree)? != head.state {
        return Err(broken("the stored values are not the ones that were last written"));
    }
    Ok(Loaded { sealer: Sealer::new(frontier, previous, head.last_ms), state: head.state })
}

/// Refuses a layout that a newer hub wrote.
pub(super) fn known_version(tree: &::sled::Tree) -> Result<(), StoreError> {
    let stored = tree.get(VERSION_KEY).map_err(engine_error)?.ok_or_else(|| broken("it does not say its version"))?;
    let found = <[u8; 4]>::try_from(&stored[..]).map(u32::from_be_bytes).map_err(|_| broken("its version cannot be read"))?;
    if found == VERSION { Ok(()) } else { Err(StoreError::Format { found, known: VERSION }) }
}

/// What the store says of itself.
pub(super) fn head(tree: &::sled::Tree) -> Result<Head, StoreError> {
    Head::decode(&tree.get(HEAD_KEY).map_err(engine_error)?.ok_or_else(|| broken("the head is missing"))?)
}

fn frontier(tree: &::sled::Tree, size: u64) -> Result<Frontier, StoreError> {
    let mut failed = None;
    let stored = |seq| match tree.get(numbered(HASHES, seq)) {
        Ok(bytes) => bytes.map(|bytes| bytes.to_vec()),
        Err(error) => {
            failed = Some(engine_error(error));
            None
        }
    };
    let loaded = Frontier::load(size, stored);
    match (loaded, failed) {
        (Ok(frontier), _) => Ok(frontier),
        (Err(_), Some(error)) => Err(error),
        (Err(seq), None) => Err(damaged("the stored hash of an audit entry is missing", seq)),
    }
}

fn anchored(tree: &::sled::Tree, head: &Head, anchor: Option<&TreeHead>) -> Result<(), StoreError> {
    let Some(anchor) = anchor else {
        return if head.size == 0 {
            Ok(())
        } else {
            Err(broken("the file `audit.head` is missing: the audit log cannot be told from an older one"))
        };
    };
    if anchor.size > head.size {
        let detail = format!("it holds {} audit entries, {} were written: an older state was put in its place", head.size, anchor.size);
        return Err(StoreError::Damaged { detail, first_bad_entry: Some(head.size) });
    }
    if frontier(tree, anchor.size)?.root() != anchor.root {
        return Err(broken(format!("the first {} audit entries are not the ones that `audit.head` vouches for", anchor.size)));
    }
    Ok(())
}

/// Checks the last entries against their hashes and the chain; answers with the hash of the last one.
fn tail(tree: &::sled::Tree, size: u64) -> Result<Hash, StoreError> {
    let start = size.saturating_sub(TAIL);
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
