//! Evidence made from a store, believed without one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use hub_core::audit::export::{ExportCheck, Proven, verify_proof};
use hub_core::audit::note::LogKey;
use hub_core::audit::{Draft, Kind};

use super::*;
use crate::store::{MemoryStore, Options};

fn key() -> LogKey {
    LogKey::from_seed("hub/test", &[3; 32]).unwrap()
}

async fn store(entries: u64) -> MemoryStore {
    let store = MemoryStore::new(Options::default());
    for batch in 0..entries {
        let audit = vec![Draft::new(Kind::FlowIntent).flow("a").batch(batch)];
        store.commit(Transaction { puts: Vec::new(), audit }, Durability::Sync).await.unwrap();
    }
    store
}

#[tokio::test]
async fn what_is_given_away_is_believed_elsewhere() {
    let (store, key) = (store(1_234).await, key());
    let signed = sign(&store, &key).await.unwrap();
    assert_eq!(signed.head, store.head().unwrap());
    let mut file = Vec::new();
    export(&store, &signed, &mut file).unwrap();
    let mut lines = file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut check = ExportCheck::begin(lines.next().unwrap(), &key.verifier(), &[]).unwrap();
    lines.for_each(|line| check.take(line).unwrap());
    assert_eq!(check.finish().unwrap().head, signed.head);
    let proof = prove_entry(&store, &signed, 777).unwrap().unwrap();
    assert!(matches!(verify_proof(&proof, &key.verifier()), Ok(Proven::Entry { seq: 777, .. })));
    assert_eq!(prove_entry(&store, &signed, 1_234).unwrap(), None);
}

/// Writes an export; both verifiers must say the same of it.
fn exported(store: &MemoryStore, signed: &Signed, key: &LogKey, change: impl Fn(String) -> String) -> bool {
    let mut file = Vec::new();
    export(store, signed, &mut file).unwrap();
    let text = change(String::from_utf8(file).unwrap());
    let mut lines = text.lines();
    let own = ExportCheck::begin(lines.next().unwrap().as_bytes(), &key.verifier(), &[]).and_then(|mut check| {
        lines.try_for_each(|line| check.take(line.as_bytes()))?;
        check.finish()
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    std::fs::write(&path, text).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/audit_verify.py");
    let mut other = std::process::Command::new("python3");
    let other = other.arg(script).arg("export").arg(path).arg(key.verifier().to_string()).output().unwrap();
    assert_eq!(other.status.code(), Some(if own.is_ok() { 0 } else { 4 }), "{own:?}, {other:?}");
    own.is_ok()
}

#[tokio::test]
async fn a_pruned_log_is_believed_elsewhere_and_no_other_gap_is() {
    let (store, key, folder) = (store(1_234).await, key(), tempfile::tempdir().unwrap());
    let old = sign(&store, &key).await.unwrap();
    let by = announce(&store, &key, folder.path(), 768, "a test", Some(Draft::new(Kind::HubStart))).await.unwrap();
    let noted = heads(&folder.path().join(NOTE), &key.verifier()).unwrap();
    assert_eq!((by, noted), (1_235, vec![store.head().unwrap()]), "signed before anything goes");
    prune(&store, by, 768).await.unwrap();
    assert_eq!(store.first().unwrap(), 768);
    let signed = sign(&store, &key).await.unwrap();
    assert!(exported(&store, &signed, &key, |text| text));
    let edge = |text: &str| text.lines().next().unwrap().split('"').rev().nth(1).unwrap().to_owned();
    let attacks: [&dyn Fn(String) -> String; 5] = [
        &|text| text.replacen("\"batch\":900", "\"batch\":901", 1),
        &|text| text.replacen(&edge(&text), &data_encoding::BASE64.encode(&[7; 32]), 1),
        &|text| text.replacen("\"from\":768", "\"from\":1024", 1),
        &|text| text.replacen("\"hub_audit_export\":2", "\"hub_audit_export\":1", 1),
        &|text| text.lines().enumerate().filter(|(number, _)| *number != 1).map(|(_, line)| format!("{line}\n")).collect(),
    ];
    for (number, attack) in attacks.iter().enumerate() {
        assert!(!exported(&store, &signed, &key, attack), "attack {number}");
    }
    let proof = prove_entry(&store, &signed, 800).unwrap().unwrap();
    assert!(matches!(verify_proof(&proof, &key.verifier()), Ok(Proven::Entry { seq: 800, .. })));
    let proof = prove_growth(&store, &signed, old.head.size, &old.note).unwrap();
    assert!(matches!(verify_proof(&proof, &key.verifier()), Ok(Proven::Growth { .. })));
    for gone in [prove_entry(&store, &signed, 767).map(drop), prove_growth(&store, &signed, 700, &old.note).map(drop)] {
        assert!(matches!(gone, Err(EvidenceError::Store(StoreError::Pruned { first: 768 }))), "{gone:?}");
    }
    assert!(begins_with(&store, &old.head).is_ok());
}

#[tokio::test]
async fn growth_is_proven_between_two_signed_heads() {
    let (store, key) = (store(10).await, key());
    let old = sign(&store, &key).await.unwrap();
    let audit = vec![Draft::new(Kind::HubStop); 3];
    store.commit(Transaction { puts: Vec::new(), audit }, Durability::Sync).await.unwrap();
    let new = sign(&store, &key).await.unwrap();
    let proof = prove_growth(&store, &new, old.head.size, &old.note).unwrap();
    assert!(matches!(verify_proof(&proof, &key.verifier()), Ok(Proven::Growth { .. })), "{proof}");
}

#[tokio::test]
async fn anchors_are_kept_in_a_file_that_grows() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    let file = folder.path().join("anchors.jsonl");
    let mut expected = Vec::new();
    for entries in [1, 5] {
        let signed = sign(&store(entries).await, &key).await.unwrap();
        keep_note(&signed, folder.path()).unwrap();
        append(&file, &signed.note, 1_000).unwrap();
        expected.push(signed.head);
    }
    assert_eq!(heads(&file, &key.verifier()).unwrap(), expected);
    assert_eq!(heads(&folder.path().join(NOTE), &key.verifier()).unwrap(), expected[1..]);
    let foreign = LogKey::from_seed("hub/test", &[4; 32]).unwrap().verifier();
    assert!(heads(&file, &foreign).is_err() && heads(&folder.path().join(NOTE), &foreign).is_err());
    std::fs::write(&file, "{}\n").unwrap();
    assert!(heads(&file, &key.verifier()).unwrap_err().to_string().starts_with("line 1"));
}

#[tokio::test]
async fn an_older_store_and_another_one_are_told_by_the_signed_head() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(Some(folder.path().to_owned()), None);
    assert_eq!(last_signed(&config), None, "nothing was signed");
    let key = of_log(&config).unwrap();
    let signed = sign(&store(5).await, &key).await.unwrap();
    keep_note(&signed, folder.path()).unwrap();
    assert_eq!(last_signed(&config), Some(signed.head.clone()));
    let told = |store: &MemoryStore| match begins_with(store, &signed.head) {
        Err(StoreError::Damaged { detail, first_bad_entry }) => (detail, first_bad_entry),
        other => panic!("{other:?}"),
    };
    let (detail, first) = told(&store(3).await);
    assert_eq!((detail.contains("3 audit entries, 5 were signed"), first), (true, Some(3)), "{detail}");
    let other = MemoryStore::new(Options::default());
    let audit = vec![Draft::new(Kind::HubStop); 6];
    other.commit(Transaction { puts: Vec::new(), audit }, Durability::Sync).await.unwrap();
    assert!(told(&other).0.contains("are not the ones that were signed"));
    std::fs::write(folder.path().join(NOTE), "no note").unwrap();
    assert_eq!(last_signed(&config), None);
}

