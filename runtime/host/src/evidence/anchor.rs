//! Heads that are kept elsewhere: a file that only grows, best on another machine. Whoever has one can tell an older store, or one that was written anew.

use std::fs;
use std::io::{self, BufRead as _, Read as _, Write as _};
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

/// Adds a note to the file, durably.
///
/// # Errors
/// The operating system's.
pub fn append(path: &Path, note: &str, now_ms: u64) -> io::Result<()> {
    let line = Line { time: timestamp(now_ms), note: note.to_owned() };
    let mut text = serde_json::to_string(&line).map_err(io::Error::from)?;
    text.push('\n');
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
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

/// The heads in a file of anchors, in its order: every line must be signed with the key. A plain note is a file of one.
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
    for (line, text) in (1..=MAX_LINES).zip(reader.lines()) {
        let bad = |why| BadAnchors::Line { line, why };
        let read: Line = serde_json::from_str(&text?).map_err(|_| bad(BadNote::Form))?;
        heads.push(verifier.open(&read.note).map_err(bad)?.head);
    }
    Ok(heads)
}
