//! The screening for an impact assessment as a document: which criteria of WP 248 rev.01 the manifest shows, with field, flow and reason.
//!
//! It tells what was found and what is open. It never says that no assessment is needed: nobody can tell that from a manifest.

use std::collections::BTreeSet;

use serde::Serialize;

use super::names;
use super::sheet::{Document, Row, Section};
use super::text::{Parts, Text};
use super::words::Word;
use crate::date::Date;
use crate::manifest::{Decision, ImpactDecision, Manifest};
use crate::policy::{Cause, Hit, Policy, Screening};
use crate::vocab;

/// What was found for one activity, and what was decided.
#[derive(Clone, Debug, Serialize)]
pub struct Screened {
    /// Criteria that are met: 1 to 9.
    pub criteria: BTreeSet<u8>,
    /// What met them.
    pub hits: Vec<Found>,
    /// Entries of Art. 35(3) GDPR and of the supervisory authorities' list (DSK, version 1.1) that these hits make likely.
    pub listed: Vec<Text>,
    /// The verdict in words: no indicator, reasons wanted, or HUB-E170.
    pub verdict: Text,
    /// What was decided, in words.
    pub decision: Option<Text>,
    /// What only people can answer.
    pub questions: Vec<Text>,
}

/// A criterion that is met.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// 1 to 9.
    pub criterion: u8,
    /// Id of the flow.
    pub flow: String,
    /// Source field, if one caused it.
    pub field: Option<String>,
    /// The whole finding in words.
    pub text: Text,
}

impl Screened {
    /// What the register has to tell as missing.
    #[must_use]
    pub fn deviation(&self) -> Option<Text> {
        (!self.criteria.is_empty() && self.decision.is_none()).then(|| Text::word(Word::OpenImpact))
    }
}

/// Screens one activity.
#[must_use]
pub fn screened(policy: &Policy, activity: &str, screening: &Screening) -> Screened {
    let manifest = policy.manifest();
    let criteria = screening.criteria();
    let decision = manifest.dpia.iter().find(|decision| decision.activity.value == activity);
    let mut questions = vec![Text::word(Word::AskList), Text::word(Word::AskHidden)];
    for flow in screening.flows.iter().filter_map(|id| manifest.flows.get(id)) {
        if manifest.streams.get(&flow.from.value).is_none_or(|stream| stream.subjects_est.is_none()) {
            questions.push(Text::with(Word::AskLarge, &[&flow.from.value.to_string()]));
        }
    }
    if criteria.len() == 1 && decision.is_none() {
        questions.push(Text::word(Word::AskReasons));
    }
    questions.dedup();
    Screened {
        verdict: verdict(&criteria),
        listed: listed(screening, &criteria),
        hits: screening.hits.iter().map(|hit| found(manifest, hit)).collect(),
        decision: decision.map(decided),
        questions,
        criteria,
    }
}

/// Entries of lists whose conditions the hits meet. Each asks for two criteria at least, so that HUB-E170 has been told where one stands here.
fn listed(screening: &Screening, criteria: &BTreeSet<u8>) -> Vec<Text> {
    let has = |wanted: &[u8]| wanted.iter().all(|criterion| criteria.contains(criterion));
    let of_kind = |roots: &[&str]| {
        screening.hits.iter().any(|hit| match &hit.cause {
            Cause::Watches(_, key) | Cause::Special(_, key) | Cause::HighlyPersonal(_, key) => {
                roots.iter().any(|root| vocab::is_within(key, root))
            }
            _ => false,
        })
    };
    let is_special = screening.hits.iter().any(|hit| matches!(hit.cause, Cause::Special(..)));
    let of_employees = screening
        .hits
        .iter()
        .any(|hit| matches!(&hit.cause, Cause::Vulnerable(_, subjects) if subjects.split(", ").any(|subject| subject == "employee")));
    let more = criteria.len() > 1;
    let entries = [
        (has(&[1, 2]), Word::ListedEvaluation),
        (has(&[5]) && is_special, Word::ListedSpecial),
        (more && of_kind(&["user.biometric", "user.authorization.biometric"]), Word::ListedBiometric),
        (more && of_kind(&["user.health_and_medical.genetic"]), Word::ListedGenetic),
        (has(&[5]) && of_kind(&["user.location"]), Word::ListedLocation),
        (has(&[5, 6]), Word::ListedMerging),
        (has(&[3]) && of_employees, Word::ListedEmployees),
        (has(&[1, 5]), Word::ListedProfiles),
        (has(&[1, 8]), Word::ListedArtificial),
    ];
    let met = entries.into_iter().filter(|(is, _)| *is);
    met.map(|(_, word)| Text::with(Word::LikelyListed, &[&Text::word(word)])).collect()
}

fn verdict(criteria: &BTreeSet<u8>) -> Text {
    let numbers = criteria.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    match criteria.len() {
        0 => Text::word(Word::NoIndicator),
        1 => Text::with(Word::OneIndicator, &[&numbers]),
        many => Text::with(Word::ManyIndicators, &[&many.to_string(), &numbers]),
    }
}

