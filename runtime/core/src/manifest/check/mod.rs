//! From joined tables to the checked manifest: every text gets its final type, every problem of form is told in one go.
//!
//! What the grammar told is not told again: a value of the wrong type is passed over here. Whether a name exists is the policy's.

mod action;
mod concat;
mod declare;
mod flow;
mod origin;
mod read;
mod schedule;
mod system;

pub use origin::OriginFault;

use super::load::Loader;
use super::raw::{Node, Raw, Table};
use super::{Manifest, Operator};
use crate::problem::{Code, Span, Spanned};

/// The checked manifest; None if the loader holds problems.
pub(super) fn check(root: &Table, loader: &mut Loader<'_>) -> Option<Manifest> {
    let operator = operator(root, loader);
    let systems = read::keyed(root, "system", loader, system::system);
    let purposes = read::keyed(root, "purpose", loader, declare::purpose);
    let retentions = read::keyed(root, "retention", loader, declare::retention);
    let pseudonyms = read::keyed(root, "pseudonym", loader, declare::pseudonym);
    let recipients = read::keyed(root, "recipient", loader, action::recipient);
    let categories = declare::categories(root, loader);
    let subjects = declare::subjects(root, loader);
    let streams = declare::streams(root, loader);
    let flows = read::keyed(root, "flow", loader, flow::flow);
    if !loader.findings.is_empty() {
        return None;
    }
    let operator = operator?;
    let (sources, digest) = (loader.sources(), loader.digest());
    Some(Manifest {
        sources,
        digest,
        operator,
        systems,
        purposes,
        retentions,
        pseudonyms,
        recipients,
        categories,
        subjects,
        streams,
        flows,
    })
}

fn operator(root: &Table, loader: &mut Loader<'_>) -> Option<Operator> {
    let Some(Node { value: Raw::Table(table), .. }) = root.get("operator") else { return None };
    let name = read::filled(table, "name", loader);
    let contact = read::filled(table, "contact", loader);
    Some(Operator { name: name?, contact: contact? })
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
