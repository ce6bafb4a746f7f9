//! Who takes part in an activity: recipients, third countries, systems, and what each system can do for data subjects.

use std::collections::BTreeSet;

use serde::Serialize;

use super::build::Scope;
use crate::date::Date;
use crate::manifest::{self, RightsSupport, Role, Support, System};
use crate::problem::Spanned;
use crate::report::names;
use crate::report::text::{Named, Text};
use crate::report::words::Word;
use crate::vocab::law;

/// Somebody who gets data, or handles it on the operator's behalf.
#[derive(Clone, Debug, Serialize)]
pub struct Recipient {
    /// The system.
    pub system: Named,
    /// `own`, `processor`, `separate-controller`, `joint-controller`.
    pub role: &'static str,
    /// Legal name, if it is not the operator.
    pub legal_name: Option<String>,
    /// Role inside the operator's organisation.
    pub owner: Option<String>,
    /// What allows to hand data to another controller.
    pub disclosure: Option<String>,
    /// The contract.
    pub contract: Option<Contract>,
}

/// A contract of Art. 26 or 28.
#[derive(Clone, Debug, Serialize)]
pub struct Contract {
    /// The operator's reference.
    pub reference: String,
    /// First day.
    pub signed: String,
    /// Last day; None = no end.
    pub valid_until: Option<String>,
    /// Last review.
    pub reviewed: Option<String>,
    /// Who works for the processor: name, country, day of approval.
    pub subprocessors: Vec<(String, String, Option<String>)>,
}

/// A third country that a system reaches, and one mechanism that carries that.
#[derive(Clone, Debug, Serialize)]
pub struct Transfer {
    /// The system.
    pub system: Named,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// `adequacy`, `scc`, `bcr`, `derogation`; None: nothing is declared.
    pub mechanism: Option<&'static str>,
    /// The decision of the Commission that is in force on the day.
    pub decision: Option<String>,
    /// The instrument's name.
    pub instrument: Option<String>,
    /// Proof that the recipient is covered.
    pub evidence: Option<String>,
    /// When the evidence was last looked at.
    pub checked: Option<String>,
    /// Module of the standard contractual clauses.
    pub module: Option<u32>,
    /// When the clauses were signed.
    pub signed: Option<String>,
    /// Transfer impact assessment: reference and last review.
    pub assessment: Option<(String, Option<String>)>,
    /// The transfer that carries on if this one falls.
    pub fallback: Option<String>,
    /// The operator's reference.
    pub reference: Option<String>,
}

/// A system.
#[derive(Clone, Debug, Serialize)]
pub struct SystemLine {
    /// Its id and name.
    pub system: Named,
    /// The connector, as written.
    pub connector: String,
    /// Where it stands, ISO 3166 alpha-2.
    pub country: Option<String>,
    /// Who runs the machines.
    pub provider: Option<String>,
}

/// What a system can do for data subjects: words of the manifest, None = not said.
#[derive(Clone, Debug, Serialize)]
pub struct Rights {
    /// The system.
    pub system: Named,
    /// Art. 15.
    pub access: Option<&'static str>,
    /// Art. 16.
    pub rectify: Option<&'static str>,
    /// Art. 17.
    pub erase: Option<&'static str>,
    /// Art. 18.
    pub restrict: Option<&'static str>,
    /// How people do it.
    pub procedure: Option<String>,
}

fn written<T: Clone>(value: Option<&Spanned<T>>) -> Option<T> {
    value.map(|value| value.value.clone())
}

fn day(value: Option<&Spanned<Date>>) -> Option<String> {
    value.map(|value| value.value.to_string())
}

/// Everybody but the operator's own sources: what comes from there has not been handed to anybody.
pub(super) fn recipients(scope: &Scope<'_>) -> Vec<Recipient> {
    let receiving: BTreeSet<&str> = scope.flows.iter().map(|(flow, _)| &*flow.to.value.system).collect();
    let systems = scope.systems().into_iter().filter_map(|id| scope.manifest.systems.get(id));
    let handed = systems.filter(|system| role(system) != Role::Own || receiving.contains(system.id.value.as_str()));
    handed.map(|system| recipient(scope, system)).collect()
}

/// Without a role it runs on this machine (the static rules see to that), so it is the operator's own.
fn role(system: &System) -> Role {
    system.role.as_ref().map_or(Role::Own, |role| role.value)
}

fn recipient(scope: &Scope<'_>, system: &System) -> Recipient {
    Recipient {
        system: names::system(scope.manifest, &system.id.value),
        role: role(system).word(),
        legal_name: written(system.legal_name.as_ref()),
        owner: written(system.owner.as_ref()),
        disclosure: system.disclosure.as_ref().map(|disclosure| disclosure.law.value.clone()),
        contract: system.contract.as_ref().map(contract),
    }
}

