//! Heads that are kept elsewhere: a file that only grows, best on another machine. Whoever has one can tell an older store, or one that was written anew.

use std::fs;
use std::io::{self, BufRead as _, Read as _, Seek as _, Write as _};
use std::path::Path;

use hub_core::audit::note::{BadNote, MAX_NOTE_BYTES, Verifier};
use hub_core::audit::{TreeHead, timestamp};
use serde::{Deserialize, Serialize};

/// More lines than this are an archive, not anchors.
const MAX_LINES: usize = 1_000_000;

/// One line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    time: String,
    note: String,
}

/// More bytes than any line has.
const MAX_LINE_BYTES: u64 = 2 * MAX_NOTE_BYTES as u64 + 1024;

/// Adds a note to the file, durably. What a crash or a full disk left of a line is cut off first: it was never given away.
///
/// # Errors
/// The operating system's.
pub fn append(path: &Path, note: &str, now_ms: u64) -> io::Result<()> {
    let line = Line { time: timestamp(now_ms), note: note.to_owned() };
    let mut text = serde_json::to_string(&line).map_err(io::Error::from)?;
    text.push('\n');
    let mut file = fs::OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let (length, tail) = tail(&mut file)?;
    if tail.first().is_some_and(|first| *first != b'{') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no file of anchors"));
    }
    let torn = tail.iter().rev().take_while(|byte| **byte != b'\n').count() as u64;
    if torn > 0 {
        file.set_len(length - torn)?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The length of a file, and its last lines, from the beginning of one on.
fn tail(file: &mut fs::File) -> io::Result<(u64, Vec<u8>)> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(2 * MAX_LINE_BYTES);
    file.seek(io::SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(2 * MAX_LINE_BYTES).read_to_end(&mut tail)?;
    if start > 0 {
        let begin = tail.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        tail.drain(..begin);
    }
    Ok((length, tail))
}

/// The head in the last line of a file of anchors. None if it has none.
///
/// # Errors
/// See [`BadAnchors`]; lines are counted from where the end of the file is read.
pub fn last_head(path: &Path, verifier: &Verifier) -> Result<Option<TreeHead>, BadAnchors> {
    let (_, tail) = tail(&mut fs::File::open(path)?)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let lines = tail.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let Some((line, last)) = lines.enumerate().last() else { return Ok(None) };
    let bad = |why| BadAnchors::Line { line: line + 1, why };
    let read: Line = serde_json::from_slice(last).map_err(|_| bad(BadNote::Form))?;
    Ok(Some(verifier.open(&read.note).map_err(bad)?.head))
}

/// Why a file of anchors is not believed.
#[derive(Debug, thiserror::Error)]
pub enum BadAnchors {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line is no anchor.
    #[error("line {line}: {why}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: BadNote,
    },
}

/// The heads in a file of anchors, in its order: every line must be signed with the key, but for one at the end that was not written whole. A plain note
/// is a file of one.
///
/// # Errors
/// See [`BadAnchors`].
pub fn heads(path: &Path, verifier: &Verifier) -> Result<Vec<TreeHead>, BadAnchors> {
    let mut reader = io::BufReader::new(fs::File::open(path)?);
    if reader.fill_buf()?.first().is_some_and(|first| *first != b'{') {
        let mut note = String::new();
        reader.take(MAX_NOTE_BYTES as u64 + 1).read_to_string(&mut note)?;
        return Ok(vec![verifier.open(&note).map_err(|why| BadAnchors::Line { line: 1, why })?.head]);
    }
    let mut heads = Vec::new();
    let mut text = String::new();
    for line in 1..=MAX_LINES {
        text.clear();
        reader.by_ref().take(MAX_LINE_BYTES).read_line(&mut text)?;
        let is_torn = !text.ends_with('\n') && (text.len() as u64) < MAX_LINE_BYTES;
        let bad = |why| BadAnchors::Line { line, why };
        let read: Line = match serde_json::from_str(&text) {
            Ok(read) => read,
            Err(_) if is_torn => break,
            Err(_) => return Err(bad(BadNote::Form)),
        };
        heads.push(verifier.open(&read.note).map_err(bad)?.head);
    }
    Ok(heads)
}
