//! Is it fresh? A digest of the sources' content and of the build's settings, with size and time of each output.
//!
//! Content and not time decides about sources: a checkout touches times. The compiler's version is covered by xtask's own program, which
//! cargo builds anew with another compiler.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::process::{Failure, Result};
use crate::workspace::{self, Workspace, environment};

/// What a part was built from, to be compared with what it would be built from now.
pub struct Stamp {
    file: PathBuf,
    digest: String,
}

impl Stamp {
    /// The present state of the sources (files or folders, relative to the root) of the part `name`.
    pub fn new(workspace: &Workspace, name: &str, sources: &[&str]) -> Result<Self> {
        let mut hash = Sha256::new();
        hash.update(environment("RUSTFLAGS").unwrap_or_default());
        if let Ok(program) = std::env::current_exe() {
            hash.update(state(&program));
        }
        for source in sources {
            add(&mut hash, workspace, &workspace.root.join(source))?;
        }
        let file = workspace.target.join("xtask").join(format!("{name}.stamp"));
        Ok(Self { file, digest: HEXLOWER.encode(&hash.finalize()) })
    }

    /// True if the outputs kept with this very state are still there, untouched.
    pub fn is_fresh(&self) -> bool {
        let Ok(kept) = fs::read_to_string(&self.file) else { return false };
        let mut lines = kept.lines();
        if lines.next() != Some(self.digest.as_str()) {
            return false;
        }
        lines.all(|line| line.split_once('\t').is_some_and(|(path, then)| state(Path::new(path)) == then))
    }

    /// Notes that these outputs belong to this state.
    pub fn keep(&self, outputs: &[PathBuf]) -> Result<()> {
        let mut text = format!("{}\n", self.digest);
        for output in outputs {
            let shown = output.to_str().ok_or_else(|| Failure::new(format!("{} is not UTF-8", output.display())))?;
            writeln!(text, "{shown}\t{}", state(output)).map_err(|error| Failure::new(error.to_string()))?;
        }
        workspace::write(&self.file, text.as_bytes())
    }
}

fn add(hash: &mut Sha256, workspace: &Workspace, source: &Path) -> Result<()> {
    let files = if source.is_dir() { workspace::files(source) } else { vec![source.to_path_buf()] };
    for file in files.into_iter().filter(|file| file.is_file()) {
        let content = workspace::read_bytes(&file)?;
        hash.update(workspace.shown(&file));
        hash.update(content.len().to_be_bytes());
        hash.update(content);
    }
    Ok(())
}

/// Size and time of a file; a word that no file has if it is absent.
fn state(path: &Path) -> String {
    let Ok(metadata) = fs::metadata(path) else { return "absent".to_owned() };
    let time = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{} {}", metadata.len(), time.as_nanos())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn scene() -> (tempfile::TempDir, Workspace, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: folder.path().join("root"), target: folder.path().join("target") };
        workspace::write(&workspace.root.join("src/a.rs"), b"one").unwrap();
        let output = workspace.target.join("out");
        workspace::write(&output, b"built").unwrap();
        (folder, workspace, output)
    }

    #[test]
    fn fresh_after_keeping_and_stale_after_a_change_of_a_source() {
        let (_folder, workspace, output) = scene();
        let stamp = Stamp::new(&workspace, "part", &["src"]).unwrap();
        assert!(!stamp.is_fresh());
        stamp.keep(&[output]).unwrap();
        assert!(stamp.is_fresh());
        workspace::write(&workspace.root.join("src/a.rs"), b"two").unwrap();
        assert!(!Stamp::new(&workspace, "part", &["src"]).unwrap().is_fresh());
        workspace::write(&workspace.root.join("src/a.rs"), b"one").unwrap();
        assert!(Stamp::new(&workspace, "part", &["src"]).unwrap().is_fresh());
    }

    #[test]
    fn a_moved_file_is_another_state() {
        let (_folder, workspace, _) = scene();
        let before = Stamp::new(&workspace, "part", &["src"]).unwrap().digest;
        fs::rename(workspace.root.join("src/a.rs"), workspace.root.join("src/b.rs")).unwrap();
        assert_ne!(Stamp::new(&workspace, "part", &["src"]).unwrap().digest, before);
    }

    #[test]
    fn stale_when_an_output_is_gone_or_another() {
        let (_folder, workspace, output) = scene();
        let stamp = Stamp::new(&workspace, "part", &["src"]).unwrap();
        stamp.keep(std::slice::from_ref(&output)).unwrap();
        fs::write(&output, "something else").unwrap();
        assert!(!stamp.is_fresh());
        fs::remove_file(&output).unwrap();
        assert!(!stamp.is_fresh());
    }
}
