//! The observed side: what the host saw of each flow, compared with what is declared. Reads no log; the host counts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::date::Date;
use crate::manifest;
use crate::policy::FlowRule;
use crate::problem::{Class, Code};
use crate::record::FieldPath;
use crate::report::text::Text;
use crate::report::words::Word;

/// After so many days without a run a declared flow counts as dead. An observation need not reach further back.
pub const DEAD_AFTER_DAYS: u64 = 90;

/// What was observed, out of run records and audit log.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The first day that it covers.
    pub since: Date,
    /// The last day that it covers.
    pub until: Date,
    /// Entries of the audit log that were looked at.
    pub entries: u64,
    /// By flow id; flows that are not declared too.
    pub flows: BTreeMap<String, ObservedFlow>,
    /// What was denied outside of any flow: code and how often.
    pub elsewhere: BTreeMap<String, u64>,
}

/// What was observed of one flow.
#[derive(Clone, Debug, Default)]
pub struct ObservedFlow {
    /// When it last ran, as a text for people; None = never.
    pub last_run: Option<String>,
    /// Number of runs.
    pub runs: u64,
    /// Records that were delivered.
    pub records: u64,
    /// Destination paths of fields that were delivered.
    pub fields: BTreeSet<String>,
    /// Categories that were delivered.
    pub categories: BTreeSet<String>,
    /// The log had no room for all fields: one that is not among them may have been delivered all the same.
    pub is_cut: bool,
    /// What was denied, besides undeclared fields: code (`HUB-E218`) and how often.
    pub denials: BTreeMap<String, u64>,
    /// Fields that no declaration knew: path and how often.
    pub undeclared: BTreeMap<String, u64>,
}

/// What an observation covers, as the register tells it.
#[derive(Clone, Debug, Serialize)]
pub struct Observation {
    /// The first day.
    pub since: String,
    /// The last day.
    pub until: String,
    /// How many days that is.
    pub days: u64,
    /// Entries of the audit log that were looked at.
    pub entries: u64,
    /// Flows that ran and are not declared, with what was denied in them by code.
    pub undeclared: BTreeMap<String, BTreeMap<String, u64>>,
    /// What was denied outside of any flow, by code.
    pub elsewhere: BTreeMap<String, u64>,
}

/// How declaration and observation of a flow meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Declared and observed.
    Match,
    /// Declared, and long not observed: to be removed.
    Dead,
    /// Declared, not observed, and the observation is too short to say more.
    Waiting,
    /// Something that is not declared was denied.
    Denied,
}

/// A flow as seen.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// Its id.
    pub flow: String,
    /// How it meets its declaration.
    pub state: State,
    /// How many days it could have been observed: those of the observation, less those before its approval.
    pub days: u64,
    /// When it last ran.
    pub last_run: Option<String>,
    /// Number of runs.
    pub runs: u64,
    /// Records that were delivered.
    pub records: u64,
    /// Number of declared fields, and of those that were delivered.
    pub fields: (usize, usize),
    /// Declared fields that were never delivered although records were.
    pub unseen: Vec<String>,
    /// Categories that were delivered.
    pub categories: Vec<String>,
    /// What was denied, by code.
    pub denials: BTreeMap<String, u64>,
    /// What no declaration knows, by path.
    pub undeclared: BTreeMap<String, u64>,
    /// True if the register may not be called current.
    pub drift: bool,
}

impl Observed {
    fn days(&self) -> u64 {
        u64::try_from(self.since.days_until(self.until)).unwrap_or(0)
    }

    pub(super) fn told(&self, manifest: &manifest::Manifest) -> Observation {
        let strangers = self.flows.iter().filter(|(id, _)| !manifest.flows.contains_key(*id));
        Observation {
            since: self.since.to_string(),
            until: self.until.to_string(),
            days: self.days(),
            entries: self.entries,
            undeclared: strangers.map(|(id, own)| (id.clone(), with_fields(own.denials.clone(), &own.undeclared))).collect(),
            elsewhere: self.elsewhere.clone(),
        }
    }

