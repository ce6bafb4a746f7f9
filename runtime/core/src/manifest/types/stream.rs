//! What the operator says about a stream: whom it is about, where it comes from, how a person is found in it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::operator::Wording;
use super::words::words;
use crate::detect::DetectorSet;
use crate::problem::{Span, Spanned};
use crate::record::{FieldPath, StreamField};

/// `[stream.SYSTEM.NAME]`.
#[derive(Clone, Debug, Default)]
pub struct StreamDeclaration {
    /// Where the table is opened.
    pub span: Span,
    /// Name for people.
    pub name: Option<Spanned<Wording>>,
    /// Data subjects.
    pub subjects: Vec<Spanned<String>>,
    /// Purposes for which the data was collected, by id.
    pub collected_for: Vec<Spanned<String>>,
    /// From whom.
    pub source: Option<Spanned<DataSource>>,
    /// How a person is found, by the kind of identifier.
    pub identity: BTreeMap<String, IdentityKey>,
    /// Retention rule ids.
    pub retention: Vec<Spanned<String>>,
    /// What happens at the limit while another rule still keeps the record.
    pub after_limit: Option<Spanned<AfterLimit>>,
    /// Fields that stay in a restricted record.
    pub keep_fields: Vec<Spanned<FieldPath>>,
    /// About how many persons.
    pub subjects_est: Option<Spanned<u64>>,
    /// Set if the stream says who consented to what.
    pub consent_ledger: Option<ConsentLedger>,
    /// What values of a field may look like in spite of its category.
    pub may_hold: Vec<(Spanned<FieldPath>, DetectorSet)>,
    /// Field path → category: adds fields of a dynamic stream, or tightens a label.
    pub fields: Vec<(Spanned<FieldPath>, Spanned<String>)>,
    /// Field path → category, for fields that records have and neither the connector nor the schema describes.
    pub added: Vec<(Spanned<FieldPath>, Spanned<String>)>,
    /// JSON Schema with `x-hub-category`, as read from the file that `schema = "…"` names.
    pub schema: Option<Spanned<Value>>,
    /// Fields that identify a record.
    pub primary_key: Vec<Spanned<FieldPath>>,
    /// The field that grows with every change.
    pub cursor: Option<Spanned<FieldPath>>,
    /// Whether the source reports records that were deleted. None: what its description says.
    pub deletes: Option<Spanned<bool>>,
}

impl StreamDeclaration {
    /// Every category that the manifest itself gives to a field of the stream.
    pub fn labels(&self) -> impl Iterator<Item = &(Spanned<FieldPath>, Spanned<String>)> {
        self.fields.iter().chain(&self.added)
    }
}

/// `source = "subject"` or `"third-party:WHO"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataSource {
    /// The person, Art. 13.
    Subject,
    /// Somebody else, Art. 14: who.
    ThirdParty(String),
}

/// `identity.KIND = { field, strength, … }`.
#[derive(Clone, Debug)]
pub struct IdentityKey {
    /// Where the kind stands.
    pub span: Span,
    /// The field that holds the identifier, or the fields that do together; at least one.
    pub fields: Vec<Spanned<FieldPath>>,
    /// How surely it names one person.
    pub strength: Spanned<Strength>,
    /// The field of another stream that holds the same identifier.
    pub via: Option<Spanned<StreamField>>,
    /// Id of the pseudonym domain in which the identifier is written.
    pub domain: Option<Spanned<String>>,
}

/// `consent_ledger = { subject, scope, status, at, proof }`: which field says what. None = not said.
#[derive(Clone, Debug)]
pub struct ConsentLedger {
    /// Where the table stands.
    pub span: Span,
    /// Who.
    pub subject: Option<Spanned<FieldPath>>,
    /// To what.
    pub scope: Option<Spanned<FieldPath>>,
    /// Given or withdrawn.
    pub status: Option<Spanned<FieldPath>>,
    /// What the status of a valid consent says; empty = [`ConsentLedger::GIVEN`].
    pub given: Vec<Spanned<String>>,
    /// When.
    pub at: Option<Spanned<FieldPath>>,
    /// By which proof.
    pub proof: Option<Spanned<FieldPath>>,
}

impl ConsentLedger {
    /// What the status of a valid consent says, unless the ledger says otherwise.
    pub const GIVEN: [&'static str; 4] = ["given", "granted", "confirmed", "subscribed"];
}

words! {
    /// How surely an identifier names one person.
    Strength {
        /// Issued by a system, or a verified channel.
        Strong = "strong",
        /// Usually one person.
        Medium = "medium",
        /// Candidates for a review only.
        Weak = "weak",
    }

    /// What happens at a limit.
    AfterLimit {
        /// The record is kept and not used.
        Restrict = "restrict",
    }
}
