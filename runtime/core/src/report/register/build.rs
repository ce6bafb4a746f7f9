//! Puts the register together from its parts, and finds what is missing in it.

use std::collections::BTreeSet;

use super::{Controller, Entry, Flow, Mandate, Observed, Register, declared, mandate, measures, observed, parties};
use crate::date::Date;
use crate::manifest::{self, Activity, Manifest, Operator};
use crate::policy::{FlowRule, Policy, Screening};
use crate::report::dpia;
use crate::report::names;
use crate::report::text::Text;
use crate::report::words::Word;
use crate::vocab::law;

/// An activity with everything that its parts are built from.
pub(super) struct Scope<'p> {
    pub policy: &'p Policy,
    pub manifest: &'p Manifest,
    pub day: Date,
    pub flows: Vec<(&'p manifest::Flow, &'p FlowRule)>,
}

impl<'p> Scope<'p> {
    pub(super) fn new(policy: &'p Policy, screening: &'p Screening, day: Date) -> Self {
        Self { policy, manifest: policy.manifest(), day, flows: screening.flows.iter().filter_map(|id| policy.flow(id)).collect() }
    }

    /// Ids of all systems that take part, each once.
    pub(super) fn systems(&self) -> BTreeSet<&'p str> {
        self.flows.iter().flat_map(|(flow, _)| [&*flow.from.value.system, &*flow.to.value.system]).collect()
    }

    /// True if any value that passes is about people.
    pub(super) fn is_personal(&self) -> bool {
        self.flows.iter().any(|(_, rule)| rule.fields.iter().any(|field| self.policy.is_personal(&field.category)))
    }
}

pub(super) fn register(policy: &Policy, watched: Option<&Observed>, day: Date) -> Register {
    let manifest = policy.manifest();
    let entries: Vec<Entry> = policy.screened().iter().map(|(name, screening)| entry(policy, watched, day, name, screening)).collect();
    let observation = watched.map(|watched| watched.told(manifest));
    let undeclared: Vec<String> = observation.iter().flat_map(|told| told.undeclared.keys().cloned()).collect();
    let drifts = !undeclared.is_empty()
        || watched.is_some_and(Observed::has_strangers)
        || entries.iter().any(|entry| entry.observed.iter().any(|seen| seen.drift));
    Register {
        as_of: day.to_string(),
        version: manifest.version.as_ref().map(|version| version.value.clone()),
        digest: manifest.digest.clone(),
        controller: controller(&manifest.operator),
        mandates: mandates(policy, day),
        observation,
        undeclared,
        current: watched.map(|_| !drifts),
        changes: Vec::new(),
        entries,
    }
}

fn mandates(policy: &Policy, day: Date) -> Vec<Mandate> {
    mandate::mandates(policy, day)
}

pub(in crate::report) fn controller(operator: &Operator) -> Controller {
    let text = |text: &Option<crate::problem::Spanned<String>>| text.as_ref().map(|text| text.value.clone());
    Controller {
        name: operator.name.value.clone(),
        address: text(&operator.address),
        contact: operator.contact.value.clone(),
        officer: operator.dpo.as_ref().map(|officer| (officer.name.value.clone(), officer.email.value.clone())),
        representative: text(&operator.representative),
        authority: text(&operator.authority),
    }
}

fn entry(policy: &Policy, watched: Option<&Observed>, day: Date, name: &str, screening: &Screening) -> Entry {
    let scope = Scope::new(policy, screening, day);
    let activity = scope.manifest.activities.get(name);
    let text = |text: &Option<crate::problem::Spanned<String>>| text.as_ref().map(|text| text.value.clone());
    let approvals: BTreeSet<Date> = scope.flows.iter().filter_map(|(flow, _)| Some(flow.approved.as_ref()?.at.value)).collect();
    let mut found = Entry {
        name: name.to_owned(),
        description: activity.and_then(|activity| activity.description.as_ref()).map(|text| Text::of(&text.value)),
        departments: departments(&scope, activity),
        contact: activity.and_then(|activity| text(&activity.contact)).unwrap_or_else(|| scope.manifest.operator.contact.value.clone()),
        introduced: approvals.first().map(ToString::to_string),
        changed: approvals.last().map(ToString::to_string),
        flows: scope.flows.iter().map(|(flow, _)| line(scope.manifest, flow)).collect(),
        purposes: declared::purposes(&scope),
        subjects: declared::subjects(&scope),
        persons: declared::persons(&scope),
        categories: declared::categories(&scope),
        recipients: parties::recipients(&scope),
        transfers: parties::transfers(&scope),
        periods: declared::periods(&scope),
        measures: measures::measures(&scope, activity),
        systems: parties::systems(&scope),
        sources: declared::sources(&scope),
        impact: dpia::screened(policy, name, screening),
        rights: parties::rights(&scope),
        observed: watched
            .map_or_else(Vec::new, |watched| scope.flows.iter().map(|(flow, rule)| observed::seen(watched, flow, rule)).collect()),
        deviations: Vec::new(),
        reviews: reviews(&scope, name),
    };
    found.deviations = deviations(&scope, &found);
    found
}

