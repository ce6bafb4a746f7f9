//! The log outside of a store: lines that anybody can check with the log's public key alone.
//!
//! An export is one line that says which head was signed, then the entries as they were stored and hashed. A proof is one entry with the hashes that lead
//! to a signed head, or two signed heads with the hashes that lead from one to the other. Reads no file itself.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::note::{BadNote, Checkpoint, Verifier};
use super::proof::{MAX_HASHES, is_consistent, root_with};
use super::tree::{Frontier, Hash, TreeHead, leaf_hash};
use super::{LIMIT, Link};

/// The longest first line of an export, and the longest proof, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 64 << 10;

/// Why an export or a proof is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrue {
    /// The first line, or the proof, has another form.
    #[error("it does not have the form of {0}")]
    Form(&'static str),
    /// The signed head is not believed.
    #[error("its signed head is not to be believed: {0}")]
    Note(#[from] BadNote),
    /// An entry is not the one that was written.
    #[error("entry {seq} is not what was written: {why}")]
    Entry {
        /// Its number.
        seq: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// The entries agree with each other, and not with the signed head.
    #[error("the entries are not those of the signed head")]
    Root,
    /// An older signed head does not belong to this log.
    #[error("the log does not begin with the {0} entries that were signed before: it was written anew, or is another one")]
    Fork(u64),
    /// An older signed head knows more entries.
    #[error("{known} entries were signed before, here are {found}: the end is missing")]
    Shorter {
        /// Entries that were signed.
        known: u64,
        /// Entries that are here.
        found: u64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    hub_audit_export: u32,
    note: String,
}

/// The first line of an export, without line feed.
#[must_use]
pub fn header(note: &str) -> String {
    // Two fields, a number and a text: nothing in it can fail.
    serde_json::to_string(&Header { hub_audit_export: 1, note: note.to_owned() }).unwrap_or_default()
}

/// A check of an export, line by line, in constant memory.
#[derive(Debug)]
pub struct ExportCheck {
    signed: Checkpoint,
    /// Older heads still to be met, the smallest first.
    anchors: Vec<TreeHead>,
    frontier: Frontier,
    previous: Hash,
}

impl ExportCheck {
    /// Begins with the first line. `anchors` are heads of the same log that were signed and kept elsewhere, in any order.
    ///
    /// # Errors
    /// The line has another form, or its note is not of the key.
    pub fn begin(line: &[u8], verifier: &Verifier, anchors: &[TreeHead]) -> Result<Self, Untrue> {
        let header: Header = serde_json::from_slice(line).map_err(|_| Untrue::Form("an export"))?;
        if header.hub_audit_export != 1 {
            return Err(Untrue::Form("an export that is known here"));
        }
        let signed = verifier.open(&header.note)?;
        let mut anchors = anchors.to_vec();
        anchors.sort_by_key(|anchor| anchor.size);
        if let Some(known) = anchors.last().map(|anchor| anchor.size).filter(|known| *known > signed.head.size) {
            return Err(Untrue::Shorter { known, found: signed.head.size });
        }
        let mut check = Self { signed, anchors, frontier: Frontier::default(), previous: [0; 32] };
        check.meet_anchors()?;
        Ok(check)
    }

    /// Takes the next entry, without line feed.
    ///
    /// # Errors
    /// It is not the entry that stood there.
    pub fn take(&mut self, line: &[u8]) -> Result<(), Untrue> {
        let seq = self.frontier.size();
        let wrong = |why| Err(Untrue::Entry { seq, why });
        if line.len() > LIMIT {
            return wrong("it is longer than any entry");
        }
        let Some(link) = Link::parse(line) else { return wrong("it does not begin as an entry does") };
        if seq == self.signed.head.size {
            return wrong("the signed head does not know it");
        }
        if link.seq != seq {
            return wrong("another entry stands in its place");
        }
        if link.previous != self.previous {
            // Which of the two was changed, only the tree could say, and the tree has one root.
            return if seq == 0 {
                wrong("it names an entry before itself")
            } else {
                Err(Untrue::Entry { seq: seq - 1, why: "the next one names other bytes" })
            };
        }
        self.previous = leaf_hash(line);
        self.frontier.push(self.previous);
        self.meet_anchors()
    }

    /// Ends: everything that was signed must have been there.
    ///
    /// # Errors
    /// Entries are missing, or they are not those of the signed head.
    pub fn finish(self) -> Result<Checkpoint, Untrue> {
        let found = self.frontier.head();
        if found.size < self.signed.head.size {
            return Err(Untrue::Entry { seq: found.size, why: "it is missing" });
        }
        if found == self.signed.head { Ok(self.signed) } else { Err(Untrue::Root) }
    }

    fn meet_anchors(&mut self) -> Result<(), Untrue> {
        while self.anchors.first().is_some_and(|anchor| anchor.size == self.frontier.size()) {
            let anchor = self.anchors.remove(0);
            if anchor.root != self.frontier.root() {
                return Err(Untrue::Fork(anchor.size));
            }
        }
        Ok(())
    }
}

/// What a proof says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proven {
    /// The entry with this number and these bytes is in the log.
    Entry {
        /// Its number.
        seq: u64,
        /// Its bytes.
        entry: String,
        /// The head that knows it.
        head: Checkpoint,
    },
    /// The log with the second head begins with the one with the first.
    Growth {
        /// The older head.
        old: Checkpoint,
        /// The newer one.
        new: Checkpoint,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    hub_audit_proof: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_note: Option<String>,
    hashes: Vec<String>,
    note: String,
}

/// A proof that an entry is in the log, as JSON.
#[must_use]
pub fn entry_proof(entry: &str, hashes: &[Hash], note: &str) -> String {
    document(Some(entry.to_owned()), None, hashes, note)
}

/// A proof that the log has grown from one signed head to another, as JSON.
#[must_use]
pub fn growth_proof(old_note: &str, hashes: &[Hash], note: &str) -> String {
    document(None, Some(old_note.to_owned()), hashes, note)
}

fn document(entry: Option<String>, old_note: Option<String>, hashes: &[Hash], note: &str) -> String {
    let hashes = hashes.iter().map(|hash| BASE64.encode(hash)).collect();
    let document = Document { hub_audit_proof: 1, entry, old_note, hashes, note: note.to_owned() };
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// Reads a proof and believes it, or not.
///
/// # Errors
/// It has another form, its notes are not of the key, or its hashes do not lead to the signed head.
pub fn verify_proof(document: &str, verifier: &Verifier) -> Result<Proven, Untrue> {
    let form = Untrue::Form("a proof");
    if document.len() > MAX_DOCUMENT_BYTES {
        return Err(form);
    }
    let document: Document = serde_json::from_str(document).map_err(|_| form.clone())?;
    let hash = |text: &String| BASE64.decode(text.as_bytes()).ok()?.try_into().ok();
    let hashes: Option<Vec<Hash>> = document.hashes.iter().map(hash).collect();
    let hashes = hashes.filter(|hashes| hashes.len() <= MAX_HASHES && document.hub_audit_proof == 1).ok_or_else(|| form.clone())?;
    let head = verifier.open(&document.note)?;
    match (document.entry, document.old_note) {
        (Some(entry), None) => {
            let seq = Link::parse(entry.as_bytes()).ok_or(form)?.seq;
            match root_with(leaf_hash(entry.as_bytes()), seq, head.head.size, &hashes) {
                Some(root) if root == head.head.root => Ok(Proven::Entry { seq, entry, head }),
                _ => Err(Untrue::Entry { seq, why: "the signed head does not know these bytes" }),
            }
        }
        (None, Some(old)) => {
            let old = verifier.open(&old)?;
            let size = old.head.size;
            if is_consistent(&old.head, &head.head, &hashes) { Ok(Proven::Growth { old, new: head }) } else { Err(Untrue::Fork(size)) }
        }
        _ => Err(form),
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
