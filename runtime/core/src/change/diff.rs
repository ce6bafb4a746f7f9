//! What a change of a manifest means in law: each difference of two canonical forms, with its class, a sentence and the flows that it touches.
//!
//! Does not say whether a change is allowed (the static rules do), only how many people have to agree to it.

mod action;
mod judge;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::closure::{Closure, Closures};
use super::state::State;
use super::walk::{self, Difference};
use crate::date::Date;
use judge::Context;

/// How much a change means. The least comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nobody has to agree: no closure holds it.
    Editorial,
    /// One approval, and the data protection officer is told.
    Material,
    /// Two approvals; notices and screening are made again.
    MaterialHigh,
}

impl Class {
    /// `editorial`, `material`, `material-high`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Editorial => "editorial",
            Self::Material => "material",
            Self::MaterialHigh => "material-high",
        }
    }

    /// How many have to agree.
    #[must_use]
    pub fn approvals(self) -> usize {
        match self {
            Self::Editorial => 0,
            Self::Material => 1,
            Self::MaterialHigh => 2,
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// How much it means.
    pub class: Class,
    /// The keys to the place in the canonical form.
    pub keys: Vec<String>,
    /// The place as people write it: `system.crm.contract.valid_until`.
    pub path: String,
    /// What it is, in a few words.
    pub words: String,
    /// What stood there; None: nothing.
    pub before: Option<Value>,
    /// What stands there now; None: nothing.
    pub after: Option<Value>,
    /// Ids of the flows whose closure it changes.
    pub flows: Vec<String>,
}

impl Change {
    /// As JSON: `class`, `path`, `words`, `before`, `after` (null: nothing), `flows`.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "class": self.class.word(), "path": self.path, "words": self.words,
            "before": self.before, "after": self.after, "flows": self.flows,
        })
    }
}

/// All changes from one state to another, sorted by path. `today` says which countries are third countries.
#[must_use]
pub fn diff(old: &State, new: &State, today: Date) -> Vec<Change> {
    let (before, after) = (whole(old), whole(new));
    let touched = Touched::new(old, new);
    let context = Context::new(old, new, today);
    let differences = walk::differences_of(&before, &after, &is_one_thing);
    let mut changes: Vec<Change> = differences.iter().map(|difference| change(&context, &touched, difference)).collect();
    changes.extend(relabelled(&context, &changes));
    changes.sort_by(|left, right| left.keys.cmp(&right.keys));
    changes
}

/// True if nobody has to agree to a change at this place.
pub(super) fn is_editorial(path: &[String]) -> bool {
    rules::is_editorial(path)
}

/// The canonical form with the connectors beside it.
fn whole(state: &State) -> Value {
    let mut manifest = state.manifest.clone();
    if let Value::Object(sections) = &mut manifest {
        sections.insert("connector".to_owned(), json!(state.connectors));
    }
    manifest
}

/// What is done with a field is one thing, with all that the action needs.
fn is_one_thing(path: &[String]) -> bool {
    matches!(path, [section, _, fields, _] if section == "flow" && fields == "fields")
}

fn change(context: &Context<'_>, touched: &Touched, difference: &Difference<'_>) -> Change {
    let (mut class, mut words) = rules::judge(context, difference);
    let flows = touched.by(&difference.path);
    let section = difference.path.first().map_or("", String::as_str);
    // What no flow uses is in no closure, so there is nothing to agree to.
    if flows.is_empty() && class > Class::Editorial && rules::ONLY_THROUGH_FLOWS.contains(&section) {
        class = Class::Editorial;
        words.push_str(", used by no flow");
    }
    Change {
        class,
        path: walk::show(&difference.path),
        keys: difference.path.clone(),
        words,
        before: difference.before.cloned(),
        after: difference.after.cloned(),
        flows,
    }
}

/// Fields that arrive with another label although nothing of the manifest says so: their connector does.
fn relabelled(context: &Context<'_>, changes: &[Change]) -> Vec<Change> {
    let mut found = Vec::new();
    for (flow, fields) in &context.new.categories {
        let Some(earlier) = context.old.categories.get(flow) else { continue };
        for (path, after) in fields {
            let Some(before) = earlier.get(path).filter(|before| *before != after) else { continue };
            let keys: Vec<String> = ["flow", flow, "fields", path, "category"].map(str::to_owned).into();
            let is_told = changes.iter().any(|change| judge::explains(context, change, flow, path));
            if is_told {
                continue;
            }
            let class = if context.is_special(after) { Class::MaterialHigh } else { Class::Material };
            let words = format!("arrives as `{after}`, before as `{before}`");
            let (before, after) = (Some(Value::from(before.as_str())), Some(Value::from(after.as_str())));
            found.push(Change { class, path: walk::show(&keys), keys, words, before, after, flows: vec![flow.clone()] });
        }
    }
    found
}

/// Which flows a change touches: those whose closure differs at its place.
struct Touched {
    /// Flows whose closure differs.
    flows: Vec<(String, Option<Closure>, Option<Closure>)>,
    /// Section and key → numbers of the flows whose closure has it, before or after.
    holders: BTreeMap<(String, String), BTreeSet<usize>>,
}

impl Touched {
    fn new(old: &State, new: &State) -> Self {
        let before = Closures::new(&old.manifest, &old.connectors);
        let after = Closures::new(&new.manifest, &new.connectors);
        let ids: BTreeSet<&String> = [old, new].into_iter().flat_map(judge::flow_ids).collect();
        let both = ids.into_iter().map(|id| (id.clone(), before.of(id), after.of(id)));
        let flows: Vec<_> = both.filter(|(_, before, after)| before != after).collect();
        let mut holders: BTreeMap<(String, String), BTreeSet<usize>> = BTreeMap::new();
        for (number, (_, before, after)) in flows.iter().enumerate() {
            let sections = [before, after].into_iter().flatten().filter_map(|closure| closure.value.as_object()).flatten();
            for (section, entries) in sections {
                for (key, _) in entries.as_object().into_iter().flatten() {
                    holders.entry((section.clone(), key.clone())).or_default().insert(number);
                }
            }
        }
        Self { flows, holders }
    }

    fn by(&self, path: &[String]) -> Vec<String> {
        let [section, key, ..] = path else { return Vec::new() };
        let holders = self.holders.get(&(section.clone(), key.clone())).into_iter().flatten();
        fn at<'c>(closure: Option<&'c Closure>, path: &[String]) -> Option<&'c Value> {
            closure.and_then(|closure| reach(&closure.value, path))
        }
        let flows = holders.filter_map(|number| self.flows.get(*number));
        flows.filter(|(_, before, after)| at(before.as_ref(), path) != at(after.as_ref(), path)).map(|(id, _, _)| id.clone()).collect()
    }
}

fn reach<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}
