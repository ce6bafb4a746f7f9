//! `hub backup` and `hub restore`: a copy of the store that was proven whole, and taking it back. Keys stay where they are unless they are asked for.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use hub_core::audit::{Draft, Kind};
use hub_core::problem::{Code, Problem};

use super::{Failure, Place, audit, commit, io_problem, print_text, run};
use crate::store;
use crate::{clock, evidence};

/// Folders and files beside the store that hold keys.
const KEYS: [&str; 3] = ["keys", "quarantine", "audit.key"];
const STORE: &str = "store";

#[derive(Args, Debug)]
pub(super) struct Backup {
    /// A new folder
    folder: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Copy the keys too: whoever has the backup can then read the state and what is held back
    #[arg(long)]
    with_keys: bool,
}

#[derive(Args, Debug)]
pub(super) struct Restore {
    /// The folder of a backup
    folder: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Put the backup in the place of the store that is there, which is kept under another name
    #[arg(long)]
    replace: bool,
}

impl Backup {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let config = self.place.config();
        audit::must_exist(&config)?;
        if self.folder.exists() {
            let help = "name a folder that is not there yet: a backup never replaces another";
            return Err(Problem::new(Code::E009, format!("`{}` is there already", self.folder.display()), help).into());
        }
        make(&self.folder)?;
        let entries = store::back_up(&config.data.join(STORE), &self.folder.join(STORE)).map_err(|error| run::store_problem(&error))?;
        let note = config.data.join(evidence::NOTE);
        if note.exists() {
            copy(&note, &self.folder.join(evidence::NOTE))?;
        }
        for name in KEYS.iter().filter(|_| self.with_keys) {
            copy(&config.data.join(name), &self.folder.join(name))?;
        }
        let keys = if self.with_keys {
            "with its keys: keep it as secret as them"
        } else {
            "without keys: back them up elsewhere (--with-keys copies them)"
        };
        print_text(&format!("✓ {entries} audit entries and all state in {}, proven whole, {keys}\n", self.folder.display()));
        Ok(0)
    }
}

impl Restore {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let config = self.place.config();
        let (from, to) = (self.folder.join(STORE), config.data.join(STORE));
        let verified = store::verify_audit(&from, &[]).map_err(|error| run::store_problem(&error))?;
        if let Some(bad) = &verified.verdict.first_bad {
            let help = "take another backup: this one was changed or is not whole";
            return Err(Problem::new(Code::E501, format!("audit entry {} of the backup is not what was written", bad.seq), help).into());
        }
        if to.exists() && !self.replace {
            let help = "`--replace` puts the backup in its place and keeps the present one under another name";
            return Err(Problem::new(Code::E009, format!("there is a store in `{}`", config.data.display()), help).into());
        }
        make(&config.data)?;
        // Nobody may write while the folder changes its name.
        let kept = if to.exists() { Some(set_aside(&config.data, &to)?) } else { None };
        note_aside(&config.data, &config.data, &format!("{}.before-{}", evidence::NOTE, clock::now_ms()))?;
        copy(&from, &to)?;
        for name in KEYS.iter().filter(|name| !config.data.join(name).exists()) {
            // A key that is there is never replaced: an erased one must not come back.
            copy(&self.folder.join(name), &config.data.join(name))?;
        }
        let opened = run::open(&config)?;
        let detail = format!("restored from a backup of {} entries", verified.verdict.entries);
        commit(&*opened, Vec::new(), vec![Draft::new(Kind::StateRestored).detail(detail)])?;
        let kept = kept.map_or_else(String::new, |path| format!("; the store that was there is in {}", path.display()));
        print_text(&format!("✓ {} audit entries and all state are back{kept}\n", verified.verdict.entries));
        if self.folder.join(evidence::NOTE).exists() && evidence::public(&config).is_ok_and(|key| key.is_none()) {
            print_text(&format!(
                "! the key that signed this log is not there: put `audit.key` back, or name it in `{}`, before hub runs; else a new one is made\n",
                evidence::KEY_FILE
            ));
        }
        Ok(0)
    }
}

/// Gives the present store another name, with its signed head: the restored log is another one.
fn set_aside(data: &Path, store_folder: &Path) -> Result<PathBuf, Failure> {
    let aside = data.join(format!("store.before-{}", clock::now_ms()));
    store::rename_unused(store_folder, &aside).map_err(|error| run::store_problem(&error))?;
    note_aside(data, &aside, evidence::NOTE)?;
    Ok(aside)
}

/// Moves the signed head, if there is one: it vouches for the log that was there.
fn note_aside(data: &Path, folder: &Path, name: &str) -> Result<(), Failure> {
    let note = data.join(evidence::NOTE);
    if note.exists() {
        fs::rename(&note, folder.join(name)).map_err(|error| io_problem("move", &note, &error))?;
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), Failure> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| io_problem("create", folder, &error).into())
}

/// Copies a file or a folder, durably; nothing if it is not there.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| io_problem("copy", from, &error);
    if from.is_dir() {
        make(to)?;
        for entry in fs::read_dir(from).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            copy(&path, &to.join(path.file_name().unwrap_or_default()))?;
        }
    } else if from.exists() {
        fs::copy(from, to).and_then(|_| fs::File::open(to)?.sync_all()).map_err(failed)?;
    } else {
        return Ok(());
    }
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| io_problem("write", folder, &error).into())
}
