//! `files`: files of granted folders. Opens a folder once, when the run starts, and reaches everything below it through that handle only.
//!
//! A path that leads out (`..`, absolute, a symbolic link) is a refusal (E308), not a failure. Knows no record and no format.

mod reader;
mod writer;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use hub_core::manifest::{FolderAccess, FolderGrant, System};
use hub_core::policy::ask::Ask;
use hub_core::problem::{Code, Problem, Sources};

pub use reader::Reader;
pub use writer::Writer;

use super::run::{Ended, Run};
use crate::gate::{Asks, Cleared};
use crate::place::beside;

const MAX_PATH_BYTES: usize = 1 << 10;
const MAX_ENTRIES: usize = 10_000;

/// Why there is no file, or no part of one.
#[derive(Clone, Debug)]
pub enum FileError {
    /// The run has ended.
    Ended(Ended),
    /// There is no such file.
    NotFound(String),
    /// The limit that was reached.
    TooLarge(u64),
    /// The operating system's answer.
    Failed(String),
}

impl From<Ended> for FileError {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

/// How bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// RFC 1952; several members follow each other.
    Gzip,
}

/// One file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `FOLDER/relative/name`.
    pub path: String,
    /// Bytes as stored.
    pub size: u64,
    /// Milliseconds since 1970.
    pub modified_ms: u64,
}

/// The folders of one system in one run, and how far its appended files reach.
#[derive(Default)]
pub struct FilesState {
    folders: HashMap<String, Folder>,
    cut_to: BTreeMap<String, u64>,
    positions: Positions,
}

/// How far appended files are durable, by path; shared between an instance and whoever commits the checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Positions(Arc<Mutex<BTreeMap<String, u64>>>);

impl Positions {
    /// Lengths to be committed with a checkpoint: of the last sync, or of the opening before it.
    #[must_use]
    pub fn committed(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reach(&self, path: &str, length: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), length);
    }
}

struct Folder {
    root: Arc<Dir>,
    access: FolderAccess,
}

impl FilesState {
    /// Opens the folders that the manifest grants; one for writing is created if it is missing. `cut_to` are the committed lengths of appended
    /// files, if the last run did not reach its end: what stands behind them is cut off when they are opened.
    ///
    /// # Errors
    /// E308 at the grant whose folder cannot be opened.
    pub fn open(sources: &Sources, system: &System, cut_to: BTreeMap<String, u64>) -> Result<Self, Problem> {
        let mut folders = HashMap::new();
        for (name, grant) in &system.folders {
            let path = beside(sources, grant.path.span, &grant.path.value);
            let root = open_folder(&path, grant.access).map_err(|error| unusable(name, grant, &error))?;
            folders.insert(name.clone(), Folder { root: Arc::new(root), access: grant.access });
        }
        let positions = Positions(Arc::new(Mutex::new(cut_to.clone())));
        Ok(Self { folders, cut_to, positions })
    }

    /// Cuts appended files back to their committed lengths, after a run that did not reach its end: what came after the last checkpoint is
    /// not kept.
    ///
    /// # Errors
    /// The operating system's; the next run tries again when it opens the files.
    pub fn cut_back(&self) -> io::Result<()> {
        for (path, length) in &self.cut_to {
            let Some((folder, inner)) = path.split_once('/') else { continue };
            let granted = self.folders.get(folder).filter(|folder| folder.access == FolderAccess::Write);
            if let Some(folder) = granted.filter(|_| stays_inside(inner)) {
                writer::cut_back(&folder.root, inner, *length)?;
            }
        }
        Ok(())
    }

    /// A handle on the lengths of appended files.
    #[must_use]
    pub fn positions(&self) -> Positions {
        self.positions.clone()
    }
}

fn open_folder(path: &Path, access: FolderAccess) -> io::Result<Dir> {
    if access == FolderAccess::Write {
        Dir::create_ambient_dir_all(path, ambient_authority())?;
    }
    Dir::open_ambient_dir(path, ambient_authority())
}

fn unusable(name: &str, grant: &FolderGrant, error: &io::Error) -> Problem {
    let title = format!("folder `{name}` cannot be opened: {}", told(error));
    Problem::new(Code::E308, title, "create the folder, or correct its path").at(grant.path.span, "this is the folder's path")
}

/// A file wants to be opened.
#[derive(Debug)]
pub struct FileRequest {
    system: Arc<str>,
    folder: String,
    inner: String,
    access: FolderAccess,
}

impl Asks for FileRequest {
    fn ask(&self) -> Ask<'_> {
        Ask::OpenFile { system: &self.system, folder: &self.folder, access: self.access }
    }
}

