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
        verify(entries, hashes, &self.head, &self.anchors)
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
        assert_eq!(verdict, Verdict { entries: size, root: log.head.root, first_bad: None, still_provable_until: size });
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
    let bad = verify(entries, hashes, &log.head, &[]).first_bad.unwrap();
    assert_eq!((bad.seq, bad.reason), (6, Reason::Unreadable));
}
