//! `hub quarantine`: records that a rule held back, by their shape. Two people in two roles release one; anybody who can write the store drops one. No
//! value is ever shown.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use data_encoding::{BASE64, HEXLOWER};
use hub_core::audit::{Draft, Kind};
use hub_core::change::lock::Approval;
use hub_core::problem::{Code, Problem};
use serde_json::{Value, json};

use super::{Failure, Output, Place, approve, commit, load, run};
use crate::clock;
use crate::quarantine::{self, NEEDED, Vault};
use crate::store::Store;
use crate::store::format::{HeldRecord, Release};
use crate::sync::held;

#[derive(Args, Debug)]
pub(super) struct Quarantine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the records that wait: since when, why, until when
    List {
        #[command(flatten)]
        place: Place,
        /// Only records of this flow
        #[arg(long, value_name = "ID")]
        flow: Option<String>,
        /// How the result is printed
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Show the shape of one record: names and types, no values
    Show {
        /// Its id, or the beginning of it
        id: String,
        #[command(flatten)]
        place: Place,
        /// How the result is printed
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Agree to the delivery of a record; with the second person in a second role it goes out in the next run
    Release {
        /// Its id, or the beginning of it
        id: String,
        #[command(flatten)]
        place: Place,
        /// The role in which you agree, as the manifest writes it: `dpo`, `role:sales`
        #[arg(long, value_name = "ROLE")]
        role: String,
        /// The file with your key (`hub approve --new-key FILE`)
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Erase records without delivering them
    Drop {
        /// Their ids, or the beginnings of them
        #[arg(required_unless_present = "flow")]
        ids: Vec<String>,
        /// All records of this flow
        #[arg(long, value_name = "ID", conflicts_with = "ids")]
        flow: Option<String>,
        /// The manifest
        #[arg(long, default_value = "manifest.toml")]
        manifest: PathBuf,
        /// Folder of store, audit log and cache [default: hub-data beside the manifest]
        #[arg(long, env = "HUB_DATA", value_name = "FOLDER")]
        data: Option<PathBuf>,
    },
}

/// A held record with its id.
type Entry = (String, HeldRecord);
/// The store, what waits in it, and what day it is.
type Opened = (std::sync::Arc<dyn Store>, Vec<Entry>, hub_core::date::Date, std::sync::Arc<hub_core::policy::Policy>);

impl Quarantine {
    pub(super) fn output(&self) -> Output {
        match &self.verb {
            Verb::List { output, .. } | Verb::Show { output, .. } => *output,
            Verb::Release { .. } | Verb::Drop { .. } => Output::Human,
        }
    }

    pub(super) fn run(&self) -> Result<u8, Failure> {
        match &self.verb {
            Verb::List { place, flow, output } => list(place, flow.as_deref(), *output),
            Verb::Show { id, place, output } => show(id, place, *output),
            Verb::Release { id, place, role, key } => release(id, place, role, key),
            Verb::Drop { ids, flow, manifest, data } => {
                let place = Place { manifest: manifest.clone(), data: data.clone() };
                discard(ids, flow.as_deref(), &place)
            }
        }
    }
}

/// The store and what waits in it; what is past its time is erased first.
fn opened(place: &Place) -> Result<Opened, Failure> {
    let config = place.config();
    let loaded = load::load(&place.manifest, &config)?;
    let today = clock::today(loaded.policy.manifest());
    let store = run::open(&config)?;
    let swept = super::runtime()?.block_on(held::sweep(&*store, &Vault::new(&config.data), today));
    Ok((store, swept.map_err(|error| run::store_problem(&error))?, today, loaded.policy))
}

fn list(place: &Place, flow: Option<&str>, output: Output) -> Result<u8, Failure> {
    let (_, entries, ..) = opened(place)?;
    let wanted: Vec<&Entry> = entries.iter().filter(|(_, entry)| flow.is_none_or(|flow| entry.flow == flow)).collect();
    if output == Output::Json {
        let records: Vec<Value> = wanted.iter().map(|(id, entry)| as_json(id, entry)).collect();
        super::print_json(&json!({ "version": 1, "records": records }));
        return Ok(0);
    }
    if wanted.is_empty() {
        super::print_text("nothing waits\n");
        return Ok(0);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["ID", "FLOW", "WHY", "FIELD", "LOOKS LIKE", "SINCE (UTC)", "ERASED AFTER", "RELEASE"]);
    for (id, entry) in &wanted {
        table.add_row([
            id.clone(),
            entry.flow.clone(),
            entry.code.clone(),
            entry.path.clone(),
            entry.detector.clone().unwrap_or_else(|| "undeclared".to_owned()),
            hub_core::audit::timestamp(entry.held_ms),
            entry.expires.clone(),
            format!("{} of {NEEDED}", quarantine::given(id, entry)),
        ]);
    }
    super::print_text(&format!("{table}\n\n{} waiting   hub quarantine show ID {}\n", wanted.len(), place.manifest.display()));
    Ok(0)
}

fn show(id: &str, place: &Place, output: Output) -> Result<u8, Failure> {
    let (_, entries, ..) = opened(place)?;
    let (id, entry) = named(id, &entries)?;
    if output == Output::Json {
        super::print_json(&as_json(id, entry));
        return Ok(0);
    }
    let looks = entry.detector.as_deref().unwrap_or("a field that nothing declares");
    let roles: Vec<&str> = entry.releases.iter().map(|release| release.role.as_str()).collect();
    super::print_text(&format!(
        "record {id} of {} ({} bytes)\n  flow      {}, run {}\n  held      {} for {}: `{}` looks like {looks}\n  until     {}\n  release   {} of {NEEDED} {}\n  shape     {}\n",
        entry.stream,
        entry.bytes,
        entry.flow,
        entry.run,
        hub_core::audit::timestamp(entry.held_ms),
        entry.code,
        entry.path,
        entry.expires,
        quarantine::given(id, entry),
        roles.join(", "),
        entry.shape,
    ));
    Ok(0)
}

fn release(id: &str, place: &Place, role: &str, key: &std::path::Path) -> Result<u8, Failure> {
    let key = approve::read_key(key)?;
    let (store, entries, today, policy) = opened(place)?;
    if !policy.manifest().may_approve(role, &key.public()) {
        return Err(approve::not_yours(role, &key).into());
    }
    let (id, entry) = named(id, &entries)?;
    let mut entry = entry.clone();
    let (subject, digest) = quarantine::subject(id, &entry);
    let approval = Approval::sign(&key, &subject, &digest, role, today, None).ok_or_else(|| {
        Problem::new(
            Code::E009,
            "a role is one line of at most 128 characters",
            "name a role as the manifest writes it: `dpo`, `role:sales`",
        )
    })?;
    entry.releases.retain(|known| known.role != role);
    entry.releases.push(Release {
        role: role.to_owned(),
        at: approval.at.to_string(),
        key: HEXLOWER.encode(&approval.key),
        signature: BASE64.encode(&approval.signature),
    });
    let given = quarantine::given(id, &entry);
    let draft = Draft {
        flow: Some(entry.flow.clone()),
        detail: Some(format!("record {id} by role {role}, {given} of {NEEDED}")),
        ..Draft::new(Kind::QuarantineApproved)
    };
    commit(&*store, vec![quarantine::write(id, Some(&entry))], vec![draft])?;
    let next = if given >= NEEDED { "it goes out in the next run of its flow" } else { "another person in another role has to agree" };
    super::print_text(&format!("✓ {id} released by `{role}`   {given} of {NEEDED}: {next}\n"));
    Ok(0)
}

fn discard(ids: &[String], flow: Option<&str>, place: &Place) -> Result<u8, Failure> {
    let (store, entries, today, _) = opened(place)?;
    let mut wanted: Vec<&Entry> = entries.iter().filter(|(_, entry)| flow.is_some_and(|flow| entry.flow == flow)).collect();
    for id in ids {
        wanted.push(named(id, &entries)?);
    }
    let mut flows = std::collections::BTreeMap::<&str, u64>::new();
    wanted.iter().for_each(|(_, entry)| *flows.entry(&entry.flow).or_default() += 1);
    let drafts = flows
        .into_iter()
        .map(|(flow, records)| Draft { flow: Some(flow.to_owned()), records: Some(records), ..Draft::new(Kind::QuarantineDropped) })
        .collect();
    commit(&*store, wanted.iter().map(|(id, _)| quarantine::write(id, None)).collect(), drafts)?;
    let gone: std::collections::BTreeSet<&str> = wanted.iter().map(|(id, _)| id.as_str()).collect();
    let in_use = entries.iter().filter(|(id, _)| !gone.contains(id.as_str())).map(|(_, entry)| entry.day.clone()).collect();
    Vault::new(&place.config().data).forget(&in_use, today);
    super::print_text(&format!("✓ {} erased\n", gone.len()));
    Ok(0)
}

/// The one record whose id begins so.
fn named<'e>(beginning: &str, entries: &'e [Entry]) -> Result<&'e Entry, Failure> {
    let mut found = entries.iter().filter(|(id, _)| !beginning.is_empty() && id.starts_with(beginning));
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry),
        (Some(_), Some(_)) => {
            let title = format!("more than one record's id begins with `{beginning}`");
            Err(Problem::new(Code::E009, title, "write more of it: `hub quarantine list`").into())
        }
        _ => {
            let title = format!("no held record has the id `{beginning}`");
            Err(Problem::new(Code::E009, title, "see `hub quarantine list`; what is past its time is erased").into())
        }
    }
}

fn as_json(id: &str, entry: &HeldRecord) -> Value {
    json!({
        "id": id, "flow": entry.flow, "stream": entry.stream, "run": entry.run, "code": entry.code, "field": entry.path,
        "detector": entry.detector, "held": hub_core::audit::timestamp(entry.held_ms), "until": entry.expires, "bytes": entry.bytes,
        "shape": entry.shape, "agreed": entry.releases.iter().map(|release| json!({ "role": release.role, "at": release.at })).collect::<Vec<_>>(),
        "given": quarantine::given(id, entry), "needed": NEEDED,
    })
}
