//! One line for each fact of a register entry. Words only: what is a fact was decided when the register was built.

use std::collections::BTreeMap;

use crate::report::dpia::Screened;
use crate::report::register::{
    Category, Changed, Collected, Contract, Entry, Measures, Observation, Purpose, Recipient, Rights, Seen, State, SystemLine, Transfer,
};
use crate::report::text::{Fact, Parts, Text, counts};
use crate::report::words::Word;

fn fact(text: Option<&String>) -> Option<&dyn Fact> {
    text.map(|text| text as &dyn Fact)
}

pub(super) fn purpose(purpose: &Purpose) -> Vec<Text> {
    let name = &purpose.purpose.name;
    let mut lines = vec![Text::with(Word::WithUse, &[name, &purpose.usage.name])];
    if purpose.profiling {
        lines.push(Text::with(Word::Profiling, &[name]));
    }
    lines.extend(purpose.automated.as_ref().map(|ground| Text::with(Word::Automated, &[name, ground])));
    lines
}

/// The basis of a purpose with what it rests on.
pub(in crate::report) fn basis(purpose: &Purpose) -> Text {
    let word = match purpose.art6 {
        'a' => Word::BasisConsent,
        'b' => Word::BasisContract,
        'c' => Word::BasisDuty,
        'd' => Word::BasisVital,
        'e' => Word::BasisPublic,
        _ => Word::BasisInterest,
    };
    let first = Text::join([&purpose.purpose.name, &Text::word(word)], ": ");
    purpose.details.iter().cloned().fold(Parts::new(first), Parts::and).line()
}

pub(super) fn category(category: &Category) -> Text {
    let mut parts = Parts::new(category.category.name.clone());
    for mark in &category.marks {
        let word = match *mark {
            "art9" => Word::SpecialMark,
            "art10" => Word::CriminalMark,
            _ => Word::FreeTextMark,
        };
        parts = parts.and(Text::word(word));
    }
    let arrives: Vec<Text> = category.arrives_as.iter().map(|other| other.name.clone()).collect();
    if !arrives.is_empty() {
        parts = parts.and(Text::with(Word::ArrivesAs, &[&Text::join(&arrives, ", ")]));
    }
    parts.line()
}

pub(super) fn recipients(who: &Recipient) -> Vec<Text> {
    let helpers = who.contract.iter().flat_map(|contract| &contract.subprocessors);
    let helper = |(name, country, approved): &(String, String, Option<String>)| {
        let first = Parts::new(Text::with(Word::Subprocessor, &[name, country]));
        match approved {
            Some(day) => first.and(Text::with(Word::ApprovedOn, &[day])).line(),
            None => first.and(Text::word(Word::NotApproved)).line(),
        }
    };
    std::iter::once(recipient(who)).chain(helpers.map(helper)).collect()
}

/// A recipient with the contract or the law that it rests on.
pub(super) fn recipient(who: &Recipient) -> Text {
    let named = who.legal_name.as_ref().map_or_else(|| who.system.name.clone(), Text::same);
    let internal = who.owner.as_ref().map_or_else(|| who.system.name.clone(), Text::same);
    let first = match who.role {
        "processor" => Text::with(Word::Processor, &[&named]),
        "separate-controller" => Text::with(Word::SeparateController, &[&named]),
        "joint-controller" => Text::with(Word::Joint, &[&named]),
        _ => Text::with(Word::Internal, &[&internal]),
    };
    let parts = Parts::new(first).and(Text::with(Word::SystemIs, &[&who.system.name]));
    let parts = parts.maybe(Word::Disclosed, fact(who.disclosure.as_ref()));
    who.contract.iter().fold(parts, contract).line()
}

fn contract(parts: Parts, contract: &Contract) -> Parts {
    let parts = parts.and(Text::with(Word::ContractIs, &[&contract.reference, &contract.signed]));
    let parts = match &contract.valid_until {
        Some(last) => parts.and(Text::with(Word::ValidUntil, &[last])),
        None => parts.and(Text::word(Word::NoEnd)),
    };
    parts.maybe(Word::Reviewed, fact(contract.reviewed.as_ref()))
}

