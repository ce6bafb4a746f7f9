//! Proofs of RFC 6962 for one entry and for growth, made from stored hashes and checked without them.
//!
//! A proof is a list of hashes; what it proves depends on the two heads that the verifier already trusts. Opens nothing and signs nothing.

use super::tree::{Frontier, Hash, TreeHead, node_hash};

/// More hashes than any proof over a tree of 2^63 entries has.
pub const MAX_HASHES: usize = 128;

/// The stored hashes of this entry are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored hashes of audit entry {0} are missing")]
pub struct MissingHashes(pub u64);

/// The hashes that lead from entry `seq` to the root of the tree with `size` entries, from the leaf upwards. Empty also if there is no such entry.
///
/// # Errors
/// Stored hashes are missing. `stored` answers with the hash at a level that an entry completed.
pub fn inclusion(seq: u64, size: u64, stored: &mut dyn FnMut(u64, u32) -> Option<Hash>) -> Result<Vec<Hash>, MissingHashes> {
    let mut hashes = Vec::new();
    let (mut start, mut end) = (0, size);
    if seq >= size {
        return Ok(hashes);
    }
    while end - start > 1 {
        let middle = start + split(end - start);
        if seq < middle {
            hashes.push(root_of(middle, end, stored)?);
            end = middle;
        } else {
            hashes.push(root_of(start, middle, stored)?);
            start = middle;
        }
    }
    hashes.reverse();
    Ok(hashes)
}

/// The hashes that show the tree with `size` entries to begin with the one with `old` entries.
///
/// # Errors
/// As [`inclusion`].
pub fn consistency(old: u64, size: u64, stored: &mut dyn FnMut(u64, u32) -> Option<Hash>) -> Result<Vec<Hash>, MissingHashes> {
    let mut hashes = Vec::new();
    if old == 0 || old >= size {
        return Ok(hashes);
    }
    let (mut start, mut end) = (0, size);
    while end > old {
        let middle = start + split(end - start);
        if old <= middle {
            hashes.push(root_of(middle, end, stored)?);
            end = middle;
        } else {
            hashes.push(root_of(start, middle, stored)?);
            start = middle;
        }
    }
    // A subtree that begins the log is known from the old head itself.
    if start > 0 {
        hashes.push(root_of(start, end, stored)?);
    }
    hashes.reverse();
    Ok(hashes)
}

/// The root of the tree with `size` entries in which this leaf has number `seq`, as the hashes have it. None if they are too few or too many.
#[must_use]
pub fn root_with(leaf: Hash, seq: u64, size: u64, hashes: &[Hash]) -> Option<Hash> {
    if seq >= size {
        return None;
    }
    let mut root = leaf;
    let whole = climb(seq, size - 1, hashes, |is_left, hash| root = if is_left { node_hash(hash, &root) } else { node_hash(&root, hash) });
    whole.then_some(root)
}

