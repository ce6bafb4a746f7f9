//! What would change if a manifest were applied: tables to add, change and remove, what that means in law, and who has to agree.
//!
//! A plan changes nothing and decides nothing: findings come from the static rules, the rest from comparing.

mod show;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::State;
use super::closure::{Closures, text};
use super::diff::{Change, Class, diff};
use super::lock::Lock;
use crate::date::Date;
use crate::policy::{Delivery, Policy};
use crate::problem::Problem;

/// What happens to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// It is new.
    Add,
    /// Something in it differs.
    Change,
    /// It is gone.
    Remove,
}

/// One table of the manifest that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What happens to it.
    pub step: Step,
    /// `flow`, `system`, `stream` …
    pub section: String,
    /// Its id; `system.stream` of a stream. Empty where the section is one table.
    pub id: String,
    /// What it is about, in a few words. May be empty.
    pub summary: String,
    /// Its changes, sorted by path.
    pub changes: Vec<Change>,
}

/// Who has to agree to a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Id of the flow.
    pub flow: String,
    /// The gravest change of its closure.
    pub class: Class,
    /// How many have to sign.
    pub wanted: usize,
    /// How many people signed it as it is now.
    pub given: usize,
}

/// Entries of the register, which are activities; a flow without one is its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Register {
    /// New entries.
    pub new: BTreeSet<String>,
    /// Entries whose content changes.
    pub changed: BTreeSet<String>,
    /// Entries without a flow from now on.
    pub gone: BTreeSet<String>,
}

/// A finding of the static rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `HUB-E171`.
    pub code: &'static str,
    /// It hinders nothing.
    pub is_warning: bool,
    /// What is wrong.
    pub title: String,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What to do.
    pub help: String,
}

/// What would change.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Digest of the earlier canonical form. None: nothing was applied yet.
    pub from: Option<String>,
    /// Digest of the new one.
    pub to: String,
    /// Tables that differ, flows first.
    pub entries: Vec<Entry>,
    /// Findings of the rules, in their order.
    pub findings: Vec<Finding>,
    /// What the register gains, loses and has changed.
    pub register: Register,
    /// Activities with the criteria of WP 248 that they meet; those that meet none are left out.
    pub screening: BTreeMap<String, BTreeSet<u8>>,
    /// Who has to agree to flows that change.
    pub approvals: Vec<Need>,
    /// What each flow's destination makes of a batch that comes twice.
    pub delivery: BTreeMap<String, Delivery>,
}

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What was applied last. None: nothing.
    pub old: Option<&'a State>,
    /// What is to be applied.
    pub new: &'a State,
    /// The new manifest's policy. None if it is denied: then nothing is screened.
    pub policy: Option<&'a Policy>,
    /// Whether flows need approvals.
    pub needs_approvals: bool,
    /// What the rules found.
    pub findings: &'a [Problem],
    /// Approvals.
    pub lock: &'a Lock,
    /// What each flow's destination makes of a batch that comes twice.
    pub delivery: &'a BTreeMap<String, Delivery>,
    /// The day.
    pub today: Date,
}

impl Plan {
    /// Compares.
    #[must_use]
    pub fn new(request: &Request<'_>) -> Self {
        let empty = State::empty();
        let old = request.old.unwrap_or(&empty);
        let changes = diff(old, request.new, request.today);
        let screened = request.policy.into_iter().flat_map(Policy::screened);
        Self {
            from: request.old.map(State::digest),
            to: request.new.digest(),
            register: register(old, request.new, &changes),
            approvals: needs(request, &changes),
            entries: entries(request.new, old, changes),
            findings: request.findings.iter().map(finding).collect(),
            delivery: request.delivery.clone(),
            screening: screened.map(|(id, found)| (id.clone(), found.criteria())).filter(|(_, criteria)| !criteria.is_empty()).collect(),
        }
    }

    /// True if applying it would change something.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.entries.is_empty()
    }

    /// True if the manifest is denied as it is.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.findings.iter().any(|finding| !finding.is_warning)
    }

    /// As JSON, format version 1.
    #[must_use]
    pub fn json(&self) -> Value {
        let entries: Vec<Value> = self.entries.iter().map(Entry::json).collect();
        let findings = self
            .findings
            .iter()
            .map(|finding| json!({ "code": finding.code, "title": finding.title, "notes": finding.notes, "help": finding.help }));
        let approvals = self
            .approvals
            .iter()
            .map(|need| json!({ "flow": need.flow, "class": need.class.word(), "wanted": need.wanted, "given": need.given }));
        json!({
            "version": 1, "from": self.from, "to": self.to, "changes": entries,
            "findings": findings.collect::<Vec<_>>(), "approvals": approvals.collect::<Vec<_>>(),
            "register": { "new": self.register.new, "changed": self.register.changed, "gone": self.register.gone },
            "screening": self.screening,
            "delivery": self.delivery.iter().map(|(flow, delivery)| (flow.clone(), json!(delivery.word()))).collect::<serde_json::Map<_, _>>(),
        })
    }

    /// As text for people, without colours. `name` is the manifest's, `against` what it is compared with.
    #[must_use]
    pub fn human(&self, name: &str, against: &str) -> String {
        show::human(self, name, against)
    }
}