fn mechanism(transfer: &Transfer) -> Text {
    Text::word(match transfer.mechanism {
        Some("adequacy") => Word::Adequacy,
        Some("scc") => Word::Clauses,
        Some("bcr") => Word::CorporateRules,
        Some(_) => Word::Derogation,
        None => Word::NoMechanism,
    })
}

/// A third country with what carries the transfer, as far as it is anybody's business.
pub(in crate::report) fn transfer_briefly(transfer: &Transfer) -> Text {
    let first = Text::with(Word::TransferTo, &[&transfer.country, &mechanism(transfer), &transfer.system.name]);
    Parts::new(first)
        .maybe(Word::Decision, fact(transfer.decision.as_ref()))
        .maybe(Word::Instrument, fact(transfer.instrument.as_ref()))
        .line()
}

/// A third country with what carries the transfer and what proves that.
pub(super) fn transfer(transfer: &Transfer) -> Text {
    let module = transfer.module.map(|module| module.to_string());
    let parts = Parts::new(Text::with(Word::TransferTo, &[&transfer.country, &mechanism(transfer), &transfer.system.name]))
        .maybe(Word::Module, fact(module.as_ref()))
        .maybe(Word::Decision, fact(transfer.decision.as_ref()))
        .maybe(Word::Instrument, fact(transfer.instrument.as_ref()))
        .maybe(Word::Reference, fact(transfer.reference.as_ref()))
        .maybe(Word::Signed, fact(transfer.signed.as_ref()))
        .maybe(Word::Evidence, fact(transfer.evidence.as_ref()))
        .maybe(Word::Reviewed, fact(transfer.checked.as_ref()));
    let parts = match &transfer.assessment {
        Some((reference, reviewed)) => parts.and(Text::with(Word::Assessment, &[reference])).maybe(Word::Reviewed, fact(reviewed.as_ref())),
        None => parts,
    };
    parts.maybe(Word::Fallback, fact(transfer.fallback.as_ref())).line()
}

pub(super) fn measures(measures: &[Measures]) -> Vec<Text> {
    measures.iter().map(|goal| Text::join([&goal.goal, &Text::join(&goal.measures, "; ")], ": ")).collect()
}

pub(super) fn systems(entry: &Entry) -> Vec<Text> {
    let flows = entry.flows.iter().map(|flow| Text::with(Word::FlowIs, &[&flow.id, &flow.from.name, &flow.to.name]));
    entry.systems.iter().map(system).chain(flows).collect()
}

fn system(line: &SystemLine) -> Text {
    let place = line.country.as_ref().map_or_else(|| Text::word(Word::CountryUnknown), Text::same);
    let parts = Parts::new(Text::with(Word::StandsIn, &[&line.system.name, &place]));
    line.provider.iter().map(Text::same).fold(parts, Parts::and).and(Text::same(&line.connector)).line()
}

pub(in crate::report) fn source(source: &Collected) -> Text {
    let stream = &source.stream.name;
    let first = match (source.article, &source.from) {
        (Some(_), Some(who)) => Text::with(Word::FromThird, &[stream, who]),
        (Some(_), None) => Text::with(Word::FromSubject, &[stream]),
        (None, _) => Text::with(Word::FromUnknown, &[stream]),
    };
    let purposes: Vec<Text> = source.purposes.iter().map(|purpose| purpose.name.clone()).collect();
    let parts = Parts::new(first);
    if purposes.is_empty() { parts.line() } else { parts.and(Text::with(Word::CollectedFor, &[&Text::join(&purposes, ", ")])).line() }
}

pub(super) fn impact(found: &Screened) -> Vec<Text> {
    let decision = found.decision.clone().unwrap_or_else(|| Text::word(Word::NoDecision));
    let hits = found.hits.iter().map(|hit| hit.text.clone());
    std::iter::once(found.verdict.clone()).chain(hits).chain([decision]).collect()
}

