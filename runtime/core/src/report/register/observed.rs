//! The observed side: what the host saw of each flow, compared with what is declared. Reads no log; the host counts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::manifest;
use crate::policy::FlowRule;
use crate::report::text::Text;
use crate::report::words::Word;

/// After so many days without a run a declared flow counts as dead.
const DEAD_AFTER_DAYS: u64 = 90;

/// What was observed, out of run records and audit log.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// How many days the observation covers.
    pub days: u64,
    /// By flow id; flows that are not declared too.
    pub flows: BTreeMap<String, ObservedFlow>,
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
    /// Source paths of fields that were seen.
    pub fields: BTreeSet<String>,
    /// What was denied: code (`HUB-E201`) and how often.
    pub denials: BTreeMap<String, u64>,
    /// Fields that no declaration knows: path and how often.
    pub undeclared: BTreeMap<String, u64>,
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
    /// How many days the observation covers.
    pub days: u64,
    /// When it last ran.
    pub last_run: Option<String>,
    /// Number of runs.
    pub runs: u64,
    /// Records that were delivered.
    pub records: u64,
    /// Number of declared fields, and of those that were seen.
    pub fields: (usize, usize),
    /// Declared fields that were never seen although records were.
    pub unseen: Vec<String>,
    /// What was denied, by code.
    pub denials: BTreeMap<String, u64>,
    /// What no declaration knows, by path.
    pub undeclared: BTreeMap<String, u64>,
    /// True if the register may not be called current.
    pub drift: bool,
}

pub(super) fn seen(observed: &Observed, flow: &manifest::Flow, rule: &FlowRule) -> Seen {
    let nothing = ObservedFlow::default();
    let own = observed.flows.get(&flow.id.value).unwrap_or(&nothing);
    let declared: BTreeSet<&str> = rule.fields.iter().map(|field| field.path.as_str()).collect();
    let unseen: Vec<String> = declared.iter().filter(|path| !own.fields.contains(**path)).map(|path| (*path).to_owned()).collect();
    let found = declared.len() - unseen.len();
    let state = match own {
        own if !own.denials.is_empty() || !own.undeclared.is_empty() => State::Denied,
        own if own.runs > 0 => State::Match,
        _ if observed.days >= DEAD_AFTER_DAYS => State::Dead,
        _ => State::Waiting,
    };
    let unseen = if own.records > 0 { unseen } else { Vec::new() };
    Seen {
        flow: flow.id.value.clone(),
        state,
        days: observed.days,
        last_run: own.last_run.clone(),
        runs: own.runs,
        records: own.records,
        fields: (declared.len(), found),
        drift: matches!(state, State::Denied | State::Dead) || !unseen.is_empty(),
        unseen,
        denials: own.denials.clone(),
        undeclared: own.undeclared.clone(),
    }
}

pub(super) fn deviations(seen: &Seen) -> Option<Text> {
    let word = if seen.state == State::Dead { Word::DeadFlow } else { Word::DriftOf };
    seen.drift.then(|| Text::with(word, &[&seen.flow]))
}
