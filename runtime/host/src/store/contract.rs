//! The suite that every backend passes: what callers may rely on, whatever keeps the data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use futures::FutureExt;
use hub_core::audit::proof::{consistency, inclusion, is_consistent, root_with};
use hub_core::audit::prune::Cut;
use hub_core::audit::tree::{BLOCK, BLOCK_LEVEL, Frontier, leaf_hash};
use hub_core::audit::{Draft, Kind, Link, TreeHead};

use super::{Durability, KEY_LIMIT, Namespace, PRUNED_AT_ONCE, Put, Store, StoreError, TRANSACTION_LIMIT, Transaction, VALUE_LIMIT};

pub(super) fn block_on<Output>(future: impl Future<Output = Output>) -> Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Makes an empty store.
pub(super) type Make<'a> = &'a dyn Fn() -> Arc<dyn Store>;

/// Runs the whole suite.
pub(super) fn all(make: Make<'_>) {
    values_are_kept_replaced_and_deleted(&*make());
    lazy_values_are_seen_at_once(&*make());
    a_dropped_answer_does_not_undo_the_commit(&*make());
    families_do_not_mix(&*make());
    scans_are_ordered_and_paged(&*make());
    big_values_come_back_whole(&*make());
    limits_are_held(&*make());
    transactions_keep_the_order_of_the_calls(&*make());
    a_refused_transaction_leaves_nothing(&*make());
    entries_are_numbered_chained_and_summed_up(&*make());
    many_entries(&*make());
    a_pruned_log_proves_what_it_proved(&*make());
    assert!(make().free_space_ok().is_ok());
}

pub(super) fn put(namespace: Namespace, key: &[u8], value: Option<&[u8]>) -> Put {
    Put { namespace, key: key.to_vec(), value: value.map(<[u8]>::to_vec) }
}

pub(super) fn entry(number: u64) -> Draft {
    Draft::new(Kind::FlowIntent).flow("crm-to-erp").run("01JD0000000000000000000000").batch(number).purpose("billing").records(1_000_u64)
}

fn write(store: &dyn Store, puts: Vec<Put>, durability: Durability) -> u64 {
    block_on(store.commit(Transaction { puts, audit: Vec::new() }, durability)).unwrap()
}

fn values_are_kept_replaced_and_deleted(store: &dyn Store) {
    assert_eq!(store.get(Namespace::Progress, b"a").unwrap(), None);
    for value in [&b"one"[..], b"", b"three"] {
        write(store, vec![put(Namespace::Progress, b"a", Some(value))], Durability::Sync);
        assert_eq!(store.get(Namespace::Progress, b"a").unwrap().as_deref(), Some(value));
    }
    write(store, vec![put(Namespace::Progress, b"a", None), put(Namespace::Progress, b"never", None)], Durability::Sync);
    assert_eq!(store.get(Namespace::Progress, b"a").unwrap(), None);
    let twice =
        vec![put(Namespace::Runs, b"k", Some(b"first")), put(Namespace::Runs, b"k", None), put(Namespace::Runs, b"k", Some(b"last"))];
    write(store, twice, Durability::Sync);
    assert_eq!(store.get(Namespace::Runs, b"k").unwrap().as_deref(), Some(&b"last"[..]));
}

fn lazy_values_are_seen_at_once(store: &dyn Store) {
    for number in 0..50_u8 {
        write(store, vec![put(Namespace::Progress, b"a", Some(&[number]))], Durability::Lazy);
        assert_eq!(store.get(Namespace::Progress, b"a").unwrap(), Some(vec![number]));
        assert_eq!(store.scan(Namespace::Progress, b"", None, 10).unwrap(), [(b"a".to_vec(), vec![number])]);
    }
}

