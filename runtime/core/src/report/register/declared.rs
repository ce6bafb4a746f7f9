//! Purposes, people, categories, periods and sources of an activity, as declared.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::build::Scope;
use crate::manifest::{self, DataSource, Manifest, RetentionKind};
use crate::record::StreamId;
use crate::report::names;
use crate::report::text::{Named, Text};
use crate::report::words::Word;

/// Why data is processed, and by what right.
#[derive(Clone, Debug, Serialize)]
pub struct Purpose {
    /// Its id and name.
    pub purpose: Named,
    /// Its use.
    pub usage: Named,
    /// Letter of Art. 6(1).
    pub art6: char,
    /// What the basis rests on, as words with what is declared.
    pub details: Vec<Text>,
    /// The legitimate interest.
    pub interest: Option<Text>,
    /// Letter of Art. 9(2).
    pub art9: Option<char>,
    /// People are evaluated.
    pub profiling: bool,
    /// A machine alone decides: on which ground of Art. 22(2).
    pub automated: Option<Text>,
    /// How people object, as written.
    pub objection: Option<String>,
}

/// A category that passes.
#[derive(Clone, Debug, Serialize)]
pub struct Category {
    /// At the source.
    pub category: Named,
    /// At the destination, where it is another one.
    pub arrives_as: Vec<Named>,
    /// `art9`, `art10`, `free-text`.
    pub marks: Vec<&'static str>,
    /// Source fields as `stream.field`.
    pub fields: Vec<String>,
}

/// How long a stream is kept.
#[derive(Clone, Debug, Serialize)]
pub struct Period {
    /// The stream.
    pub stream: Named,
    /// The rule's id and name; None: nothing is declared.
    pub rule: Option<Named>,
    /// `keep` or `limit`.
    pub kind: Option<&'static str>,
    /// ISO 8601 duration.
    pub period: Option<String>,
    /// The whole rule in words.
    pub text: Text,
}

/// From whom a stream's data comes.
#[derive(Clone, Debug, Serialize)]
pub struct Collected {
    /// The stream in which it was collected.
    pub stream: Named,
    /// 13 or 14; None if nothing says.
    pub article: Option<u8>,
    /// Who gave it, if not the data subject.
    pub from: Option<String>,
    /// What it was collected for.
    pub purposes: Vec<Named>,
}

pub(super) fn purposes(scope: &Scope<'_>) -> Vec<Purpose> {
    let ids: BTreeSet<&str> = scope.flows.iter().map(|(flow, _)| flow.purpose.value.as_str()).collect();
    ids.into_iter().filter_map(|id| Some(purpose(scope.manifest, scope.manifest.purposes.get(id)?))).collect()
}

fn purpose(manifest: &Manifest, declared: &manifest::Purpose) -> Purpose {
    let basis = &declared.basis.value;
    let interest = basis.interest.as_ref().map(|text| Text::of(&text.value));
    let mut details: Vec<Text> = interest.iter().map(|text| Text::with(Word::DetailInterest, &[text])).collect();
    let texts = [
        (&basis.contract, Word::DetailContract),
        (&basis.law, Word::DetailLaw),
        (&basis.lia, Word::DetailBalancing),
        (&basis.reason, Word::DetailReason),
        (&basis.consent_scope, Word::DetailScope),
        (&basis.proof, Word::DetailProof),
    ];
    details.extend(texts.into_iter().filter_map(|(text, word)| Some(Text::with(word, &[&text.as_ref()?.value]))));
    let special = declared.special.as_ref();
    let art9 = special.and_then(|special| Some(special.art9.as_ref()?.value));
    details.extend(art9.map(|letter| Text::with(Word::SpecialGround, &[&letter.to_string()])));
    details.extend(special.and_then(|special| Some(Text::with(Word::DetailLaw, &[&special.law.as_ref()?.value]))));
    let ground = declared.art22.as_ref().map(|ground| match ground.value {
        manifest::DecisionGround::Contract => Word::GroundContract,
        manifest::DecisionGround::Law => Word::GroundLaw,
        manifest::DecisionGround::Consent => Word::GroundConsent,
    });
    Purpose {
        purpose: names::purpose(manifest, &declared.id.value),
        usage: names::usage(&declared.use_key.value),
        art6: basis.art6,
        details,
        interest,
        art9,
        profiling: declared.profiling.is_some(),
        automated: declared.automated_decision.map(|_| Text::word(ground.unwrap_or(Word::NoneDeclared))),
        objection: declared.objection.as_ref().map(|text| text.value.clone()),
    }
}

pub(super) fn subjects(scope: &Scope<'_>) -> Vec<Named> {
    let keys: BTreeSet<&str> = scope.flows.iter().flat_map(|(_, rule)| rule.subjects.iter().map(String::as_str)).collect();
    keys.into_iter().map(|key| names::subject(scope.manifest, key)).collect()
}

pub(super) fn persons(scope: &Scope<'_>) -> Vec<(String, u64)> {
    let streams: BTreeSet<&StreamId> = scope.flows.iter().map(|(flow, _)| &flow.from.value).collect();
    let estimate = |id: &StreamId| Some((id.to_string(), scope.manifest.streams.get(id)?.subjects_est.as_ref()?.value));
    streams.into_iter().filter_map(estimate).collect()
}

