//! The verb `lock`, and its rule: `wit/LOCK` holds a digest of each interface folder, and a released folder is never edited.

use std::fmt::Write;
use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::check::Finding;
use crate::process::{Failure, Result, progress};
use crate::workspace::{self, Workspace};

const HEADER: &str = "# Digest of each interface folder; written by `cargo xtask lock`. A folder that is released is never edited again.\n";

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    folder: String,
    /// `open` while it may be edited, `released` for ever after.
    state: String,
    digest: String,
}

/// Writes the file anew; refuses to let a released folder change.
pub fn write(workspace: &Workspace, release: Option<&str>) -> Result<()> {
    let wit = workspace.root.join("wit");
    let locked = read(&wit)?;
    let mut text = HEADER.to_owned();
    let present = present(&wit)?;
    if let Some(unknown) = release.filter(|name| !present.iter().any(|(folder, _)| folder == name)) {
        return Err(Failure::new(format!("wit/{unknown} does not exist")).help("name a folder of wit/, such as v0.1"));
    }
    for (folder, digest) in present {
        let before = locked.iter().find(|entry| entry.folder == folder);
        let is_released = before.is_some_and(|entry| entry.state == "released");
        if is_released && before.is_some_and(|entry| entry.digest != digest) {
            return Err(Failure::new(edited(&folder)).help(format!("undo the edit: git checkout -- wit/{folder}")));
        }
        let state = if is_released || release == Some(folder.as_str()) { "released" } else { "open" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{folder} {state} {digest}");
    }
    workspace::write(&wit.join("LOCK"), text.as_bytes())?;
    progress("Locked", "wit/LOCK");
    Ok(())
}

/// Folders that are not what the file says.
pub fn findings(workspace: &Workspace) -> Result<Vec<Finding>> {
    let wit = workspace.root.join("wit");
    let locked = read(&wit)?;
    let present = present(&wit)?;
    let mut found = Vec::new();
    for (folder, digest) in &present {
        let text = match locked.iter().find(|entry| entry.folder == *folder) {
            Some(entry) if entry.digest == *digest => continue,
            Some(entry) if entry.state == "released" => edited(folder),
            _ => format!("wit/{folder} is not what the file says: run `cargo xtask lock`"),
        };
        found.push(Finding::new("wit/LOCK", 0, text));
    }
    for entry in locked.iter().filter(|entry| !present.iter().any(|(folder, _)| *folder == entry.folder)) {
        let text = format!("wit/{} is gone: connectors that were built with it still need it", entry.folder);
        found.push(Finding::new("wit/LOCK", 0, text));
    }
    Ok(found)
}

fn edited(folder: &str) -> String {
    format!("wit/{folder} is released and was edited: additions and changes go into a new folder")
}

/// Folders with the digest over names and contents of their files, sorted.
fn present(wit: &Path) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for folder in workspace::folders(wit) {
        let mut hash = Sha256::new();
        for path in workspace::files(&folder) {
            let content = workspace::read_bytes(&path)?;
            let name = path.strip_prefix(&folder).unwrap_or(&path).to_string_lossy().into_owned();
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
            hash.update((content.len() as u64).to_be_bytes());
            hash.update(content);
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.push((name, HEXLOWER.encode(&hash.finalize())));
    }
    Ok(found)
}

fn read(wit: &Path) -> Result<Vec<Entry>> {
    let path = wit.join("LOCK");
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = workspace::read(&path)?;
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let entries = lines.map(|line| match line.split(' ').collect::<Vec<_>>().as_slice() {
        [folder, state @ ("open" | "released"), digest] if digest.len() == 64 => {
            Ok(Entry { folder: (*folder).to_owned(), state: (*state).to_owned(), digest: (*digest).to_owned() })
        }
        _ => Err(Failure::new(format!("wit/LOCK: `{line}` is not `FOLDER open|released DIGEST`")).help("git checkout -- wit/LOCK")),
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn scene() -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: folder.path().to_owned(), target: folder.path().join("target") };
        workspace::write(&folder.path().join("wit/v0.1/a.wit"), b"one").unwrap();
        (folder, workspace)
    }

    fn edit(workspace: &Workspace, text: &str) {
        workspace::write(&workspace.root.join("wit/v0.1/a.wit"), text.as_bytes()).unwrap();
    }

    #[test]
    fn an_open_folder_may_change_and_is_locked_again() {
        let (_folder, workspace) = scene();
        assert!(findings(&workspace).unwrap()[0].text.contains("run `cargo xtask lock`"));
        write(&workspace, None).unwrap();
        assert!(findings(&workspace).unwrap().is_empty());
        edit(&workspace, "two");
        assert!(findings(&workspace).unwrap()[0].text.contains("run `cargo xtask lock`"));
        write(&workspace, None).unwrap();
        assert!(findings(&workspace).unwrap().is_empty());
    }

    #[test]
    fn a_released_folder_stays_as_it_is() {
        let (_folder, workspace) = scene();
        write(&workspace, Some("v0.1")).unwrap();
        write(&workspace, None).unwrap();
        edit(&workspace, "two");
        assert!(findings(&workspace).unwrap()[0].text.contains("is released and was edited"));
        assert!(write(&workspace, None).unwrap_err().to_string().contains("is released and was edited"));
        edit(&workspace, "one");
        assert!(findings(&workspace).unwrap().is_empty());
    }

    #[test]
    fn a_folder_does_not_vanish_and_an_unknown_one_is_not_released() {
        let (_folder, workspace) = scene();
        assert!(write(&workspace, Some("v9")).unwrap_err().to_string().contains("wit/v9 does not exist"));
        write(&workspace, None).unwrap();
        std::fs::remove_dir_all(workspace.root.join("wit/v0.1")).unwrap();
        assert!(findings(&workspace).unwrap()[0].text.contains("wit/v0.1 is gone"));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_told() {
        let (_folder, workspace) = scene();
        workspace::write(&workspace.root.join("wit/LOCK"), b"v0.1 maybe 12").unwrap();
        assert!(findings(&workspace).unwrap_err().to_string().contains("is not `FOLDER open|released DIGEST`"));
    }
}
