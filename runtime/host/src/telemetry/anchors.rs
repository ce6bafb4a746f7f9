//! Gives signed heads of the log away as `[audit.anchor.ID]` says: after runs, not too often, and tries again for as long as hub stays.
//!
//! Invariant: an anchor that fails stops no flow; one that contradicts the log lets none begin.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hub_core::audit::timestamp;
use hub_core::manifest::{Anchor, AnchorPlace};
use hub_core::problem::{Code, Problem};
use hub_core::tell::event::{self, Message};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::alerts::Alerts;
use super::book::Book;
use super::courier::{Courier, PAUSES};
use super::metrics::Metrics;
use crate::clock::Clock;
use crate::config::Config;
use crate::egress::SendError;
use crate::evidence::{self, BadAnchors};
use crate::gate::Gate;
use crate::place::beside;
use crate::store::{Store, StoreError};
use crate::sync::Host;

const CONTENT_TYPE: &str = "text/plain; charset=utf-8";
/// Between two heads where the manifest names no rhythm and hub stays.
const LEAST_MS: u64 = 10 * 60 * 1000;
/// For one try with a file: a share may hang.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Tries of a process that ends.
const LAST_TRIES: u32 = 2;
/// Between them.
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// Tries that failed in a row before an alert says so.
const PATIENCE: u32 = 3;
/// An alert says it again after so long.
const DAY_MS: u64 = 86_400_000;

/// How far the process has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stage {
    /// Runs that have ended.
    runs: u64,
    ending: bool,
}

/// All anchors of a manifest.
pub(super) struct Anchors {
    stage: watch::Sender<Stage>,
    keepers: Vec<JoinHandle<()>>,
}

/// What the keepers share.
pub(super) struct Shared {
    pub config: Config,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub book: Arc<Book>,
    pub alerts: Arc<Alerts>,
    pub metrics: Arc<Metrics>,
}

impl Anchors {
    /// Looks whether the log begins with the heads that lie in files, puts servers on record, and waits for runs.
    ///
    /// # Errors
    /// E502 for another log than the one that was anchored, E507 for a lost key, E312 for a token, the gate's refusal.
    pub async fn start(host: &Host, gate: &Arc<Gate>, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let manifest = host.policy.manifest();
        // Before anything is written: what contradicts an anchor stays as it is.
        let mut ways = Vec::new();
        for anchor in manifest.anchors.values() {
            if let AnchorPlace::File(file) = &anchor.to {
                let path = beside(&manifest.sources, file.span, &file.value);
                match contradiction(&path, &shared.config, &*shared.store) {
                    None => ways.push((anchor, Way::File(path))),
                    Some(problem) => return Err(problem.at(file.span, "this anchor")),
                }
            }
        }
        for (anchor, receiver) in manifest.anchors.values().filter_map(|anchor| Some((anchor, anchor.receiver()?))) {
            let courier = Courier::new(host, gate, receiver, CONTENT_TYPE, None)?;
            courier.permit().await.map_err(Arc::unwrap_or_clone)?;
            ways.push((anchor, Way::Server(Box::new(courier))));
        }
        let (stage, watched) = watch::channel(Stage::default());
        let start = |(anchor, way)| tokio::spawn(Keeper::new(anchor, way, shared).keep(watched.clone()));
        Ok(Self { stage, keepers: ways.into_iter().map(start).collect() })
    }

    /// A run has ended: what is due goes out.
    pub fn ran(&self) {
        self.stage.send_modify(|stage| stage.runs += 1);
    }

    /// What is due goes out before the process ends.
    pub async fn finish(self) {
        self.stage.send_modify(|stage| stage.ending = true);
        futures::future::join_all(self.keepers).await;
    }
}

/// What is wrong if the log does not begin with the last head in a file of anchors.
fn contradiction(path: &std::path::Path, config: &Config, store: &dyn Store) -> Option<Problem> {
    let shown = path.display();
    let help = "keep store and anchor as evidence, look with `hub audit verify`; after a restore on purpose, move the anchor's file to where evidence is \
                kept";
    let Some(verifier) = evidence::public(config).ok()? else {
        // A key that is not there is made at the first need: not where heads of another one are known.
        let is_used = path.metadata().is_ok_and(|about| about.len() > 0);
        let title = format!("`{shown}` holds heads of an audit log whose key is gone");
        return is_used.then(|| Problem::new(Code::E507, title, "put the key back, or name its file in `HUB_AUDIT_KEY_FILE`"));
    };
    match evidence::last_head(path, &verifier) {
        // Whether it can be written is found out when it is.
        Ok(None) | Err(BadAnchors::Io(_)) => None,
        Ok(Some(head)) => match evidence::begins_with(store, &head) {
            Ok(()) => None,
            Err(StoreError::Damaged { detail, .. }) => {
                Some(Problem::new(Code::E502, format!("`{shown}` contradicts the store: {detail}"), help))
            }
            Err(error) => Some(Problem::new(Code::E502, format!("`{shown}` cannot be compared with the store: {error}"), help)),
        },
        Err(BadAnchors::Line { why, .. }) => {
            let title = format!("`{shown}` does not hold the heads of this log: {why}");
            Some(Problem::new(Code::E502, title, "give each hub an anchor of its own; if it is this hub's, keep both as evidence"))
        }
    }
}

enum Way {
    File(PathBuf),
    Server(Box<Courier>),
}