fn a_dropped_answer_does_not_undo_the_commit(store: &dyn Store) {
    drop(store.commit(Transaction { puts: vec![put(Namespace::Runs, b"gone", Some(b"1"))], audit: vec![entry(0)] }, Durability::Lazy));
    assert_eq!(write(store, Vec::new(), Durability::Sync), 1);
    assert_eq!(store.get(Namespace::Runs, b"gone").unwrap(), Some(b"1".to_vec()));
}

fn families_do_not_mix(store: &dyn Store) {
    let families = [Namespace::Progress, Namespace::Runs, Namespace::Capability, Namespace::Compiled];
    for (number, namespace) in (0_u8..).zip(families) {
        write(store, vec![put(namespace, b"same", Some(&[number]))], Durability::Lazy);
    }
    for (number, namespace) in (0_u8..).zip(families) {
        assert_eq!(store.get(namespace, b"same").unwrap(), Some(vec![number]));
        assert_eq!(store.scan(namespace, b"", None, 10).unwrap().len(), 1);
    }
}

fn scans_are_ordered_and_paged(store: &dyn Store) {
    let keys: Vec<&[u8]> = vec![b"a", b"a\0", b"a\0\x01", b"ab", b"abc", b"b", b"b\xff", b"b\xff\xff", b"c"];
    write(store, keys.iter().rev().map(|key| put(Namespace::Runs, key, Some(key))).collect(), Durability::Lazy);
    let scan = |prefix: &[u8], after: Option<&[u8]>, limit| {
        let found = store.scan(Namespace::Runs, prefix, after, limit).unwrap();
        assert!(found.iter().all(|(key, value)| key == value));
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(scan(b"", None, 100), keys);
    assert_eq!(scan(b"a", None, 100), keys[..5]);
    assert_eq!(scan(b"a", Some(b"a"), 2), keys[1..3]);
    assert_eq!(scan(b"b", Some(b"b\xff"), 100), keys[7..8]);
    assert_eq!(scan(b"b", Some(b"a"), 100), keys[5..8], "after lies before the prefix");
    assert_eq!(scan(b"a", Some(b"b"), 100), keys[..0], "after lies behind the prefix");
    assert_eq!(scan(b"x", None, 100), keys[..0]);
    assert_eq!(scan(b"", None, 0), keys[..0]);
    let (mut after, mut walked) = (None::<Vec<u8>>, Vec::new());
    while let Some(last) = scan(b"", after.as_deref(), 2).last().cloned() {
        walked.extend(scan(b"", after.as_deref(), 2));
        after = Some(last);
    }
    assert_eq!(walked, keys);
}

fn big_values_come_back_whole(store: &dyn Store) {
    let value = |length: usize, seed: usize| (0..length).map(|at| (at * 31 + seed) as u8).collect::<Vec<u8>>();
    for (round, length) in [3_799, 3_800, 3_801, 65_536, VALUE_LIMIT, 10, 70_000, 7_600, 0].into_iter().enumerate() {
        let (first, second) = (value(length, round), value(length / 2, round + 1));
        let puts = vec![put(Namespace::Progress, b"flow", Some(&first)), put(Namespace::Progress, b"flow\0", Some(&second))];
        write(store, puts, Durability::Lazy);
        assert_eq!(store.get(Namespace::Progress, b"flow").unwrap(), Some(first.clone()));
        assert_eq!(store.scan(Namespace::Progress, b"", None, 9).unwrap(), [(b"flow".to_vec(), first), (b"flow\0".to_vec(), second)]);
    }
    write(store, vec![put(Namespace::Progress, b"flow", None)], Durability::Sync);
    assert_eq!(store.scan(Namespace::Progress, b"", None, 9).unwrap().len(), 1);
}

fn limits_are_held(store: &dyn Store) {
    let refused = |puts: Vec<Put>, audit: Vec<Draft>| {
        let error = block_on(store.commit(Transaction { puts, audit }, Durability::Sync)).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { .. }), "{error}");
    };
    refused(vec![put(Namespace::Runs, &[1; KEY_LIMIT + 1], Some(b""))], Vec::new());
    refused(vec![put(Namespace::Runs, b"k", Some(&vec![1; VALUE_LIMIT + 1]))], Vec::new());
    refused((0..3_u8).map(|key| put(Namespace::Runs, &[key], Some(&vec![1; VALUE_LIMIT]))).collect(), Vec::new());
    refused(Vec::new(), vec![entry(0); 4_097]);
    let largest = (0..2_u8).map(|key| put(Namespace::Runs, &[key], Some(&vec![key; VALUE_LIMIT]))).collect::<Vec<_>>();
    assert!(largest.len() * VALUE_LIMIT < TRANSACTION_LIMIT);
    write(store, largest, Durability::Sync);
    write(store, vec![put(Namespace::Runs, &[7; KEY_LIMIT], Some(b"longest key"))], Durability::Sync);
    assert_eq!(store.get(Namespace::Runs, &[7; KEY_LIMIT]).unwrap(), Some(b"longest key".to_vec()));
    assert_eq!(store.get(Namespace::Runs, &[1]).unwrap(), Some(vec![1; VALUE_LIMIT]));
}

