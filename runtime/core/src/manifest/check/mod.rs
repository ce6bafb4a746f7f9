//! From joined tables to the checked manifest: every text gets its final type, every problem of form is told in one go.
//!
//! What the grammar told is not told again: a value of the wrong type is passed over here. Whether a name exists is the policy's.

mod action;
mod concat;
mod consent;
mod country;
mod database;
mod declare;
mod flow;
mod govern;
mod observe;
mod operator;
mod origin;
mod party;
mod read;
mod schedule;
mod secret;
mod stream;
mod system;
mod timing;

pub use origin::OriginFault;

use super::load::Loader;
use super::raw::Table;
use super::{Manifest, Mode};
use crate::problem::{Code, Span, Spanned};

/// The checked manifest; None if the loader holds problems.
pub(super) fn check(root: &Table, loader: &mut Loader<'_>) -> Option<Manifest> {
    let operator = read::one(root, "operator", loader, operator::operator);
    let manifest = Manifest {
        version: read::filled(root, "version", loader),
        mode: read::word(root, "mode").unwrap_or(Spanned { value: Mode::Enforce, span: Span::default() }),
        approvals: read::word(root, "approvals"),
        approvers: operator::approvers(root, loader),
        taxonomy: read::one(root, "taxonomy", loader, operator::taxonomy),
        systems: read::keyed(root, "system", loader, system::system),
        purposes: read::keyed(root, "purpose", loader, declare::purpose),
        compatibilities: read::listed(root, "compatibility", loader, declare::compatibility),
        retentions: read::keyed(root, "retention", loader, declare::retention),
        pseudonyms: read::keyed(root, "pseudonym", loader, declare::pseudonym),
        recipients: read::keyed(root, "recipient", loader, action::recipient),
        categories: declare::categories(root, loader),
        subjects: declare::subjects(root, loader),
        streams: stream::streams(root, loader),
        flows: read::keyed(root, "flow", loader, flow::flow),
        activities: read::keyed(root, "activity", loader, govern::activity),
        dpia: read::listed(root, "dpia", loader, govern::dpia),
        dpia_large_scale: read::count(root, "dpia_large_scale"),
        dsr: read::one(root, "dsr", loader, govern::dsr),
        maintenance: read::listed(root, "maintenance", loader, timing::maintenance),
        quarantine: read::one(root, "quarantine", loader, govern::quarantine),
        breach: read::one(root, "breach", loader, govern::breach),
        observe: read::one(root, "observe", loader, observe::observe),
        alerts: read::keyed(root, "alert", loader, observe::alert),
        anchors: observe::anchors(root, loader),
        sources: loader.sources(),
        digest: loader.digest(),
        operator: operator?,
    };
    loader.findings.is_empty().then_some(manifest)
}

/// A table with the id that opens it.
struct Named<'a> {
    id: &'a Spanned<String>,
    table: &'a Table,
    span: Span,
}

impl Named<'_> {
    /// The id as the checked types hold it.
    fn id(&self) -> Spanned<String> {
        self.id.clone()
    }
}

/// Something could not be read although no problem was told: told now, so that nothing is left out in silence.
fn told(loader: &mut Loader<'_>, span: Span) {
    if loader.findings.is_empty() {
        loader
            .findings
            .push(crate::problem::Problem::new(Code::E003, "this table cannot be read", "compare it with the reference").at(span, "here"));
    }
}
