//! Screening for an impact assessment (E170): the nine criteria of WP 248 rev.01, found in the flow graph, with what caused each.
//!
//! Says what was found, never that none is needed: with no hit there is no indicator, and that is all.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::{Decision, Flow, ImpactDecision, Manifest};
use crate::policy::FlowRule;
use crate::problem::{Code, Problem, Span};
use crate::record::{FieldPath, StreamId};
use crate::vocab;

use super::meetings::Meeting;
use super::purposes::Graph;
use super::{carries, is_personal};

/// From how many persons on processing counts as large, unless the manifest says. No law has a number.
const LARGE_SCALE: u64 = 50_000;
/// Who cannot easily refuse.
const VULNERABLE: [&str; 5] = ["employee", "job_applicant", "patient", "trainee", "next_of_kin"];
const MONITORING: [&str; 4] = ["user.location", "user.telemetry", "user.sensor", "user.behavior.browsing_history"];
const HIGHLY_PERSONAL: [&str; 2] = ["user.location.precise", "user.financial.credit_card"];

/// A criterion of WP 248 rev.01 that a flow meets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// 1 to 9.
    pub criterion: u8,
    /// What caused it.
    pub cause: Cause,
    /// Id of the flow.
    pub flow: String,
}

/// What meets a criterion, in names of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A purpose evaluates people: its id.
    Evaluates(String),
    /// A purpose lets a machine alone decide: its id.
    Decides(String),
    /// Data that watches people: source path and category.
    Watches(FieldPath, String),
    /// Data of Art. 9 or 10: source path and category.
    Special(FieldPath, String),
    /// Highly personal data: source path and category.
    HighlyPersonal(FieldPath, String),
    /// A stream about many people: about how many, and from how many on that counts.
    LargeScale(StreamId, u64, u64),
    /// A stream in which data of several systems and several purposes of collection meets: both, joined by commas.
    Combines(StreamId, String, String),
    /// A stream about people who cannot easily refuse: their keys, joined by commas.
    Vulnerable(StreamId, String),
    /// An AI system receives data: its id.
    Artificial(String),
    /// A purpose may keep people from a right, a service or a contract: its id.
    Prevents(String),
}

/// For messages, in English.
impl std::fmt::Display for Cause {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Evaluates(purpose) => write!(out, "purpose `{purpose}` evaluates people"),
            Self::Decides(purpose) => write!(out, "purpose `{purpose}` lets a machine alone decide"),
            Self::Watches(path, category) => write!(out, "`{path}` (`{category}`) is of the kind that watches people"),
            Self::Special(path, category) => write!(out, "`{path}` (`{category}`) is data of Art. 9 or 10"),
            Self::HighlyPersonal(path, category) => write!(out, "`{path}` (`{category}`) is highly personal"),
            Self::LargeScale(stream, persons, threshold) => {
                write!(out, "`{stream}` is about {persons} persons (the operator's threshold is {threshold}; no law has a number)")
            }
            Self::Combines(stream, systems, purposes) => {
                write!(out, "`{stream}` combines data from {systems} that was collected for {purposes}")
            }
            Self::Vulnerable(stream, subjects) => write!(out, "`{stream}` is about {subjects}"),
            Self::Artificial(flow) => write!(out, "flow `{flow}` serves an AI system"),
            Self::Prevents(purpose) => write!(out, "purpose `{purpose}` may keep people from a right, a service or a contract"),
        }
    }
}

/// What was found for one activity.
#[derive(Clone, Debug, Default)]
pub struct Screening {
    /// Its flows.
    pub flows: Vec<String>,
    /// What was found, each once.
    pub hits: BTreeSet<Hit>,
}

impl Screening {
    /// The criteria that are met.
    #[must_use]
    pub fn criteria(&self) -> BTreeSet<u8> {
        self.hits.iter().map(|hit| hit.criterion).collect()
    }
}

/// Screens all activities; a flow without one is its own.
pub(in crate::policy) fn screen(manifest: &Manifest, rules: &BTreeMap<String, FlowRule>, graph: &Graph) -> BTreeMap<String, Screening> {
    let mut found: BTreeMap<String, Screening> = BTreeMap::new();
    for flow in manifest.flows.values() {
        let Some(rule) = rules.get(&flow.id.value) else { continue };
        let activity = flow.activity.as_ref().map_or(&flow.id.value, |activity| &activity.value);
        let screening = found.entry(activity.clone()).or_default();
        screening.flows.push(flow.id.value.clone());
        let mut hit = |criterion, cause: Cause| {
            screening.hits.insert(Hit { criterion, cause, flow: flow.id.value.clone() });
        };
        of_purpose(manifest, flow, &mut hit);
        of_data(manifest, rule, &mut hit);
        of_people(manifest, flow, rule, &mut hit);
        let by_law = manifest.purposes.get(&flow.purpose.value).is_some_and(|purpose| purpose.basis.value.art6 == 'c');
        if !by_law {
            let Meeting { systems, purposes } = graph.meeting(&flow.to.value, rule.fields.iter().map(|field| &field.to));
            if systems.len() > 1 && purposes.len() > 1 {
                hit(6, Cause::Combines(flow.to.value.clone(), systems.join(", "), purposes.join(", ")));
            }
        }
    }
    found
}