fn found(manifest: &Manifest, hit: &Hit) -> Found {
    let cause = cause(manifest, &hit.cause);
    let named = Text::with(Word::InFlow, &[&cause, &hit.flow]);
    let criterion = criterion(hit.criterion);
    let text = Text::with(Word::Criterion, &[&hit.criterion.to_string(), &Text::join([&criterion, &named], " – ")]);
    let field = match &hit.cause {
        Cause::Watches(path, _) | Cause::Special(path, _) | Cause::HighlyPersonal(path, _) => Some(path.to_string()),
        _ => None,
    };
    Found { criterion: hit.criterion, flow: hit.flow.clone(), field, text }
}

fn criterion(number: u8) -> Text {
    let words = [
        Word::Criterion1,
        Word::Criterion2,
        Word::Criterion3,
        Word::Criterion4,
        Word::Criterion5,
        Word::Criterion6,
        Word::Criterion7,
        Word::Criterion8,
        Word::Criterion9,
    ];
    words.get(usize::from(number).wrapping_sub(1)).map_or_else(|| Text::same(number.to_string()), |word| Text::word(*word))
}

fn cause(manifest: &Manifest, cause: &Cause) -> Text {
    let purpose = |word, id: &str| Text::with(word, &[&names::purpose(manifest, id).name]);
    let field =
        |word, path: &crate::record::FieldPath, key: &str| Text::with(word, &[&path.as_str(), &names::category(manifest, key).name]);
    match cause {
        Cause::Evaluates(id) => purpose(Word::CauseEvaluates, id),
        Cause::Decides(id) => purpose(Word::CauseDecides, id),
        Cause::Prevents(id) => purpose(Word::CausePrevents, id),
        Cause::Watches(path, key) => field(Word::CauseWatches, path, key),
        Cause::Special(path, key) => field(Word::CauseSpecial, path, key),
        Cause::HighlyPersonal(path, key) => field(Word::CauseHighlyPersonal, path, key),
        Cause::LargeScale(stream, persons, threshold) => {
            Text::with(Word::CauseLargeScale, &[&stream.to_string(), &persons.to_string(), &threshold.to_string()])
        }
        Cause::Combines(stream, systems, purposes) => Text::with(Word::CauseCombines, &[&stream.to_string(), systems, purposes]),
        Cause::Vulnerable(stream, subjects) => {
            let names: Vec<Text> = subjects.split(", ").map(|key| names::subject(manifest, key).name).collect();
            Text::with(Word::CauseVulnerable, &[&stream.to_string(), &Text::join(&names, ", ")])
        }
        Cause::Artificial(flow) => Text::with(Word::CauseArtificial, &[flow]),
    }
}

fn decided(decision: &ImpactDecision) -> Text {
    let word = match decision.decision.value {
        Decision::Required => Word::DecisionRequired,
        Decision::Done => Word::DecisionDone,
        Decision::NotRequired => Word::DecisionAgainst,
    };
    let reasons = decision.reasons.as_ref().map(|reasons| Text::of(&reasons.value));
    let people: Vec<&str> = decision.by.iter().map(|name| name.value.as_str()).collect();
    let people = (!people.is_empty()).then(|| people.join(", "));
    let mut parts = Parts::new(Text::word(word))
        .maybe(Word::Because, reasons.as_ref().map(|text| text as _))
        .maybe(Word::DecidedBy, people.as_ref().map(|text| text as _));
    if let Some(day) = &decision.at {
        parts = parts.and(Text::same(day.value.to_string()));
    }
    let again = decision.review.as_ref().map(|day| day.value.to_string());
    parts.maybe(Word::Again, again.as_ref().map(|text| text as _)).line()
}

/// The document: one section for each activity.
#[must_use]
pub fn document(policy: &Policy, day: Date) -> Document {
    let manifest = policy.manifest();
    let version = manifest.version.as_ref().map_or_else(|| Text::word(Word::NoVersion), |version| Text::same(&version.value));
    let section = |(activity, screening): (&String, &Screening)| {
        let found = screened(policy, activity, screening);
        let mut lines = vec![found.verdict];
        lines.extend(found.hits.into_iter().map(|hit| hit.text));
        lines.extend(found.listed);
        lines.push(found.decision.unwrap_or_else(|| Text::word(Word::NoDecision)));
        lines.extend(found.questions.iter().map(|question| Text::with(Word::Question, &[question])));
        Section { title: Text::same(activity), rows: vec![Row::new(Word::Impact, lines, Word::NoIndicator)] }
    };
    Document {
        title: Text::word(Word::ScreeningTitle),
        about: vec![Text::with(Word::Version, &[&day.to_string(), &version, &manifest.digest]), Text::word(Word::ScreeningScope)],
        sections: policy.screened().iter().map(section).collect(),
    }
}
