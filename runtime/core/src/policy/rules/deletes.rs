//! What becomes of records that the source reports as deleted: they are deleted at the destination too, or the flow says that they stay. A deletion that
//! could not follow is told before the first one comes (E106, E182). And whether a withdrawal of consent deletes what was delivered.

use super::source::Resolved;
use crate::manifest::{Action, Flow, Manifest, OnDeleted, OnErasure, OnWithdrawal, WriteMode};
use crate::policy::{Catalogue, Deletes, LabelledField};
use crate::problem::{Code, Problem};
use crate::record::FieldPath;

/// What the flow does, and whether it retracts.
pub(super) fn resolve(
    manifest: &Manifest,
    catalogue: &Catalogue,
    flow: &Flow,
    source: &Resolved,
    fields: &[LabelledField],
    found: &mut Vec<Problem>,
) -> (Deletes, bool) {
    contradiction(flow, found);
    if flow.mode.value == WriteMode::Replace {
        return (Deletes::Ignored, false);
    }
    let claim = catalogue.get(&*flow.to.value.system).and_then(|description| description.destination.as_ref());
    // What is in a registry says nothing yet, and `run` has nothing to run.
    let can = claim.is_none_or(|claim| claim.deletes);
    let lost = lost_key(&source.primary_key, fields);
    let retracts = flow.consent.as_ref().is_some_and(|gate| gate.on_withdrawal == OnWithdrawal::Retract) && can && lost.is_none();
    (reported(manifest, catalogue, flow, source, can, lost, found), retracts)
}

fn reported(
    manifest: &Manifest,
    catalogue: &Catalogue,
    flow: &Flow,
    source: &Resolved,
    can: bool,
    lost: Option<Lost<'_>>,
    found: &mut Vec<Problem>,
) -> Deletes {
    let said = flow.deletes.as_ref();
    let kept = flow.delete.as_ref().is_some_and(|delete| delete.value == OnErasure::RetainStatutory);
    if kept || said.is_some_and(|said| said.value == OnDeleted::Ignore) {
        return Deletes::Ignored;
    }
    let stream = &flow.from.value;
    let at_its_place = |problem: Problem| match said {
        Some(said) => problem.at(said.span, "asked for here"),
        None => problem,
    };
    if !source.deletes {
        if said.is_some() && catalogue.contains_key(&*stream.system) {
            let title = format!("flow `{}` is denied: nothing says that `{stream}` reports deleted records", flow.id.value);
            let help = format!("if it does, as it is configured, say `deletes = true` in `[stream.{stream}]`; else take `deletes` out");
            found.push(at_its_place(Problem::new(Code::E106, title, help)).at(flow.from.span, "the source"));
        }
        return Deletes::Undeclared;
    }
    if !can {
        let system = &flow.to.value.system;
        let title = format!("flow `{}` is denied: `{stream}` reports deleted records, and `{system}` cannot delete", flow.id.value);
        let help = "say that they stay there: `deletes = \"ignore\"`; or use `mode = \"replace\"`, or a destination that can delete";
        let problem = Problem::new(Code::E106, title, help).at(flow.to.span, "the destination");
        found.push(at_its_place(match manifest.systems.get(&**system) {
            Some(system) => problem.at(system.connector.span, "its connector"),
            None => problem,
        }));
    } else if let Some(lost) = lost {
        let title = format!("flow `{}` is denied: `{stream}` reports deleted records, and {}", flow.id.value, lost.told());
        let help = "deliver the primary key as it is, as a pseudonym or as a hash; or say `deletes = \"ignore\"`";
        found.push(at_its_place(Problem::new(Code::E182, title, help).at(flow.fields_span, "these fields")));
    }
    Deletes::Applied
}

/// E003: one key says that what is erased goes, the other that it stays.
fn contradiction(flow: &Flow, found: &mut Vec<Problem>) {
    let (Some(delete), Some(deletes)) = (&flow.delete, &flow.deletes) else { return };
    let help = match (delete.value, deletes.value) {
        (OnErasure::Propagate, OnDeleted::Ignore) => "write `deletes = \"apply\"`, or leave it out",
        (OnErasure::RetainStatutory, OnDeleted::Apply) => "write `deletes = \"ignore\"`, or leave it out: a law wants the records kept",
        _ => return,
    };
    let title =
        format!("flow `{}`: `delete = \"{}\"` and `deletes = \"{}\"` contradict each other", flow.id.value, delete.value, deletes.value);
    found.push(Problem::new(Code::E003, title, help).at(deletes.span, "this one").at(delete.span, "and this one"));
}

/// Why a row of the destination could not be found by its key.
enum Lost<'a> {
    /// The stream has none.
    NoKey,
    /// A part of it does not arrive.
    NotDelivered(&'a FieldPath),
    /// A part of it arrives so that it names no row any more, or another one.
    Changed(&'a FieldPath),
}

impl Lost<'_> {
    fn told(&self) -> String {
        match self {
            Self::NoKey => "it has no primary key by which they could be found".to_owned(),
            Self::NotDelivered(path) => format!("`{path}` of the primary key does not arrive, so that no row can be found by it"),
            Self::Changed(path) => format!("`{path}` of the primary key is treated so that no row can be found by it"),
        }
    }
}

fn lost_key<'a>(primary_key: &'a [FieldPath], fields: &[LabelledField]) -> Option<Lost<'a>> {
    if primary_key.is_empty() {
        return Some(Lost::NoKey);
    }
    primary_key.iter().find_map(|path| match fields.iter().find(|field| field.path == *path) {
        None => Some(Lost::NotDelivered(path)),
        Some(field) if names_one_row(&field.action) => None,
        Some(_) => Some(Lost::Changed(path)),
    })
}

/// Equal values arrive equal in every run, and others arrive as others.
fn names_one_row(action: &Action) -> bool {
    match action {
        Action::Allow | Action::Hash | Action::Pseudonymise { .. } => true,
        Action::Drop
        | Action::Null
        | Action::Constant(_)
        | Action::Mask { .. }
        | Action::Truncate { .. }
        | Action::Network { .. }
        | Action::Redact { .. }
        | Action::Generalise(_)
        | Action::Encrypt { .. }
        | Action::Lookup { .. }
        | Action::Concat { .. } => false,
    }
}
