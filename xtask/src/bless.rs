//! The verb `bless`: the present output becomes the expected one: generated pages and snapshots.
//!
//! What protects somebody is not blessed: lists of refusals and of waivers are changed by hand, so that a reader of the change sees them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::docs;
use crate::process::{Failure, Result, progress};
use crate::test;
use crate::workspace::{self, Workspace};

/// Parts of file names that are never blessed.
const BY_HAND: [&str; 3] = ["refus", "waiver", "denial"];

/// Writes pages and snapshots anew, then says which ones have to be changed by hand.
pub fn run(workspace: &Workspace) -> Result<()> {
    docs::write(workspace)?;
    let before = protected(&workspace.root)?;
    let tested = test::blessing(workspace);
    let changed = restore(&workspace.root, &before)?;
    for path in &changed {
        eprintln!("{}: not blessed, edit it by hand", workspace.shown(path));
    }
    tested?;
    match changed.len() {
        0 => progress("Blessed", "see `git diff`"),
        count => {
            let failure = Failure::new(format!("{count} protected files would have changed and were left as they are"));
            return Err(failure.help("a refusal or a waiver is changed by hand, with its reason"));
        }
    }
    Ok(())
}

/// Snapshots and lists that are never blessed, with their content.
fn protected(root: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for path in workspace::files(root) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_expectation = [".snap", ".toml", ".txt", ".json"].iter().any(|ending| name.ends_with(ending));
        if is_expectation && BY_HAND.iter().any(|part| name.contains(part)) {
            found.insert(path.clone(), workspace::read_bytes(&path)?);
        }
    }
    Ok(found)
}

/// Puts protected files back and answers with those that had been changed, made or removed.
fn restore(root: &Path, before: &BTreeMap<PathBuf, Vec<u8>>) -> Result<Vec<PathBuf>> {
    let after = protected(root)?;
    let mut changed = Vec::new();
    for (path, content) in before {
        if after.get(path) != Some(content) {
            workspace::write(path, content)?;
            changed.push(path.clone());
        }
    }
    for path in after.keys().filter(|path| !before.contains_key(*path)) {
        std::fs::remove_file(path).map_err(|error| Failure::new(format!("{} cannot be removed: {error}", path.display())))?;
        changed.push(path.clone());
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn protected_files_come_back_and_others_stay_blessed() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        for name in ["it__denials.snap", "waivers.toml", "it__run.snap"] {
            workspace::write(&file(name), b"old").unwrap();
        }
        let before = protected(folder.path()).unwrap();
        for name in ["it__denials.snap", "it__run.snap", "it__refusal_new.snap"] {
            workspace::write(&file(name), b"new").unwrap();
        }
        let changed = restore(folder.path(), &before).unwrap();
        assert_eq!(changed, [file("it__denials.snap"), file("it__refusal_new.snap")]);
        assert_eq!(workspace::read(&file("it__denials.snap")).unwrap(), "old");
        assert_eq!(workspace::read(&file("it__run.snap")).unwrap(), "new");
        assert!(!file("it__refusal_new.snap").exists());
    }
}