pub(super) fn categories(scope: &Scope<'_>) -> Vec<Category> {
    let mut found: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<String>)> = BTreeMap::new();
    for (flow, rule) in &scope.flows {
        for field in rule.fields.iter().filter(|field| scope.policy.is_personal(&field.category)) {
            let (arrives, fields) = found.entry(&field.category).or_default();
            arrives.insert(&field.resulting);
            fields.insert(format!("{}.{}", flow.from.value, field.path));
        }
    }
    let category = |(key, (arrives, fields)): (&str, (BTreeSet<&str>, BTreeSet<String>))| Category {
        category: names::category(scope.manifest, key),
        arrives_as: arrives.into_iter().filter(|other| *other != key).map(|other| names::category(scope.manifest, other)).collect(),
        marks: ["art9", "art10", "free-text"].into_iter().filter(|mark| scope.policy.carries(key, mark)).collect(),
        fields: fields.into_iter().collect(),
    };
    found.into_iter().map(category).collect()
}

pub(super) fn periods(scope: &Scope<'_>) -> Vec<Period> {
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for (flow, _) in &scope.flows {
        let (id, declared) = (&flow.to.value, scope.manifest.streams.get(&flow.to.value));
        let named = declared.into_iter().flat_map(|stream| &stream.retention).chain(&flow.retention);
        let restricts = declared.is_some_and(|stream| stream.after_limit.is_some());
        let rules = named.filter_map(|rule| scope.manifest.retentions.get(&rule.value));
        let before = found.len();
        for rule in rules.filter(|rule| told.insert((id, rule.id.value.as_str()))) {
            found.push(period(names::stream(scope.manifest, id), rule, restricts));
        }
        if found.len() == before && told.iter().all(|(stream, _)| *stream != id) {
            told.insert((id, ""));
            let stream = names::stream(scope.manifest, id);
            let text = Text {
                de: format!("{}: {}", stream.name.de, Text::word(Word::NoneDeclared).de),
                en: format!("{}: {}", stream.name.en, Text::word(Word::NoneDeclared).en),
            };
            found.push(Period { stream, rule: None, kind: None, period: None, text });
        }
    }
    found
}

fn period(stream: Named, rule: &manifest::Retention, restricts: bool) -> Period {
    let word = if rule.kind == RetentionKind::Keep { Word::KeepFor } else { Word::LimitTo };
    let mut parts = crate::report::text::Parts::new(Text::with(word, &[&stream.name, &Text::period(rule.period.value)]));
    if let Some(start) = &rule.start {
        let word = if start.value.end_of_year { Word::FromEndOfYear } else { Word::From };
        parts = parts.and(Text::with(word, &[&start.value.event]));
    }
    for statute in &rule.statute {
        parts = parts.and(Text::same(&statute.value));
    }
    if let Some(rationale) = &rule.rationale {
        parts = parts.and(Text::of(&rationale.value));
    }
    parts = parts.maybe(Word::Suspended, rule.suspend.as_ref().map(|event| &event.value as _));
    if let Some(then) = &rule.then {
        parts = parts.and(Text::word(if then.value == manifest::Then::Erase { Word::ThenErase } else { Word::ThenRestrict }));
    }
    if restricts && rule.kind == RetentionKind::Limit {
        parts = parts.and(Text::word(Word::AtLimitRestrict));
    }
    let name = rule.name.as_ref().map_or_else(|| Text::same(&rule.id.value), |name| Text::of(&name.value));
    Period {
        stream,
        rule: Some(Named { key: rule.id.value.clone(), name }),
        kind: Some(rule.kind.word()),
        period: Some(rule.period.value.to_string()),
        text: parts.line(),
    }
}

pub(super) fn sources(scope: &Scope<'_>) -> Vec<Collected> {
    let mut origins: BTreeMap<StreamId, BTreeSet<String>> = BTreeMap::new();
    for (flow, rule) in &scope.flows {
        for field in rule.fields.iter().filter(|field| scope.policy.is_personal(&field.category)) {
            let held = scope.policy.held(&flow.from.value, &field.path);
            if held.is_empty() {
                origins.entry(flow.from.value.clone()).or_default();
            }
            for held in held {
                origins.entry(held.origin).or_default().insert(held.collected);
            }
        }
    }
    let collected = |(id, purposes): (StreamId, BTreeSet<String>)| {
        let source = scope.manifest.streams.get(&id).and_then(|stream| stream.source.as_ref()).map(|source| &source.value);
        Collected {
            stream: names::stream(scope.manifest, &id),
            article: source.map(|source| if *source == DataSource::Subject { 13 } else { 14 }),
            from: source.and_then(|source| match source {
                DataSource::Subject => None,
                DataSource::ThirdParty(who) => Some(who.clone()),
            }),
            purposes: purposes.into_iter().map(|id| names::purpose(scope.manifest, &id)).collect(),
        }
    };
    origins.into_iter().map(collected).collect()
}

/// What of this is missing.
pub(super) fn deviations(scope: &Scope<'_>) -> Vec<Text> {
    let mut found = BTreeSet::new();
    for (flow, rule) in &scope.flows {
        if rule.subjects.is_empty() {
            found.insert(Text::with(Word::NoSubjects, &[&flow.from.value.to_string()]));
        }
    }
    found.extend(
        periods(scope)
            .into_iter()
            .filter(|period| period.rule.is_none())
            .map(|period| Text::with(Word::NoRetention, &[&period.stream.key])),
    );
    let rules = periods(scope).into_iter().filter_map(|period| period.rule);
    let without_start = rules.filter(|rule| scope.manifest.retentions.get(&rule.key).is_some_and(|rule| rule.start.is_none()));
    found.extend(without_start.map(|rule| Text::with(Word::NoStart, &[&rule.key])));
    let unknown = sources(scope).into_iter().filter(|source| source.article.is_none());
    found.extend(unknown.map(|source| Text::with(Word::NoSource, &[&source.stream.key])));
    found.into_iter().collect()
}
