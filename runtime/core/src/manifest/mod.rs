//! The checked manifest: every value has its final type, every problem of form has been told. What it *means* is [`crate::policy`]'s.
//!
//! Text becomes [`Manifest`] only here ([`read`]): raw (as written, with spans) → walk (against the grammar) → check (typed, all problems in one go).

mod action;
mod check;
mod filter;
mod finding;
pub mod grammar;
mod load;
pub(crate) mod raw;
pub mod schema;
mod types;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::problem::{Code, Problem, Problems, Sources, Spanned};
use crate::record::{FieldPath, StreamId};

pub use action::{Action, Coarser, DateUnit, Missing, Recipient};
pub use check::OriginFault;
pub use filter::{Comparison, Expression, Filter, FilterFault, Literal, Test};
pub(crate) use finding::shorten;
pub use load::{Files, MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES, NoFiles};
pub use raw::MAX_DEPTH;
pub use types::*;
pub use walk::id_fault;
pub(crate) use walk::{field_path, flatten};

/// Reads a manifest: everything about its form that can be said without a connector. `name` is what messages call it and what `files` gets as
/// `relative_to`.
///
/// # Errors
/// All problems of form in one go, with the texts that their places point into.
pub fn read(name: &str, text: &str, files: &dyn Files) -> Result<Manifest, Failed> {
    read_bytes(name, text.as_bytes(), files)
}

/// [`read`] for bytes that may not be UTF-8 (E001 with the place of the first bad byte).
///
/// # Errors
/// As [`read`].
pub fn read_bytes(name: &str, text: &[u8], files: &dyn Files) -> Result<Manifest, Failed> {
    let mut loader = load::Loader::new(files);
    let root = loader.load(name, text);
    match check::check(&root, &mut loader) {
        Some(manifest) => Ok(manifest),
        None => {
            let sources = loader.sources();
            let unknown = || Problem::new(Code::E001, "the manifest cannot be read", "compare it with the reference").into();
            Err(Failed { problems: Problems::new(loader.findings.into_problems()).unwrap_or_else(unknown), sources })
        }
    }
}

/// A manifest that cannot be read.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Everything that is wrong with its form.
    pub problems: Problems,
    /// The texts that the places point into. Literal secrets are blanked.
    pub sources: Sources,
}

/// Everything that an operator declared.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Texts that the spans point into.
    pub sources: Sources,
    /// Hex SHA-256 over the names and texts of all files, in the order of reading.
    pub digest: String,
    /// The operator's own version of the manifest.
    pub version: Option<Spanned<String>>,
    /// Whether the rules stop flows; absent = enforce.
    pub mode: Spanned<Mode>,
    /// Whether flows need an approval, as written (see [`Manifest::needs_approvals`]).
    pub approvals: Option<Spanned<Approvals>>,
    /// Ed25519 public keys that may approve, by role. Empty: any key may, in any role.
    pub approvers: BTreeMap<String, Vec<Spanned<[u8; 32]>>>,
    /// Who is responsible.
    pub operator: Operator,
    /// The vocabulary that it was written for.
    pub taxonomy: Option<Taxonomy>,
    /// Declared systems by id.
    pub systems: BTreeMap<String, System>,
    /// Declared purposes by id.
    pub purposes: BTreeMap<String, Purpose>,
    /// Assessments of further uses, in the order of writing.
    pub compatibilities: Vec<Compatibility>,
    /// Declared retention rules by id.
    pub retentions: BTreeMap<String, Retention>,
    /// Pseudonym domains by id.
    pub pseudonyms: BTreeMap<String, PseudonymDomain>,
    /// Recipients of encrypted values by id.
    pub recipients: BTreeMap<String, Recipient>,
    /// Extension categories (`[[category]]`) by key.
    pub categories: BTreeMap<String, CategoryExtension>,
    /// Extension subjects (`[[subject]]`) by key.
    pub subjects: BTreeMap<String, SubjectExtension>,
    /// Streams that the manifest itself describes.
    pub streams: BTreeMap<StreamId, StreamDeclaration>,
    /// Declared flows by id. Not listed = denied.
    pub flows: BTreeMap<String, Flow>,
    /// Processing activities by name. A flow may name one that has no table.
    pub activities: BTreeMap<String, Activity>,
    /// Decisions about impact assessments, in the order of writing.
    pub dpia: Vec<ImpactDecision>,
    /// From how many persons on processing is on a large scale, by the operator's own rule.
    pub dpia_large_scale: Option<Spanned<u64>>,
    /// How requests of data subjects are handled.
    pub dsr: Option<RequestRules>,
    /// Hours in which no scheduled run begins.
    pub maintenance: Vec<Maintenance>,
    /// Records that are held back.
    pub quarantine: Option<QuarantineRules>,
    /// How breaches are handled.
    pub breach: Option<BreachRules>,
    /// Who may watch how runs go.
    pub observe: Option<Observe>,
    /// Servers that are told when something needs a look, by id.
    pub alerts: BTreeMap<String, Alert>,
    /// Places outside that signed heads of the audit log go to, by id.
    pub anchors: BTreeMap<String, Anchor>,
}

impl Manifest {
    /// Everybody outside who is told something, anchors last.
    pub fn receivers(&self) -> impl Iterator<Item = &Receiver> {
        let observe = self.observe.iter().flat_map(|observe| {
            let lineage = match &observe.lineage {
                Some(Lineage::Server(receiver)) => Some(&**receiver),
                _ => None,
            };
            lineage.into_iter().chain(&observe.otlp)
        });
        let alerts = self.alerts.values().map(|alert| &alert.receiver);
        observe.chain(alerts).chain(self.anchors.values().filter_map(Anchor::receiver))
    }

    /// The receiver with this id ([`Receiver::id`]).
    #[must_use]
    pub fn receiver(&self, id: &str) -> Option<&Receiver> {
        self.receivers().find(|receiver| receiver.id == id)
    }

    /// What a stream's data was collected for: its own word, else its system's.
    #[must_use]
    pub fn collected_for(&self, stream: &StreamId) -> &[Spanned<String>] {
        let own = self.streams.get(stream).map(|stream| stream.collected_for.as_slice()).filter(|own| !own.is_empty());
        own.or_else(|| self.systems.get(&*stream.system).map(|system| system.collected_for.as_slice())).unwrap_or_default()
    }

    /// True if a key may approve in a role.
    #[must_use]
    pub fn may_approve(&self, role: &str, key: &[u8; 32]) -> bool {
        self.approvers.is_empty() || self.approvers.get(role).is_some_and(|keys| keys.iter().any(|known| known.value == *key))
    }

    /// True if flows need an approval: where the manifest says so, and where it says nothing but one flow has been approved.
    #[must_use]
    pub fn needs_approvals(&self) -> bool {
        match &self.approvals {
            Some(written) => written.value == Approvals::Required,
            None => self.flows.values().any(|flow| flow.approved.is_some()),
        }
    }
}

/// One field of a flow.
#[derive(Clone, Debug)]
pub struct FlowField {
    /// Source path.
    pub path: Spanned<FieldPath>,
    /// Destination path; the same unless `to` says otherwise. Both have the same number of parts when nested.
    pub to: Spanned<FieldPath>,
    /// What is done with the value.
    pub action: Spanned<Action>,
}