fn transactions_keep_the_order_of_the_calls(store: &dyn Store) {
    let answers: Vec<_> = (0..2_000_u64)
        .map(|number| {
            let puts = vec![put(Namespace::Progress, b"last", Some(&number.to_be_bytes()))];
            let durability = if number % 7 == 0 { Durability::Sync } else { Durability::Lazy };
            store.commit(Transaction { puts, audit: vec![entry(number)] }, durability)
        })
        .collect();
    let sizes: Vec<u64> = answers.into_iter().map(|answer| block_on(answer).unwrap()).collect();
    assert_eq!(sizes, (1..=2_000).collect::<Vec<_>>());
    assert_eq!(store.get(Namespace::Progress, b"last").unwrap(), Some(1_999_u64.to_be_bytes().to_vec()));
    for (number, bytes) in store.audit(0, 5_000).unwrap().iter().enumerate() {
        assert_eq!(serde_json::from_slice::<serde_json::Value>(bytes).unwrap()["batch"], number);
    }
}

fn a_refused_transaction_leaves_nothing(store: &dyn Store) {
    let puts = vec![put(Namespace::Runs, b"first", Some(b"1")), put(Namespace::Runs, b"second", Some(&vec![0; VALUE_LIMIT + 1]))];
    let refused = store.commit(Transaction { puts, audit: vec![entry(0)] }, Durability::Sync).now_or_never();
    assert!(matches!(refused, Some(Err(StoreError::TooLarge { .. }))));
    assert_eq!(store.get(Namespace::Runs, b"first").unwrap(), None);
    assert_eq!(store.head().unwrap(), TreeHead::default());
}

fn entries_are_numbered_chained_and_summed_up(store: &dyn Store) {
    assert_eq!(store.head().unwrap(), TreeHead::default());
    for number in 0..100 {
        let audit = vec![entry(number); (number % 3) as usize];
        block_on(store.commit(Transaction { puts: Vec::new(), audit }, Durability::Lazy)).unwrap();
    }
    let entries = store.audit(0, 1_000).unwrap();
    assert_eq!(entries.len(), 99);
    let (mut frontier, mut previous) = (Frontier::default(), [0; 32]);
    for (seq, bytes) in (0_u64..).zip(&entries) {
        assert_eq!(Link::parse(bytes), Some(Link { seq, previous }));
        previous = leaf_hash(bytes);
        frontier.push(previous);
    }
    assert_eq!(store.head().unwrap(), frontier.head());
    assert_eq!(store.audit(40, 5).unwrap(), entries[40..45]);
    assert_eq!(store.audit(98, 5).unwrap(), entries[98..]);
    assert!(store.audit(99, 5).unwrap().is_empty() && store.audit(u64::MAX, 5).unwrap().is_empty());
}