fn contract(contract: &manifest::Contract) -> Contract {
    let helpers = contract.subprocessors.iter();
    Contract {
        reference: contract.reference.value.clone(),
        signed: contract.signed.value.to_string(),
        valid_until: day(contract.valid_until.as_ref()),
        reviewed: day(contract.reviewed.as_ref()),
        subprocessors: helpers
            .map(|helper| (helper.name.value.clone(), helper.country.value.clone(), day(helper.approved.as_ref())))
            .collect(),
    }
}

pub(super) fn transfers(scope: &Scope<'_>) -> Vec<Transfer> {
    scope.systems().into_iter().flat_map(|id| of_system(scope, id)).collect()
}

pub(super) fn of_system(scope: &Scope<'_>, id: &str) -> Vec<Transfer> {
    let Some(system) = scope.manifest.systems.get(id) else { return Vec::new() };
    let mut found = Vec::new();
    for country in scope.policy.third_countries(id, scope.day) {
        let before = found.len();
        let declared = system.transfers.iter().filter(|transfer| transfer.to.value == country);
        found.extend(declared.map(|transfer| of_country(scope, system, country, Some(transfer))));
        if found.len() == before {
            found.push(of_country(scope, system, country, None));
        }
    }
    found
}

fn of_country(scope: &Scope<'_>, system: &System, country: &str, transfer: Option<&manifest::Transfer>) -> Transfer {
    let mechanism = transfer.map(|transfer| transfer.mechanism.value);
    let decision = law::row(&format!("adequacy.{country}"), scope.day).map(|row| row.source.clone());
    Transfer {
        system: names::system(scope.manifest, &system.id.value),
        country: country.to_owned(),
        mechanism: mechanism.map(manifest::Mechanism::word),
        decision: decision.filter(|_| mechanism == Some(manifest::Mechanism::Adequacy)),
        instrument: transfer.and_then(|transfer| written(transfer.instrument.as_ref())),
        evidence: transfer.and_then(|transfer| written(transfer.evidence.as_ref())),
        checked: transfer.and_then(|transfer| day(transfer.checked.as_ref())),
        module: transfer.and_then(|transfer| written(transfer.module.as_ref())),
        signed: transfer.and_then(|transfer| day(transfer.signed.as_ref())),
        assessment: transfer
            .and_then(|transfer| transfer.tia.as_ref())
            .map(|tia| (tia.reference.value.clone(), day(tia.reviewed.as_ref()))),
        fallback: transfer.and_then(|transfer| written(transfer.fallback.as_ref())),
        reference: transfer.and_then(|transfer| written(transfer.reference.as_ref())),
    }
}

pub(super) fn systems(scope: &Scope<'_>) -> Vec<SystemLine> {
    let line = |system: &System| SystemLine {
        system: names::system(scope.manifest, &system.id.value),
        connector: system.connector.value.to_string(),
        country: system.hosting.as_ref().map(|hosting| hosting.country.value.clone()),
        provider: system.hosting.as_ref().and_then(|hosting| written(hosting.provider.as_ref())),
    };
    scope.systems().into_iter().filter_map(|id| scope.manifest.systems.get(id)).map(line).collect()
}

pub(super) fn rights(scope: &Scope<'_>) -> Vec<Rights> {
    scope.systems().into_iter().filter_map(|id| scope.manifest.systems.get(id)).map(|system| right(scope, system)).collect()
}

fn right(scope: &Scope<'_>, system: &System) -> Rights {
    let rights = system.dsr.as_ref();
    let word = |of: fn(&RightsSupport) -> &Option<Spanned<Support>>| {
        rights.and_then(|rights| of(rights).as_ref()).map(|support| support.value.word())
    };
    Rights {
        system: names::system(scope.manifest, &system.id.value),
        access: word(|rights| &rights.access),
        rectify: word(|rights| &rights.rectify),
        erase: word(|rights| &rights.erase),
        restrict: word(|rights| &rights.restrict),
        procedure: rights.and_then(|rights| written(rights.procedure.as_ref())),
    }
}

pub(super) fn deviations(rights: &[Rights]) -> Vec<Text> {
    let unsaid = |rights: &&Rights| [rights.access, rights.rectify, rights.erase, rights.restrict].contains(&None);
    rights.iter().filter(unsaid).map(|rights| Text::with(Word::NoRights, &[&rights.system.name])).collect()
}
