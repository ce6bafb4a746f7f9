//! Opening, closing, rolling back, tampering: what the embedded store notices and what it survives.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;

use hub_core::audit::Reason;
use hub_core::audit::tree::BLOCK;
use tempfile::TempDir;

use super::super::contract::{self, announce, block_on, entry, grow, put};
use super::super::{PRUNED_AT_ONCE, StoreCopy, compact, open_copy};
use super::super::{format, verify_audit};
use super::*;

fn open(folder: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(folder, Options::default())
}

/// A closed store with so many entries, each in a transaction of its own together with a value.
fn filled(entries: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    add(folder.path(), entries);
    folder
}

fn add(folder: &Path, entries: u64) {
    let store = open(folder).unwrap();
    for number in 0..entries {
        let puts = vec![put(Namespace::Progress, b"crm-to-erp", Some(&number.to_be_bytes()))];
        let durability = if number % 20 == 19 { Durability::Sync } else { Durability::Lazy };
        block_on(store.commit(Transaction { puts, audit: vec![entry(number)] }, durability)).unwrap();
    }
}

/// Why a store does not open.
fn refusal(folder: &Path) -> (String, Option<u64>) {
    match open(folder) {
        Err(StoreError::Damaged { detail, first_bad_entry }) => (detail, first_bad_entry),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it opened"),
    }
}

/// Changes the closed store through the engine, so that every check sum of the engine is right.
fn tamper(folder: &Path, change: impl FnOnce(&::sled::Db)) {
    let database = start(folder, 1 << 20).unwrap();
    change(&database);
    database.flush().unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|item| item.file_type().unwrap().is_file()) {
        fs::copy(item.path(), to.join(item.file_name())).unwrap();
    }
}

#[test]
fn sled_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let number = Cell::new(0);
    contract::all(&|| {
        number.set(number.get() + 1);
        Arc::new(
            SledStore::open(&folder.path().join(number.get().to_string()), Options { least_free_bytes: 0, ..Options::default() }).unwrap(),
        )
    });
}

#[test]
fn everything_is_there_after_closing_and_opening() {
    let folder = filled(300);
    let head = open(folder.path()).unwrap().head().unwrap();
    assert_eq!(head.size, 300);
    add(folder.path(), 300);
    let store = open(folder.path()).unwrap();
    assert_eq!(store.head().unwrap().size, 600);
    assert_eq!(store.get(Namespace::Progress, b"crm-to-erp").unwrap(), Some(299_u64.to_be_bytes().to_vec()));
    assert_eq!(store.audit(0, 1_000).unwrap().len(), 600);
    drop(store);
    let verified = verify_audit(folder.path(), &[]).unwrap();
    assert_eq!((verified.verdict.entries, verified.verdict.first_bad, verified.in_use), (600, None, false));
}

#[test]
fn the_anchor_follows_on_closing_and_while_idle() {
    let folder = filled(10);
    assert_eq!(anchor::read(folder.path()).unwrap().unwrap().head.size, 10);
    let store = open(folder.path()).unwrap();
    drop(store.commit(Transaction { puts: Vec::new(), audit: vec![entry(10)] }, Durability::Lazy));
    // Nobody asks for anything more: the lazy entry becomes durable and is anchored without being asked.
    while anchor::read(folder.path()).unwrap().unwrap().head.size < 11 {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(store.head().unwrap().size, 11);
}

#[test]
fn an_unfinished_page_table_is_deleted() {
    let folder = filled(50);
    fs::write(folder.path().join("snap.FFFFFFFFFFFFFFFF.generating"), b"cut off").unwrap();
    assert_eq!(open(folder.path()).unwrap().head().unwrap().size, 50);
    assert!(files::named(folder.path(), |name| name.ends_with(".generating")).unwrap().is_empty());
}

#[test]
fn a_damaged_page_table_is_set_aside() {
    let folder = filled(50);
    drop(open(folder.path()).unwrap());
    let tables = files::named(folder.path(), |name| name.starts_with("snap.")).unwrap();
    for table in &tables {
        fs::write(table, b"nonsense that is long enough to be read").unwrap();
    }
    assert!(!tables.is_empty());
    assert_eq!(open(folder.path()).unwrap().head().unwrap().size, 50);
    assert_eq!(files::named(folder.path(), |name| name.starts_with("aside.snap.")).unwrap().len(), tables.len());
}

#[test]
fn an_older_state_put_in_its_place_is_noticed() {
    let folder = filled(100);
    let backup = tempfile::tempdir().unwrap();
    copy(folder.path(), backup.path());
    add(folder.path(), 50);
    let anchor = fs::read(folder.path().join(anchor::FILE)).unwrap();
    for name in files::named(folder.path(), |name| name.starts_with("snap.")).unwrap() {
        fs::remove_file(name).unwrap();
    }
    copy(backup.path(), folder.path());
    fs::write(folder.path().join(anchor::FILE), anchor).unwrap();
    let (detail, seq) = refusal(folder.path());
    assert!(detail.contains("100 audit entries, 150 were written"), "{detail}");
    assert_eq!(seq, Some(100));
    let bad = verify_audit(folder.path(), &[]).unwrap().verdict.first_bad.unwrap();
    assert_eq!((bad.seq, bad.reason), (100, Reason::Missing));
}

#[test]
fn a_missing_or_changed_anchor_is_noticed() {
    let folder = filled(100);
    let file = folder.path().join(anchor::FILE);
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, good.replace("\"size\":100", "\"size\":99")).unwrap();
    assert!(refusal(folder.path()).0.contains("99 audit entries are not the ones"));
    assert_eq!(verify_audit(folder.path(), &[]).unwrap().verdict.first_bad.unwrap().reason, Reason::Head);
    fs::write(&file, good.replace("\"v\":\"1\"", "\"v\":\"9\"")).unwrap();
    assert!(matches!(open(folder.path()), Err(StoreError::Format { found: 9, known: 1 })));
    fs::write(&file, "{").unwrap();
    assert!(refusal(folder.path()).0.contains("`audit.head` cannot be read"));
    fs::remove_file(&file).unwrap();
    assert!(refusal(folder.path()).0.contains("`audit.head` is missing"));
    assert!(matches!(verify_audit(folder.path(), &[]), Err(StoreError::Damaged { .. })));
    fs::write(&file, good).unwrap();
    assert_eq!(open(folder.path()).unwrap().head().unwrap().size, 100);
}

