//! Where a log was pruned: the entry that says so, and what is left of the entries before.
//!
//! **Invariant**: entries go in whole blocks, and only after an entry that names the cut and the root there is on the disk. The nodes of the blocks and those
//! above them stay, so root, proofs of kept entries and proofs of growth from a head at or after the cut are what they were. Deletes nothing itself.

use data_encoding::HEXLOWER;
use serde::Deserialize;

use super::tree::{BLOCK, BLOCK_LEVEL, Frontier, Hash};
use super::verify::Bad;
use super::{Draft, Kind, Reason};

/// A place at which a log was pruned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Number of the first entry that is kept: a multiple of [`BLOCK`].
    pub to: u64,
    /// Root of the tree over the entries before it.
    pub root: Hash,
}

impl Cut {
    /// The entry that says it. `entries`: how many go; `rule`: why, in a few words without names of persons.
    #[must_use]
    pub fn draft(&self, entries: u64, rule: &str) -> Draft {
        Draft::new(Kind::AuditPruned).records(entries).detail(format!("to {} root {}: {rule}", self.to, HEXLOWER.encode(&self.root)))
    }

    /// What an entry says, if it is such a one.
    #[must_use]
    pub fn parse(entry: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Line {
            kind: String,
            detail: String,
        }
        // Most entries say something else: they are not parsed.
        std::str::from_utf8(entry).ok().filter(|text| text.contains(Kind::AuditPruned.text()))?;
        let line: Line = serde_json::from_slice(entry).ok().filter(|line: &Line| line.kind == Kind::AuditPruned.text())?;
        let (to, rest) = line.detail.strip_prefix("to ")?.split_once(" root ")?;
        let to = to.parse().ok().filter(|to| to % BLOCK == 0)?;
        let root = HEXLOWER.decode(rest.split_once(':')?.0.as_bytes()).ok()?.try_into().ok()?;
        Some(Self { to, root })
    }
}

/// Which cuts the entries of a log have named so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Cuts {
    /// Each with the number of the entry that names it.
    named: Vec<(u64, Cut)>,
}

impl Cuts {
    pub fn meet(&mut self, seq: u64, entry: &[u8]) {
        self.named.extend(Cut::parse(entry).map(|cut| (seq, cut)));
    }

    /// Did an entry say that what is before this edge may be gone? One that names a later cut says so too: its pruning has not ended.
    pub fn allow(&self, start: &Frontier) -> bool {
        start.size() == 0 || self.named.iter().any(|(_, cut)| cut.to > start.size() || (cut.to == start.size() && cut.root == start.root()))
    }

    /// The furthest cut: the number of the entry that names it, and where it is.
    pub fn furthest(&self) -> Option<(u64, u64)> {
        self.named.iter().map(|(seq, cut)| (*seq, cut.to)).max_by_key(|(_, to)| *to)
    }
}

/// The bytes that stay of those kept under a number before the cut: nodes of its block and above. None if it ends no block.
#[must_use]
pub fn kept(hashes: &[u8]) -> Option<&[u8]> {
    hashes.get(BLOCK_LEVEL as usize * 32..).filter(|kept| !kept.is_empty())
}

