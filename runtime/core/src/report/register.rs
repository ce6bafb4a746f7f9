//! The register of processing activities, Art. 30 GDPR, as a model: what is declared, what was observed, and what is missing between them.
//!
//! One entry for each activity; a flow without one is its own. Texts are in both languages, days are ISO 8601. Renders nothing.

mod build;
mod declared;
mod mandate;
mod measures;
mod observed;
mod parties;

use serde::Serialize;

use super::text::{Named, Text};
use crate::date::Date;
use crate::policy::Policy;

pub use declared::{Category, Collected, Period, Purpose};
pub use mandate::Mandate;
pub use measures::Measures;
pub use observed::{DEAD_AFTER_DAYS, Observation, Observed, ObservedFlow, Seen, State};
pub use parties::{Contract, Recipient, Rights, SystemLine, Transfer};

/// The whole register.
#[derive(Clone, Debug, Serialize)]
pub struct Register {
    /// The day for which it holds.
    pub as_of: String,
    /// The operator's version of the manifest.
    pub version: Option<String>,
    /// Hex SHA-256 of the manifest.
    pub digest: String,
    /// Who is responsible.
    pub controller: Controller,
    /// Entries of Art. 30(1), by name.
    pub entries: Vec<Entry>,
    /// Entries of Art. 30(2): one for each controller on whose behalf the operator works.
    pub mandates: Vec<Mandate>,
    /// What the observation covers; None if nothing was observed.
    pub observation: Option<Observation>,
    /// Flows that ran and are not declared.
    pub undeclared: Vec<String>,
    /// Whether observation and declaration agree; None if nothing was observed.
    pub current: Option<bool>,
    /// Manifests that came into force, the first one first; empty where nothing tells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Changed>,
}

/// A manifest that came into force.
#[derive(Clone, Debug, Serialize)]
pub struct Changed {
    /// From 1 on.
    pub number: u64,
    /// ISO 8601.
    pub day: String,
    /// The gravest class of its changes; empty for the first.
    pub class: String,
    /// Hex SHA-256 of the manifest's canonical form.
    pub digest: String,
    /// Why, if somebody said so.
    pub reason: Option<String>,
    /// Roles that signed.
    pub people: Vec<String>,
    /// What changed: place and words.
    pub what: Vec<String>,
    /// Changes that are not named.
    pub more: u64,
}

/// Art. 30(1)(a).
#[derive(Clone, Debug, Serialize)]
pub struct Controller {
    /// Legal name.
    pub name: String,
    /// Postal address.
    pub address: Option<String>,
    /// Address for data-protection questions.
    pub contact: String,
    /// Data protection officer: name and e-mail address.
    pub officer: Option<(String, String)>,
    /// Representative in the Union.
    pub representative: Option<String>,
    /// Competent supervisory authority.
    pub authority: Option<String>,
}

/// An activity.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its name; the id of a flow that is its own activity.
    pub name: String,
    /// What is done.
    pub description: Option<Text>,
    /// Who answers for it; empty if nobody is named.
    pub departments: Vec<String>,
    /// Whom to ask.
    pub contact: String,
    /// Day of the first approval.
    pub introduced: Option<String>,
    /// Day of the last approval.
    pub changed: Option<String>,
    /// Its flows by id.
    pub flows: Vec<Flow>,
    /// Why data is processed.
    pub purposes: Vec<Purpose>,
    /// Whom it is about.
    pub subjects: Vec<Named>,
    /// About how many persons, by stream.
    pub persons: Vec<(String, u64)>,
    /// What data.
    pub categories: Vec<Category>,
    /// Who gets it.
    pub recipients: Vec<Recipient>,
    /// Third countries.
    pub transfers: Vec<Transfer>,
    /// How long it stays.
    pub periods: Vec<Period>,
    /// How it is protected.
    pub measures: Vec<Measures>,
    /// Where it is processed.
    pub systems: Vec<SystemLine>,
    /// From whom it comes.
    pub sources: Vec<Collected>,
    /// What the screening found, and what was decided.
    pub impact: super::dpia::Screened,
    /// What each system can do for data subjects.
    pub rights: Vec<Rights>,
    /// What was observed, flow by flow; empty if nothing was looked at.
    pub observed: Vec<Seen>,
    /// What is missing or contradicts itself.
    pub deviations: Vec<Text>,
    /// Days on which somebody has to look again, with the reason, the first one first.
    pub reviews: Vec<(String, Text)>,
}

/// A flow of an activity.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    /// Its id.
    pub id: String,
    /// Source stream.
    pub from: Named,
    /// Destination stream.
    pub to: Named,
    /// Purpose id.
    pub purpose: String,
}

impl Register {
    /// Builds it for a day. Without an observation the observed side is told as not looked at.
    #[must_use]
    pub fn build(policy: &Policy, observed: Option<&Observed>, day: Date) -> Self {
        build::register(policy, observed, day)
    }
}
