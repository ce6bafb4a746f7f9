//! A manifest that changed while hub stays (SIGHUP, `--watch`): read and judged beside the one in force. It takes over when the runs under way have
//! reached their next checkpoints; one that is denied changes nothing. Runs no flow.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;

use super::run::{record, selected};
use super::{load, lock, render};
use crate::config::Config;
use crate::store::Store;

/// How often `--watch` looks at the files.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What a reload needs to know.
pub(super) struct Watched {
    pub manifest: PathBuf,
    pub config: Config,
    /// Flows that were named in the call; empty = all.
    pub flows: Vec<String>,
    /// Look at the files without being asked.
    pub watch: bool,
    pub store: Arc<dyn Store>,
    /// Set when the runs under way are to end.
    pub stopping: Arc<AtomicBool>,
}

/// What waits to take over.
#[derive(Default)]
pub(super) struct Waiting {
    loaded: Mutex<Option<load::Loaded>>,
}

impl Waiting {
    pub(super) async fn take(&self) -> Option<load::Loaded> {
        self.loaded.lock().await.take()
    }
}

/// What was read last: its digest, its components, and how its files looked.
struct Seen {
    manifest: String,
    connectors: hub_core::change::ConnectorDigests,
    files: Vec<PathBuf>,
    looks: Vec<Option<(u64, SystemTime)>>,
}

impl Seen {
    fn of(watched: &Watched, loaded: &load::Loaded) -> Self {
        let mut files: Vec<PathBuf> = loaded.files.iter().map(|(name, _)| PathBuf::from(name)).collect();
        files.push(lock::path(&watched.manifest));
        let looks = look(&files);
        Self { manifest: loaded.policy.manifest().digest.clone(), connectors: lock::digests(&loaded.packages), files, looks }
    }
}

fn look(files: &[PathBuf]) -> Vec<Option<(u64, SystemTime)>> {
    let one = |path: &PathBuf| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.len(), about.modified().ok()?))
    };
    files.iter().map(one).collect()
}

/// Watches until the process ends.
pub(super) fn watch(watched: Watched, first: &load::Loaded, waiting: Arc<Waiting>) -> tokio::task::JoinHandle<()> {
    let mut seen = Seen::of(&watched, first);
    let watched = Arc::new(watched);
    tokio::spawn(async move {
        let Ok(mut hangups) = signal(SignalKind::hangup()) else { return };
        loop {
            let asked = tokio::select! {
                hangup = hangups.recv() => hangup.is_some(),
                () = tokio::time::sleep(LOOK_AGAIN), if watched.watch => false,
            };
            let looks = look(&seen.files);
            if !asked && looks == seen.looks {
                continue;
            }
            seen.looks = looks;
            if let Some(loaded) = again(&watched, &seen, asked).await {
                seen = Seen::of(&watched, &loaded);
                *waiting.loaded.lock().await = Some(loaded);
                watched.stopping.store(true, Ordering::Relaxed);
            }
        }
    })
}

/// Reads and judges. None: it is what is in force, or nothing that may be; which of both is told.
async fn again(watched: &Arc<Watched>, seen: &Seen, asked: bool) -> Option<load::Loaded> {
    let reading = watched.clone();
    let read = tokio::task::spawn_blocking(move || {
        let loaded = load::load(&reading.manifest, &reading.config)?;
        selected(&reading.flows, &loaded).map(|_| loaded)
    });
    let failure = match read.await.ok()? {
        Ok(loaded) if loaded.policy.manifest().digest == seen.manifest && lock::digests(&loaded.packages) == seen.connectors => {
            if asked {
                anstream::eprintln!("read again: nothing has changed");
            }
            return None;
        }
        Ok(loaded) => {
            anstream::eprintln!("the manifest has changed: it takes over at the next checkpoint of what runs");
            return Some(loaded);
        }
        Err(failure) => failure,
    };
    let failure = record(failure, &*watched.store).boxed().await;
    anstream::eprint!("{}", render::draw(&failure));
    anstream::eprintln!("the manifest that was in force stays in force");
    None
}
