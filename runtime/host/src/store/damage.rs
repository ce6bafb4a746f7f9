//! One changed byte anywhere in the data file: never taken for a whole log, and named by number when it stands in an entry.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use hub_core::audit::{Link, START, Verdict};
use memchr::memmem;
use tempfile::TempDir;

use super::contract::{announce, block_on, entry, grow, put};
use super::{Durability, Namespace, Options, SledStore, Store, StoreError, Transaction, verify_audit};

/// A small generator with a fixed start, so that a failure can be seen again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

struct Victim {
    folder: TempDir,
    data: File,
    bytes: Vec<u8>,
    whole: Verdict,
    /// Where every copy of every entry stands: offset and length by number.
    copies: BTreeMap<u64, Vec<(usize, usize)>>,
}

impl Victim {
    /// 2,000 entries, closed, and opened once more so that there is a page table, as in a store that is used every day.
    fn new(reopened: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(folder.path(), Options::default()).unwrap();
        for number in 0..2_000_u64 {
            let puts = vec![put(Namespace::Progress, b"crm-to-erp", Some(&number.to_be_bytes()))];
            let durability = if number % 10 == 9 { Durability::Sync } else { Durability::Lazy };
            block_on(store.commit(Transaction { puts, audit: vec![entry(number)] }, durability)).unwrap();
        }
        drop(store);
        if reopened {
            drop(SledStore::open(folder.path(), Options::default()).unwrap());
        }
        let victim = Self::of(folder, 2_000);
        assert_eq!(victim.copies.len(), 2_000);
        victim
    }

    /// The first 768 of 2,000 entries are pruned; 2,001 names the cut.
    fn pruned() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(folder.path(), Options::default()).unwrap();
        grow(&store, 2_000);
        let by = announce(&store, 768);
        assert_eq!(block_on(store.prune(by)).unwrap(), 768);
        drop(store);
        Self::of(folder, 2_001)
    }

    fn of(folder: TempDir, entries: u64) -> Self {
        let path = folder.path().join("db");
        let bytes = fs::read(&path).unwrap();
        let data = OpenOptions::new().write(true).open(path).unwrap();
        let whole = verify_audit(folder.path(), &[]).unwrap().verdict;
        assert_eq!((whole.entries, &whole.first_bad), (entries, &None));
        let mut copies: BTreeMap<u64, Vec<(usize, usize)>> = BTreeMap::new();
        for at in memmem::find_iter(&bytes, START) {
            let seq = Link::parse(&bytes[at..]).unwrap().seq;
            copies.entry(seq).or_default().push((at, Link::end(&bytes[at..]).unwrap()));
        }
        Self { folder, data, bytes, whole, copies }
    }

    /// Verifies with one bit of a byte changed, and mends it again.
    fn with_flip(&self, at: usize, bit: u8) -> Result<Verdict, StoreError> {
        self.data.write_all_at(&[self.bytes[at] ^ bit], at as u64).unwrap();
        let verified = verify_audit(self.folder.path(), &[]);
        self.data.write_all_at(&[self.bytes[at]], at as u64).unwrap();
        verified.map(|verified| verified.verdict)
    }
}

/// Whether the engine itself trips over the flip, or shows other bytes: then the copy is the one in use.
fn is_felt(victim: &Victim, at: usize, bit: u8) -> bool {
    let copy = tempfile::tempdir().unwrap();
    for name in files_of(victim.folder.path()) {
        fs::copy(&name, copy.path().join(name.file_name().unwrap())).unwrap();
    }
    let data = OpenOptions::new().write(true).open(copy.path().join("db")).unwrap();
    data.write_all_at(&[victim.bytes[at] ^ bit], at as u64).unwrap();
    let opened = SledStore::open(copy.path(), Options::default());
    !opened.and_then(|store| store.audit(0, 3_000)).is_ok_and(|entries| entries.len() == 2_000)
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|item| item.unwrap().path());
    files.filter(|path| path.is_file() && path.file_name().unwrap() != "hub.lock").collect()
}