/// The path from a place to the root of a tree whose last place is `last`, as RFC 9162 has it in 2.1.3.2 and 2.1.4.2: each hash with whether it stands to the
/// left. False if the hashes are too few or too many.
fn climb<'a>(mut place: u64, mut last: u64, hashes: impl IntoIterator<Item = &'a Hash>, mut join: impl FnMut(bool, &Hash)) -> bool {
    for hash in hashes {
        if last == 0 {
            return false;
        }
        let is_left = place & 1 == 1 || place == last;
        join(is_left, hash);
        while is_left && place & 1 == 0 && place != 0 {
            (place, last) = (place >> 1, last >> 1);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    last == 0
}

/// True if the hashes show that the newer tree begins with the older one.
#[must_use]
pub fn is_consistent(old: &TreeHead, new: &TreeHead, hashes: &[Hash]) -> bool {
    match old.size {
        0 => hashes.is_empty() && old.root == TreeHead::default().root,
        size if size == new.size => hashes.is_empty() && old.root == new.root,
        size if size > new.size => false,
        _ => grew(old, new, hashes).unwrap_or(false),
    }
}

/// RFC 9162, 2.1.4.2.
fn grew(old: &TreeHead, new: &TreeHead, hashes: &[Hash]) -> Option<bool> {
    let known = old.size.is_power_of_two().then_some(&old.root);
    let mut path = known.into_iter().chain(hashes);
    let (mut place, mut last) = (old.size - 1, new.size - 1);
    while place & 1 == 1 {
        (place, last) = (place >> 1, last >> 1);
    }
    let first = *path.next()?;
    let (mut of_old, mut of_new) = (first, first);
    let whole = climb(place, last, path, |is_left, hash| {
        if is_left {
            of_old = node_hash(hash, &of_old);
            of_new = node_hash(hash, &of_new);
        } else {
            of_new = node_hash(&of_new, hash);
        }
    });
    Some(whole && of_old == old.root && of_new == new.root)
}

/// The largest power of two below a length of at least two.
fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}

/// The root over the entries from `start` to before `end`. `start` is a multiple of a power of two that is no shorter than the stretch, as it is in proofs.
fn root_of(start: u64, end: u64, stored: &mut dyn FnMut(u64, u32) -> Option<Hash>) -> Result<Hash, MissingHashes> {
    let mut missing = None;
    // A stretch of a tree is a tree of its own whose subtrees end at the same entries.
    let frontier = Frontier::load(end - start, |last, level| {
        let found = stored(start + last, level);
        if found.is_none() {
            missing = Some(start + last);
        }
        found
    });
    frontier.map(|frontier| frontier.root()).map_err(|last| MissingHashes(missing.unwrap_or(start + last)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::super::tree::{BLOCK, BLOCK_LEVEL, leaf_hash, stored_hash};
    use super::*;

    struct Log {
        stored: Vec<Vec<u8>>,
        heads: Vec<TreeHead>,
    }

    fn log(size: u64) -> Log {
        let (mut frontier, mut stored) = (Frontier::default(), Vec::new());
        let mut heads = vec![frontier.head()];
        for number in 0..size {
            stored.push(frontier.push(leaf_hash(&number.to_be_bytes())).concat());
            heads.push(frontier.head());
        }
        Log { stored, heads }
    }

    impl Log {
        fn get(&self) -> impl FnMut(u64, u32) -> Option<Hash> {
            |seq, level| stored_hash(self.stored.get(usize::try_from(seq).unwrap())?, level)
        }
    }

    #[test]
    fn every_entry_of_every_size_is_proven_and_no_other() {
        let log = log(66);
        for size in 1..=66_u64 {
            for seq in 0..size {
                let leaf = leaf_hash(&seq.to_be_bytes());
                let hashes = inclusion(seq, size, &mut log.get()).unwrap();
                let root = log.heads[size as usize].root;
                assert_eq!(root_with(leaf, seq, size, &hashes), Some(root), "{seq} of {size}");
                assert_ne!(root_with(leaf_hash(b"another"), seq, size, &hashes), Some(root));
                for other in (0..size).filter(|other| *other != seq) {
                    assert_ne!(root_with(leaf, other, size, &hashes), Some(root), "{seq} as {other} of {size}");
                }
                for count in 0..hashes.len() {
                    assert_ne!(root_with(leaf, seq, size, &hashes[..count]), Some(root));
                }
            }
        }
        assert_eq!(root_with([0; 32], 1, 1, &[]), None);
    }

    #[test]
    fn every_growth_is_proven_and_no_fork() {
        let log = log(66);
        for size in 0..=66_u64 {
            for old in 0..=size {
                let hashes = consistency(old, size, &mut log.get()).unwrap();
                let [before, after] = [old, size].map(|size| log.heads[size as usize].clone());
                assert!(is_consistent(&before, &after, &hashes), "{old} to {size}");
                let forked = TreeHead { root: [7; 32], ..before.clone() };
                assert!(!is_consistent(&forked, &after, &hashes), "{old} to {size}");
                assert!(!is_consistent(&before, &TreeHead { root: [7; 32], ..after.clone() }, &hashes) || old == 0, "{old} to {size}");
                let longer = [&hashes[..], &[[1; 32]]].concat();
                assert!(!is_consistent(&before, &after, &longer), "{old} to {size}");
            }
        }
    }

    #[test]
    fn missing_hashes_are_named() {
        let log = log(10);
        assert_eq!(inclusion(0, 11, &mut log.get()), Err(MissingHashes(10)));
        assert_eq!(inclusion(12, 11, &mut log.get()), Ok(Vec::new()));
        assert_eq!(consistency(3, 11, &mut log.get()), Err(MissingHashes(10)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_kept_of_a_pruned_log_proves_everything_after_the_cut(blocks in 0..6_u64, size in 1..1_800_u64, old: u64, seq: u64) {
            let (log, cut) = (log(size), blocks.min((size - 1) / BLOCK) * BLOCK);
            let mut kept = |seq: u64, level: u32| {
                let gone = seq < cut && level < BLOCK_LEVEL;
                stored_hash(log.stored.get(usize::try_from(seq).ok()?)?, level).filter(|_| !gone)
            };
            let (old, seq) = (cut + old % (size - cut + 1), cut + seq % (size - cut));
            let hashes = inclusion(seq, size, &mut kept).unwrap();
            prop_assert_eq!(root_with(leaf_hash(&seq.to_be_bytes()), seq, size, &hashes), Some(log.heads[size as usize].root));
            let hashes = consistency(old, size, &mut kept).unwrap();
            prop_assert!(is_consistent(&log.heads[old as usize], &log.heads[size as usize], &hashes));
        }
    }

    proptest! {
        #[test]
        fn no_list_of_hashes_panics(seq: u64, size: u64, old: u64, hashes in prop::collection::vec(any::<[u8; 32]>(), 0..MAX_HASHES)) {
            let root = root_with([1; 32], seq, size, &hashes);
            prop_assert!(root.is_none() || seq < size);
            let (before, after) = (TreeHead { size: old, root: [2; 32] }, TreeHead { size, root: [3; 32] });
            prop_assert!(!is_consistent(&before, &after, &hashes));
        }
    }
}