fn many_entries(store: &dyn Store) {
    for group in 0..100_u64 {
        let audit = (0..1_000).map(|number| entry(1_000 * group + number)).collect();
        block_on(store.commit(Transaction { puts: Vec::new(), audit }, Durability::Lazy)).unwrap();
    }
    assert_eq!(write(store, Vec::new(), Durability::Sync), 100_000);
    let mut frontier = Frontier::default();
    while frontier.size() < 100_000 {
        for bytes in store.audit(frontier.size(), 1_024).unwrap() {
            assert_eq!(Link::parse(&bytes).unwrap().seq, frontier.size());
            frontier.push(leaf_hash(&bytes));
        }
    }
    assert_eq!(store.head().unwrap(), frontier.head());
}

/// Entries in a few transactions.
pub(super) fn grow(store: &dyn Store, entries: u64) {
    let mut left = entries;
    while left > 0 {
        let audit: Vec<_> = (0..left.min(500)).map(entry).collect();
        left -= audit.len() as u64;
        block_on(store.commit(Transaction { puts: Vec::new(), audit }, Durability::Lazy)).unwrap();
    }
}

/// Writes the entry that names a cut; answers with its number.
pub(super) fn announce(store: &dyn Store, to: u64) -> u64 {
    let edge = Frontier::load(to, |seq, level| store.hash(seq, level).unwrap()).unwrap();
    let audit = vec![Cut { to, root: edge.root() }.draft(to, "a test")];
    block_on(store.commit(Transaction { puts: Vec::new(), audit }, Durability::Sync)).unwrap() - 1
}

fn a_pruned_log_proves_what_it_proved(store: &dyn Store) {
    grow(store, PRUNED_AT_ONCE + 3_000);
    let whole = store.audit(0, 10_000).unwrap();
    let heads: Vec<TreeHead> = whole
        .iter()
        .scan(Frontier::default(), |frontier, bytes| {
            frontier.push(leaf_hash(bytes));
            Some(frontier.head())
        })
        .collect();
    for no_cut in [0, 5, 1_000_000] {
        assert!(matches!(block_on(store.prune(no_cut)), Err(StoreError::Io { .. })), "{no_cut}");
    }
    let to = PRUNED_AT_ONCE + 5 * BLOCK;
    let foreign = Cut { to, root: [1; 32] }.draft(to, "another log");
    let by = block_on(store.commit(Transaction { puts: Vec::new(), audit: vec![foreign] }, Durability::Sync)).unwrap() - 1;
    assert!(block_on(store.prune(by)).is_err());
    assert_eq!((store.first().unwrap(), store.audit(0, 1).unwrap()), (0, whole[..1].to_vec()));

    let by = announce(store, to);
    let head = store.head().unwrap();
    for first in [PRUNED_AT_ONCE, to, to] {
        assert_eq!((block_on(store.prune(by)).unwrap(), store.first().unwrap()), (first, first));
        assert_eq!(store.head().unwrap(), head);
        assert!(matches!(store.audit(first - 1, 1), Err(StoreError::Pruned { first: found }) if found == first));
        assert_eq!(store.audit(first, 3).unwrap(), whole[first as usize..first as usize + 3]);
        let mut get = |seq, level| store.hash(seq, level).unwrap();
        assert!((0..BLOCK_LEVEL).all(|level| get(first - 1, level).is_none()) && get(first - 1, BLOCK_LEVEL).is_some());
        for seq in [first, first + 1, first + 700] {
            let hashes = inclusion(seq, head.size, &mut get).unwrap();
            assert_eq!(root_with(leaf_hash(&whole[seq as usize]), seq, head.size, &hashes), Some(head.root));
            let hashes = consistency(seq, head.size, &mut get).unwrap();
            assert!(is_consistent(&heads[seq as usize - 1], &head, &hashes));
        }
    }
    grow(store, 1_000);
    assert_eq!(Frontier::load(head.size, |seq, level| store.hash(seq, level).unwrap()).unwrap().head(), head);
}
