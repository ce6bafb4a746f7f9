//! The canonical form of purposes, assessments, retention, pseudonyms, categories, streams and flows.

use serde_json::Value;

use super::table::Table;
use crate::detect::{Detector, DetectorSet};
use crate::manifest::{
    Action, Basis, CategoryExtension, Coarser, Compatibility, ConsentGate, ConsentLedger, DataSource, Flow, FlowField, IdentityKey,
    PseudonymDomain, Purpose, Retention, Schedule, Special, Start, StreamDeclaration,
};
use crate::problem::Spanned;
use crate::record::FieldPath;

pub(super) fn purpose(purpose: &Purpose) -> Value {
    let special = |special: &Special| {
        Table::default()
            .spanned("art9", special.art9.as_ref())
            .spanned("law", special.law.as_ref())
            .spanned("consent", special.consent.as_ref())
            .done()
    };
    Table::default()
        .text("use", Some(&purpose.use_key.value))
        .set("basis", basis(&purpose.basis.value))
        .words("allows", purpose.allows.value.iter().map(|category| &category.value))
        .wording("name", purpose.name.as_ref())
        .spanned("owner", purpose.owner.as_ref())
        .wording("rationale", purpose.rationale.as_ref())
        .maybe("special", purpose.special.as_ref().map(special))
        .flag("statistical", purpose.statistical)
        .flag("profiling", purpose.profiling)
        .flag("automated_decision", purpose.automated_decision)
        .spanned("art22", purpose.art22.as_ref())
        .flag("prevents_right", purpose.prevents_right)
        .spanned("objection", purpose.objection.as_ref())
        .done()
}

fn basis(basis: &Basis) -> Value {
    Table::default()
        .text("art6", Some(basis.art6))
        .spanned("contract", basis.contract.as_ref())
        .spanned("law", basis.law.as_ref())
        .wording("interest", basis.interest.as_ref())
        .spanned("lia", basis.lia.as_ref())
        .spanned("reason", basis.reason.as_ref())
        .spanned("consent_scope", basis.consent_scope.as_ref())
        .spanned("proof", basis.proof.as_ref())
        .done()
}

/// Assessments below `FROM->TO`.
pub(super) fn compatibilities(records: &[Compatibility]) -> Value {
    Table::keyed(records.iter().map(|record| {
        let table = Table::default()
            .text("from", Some(&record.from.value))
            .text("to", Some(&record.to.value))
            .text("assessment", Some(&record.assessment.value))
            .words("requires", record.requires.iter().map(|safeguard| safeguard.value))
            .maybe("approved", record.approved.as_ref().map(super::approval));
        (format!("{}->{}", record.from.value, record.to.value), table.done())
    }))
}

pub(super) fn retention(rule: &Retention) -> Value {
    let start = |start: &Start| format!("{}{}", if start.end_of_year { "end-of-calendar-year:" } else { "" }, start.event);
    Table::default()
        .text("kind", Some(rule.kind))
        .text("period", Some(rule.period.value))
        .text("start", rule.start.as_ref().map(|written| start(&written.value)))
        .wording("name", rule.name.as_ref())
        .words("statute", rule.statute.iter().map(|law| &law.value))
        .spanned("suspend", rule.suspend.as_ref())
        .spanned("then", rule.then.as_ref())
        .wording("rationale", rule.rationale.as_ref())
        .done()
}

pub(super) fn pseudonym(domain: &PseudonymDomain) -> Value {
    Table::default()
        .text("key", Some(super::system::secret(&domain.key.value)))
        .text("method", Some(domain.method))
        .spanned("rotate", domain.rotate.as_ref())
        .words("holders", domain.holders.iter().map(|holder| &holder.value))
        .done()
}

pub(super) fn category(category: &CategoryExtension) -> Value {
    Table::default().text("parent", Some(&category.parent)).words("marks", &category.marks).wording("name", category.name.as_ref()).done()
}

pub(super) fn stream(stream: &StreamDeclaration) -> Value {
    let source = |source: &DataSource| match source {
        DataSource::Subject => "subject".to_owned(),
        DataSource::ThirdParty(who) => format!("third-party:{who}"),
    };
    let labels = |labels: &[(Spanned<FieldPath>, Spanned<String>)]| {
        labels.iter().fold(Table::default(), |table, (path, category)| table.text(path.value.as_str(), Some(&category.value))).done()
    };
    Table::default()
        .wording("name", stream.name.as_ref())
        .words("subjects", stream.subjects.iter().map(|subject| &subject.value))
        .words("collected_for", stream.collected_for.iter().map(|purpose| &purpose.value))
        .text("source", stream.source.as_ref().map(|written| source(&written.value)))
        .set("identity", super::by_id(&stream.identity, identity))
        .words("retention", stream.retention.iter().map(|rule| &rule.value))
        .text("after_limit", stream.after_limit.as_ref().map(|_| "restrict"))
        .words("keep_fields", stream.keep_fields.iter().map(|path| &path.value))
        .integer("subjects_est", stream.subjects_est.as_ref().map(|persons| persons.value))
        .maybe("consent_ledger", stream.consent_ledger.as_ref().map(ledger))
        .maybe("may_hold", (!stream.may_hold.is_empty()).then(|| may_hold(stream)))
        .set("fields", labels(&stream.fields))
        .maybe("added", (!stream.added.is_empty()).then(|| labels(&stream.added)))
        .text("schema", stream.schema.as_ref().map(|schema| super::digest(&schema.value)))
        .ordered("primary_key", stream.primary_key.iter().map(|path| &path.value))
        .spanned("cursor", stream.cursor.as_ref())
        .maybe("deletes", stream.deletes.as_ref().map(|said| Value::Bool(said.value)))
        .done()
}