/// The regular files directly inside a folder, by name.
///
/// # Errors
/// See [`FileError`].
pub async fn list(run: &Run, path: &str) -> Result<Vec<Entry>, FileError> {
    // Names and sizes may be seen wherever anything may be done: who appends must know whether the file is there.
    let access = run.files.access(path.split_once('/').map_or(path, |(folder, _)| folder));
    let (root, inner) = clear(run, path, access).await?;
    let prefix = path.trim_end_matches('/').to_owned();
    let listed = blocking(move || entries(&root, &inner, &prefix)).await?;
    let mut entries = settle(run, path, listed).await?;
    if entries.len() > MAX_ENTRIES {
        return Err(FileError::TooLarge(MAX_ENTRIES as u64));
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// Opens a file for reading.
///
/// # Errors
/// See [`FileError`].
pub async fn open(run: &Run, path: &str, compression: Compression) -> Result<Reader, FileError> {
    let (root, inner) = clear(run, path, FolderAccess::Read).await?;
    let opened = blocking(move || Reader::open(&root, &inner, compression)).await?;
    settle(run, path, opened).await
}

/// Writes a new version beside a file.
///
/// # Errors
/// See [`FileError`].
pub async fn replace(run: &Run, path: &str, compression: Compression) -> Result<Writer, FileError> {
    let (root, inner) = clear(run, path, FolderAccess::Write).await?;
    let opened = blocking(move || Writer::replace(&root, &inner, compression)).await?;
    settle(run, path, opened).await
}

/// Writes behind a file's end, after cutting off what an interrupted run left there.
///
/// # Errors
/// See [`FileError`].
pub async fn append(run: &Run, path: &str, compression: Compression) -> Result<Writer, FileError> {
    let (root, inner) = clear(run, path, FolderAccess::Write).await?;
    let cut_to = run.files.cut_to.get(path).copied();
    let reached = writer::Reached { path: path.to_owned(), positions: run.files.positions() };
    let opened = blocking(move || Writer::append(&root, &inner, compression, cut_to, reached)).await?;
    settle(run, path, opened).await
}

/// Asks for the folder of a path and gives its handle with the path inside it.
async fn clear(run: &Run, path: &str, access: FolderAccess) -> Result<(Arc<Dir>, String), FileError> {
    run.going()?;
    run.within("a path in bytes", path.len(), MAX_PATH_BYTES).await?;
    let (folder, inner) = path.split_once('/').unwrap_or((path, ""));
    let request =
        FileRequest { system: Arc::clone(&run.system), folder: folder.to_owned(), inner: inner.trim_end_matches('/').to_owned(), access };
    let cleared = run.clear(request).await?;
    if !stays_inside(&cleared.get().inner) {
        return Err(run.refuse(outside(run, folder)).await.into());
    }
    match run.files.take(cleared) {
        Some(found) => Ok(found),
        None => Err(FileError::Failed("the folder is not open in this run".to_owned())),
    }
}

impl FilesState {
    /// What is granted in a folder; reading where nothing is, so that the gate refuses it under that name.
    fn access(&self, folder: &str) -> FolderAccess {
        self.folders.get(folder).map_or(FolderAccess::Read, |folder| folder.access)
    }

    fn take(&self, cleared: Cleared<FileRequest>) -> Option<(Arc<Dir>, String)> {
        let request = cleared.into_inner();
        let folder = self.folders.get(&request.folder).filter(|folder| folder.access == request.access)?;
        Some((Arc::clone(&folder.root), request.inner))
    }
}

/// No empty, dotted or odd part: the operating system's own check comes on top.
fn stays_inside(inner: &str) -> bool {
    let odd = |part: &str| part.is_empty() || part == "." || part == ".." || part.contains(['\\', '\0']);
    inner.is_empty() || !inner.split('/').any(odd)
}

fn outside(run: &Run, folder: &str) -> Problem {
    let title = format!("the connector of system `{}` used a path that leads out of folder `{folder}`", run.system);
    Problem::new(Code::E308, title, "correct the file's name in the connector's configuration, or remove the symbolic link")
}

fn entries(root: &Dir, inner: &str, prefix: &str) -> io::Result<Vec<Entry>> {
    let folder = if inner.is_empty() { root.try_clone()? } else { root.open_dir(inner)? };
    let mut found = Vec::new();
    for entry in folder.entries()? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !metadata.is_file() || writer::is_partial(&name) {
            continue;
        }
        let modified = metadata.modified().ok().and_then(|time| time.into_std().duration_since(std::time::UNIX_EPOCH).ok());
        let modified_ms = modified.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        found.push(Entry { path: format!("{prefix}/{name}"), size: metadata.len(), modified_ms });
        if found.len() > MAX_ENTRIES {
            break;
        }
    }
    Ok(found)
}

/// File work blocks, so it leaves the threads that run guests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<io::Result<T>, FileError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| FileError::Failed("the host stopped".to_owned()))
}

/// Tells a refusal from a failure.
async fn settle<T>(run: &Run, path: &str, outcome: io::Result<T>) -> Result<T, FileError> {
    match outcome {
        Ok(done) => Ok(done),
        Err(error) if is_escape(&error) => {
            let folder = path.split_once('/').map_or(path, |(folder, _)| folder);
            Err(run.refuse(outside(run, folder)).await.into())
        }
        Err(error) => Err(failed(path, &error)),
    }
}

/// The handle's own error for a path that leads out has no number of the operating system; a link where a file is written has `ELOOP`.
fn is_escape(error: &io::Error) -> bool {
    let link = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    link || (error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none())
}

fn failed(path: &str, error: &io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::NotFound => FileError::NotFound(format!("there is no file `{path}`")),
        io::ErrorKind::FileTooLarge => FileError::TooLarge(reader::MAX_UNPACKED_BYTES),
        _ => FileError::Failed(format!("`{path}`: {}", told(error))),
    }
}

/// What the operating system said; its errors hold no path.
fn told(error: &io::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
