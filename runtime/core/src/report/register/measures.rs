//! Technical and organisational measures by the goals of the Standard-Datenschutzmodell: what hub enforces for an activity, and what the operator adds.

use std::collections::BTreeSet;

use serde::Serialize;

use super::build::Scope;
use crate::manifest::{Action, Activity, ConnectorRef, FlowField, OnErasure};
use crate::report::names;
use crate::report::text::Text;
use crate::report::words::Word;

/// Measures for one goal.
#[derive(Clone, Debug, Serialize)]
pub struct Measures {
    /// The goal.
    pub goal: Text,
    /// What is done for it; never empty.
    pub measures: Vec<Text>,
}

pub(super) fn measures(scope: &Scope<'_>, activity: Option<&Activity>) -> Vec<Measures> {
    let own = activity.and_then(|activity| activity.measures.as_ref()).map(|text| Text::of(&text.value));
    let goals = [
        (Word::Minimisation, minimisation(scope)),
        (Word::Availability, availability(scope)),
        (Word::Integrity, integrity(scope)),
        (Word::Confidentiality, confidentiality(scope)),
        (Word::Unlinkability, unlinkability(scope)),
        (Word::Transparency, vec![Text::word(Word::Logged)]),
        (Word::Intervenability, intervenability(scope)),
        (Word::OwnMeasures, own.into_iter().collect()),
    ];
    let told = goals.into_iter().filter(|(_, measures)| !measures.is_empty());
    told.map(|(goal, measures)| Measures { goal: Text::word(goal), measures }).collect()
}

/// Fields whose action is of a kind, as `flow.field`, joined by commas. None if there is no such field.
fn fields(scope: &Scope<'_>, is: impl Fn(&Action) -> bool) -> Option<String> {
    let of_flow = |flow: &crate::manifest::Flow| {
        let chosen = flow.fields.iter().filter(|field| is(&field.action.value));
        chosen.map(|field: &FlowField| format!("{}.{}", flow.from.value, field.path.value)).collect::<Vec<_>>()
    };
    let names: BTreeSet<String> = scope.flows.iter().flat_map(|(flow, _)| of_flow(flow)).collect();
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join(", "))
}

fn told(word: Word, fact: Option<String>) -> Option<Text> {
    fact.map(|fact| Text::with(word, &[&fact]))
}

fn minimisation(scope: &Scope<'_>) -> Vec<Text> {
    let passing: usize = scope.flows.iter().map(|(_, rule)| rule.fields.len()).sum();
    let withheld = fields(scope, |action| matches!(action, Action::Drop | Action::Null));
    let is_coarser =
        |action: &Action| matches!(action, Action::Mask { .. } | Action::Truncate { .. } | Action::Network { .. } | Action::Generalise(_));
    let first = Text::with(Word::OnlyDeclared, &[&passing.to_string()]);
    let more = [told(Word::Withheld, withheld), told(Word::Coarsened, fields(scope, is_coarser))];
    std::iter::once(first).chain(more.into_iter().flatten()).collect()
}

fn availability(scope: &Scope<'_>) -> Vec<Text> {
    let backup = |id: &str| {
        let rotation = scope.manifest.systems.get(id)?.backup.as_ref()?.rotation.value;
        Some(Text::with(Word::Backups, &[&names::system(scope.manifest, id).name, &Text::period(rotation)]))
    };
    std::iter::once(Text::word(Word::Resumes)).chain(scope.systems().into_iter().filter_map(backup)).collect()
}

fn integrity(scope: &Scope<'_>) -> Vec<Text> {
    let pinned = |id: &str| {
        let system = scope.manifest.systems.get(id)?;
        let is_pinned = matches!(system.connector.value, ConnectorRef::Oci(_) | ConnectorRef::Plugin(_));
        is_pinned.then(|| Text::with(Word::Pinned, &[&names::system(scope.manifest, id).name]))
    };
    std::iter::once(Text::word(Word::Checked)).chain(scope.systems().into_iter().filter_map(pinned)).collect()
}

fn confidentiality(scope: &Scope<'_>) -> Vec<Text> {
    let mut found = vec![Text::word(Word::Sandbox), Text::word(Word::Encrypted)];
    for id in scope.systems() {
        let Some(system) = scope.manifest.systems.get(id) else { continue };
        let name = names::system(scope.manifest, id).name;
        let hosts: Vec<String> =
            system.hosts.iter().map(|host| format!("{}://{}:{}", host.value.scheme, host.value.host, host.value.port)).collect();
        found.push(if hosts.is_empty() {
            Text::with(Word::NoHosts, &[&name])
        } else {
            Text::with(Word::Hosts, &[&name, &hosts.join(", ")])
        });
    }
    for recipient in parameters(scope, |action| if let Action::Encrypt { recipient } = action { Some(recipient) } else { None }) {
        let sealed = fields(scope, |action| matches!(action, Action::Encrypt { recipient: own } if own == recipient));
        found.extend(sealed.map(|fields| Text::with(Word::Sealed, &[&recipient, &fields])));
    }
    found
}

fn unlinkability(scope: &Scope<'_>) -> Vec<Text> {
    let mut found = vec![Text::word(Word::PurposeBound)];
    for domain in parameters(scope, |action| if let Action::Pseudonymise { domain } = action { Some(domain) } else { None }) {
        let tokens = fields(scope, |action| matches!(action, Action::Pseudonymise { domain: own } if own == domain));
        found.extend(tokens.map(|fields| Text::with(Word::Pseudonymised, &[&domain, &fields])));
    }
    found
}

fn parameters<'s>(scope: &'s Scope<'_>, of: impl Fn(&'s Action) -> Option<&'s String>) -> BTreeSet<&'s str> {
    let fields = scope.flows.iter().flat_map(|(flow, _)| &flow.fields);
    fields.filter_map(|field| of(&field.action.value)).map(String::as_str).collect()
}

fn intervenability(scope: &Scope<'_>) -> Vec<Text> {
    let flows = |is: &dyn Fn(&crate::manifest::Flow) -> bool| {
        let ids: Vec<&str> = scope.flows.iter().filter(|(flow, _)| is(flow)).map(|(flow, _)| flow.id.value.as_str()).collect();
        (!ids.is_empty()).then(|| ids.join(", "))
    };
    let erases = |wanted| flows(&move |flow| flow.delete.as_ref().is_some_and(|delete| delete.value == wanted));
    let found = [
        told(Word::Propagates, erases(OnErasure::Propagate)),
        told(Word::Retains, erases(OnErasure::RetainStatutory)),
        told(Word::ConsentGated, flows(&|flow| flow.consent.is_some())),
    ];
    found.into_iter().flatten().collect()
}