pub(super) fn rights(rights: &Rights) -> Text {
    let word = |support: Option<&str>| {
        Text::word(match support {
            Some("native") => Word::Native,
            Some("emulated") => Word::Emulated,
            Some("manual") => Word::Manual,
            Some(_) => Word::Unsupported,
            None => Word::NoneDeclared,
        })
    };
    let (access, rectify) = (word(rights.access), word(rights.rectify));
    let (erase, restrict) = (word(rights.erase), word(rights.restrict));
    let first = Text::with(Word::RightsOf, &[&rights.system.name, &access, &rectify, &erase, &restrict]);
    Parts::new(first).maybe(Word::Procedure, fact(rights.procedure.as_ref())).line()
}

pub(super) fn seen(seen: &Seen) -> Option<Text> {
    let state = match seen.state {
        State::Match => Text::with(Word::StateMatch, &[&seen.flow]),
        State::Dead => Text::with(Word::StateDead, &[&seen.flow, &seen.days.to_string()]),
        State::Waiting => Text::with(Word::StateWaiting, &[&seen.flow]),
        State::Denied => Text::with(Word::StateDenied, &[&seen.flow]),
    };
    let mut parts = Parts::new(state);
    if let Some(last) = &seen.last_run {
        let (declared, found) = seen.fields;
        parts = parts
            .and(Text::with(Word::LastRun, &[last, &seen.runs.to_string(), &seen.records.to_string()]))
            .and(Text::with(Word::FieldsSeen, &[&found.to_string(), &declared.to_string()]));
    }
    let lists = [
        (Word::Unseen, seen.unseen.join(", ")),
        (Word::CategoriesSeen, seen.categories.join(", ")),
        (Word::Denied, counts(&seen.denials)),
        (Word::NotDeclared, counts(&seen.undeclared)),
    ];
    let told = lists.into_iter().filter(|(_, list)| !list.is_empty());
    Some(told.fold(parts, |parts, (word, list)| parts.and(Text::with(word, &[&list]))).line())
}

/// What an observation covers.
pub(super) fn covered(observation: &Observation) -> Text {
    let (days, entries) = (observation.days.to_string(), observation.entries.to_string());
    Text::with(Word::ObservedFrom, &[&observation.since, &observation.until, &days, &entries])
}

/// What is to be known of an observation besides the activities: what it covers, and what belongs to none of them.
pub(super) fn observation(observation: &Observation) -> Vec<Text> {
    let mut lines = vec![covered(observation)];
    if !observation.undeclared.is_empty() {
        let flow = |(id, denials): (&String, &BTreeMap<String, u64>)| {
            if denials.is_empty() { id.clone() } else { format!("{id} ({})", counts(denials)) }
        };
        lines.push(Text::with(Word::Undeclared, &[&observation.undeclared.iter().map(flow).collect::<Vec<_>>().join(", ")]));
    }
    if !observation.elsewhere.is_empty() {
        lines.push(Text::with(Word::DeniedElsewhere, &[&counts(&observation.elsewhere)]));
    }
    lines
}

/// Places of one change that are named.
const MAX_PLACES: usize = 12;

/// A manifest that came into force.
pub(super) fn changed(changed: &Changed) -> Text {
    let word = match changed.class.as_str() {
        "" => Word::ChangeFirst,
        "editorial" => Word::ChangeEditorial,
        "material" => Word::ChangeMaterial,
        _ => Word::ChangeMaterialHigh,
    };
    let short = changed.digest.get(..12).unwrap_or(&changed.digest);
    let parts = Parts::new(Text::with(word, &[&changed.number.to_string(), &changed.day, &short]));
    let parts = match &changed.reason {
        Some(reason) => parts.and(Text::with(Word::Because, &[reason])),
        None => parts.and(Text::word(Word::NoReason)),
    };
    let mut parts = match changed.people.as_slice() {
        [] => parts.and(Text::word(Word::NobodySigned)),
        people => parts.and(Text::with(Word::DecidedBy, &[&people.join(", ")])),
    };
    if !changed.what.is_empty() {
        let named: Vec<&str> = changed.what.iter().take(MAX_PLACES).map(String::as_str).collect();
        parts = parts.and(Text::with(Word::ChangedPlaces, &[&named.join("; ")]));
    }
    match changed.more + changed.what.len().saturating_sub(MAX_PLACES) as u64 {
        0 => parts.line(),
        more => parts.and(Text::with(Word::MoreChanges, &[&more.to_string()])).line(),
    }
}
