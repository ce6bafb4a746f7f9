//! A file being written: a new version beside the old one, or records behind its end.
//!
//! Invariants: a replacement is complete and on disk before it takes the old file's name; an appended file never keeps bytes behind its last
//! committed length. A lock on the file keeps two runs from writing it at once.

use std::io::{self, Seek, SeekFrom, Write};

use cap_std::fs::{Dir, File, MetadataExt, OpenOptions, OpenOptionsExt};
use flate2::write::GzEncoder;
use rustix::fs::{FlockOperation, OFlags};

use super::{Compression, FileError, Positions, Run, blocking, failed};
use crate::crash::{self, Point};

const MAX_WRITE_BYTES: usize = 16 << 20;
/// Suffix of a new version that has not yet taken its file's name.
const PARTIAL: &str = ".hub-partial";

/// A file being written.
pub struct Writer {
    /// Taken while something is written; gone after a failure and after the end.
    open: Option<Open>,
}

/// Where an appended file says how far it reaches.
pub(super) struct Reached {
    pub(super) path: String,
    pub(super) positions: Positions,
}

struct Open {
    bytes: Bytes,
    compression: Compression,
    end: End,
}

/// A packed file is a row of members; a sync ends one, so that each committed length is the end of a member.
enum Bytes {
    Plain(File),
    Packed(Box<GzEncoder<File>>),
    Taken,
}

enum End {
    Replace { folder: Dir, partial: Partial, name: String },
    Append(Reached),
}

pub(super) fn is_partial(name: &str) -> bool {
    name.ends_with(PARTIAL)
}