#[test]
fn tampering_behind_the_check_sums_is_noticed() {
    let change = |seq: u64| {
        move |database: &::sled::Db| {
            let bytes = database.get(numbered(AUDIT, seq)).unwrap().unwrap();
            let text = String::from_utf8(bytes.to_vec()).unwrap().replace("billing", "selling");
            database.insert(numbered(AUDIT, seq), text.into_bytes()).unwrap();
        }
    };
    let folder = filled(600);
    tamper(folder.path(), change(20));
    let verdict = verify_audit(folder.path(), &[]).unwrap().verdict;
    assert_eq!((verdict.still_provable_until, verdict.first_bad.unwrap().seq), (20, 20));
    tamper(folder.path(), change(590));
    assert_eq!(refusal(folder.path()), ("an audit entry was changed".into(), Some(590)));

    let folder = filled(600);
    tamper(folder.path(), |database| drop(database.remove(numbered(AUDIT, 300)).unwrap()));
    assert_eq!(verify_audit(folder.path(), &[]).unwrap().verdict.first_bad.unwrap().seq, 300);

    let folder = filled(600);
    tamper(folder.path(), |database| drop(database.insert(numbered(AUDIT, 600), b"{}").unwrap()));
    assert_eq!(refusal(folder.path()).1, Some(600));
    let bad = verify_audit(folder.path(), &[]).unwrap().verdict.first_bad.unwrap();
    assert_eq!((bad.seq, bad.reason), (600, Reason::Extra));
}

