//! `[flow.ID]`: from where to where, which fields, how. A field that is not listed here does not pass.

use std::collections::BTreeMap;

use super::super::load::Loader;
use super::super::raw::{Node, Raw, Table};
use super::super::walk::{ACTION, field_path, flatten, id_fault};
use super::super::{Action, Filter, Flow, FlowField, OnInvalid, OnUndeclared, WriteMode};
use super::read::path;
use super::{Named, action, concat, consent, operator, read, timing};
use crate::description::stream_name_fault;
use crate::manifest::finding::shorten;
use crate::problem::{Code, Problem, Span, Spanned};
use crate::record::{FieldPath, StreamId};

pub(super) fn flow(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<Flow> {
    let table = named.table;
    let (from, to) = (stream_id(table, "from", loader), stream_id(table, "to", loader));
    if let (Some(from), Some(to)) = (&from, &to)
        && from.value == to.value
    {
        let problem = Problem::new(Code::E003, "a flow cannot go into the stream that it reads", "name another destination");
        loader.findings.push(problem.at(to.span, "the same stream").at(from.span, "read from here"));
    }
    let purpose = read::filled(table, "purpose", loader);
    let fields = fields(table, loader);
    let schedule = timing::schedule(table, loader);
    let mode = read::word(table, "mode").unwrap_or(Spanned { value: WriteMode::Replace, span: named.id.span });
    let state = state(table, mode.value, loader);
    Some(Flow {
        id: named.id(),
        retention: read::texts(table, "retention"),
        mode,
        schedule,
        timing: timing::timing(table, loader),
        state,
        on_undeclared: read::word(table, "on_undeclared").map_or(OnUndeclared::Drop, |effect| effect.value),
        on_invalid: read::word(table, "on_invalid").map_or(OnInvalid::Stop, |effect| effect.value),
        name: read::wording(table, "name", loader),
        activity: read::filled(table, "activity", loader),
        owner: read::filled(table, "owner", loader),
        rationale: read::wording(table, "rationale", loader),
        filter: filter(table, loader),
        delete: read::word(table, "delete"),
        deletes: read::word(table, "deletes"),
        approved: read::one(table, "approved", loader, operator::approval),
        own_basis: read::one(table, "own_basis", loader, |table, _, loader| read::filled(table, "compatibility", loader)),
        consent: read::one(table, "consent", loader, consent::gate),
        from: from?,
        to: to?,
        purpose: purpose?,
        fields: fields?,
        fields_span: table.entry("fields").map(|(key, _)| key.span)?,
    })
}

fn state(table: &Table, mode: WriteMode, loader: &mut Loader<'_>) -> Option<Spanned<String>> {
    let state = read::filled(table, "state", loader)?;
    if mode == WriteMode::Replace {
        let help = "use `mode = \"append\"` or `\"upsert\"`, or remove it";
        loader.findings.wrong(state.span, "a flow that replaces reads everything again, so that `state` has no meaning", help);
    }
    Some(state)
}

fn filter(table: &Table, loader: &mut Loader<'_>) -> Option<Spanned<Filter>> {
    let written = read::filled(table, "filter", loader)?;
    match Filter::parse(&written.value) {
        Ok(filter) => Some(Spanned { value: filter, span: written.span }),
        Err(fault) => {
            let help = "compare fields with fixed values: `status = 'won' and (amount >= 100 or country in ('DE', 'AT'))`";
            loader.findings.wrong(written.span, format!("`filter` cannot be read: {fault}"), help);
            None
        }
    }
}

pub(super) fn stream_id(table: &Table, name: &str, loader: &mut Loader<'_>) -> Option<Spanned<StreamId>> {
    let written = read::text(table, name)?;
    let parsed = StreamId::parse(&written.value).filter(|id| id_fault(&id.system).is_none() && stream_name_fault(&id.stream).is_none());
    if parsed.is_none() {
        let title = format!("`{}` does not name a stream", shorten(&written.value));
        loader.findings.wrong(written.span, title, "write the system's id, a dot and the stream's name: `crm.contacts`");
    }
    Some(Spanned { value: parsed?, span: written.span })
}

fn fields(table: &Table, loader: &mut Loader<'_>) -> Option<Vec<FlowField>> {
    let (key, node) = table.entry("fields")?;
    let found: Vec<FlowField> = match &node.value {
        Raw::List(items) => items.iter().filter_map(read::as_text).filter_map(|text| allowed(&text, loader)).collect(),
        Raw::Table(entries) => {
            flatten(entries, ACTION).iter().filter_map(|field| treated(&field.path, field.span, field.node, loader)).collect()
        }
        _ => Vec::new(),
    };
    let written = match &node.value {
        Raw::List(items) => items.len(),
        Raw::Table(entries) => entries.entries.len(),
        _ => return None,
    };
    if written == 0 || (!found.is_empty() && found.iter().all(|field| field.action.value == Action::Drop)) {
        loader.findings.wrong(key.span, "no field passes this flow", "list the fields that the destination needs");
    }
    unique(&found, loader);
    concat::check(&found, loader);
    Some(found)
}

fn allowed(text: &Spanned<String>, loader: &mut Loader<'_>) -> Option<FlowField> {
    let path = path(text, loader)?;
    let action = Spanned { value: Action::Allow, span: text.span };
    Some(FlowField { to: path.clone(), path, action })
}

/// No field twice, and no two fields into one.
fn unique(fields: &[FlowField], loader: &mut Loader<'_>) {
    let mut sources: BTreeMap<&FieldPath, Span> = BTreeMap::new();
    let mut targets: BTreeMap<&FieldPath, Span> = BTreeMap::new();
    for field in fields {
        if let Some(first) = sources.insert(&field.path.value, field.path.span) {
            let problem = Problem::new(Code::E003, format!("the field `{}` is listed twice", field.path.value), "keep one of the two");
            loader.findings.push(problem.at(field.path.span, "the second one").at(first, "the first one"));
            continue;
        }
        if field.action.value == Action::Drop || concat::is_tail(field) {
            continue;
        }
        if let Some(first) = targets.insert(&field.to.value, field.to.span) {
            let problem = Problem::new(
                Code::E003,
                format!("two fields would become `{}`", field.to.value),
                "give one of them another name with `to`",
            );
            loader.findings.push(problem.at(field.to.span, "the second one").at(first, "the first one"));
        }
    }
}

fn treated(name: &str, span: Span, node: &Node, loader: &mut Loader<'_>) -> Option<FlowField> {
    let path = Spanned { value: field_path(name).ok()?, span };
    let (action, to) = match &node.value {
        Raw::Text(word) => (action::plain(word)?, None),
        Raw::Table(table) => (action::action(table, node.span, loader)?, read::text(table, "to").and_then(|to| self::path(&to, loader))),
        _ => return None,
    };
    let to = to.unwrap_or_else(|| path.clone());
    if path.value.parts().count() != to.value.parts().count() {
        let title = format!("`{}` and `{}` have a different number of names", path.value, to.value);
        loader.findings.wrong(to.span, title, "a field can be renamed, not moved to another depth");
    }
    Some(FlowField { path, to, action: Spanned { value: action, span: node.span } })
}
