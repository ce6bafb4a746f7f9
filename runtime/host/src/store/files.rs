//! The files of a store on disk: lock, fsync, clearing up before the engine opens. Knows no content.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock, statvfs};
use rustix::io::Errno;

use super::StoreError;

/// The engine's data file.
pub(super) const DATA: &str = "db";
/// The engine's settings.
pub(super) const SETTINGS: &str = "conf";
/// Where the engine would put values that are too large for it; there are none, but it makes the folder.
pub(super) const BLOBS: &str = "blobs";
/// The engine's page tables begin so.
pub(super) const SNAPSHOT: &str = "snap.";
/// A page table that was not written to its end ends so.
const GENERATING: &str = ".generating";
/// Held by the process that has the store open.
const LOCK: &str = "hub.lock";

/// What was being done when the operating system refused.
pub(super) fn failed(doing: &'static str) -> impl Fn(io::Error) -> StoreError {
    move |source| StoreError::Io { doing, source }
}

/// Makes the folder, for nobody but its owner, and takes the lock. The lock is held as long as the file is open.
pub(super) fn lock(folder: &Path) -> Result<File, StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed("created"))?;
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(folder.join(LOCK)).map_err(failed("opened"))?;
    if try_lock(&file)? { Ok(file) } else { Err(StoreError::InUse) }
}

/// Takes the lock without making anything: `None` if it is held. A store whose lock file is gone is not in use.
pub(super) fn lock_to_read(folder: &Path) -> Result<Option<Option<File>>, StoreError> {
    match File::open(folder.join(LOCK)) {
        Ok(file) => Ok(try_lock(&file)?.then_some(Some(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(None)),
        Err(source) => Err(StoreError::Io { doing: "opened", source }),
    }
}

fn try_lock(file: &File) -> Result<bool, StoreError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(StoreError::Io { doing: "locked", source: error.into() }),
    }
}

/// Deletes page tables that a crash left half written: the engine would take them for the newest and refuse to open.
pub(super) fn delete_unfinished(folder: &Path) -> Result<(), StoreError> {
    for path in named(folder, |name| name.ends_with(GENERATING))? {
        fs::remove_file(path).map_err(failed("cleared up"))?;
    }
    Ok(())
}

/// Moves the page tables aside, so that the engine reads its log from the start. They stay as evidence.
pub(super) fn set_snapshots_aside(folder: &Path) -> Result<(), StoreError> {
    for path in named(folder, |name| name.starts_with(SNAPSHOT))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        fs::rename(&path, folder.join(format!("aside.{name}"))).map_err(failed("cleared up"))?;
    }
    Ok(())
}

/// Files of a folder whose name is asked for.
pub(super) fn named(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed("read"))? {
        let entry = entry.map_err(failed("read"))?;
        if entry.file_name().to_str().is_some_and(&wanted) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Makes a new store's files and names durable; the engine does neither.
pub(super) fn sync_created(folder: &Path) -> Result<(), StoreError> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    for path in [&folder.join(SETTINGS), &folder.join(DATA), &folder.join(BLOBS), folder, parent] {
        sync(path)?;
    }
    Ok(())
}

/// fsync of a file or a folder.
pub(super) fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(failed("made durable"))
}

/// Replaces a file so that a crash leaves the old or the new one.
///
/// # Errors
/// The operating system's.
pub fn replace(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let fresh = folder.join(format!("{name}.new"));
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&fresh, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// Gives the folder of a store another name, unless a process has it open.
///
/// # Errors
/// In use, or refused by the operating system.
pub fn rename_unused(folder: &Path, to: &Path) -> Result<(), StoreError> {
    let _lock = lock_to_read(folder)?.ok_or(StoreError::InUse)?;
    fs::rename(folder, to).map_err(failed("moved"))
}

/// What the files of a store take; 0 for a folder that is not there.
#[must_use]
pub fn bytes_on_disk(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).filter(fs::Metadata::is_file).map(|metadata| metadata.len()).sum()
}

/// Bytes that are free for this user where the folder stands.
///
/// # Errors
/// The operating system's.
pub fn free_bytes(folder: &Path) -> Result<u64, StoreError> {
    let found = statvfs(folder).map_err(|error| StoreError::Io { doing: "asked for free space", source: error.into() })?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