impl Entry {
    /// The class of its gravest change.
    #[must_use]
    pub fn class(&self) -> Class {
        self.changes.iter().map(|change| change.class).max().unwrap_or(Class::Editorial)
    }

    fn json(&self) -> Value {
        let step = match self.step {
            Step::Add => "add",
            Step::Change => "change",
            Step::Remove => "remove",
        };
        let changes: Vec<Value> = self.changes.iter().map(Change::json).collect();
        json!({ "step": step, "section": self.section, "id": self.id, "class": self.class().word(), "changes": changes })
    }
}

fn finding(problem: &Problem) -> Finding {
    Finding {
        code: problem.code.id(),
        is_warning: problem.code.is_warning(),
        title: problem.title.clone(),
        notes: problem.notes.clone(),
        help: problem.help.clone(),
    }
}

/// Order of the sections; the rest follows by name.
const FIRST: [&str; 4] = ["flow", "system", "stream", "purpose"];

fn entries(new: &State, old: &State, changes: Vec<Change>) -> Vec<Entry> {
    let mut groups: BTreeMap<(usize, String, String), (Step, Vec<Change>)> = BTreeMap::new();
    for change in changes {
        let (section, id, depth) = table_of(&change.keys);
        let rank = FIRST.iter().position(|first| *first == section).unwrap_or(FIRST.len());
        let step = match (change.keys.len() <= depth, &change.before, &change.after) {
            (true, None, _) => Step::Add,
            (true, _, None) => Step::Remove,
            _ => Step::Change,
        };
        let group = groups.entry((rank, section, id)).or_insert((step, Vec::new()));
        group.1.push(change);
    }
    let entry = |((_, section, id), (step, changes)): ((usize, String, String), (Step, Vec<Change>))| {
        let summary = if section == "flow" { route(new, &id).or_else(|| route(old, &id)).unwrap_or_default() } else { String::new() };
        Entry { step, section, id, summary, changes }
    };
    groups.into_iter().map(entry).collect()
}

/// Section, id and number of keys of the table that a path is in. A connector belongs to its system.
fn table_of(keys: &[String]) -> (String, String, usize) {
    match keys {
        [section, system, stream, ..] if section == "stream" => (section.clone(), format!("{system}.{stream}"), 3),
        [section, key, id, ..] if section == "audit" => (format!("{section}.{key}"), id.clone(), 3),
        [section, system, ..] if section == "connector" => ("system".to_owned(), system.clone(), 0),
        [section, ..] if matches!(section.as_str(), "operator" | "taxonomy" | "dsr" | "breach") => (section.clone(), String::new(), 1),
        [section, id, ..] => (section.clone(), id.clone(), 2),
        [section] => (section.clone(), String::new(), 1),
        [] => (String::new(), String::new(), 0),
    }
}

fn route(state: &State, id: &str) -> Option<String> {
    let flow = state.manifest.get("flow")?.get(id)?;
    Some(format!("{} → {}   {}", text(flow, "from")?, text(flow, "to")?, text(flow, "purpose")?))
}

/// Activity → its flows.
fn activities(state: &State) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (id, flow) in state.manifest.get("flow").and_then(Value::as_object).into_iter().flatten() {
        found.entry(text(flow, "activity").unwrap_or(id)).or_default().insert(id);
    }
    found
}

fn register(old: &State, new: &State, changes: &[Change]) -> Register {
    let (before, after) = (activities(old), activities(new));
    let missing = |from: &BTreeMap<&str, BTreeSet<&str>>, other: &BTreeMap<&str, BTreeSet<&str>>| {
        from.keys().filter(|id| !other.contains_key(*id)).map(|id| (*id).to_owned()).collect()
    };
    let touched: BTreeSet<&str> = changes.iter().flat_map(|change| &change.flows).map(String::as_str).collect();
    let described: BTreeSet<&str> = changes
        .iter()
        .filter(|change| change.keys.first().is_some_and(|key| key == "activity"))
        .filter_map(|change| change.keys.get(1))
        .map(String::as_str)
        .collect();
    let is_changed = |id: &&str| {
        let flows = [&before, &after].into_iter().filter_map(|all| all.get(id)).flatten();
        before.contains_key(id) && (described.contains(id) || flows.into_iter().any(|flow| touched.contains(flow)))
    };
    let changed = after.keys().filter(|id| is_changed(id)).map(|id| (*id).to_owned()).collect();
    Register { new: missing(&after, &before), gone: missing(&before, &after), changed }
}

fn needs(request: &Request<'_>, changes: &[Change]) -> Vec<Need> {
    let mut classes: BTreeMap<&str, Class> = BTreeMap::new();
    for change in changes {
        for flow in &change.flows {
            let class = classes.entry(flow).or_insert(Class::Editorial);
            *class = (*class).max(change.class);
        }
    }
    let closures = Closures::new(&request.new.manifest, &request.new.connectors);
    let need = |(flow, class): (&str, Class)| {
        let closure = closures.of(flow)?;
        let given = request.lock.given(flow, &closure.digest);
        // Where approvals are demanded, the officer who is told of a material change signs as well.
        let wanted = if request.needs_approvals && class > Class::Editorial { 2 } else { class.approvals() };
        Some(Need { flow: flow.to_owned(), class, wanted, given })
    };
    classes.into_iter().filter_map(need).collect()
}