fn flip_in_every_place_of_an_entry(reopened: bool, rounds: usize) {
    let victim = Victim::new(reopened);
    let mut random = Random(0x5eed_0001);
    let mut felt = 0;
    for round in 0..rounds {
        let seq = random.below(2_000) as u64;
        let copies = &victim.copies[&seq];
        let (start, length) = copies[random.below(copies.len())];
        let byte = if round % 8 == 0 { random.below(20) } else { random.below(length) };
        let at = start + byte;
        let bit = 1 << random.below(8);
        let place = format!("entry {seq}, bit {bit} of byte {byte} of a copy at {start} of {copies:?}");
        let verdict = victim.with_flip(at, bit).unwrap_or_else(|error| panic!("{place}: {error}"));
        let bad = verdict.first_bad.unwrap_or_else(|| panic!("{place}: held to be whole"));
        assert_eq!(bad.seq, seq, "{place}: {bad:?}");
        felt += usize::from(is_felt(&victim, at, bit));
    }
    // Most copies stand in dead space, where the engine does not look; the others must be among the ones tried.
    assert!(felt * 20 > rounds, "{felt} of {rounds} flips hit bytes that the engine uses");
}

#[test]
fn a_flip_in_any_copy_of_an_entry_names_it() {
    flip_in_every_place_of_an_entry(false, 220);
    flip_in_every_place_of_an_entry(true, 60);
}

#[test]
fn a_flip_in_the_last_entries_names_them() {
    // Nothing names the last entry by hash, and few copies of the last entries exist: the engine has not yet rewritten their page.
    for reopened in [false, true] {
        let victim = Victim::new(reopened);
        for seq in [1_985, 1_998, 1_999] {
            for &(start, length) in &victim.copies[&seq] {
                for byte in [0, 12, 13, 16, 30, 50, 60, 119, 130, length - 12, length - 1] {
                    let verdict = victim.with_flip(start + byte, 4).unwrap_or_else(|error| panic!("entry {seq}, byte {byte}: {error}"));
                    assert_eq!(
                        verdict.first_bad.map(|bad| bad.seq),
                        Some(seq),
                        "byte {byte} of the copy at {start} of {:?}",
                        victim.copies[&seq]
                    );
                }
            }
        }
    }
}

#[test]
fn a_flip_elsewhere_is_never_another_truth() {
    for victim in [Victim::new(false), Victim::new(true), Victim::pruned()] {
        let mut random = Random(0x5eed_0002);
        let mut found = 0;
        for _ in 0..120 {
            let at = random.below(victim.bytes.len());
            match victim.with_flip(at, 1 << random.below(8)) {
                Ok(verdict) if verdict.first_bad.is_none() => {
                    // An older page brings pruned entries back: the same log, whose pruning has yet to end.
                    assert!(verdict.first == victim.whole.first || verdict.cut.is_some_and(|(_, to)| verdict.first < to), "offset {at}");
                    assert_eq!(Verdict { first: victim.whole.first, ..verdict }, victim.whole, "offset {at}");
                }
                Ok(_) | Err(StoreError::Damaged { .. }) => found += 1,
                Err(other) => panic!("offset {at}: {other:?}"),
            }
        }
        assert!(found > 10);
        assert_eq!(verify_audit(victim.folder.path(), &[]).unwrap().verdict, victim.whole);
    }
}

#[test]
fn a_flip_in_a_kept_entry_of_a_pruned_log_names_it() {
    let victim = Victim::pruned();
    let mut random = Random(0x5eed_0003);
    for _ in 0..40 {
        let seq = 768 + random.below(1_233) as u64;
        let copies = &victim.copies[&seq];
        let (start, length) = copies[random.below(copies.len())];
        let at = start + random.below(length);
        let place = format!("entry {seq} at {start}, offset {at}");
        let verdict = victim.with_flip(at, 1 << random.below(8)).unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(verdict.first_bad.map(|bad| bad.seq), Some(seq), "{place}");
    }
}
