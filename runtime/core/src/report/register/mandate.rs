//! Art. 30(2): what the operator does on behalf of other controllers, for systems that name one (`mandant`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::build::{Scope, controller};
use super::parties::{self, Transfer};
use super::{Controller, Measures, measures};
use crate::date::Date;
use crate::policy::{Policy, Screening};
use crate::report::names;
use crate::report::text::Named;

/// Processing on behalf of one controller.
#[derive(Clone, Debug, Serialize)]
pub struct Mandate {
    /// The controller, as written.
    pub on_behalf_of: String,
    /// The operator as processor.
    pub processor: Controller,
    /// Its systems.
    pub systems: Vec<Named>,
    /// Categories of processing: the purposes of flows that read or fill these systems.
    pub kinds: Vec<Named>,
    /// Third countries.
    pub transfers: Vec<Transfer>,
    /// Measures.
    pub measures: Vec<Measures>,
}

pub(super) fn mandates(policy: &Policy, day: Date) -> Vec<Mandate> {
    let manifest = policy.manifest();
    let mut systems: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for system in manifest.systems.values() {
        if let Some(client) = &system.mandant {
            systems.entry(&client.value).or_default().push(&system.id.value);
        }
    }
    systems.into_iter().map(|(client, systems)| mandate(policy, day, client, &systems)).collect()
}

fn mandate(policy: &Policy, day: Date, client: &str, systems: &[&str]) -> Mandate {
    let manifest = policy.manifest();
    let takes_part =
        |flow: &&crate::manifest::Flow| [&flow.from, &flow.to].into_iter().any(|place| systems.contains(&&*place.value.system));
    let flows = manifest.flows.values().filter(takes_part).map(|flow| flow.id.value.clone()).collect();
    let screening = Screening { flows, ..Screening::default() };
    let scope = Scope::new(policy, &screening, day);
    let mut kinds: Vec<Named> = scope.flows.iter().map(|(flow, _)| names::purpose(manifest, &flow.purpose.value)).collect();
    kinds.sort();
    kinds.dedup();
    Mandate {
        on_behalf_of: client.to_owned(),
        processor: controller(&manifest.operator),
        systems: systems.iter().map(|id| names::system(manifest, id)).collect(),
        kinds,
        transfers: systems.iter().flat_map(|id| parties::of_system(&scope, id)).collect(),
        measures: measures::measures(&scope, None),
    }
}
