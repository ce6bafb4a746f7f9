//! `hub.lock` on the disk: beside the manifest, replaced in one step. What it holds and what that is worth is `hub_core::change::lock`'s.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use hub_core::change::lock::{self, Lock, MAX_LOCK_BYTES};
use hub_core::change::{ConnectorDigests, State};
use hub_core::problem::{Code, Problem, Sources};

use super::{Failure, io_problem, load};

const NAME: &str = "hub.lock";

/// Where the lock of a manifest is.
pub(super) fn path(manifest: &Path) -> PathBuf {
    load::folder_of(manifest).join(NAME)
}

/// The lock of a manifest. Empty if there is no file.
pub(super) fn read(manifest: &Path) -> Result<Lock, Failure> {
    let path = path(manifest);
    let file = match fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lock::default()),
        Err(error) => return Err(io_problem("read", &path, &error).into()),
    };
    let mut bytes = Vec::new();
    // One byte more than may be: a larger file is refused by whoever parses it.
    let limit = u64::try_from(MAX_LOCK_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| io_problem("read", &path, &error))?;
    let Ok(text) = String::from_utf8(bytes) else {
        let help = "restore it from version control; hub writes it, nobody edits it";
        return Err(Problem::new(Code::E505, format!("`{}` is not UTF-8 text", path.display()), help).into());
    };
    let mut sources = Sources::default();
    let file = sources.add(&path.display().to_string(), &text);
    lock::parse(&text, file).map_err(|problems| Failure { problems, sources })
}

/// Replaces the lock of a manifest: a crash leaves the old or the new one.
pub(super) fn write(manifest: &Path, lock: &Lock) -> Result<(), Failure> {
    let path = path(manifest);
    replace(&path, lock.text().as_bytes()).map_err(|error| io_problem("write", &path, &error).into())
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = load::folder_of(path);
    let fresh = folder.join(format!("{NAME}.new"));
    let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o644).open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    fs::File::open(folder)?.sync_all()
}

/// Remembers what is run from now on, so that the next plan can say what would change. Only what differs is written.
pub(super) fn applied(manifest: &Path, state: State) -> Result<(), Failure> {
    let mut lock = read(manifest)?;
    if lock.applied.as_ref() == Some(&state) {
        return Ok(());
    }
    lock.applied = Some(state);
    write(manifest, &lock)
}

/// Digests of the components that serve the systems.
pub(super) fn digests(packages: &crate::sync::Packages) -> ConnectorDigests {
    packages.iter().map(|(system, package)| (system.clone(), package.digest.clone())).collect()
}