impl Writer {
    pub(super) fn replace(root: &Dir, inner: &str, compression: Compression) -> io::Result<Self> {
        let (folder, name) = parent(root, inner)?;
        let partial_name = format!(".{name}{PARTIAL}");
        let file = open_locked(&folder, &partial_name)?;
        file.set_len(0)?;
        let partial = Partial { folder: folder.try_clone()?, name: partial_name };
        if let Ok(old) = folder.symlink_metadata(&name) {
            if old.is_symlink() {
                return Err(rustix::io::Errno::LOOP.into());
            }
            if !old.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
            }
            file.set_permissions(old.permissions())?;
        }
        Ok(Self { open: Some(Open { bytes: Bytes::Plain(file), compression, end: End::Replace { folder, partial, name } }) })
    }

    pub(super) fn append(root: &Dir, inner: &str, compression: Compression, cut_to: Option<u64>, reached: Reached) -> io::Result<Self> {
        let (folder, name) = parent(root, inner)?;
        let mut file = open_locked(&folder, &name)?;
        let length = file.metadata()?.len();
        // A shorter file was put there by somebody else; what it holds is kept.
        let kept = cut_to.map_or(length, |cut_to| cut_to.min(length));
        if kept < length {
            file.set_len(kept)?;
        }
        file.seek(SeekFrom::Start(kept))?;
        file.sync_all()?;
        sync_folder(&folder)?;
        reached.positions.reach(&reached.path, kept);
        Ok(Self { open: Some(Open { bytes: Bytes::Plain(file), compression, end: End::Append(reached) }) })
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// See [`FileError`].
    pub async fn write(&mut self, run: &Run, bytes: Vec<u8>) -> Result<(), FileError> {
        run.going()?;
        run.within("bytes for a file", bytes.len(), MAX_WRITE_BYTES).await?;
        self.work(move |open| open.write(&bytes)).await
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// See [`FileError`].
    pub async fn sync(&mut self, run: &Run) -> Result<(), FileError> {
        run.going()?;
        self.work(Open::sync).await
    }

    /// Ends the file; a replacement takes the old one's place.
    ///
    /// # Errors
    /// See [`FileError`].
    pub async fn finish(&mut self, run: &Run) -> Result<(), FileError> {
        run.going()?;
        self.work(Open::finish).await?;
        self.open = None;
        Ok(())
    }

    async fn work(&mut self, work: impl FnOnce(&mut Open) -> io::Result<()> + Send + 'static) -> Result<(), FileError> {
        let Some(mut open) = self.open.take() else { return Err(FileError::Failed("the file has ended".to_owned())) };
        let done = blocking(move || work(&mut open).map(|()| open)).await?;
        self.open = Some(done.map_err(|error| failed("the file", &error))?);
        Ok(())
    }
}

impl Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.compression == Compression::Gzip
            && let Bytes::Plain(file) = &self.bytes
        {
            self.bytes = Bytes::Packed(Box::new(GzEncoder::new(file.try_clone()?, flate2::Compression::default())));
        }
        match &mut self.bytes {
            Bytes::Plain(file) if crash::is_near(Point::HalfWritten) => {
                let (half, rest) = bytes.split_at(bytes.len() / 2);
                file.write_all(half)?;
                crash::reach(Point::HalfWritten);
                file.write_all(rest)
            }
            Bytes::Plain(file) => file.write_all(bytes),
            Bytes::Packed(packed) => packed.write_all(bytes),
            Bytes::Taken => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Ends a packed member, so that the file is whole up to here.
    fn settled(&mut self) -> io::Result<&mut File> {
        self.bytes = match std::mem::replace(&mut self.bytes, Bytes::Taken) {
            Bytes::Packed(packed) => Bytes::Plain(packed.finish()?),
            other => other,
        };
        match &mut self.bytes {
            Bytes::Plain(file) => Ok(file),
            Bytes::Packed(_) | Bytes::Taken => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        // An unfinished replacement is thrown away after a failure, so there is nothing to keep before its end.
        if matches!(self.end, End::Replace { .. }) {
            return Ok(());
        }
        let file = self.settled()?;
        file.sync_data()?;
        let length = file.stream_position()?;
        if let End::Append(reached) = &self.end {
            reached.positions.reach(&reached.path, length);
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.compression == Compression::Gzip && matches!(self.end, End::Replace { .. }) {
            // An empty packed file is one empty member.
            self.write(&[])?;
        }
        self.sync()?;
        let file = self.settled()?;
        file.sync_all()?;
        if let End::Replace { folder, partial, name } = &mut self.end {
            folder.rename(&partial.name, folder, &*name)?;
            partial.name.clear();
            sync_folder(folder)?;
        }
        Ok(())
    }
}

/// The name of an unfinished replacement, removed unless it was renamed.
struct Partial {
    folder: Dir,
    name: String,
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            // If it cannot be removed, the next replacement overwrites it.
            drop(self.folder.remove_file(&self.name));
        }
    }
}

/// The folder that holds a file, created if need be, and the file's name in it.
fn parent(root: &Dir, inner: &str) -> io::Result<(Dir, String)> {
    let (folder, name) = match inner.rsplit_once('/') {
        Some((folder, name)) => {
            // Opened first: a link that leads out must be told as what it is, not as a folder that cannot be made.
            let opened = match root.open_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => root.create_dir_all(folder).and_then(|()| root.open_dir(folder)),
                opened => opened,
            };
            (opened?, name)
        }
        None => (root.try_clone()?, inner),
    };
    if name.is_empty() || is_partial(name) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not the name of a file"));
    }
    Ok((folder, name.to_owned()))
}

/// Opens or creates a regular file and locks it against other runs. A link in its place is not followed.
fn open_locked(folder: &Dir, name: &str) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = folder.open_with(name, OpenOptions::new().read(true).write(true).create(true).custom_flags(flags))?;
    let opened = file.metadata()?;
    if !opened.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let busy = || io::Error::new(io::ErrorKind::ResourceBusy, "another run is writing it");
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| busy())?;
    // The other run may have renamed the file between opening and locking.
    let named = folder.symlink_metadata(name).map_err(|_| busy())?;
    if (named.dev(), named.ino()) == (opened.dev(), opened.ino()) { Ok(file) } else { Err(busy()) }
}

/// Cuts a file to a length, if it is longer.
pub(super) fn cut_back(root: &Dir, inner: &str, length: u64) -> io::Result<()> {
    let (folder, name) = parent(root, inner)?;
    let file = open_locked(&folder, &name)?;
    if file.metadata()?.len() > length {
        file.set_len(length)?;
        file.sync_all()?;
    }
    Ok(())
}

fn sync_folder(folder: &Dir) -> io::Result<()> {
    // The handle of a folder is a mere path (O_PATH), which cannot be flushed: it is opened once more for reading.
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
    let readable = rustix::fs::openat(folder, ".", flags, rustix::fs::Mode::empty())?;
    Ok(rustix::fs::fsync(readable)?)
}
