//! A file being read, plain or unpacked. Bounds what a small packed file may become.

use std::io::{self, BufReader, Read};

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use flate2::read::MultiGzDecoder;

use super::{Compression, FileError, Run, blocking, failed};

/// The greatest size of a file after unpacking.
pub(super) const MAX_UNPACKED_BYTES: u64 = 64 << 30;
const MAX_CHUNK_BYTES: usize = 1 << 20;
const BUFFER_BYTES: usize = 128 << 10;

/// A file being read from its beginning.
pub struct Reader {
    /// Taken while a chunk is read; gone after a failure.
    open: Option<Open>,
}

struct Open {
    bytes: Bytes,
    unpacked: u64,
}

enum Bytes {
    Plain(File),
    Packed(Box<MultiGzDecoder<BufReader<File>>>),
}

impl Reader {
    pub(super) fn open(root: &Dir, inner: &str, compression: Compression) -> io::Result<Self> {
        // Without waiting: a pipe in the folder must not hold the run.
        let file = root.open_with(inner, OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()))?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let bytes = match compression {
            Compression::None => Bytes::Plain(file),
            Compression::Gzip => Bytes::Packed(Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, file)))),
        };
        Ok(Self { open: Some(Open { bytes, unpacked: 0 }) })
    }

    /// The next bytes, none at the end.
    ///
    /// # Errors
    /// See [`FileError`].
    pub async fn read(&mut self, run: &Run, max: u32) -> Result<Option<Vec<u8>>, FileError> {
        run.going()?;
        let Some(mut open) = self.open.take() else { return Err(FileError::Failed("the file failed earlier".to_owned())) };
        let wanted = (max as usize).clamp(1, MAX_CHUNK_BYTES);
        let done = blocking(move || open.chunk(wanted).map(|chunk| (open, chunk))).await?;
        let (open, chunk) = done.map_err(|error| failed("the file", &error))?;
        self.open = Some(open);
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}

impl Open {
    fn chunk(&mut self, wanted: usize) -> io::Result<Vec<u8>> {
        let mut chunk = Vec::with_capacity(wanted);
        match &mut self.bytes {
            Bytes::Plain(file) => file.take(wanted as u64).read_to_end(&mut chunk)?,
            Bytes::Packed(packed) => packed.take(wanted as u64).read_to_end(&mut chunk)?,
        };
        self.unpacked += chunk.len() as u64;
        if self.unpacked > MAX_UNPACKED_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(chunk)
    }
}
