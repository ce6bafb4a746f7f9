//! A store whose progress is sealed: nothing of it in the clear, nothing of it lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;
use crate::store::{MemoryStore, Options};

const SECRET: &[u8] = b"{\"v\":\"1\",\"cursor\":\"ada@example.org\"}";

fn put(namespace: Namespace, key: &[u8], value: &[u8]) -> Transaction {
    Transaction { puts: vec![Put { namespace, key: key.to_vec(), value: Some(value.to_vec()) }], audit: Vec::new() }
}

struct Scene {
    inner: Arc<dyn Store>,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { inner: Arc::new(MemoryStore::new(Options::default())), folder: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Result<SealedStore, Problem> {
        SealedStore::open(Arc::clone(&self.inner), self.folder.path())
    }
}

#[tokio::test]
async fn progress_is_sealed_and_comes_back_and_the_rest_is_as_it_was() {
    let scene = Scene::new();
    scene.inner.commit(put(Namespace::Progress, b"old", SECRET), Durability::Sync).await.unwrap();
    let store = scene.open().unwrap();
    assert_eq!(store.get(Namespace::Progress, b"old").unwrap().as_deref(), Some(SECRET), "stored before there was encryption");
    for (namespace, is_open) in [(Namespace::Progress, false), (Namespace::Runs, true)] {
        store.commit(put(namespace, b"a", SECRET), Durability::Sync).await.unwrap();
        let stored = scene.inner.get(namespace, b"a").unwrap().unwrap();
        assert_eq!(stored.windows(15).any(|part| part == b"ada@example.org"), is_open);
        assert_eq!(store.get(namespace, b"a").unwrap().as_deref(), Some(SECRET));
    }
    let all = store.scan(Namespace::Progress, b"", None, 10).unwrap();
    assert!(all.len() == 2 && all.iter().all(|(_, value)| value == SECRET), "{all:?}");
    let again = scene.open().unwrap();
    assert_eq!(again.get(Namespace::Progress, b"a").unwrap().as_deref(), Some(SECRET), "the key outlives the process");
    assert_eq!(again.get(Namespace::Progress, b"none").unwrap(), None);
}

#[tokio::test]
async fn a_value_does_not_open_in_anothers_place_or_changed() {
    let scene = Scene::new();
    let store = scene.open().unwrap();
    store.commit(put(Namespace::Progress, b"a", SECRET), Durability::Sync).await.unwrap();
    let stored = scene.inner.get(Namespace::Progress, b"a").unwrap().unwrap();
    scene.inner.commit(put(Namespace::Progress, b"b", &stored), Durability::Sync).await.unwrap();
    assert!(matches!(store.get(Namespace::Progress, b"b"), Err(StoreError::Damaged { .. })));
    for at in (NUMBER + 1)..stored.len() {
        let mut changed = stored.clone();
        changed[at] ^= 1;
        scene.inner.commit(put(Namespace::Progress, b"a", &changed), Durability::Sync).await.unwrap();
        assert!(matches!(store.get(Namespace::Progress, b"a"), Err(StoreError::Damaged { .. })), "byte {at}");
    }
}

#[tokio::test]
async fn without_its_key_a_store_does_not_open() {
    let scene = Scene::new();
    scene.open().unwrap().commit(put(Namespace::Progress, b"a", SECRET), Durability::Sync).await.unwrap();
    std::fs::remove_dir_all(scene.folder.path().join("keys")).unwrap();
    let problem = scene.open().map(drop).unwrap_err();
    assert!(problem.code == Code::E312 && problem.title.contains("state-1.key"), "{problem}");
    assert!(!scene.folder.path().join("keys").exists(), "no other key is made");
}

#[tokio::test]
async fn a_new_key_takes_over_and_the_old_one_is_erased() {
    let scene = Scene::new();
    let store = scene.open().unwrap();
    for key in [&b"a"[..], b"b"] {
        store.commit(put(Namespace::Progress, key, SECRET), Durability::Sync).await.unwrap();
    }
    let before = scene.inner.get(Namespace::Progress, b"a").unwrap().unwrap();
    assert_eq!(store.rotate().await.unwrap(), 2);
    assert_eq!(keys_of(scene.folder.path()).names().into_iter().collect::<Vec<_>>(), ["state-2"]);
    let store = scene.open().unwrap();
    assert_eq!(store.get(Namespace::Progress, b"b").unwrap().as_deref(), Some(SECRET));
    scene.inner.commit(put(Namespace::Progress, b"a", &before), Durability::Sync).await.unwrap();
    assert!(store.get(Namespace::Progress, b"a").is_err(), "what was written before cannot be read");
}

#[tokio::test]
async fn more_than_a_transaction_holds_gets_a_new_key_too() {
    let scene = Scene::new();
    let store = scene.open().unwrap();
    let large = vec![b'x'; 5 << 20];
    for key in [&b"a"[..], b"b", b"c", b"d"] {
        store.commit(put(Namespace::Applied, key, &large), Durability::Sync).await.unwrap();
    }
    assert!(4 * large.len() > store::TRANSACTION_LIMIT);
    assert_eq!(store.rotate().await.unwrap(), 4);
    let store = scene.open().unwrap();
    assert!(store.scan(Namespace::Applied, b"", None, 10).unwrap().iter().all(|(_, value)| *value == large));
    assert_eq!(keys_of(scene.folder.path()).names().into_iter().collect::<Vec<_>>(), ["state-2"]);
}
