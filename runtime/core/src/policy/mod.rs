//! The only place that decides: a checked manifest plus what its connectors claim becomes a [`Policy`], and a policy answers questions.
//!
//! A `Policy` can be built from a [`Manifest`] only, so a home-made one cannot open the gate. It reads no clock and has no effect; enforcement is
//! the host's `gate`. Static rules stand in `rules`, dynamic ones in `decide`, what a value becomes in `crate::treat`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::date::Date;
use crate::description::Description;
use crate::gate::FieldPlan;
use crate::manifest::{Action, Flow, Manifest};
use crate::problem::{Code, Problem, Problems};
use crate::record::{FieldPath, StreamId};
use crate::stream::StreamShape;

pub mod address;
pub mod ask;
mod decide;
mod delivery;
mod plan;
pub mod purpose;
mod region;
mod rules;
#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
pub mod verdict;

pub use decide::{INTERFACES, origin_of, show as shown};
pub use delivery::Delivery;
pub use plan::{Means, consult};
pub use region::elsewhere;
pub use rules::impact::{Cause, Hit, Screening};
pub use rules::purposes::Held;
pub(crate) use rules::source::claim;

use ask::{Ask, Occasion};
use verdict::{Grant, Verdict};

/// What the connectors of all systems claim, by system id. A system whose connector could not be read is absent; that is told elsewhere.
pub type Catalogue = BTreeMap<String, Arc<Description>>;

/// What may happen. Everything else may not.
#[derive(Debug)]
pub struct Policy {
    manifest: Manifest,
    flows: BTreeMap<String, FlowRule>,
    graph: rules::purposes::Graph,
    screened: BTreeMap<String, Screening>,
    warnings: Vec<Problem>,
}

/// A flow with everything that was resolved for it.
#[derive(Clone, Debug)]
pub struct FlowRule {
    /// The source stream: the connector's claim, tightened by the manifest.
    pub shape: Arc<StreamShape>,
    /// What passes, leaf by leaf.
    pub fields: Vec<LabelledField>,
    /// Source fields that identify a record.
    pub primary_key: Vec<FieldPath>,
    /// The source field that grows with every change.
    pub cursor: Option<FieldPath>,
    /// Whom the source stream is about.
    pub subjects: Vec<String>,
    /// What the flow reads besides its source, to judge or complete its records.
    pub consulted: Vec<Consulted>,
    /// What becomes of records that the source reports as deleted.
    pub deletes: Deletes,
    /// Who withdraws a consent is deleted at the destination.
    pub retracts: bool,
    /// The first day on which a contract or a transfer that the flow rests on no longer holds. None: no such day is known.
    pub lapses_on: Option<Date>,
}

/// What becomes of records that a source reports as deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletes {
    /// Nothing says that the source reports any: if it does, the run ends.
    Undeclared,
    /// They are deleted at the destination too.
    Applied,
    /// They are counted and go no further: the flow says so, a law wants the records kept, or the destination is replaced as a whole.
    Ignored,
}

/// A stream of which a run reads a few fields into memory; nothing of it is delivered but what a lookup puts in the place of a key.
#[derive(Clone, Debug)]
pub struct Consulted {
    /// The stream.
    pub stream: StreamId,
    /// Its shape.
    pub shape: Arc<StreamShape>,
    /// What for.
    pub role: Role,
}

/// What a stream is consulted for.
#[derive(Clone, Debug)]
pub enum Role {
    /// Who consented.
    Ledger,
    /// What stands behind a key.
    Lookup {
        /// As the manifest writes it.
        via: String,
        /// The field that holds the key. None: the stream has no primary key of one field.
        key: Option<FieldPath>,
        /// The field that takes its place.
        value: FieldPath,
    },
}

/// One value that passes, with the label that it arrives with.
#[derive(Clone, Debug)]
pub struct LabelledField {
    /// Source path of the leaf.
    pub path: FieldPath,
    /// Destination path of the leaf.
    pub to: FieldPath,
    /// What is done with it.
    pub action: Action,
    /// Category at the source.
    pub category: String,
    /// Category at the destination.
    pub resulting: String,
    /// It arrives with less in it (see [`crate::treat::Label`]).
    pub degraded: bool,
    /// It arrives so that only a recipient can read it.
    pub protected: bool,
}

impl LabelledField {
    /// Every category that is in the value when it arrives. What is joined with something else is still what it was: no label above both may hide it.
    pub(crate) fn contained(&self) -> impl Iterator<Item = &str> {
        let joined = matches!(self.action, Action::Concat { .. }).then_some(self.category.as_str());
        std::iter::once(self.resulting.as_str()).chain(joined)
    }
}

impl Policy {
    /// Applies every static rule as of a day.
    ///
    /// # Errors
    /// All findings in one go, warnings among them, sorted by place.
    pub fn build(manifest: Manifest, catalogue: &Catalogue, today: Date) -> Result<Self, Denied> {
        let mut found = Vec::new();
        rules::declarations(&manifest, &mut found);
        let flows = rules::flows(&manifest, catalogue, today, &mut found);
        let graph = rules::purposes::check(&manifest, &flows, &mut found);
        let screened = rules::impact::screen(&manifest, &flows, &graph);
        rules::impact::check(&manifest, &screened, &mut found);
        if found.iter().all(|problem| problem.code.is_warning()) {
            return Ok(Self { manifest, flows, graph, screened, warnings: found });
        }
        match Problems::new(found) {
            Some(problems) => Err(Denied { problems, manifest: Box::new(manifest) }),
            None => Ok(Self { manifest, flows, graph, screened, warnings: Vec::new() }),
        }
    }

