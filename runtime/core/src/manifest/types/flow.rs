//! What goes where, why, and how.

use super::operator::{Approval, Wording};
use super::timing::{Schedule, Timing};
use super::words::words;
use crate::date::Period;
use crate::manifest::{Filter, FlowField};
use crate::problem::{Span, Spanned};
use crate::record::{FieldPath, StreamId};

/// `[flow.ID]`.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The id and its place.
    pub id: Spanned<String>,
    /// Source stream.
    pub from: Spanned<StreamId>,
    /// Destination stream.
    pub to: Spanned<StreamId>,
    /// Purpose id.
    pub purpose: Spanned<String>,
    /// What passes; nothing else does.
    pub fields: Vec<FlowField>,
    /// Where `fields` stands.
    pub fields_span: Span,
    /// Retention rule ids for the destination stream, where the manifest has no `[stream]` table for it.
    pub retention: Vec<Spanned<String>>,
    /// What happens to earlier content of the destination.
    pub mode: Spanned<WriteMode>,
    /// None: one pass for each `hub run`.
    pub schedule: Option<Spanned<Schedule>>,
    /// What becomes of its times.
    pub timing: Timing,
    /// File with the state from which the first run goes on; of no effect once hub has stored one.
    pub state: Option<Spanned<String>>,
    /// Fields of a record that no declaration knows.
    pub on_undeclared: OnUndeclared,
    /// Records that contradict the schema or cannot be read.
    pub on_invalid: OnInvalid,
    /// Name for people.
    pub name: Option<Spanned<Wording>>,
    /// Processing activity that it belongs to.
    pub activity: Option<Spanned<String>>,
    /// Who answers for it.
    pub owner: Option<Spanned<String>>,
    /// Why it is needed.
    pub rationale: Option<Spanned<Wording>>,
    /// Which records pass; the others are left out and counted.
    pub filter: Option<Spanned<Filter>>,
    /// What the destination does when the source erases.
    pub delete: Option<Spanned<OnErasure>>,
    /// What becomes of records that the source reports as deleted; absent = apply, where both sides can.
    pub deletes: Option<Spanned<OnDeleted>>,
    /// Who approved it.
    pub approved: Option<Approval>,
    /// Reference of the assessment that carries the change of purpose (`own_basis.compatibility`).
    pub own_basis: Option<Spanned<String>>,
    /// Consent without which no record passes.
    pub consent: Option<ConsentGate>,
}

/// `[flow.ID.consent]`.
#[derive(Clone, Debug)]
pub struct ConsentGate {
    /// Where the table stands.
    pub span: Span,
    /// The stream that says who consented.
    pub ledger: Spanned<StreamId>,
    /// What must have been consented to.
    pub scope: Spanned<String>,
    /// Field of the source → field of the ledger with the same value; at least one pair.
    pub matching: Vec<(Spanned<FieldPath>, Spanned<FieldPath>)>,
    /// How old what hub knows of the ledger may be.
    pub max_age: Option<Spanned<Period>>,
    /// What a withdrawal does at the destination; absent = retract.
    pub on_withdrawal: OnWithdrawal,
}

words! {
    /// What a run does to earlier content of the destination.
    WriteMode {
        /// Adds.
        Append = "append",
        /// Replaces as a whole at the end of the run.
        Replace = "replace",
        /// Overwrites by primary key.
        Upsert = "upsert",
    }

    /// What happens to fields of a record that no declaration knows (E201).
    OnUndeclared {
        /// They are left out and counted by path.
        Drop = "drop",
        /// The record waits in the quarantine for two people.
        Hold = "hold",
        /// The run ends; nothing of the batch is delivered.
        Stop = "stop",
    }

    /// What happens to a record that cannot be read or contradicts the schema (E219, E220).
    OnInvalid {
        /// The run ends before the record; the cursor stays.
        Stop = "stop",
        /// It is left out and counted.
        Skip = "skip",
    }

    /// What the destination does when the source erases.
    OnErasure {
        /// It erases too.
        Propagate = "propagate",
        /// It keeps what a law makes it keep.
        RetainStatutory = "retain-statutory",
    }

    /// What becomes of records that the source reports as deleted.
    OnDeleted {
        /// They are deleted at the destination too.
        Apply = "apply",
        /// They stay there; how many it were is counted.
        Ignore = "ignore",
    }

    /// What a withdrawal of consent does at the destination.
    OnWithdrawal {
        /// What was delivered is erased there.
        Retract = "retract",
        /// What was delivered stays; nothing more is.
        Keep = "keep",
    }
}
