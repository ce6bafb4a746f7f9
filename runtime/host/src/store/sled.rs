//! The embedded store: sled behind the six rules that make it safe. Nothing outside this folder sees the engine.
//!
//! 1. Own lock; unfinished page tables are deleted; a new store's files are fsynced; if it does not open, page tables are set aside and it is tried
//!    once more. 2. Durable means the engine's flush, then fdatasync on an own descriptor. 3. One thread writes (`committer`). 4. An error of the disk ends
//!    the process. 5. Small values, 64 MB of cache, no compression, no generated ids, no flusher of the engine. 6. Checks at the start (`check`).

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Once, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use hub_core::audit::TreeHead;
use hub_core::audit::tree::{Frontier, Hash};
use tokio::sync::oneshot;

use super::anchor::Anchored;
use super::check::{self, Loaded};
use super::committer::{Committer, Due, Request, Seen, Shared};
use super::files::{self, DATA, failed};
use super::format::Head;
use super::layout::{self, AUDIT, HEAD_KEY, VERSION, VERSION_KEY, broken, engine_error, number, numbered};
use super::sealing::Sealer;
use super::{Durability, Namespace, Options, Page, Store, StoreError, Transaction, anchor, within_limits};

/// A store in a folder of its own.
pub struct SledStore {
    /// Gone when the store closes: then the writer ends.
    requests: Option<Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    database: Option<::sled::Db>,
    shared: Shared,
    folder: PathBuf,
    options: Options,
    /// Held until everything above is gone.
    _lock: File,
}

impl SledStore {
    /// Opens or makes the store in a folder.
    ///
    /// # Errors
    /// In use, damaged, of another format, or refused by the operating system.
    pub fn open(folder: &Path, options: Options) -> Result<Self, StoreError> {
        let lock = files::lock(folder)?;
        files::delete_unfinished(folder)?;
        let made = !folder.join(DATA).exists();
        let database = start_or_retry(folder, options.cache_bytes)?;
        if made {
            files::sync_created(folder)?;
        } else {
            files::sync(folder)?;
        }
        let data = File::open(folder.join(DATA)).map_err(failed("opened"))?;
        let (loaded, anchored) = guarded(|| load(&database, &data, folder))?;
        let shared: Shared = Arc::new(RwLock::new(Seen { head: loaded.sealer.head(), first: loaded.first }));
        let (requests, received) = channel();
        let committer = Committer {
            database: database.clone(),
            data,
            folder: folder.to_owned(),
            shared: shared.clone(),
            sealer: loaded.sealer,
            state: loaded.state,
            now: options.now,
            anchored: anchored.head.size,
            first: loaded.first,
            cut: anchored.cut,
            due: Due::default(),
        };
        let writer =
            std::thread::Builder::new().name("hub-store".into()).spawn(move || committer.run(&received)).map_err(failed("opened"))?;
        Ok(Self {
            requests: Some(requests),
            writer: Some(writer),
            database: Some(database),
            shared,
            folder: folder.to_owned(),
            options,
            _lock: lock,
        })
    }

    fn ask(&self, transaction: Transaction, prune: Option<u64>, durability: Durability) -> BoxFuture<'static, Result<u64, StoreError>> {
        let (answer, answered) = oneshot::channel();
        let request = Request { transaction, prune, durability, answer };
        if self.requests.as_ref().is_none_or(|requests| requests.send(request).is_err()) {
            return futures::future::ready(Err(closed())).boxed();
        }
        async move { answered.await.unwrap_or_else(|_| Err(closed())) }.boxed()
    }

    fn tree(&self) -> Result<&::sled::Tree, StoreError> {
        self.database.as_deref().ok_or_else(closed)
    }

    /// Keeps the writer from applying a batch while several keys are read. The lock guards no invariant that a panic could break.
    fn reading(&self) -> RwLockReadGuard<'_, Seen> {
        self.shared.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(writer) = self.writer.take() {
            // It aborts the process instead of panicking, so there is no error to see here.
            let _ = writer.join();
        }
        drop(self.database.take());
    }
}

