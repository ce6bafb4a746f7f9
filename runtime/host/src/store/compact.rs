//! Writes a store anew without what was deleted from it: the engine uses space again, but never gives it back.
//!
//! Invariant: the old store stays as it is until the new one is durable and proven whole; then they change places in one step.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::files::{self, DATA, failed};
use super::layout::{broken, engine_error};
use super::{StoreError, VerifiedAudit, anchor, sled, verify_audit};

/// Cache for reading one store and writing another once.
const CACHE_BYTES: u64 = 32 << 20;
/// Bytes of one batch of the engine.
const BATCH_BYTES: usize = 1 << 20;

/// What it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes on disk before.
    pub before: u64,
    /// Bytes on disk after.
    pub after: u64,
    /// Size of the audit log, which is the same.
    pub entries: u64,
}

/// Writes the store in a folder anew. Needs as much free space as its content takes, and blocks for as long as reading and proving it takes.
///
/// # Errors
/// In use, damaged, or refused by the operating system; the store is as it was then.
pub fn compact(folder: &Path) -> Result<Compacted, StoreError> {
    let _lock = files::lock_to_read(folder)?.ok_or(StoreError::InUse)?;
    let before = files::bytes_on_disk(folder);
    let fresh = folder.with_extension("compact");
    // What an earlier attempt left: nobody but that attempt knew of it.
    remove(&fresh)?;
    let written = write(folder, &fresh).and_then(|entries| exchange(folder, &fresh).map(|()| entries));
    remove(&fresh)?;
    Ok(Compacted { before, after: files::bytes_on_disk(folder), entries: written? })
}

/// Copies everything that the engine finds, and proves the copy; answers with the number of audit entries.
fn write(from: &Path, to: &Path) -> Result<u64, StoreError> {
    let anchored = anchor::read(from)?.ok_or_else(|| broken("the file `audit.head` is missing"))?;
    DirBuilder::new().mode(0o700).create(to).map_err(failed("created"))?;
    files::delete_unfinished(from)?;
    sled::guarded(|| copy(from, to))?;
    anchor::write(to, &anchored).map_err(failed("written"))?;
    files::sync_created(to)?;
    match verify_audit(to, &[anchored.head])? {
        VerifiedAudit { verdict, .. } if verdict.first_bad.is_none() => Ok(verdict.entries),
        VerifiedAudit { verdict, .. } => {
            let detail = "it is not whole: `hub audit verify` names the damage".to_owned();
            Err(StoreError::Damaged { detail, first_bad_entry: verdict.first_bad.map(|bad| bad.seq) })
        }
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let (old, new) = (sled::start(from, CACHE_BYTES)?, sled::start(to, CACHE_BYTES)?);
    let (mut batch, mut bytes) = (::sled::Batch::default(), 0);
    for item in &*old {
        let (key, value) = item.map_err(engine_error)?;
        bytes += key.len() + value.len();
        batch.insert(key, value);
        if bytes >= BATCH_BYTES {
            new.apply_batch(std::mem::take(&mut batch)).map_err(engine_error)?;
            bytes = 0;
        }
    }
    new.apply_batch(batch).map_err(engine_error)?;
    new.flush().map_err(engine_error)?;
    File::open(to.join(DATA)).and_then(|data| data.sync_data()).map_err(failed("made durable"))
}

fn exchange(folder: &Path, fresh: &Path) -> Result<(), StoreError> {
    renameat_with(CWD, fresh, CWD, folder, RenameFlags::EXCHANGE).map_err(|error| failed("moved")(error.into()))?;
    files::sync(folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

fn remove(folder: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("cleared up")(error)),
        _ => Ok(()),
    }
}
