//! Every way in which a log can be changed, one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;
use crate::audit::{Draft, Kind};

#[derive(Clone)]
struct Log {
    entries: Vec<(u64, Vec<u8>)>,
    hashes: Vec<(u64, Vec<u8>)>,
    head: TreeHead,
    anchors: Vec<TreeHead>,
}

impl Log {
    fn new(size: u64) -> Self {
        let (mut frontier, mut previous) = (Frontier::default(), [0; 32]);
        let mut log = Self { entries: Vec::new(), hashes: Vec::new(), head: TreeHead::default(), anchors: Vec::new() };
        for seq in 0..size {
            let bytes = Draft::new(Kind::FlowIntent).flow("crm-to-erp").batch(seq).seal(seq, 1_000 * seq, &previous).unwrap();
            previous = leaf_hash(&bytes);
            log.hashes.push((seq, frontier.push(previous).concat()));
            log.entries.push((seq, bytes));
            if seq == size / 2 {
                log.anchors.push(frontier.head());
            }
        }
        log.head = frontier.head();
        log
    }

    fn verify(&self) -> Verdict {
        let entries = self.entries.iter().cloned().map(|(seq, bytes)| (seq, Ok::<_, ()>(bytes)));
        let hashes = self.hashes.iter().cloned().map(|(seq, bytes)| (seq, Ok::<_, ()>(bytes)));
        verify(Frontier::default(), entries, hashes, &self.head, &self.anchors)
    }

    fn bad(&self) -> (u64, Reason) {
        let bad = self.verify().first_bad.expect("the change must be found");
        (bad.seq, bad.reason)
    }

    /// Rebuilds stored hashes and head over changed entries, as somebody with the store in his hands could.
    fn rebuild_tree(&mut self) {
        let mut frontier = Frontier::default();
        self.hashes = self.entries.iter().map(|(seq, bytes)| (*seq, frontier.push(leaf_hash(bytes)).concat())).collect();
        self.head = frontier.head();
    }
}

#[test]
fn a_whole_log_holds() {
    for size in [0, 1, 2, 3, 100] {
        let log = Log::new(size);
        let verdict = log.verify();
        let whole = Verdict {
            first: 0,
            entries: size,
            root: log.head.root,
            first_bad: None,
            still_provable_until: size,
            older_heads: 0,
            cut: None,
        };
        assert_eq!(verdict, whole);
    }
}

#[test]
fn any_changed_byte_names_its_entry() {
    for target in [0_usize, 1, 40, 98, 99] {
        for at in 0..Log::new(100).entries[target].1.len() {
            let mut log = Log::new(100);
            log.entries[target].1[at] ^= 1;
            let verdict = log.verify();
            assert_eq!(verdict.first_bad.unwrap().seq, target as u64, "byte {at}");
            assert_eq!((verdict.entries, verdict.still_provable_until), (target as u64, target as u64));
        }
    }
}

#[test]
fn a_changed_entry_in_a_rebuilt_tree_is_named_by_its_successor() {
    let mut log = Log::new(100);
    log.anchors.clear();
    log.entries[40].1[150] ^= 1;
    log.rebuild_tree();
    assert_eq!(log.bad(), (40, Reason::Changed));
}

#[test]
fn a_missing_entry_is_named() {
    let mut log = Log::new(100);
    log.entries.remove(7);
    assert_eq!(log.bad(), (7, Reason::Missing));
    log.hashes.remove(7);
    assert_eq!(log.bad(), (7, Reason::Missing));
}

#[test]
fn swapped_entries_are_named() {
    let mut log = Log::new(100);
    let (left, right) = (log.entries[20].1.clone(), log.entries[30].1.clone());
    log.entries[20].1 = right;
    log.entries[30].1 = left;
    assert_eq!(log.bad(), (20, Reason::Moved));
}

#[test]
fn a_cut_tail_is_missing_and_an_added_one_extra() {
    let mut log = Log::new(100);
    log.entries.truncate(90);
    log.hashes.truncate(90);
    assert_eq!(log.bad(), (90, Reason::Missing));
    let longer = Log::new(101);
    log = Log { entries: longer.entries, hashes: longer.hashes, ..Log::new(100) };
    assert_eq!(log.bad(), (100, Reason::Extra));
    log.entries.pop();
    assert_eq!(log.bad(), (100, Reason::Extra), "a stored hash without entry");
}

#[test]
fn a_rolled_back_store_is_shorter_than_its_anchor() {
    let mut log = Log::new(90);
    log.anchors.push(Log::new(100).head);
    assert_eq!(log.bad(), (90, Reason::Missing));
}

#[test]
fn changed_stored_hashes_are_told_from_changed_entries() {
    for (at, byte) in [(40, 0), (63, 33), (63, 200)] {
        let mut log = Log::new(100);
        log.hashes[at].1[byte] ^= 1;
        assert_eq!(log.bad(), (at as u64, Reason::StoredHash), "hash {at} byte {byte}");
    }
    let mut log = Log::new(100);
    log.hashes.remove(5);
    assert_eq!(log.bad(), (5, Reason::StoredHash));
}

