//! `hub doctor`: is everything there that a run needs, and is what is stored whole. Changes nothing.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use clap::Args;
use hub_core::audit::timestamp;
use serde_json::{Value, json};

use super::anchors::{self, Outside};
use super::{Failure, Output, Place, audit, print_json, print_text};
use crate::config::Config;
use crate::store;
use crate::{clock, evidence, keys};

#[derive(Args, Debug)]
pub(super) struct Doctor {
    #[command(flatten)]
    place: Place,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

/// What one look found.
struct Look {
    what: &'static str,
    state: State,
    told: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// It works, and could be better.
    Weak,
    Bad,
}

impl Doctor {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let config = self.place.config();
        let mut looks = vec![manifest(&self.place), folder(&config), log(&config), signed(&config)];
        looks.extend(anchored(&self.place, &config));
        looks.extend([wall_clock(&config), master(), connectors(&config)]);
        match self.output {
            Output::Json => {
                let looks: Vec<Value> =
                    looks.iter().map(|look| json!({ "look": look.what, "state": name(look.state), "told": look.told })).collect();
                print_json(&json!({ "version": 1, "looks": looks }));
            }
            Output::Human => {
                let line = |look: &Look| format!("{} {:<10} {}\n", mark(look.state), look.what, look.told);
                print_text(&looks.iter().map(line).collect::<String>());
            }
        }
        Ok(u8::from(looks.iter().any(|look| look.state == State::Bad)))
    }
}

fn look(what: &'static str, state: State, told: impl Into<String>) -> Look {
    Look { what, state, told: told.into() }
}

fn name(state: State) -> &'static str {
    match state {
        State::Good => "good",
        State::Weak => "weak",
        State::Bad => "bad",
    }
}

fn mark(state: State) -> &'static str {
    match state {
        State::Good => "✓",
        State::Weak => "!",
        State::Bad => "✗",
    }
}

fn manifest(place: &Place) -> Look {
    let path = &place.manifest;
    if path.is_file() {
        look("manifest", State::Good, format!("{}; whether it may run: hub check", path.display()))
    } else {
        look("manifest", State::Bad, format!("{} is not there: hub init makes one", path.display()))
    }
}

fn folder(config: &Config) -> Look {
    let data = &config.data;
    let Ok(metadata) = data.metadata() else {
        return look("data", State::Weak, format!("{} is not there yet: the first run makes it", data.display()));
    };
    let free = store::free_bytes(data).unwrap_or_default();
    if free < store::Options::default().least_free_bytes {
        return look("data", State::Bad, format!("{} MB are free at {}: no run begins", free >> 20, data.display()));
    }
    if let Some(file) = open_to_others(data) {
        return look("data", State::Bad, format!("others can read {file}: chmod 600 {file}"));
    }
    if metadata.mode() & 0o002 != 0 {
        return look("data", State::Bad, format!("everybody can write in {}: chmod 750", data.display()));
    }
    look("data", State::Good, format!("{}, {} MB free", data.display(), free >> 20))
}

/// A key that others can read.
fn open_to_others(data: &Path) -> Option<String> {
    let folders = [data.to_owned(), data.join("keys"), data.join("quarantine")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    let keys = files.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|ending| ending == "key"));
    let mut open = keys.filter(|path| path.metadata().is_ok_and(|metadata| metadata.mode() & 0o077 != 0));
    open.next().map(|path| path.display().to_string())
}

fn log(config: &Config) -> Look {
    let folder = config.data.join("store");
    if !folder.exists() {
        return look("audit", State::Weak, "there is no log yet");
    }
    match store::verify_audit(&folder, &[]) {
        Ok(verified) => match verified.verdict.first_bad {
            None => match verified.verdict.cut.filter(|(_, to)| *to > verified.verdict.first) {
                Some((_, to)) => look("audit", State::Weak, format!("a pruning up to entry {to} has not ended: hub audit prune")),
                None => {
                    let (entries, pruned) = (verified.verdict.entries, audit::pruned(verified.verdict.first));
                    look("audit", State::Good, format!("{entries} entries{pruned}, chain and tree are whole"))
                }
            },
            Some(bad) => look("audit", State::Bad, format!("entry {} is not what was written: hub audit verify", bad.seq)),
        },
        Err(error) => look("audit", State::Bad, format!("{error}: hub audit verify")),
    }
}

/// What tells this log from an older one, or from one that was written anew.
fn anchored(place: &Place, config: &Config) -> Vec<Look> {
    // What is wrong with a manifest `hub check` says.
    let Some(manifest) = anchors::manifest(place).ok().flatten() else { return Vec::new() };
    if manifest.anchors.is_empty() {
        let told = "none: who has the data folder and its key can write another log unseen; declare [audit.anchor.ID], or hub audit anchor";
        return vec![look("anchor", State::Weak, told)];
    }
    let outside = Outside::look(config).unwrap_or_default();
    let lines = outside.anchors(&manifest).into_iter();
    lines.map(|(good, line)| look("anchor", if good { State::Good } else { State::Weak }, line)).collect()
}

/// A clock that was put back while hub was stopped.
fn wall_clock(config: &Config) -> Look {
    let copy = store::open_copy(&config.data.join("store")).ok();
    let newest = copy.and_then(|copy| evidence::newest(&copy.store).ok().flatten());
    match newest.and_then(clock::ahead_ms) {
        None => look("clock", State::Good, timestamp(clock::now_ms())),
        Some(ahead) => {
            let told =
                format!("the newest audit entry is {} s in the future: set the clock; was it put back, or ahead before?", ahead / 1000);
            look("clock", State::Weak, told)
        }
    }
}

fn signed(config: &Config) -> Look {
    if let Some(problem) = evidence::lost(config) {
        return look("signature", State::Bad, format!("{} {}: hub explain {}", problem.code, problem.title, problem.code));
    }
    let note = config.data.join(evidence::NOTE);
    let age = |path: &Path| path.metadata().ok()?.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok();
    match (evidence::public(config), age(&note)) {
        (Err(problem), _) => look("signature", State::Bad, problem.title),
        (Ok(Some(key)), Some(time)) => {
            let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            let told = format!("by `{}`, last at {}", key.name(), timestamp(time));
            if time > clock::now_ms() {
                look("signature", State::Weak, format!("{told}: that is in the future"))
            } else {
                look("signature", State::Good, told)
            }
        }
        _ => look("signature", State::Weak, "no head of the log was signed yet: the end of a run does it"),
    }
}

fn master() -> Look {
    if keys::has_master() {
        look("master key", State::Good, "it wraps the keys of state and quarantine")
    } else {
        let told = format!("none: whoever reads the data folder reads its keys; set {}", keys::MASTER_KEY_FILE);
        look("master key", State::Weak, told)
    }
}

fn connectors(config: &Config) -> Look {
    let folder = &config.connectors;
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let count = found.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "wasm")).count();
    let told = format!("{count} in {}", folder.display());
    look("connectors", if count == 0 { State::Weak } else { State::Good }, told)
}
