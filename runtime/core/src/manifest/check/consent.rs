//! `[flow.ID.consent]`: the gate of a flow that rests on consent. Whether the ledger can answer it is the policy's.

use super::super::load::Loader;
use super::super::raw::Table;
use super::super::walk::{field_path, flatten};
use super::super::{ConsentGate, OnWithdrawal};
use super::{flow, read};
use crate::problem::{Span, Spanned};
use crate::record::FieldPath;

pub(super) fn gate(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<ConsentGate> {
    let ledger = flow::stream_id(table, "ledger", loader);
    let scope = read::filled(table, "scope", loader);
    let matching = matching(table, loader);
    let max_age = read::period(table, "max_age", loader);
    let on_withdrawal = read::word(table, "on_withdrawal").map_or(OnWithdrawal::Retract, |effect| effect.value);
    Some(ConsentGate { span, ledger: ledger?, scope: scope?, matching: matching?, max_age, on_withdrawal })
}

fn matching(table: &Table, loader: &mut Loader<'_>) -> Option<Vec<(Spanned<FieldPath>, Spanned<FieldPath>)>> {
    let (entries, span) = read::table(table, "match")?;
    let mut found = Vec::new();
    for entry in flatten(entries, &[]) {
        let (Ok(own), Some(written)) = (field_path(&entry.path), read::as_text(entry.node)) else { continue };
        found.extend(read::path(&written, loader).map(|other| (Spanned { value: own, span: entry.span }, other)));
    }
    if entries.entries.is_empty() {
        loader.findings.wrong(
            span,
            "no field leads to the ledger",
            "name a field of the source and one of the ledger: `{ email = \"email\" }`",
        );
    }
    (!found.is_empty()).then_some(found)
}
