//! `hub changes`: the history of manifests that came into force, the newest first, and whether it is whole. Changes nothing.

use std::sync::Arc;

use clap::Args;
use hub_core::problem::{Code, Problem};
use serde_json::{Value, json};

use super::run::{open_plain, store_problem};
use super::{Failure, Output, Place, check};
use crate::config::Config;
use crate::history;
use crate::sealed::SealedStore;
use crate::store::format::Applied;
use crate::store::{self, Store, StoreError};

/// Changes of one entry that are shown.
const MAX_SHOWN: usize = 12;

#[derive(Args, Debug)]
pub(super) struct Changes {
    #[command(flatten)]
    place: Place,
    /// Print the manifest of this number as it was read; secrets are blanked
    #[arg(long, value_name = "NUMBER")]
    show: Option<u64>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Changes {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let config = self.place.config();
        let found = read(&config, |store| Ok((history::entries(store)?, history::fault(store)?)))?;
        let Some((entries, fault)) = found else {
            let title = format!("no manifest came into force in `{}`", config.data.display());
            return Err(Problem::new(Code::E009, title, "run one first, or name its folder with `--data`").into());
        };
        if let Some(number) = self.show {
            return show(&entries, number);
        }
        match self.output {
            Output::Json => super::print_json(&json!({
                "version": 1, "whole": fault.is_none(), "fault": fault, "changes": entries.iter().map(as_json).collect::<Vec<Value>>(),
            })),
            Output::Human => super::print_text(&entries.iter().rev().map(shown).collect::<String>()),
        }
        match fault {
            None => Ok(0),
            Some(fault) => {
                let help = "keep the folder as evidence, look with `hub audit verify`, restore a backup";
                Err(Problem::new(Code::E501, format!("the history of changes is not whole: {fault}"), help).into())
            }
        }
    }
}

/// Reads in a store, by a private copy if another hub has it. None: there is none.
pub(super) fn read<T>(config: &Config, take: impl Fn(&dyn Store) -> Result<T, StoreError>) -> Result<Option<T>, Failure> {
    let folder = config.data.join("store");
    if !folder.exists() {
        return Ok(None);
    }
    let opened = |store: Arc<dyn Store>| -> Result<T, Failure> {
        take(&SealedStore::open(store, &config.data)?).map_err(|error| store_problem(&error).into())
    };
    let taken = match open_plain(config) {
        Ok(store) => opened(store),
        Err(StoreError::InUse) => {
            let copy = store::open_copy(&folder).map_err(|error| store_problem(&error))?;
            opened(Arc::new(copy.store))
        }
        Err(error) => Err(store_problem(&error).into()),
    };
    taken.map(Some)
}

fn show(entries: &[Applied], number: u64) -> Result<u8, Failure> {
    let Some(entry) = entries.iter().find(|entry| entry.number == number) else {
        let help = format!("there are 1 to {}: `hub changes` lists them", entries.len());
        return Err(Problem::new(Code::E009, format!("there is no change {number}"), help).into());
    };
    if entry.files.is_empty() {
        return Err(Problem::new(Code::E009, "its texts were too large to be kept", "look into version control").into());
    }
    let text = |(name, text): &(String, String)| format!("# {name}\n{}\n", text.trim_end());
    super::print_text(&entry.files.iter().map(text).collect::<String>());
    Ok(0)
}

/// The day on which it came into force, in UTC.
fn day(entry: &Applied) -> String {
    hub_core::audit::timestamp(entry.at_ms).get(..10).unwrap_or_default().to_owned()
}

fn people(entry: &Applied) -> Vec<String> {
    let mut people: Vec<String> = entry.approvals.iter().map(|agreed| agreed.role.clone()).collect();
    people.sort_unstable();
    people.dedup();
    people
}

fn shown(entry: &Applied) -> String {
    let class = if entry.class.is_empty() { "first" } else { &entry.class };
    let mut text = format!("{}  {}  {class}  sha256:{}\n", entry.number, day(entry), check::short(&entry.digest));
    text.push_str(&format!("   why: {}\n", entry.reason.as_deref().unwrap_or("nothing was said")));
    let people = people(entry);
    let people = if people.is_empty() { "nobody signed".to_owned() } else { people.join(", ") };
    text.push_str(&format!("   approved: {people}\n"));
    for change in entry.changes.iter().take(MAX_SHOWN) {
        text.push_str(&format!("   {}  {}: {}\n", change.class, change.path, change.words));
    }
    let more = entry.more + entry.changes.len().saturating_sub(MAX_SHOWN) as u64;
    if more > 0 {
        text.push_str(&format!("   {more} more changes\n"));
    }
    text
}

fn as_json(entry: &Applied) -> Value {
    json!({
        "number": entry.number, "at": hub_core::audit::timestamp(entry.at_ms), "class": entry.class, "manifest": entry.digest,
        "previous": entry.previous, "reason": entry.reason,
        "approvals": entry.approvals.iter().map(|agreed| json!({
            "flow": agreed.flow, "role": agreed.role, "at": agreed.at, "key": agreed.key,
        })).collect::<Vec<Value>>(),
        "changes": entry.changes.iter().map(|change| json!({
            "class": change.class, "path": change.path, "words": change.words,
        })).collect::<Vec<Value>>(),
        "more": entry.more,
    })
}

/// The entries up to a day, for the register.
pub(super) fn told(entries: &[Applied], end_ms: u64) -> Vec<hub_core::report::register::Changed> {
    let told = |entry: &Applied| hub_core::report::register::Changed {
        number: entry.number,
        day: day(entry),
        class: entry.class.clone(),
        digest: entry.digest.clone(),
        reason: entry.reason.clone(),
        people: people(entry),
        what: entry.changes.iter().map(|change| format!("{}: {}", change.path, change.words)).collect(),
        more: entry.more,
    };
    entries.iter().filter(|entry| entry.at_ms < end_ms).map(told).collect()
}