#[test]
fn an_entry_becomes_an_event() {
    let line = Draft::new(Kind::FlowDenied).flow("a").seal(7, 1_700_000_000_123, &[0; 32]).unwrap();
    let event = event(&line, "hub/test");
    assert_eq!((&event["class_uid"], &event["status_id"], &event["time"]), (&6003.into(), &2.into(), &1_700_000_000_123_u64.into()));
    assert_eq!(event["unmapped"]["kind"], "flow.denied");
    assert!(super::event(b"no entry", "hub/test").is_null());
}

#[tokio::test]
async fn what_a_crash_left_of_an_anchor_harms_nothing() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    let file = folder.path().join("anchors.jsonl");
    let signed = sign(&store(5).await, &key).await.unwrap();
    assert!(last_head(&file, &key.verifier()).is_err(), "there is no file");
    append(&file, &signed.note, 1_000).unwrap();
    let whole = std::fs::read(&file).unwrap();
    for torn in [1, 20, whole.len() - 1] {
        std::fs::write(&file, [&whole[..], &whole[..torn]].concat()).unwrap();
        assert_eq!(last_head(&file, &key.verifier()).unwrap(), Some(signed.head.clone()), "{torn}");
        let read = heads(&file, &key.verifier()).unwrap();
        assert!(read.iter().all(|head| *head == signed.head) && !read.is_empty(), "{torn}");
        append(&file, &signed.note, 1_000).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), whole.repeat(2), "{torn}");
    }
    std::fs::write(&file, "").unwrap();
    assert_eq!(last_head(&file, &key.verifier()).unwrap(), None);
    std::fs::write(&file, &signed.note).unwrap();
    assert!(append(&file, &signed.note, 1_000).is_err(), "a note is no file of anchors");
    assert_eq!(heads(&file, &key.verifier()).unwrap(), [signed.head]);
}

#[tokio::test]
async fn a_key_that_signed_is_never_replaced_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(Some(folder.path().to_owned()), None);
    let file = folder.path().join("audit.key");
    let key = of_log(&config).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(lost(&config).is_none(), "nothing was signed");
    let key_again = of_log(&config).unwrap();
    assert_ne!(key.verifier(), key_again.verifier());
    keep_note(&sign(&store(5).await, &key_again).await.unwrap(), folder.path()).unwrap();
    assert!(lost(&config).is_none() && of_log(&config).is_ok());
    std::fs::remove_file(&file).unwrap();
    let problem = of_log(&config).unwrap_err();
    assert_eq!((problem.code.id(), file.exists()), ("HUB-E507", false), "{}", problem.title);
    keep_note(&sign(&store(5).await, &key).await.unwrap(), folder.path()).unwrap();
    std::fs::write(&file, LogKey::file("hub/other", &[5; 32])).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(of_log(&config).unwrap_err().title.contains("`hub/other`"));
    std::fs::remove_file(folder.path().join(NOTE)).unwrap();
    assert_eq!(of_log(&config).unwrap().verifier().name(), "hub/other");
}

#[tokio::test]
async fn the_newest_entry_has_a_time() {
    let empty = MemoryStore::new(Options::default());
    assert_eq!(newest(&empty).unwrap(), None);
    let options = Options { now: || crate::store::Moment { wall_ms: 1_795_446_000_123, monotonic_ms: 0 }, ..Options::default() };
    let store = MemoryStore::new(options);
    store.commit(Transaction { puts: Vec::new(), audit: vec![Draft::new(Kind::HubStart)] }, Durability::Sync).await.unwrap();
    assert_eq!(newest(&store).unwrap(), Some(1_795_446_000_123));
}