impl Way {
    /// One try. The error says why in hub's own words.
    async fn take(&self, note: &str, now_ms: u64) -> Result<(), String> {
        match self {
            Self::File(path) => {
                let (path, note) = (path.clone(), note.to_owned());
                let written = tokio::task::spawn_blocking(move || evidence::append(&path, &note, now_ms));
                match tokio::time::timeout(TIMEOUT, written).await {
                    Ok(Ok(written)) => written.map_err(|error| error.kind().to_string()),
                    Ok(Err(_)) => Err("it was not written".to_owned()),
                    Err(_) => Err("the file system does not answer".to_owned()),
                }
            }
            Self::Server(courier) => {
                let message = Message { id: String::new(), body: note.as_bytes().to_vec() };
                match courier.bring(&message).await {
                    Ok(200..=299) => Ok(()),
                    Ok(status) => Err(format!("status {status}")),
                    Err(SendError::Denied(problem)) => Err(problem.code.id().to_owned()),
                    Err(error) => Err(error.cause().to_owned()),
                }
            }
        }
    }
}

/// Keeps one anchor.
struct Keeper {
    name: String,
    /// By which it is known in the store: `anchor:ID`.
    id: String,
    way: Way,
    every_ms: Option<u64>,
    shared: Arc<Shared>,
}

impl Keeper {
    fn new(anchor: &Anchor, way: Way, shared: &Arc<Shared>) -> Self {
        let name = anchor.id.value.clone();
        let every_ms = anchor.every.as_ref().map(|every| u64::from(every.value.seconds) * 1000);
        Self { id: format!("anchor:{name}"), name, way, every_ms, shared: shared.clone() }
    }

    async fn keep(self, mut stage: watch::Receiver<Stage>) {
        // Runs that a head covers, tries in a row that failed, tries since the end began.
        let (mut covered, mut failures, mut last_tries) = (0, 0, 0);
        loop {
            let now = *stage.borrow_and_update();
            last_tries += u32::from(now.ending);
            let mut pause = (now.runs > covered).then(|| self.due_in(now.ending));
            if pause.is_some_and(|pause| pause.is_zero()) {
                pause = match self.anchor().await {
                    Ok(()) => {
                        (covered, failures) = (now.runs, 0);
                        None
                    }
                    Err(reason) => {
                        failures += 1;
                        self.not_taken(&reason, failures >= PATIENCE || last_tries == LAST_TRIES).await;
                        Some(if now.ending { LAST_PAUSE } else { pause_after(failures) })
                    }
                };
                if now.ending && pause.is_some() && last_tries < LAST_TRIES {
                    self.shared.clock.sleep(LAST_PAUSE).await;
                    continue;
                }
            }
            if now.ending {
                return;
            }
            let goes_on = match pause {
                None => stage.changed().await.is_ok(),
                Some(pause) => tokio::select! {
                    goes_on = until_the_end(&mut stage) => goes_on,
                    () = self.shared.clock.sleep(pause) => true,
                },
            };
            if !goes_on {
                return;
            }
        }
    }

    /// How long until a head may go out. Times are counted in spans of UTC, so that a daily run is not a moment too early each second day.
    fn due_in(&self, ending: bool) -> Duration {
        let least = match (self.every_ms, ending) {
            (Some(every), _) => every,
            (None, true) => return Duration::ZERO,
            (None, false) => LEAST_MS,
        };
        let now = self.shared.clock.now_us() / 1000;
        match self.shared.book.of(&self.id).taken_ms {
            Some(last) if last / least == now / least => Duration::from_millis(least - now % least),
            _ => Duration::ZERO,
        }
    }

    /// Signs the log as it is on the disk, and gives the head away.
    async fn anchor(&self) -> Result<(), String> {
        let Shared { config, store, clock, book, metrics, .. } = &*self.shared;
        let key = evidence::of_log(config).map_err(|problem| problem.code.id().to_owned())?;
        let signed = evidence::sign(&**store, &key).await.map_err(|_| "the log could not be signed".to_owned())?;
        self.way.take(&signed.note, clock.now_us() / 1000).await?;
        book.anchored(&self.id, &self.name, signed.head.size).await;
        metrics.told(&self.id, "taken");
        tracing::info!(anchor = self.name, entries = signed.head.size, "the audit log is anchored");
        Ok(())
    }

    async fn not_taken(&self, reason: &str, is_told: bool) {
        let Shared { store, book, alerts, metrics, .. } = &*self.shared;
        tracing::warn!(anchor = self.name, reason, "HUB-E316 the audit log was not anchored; another try follows");
        metrics.told(&self.id, "failed");
        book.failed(&self.id, reason).await;
        if is_told && book.may_tell(&self.id, DAY_MS).await {
            let known = book.of(&self.id);
            let since = timestamp(known.failing_since_ms.unwrap_or_default());
            let (event, data) = event::of_anchor(&self.name, &since, store.head().map_or(0, |head| head.size), known.entries);
            alerts.tell(event, None, &data);
        }
    }
}

/// False if nobody is left who could say that it comes.
async fn until_the_end(stage: &mut watch::Receiver<Stage>) -> bool {
    stage.wait_for(|stage| stage.ending).await.is_ok()
}

/// As for messages; the last one again and again.
fn pause_after(failures: u32) -> Duration {
    let index = usize::try_from(failures).unwrap_or(usize::MAX).saturating_sub(1);
    PAUSES.get(index).or(PAUSES.last()).copied().unwrap_or(LAST_PAUSE)
}