fn join(words: &BTreeSet<&str>) -> String {
    words.iter().copied().collect::<Vec<_>>().join(", ")
}

fn of_purpose(manifest: &Manifest, flow: &Flow, hit: &mut impl FnMut(u8, Cause)) {
    let Some(purpose) = manifest.purposes.get(&flow.purpose.value) else { return };
    let (id, use_key) = (&purpose.id.value, purpose.use_key.value.as_str());
    if purpose.profiling.is_some() || use_key.contains("profil") || use_key.contains("targeted") {
        hit(1, Cause::Evaluates(id.clone()));
    }
    if purpose.automated_decision.is_some() {
        hit(2, Cause::Decides(id.clone()));
    }
    let receives = manifest.systems.get(&*flow.to.value.system);
    if use_key.starts_with("train_ai") || receives.is_some_and(|system| system.ai.is_some()) {
        hit(8, Cause::Artificial(flow.id.value.clone()));
    }
    if purpose.prevents_right.is_some() {
        hit(9, Cause::Prevents(id.clone()));
    }
}

fn of_data(manifest: &Manifest, rule: &FlowRule, hit: &mut impl FnMut(u8, Cause)) {
    for field in rule.fields.iter().filter(|field| is_personal(manifest, &field.resulting)) {
        field.contained().for_each(|category| of_category(manifest, &field.path, category, hit));
    }
}

fn of_category(manifest: &Manifest, path: &FieldPath, category: &str, hit: &mut impl FnMut(u8, Cause)) {
    let within = |category: &str, roots: &[&str]| roots.iter().any(|root| vocab::is_within(category, root));
    if within(category, &MONITORING) {
        hit(3, Cause::Watches(path.clone(), category.to_owned()));
    }
    if carries(manifest, category, "art9") || carries(manifest, category, "art10") {
        hit(4, Cause::Special(path.clone(), category.to_owned()));
    } else if within(category, &HIGHLY_PERSONAL) {
        hit(4, Cause::HighlyPersonal(path.clone(), category.to_owned()));
    }
}

fn of_people(manifest: &Manifest, flow: &Flow, rule: &FlowRule, hit: &mut impl FnMut(u8, Cause)) {
    let declared = manifest.streams.get(&flow.from.value);
    let threshold = manifest.dpia_large_scale.as_ref().map_or(LARGE_SCALE, |large| large.value);
    if let Some(persons) = declared.and_then(|stream| stream.subjects_est.as_ref()).filter(|persons| persons.value >= threshold) {
        hit(5, Cause::LargeScale(flow.from.value.clone(), persons.value, threshold));
    }
    let vulnerable: BTreeSet<&str> = rule.subjects.iter().map(String::as_str).filter(|subject| VULNERABLE.contains(subject)).collect();
    if !vulnerable.is_empty() {
        hit(7, Cause::Vulnerable(flow.from.value.clone(), join(&vulnerable)));
    }
}

/// E170: two criteria or more, and nobody decided.
pub(in crate::policy) fn check(manifest: &Manifest, screened: &BTreeMap<String, Screening>, found: &mut Vec<Problem>) {
    for (activity, screening) in screened {
        let criteria = screening.criteria();
        if criteria.len() < 2 {
            continue;
        }
        let decision = manifest.dpia.iter().find(|decision| decision.activity.value == *activity);
        let Some(open) = what_is_open(decision) else { continue };
        let numbers: Vec<String> = criteria.iter().map(u8::to_string).collect();
        let title = format!("activity `{activity}` meets the criteria {} for an impact assessment, and {open}", numbers.join(", "));
        let help =
            "assess the impact (Art. 35 GDPR) and record it: `[[dpia]]` with `decision = \"done\"`, or reasons of two people why not";
        let span = place(manifest, decision, screening);
        let problem = Problem::new(Code::E170, title, help).at(span, "of this activity");
        let causes: BTreeSet<String> = screening.hits.iter().map(|hit| format!("criterion {}: {}", hit.criterion, hit.cause)).collect();
        found.push(causes.into_iter().fold(problem, Problem::note));
    }
}

fn what_is_open(decision: Option<&ImpactDecision>) -> Option<&'static str> {
    let Some(decision) = decision else { return Some("nobody decided about one") };
    let people: BTreeSet<&str> = decision.by.iter().map(|name| name.value.as_str()).collect();
    match decision.decision.value {
        Decision::Done => None,
        Decision::Required => Some("the one that is required is not done"),
        Decision::NotRequired if decision.reasons.is_none() => Some("the decision against one has no reasons"),
        Decision::NotRequired if people.len() < 2 => Some("one person alone decided against one"),
        Decision::NotRequired => None,
    }
}

fn place(manifest: &Manifest, decision: Option<&ImpactDecision>, screening: &Screening) -> Span {
    let flow = screening.flows.first().and_then(|id| manifest.flows.get(id));
    let of_flow = flow.map(|flow| flow.activity.as_ref().map_or(flow.id.span, |activity| activity.span));
    decision.map(|decision| decision.span).or(of_flow).unwrap_or_default()
}