fn line(manifest: &Manifest, flow: &manifest::Flow) -> Flow {
    Flow {
        id: flow.id.value.clone(),
        from: names::stream(manifest, &flow.from.value),
        to: names::stream(manifest, &flow.to.value),
        purpose: flow.purpose.value.clone(),
    }
}

/// The activity's department; without one whoever answers for the flows, their purposes, or the systems that they fill.
fn departments(scope: &Scope<'_>, activity: Option<&Activity>) -> Vec<String> {
    if let Some(department) = activity.and_then(|activity| activity.department.as_ref()) {
        return vec![department.value.clone()];
    }
    let owners = scope.flows.iter().filter_map(|(flow, _)| {
        let purpose = scope.manifest.purposes.get(&flow.purpose.value).and_then(|purpose| purpose.owner.as_ref());
        let system = scope.manifest.systems.get(&*flow.to.value.system).and_then(|system| system.owner.as_ref());
        flow.owner.as_ref().or(purpose).or(system).map(|owner| owner.value.clone())
    });
    owners.collect::<BTreeSet<String>>().into_iter().collect()
}

fn reviews(scope: &Scope<'_>, activity: &str) -> Vec<(String, Text)> {
    let mut found: BTreeSet<(Date, Text)> = BTreeSet::new();
    for decision in scope.manifest.dpia.iter().filter(|decision| decision.activity.value == activity) {
        found.extend(decision.review.as_ref().map(|day| (day.value, Text::with(Word::ReviewImpact, &[&day.value.to_string()]))));
    }
    for system in scope.systems().into_iter().filter_map(|id| scope.manifest.systems.get(id)) {
        if let Some(contract) = &system.contract {
            let reviewed = contract.reviewed.as_ref().unwrap_or(&contract.signed).value;
            let due = contract.review_every.as_ref().and_then(|every| reviewed.plus(every.value));
            let until = contract.valid_until.as_ref().map(|last| last.value);
            let days = [(due, Word::ReviewContract), (until, Word::EndOfContract)];
            let told = days.into_iter().filter_map(|(day, word)| Some((day?, word)));
            found.extend(told.map(|(day, word)| (day, Text::with(word, &[&contract.reference.value, &day.to_string()]))));
        }
        for transfer in &system.transfers {
            let due = transfer.checked.as_ref().zip(transfer.recheck.as_ref()).and_then(|(at, every)| at.value.plus(every.value));
            if let (Some(day), Some(evidence)) = (due, transfer.evidence.as_ref().or(transfer.id.as_ref())) {
                let said = Text::with(Word::ReviewEvidence, &[&evidence.value, &system.id.value, &day.to_string()]);
                found.insert((day, said));
            }
        }
    }
    found.into_iter().map(|(day, text)| (day.to_string(), text)).collect()
}

fn deviations(scope: &Scope<'_>, entry: &Entry) -> Vec<Text> {
    let mut found = Vec::new();
    if scope.manifest.operator.dpo.is_none() {
        found.push(Text::word(Word::NoOfficer));
    }
    let country = scope.manifest.operator.country.as_ref().map(|country| country.value.as_str());
    let is_outside = country.is_some_and(|country| !law::is_eea(country, scope.day));
    if is_outside && scope.manifest.operator.representative.is_none() {
        found.push(Text::word(Word::NoRepresentativeOutside));
    }
    if entry.departments.is_empty() {
        found.push(Text::word(Word::NoDepartment));
    }
    for (flow, _) in &scope.flows {
        let missing = [(flow.activity.is_none(), Word::NoActivity), (flow.approved.is_none(), Word::NoApproval)];
        found.extend(missing.into_iter().filter(|(is, _)| *is).map(|(_, word)| Text::with(word, &[&flow.id.value])));
    }
    if scope.is_personal() {
        found.extend(declared::deviations(scope));
        found.extend(parties::deviations(&entry.rights));
    }
    found.extend(entry.impact.deviation());
    let today = scope.day.to_string();
    found.extend(entry.reviews.iter().filter(|(day, _)| *day < today).map(|(_, text)| Text::with(Word::ReviewLate, &[text])));
    found.extend(entry.observed.iter().flat_map(observed::deviations));
    found
}
