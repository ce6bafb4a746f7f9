//! The log outside of a store: lines that anybody can check with the log's public key alone.
//!
//! An export is one line that says which head was signed, then the entries as they were stored and hashed. A proof is one entry with the hashes that lead
//! to a signed head, or two signed heads with the hashes that lead from one to the other. Reads no file itself.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::note::{BadNote, Checkpoint, Verifier};
use super::proof::{MAX_HASHES, is_consistent, root_with};
use super::prune::Cuts;
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
    /// The beginning is not there, and no entry says that it was pruned.
    #[error("the entries before {0} are not there, and no entry says that they were pruned")]
    Gap(u64),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    hub_audit_export: u32,
    note: String,
    /// Number of the first entry, in an export of a pruned log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    /// Roots of the full subtrees before it, the largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    edge: Vec<String>,
}

impl Header {
    fn start(&self) -> Option<Frontier> {
        match (self.hub_audit_export, self.from) {
            (1, None) if self.edge.is_empty() => Some(Frontier::default()),
            (2, Some(from)) if from > 0 => Frontier::from_roots(from, self.edge.iter().map(hash_of).collect::<Option<_>>()?),
            _ => None,
        }
    }
}

/// The first line of an export, without line feed. `start`: the edge of the tree before its first entry; empty for a log that was not pruned.
#[must_use]
pub fn header(note: &str, start: &Frontier) -> String {
    let (version, from) = if start.size() == 0 { (1, None) } else { (2, Some(start.size())) };
    let edge = start.roots().iter().map(|hash| BASE64.encode(hash)).collect();
    // Numbers and texts: nothing in it can fail.
    serde_json::to_string(&Header { hub_audit_export: version, note: note.to_owned(), from, edge }).unwrap_or_default()
}

fn hash_of(text: &String) -> Option<Hash> {
    BASE64.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// A check of an export, line by line, in constant memory.
#[derive(Debug)]
pub struct ExportCheck {
    signed: Checkpoint,
    /// Older heads still to be met, the smallest first.
    anchors: Vec<TreeHead>,
    older_anchors: usize,
    /// The edge before the first entry.
    start: Frontier,
    frontier: Frontier,
    /// Hash of the entry before; not known before the first of a pruned log.
    previous: Option<Hash>,
    cuts: Cuts,
}

impl ExportCheck {
    /// Begins with the first line. `anchors` are heads of the same log that were signed and kept elsewhere, in any order.
    ///
    /// # Errors
    /// The line has another form, or its note is not of the key.
    pub fn begin(line: &[u8], verifier: &Verifier, anchors: &[TreeHead]) -> Result<Self, Untrue> {
        let header: Header = serde_json::from_slice(line).map_err(|_| Untrue::Form("an export"))?;
        let start = header.start().ok_or(Untrue::Form("an export that is known here"))?;
        let signed = verifier.open(&header.note)?;
        let mut anchors = anchors.to_vec();
        anchors.sort_by_key(|anchor| anchor.size);
        if let Some(known) = anchors.last().map(|anchor| anchor.size).filter(|known| *known > signed.head.size) {
            return Err(Untrue::Shorter { known, found: signed.head.size });
        }
        let older_anchors = anchors.partition_point(|anchor| anchor.size < start.size());
        anchors.drain(..older_anchors);
        let previous = (start.size() == 0).then_some([0; 32]);
        let mut check = Self { signed, anchors, older_anchors, frontier: start.clone(), start, previous, cuts: Cuts::default() };
        check.meet_anchors()?;
        Ok(check)
    }

    /// Number of the first entry: those before were pruned.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.start.size()
    }

    /// Anchors of sizes before the first entry: there is nothing left to compare them with.
    #[must_use]
    pub fn older_anchors(&self) -> usize {
        self.older_anchors
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
        if self.previous.is_some_and(|previous| link.previous != previous) {
            // Which of the two was changed, only the tree could say, and the tree has one root.
            return if seq == 0 {
                wrong("it names an entry before itself")
            } else {
                Err(Untrue::Entry { seq: seq - 1, why: "the next one names other bytes" })
            };
        }
        let leaf = leaf_hash(line);
        self.previous = Some(leaf);
        self.frontier.push(leaf);
        self.cuts.meet(seq, line);
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
        match found == self.signed.head {
            false => Err(Untrue::Root),
            true if !self.cuts.allow(&self.start) => Err(Untrue::Gap(self.start.size())),
            true => Ok(self.signed),
        }
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
    let hashes: Option<Vec<Hash>> = document.hashes.iter().map(hash_of).collect();
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
