//! The proof that a log is the one that was written: chain, tree, stored hashes and known heads, in one pass with constant memory.
//!
//! Reads what it is given in order and believes none of it; does not open a store and does not repair.

use data_encoding::HEXLOWER;

use super::prune::Cuts;
use super::tree::{Frontier, Hash, TreeHead, leaf_hash};
use super::{Kind, Link};

/// What a pass over the log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Entries before this number were pruned: what is left of them agrees with the tree, and an entry names the cut.
    pub first: u64,
    /// One past the last entry that holds: they agree with their chain and with the stored hashes.
    pub entries: u64,
    /// Root of the tree over these entries.
    pub root: Hash,
    /// The first place that does not hold. `None`: the log is whole.
    pub first_bad: Option<Bad>,
    /// Entries before this number are whole: each is named by hash in its successor and agrees with the stored tree.
    pub still_provable_until: u64,
    /// Known heads of sizes before the first entry: there is nothing left to compare them with.
    pub older_heads: usize,
    /// The furthest cut that an entry names: the entry's number, and where the cut is. Behind `first`: a pruning has not ended.
    pub cut: Option<(u64, u64)>,
}

impl Verdict {
    /// Nothing holds.
    #[must_use]
    pub fn nothing(first: u64, bad: Bad) -> Self {
        let root = TreeHead::default().root;
        Self { first, entries: 0, root, first_bad: Some(bad), still_provable_until: 0, older_heads: 0, cut: None }
    }
}

/// A place that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Number of the entry; for [`Reason::Head`] the size whose root differs.
    pub seq: u64,
    /// What should have been there: a number or a hash.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// How it differs.
    pub reason: Reason,
}

/// How a place differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The bytes of the entry were changed.
    Changed,
    /// The entry is not there.
    Missing,
    /// The entry cannot be read.
    Unreadable,
    /// Another entry stands in its place.
    Moved,
    /// The entry is whole, its stored hashes are not.
    StoredHash,
    /// There are entries after the last one that the head knows.
    Extra,
    /// Every entry agrees with its neighbours, but the root is not the one that was recorded for this size.
    Head,
}

impl Reason {
    /// A few words for a message.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Changed => "its bytes were changed",
            Self::Missing => "it is missing",
            Self::Unreadable => "it cannot be read",
            Self::Moved => "another entry stands in its place",
            Self::StoredHash => "its stored hashes were changed",
            Self::Extra => "it is not known to the head",
            Self::Head => "the root of the tree is not the recorded one",
        }
    }
}

/// Reads the log from behind `start` on, which is the edge before the first entry that is kept: empty for a log that was not pruned. `entries` and
/// `stored_hashes` yield number and bytes in the order of the numbers; `head` is what the store says of itself and ends the log; `anchors` are heads recorded
/// elsewhere, of the same or smaller size, in any order. A larger anchor makes the log too short.
pub fn verify<E1, E2>(
    start: Frontier,
    entries: impl Iterator<Item = (u64, Result<Vec<u8>, E1>)>,
    stored_hashes: impl Iterator<Item = (u64, Result<Vec<u8>, E2>)>,
    head: &TreeHead,
    anchors: &[TreeHead],
) -> Verdict {
    let mut heads: Vec<&TreeHead> = anchors.iter().chain([head]).collect();
    heads.sort_by_key(|one| one.size);
    let limit = heads.last().map_or(0, |one| one.size);
    let older_heads = heads.partition_point(|one| one.size < start.size());
    heads.drain(..older_heads);
    let previous = (start.size() == 0).then_some([0; 32]);
    let mut pass = Pass { frontier: start.clone(), previous, heads, fault: None, cuts: Cuts::default() };
    let mut entries = entries.map(|(seq, bytes)| (seq, bytes.ok()));
    let mut hashes = stored_hashes.map(|(seq, bytes)| (seq, bytes.ok()));
    let mut bad = pass.meet_heads();
    while bad.is_none() {
        let seq = pass.frontier.size();
        let entry = entries.next();
        bad = match entry {
            None if seq >= limit => break,
            None => Some(Bad::new(seq, format!("{limit} entries"), format!("{seq} entries"), Reason::Missing)),
            Some((found, _)) if seq >= limit => Some(Bad::new(seq, format!("{limit} entries"), format!("entry {found}"), Reason::Extra)),
            Some((found, _)) if found < seq => Some(Bad::new(found, format!("entry {seq}"), format!("entry {found}"), Reason::Extra)),
            Some((found, _)) if found != seq => Some(Bad::new(seq, format!("entry {seq}"), format!("entry {found}"), Reason::Missing)),
            Some((_, None)) => Some(Bad::new(seq, format!("entry {seq}"), "nothing that can be read".into(), Reason::Unreadable)),
            Some((_, Some(bytes))) => pass.take(&bytes, hashes.next()).or_else(|| pass.meet_heads()),
        };
        if let (Some(bad), Some(fault)) = (&mut bad, &pass.fault) {
            fault.settle(bad, entries.next().and_then(|(_, bytes)| bytes));
        }
    }
    if bad.is_none() {
        bad = hashes.next().map(|(seq, _)| Bad::new(seq, "no stored hash".into(), "a stored hash".into(), Reason::Extra));
    }
    if bad.is_none() && (!pass.cuts.allow(&start) || start.size() > pass.frontier.size().min(limit)) {
        let expected = format!("an entry {} that names the cut at {}", Kind::AuditPruned.text(), start.size());
        bad = Some(Bad::new(start.size() - 1, expected, "none".into(), Reason::Missing));
    }
    let held = pass.held(bad.as_ref());
    Verdict {
        first: start.size(),
        entries: held,
        root: pass.frontier.root(),
        first_bad: bad,
        still_provable_until: held,
        older_heads,
        cut: pass.cuts.furthest(),
    }
}

