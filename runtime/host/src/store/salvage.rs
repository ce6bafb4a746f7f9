//! `verify_audit`: the proof over a whole store, on a private copy, so that evidence is never changed. Names the damaged entry even when the engine
//! no longer opens. Repairs nothing.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hub_core::audit::prune::edge;
use hub_core::audit::tree::Frontier;
use hub_core::audit::{Bad, Reason, TreeHead, Verdict, verify};

use super::anchor::Anchored;
use super::files::{self, BLOBS, DATA, SETTINGS, SNAPSHOT, failed};
use super::layout::{AUDIT, HASHES, NODES, broken, number, numbered};
use super::raw::{CLOSE, RawLog};
use super::{Options, SledStore, StoreError, anchor, check, sled};

/// Cache for reading the copy once.
const CACHE_BYTES: u64 = 32 << 20;
/// A copy of a store that is being written may be torn: how often another one is made.
const TRIES: u32 = 5;
/// In a log that holds, only a copy with so few changed bytes counts as damaged: an entry that a crash undid before it was acknowledged, and that was
/// written again, differs in more.
const SURE: usize = 2;

/// What the proof found.
#[derive(Clone, Debug)]
pub struct VerifiedAudit {
    /// The log itself.
    pub verdict: Verdict,
    /// Another process had the store open: what it wrote meanwhile is not covered.
    pub in_use: bool,
}

