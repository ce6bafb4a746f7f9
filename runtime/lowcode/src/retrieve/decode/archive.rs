//! Compressed bodies. What they hold decompressed is bounded.

use std::io::Read;
use std::rc::Rc;

use flate2::read::{DeflateDecoder, MultiGzDecoder};

use super::MAXIMUM_DECOMPRESSED;
use crate::fault::Failure;
use crate::retrieve::failure::system;

/// A ZIP file holds so many files at most.
const MAXIMUM_FILES: usize = 10_000;

/// Decompresses a body, once or twice (compressed on the way as well); whatever is not compressed is let pass.
///
/// # Errors
/// It is damaged or too large.
pub fn gunzip(body: Rc<Vec<u8>>) -> Result<Rc<Vec<u8>>, Failure> {
    let mut current = body;
    for _ in 0..2 {
        if !current.starts_with(&[0x1f, 0x8b]) {
            break;
        }
        current = Rc::new(bounded(MultiGzDecoder::new(current.as_slice()))?);
    }
    Ok(current)
}

fn bounded(source: impl Read) -> Result<Vec<u8>, Failure> {
    let limit = u64::try_from(MAXIMUM_DECOMPRESSED).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes).map_err(|_| system("a compressed response is damaged"))?;
    if bytes.len() > MAXIMUM_DECOMPRESSED {
        return Err(system(format!("a compressed response holds more than {MAXIMUM_DECOMPRESSED} bytes")));
    }
    Ok(bytes)
}

/// The files of a ZIP file, in the order of its directory.
///
/// # Errors
/// It is none, damaged, encrypted, compressed in another way than by deflate, or too large.
pub fn unzip(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
    let invalid = || system("Received an invalid zip file in response.");
    let lowest = bytes.len().saturating_sub(22 + 65_535);
    let end = (lowest..bytes.len().saturating_sub(21)).rev().find(|at| bytes[*at..].starts_with(b"PK\x05\x06")).ok_or_else(invalid)?;
    let count = number(bytes, end + 10, 2).ok_or_else(invalid)?;
    let mut at = number(bytes, end + 16, 4).ok_or_else(invalid)?;
    if count > MAXIMUM_FILES {
        return Err(system(format!("a zip file holds more than {MAXIMUM_FILES} files")));
    }
    let mut files = Vec::new();
    let mut total = 0usize;
    for _ in 0..count {
        let entry = bytes.get(at..).filter(|entry| entry.starts_with(b"PK\x01\x02")).ok_or_else(invalid)?;
        let field = |offset: usize, length: usize| number(entry, offset, length).ok_or_else(invalid);
        let (flags, method, size, start) = (field(8, 2)?, field(10, 2)?, field(20, 4)?, field(42, 4)?);
        let skip = [28, 30, 32].into_iter().try_fold(46usize, |sum, offset| Ok::<_, Failure>(sum + field(offset, 2)?))?;
        at = at.checked_add(skip).ok_or_else(invalid)?;
        if flags & 1 != 0 {
            return Err(system("a zip file in a response is encrypted"));
        }
        let head = bytes.get(start..).filter(|head| head.starts_with(b"PK\x03\x04")).ok_or_else(invalid)?;
        let data = [26, 28].into_iter().try_fold(30usize, |sum, offset| Some(sum + number(head, offset, 2)?)).ok_or_else(invalid)?;
        let data = data.checked_add(size).and_then(|end| head.get(data..end)).ok_or_else(invalid)?;
        let file = match method {
            0 => data.to_vec(),
            8 => bounded(DeflateDecoder::new(data))?,
            _ => return Err(system("a zip file in a response is compressed in a way that is not supported")),
        };
        total = total.saturating_add(file.len());
        if total > MAXIMUM_DECOMPRESSED {
            return Err(system(format!("a compressed response holds more than {MAXIMUM_DECOMPRESSED} bytes")));
        }
        files.push(file);
    }
    Ok(files)
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let field = bytes.get(at..at.checked_add(length)?)?;
    field.iter().rev().try_fold(0usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use std::io::Write;

    use super::*;

    fn zip(name: &[u8], content: &[u8]) -> Vec<u8> {
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        deflate.write_all(content).unwrap();
        let data = deflate.finish().unwrap();
        let two = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
        let four = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
        let mut middle = Vec::new();
        for part in [&[20u8, 0, 0, 0, 8, 0, 0, 0, 0, 0][..], &[0; 4], &four(data.len()), &four(content.len()), &two(name.len()), &[0, 0]] {
            middle.extend_from_slice(part);
        }
        let mut bytes = [b"PK\x03\x04", middle.as_slice(), name, data.as_slice()].concat();
        let directory = bytes.len();
        bytes.extend([b"PK\x01\x02\x14\0", middle.as_slice(), &[0; 14], name].concat());
        let size = bytes.len() - directory;
        bytes.extend([b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(), &four(size), &four(directory), &[0, 0]].concat());
        bytes
    }

    #[test]
    fn reads_archives() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(b"text").unwrap();
        assert_eq!(gunzip(Rc::new(gzip.finish().unwrap())).unwrap().as_slice(), b"text");
        assert_eq!(gunzip(Rc::new(b"plain".to_vec())).unwrap().as_slice(), b"plain");
        assert!(gunzip(Rc::new(vec![0x1f, 0x8b, 1, 2])).is_err());
        let file = zip(b"a.csv", b"content content content");
        assert_eq!(unzip(&file).unwrap(), [b"content content content".to_vec()]);
        for length in 0..file.len() {
            assert!(unzip(&file[..length]).is_err());
        }
    }
}