/// The state of one pass: constant but for the edge of the tree.
struct Pass<'a> {
    frontier: Frontier,
    /// Hash of the entry before; not known before the first that is kept of a pruned log.
    previous: Option<Hash>,
    cuts: Cuts,
    /// Heads still to be met, the smallest first.
    heads: Vec<&'a TreeHead>,
    fault: Option<Fault>,
}

/// Two neighbours, or an entry and its stored hash, disagree. Which of them was changed is settled by the entry after: one that its successor still
/// names by hash is whole.
enum Fault {
    /// The entry with this hash does not agree with its stored hashes.
    Stored(Hash),
    /// The entry with the first hash names the second for the entry before, which has the third.
    Chain(Hash, Hash, Hash),
}

impl Pass<'_> {
    /// Takes the next entry with its stored hashes. On a fault the frontier stays before the entry.
    fn take(&mut self, bytes: &[u8], stored: Option<(u64, Option<Vec<u8>>)>) -> Option<Bad> {
        let seq = self.frontier.size();
        let leaf = leaf_hash(bytes);
        let Some(link) = Link::parse(bytes) else {
            return Some(Bad::new(seq, "the start of an entry".into(), "other bytes".into(), Reason::Changed));
        };
        if link.seq != seq {
            return Some(Bad::new(seq, format!("entry {seq}"), format!("entry {}", link.seq), Reason::Moved));
        }
        let mut after = self.frontier.clone();
        let expected = after.push(leaf).concat();
        let stored = stored.filter(|(number, _)| *number == seq).and_then(|(_, bytes)| bytes).unwrap_or_default();
        if stored != expected {
            self.fault = Some(Fault::Stored(leaf));
            let same_leaf = stored.is_empty() || stored.get(..32) == Some(&leaf[..]);
            let reason = if same_leaf { Reason::StoredHash } else { Reason::Changed };
            let stored_leaf = stored.get(..32).map_or_else(|| "no hash".into(), |hash| HEXLOWER.encode(hash));
            return Some(Bad::new(seq, stored_leaf, HEXLOWER.encode(&leaf), reason));
        }
        if let Some(previous) = self.previous.filter(|previous| link.previous != *previous) {
            self.fault = Some(Fault::Chain(leaf, link.previous, previous));
            return Some(Bad::new(seq, HEXLOWER.encode(&previous), HEXLOWER.encode(&link.previous), Reason::Changed));
        }
        self.frontier = after;
        self.previous = Some(leaf);
        self.cuts.meet(seq, bytes);
        None
    }

    /// Compares the root with every head of this size.
    fn meet_heads(&mut self) -> Option<Bad> {
        let size = self.frontier.size();
        while let Some(head) = self.heads.first().copied().filter(|head| head.size == size) {
            let root = self.frontier.root();
            if root != head.root {
                return Some(Bad::new(size, HEXLOWER.encode(&head.root), HEXLOWER.encode(&root), Reason::Head));
            }
            self.heads.remove(0);
        }
        None
    }

    /// How many entries hold: the blame may have moved to the entry before the one at which the pass stopped.
    fn held(&self, bad: Option<&Bad>) -> u64 {
        bad.map_or(self.frontier.size(), |bad| bad.seq.min(self.frontier.size()))
    }
}

impl Bad {
    fn new(seq: u64, expected: String, found: String, reason: Reason) -> Self {
        Self { seq, expected, found, reason }
    }
}

impl Fault {
    fn settle(&self, bad: &mut Bad, next: Option<Vec<u8>>) {
        let Some(named) = next.as_deref().and_then(Link::parse).map(|link| link.previous) else { return };
        match self {
            Self::Stored(leaf) if named == *leaf => bad.reason = Reason::StoredHash,
            Self::Chain(leaf, before, found) if named == *leaf && bad.seq > 0 => {
                *bad = Bad::new(bad.seq - 1, HEXLOWER.encode(before), HEXLOWER.encode(found), Reason::Changed);
            }
            Self::Stored(_) | Self::Chain(..) => {}
        }
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