    /// True if something outside of any flow was denied because nothing declares it.
    pub(super) fn has_strangers(&self) -> bool {
        self.elsewhere.keys().any(|code| is_undeclared(code))
    }
}

/// True if the code says that something happened which the manifest does not allow. A record that does not have the form of its schema, that nobody consented
/// to or that is too old, a contract or a certificate that ran out, and a flow that reads more than usual are something else; a code that this hub does not
/// know is no reason to call a register current.
fn is_undeclared(code: &str) -> bool {
    let usual = |code: Code| matches!(code, Code::E206 | Code::E210 | Code::E212 | Code::E213 | Code::E402);
    Code::parse(code).is_none_or(|code| code.class() == Class::Policy && !usual(code))
}

/// Undeclared fields count as denied under their code.
fn with_fields(mut denials: BTreeMap<String, u64>, undeclared: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let fields = undeclared.values().fold(0_u64, |sum, times| sum.saturating_add(*times));
    if fields > 0 {
        let count = denials.entry(Code::E201.id().to_owned()).or_default();
        *count = count.saturating_add(fields);
    }
    denials
}

pub(super) fn seen(observed: &Observed, flow: &manifest::Flow, rule: &FlowRule) -> Seen {
    let nothing = ObservedFlow::default();
    let own = observed.flows.get(&flow.id.value).unwrap_or(&nothing);
    // What was undeclared then and is declared now is no deviation any more.
    let is_declared = |path: &str| FieldPath::parse(path).is_some_and(|path| rule.shape.at(&path).is_some());
    let undeclared: BTreeMap<String, u64> =
        own.undeclared.iter().filter(|(path, _)| !is_declared(path)).map(|(path, times)| (path.clone(), *times)).collect();
    let denials = with_fields(own.denials.clone(), &undeclared);
    let days = days(observed, flow);
    let state = match own {
        _ if denials.keys().any(|code| is_undeclared(code)) => State::Denied,
        own if own.runs > 0 => State::Match,
        _ if days >= DEAD_AFTER_DAYS => State::Dead,
        _ => State::Waiting,
    };
    let arrives: BTreeMap<&str, &str> = rule.fields.iter().map(|field| (field.path.as_str(), field.to.as_str())).collect();
    let found = arrives.values().filter(|to| own.fields.contains(**to)).count();
    let unseen = if own.records == 0 || own.is_cut { Vec::new() } else { unseen(own, &arrives) };
    let is_stale = days >= DEAD_AFTER_DAYS && !unseen.is_empty();
    Seen {
        flow: flow.id.value.clone(),
        state,
        days,
        last_run: own.last_run.clone(),
        runs: own.runs,
        records: own.records,
        fields: (arrives.len(), found),
        drift: matches!(state, State::Denied | State::Dead) || is_stale,
        unseen,
        categories: own.categories.iter().cloned().collect(),
        denials,
        undeclared,
    }
}

fn days(observed: &Observed, flow: &manifest::Flow) -> u64 {
    let approved = flow.approved.as_ref().map(|approval| u64::try_from(approval.at.value.days_until(observed.until)).unwrap_or(0));
    approved.map_or(observed.days(), |since| since.min(observed.days()))
}

/// Source paths of what was never delivered.
fn unseen(own: &ObservedFlow, arrives: &BTreeMap<&str, &str>) -> Vec<String> {
    arrives.iter().filter(|(_, to)| !own.fields.contains(**to)).map(|(path, _)| (*path).to_owned()).collect()
}

pub(super) fn deviations(seen: &Seen) -> Option<Text> {
    let word = if seen.state == State::Dead { Word::DeadFlow } else { Word::DriftOf };
    seen.drift.then(|| Text::with(word, &[&seen.flow]))
}