    /// What hinders nothing and needs a look.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What a stream's field holds: from where and for what. On networks of very many chains at least one of each kind (see [`purpose::Holdings`]).
    #[must_use]
    pub fn held(&self, stream: &StreamId, path: &FieldPath) -> BTreeSet<Held> {
        self.graph.held(stream, path)
    }

    /// What was found about the risk of each activity; a flow without one is its own.
    #[must_use]
    pub fn screened(&self) -> &BTreeMap<String, Screening> {
        &self.screened
    }

    /// True unless the category says nothing about people, extensions included.
    #[must_use]
    pub fn is_personal(&self, category: &str) -> bool {
        rules::is_personal(&self.manifest, category)
    }

    /// True if a category or one above it carries a mark (a word of [`crate::vocab::MARKS`]), extensions included.
    #[must_use]
    pub fn carries(&self, category: &str, mark: &str) -> bool {
        rules::carries(&self.manifest, category, mark)
    }

    /// Countries outside of the European Economic Area from which the data of a system can be reached on a day: ISO 3166 alpha-2, each once.
    #[must_use]
    pub fn third_countries(&self, system: &str, today: Date) -> Vec<&str> {
        let reached = self.manifest.systems.get(system).map(|system| rules::parties::third_countries(system, today));
        reached.into_iter().flatten().map(|country| country.code).collect()
    }

    /// Contracts and transfers of a flow that do not hold on a day (E210). Empty: it may run.
    #[must_use]
    pub fn lapsed(&self, id: &str, today: Date) -> Vec<Problem> {
        match self.flow(id) {
            Some((flow, rule)) if rule.lapses_on.is_some_and(|day| day <= today) => rules::parties::lapsed(&self.manifest, flow, today),
            _ => Vec::new(),
        }
    }

    /// The manifest that it was built from.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// A flow as declared and as resolved.
    #[must_use]
    pub fn flow(&self, id: &str) -> Option<(&Flow, &FlowRule)> {
        Some((self.manifest.flows.get(id)?, self.flows.get(id)?))
    }

    /// Compiles the plan by which the keys of deleted records pass: as they pass in a record, and nothing beside them.
    ///
    /// # Errors
    /// As [`Policy::plan`].
    pub fn key_plan(&self, id: &str, means: &Means<'_>) -> Result<FieldPlan, Problem> {
        let Some((flow, rule)) = self.flow(id) else {
            return Err(Problem::new(Code::E103, format!("flow `{id}` is not declared"), "name a flow of the manifest"));
        };
        plan::compile_keys(&self.manifest, flow, rule, means)
    }

    /// Compiles the plan that takes the primary key out of records as they arrive, with a digest of each.
    ///
    /// # Errors
    /// E103 for a flow that is not declared, E003 for fields that cannot stand together.
    pub fn arrived_key_plan(&self, id: &str) -> Result<FieldPlan, Problem> {
        let Some((flow, rule)) = self.flow(id) else {
            return Err(Problem::new(Code::E103, format!("flow `{id}` is not declared"), "name a flow of the manifest"));
        };
        plan::compile_arrived_keys(flow, rule)
    }

    /// Compiles the field plan of a flow.
    ///
    /// # Errors
    /// E103 for a flow that is not declared, E214 for a domain without a key, E313 for a lookup without an index, E003 for fields that cannot stand
    /// together or a recipient's key that protects nothing.
    pub fn plan(&self, id: &str, means: &Means<'_>) -> Result<FieldPlan, Problem> {
        let Some((flow, rule)) = self.flow(id) else {
            return Err(Problem::new(Code::E103, format!("flow `{id}` is not declared"), "name a flow of the manifest"));
        };
        plan::compile(&self.manifest, flow, rule, means)
    }
}

/// A manifest that may not run, with what is wrong with it.
#[derive(Debug)]
pub struct Denied {
    /// All findings.
    pub problems: Problems,
    /// The manifest: its texts are needed to show the places.
    pub manifest: Box<Manifest>,
}

/// The fields of a stream, whether or not a rule denies a flow that reads it: the connector's claim, or the manifest's schema, with the manifest's labels.
#[must_use]
pub fn known_shape(manifest: &Manifest, catalogue: &Catalogue, stream: &StreamId) -> StreamShape {
    rules::source::known_shape(manifest, catalogue, stream)
}

/// The answer to a question. The only function that makes a [`Grant`].
#[must_use]
pub fn decide(policy: &Policy, ask: &Ask<'_>, occasion: Occasion<'_>) -> Verdict {
    let refused =
        decide::lapse(policy, occasion).or_else(|| decide::refusal(&policy.manifest, ask)).or_else(|| decide::deletion(policy, ask));
    match refused.or_else(|| decide::unusual(ask, occasion)) {
        None => Verdict::Granted(Grant::new()),
        Some(refusal) => Verdict::Refused(refusal),
    }
}
