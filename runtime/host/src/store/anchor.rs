//! The anchor: size and root of the audit tree in a small file beside the engine's own files, so that a store that was rolled back is noticed.
//!
//! Invariant: it is written only after the entries that it counts are durable, so a crash never makes it say too much.

use std::fs;
use std::io;
use std::path::Path;

use hub_core::audit::TreeHead;

use super::StoreError;
use super::files::{failed, replace};
use super::format::Anchor;

/// Name of the file.
pub(super) const FILE: &str = "audit.head";

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Anchored {
    pub head: TreeHead,
    /// Entries before this number were pruned, or are about to be.
    pub cut: u64,
}

impl From<Anchor> for Anchored {
    fn from(Anchor { size, root, cut }: Anchor) -> Self {
        Self { head: TreeHead { size, root }, cut }
    }
}

/// The anchor, if there is one.
pub(super) fn read(folder: &Path) -> Result<Option<Anchored>, StoreError> {
    match fs::read(folder.join(FILE)) {
        Ok(bytes) => Anchor::decode(&bytes).map(|anchor| Some(Anchored::from(anchor))).map_err(named),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read")(error)),
    }
}

fn named(error: StoreError) -> StoreError {
    match error {
        StoreError::Damaged { first_bad_entry, .. } => {
            StoreError::Damaged { detail: format!("the file `{FILE}` cannot be read"), first_bad_entry }
        }
        other => other,
    }
}

/// Writes the anchor durably.
pub(super) fn write(folder: &Path, Anchored { head, cut }: &Anchored) -> io::Result<()> {
    let mut line = Anchor { size: head.size, root: head.root, cut: *cut }.encode();
    line.push(b'\n');
    replace(folder, FILE, &line)
}