impl Store for SledStore {
    fn commit(&self, transaction: Transaction, durability: Durability) -> BoxFuture<'static, Result<u64, StoreError>> {
        if let Err(error) = within_limits(&transaction) {
            return futures::future::ready(Err(error)).boxed();
        }
        self.ask(transaction, None, durability)
    }

    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let _reading = self.reading();
        layout::read_value(self.tree()?, &layout::value_key(namespace, key))
    }

    fn scan(&self, namespace: Namespace, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Page, StoreError> {
        let _reading = self.reading();
        let tree = self.tree()?;
        let prefix = layout::value_key(namespace, prefix);
        let after = after.map(|after| layout::value_key(namespace, after)).filter(|after| *after >= prefix);
        // The smallest key that is greater is the same with a zero behind it.
        let start = after.map_or_else(|| prefix.clone(), |after| [&after[..], &[0]].concat());
        let mut found = Vec::new();
        for item in tree.range(start..).take(limit) {
            let (key, stored) = item.map_err(engine_error)?;
            if !key.starts_with(&prefix) {
                break;
            }
            let value = layout::whole_value(tree, &key, &stored)?;
            found.push((key.get(1..).unwrap_or_default().to_vec(), value));
        }
        Ok(found)
    }

    fn audit(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let seen = self.reading();
        if from < seen.first {
            return Err(StoreError::Pruned { first: seen.first });
        }
        let mut entries = Vec::new();
        let stored = self.tree()?.range(numbered(AUDIT, from)..numbered(AUDIT + 1, 0));
        for (expected, item) in (from..seen.head.size).zip(stored).take(limit) {
            let (key, bytes) = item.map_err(engine_error)?;
            if number(&key) != Some(expected) {
                return Err(StoreError::Damaged { detail: "an audit entry is missing".into(), first_bad_entry: Some(expected) });
            }
            entries.push(bytes.to_vec());
        }
        Ok(entries)
    }

    fn hash(&self, seq: u64, level: u32) -> Result<Option<Hash>, StoreError> {
        let seen = self.reading();
        check::hash(self.tree()?, seen.first, seq, level)
    }

    fn first(&self) -> Result<u64, StoreError> {
        Ok(self.reading().first)
    }

    fn prune(&self, by: u64) -> BoxFuture<'static, Result<u64, StoreError>> {
        self.ask(Transaction::default(), Some(by), Durability::Sync)
    }

    fn head(&self) -> Result<TreeHead, StoreError> {
        Ok(self.reading().head.clone())
    }

    fn free_space_ok(&self) -> Result<(), StoreError> {
        let (free, least) = (files::free_bytes(&self.folder)?, self.options.least_free_bytes);
        if free >= least {
            return Ok(());
        }
        let text = format!(
            "{} MB are free at `{}`, {} MB are needed to begin a run: free some space",
            free >> 20,
            self.folder.display(),
            least >> 20
        );
        Err(StoreError::Io { doing: "trusted with a new run", source: std::io::Error::new(std::io::ErrorKind::StorageFull, text) })
    }
}

fn closed() -> StoreError {
    StoreError::Io { doing: "written", source: std::io::Error::new(std::io::ErrorKind::BrokenPipe, "it was closed") }
}

/// Starts the engine; if its files contradict themselves, once more without the page tables, which only save time.
fn start_or_retry(folder: &Path, cache_bytes: u64) -> Result<::sled::Db, StoreError> {
    match start(folder, cache_bytes) {
        Err(StoreError::Damaged { detail, .. }) => {
            tracing::warn!("the store does not open ({detail}); trying once more without its page tables");
            files::set_snapshots_aside(folder)?;
            start(folder, cache_bytes).map_err(|error| match error {
                StoreError::Damaged { detail, first_bad_entry } => StoreError::Damaged {
                    detail: format!("{detail}; keep the folder as evidence, name the damage with `hub audit verify` and restore a backup"),
                    first_bad_entry,
                },
                other => other,
            })
        }
        other => other,
    }
}

/// Starts the engine on a folder whose lock is held.
pub(super) fn start(folder: &Path, cache_bytes: u64) -> Result<::sled::Db, StoreError> {
    let config = ::sled::Config::new().path(folder).cache_capacity(cache_bytes).flush_every_ms(None).use_compression(false);
    let mut tries = 0;
    loop {
        match guarded(|| config.open().map_err(engine_error)) {
            // An earlier instance in this process has closed, but a thread of the engine still holds its own lock for a moment.
            Err(StoreError::Io { source, .. }) if tries < 200 && source.to_string().contains("could not acquire lock") => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(StoreError::Io { source, .. }) => return Err(StoreError::Io { doing: "opened", source }),
            other => return other,
        }
    }
}

thread_local! {
    /// This thread is inside [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// The engine panics on some contradictions in its files; here they become what they are, and nothing is printed.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                loud(panic);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    done.unwrap_or_else(|_| Err(broken("the engine fails on the contents of its files")))
}

/// Checks the content, or writes the first of a new store. Answers with what is anchored too.
fn load(database: &::sled::Db, data: &File, folder: &Path) -> Result<(Loaded, Anchored), StoreError> {
    let anchor = anchor::read(folder)?;
    if check::is_fresh(database)? {
        if let Some(anchor) = anchor.filter(|anchor| anchor.head.size > 0) {
            let detail = format!("it is empty, {} audit entries were written", anchor.head.size);
            return Err(StoreError::Damaged { detail, first_bad_entry: Some(0) });
        }
        return begin(database, data, folder).map(|loaded| (loaded, Anchored::default()));
    }
    let loaded = check::load(database, anchor.as_ref())?;
    if anchor.is_none() {
        anchor::write(folder, &Anchored::default()).map_err(failed("written"))?;
    }
    Ok((loaded, anchor.unwrap_or_default()))
}

fn begin(database: &::sled::Db, data: &File, folder: &Path) -> Result<Loaded, StoreError> {
    let sealer = Sealer::new(Frontier::default(), [0; 32], 0);
    let mut batch = ::sled::Batch::default();
    batch.insert(VERSION_KEY, &VERSION.to_be_bytes());
    batch.insert(HEAD_KEY, Head { root: sealer.head().root, ..Head::default() }.encode());
    database.apply_batch(batch).map_err(engine_error)?;
    database.flush().map_err(engine_error)?;
    data.sync_data().map_err(failed("written"))?;
    anchor::write(folder, &Anchored::default()).map_err(failed("written"))?;
    Ok(Loaded { sealer, state: [0; 32], first: 0 })
}

#[cfg(test)]
#[path = "sled_tests.rs"]
mod tests;