#[test]
fn a_changed_head_or_anchor_is_met() {
    let mut log = Log::new(100);
    log.head.root[3] ^= 1;
    assert_eq!(log.bad(), (100, Reason::Head));
    let mut log = Log::new(100);
    log.anchors[0].root[3] ^= 1;
    assert_eq!(log.bad(), (51, Reason::Head));
    log.head.size = 99;
    log.anchors.clear();
    assert_eq!(log.bad(), (99, Reason::Head));
}

#[test]
fn an_unreadable_entry_is_named() {
    let log = Log::new(10);
    let entries = log.entries.iter().cloned().map(|(seq, bytes)| (seq, if seq == 6 { Err(()) } else { Ok(bytes) }));
    let hashes = log.hashes.iter().cloned().map(|(seq, bytes)| (seq, Ok::<_, ()>(bytes)));
    let bad = verify(Frontier::default(), entries, hashes, &log.head, &[]).first_bad.unwrap();
    assert_eq!((bad.seq, bad.reason), (6, Reason::Unreadable));
}

/// A log of 1,000 entries pruned at a cut, with an entry 600 that names it, and what is left of its blocks.
fn pruned(blocks: u64, named: u64) -> (Log, Vec<(u64, Vec<u8>)>) {
    use crate::audit::prune::{Cut, kept};
    use crate::audit::tree::BLOCK;
    let (mut frontier, mut previous) = (Frontier::default(), [0; 32]);
    let mut log = Log { entries: Vec::new(), hashes: Vec::new(), head: TreeHead::default(), anchors: Vec::new() };
    let (mut nodes, mut root) = (Vec::new(), [0; 32]);
    for seq in 0..1_000 {
        let draft = if seq == 600 { Cut { to: named, root }.draft(named, "a test") } else { Draft::new(Kind::FlowIntent).batch(seq) };
        let bytes = draft.seal(seq, 1_000 * seq, &previous).unwrap();
        previous = leaf_hash(&bytes);
        let stored = frontier.push(previous).concat();
        if seq + 1 == named {
            root = frontier.root();
        }
        if seq < blocks * BLOCK {
            nodes.extend(kept(&stored).map(|kept| (seq, kept.to_vec())));
        } else {
            log.hashes.push((seq, stored));
            log.entries.push((seq, bytes));
        }
        if seq % 100 == 99 {
            log.anchors.push(frontier.head());
        }
    }
    log.head = frontier.head();
    (log, nodes)
}

fn verdict_of(log: &Log, first: u64, nodes: &[(u64, Vec<u8>)]) -> Verdict {
    let entries = log.entries.iter().cloned().map(|(seq, bytes)| (seq, Ok::<_, ()>(bytes)));
    let hashes = log.hashes.iter().cloned().map(|(seq, bytes)| (seq, Ok::<_, ()>(bytes)));
    match crate::audit::prune::edge(first, nodes.iter().cloned().map(|(seq, bytes)| (seq, Ok::<_, ()>(bytes)))) {
        Ok(start) => verify(start, entries, hashes, &log.head, &log.anchors),
        Err(bad) => Verdict::nothing(first, bad),
    }
}

#[test]
fn a_pruned_log_holds_and_its_cut_must_be_named() {
    for (blocks, named) in [(1, 256), (2, 512), (1, 512)] {
        let (log, nodes) = pruned(blocks, named);
        let verdict = verdict_of(&log, 256 * blocks, &nodes);
        let found = (verdict.first_bad, verdict.first, verdict.entries, verdict.cut);
        assert_eq!(found, (None, 256 * blocks, 1_000, Some((600, named))));
        assert_eq!(verdict.older_heads, if blocks == 1 { 2 } else { 5 });
    }
    let (log, nodes) = pruned(2, 256);
    let bad = verdict_of(&log, 512, &nodes).first_bad.unwrap();
    assert_eq!((bad.seq, bad.reason), (511, Reason::Missing), "pruned further than any entry says");
    let (mut log, nodes) = pruned(2, 512);
    let extra = Log::new(1).entries.remove(0);
    log.entries.insert(0, extra);
    let bad = verdict_of(&log, 512, &nodes).first_bad.unwrap();
    assert_eq!((bad.seq, bad.reason), (0, Reason::Extra));
}

#[test]
fn a_changed_byte_of_a_pruned_log_names_its_entry() {
    let (log, nodes) = pruned(2, 512);
    for target in [0, 1, 88, 300, 486, 487] {
        for at in (0..log.entries[target].1.len()).step_by(29) {
            let mut log = log.clone();
            log.entries[target].1[at] ^= 1;
            let bad = verdict_of(&log, 512, &nodes).first_bad.unwrap();
            assert_eq!(bad.seq, 512 + target as u64, "byte {at}");
        }
    }
    let mut shorter = log.clone();
    shorter.entries.remove(0);
    assert_eq!(verdict_of(&shorter, 512, &nodes).first_bad.unwrap().seq, 512);
    for node in 0..nodes.len() {
        for at in (0..nodes[node].1.len()).step_by(13) {
            let mut nodes = nodes.clone();
            nodes[node].1[at] ^= 1;
            assert!(verdict_of(&log, 512, &nodes).first_bad.is_some(), "byte {at} of node {node}");
        }
    }
}