#[test]
fn a_value_of_an_older_state_is_noticed() {
    let folder = filled(10);
    tamper(folder.path(), |database| drop(database.insert(layout::value_key(Namespace::Progress, b"crm-to-erp"), &[0, 1][..]).unwrap()));
    assert!(refusal(folder.path()).0.contains("values are not the ones"));
    assert!(matches!(verify_audit(folder.path(), &[]), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_newer_layout_is_refused() {
    let folder = filled(10);
    tamper(folder.path(), |database| drop(database.insert(VERSION_KEY, &3_u32.to_be_bytes()).unwrap()));
    assert!(matches!(open(folder.path()), Err(StoreError::Format { found: 3, known: 2 })));
    assert!(matches!(verify_audit(folder.path(), &[]), Err(StoreError::Format { found: 3, known: 2 })));
    tamper(folder.path(), |database| drop(database.insert(VERSION_KEY, &1_u32.to_be_bytes()).unwrap()));
    assert!(format::Head::decode(&start(folder.path(), 1 << 20).unwrap().get(HEAD_KEY).unwrap().unwrap()).is_ok());
}

#[test]
fn a_full_disk_refuses_new_runs_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), Options { least_free_bytes: u64::MAX, ..Options::default() }).unwrap();
    match store.free_space_ok() {
        Err(StoreError::Io { doing, source }) => {
            assert_eq!((doing, source.kind()), ("trusted with a new run", std::io::ErrorKind::StorageFull));
            assert!(source.to_string().contains("MB are needed to begin a run"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(block_on(store.commit(Transaction { puts: Vec::new(), audit: vec![entry(0)] }, Durability::Sync)).unwrap(), 1);
}

#[test]
fn what_is_no_store_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(verify_audit(folder.path(), &[]), Err(StoreError::Io { doing: "verified", .. })));
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    assert!(matches!(open(&file), Err(StoreError::Io { doing: "created", .. })));
    fs::write(folder.path().join(DATA), vec![7; 300_000]).unwrap();
    fs::write(folder.path().join(anchor::FILE), format::Anchor { size: 5, ..Default::default() }.encode()).unwrap();
    assert_eq!(refusal(folder.path()).1, Some(0));
}

#[test]
fn verifying_changes_nothing() {
    let folder = filled(200);
    let content =
        || files::named(folder.path(), |_| true).unwrap().into_iter().map(|path| (fs::read(&path).ok(), path)).collect::<Vec<_>>();
    let before = content();
    verify_audit(folder.path(), &[]).unwrap();
    assert!(before == content());
}

/// A closed store that was pruned at a cut.
fn pruned(entries: u64, to: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    grow(&store, entries);
    let by = announce(&store, to);
    while block_on(store.prune(by)).unwrap() < to {}
    folder
}

fn verdict(folder: &Path) -> hub_core::audit::Verdict {
    verify_audit(folder, &[]).unwrap().verdict
}

#[test]
fn a_pruning_that_is_cut_off_leaves_a_whole_log_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let to = 2 * PRUNED_AT_ONCE + BLOCK;
    let by = {
        let store = open(folder.path()).unwrap();
        grow(&store, to + 100);
        announce(&store, to)
    };
    let old = open(folder.path()).unwrap().head().unwrap();
    for first in [0, PRUNED_AT_ONCE, 2 * PRUNED_AT_ONCE, to] {
        let found = verify_audit(folder.path(), std::slice::from_ref(&old)).unwrap().verdict;
        assert_eq!((found.first_bad, found.first, found.entries, found.cut), (None, first, to + 101, Some((by, to))));
        let store = open(folder.path()).unwrap();
        let StoreCopy { store: copy, durable, .. } = open_copy(folder.path()).unwrap();
        assert_eq!((copy.first().unwrap(), durable), (first, to + 101));
        block_on(store.prune(by)).unwrap();
    }
    add(folder.path(), 300);
    let found = verdict(folder.path());
    assert_eq!(
        (found.first_bad, found.first, found.entries, found.root),
        (None, to, to + 401, open(folder.path()).unwrap().head().unwrap().root)
    );
}

#[test]
fn what_is_done_to_a_pruned_log_is_noticed() {
    let folder = pruned(2_000, 1_024);
    let bad = |change: &dyn Fn(&::sled::Db)| {
        let changed = tempfile::tempdir().unwrap();
        copy(folder.path(), changed.path());
        tamper(changed.path(), change);
        verify_audit(changed.path(), &[]).map(|verified| verified.verdict.first_bad.expect("the change must be found"))
    };
    let seq_of = |change: &dyn Fn(&::sled::Db)| bad(change).unwrap().seq;
    assert_eq!(verdict(folder.path()).first_bad, None);
    for seq in [1_024, 1_500, 1_999] {
        assert_eq!(seq_of(&|database| drop(database.remove(numbered(AUDIT, seq)).unwrap())), seq);
        assert_eq!(seq_of(&|database| drop(database.remove(numbered(layout::HASHES, seq)).unwrap())), seq);
    }
    for block in [255, 511, 1_023] {
        assert_eq!(seq_of(&|database| drop(database.remove(numbered(layout::NODES, block)).unwrap())), block);
        let node = |database: &::sled::Db, at: usize| {
            let mut nodes = database.get(numbered(layout::NODES, block)).unwrap().unwrap().to_vec();
            nodes[at] ^= 1;
            database.insert(numbered(layout::NODES, block), nodes).unwrap();
        };
        assert!(bad(&|database| node(database, 3)).is_ok());
    }
    assert_eq!(seq_of(&|database| drop(database.insert(numbered(AUDIT, 7), &b"{}"[..]).unwrap())), 7);
    assert!(matches!(bad(&|database| further(database)), Err(StoreError::Damaged { first_bad_entry: Some(1_024), .. })));
}

/// Deletes one more block than any entry names, as the store itself would.
fn further(database: &::sled::Db) {
    let mut head = format::Head::decode(&database.get(HEAD_KEY).unwrap().unwrap()).unwrap();
    for seq in head.first..head.first + BLOCK {
        database.remove(numbered(AUDIT, seq)).unwrap();
        let hashes = database.remove(numbered(layout::HASHES, seq)).unwrap().unwrap();
        if let Some(nodes) = hub_core::audit::prune::kept(&hashes) {
            database.insert(numbered(layout::NODES, seq), nodes).unwrap();
        }
    }
    head.first += BLOCK;
    database.insert(HEAD_KEY, head.encode()).unwrap();
}

#[test]
fn a_log_that_was_pruned_further_than_any_entry_says_is_damaged() {
    let folder = pruned(2_000, 1_024);
    tamper(folder.path(), further);
    assert!(refusal(folder.path()).0.contains("not to be pruned"));
    // Whoever changes the anchor too is told by the log itself.
    let file = folder.path().join(anchor::FILE);
    let changed = fs::read_to_string(&file).unwrap().replace("\"cut\":1024", "\"cut\":1280");
    fs::write(&file, changed).unwrap();
    let bad = verdict(folder.path()).first_bad.unwrap();
    assert_eq!((bad.seq, bad.reason), (1_279, Reason::Missing), "{bad:?}");
}

#[test]
fn random_cuts_one_after_the_other_leave_what_every_old_head_knows() {
    let folder = tempfile::tempdir().unwrap();
    let (mut seed, mut heads) = (0x5eed_u64, Vec::new());
    for _ in 0..6 {
        let store = open(folder.path()).unwrap();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        grow(&store, 300 + seed % 900);
        heads.push(store.head().unwrap());
        let (first, size) = (store.first().unwrap(), store.head().unwrap().size);
        let to = (first + (seed >> 33) % (size - first)) / BLOCK * BLOCK;
        let by = announce(&store, to);
        while block_on(store.prune(by)).unwrap() < to {}
        drop(store);
        let found = verify_audit(folder.path(), &heads).unwrap().verdict;
        let older = heads.iter().filter(|head| head.size < to).count();
        assert_eq!((found.first_bad, found.first, found.older_heads), (None, to, older));
        let forged = hub_core::audit::TreeHead { root: [9; 32], ..heads[heads.len() - 1].clone() };
        assert!(verify_audit(folder.path(), &[forged]).unwrap().verdict.first_bad.is_some());
    }
}

#[test]
fn a_store_written_anew_is_smaller_and_says_the_same() {
    let folder = pruned(6_000, 4_096);
    let store = open(folder.path()).unwrap();
    for round in 0..40_u8 {
        let puts = (0..40_u8).map(|key| put(Namespace::Runs, &[key], Some(&[round; 4_000]))).collect();
        block_on(store.commit(Transaction { puts, audit: Vec::new() }, Durability::Sync)).unwrap();
    }
    let puts = (1..40_u8).map(|key| put(Namespace::Runs, &[key], None)).collect();
    block_on(store.commit(Transaction { puts, audit: vec![entry(1)] }, Durability::Sync)).unwrap();
    assert!(matches!(compact(folder.path()), Err(StoreError::InUse)), "nobody writes meanwhile");
    let says = |store: &SledStore| {
        let values = store.scan(Namespace::Runs, b"", None, 100).unwrap();
        (store.head().unwrap(), store.first().unwrap(), values, store.audit(4_096, 5_000).unwrap(), store.hash(1_023, 9).unwrap())
    };
    let before = says(&store);
    drop(store);
    let done = compact(folder.path()).unwrap();
    assert!(done.after * 2 < done.before, "{done:?}");
    let store = open(folder.path()).unwrap();
    assert_eq!(says(&store), before);
    assert_eq!((before.1, before.2.len(), done.entries), (4_096, 1, before.0.size));
    block_on(store.commit(Transaction { puts: Vec::new(), audit: vec![entry(2)] }, Durability::Sync)).unwrap();
    drop(store);
    assert!(verify_audit(folder.path(), &[before.0]).unwrap().verdict.first_bad.is_none());
    assert!(!folder.path().with_extension("compact").exists());
}

#[test]
fn a_damaged_store_is_not_written_anew() {
    let folder = filled(600);
    tamper(folder.path(), |database| drop(database.insert(numbered(AUDIT, 300), b"{}").unwrap()));
    let damaged = compact(folder.path());
    assert!(matches!(damaged, Err(StoreError::Damaged { first_bad_entry: Some(300), .. })), "{damaged:?}");
    assert_eq!(verify_audit(folder.path(), &[]).unwrap().verdict.first_bad.unwrap().seq, 300, "it is as it was");
    assert!(!folder.path().with_extension("compact").exists());
}