fn may_hold(stream: &StreamDeclaration) -> Value {
    let names = |set: DetectorSet| Detector::ALL.into_iter().filter(move |detector| set.contains(*detector)).map(Detector::name);
    let fields = stream.may_hold.iter();
    fields.fold(Table::default(), |table, (path, set)| table.words(path.value.as_str(), names(*set))).done()
}

fn identity(key: &IdentityKey) -> Value {
    Table::default()
        .ordered("fields", key.fields.iter().map(|path| &path.value))
        .text("strength", Some(key.strength.value))
        .text("via", key.via.as_ref().map(|via| format!("{}.{}", via.value.stream, via.value.field)))
        .spanned("domain", key.domain.as_ref())
        .done()
}

fn ledger(ledger: &ConsentLedger) -> Value {
    Table::default()
        .spanned("subject", ledger.subject.as_ref())
        .spanned("scope", ledger.scope.as_ref())
        .spanned("status", ledger.status.as_ref())
        .spanned("at", ledger.at.as_ref())
        .spanned("proof", ledger.proof.as_ref())
        .maybe("given", (!ledger.given.is_empty()).then(|| ledger.given.iter().map(|word| Value::from(word.value.as_str())).collect()))
        .done()
}

pub(super) fn flow(flow: &Flow) -> Value {
    let schedule = |schedule: &Schedule| format!("{} {}", schedule.expression, schedule.zone);
    let fields = flow.fields.iter().fold(Table::default(), |table, field| table.set(field.path.value.as_str(), self::field(field)));
    let own_basis = flow.own_basis.as_ref().map(|record| Table::default().text("compatibility", Some(&record.value)).done());
    Table::default()
        .text("from", Some(&flow.from.value))
        .text("to", Some(&flow.to.value))
        .text("purpose", Some(&flow.purpose.value))
        .set("fields", fields.done())
        .words("retention", flow.retention.iter().map(|rule| &rule.value))
        .text("mode", Some(flow.mode.value))
        .text("schedule", Some(flow.schedule.as_ref().map_or_else(|| "manual".to_owned(), |written| schedule(&written.value))))
        .spanned("overlap", flow.timing.overlap.as_ref())
        .spanned("misfire", flow.timing.misfire.as_ref())
        .spanned("jitter", flow.timing.jitter.as_ref())
        .integer("retries", flow.timing.retries.as_ref().map(|most| most.value))
        .spanned("state", flow.state.as_ref())
        .text("on_undeclared", Some(flow.on_undeclared))
        .text("on_invalid", Some(flow.on_invalid))
        .wording("name", flow.name.as_ref())
        .spanned("activity", flow.activity.as_ref())
        .spanned("owner", flow.owner.as_ref())
        .wording("rationale", flow.rationale.as_ref())
        .text("filter", flow.filter.as_ref().map(|filter| &filter.value.text))
        .spanned("delete", flow.delete.as_ref())
        .spanned("deletes", flow.deletes.as_ref())
        .maybe("approved", flow.approved.as_ref().map(super::approval))
        .maybe("own_basis", own_basis)
        .maybe("consent", flow.consent.as_ref().map(consent))
        .done()
}

fn consent(gate: &ConsentGate) -> Value {
    let matching = gate.matching.iter().fold(Table::default(), |table, (own, other)| table.text(own.value.as_str(), Some(&other.value)));
    Table::default()
        .text("ledger", Some(&gate.ledger.value))
        .text("scope", Some(&gate.scope.value))
        .set("match", matching.done())
        .spanned("max_age", gate.max_age.as_ref())
        .text("on_withdrawal", Some(gate.on_withdrawal))
        .done()
}

fn field(field: &FlowField) -> Value {
    let table = Table::default().text("to", Some(&field.to.value));
    match &field.action.value {
        Action::Allow => table.text("action", Some("allow")),
        Action::Drop => table.text("action", Some("drop")),
        Action::Null => table.text("action", Some("null")),
        // As JSON text: numbers then stay as they were written, through any number of readings.
        Action::Constant(value) => table.text("action", Some("constant")).text("value", Some(super::text(value))),
        Action::Mask { first, last } => table.text("action", Some("mask")).integer("first", Some(*first)).integer("last", Some(*last)),
        Action::Hash => table.text("action", Some("hash")),
        Action::Pseudonymise { domain } => table.text("action", Some("pseudonymise")).text("domain", Some(domain)),
        Action::Truncate { keep } => table.text("action", Some("truncate")).integer("keep", Some(*keep)),
        Action::Network { .. } => table.text("action", Some("truncate")).set("network", Value::Bool(true)),
        Action::Generalise(coarser) => coarse(table.text("action", Some("generalise")), coarser),
        Action::Redact { detectors } => {
            let named = Detector::ALL.into_iter().filter(|detector| detectors.contains(*detector)).map(Detector::name);
            table.text("action", Some("redact")).words("detectors", named)
        }
        Action::Encrypt { recipient } => table.text("action", Some("encrypt")).text("recipient", Some(recipient)),
        Action::Lookup { via, missing } => table.text("action", Some("lookup")).text("via", Some(via)).text("missing", Some(missing)),
        Action::Concat { with, separator } => {
            table.text("action", Some("concat")).ordered("with", with.iter().map(|path| &path.value)).text("separator", Some(separator))
        }
    }
    .done()
}

fn coarse(table: Table, coarser: &Coarser) -> Table {
    match coarser {
        Coarser::Date(unit) => table.text("to_unit", Some(unit)),
        Coarser::Bucket(size) => table.integer("bucket", Some(*size)),
        Coarser::Map { entries, default } => {
            let map = entries.iter().fold(Table::default(), |map, (from, to)| map.text(from, Some(to)));
            table.set("map", map.done()).text("default", default.as_ref())
        }
    }
}
