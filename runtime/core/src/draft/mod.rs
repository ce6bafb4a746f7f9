//! Drafts for people: a first manifest from what connectors say about themselves, and what to add to one after fields turned up that it does not know.
//!
//! Only texts come out. What a draft suggests stands behind a `#`: nothing is labelled, granted or allowed before somebody takes the `#` away, and a
//! draft has no flow.

mod drift;
mod json;
mod question;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::description::{Description, HostClaim, StreamClaim};
use crate::labels::{Proposals, Sample, propose};
use crate::record::FieldPath;
use crate::stream::Foreign;

pub use drift::{Drift, Undeclared, drift, patch};
pub use question::Question;

/// A connector that somebody looked at without running it.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// The id that its system is to have.
    pub id: String,
    /// The connector as the manifest is to name it.
    pub reference: String,
    /// What it says about itself.
    pub description: &'a Description,
    /// What the schemas of its streams say beyond that, by stream: for connectors whose schemas were not written for hub.
    pub foreign: &'a BTreeMap<String, Foreign>,
    /// Its configuration without secrets, if there is one.
    pub config: Option<Value>,
    /// Places of secrets in its configuration, dotted.
    pub secrets: Vec<String>,
    /// Addresses that are not known before it has a configuration or runs, in words.
    pub open_hosts: Vec<String>,
    /// Streams whose records must enter the sandbox.
    pub entering: Vec<String>,
    /// Samples of records by stream.
    pub samples: &'a BTreeMap<String, Sample>,
}

/// A first manifest.
#[derive(Debug)]
pub struct Draft {
    /// Systems in the order in which they were named.
    pub systems: Vec<System>,
}

/// A system of a draft.
#[derive(Debug)]
pub struct System {
    /// Its id.
    pub id: String,
    /// Its connector.
    pub reference: String,
    /// Name and version of the connector, and its own sentence about itself.
    pub title: String,
    /// It can be read from.
    pub source: bool,
    /// How it can be written to; empty if it cannot.
    pub modes: Vec<String>,
    /// Its configuration, if one was given.
    pub config: Option<Value>,
    /// What is to be decided.
    pub questions: Vec<Question>,
    /// Streams that can be read.
    pub streams: Vec<Stream>,
}

/// A stream of a draft.
#[derive(Debug)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Fields that identify a record.
    pub primary_key: Vec<FieldPath>,
    /// The field that grows with every change.
    pub cursor: Option<FieldPath>,
    /// Data subjects, as the connector says.
    pub subjects: Vec<String>,
    /// Fields to which the connector gives a category.
    pub known: Vec<(FieldPath, String)>,
    /// Guesses about the others.
    pub proposals: Proposals,
    /// Fields of a sample whose names do not look like names; they are not told.
    pub untold: usize,
    /// What is to be decided.
    pub questions: Vec<Question>,
}

impl Draft {
    /// What is known and what is open.
    #[must_use]
    pub fn new(candidates: &[Candidate<'_>]) -> Self {
        Self { systems: candidates.iter().map(System::of).collect() }
    }

    /// Numbers of systems, streams, suggestions and fields without one.
    #[must_use]
    pub fn counts(&self) -> [usize; 4] {
        let streams = || self.systems.iter().flat_map(|system| &system.streams);
        [
            self.systems.len(),
            streams().count(),
            streams().map(|stream| stream.proposals.fields.len()).sum(),
            streams().map(|stream| stream.proposals.unknown.len()).sum(),
        ]
    }
}

impl System {
    fn of(candidate: &Candidate<'_>) -> Self {
        let description = candidate.description;
        let source = description.source.as_ref();
        let claimed: Vec<Stream> = source.iter().flat_map(|source| &source.streams).map(|claim| Stream::of(claim, candidate)).collect();
        let is_new = |name: &&String| source.is_some_and(|source| source.any_stream) && !claimed.iter().any(|stream| stream.name == **name);
        let sampled: Vec<Stream> =
            candidate.samples.iter().filter(|(name, _)| is_new(name)).map(|(name, sample)| Stream::of_sample(name, sample)).collect();
        Self {
            id: candidate.id.clone(),
            reference: candidate.reference.clone(),
            title: format!("{} {}: {}", description.name, description.version, description.summary),
            source: source.is_some(),
            modes: description.destination.iter().flat_map(|claim| claim.modes.clone()).collect(),
            config: candidate.config.clone(),
            questions: question::of_system(candidate),
            streams: claimed.into_iter().chain(sampled).collect(),
        }
    }
}

impl Stream {
    fn of(claim: &StreamClaim, candidate: &Candidate<'_>) -> Self {
        let own = candidate.foreign.get(&claim.name).map_or_else(|| Foreign::of(&claim.shape), Clone::clone);
        let category = |path: &FieldPath| claim.shape.leaves_within(path).first().and_then(|(_, leaf)| leaf.category.clone());
        let mut proposals = propose(&claim.name, &own, None, candidate.samples.get(&claim.name));
        proposals.fields.retain(|proposal| category(&proposal.path).is_none());
        proposals.unknown.retain(|path| category(path).is_none());
        if !claim.subjects.is_empty() {
            proposals.subjects.clear();
        }
        let known = claim.shape.leaves().into_iter().filter_map(|(path, leaf)| Some((path, leaf.category.clone()?))).collect();
        let stream = Self {
            name: claim.name.clone(),
            summary: claim.summary.clone(),
            primary_key: claim.primary_key.clone(),
            cursor: claim.cursor.clone(),
            subjects: claim.subjects.clone(),
            known,
            proposals,
            untold: 0,
            questions: Vec::new(),
        };
        stream.asked()
    }

    /// A stream of which only records are known.
    fn of_sample(name: &str, sample: &Sample) -> Self {
        let (foreign, untold) = sample.foreign();
        let stream = Self {
            name: name.to_owned(),
            summary: "known from a sample of its records only".to_owned(),
            primary_key: Vec::new(),
            cursor: None,
            subjects: Vec::new(),
            known: Vec::new(),
            proposals: propose(name, &foreign, None, Some(sample)),
            untold,
            questions: Vec::new(),
        };
        stream.asked()
    }

    fn asked(self) -> Self {
        let identifying = self.known.iter().map(|(path, category)| (path, category.as_str()));
        let guessed = self.proposals.fields.iter().map(|proposal| (&proposal.path, proposal.category.as_str()));
        let subjects = question::Subjects { told: &self.subjects, guessed: &self.proposals.subjects };
        let questions = question::of_stream(&subjects, identifying.chain(guessed));
        Self { questions, ..self }
    }
}

/// Where the connector wants to connect, in words of the manifest: origins, and the keys of its configuration that hold one.
fn hosts(description: &Description) -> (Vec<&str>, Vec<&str>) {
    let mut found = (Vec::new(), Vec::new());
    for host in &description.hosts {
        match host {
            HostClaim::Origin(origin) => found.0.push(origin.as_str()),
            HostClaim::Config(key) => found.1.push(key.as_str()),
        }
    }
    found
}