/// Proves the audit log of the store in a folder, whether it is open in another process or not, against itself and against heads that were kept
/// elsewhere. Blocks for as long as reading everything takes.
///
/// # Errors
/// `Damaged` if the store contradicts itself and no entry can be named; `Format`, `Io`. A named entry is not an error: see `first_bad`.
pub fn verify_audit(folder: &Path, kept: &[TreeHead]) -> Result<VerifiedAudit, StoreError> {
    if !folder.join(DATA).exists() {
        let text = format!("there is no store in `{}`", folder.display());
        return Err(StoreError::Io { doing: "verified", source: io::Error::new(io::ErrorKind::NotFound, text) });
    }
    let lock = files::lock_to_read(folder)?;
    let in_use = lock.is_none();
    let mut tries = 1;
    loop {
        let result = attempt(folder, kept, lock.is_some());
        let holds = result.as_ref().is_ok_and(|verdict| verdict.first_bad.is_none());
        if holds || !in_use || tries == TRIES {
            return result.map(|verdict| VerifiedAudit { verdict, in_use });
        }
        tries += 1;
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Copies the store in a folder, whether it is open in another process or not, and proves the copy. Answers with the number of its audit entries.
///
/// # Errors
/// As [`verify_audit`]; `Damaged` also if no whole copy could be had.
pub fn back_up(folder: &Path, target: &Path) -> Result<u64, StoreError> {
    let mut tries = 1;
    loop {
        DirBuilder::new().mode(0o700).create(target).map_err(failed("copied"))?;
        copy_files(folder, target)?;
        for path in files::named(target, |_| true)? {
            files::sync(&path)?;
        }
        files::sync(target)?;
        match verify_audit(target, &[]) {
            Ok(VerifiedAudit { verdict, .. }) if verdict.first_bad.is_none() => return Ok(verdict.entries),
            Err(error) if tries == TRIES => return Err(error),
            Ok(VerifiedAudit { verdict, .. }) if tries == TRIES => {
                let first_bad_entry = verdict.first_bad.map(|bad| bad.seq);
                return Err(StoreError::Damaged { detail: "no whole copy could be had".to_owned(), first_bad_entry });
            }
            _ => {}
        }
        // It was being written while it was copied.
        fs::remove_dir_all(target).map_err(failed("copied"))?;
        tries += 1;
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// A store that another process has open, as it stood a moment ago.
pub struct StoreCopy {
    /// The copy; what is written to it goes nowhere.
    pub store: SledStore,
    /// Entries that were on the disk for certain when it was made.
    pub durable: u64,
    /// Removed after the store is closed.
    _files: PrivateCopy,
}

/// Opens a private copy of the store in a folder, for reading what another process writes.
///
/// # Errors
/// As [`verify_audit`].
pub fn open_copy(folder: &Path) -> Result<StoreCopy, StoreError> {
    let mut tries = 1;
    loop {
        let files = PrivateCopy::of(folder)?;
        // The file that counts entries is written after they are durable, and copied before them.
        let durable = anchor::read(&files.path)?.map_or(0, |anchor| anchor.head.size);
        match SledStore::open(&files.path, Options::default()) {
            Ok(store) => return Ok(StoreCopy { store, durable, _files: files }),
            Err(error) if tries == TRIES => return Err(error),
            // It was being written while it was copied.
            Err(_) => std::thread::sleep(Duration::from_millis(300)),
        }
        tries += 1;
    }
}

fn attempt(folder: &Path, kept: &[TreeHead], quiet: bool) -> Result<Verdict, StoreError> {
    let copy = PrivateCopy::of(folder)?;
    let anchor = anchor::read(&copy.path);
    let (anchored, cut) = anchor.as_ref().ok().and_then(Option::as_ref).map_or((0, 0), |anchor| (anchor.head.size, anchor.cut));
    let raw = RawLog::read(&File::open(copy.path.join(DATA)).map_err(failed("read"))?, cut).map_err(failed("read"))?;
    let engine = anchor.and_then(|anchor| through_engine(&copy.path, anchor.as_ref(), kept));
    match engine {
        Ok(found) => Ok(judge(found.size.max(anchored), found, &raw, quiet)),
        Err(StoreError::Damaged { detail, first_bad_entry }) => {
            let known = anchored.max(first_bad_entry.unwrap_or(0));
            let named = first_named(&raw, known, CLOSE).ok_or(StoreError::Damaged { detail: detail.clone(), first_bad_entry })?;
            let bad = Bad { seq: named, expected: "the bytes that its neighbours name".into(), found: detail, reason: Reason::Changed };
            let root = raw.root(Frontier::default(), if cut == 0 { named } else { 0 });
            Ok(Verdict { entries: named, root, still_provable_until: named, ..Verdict::nothing(cut, bad) })
        }
        Err(other) => Err(other),
    }
}

/// The engine's answer together with what stands in the file. A damaged byte makes the engine lose whole pages, so what it misses first is often not what
/// was damaged: the raw bytes know better.
fn judge(size: u64, Found { mut verdict, start, .. }: Found, raw: &RawLog, quiet: bool) -> Verdict {
    let named = match &verdict.first_bad {
        Some(bad) => first_named(raw, size, CLOSE).filter(|named| *named != bad.seq),
        None if quiet => raw.first_damaged_copy(size, SURE),
        None => None,
    };
    if let Some(seq) = named {
        let bad = Bad {
            seq,
            expected: "its bytes as the chain names them".into(),
            found: "a copy with other bytes".into(),
            reason: Reason::Changed,
        };
        let root = raw.root(start, seq);
        verdict = Verdict { entries: seq, root, first_bad: Some(bad), still_provable_until: seq, ..verdict };
    }
    verdict
}

fn first_named(raw: &RawLog, size: u64, most_bytes: usize) -> Option<u64> {
    raw.first_damaged_copy(size, most_bytes).into_iter().chain(raw.first_broken(size)).min()
}

/// What the engine gives back.
struct Found {
    /// As the head has it.
    size: u64,
    /// The edge before the first entry.
    start: Frontier,
    verdict: Verdict,
}

/// Reads everything through the engine: chain, tree, stored hashes, head, anchor, and the sum over the values.
fn through_engine(folder: &Path, anchor: Option<&Anchored>, kept: &[TreeHead]) -> Result<Found, StoreError> {
    sled::guarded(|| {
        let database = sled::start(folder, CACHE_BYTES)?;
        if check::is_fresh(&database)? && anchor.is_none_or(|anchor| anchor.head.size == 0) {
            let verdict = verify(Frontier::default(), none(), none(), &TreeHead::default(), kept);
            return Ok(Found { size: 0, start: Frontier::default(), verdict });
        }
        check::known_version(&database)?;
        let head = check::head(&database)?;
        if head.size > 0 && anchor.is_none() {
            return Err(broken("the file `audit.head` is missing: the audit log cannot be told from an older one"));
        }
        if let Some(cut) = anchor.map(|anchor| anchor.cut).filter(|cut| *cut < head.first) {
            let detail = "audit entries are gone that were not to be pruned".to_owned();
            return Err(StoreError::Damaged { detail, first_bad_entry: Some(cut) });
        }
        let tree_head = TreeHead { size: head.size, root: head.root };
        let anchors: Vec<TreeHead> = anchor.map(|anchor| &anchor.head).into_iter().chain(kept).cloned().collect();
        let start = match edge(head.first, family(&database, NODES)) {
            Ok(start) => start,
            Err(bad) => {
                let verdict = Verdict::nothing(head.first, bad);
                return Ok(Found { size: head.size, start: Frontier::default(), verdict });
            }
        };
        let verdict = verify(start.clone(), family(&database, AUDIT), family(&database, HASHES), &tree_head, &anchors);
        if verdict.first_bad.is_none() && check::state_sum(&database)? != head.state {
            return Err(broken("the stored values are not the ones that were last written"));
        }
        Ok(Found { size: head.size, start, verdict })
    })
}

/// Numbers and bytes of one family. A page that cannot be read stands for the number that was due.
fn family(tree: &::sled::Tree, family: u8) -> impl Iterator<Item = (u64, Result<Vec<u8>, StoreError>)> {
    let mut due = 0;
    tree.range(numbered(family, 0)..numbered(family + 1, 0)).map(move |item| {
        let item = match item {
            Ok((key, bytes)) => (number(&key).unwrap_or(u64::MAX), Ok(bytes.to_vec())),
            Err(_) => (due, Err(broken("a page cannot be read"))),
        };
        due = item.0.saturating_add(1);
        item
    })
}

fn none() -> impl Iterator<Item = (u64, Result<Vec<u8>, StoreError>)> {
    std::iter::empty()
}

/// A copy for this process alone, gone with the value.
struct PrivateCopy {
    path: PathBuf,
}

impl PrivateCopy {
    fn of(folder: &Path) -> Result<Self, StoreError> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random)
            .map_err(|_| StoreError::Io { doing: "copied", source: io::Error::other("there is no random source") })?;
        let path = std::env::temp_dir().join(format!("hub-verify-{}", data_encoding::HEXLOWER.encode(&random)));
        DirBuilder::new().mode(0o700).create(&path).map_err(failed("copied"))?;
        let copy = Self { path };
        copy_files(folder, &copy.path)?;
        Ok(copy)
    }
}

/// Copies what a store is made of into an empty folder.
fn copy_files(folder: &Path, target: &Path) -> Result<(), StoreError> {
    fs::create_dir(target.join(BLOBS)).map_err(failed("copied"))?;
    // The anchor first: while the store is written, the log may be longer than the anchor, never shorter.
    let snapshots = files::named(folder, |name| name.starts_with(SNAPSHOT) && !name.contains(".generating"))?;
    let blobs = files::named(&folder.join(BLOBS), |_| true).unwrap_or_default();
    for source in [folder.join(anchor::FILE), folder.join(SETTINGS)].into_iter().chain(snapshots).chain([folder.join(DATA)]).chain(blobs) {
        let relative = source.strip_prefix(folder).unwrap_or(&source);
        match fs::copy(&source, target.join(relative)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("copied")(error)),
            _ => {}
        }
    }
    Ok(())
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
