//! One round: a fresh copy of a prepared folder, a run that is ended, a look, a run that is not, and another look.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::Dice;
use crate::process::{self, Failure, Result};
use crate::workspace;

/// Several batches, and a checkpoint behind every 10,000.
const RECORDS: u64 = 25_000;
/// A whole run takes about so long.
const RUN_MICROS: u64 = 250_000;
const MANIFEST: &str = include_str!("manifest.toml");
const OUT: &str = "out";

/// How the flow writes.
pub struct Mode {
    /// As the manifest says it.
    pub name: &'static str,
}

/// The modes of the file destination: both let it undo what a crash left half done.
pub const MODES: [Mode; 2] = [Mode { name: "replace" }, Mode { name: "append" }];

/// Where the program is ended.
pub enum Place {
    /// Where its code says so.
    Named {
        /// Its name.
        name: String,
        /// What has happened before.
        about: String,
    },
    /// At a random moment.
    Anywhere,
}

impl Place {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Named { name, .. } => name,
            Self::Anywhere => "anywhere",
        }
    }

    /// What has happened before.
    pub fn about(&self) -> &str {
        match self {
            Self::Named { about, .. } => about,
            Self::Anywhere => "A random moment.",
        }
    }
}

/// What a round found that must not be.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Records that never arrived.
    pub lost: u64,
    /// Records that arrived more than once.
    pub twice: u64,
    /// Records that stood in the destination when the program was ended, without an entry that is on disk.
    pub unaudited: u64,
    /// Logs that did not verify.
    pub unproven: u64,
}

impl Found {
    pub fn add(&mut self, other: &Self) {
        self.lost += other.lost;
        self.twice += other.twice;
        self.unaudited += other.unaudited;
        self.unproven += other.unproven;
    }

    pub fn is_nothing(&self) -> bool {
        self.lost + self.twice + self.unaudited + self.unproven == 0
    }
}

/// How a round went.
pub struct Outcome {
    /// The program was ended; otherwise it came to its end before.
    pub killed: bool,
    /// What it found.
    pub found: Found,
}

/// A folder in which the components are compiled and nothing has run.
pub struct Scene {
    hub: PathBuf,
    prepared: PathBuf,
    fresh: PathBuf,
}

impl Scene {
    /// Prepares it.
    pub fn new(hub: &Path, folder: &Path, mode: &Mode) -> Result<Self> {
        let prepared = folder.join(mode.name);
        let _ = fs::remove_dir_all(&prepared);
        make(&prepared)?;
        let manifest = MANIFEST.replace("{records}", &RECORDS.to_string()).replace("{mode}", mode.name);
        workspace::write(&prepared.join("manifest.toml"), manifest.as_bytes())?;
        let scene = Self { hub: hub.to_owned(), prepared: prepared.clone(), fresh: folder.join(format!("{}-round", mode.name)) };
        process::output(scene.hub_in(&prepared).args(["run", "--dry-run", "--limit", "1"]), "preparing a run")?;
        Ok(scene)
    }

    /// Ends a run when a place is reached for a time, and looks what is left.
    pub fn round(&self, place: &Place, time: u64, dice: &mut Dice) -> Result<Outcome> {
        let _ = fs::remove_dir_all(&self.fresh);
        copy(&self.prepared, &self.fresh)?;
        let mut found = Found::default();
        let killed = self.ended(place, time, dice)?;
        found.unproven += u64::from(!self.verifies());
        // What arrived by then must be on record. The intents are read only now: reading opens the store, which recovers it.
        let there: u64 = inside(&self.fresh.join(OUT), false).iter().map(|path| lines(path).count() as u64).sum();
        found.unaudited += there.saturating_sub(self.announced()?);
        process::output(self.hub_in(&self.fresh).args(["run", "--quiet"]), "the run after the crash")?;
        found.unproven += u64::from(!self.verifies());
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        for line in lines(&self.fresh.join(OUT).join("contacts.ndjson")) {
            let record = serde_json::from_str::<Value>(&line).unwrap_or_default();
            *seen.entry(record.get("id").map(Value::to_string).unwrap_or_default()).or_default() += 1;
        }
        found.lost += RECORDS.saturating_sub(seen.len() as u64);
        found.twice += seen.values().map(|count| count - 1).sum::<u64>();
        Ok(Outcome { killed, found })
    }

    fn ended(&self, place: &Place, time: u64, dice: &mut Dice) -> Result<bool> {
        let mut command = self.hub_in(&self.fresh);
        command.args(["run", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::null());
        if let Place::Named { name, .. } = place {
            command.env("HUB_CRASH_AT", format!("{name}:{time}"));
        }
        let mut child = command.spawn().map_err(|error| Failure::new(format!("the program does not start: {error}")))?;
        if matches!(place, Place::Anywhere) {
            std::thread::sleep(Duration::from_micros(dice.below(RUN_MICROS)));
            let _ = child.kill();
        }
        let status = waited(&mut child)?;
        Ok(std::os::unix::process::ExitStatusExt::signal(&status) == Some(9))
    }

    fn verifies(&self) -> bool {
        !self.fresh.join("hub-data/store/db").exists() || process::succeeds(self.hub_in(&self.fresh).args(["audit", "verify"]))
    }

    /// Records that the log announced.
    fn announced(&self) -> Result<u64> {
        let mut command = self.hub_in(&self.fresh);
        command.args(["audit", "show", "--from", "0", "--last", "1000000", "--kind", "flow.intent", "--output", "json"]);
        let shown = process::output(&mut command, "reading the log")?;
        let records = |line: &str| serde_json::from_str::<Value>(line).ok()?.get("records")?.as_u64();
        Ok(shown.lines().filter_map(records).sum())
    }

    fn hub_in(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.hub);
        // The connectors beside the program are its own.
        command.current_dir(folder).env_remove("HUB_CONNECTORS");
        command
    }
}

fn waited(child: &mut Child) -> Result<std::process::ExitStatus> {
    child.wait().map_err(|error| Failure::new(format!("the program cannot be waited for: {error}")))
}

/// Whole lines of a file; none of one that is not there.
fn lines(path: &Path) -> impl Iterator<Item = String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    text.get(..whole).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The folders, or everything else, directly inside a folder; nothing if it is not there.
fn inside(folder: &Path, folders: bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir() == folders).collect()
}

pub fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))
}

pub fn copy(from: &Path, to: &Path) -> Result<()> {
    make(to)?;
    for file in inside(from, false) {
        let target = to.join(file.file_name().unwrap_or_default());
        fs::copy(&file, &target).map_err(|error| Failure::new(format!("{}: {error}", target.display())))?;
    }
    for folder in inside(from, true) {
        copy(&folder, &to.join(folder.file_name().unwrap_or_default()))?;
    }
    Ok(())
}
