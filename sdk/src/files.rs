//! Files of granted folders: `FOLDER/relative/name`, FOLDER being the name of a folder grant of the manifest.

use std::fmt;
use std::io::{self, BufReader, Read, Write};

use crate::{Error, host};

/// The most that one read of a file brings over, in bytes.
const CHUNK_BYTES: u32 = 1 << 20;
/// The most that one write takes, in bytes.
const WRITE_BYTES: usize = 16 << 20;

/// How the bytes are stored. The connector always sees them plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// Gzip.
    Gzip,
}

/// One file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `FOLDER/relative/name`.
    pub path: String,
    /// Bytes, as stored.
    pub size: u64,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub modified_ms: u64,
}

/// The regular files directly inside a folder, by name.
///
/// # Errors
/// See [`FileError`].
pub fn list(folder: &str) -> Result<Vec<Entry>, FileError> {
    host::list(folder)
}

/// A file as its folder lists it, if it is there.
///
/// # Errors
/// See [`FileError`]; a folder that is not there has no files.
pub fn find(path: &str) -> Result<Option<Entry>, FileError> {
    let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
    match list(folder) {
        Ok(entries) => Ok(entries.into_iter().find(|entry| entry.path == path)),
        Err(FileError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The path of a stream below a folder, without an ending. Stream names come from the manifest: they must not lead anywhere else.
///
/// # Errors
/// [`Error::Config`] for a name that cannot be a file's.
pub fn stream_path(folder: &str, stream: &str) -> Result<String, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if stream.is_empty() || stream.starts_with('.') || !stream.bytes().all(plain) {
        return Err(Error::Config(format!(
            "the stream `{stream}` cannot be a file's name: use letters, digits, `_`, `-` and `.`, and no `.` in front"
        )));
    }
    Ok(format!("{}/{stream}", folder.trim_end_matches('/')))
}

/// A file being read from its beginning.
#[derive(Debug)]
pub struct FileReader {
    handle: host::Reader,
    chunk: Vec<u8>,
    position: usize,
}

impl FileReader {
    /// Opens a file of a folder granted for reading.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn open(path: &str, compression: Compression) -> Result<Self, FileError> {
        Ok(Self { handle: host::open(path, compression)?, chunk: Vec::new(), position: 0 })
    }

    /// The next bytes as they come, at most 1 MiB. None at the end.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn chunk(&mut self) -> Result<Option<Vec<u8>>, FileError> {
        self.handle.read(CHUNK_BYTES)
    }

    /// The same file as a [`std::io::BufRead`].
    #[must_use]
    pub fn buffered(self) -> BufReader<Self> {
        BufReader::new(self)
    }
}

impl Read for FileReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position == self.chunk.len() {
            self.chunk = self.chunk().map_err(io::Error::from)?.unwrap_or_default();
            self.position = 0;
        }
        let mut rest = self.chunk.get(self.position..).unwrap_or_default();
        let count = rest.read(out)?;
        self.position += count;
        Ok(count)
    }
}

/// A file being written. Nothing is durable before [`FileWriter::sync`] or [`FileWriter::finish`].
#[derive(Debug)]
pub struct FileWriter {
    handle: host::Writer,
}

impl FileWriter {
    /// Writes a new version beside the file; the old one stays until [`FileWriter::finish`].
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn replace(path: &str, compression: Compression) -> Result<Self, FileError> {
        Ok(Self { handle: host::replace(path, compression)? })
    }

    /// Writes behind the file's end.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn append(path: &str, compression: Compression) -> Result<Self, FileError> {
        Ok(Self { handle: host::append(path, compression)? })
    }

    /// Hands bytes to the host, in calls of at most 16 MiB.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        bytes.chunks(WRITE_BYTES).try_for_each(|part| self.handle.write(part))
    }

    /// Makes durable what was written.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn sync(&mut self) -> Result<(), FileError> {
        self.handle.sync()
    }

    /// Ends the file; a replacement takes the old one's place.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn finish(self) -> Result<(), FileError> {
        self.handle.finish()
    }
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes)?;
        Ok(bytes.len())
    }

    /// Nothing is kept back here; durability is [`FileWriter::sync`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why there is no file, or no part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileError {
    /// Not granted. The run stops: return it.
    Denied(String),
    /// No such file or folder.
    NotFound(String),
    /// Over the host's limit, in bytes.
    TooLarge(u64),
    /// The operating system's answer.
    Failed(String),
}

impl fmt::Display for FileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => write!(out, "the host refused the file: {text}"),
            Self::NotFound(text) => write!(out, "no such file: {text}"),
            Self::TooLarge(limit) => write!(out, "the file is too large: the limit is {limit} bytes"),
            Self::Failed(text) => write!(out, "the file could not be used: {text}"),
        }
    }
}

impl std::error::Error for FileError {}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        match &error {
            FileError::Denied(_) => Self::Cancelled,
            FileError::NotFound(_) => Self::Config(error.to_string()),
            FileError::TooLarge(_) | FileError::Failed(_) => Self::Permanent(error.to_string()),
        }
    }
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        Self::other(Error::from(error))
    }
}

impl From<io::Error> for Error {
    /// An [`Error`] that went through a [`Read`] or [`Write`] comes out as it was.
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).cloned();
        inner.unwrap_or_else(|| Self::Permanent(format!("reading or writing failed: {}", error.kind())))
    }
}