/// The edge of the tree before the cut `first`, from what stayed of each block. `nodes` yields the number of the last entry of each block with the bytes of
/// its node and of those above, in order.
///
/// # Errors
/// The first place that does not hold. A changed node of a block shows only in the root of the tree.
pub fn edge<E>(first: u64, mut nodes: impl Iterator<Item = (u64, Result<Vec<u8>, E>)>) -> Result<Frontier, Bad> {
    let mut blocks = Frontier::default();
    while blocks.size().saturating_mul(BLOCK) < first {
        let last = blocks.size() * BLOCK + (BLOCK - 1);
        let bad = |found: &str, reason| Bad { seq: last, expected: "the nodes of its block".into(), found: found.into(), reason };
        match nodes.next() {
            Some((number, Ok(bytes))) if number == last => {
                let node = bytes.get(..32).and_then(|node| node.try_into().ok()).ok_or_else(|| bad("no hash", Reason::StoredHash))?;
                if blocks.push(node).concat() != bytes {
                    return Err(bad("others", Reason::StoredHash));
                }
            }
            Some((number, Err(_))) if number == last => return Err(bad("nothing that can be read", Reason::Unreadable)),
            _ => return Err(bad("none", Reason::StoredHash)),
        }
    }
    if let Some((number, _)) = nodes.next() {
        return Err(Bad { seq: number, expected: "no node of a block".into(), found: "a node of a block".into(), reason: Reason::Extra });
    }
    let whole = blocks.of_blocks().filter(|edge| edge.size() == first);
    whole.ok_or_else(|| Bad { seq: first, expected: format!("a multiple of {BLOCK}"), found: first.to_string(), reason: Reason::Head })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::super::tree::leaf_hash;
    use super::*;

    #[test]
    fn a_cut_is_read_back_from_its_entry() {
        let cut = Cut { to: 512, root: [0xab; 32] };
        let entry = cut.draft(256, "entries before 2023-01-01").seal(900, 0, &[1; 32]).unwrap();
        assert_eq!(Cut::parse(&entry), Some(cut.clone()));
        let text = String::from_utf8(entry).unwrap();
        for (from, to) in [("audit.pruned", "audit.pruner"), ("to 512", "to 513"), ("to 512", "to x"), (" root ", " "), ("abab", "ab")] {
            assert_eq!(Cut::parse(text.replacen(from, to, 1).as_bytes()), None, "{to}");
        }
        assert_eq!(Cut::parse(&Draft::new(Kind::HubStart).detail("audit.pruned").seal(0, 0, &[0; 32]).unwrap()), None);
        assert_eq!(Cut::parse(b"audit.pruned"), None);
    }

    #[test]
    fn only_a_cut_that_was_named_allows_a_gap() {
        let mut start = Frontier::default();
        let mut cuts = Cuts::default();
        assert!(cuts.allow(&start));
        for number in 0..BLOCK {
            start.push(leaf_hash(&number.to_be_bytes()));
        }
        assert!(!cuts.allow(&start));
        cuts.named.push((300, Cut { to: BLOCK, root: [0; 32] }));
        assert!(!cuts.allow(&start), "another log's");
        cuts.named.push((400, Cut { to: BLOCK, root: start.root() }));
        assert!(cuts.allow(&start));
        assert_eq!(cuts.furthest().map(|(_, to)| to), Some(BLOCK));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_edge_is_that_of_the_whole_log(blocks in 0..9_u64, at: usize, by in 1..=255_u8, gone: usize) {
            let (mut whole, mut nodes) = (Frontier::default(), Vec::new());
            for number in 0..blocks * BLOCK {
                let stored = whole.push(leaf_hash(&number.to_be_bytes())).concat();
                nodes.extend(kept(&stored).map(|kept| (number, kept.to_vec())));
            }
            let read = |nodes: &[(u64, Vec<u8>)]| edge(blocks * BLOCK, nodes.iter().cloned().map(|(number, bytes)| (number, Ok::<_, ()>(bytes))));
            prop_assert_eq!(read(&nodes), Ok(whole.clone()));
            if blocks == 0 {
                return Ok(());
            }
            let mut changed = nodes.clone();
            let node = &mut changed[gone % nodes.len()].1;
            let at = at % node.len();
            node[at] ^= by;
            prop_assert!(read(&changed).map(|edge| edge.root()) != Ok(whole.root()), "a changed node");
            changed = nodes.clone();
            changed.remove(gone % nodes.len());
            prop_assert!(read(&changed).is_err(), "a missing node");
            nodes.push((blocks * BLOCK + BLOCK - 1, vec![0; 32]));
            prop_assert!(read(&nodes).is_err(), "one too many");
        }
    }
}
