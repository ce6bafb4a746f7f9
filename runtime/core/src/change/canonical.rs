//! The canonical form of a manifest: what it says, without how it was written. Two texts that say the same have the same form and digest.
//!
//! Keys are sorted, defaults filled in, days and periods in ISO form; lists without a meaning of their order are sorted, tables that are written
//! as lists stand below a key of their own. Spans, comments and secrets are left out: of a secret the place is named, `config` and schemas stand
//! as digests.

mod declare;
mod govern;
mod observe;
mod system;
mod table;

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::manifest::{Approval, Manifest};
use table::Table;

/// The canonical form: an object with one key for each kind of table, each an object by id. Streams stand below their system.
#[must_use]
pub fn of(manifest: &Manifest) -> Value {
    let streams = manifest.streams.iter().fold(Table::default(), |table, (id, stream)| {
        let system = table.child(&id.system).set(&id.stream, declare::stream(stream));
        table.set(&id.system, system.done())
    });
    Table::default()
        .integer("manifest", Some(1_u32))
        .text("version", manifest.version.as_ref().map(|version| &version.value))
        .text("mode", Some(manifest.mode.value))
        .text("approvals", manifest.approvals.as_ref().map(|approvals| approvals.value))
        .maybe("approver", (!manifest.approvers.is_empty()).then(|| govern::approvers(manifest)))
        .set("operator", govern::operator(&manifest.operator))
        .maybe("taxonomy", manifest.taxonomy.as_ref().map(govern::taxonomy))
        .set("system", by_id(&manifest.systems, system::system))
        .set("purpose", by_id(&manifest.purposes, declare::purpose))
        .set("compatibility", declare::compatibilities(&manifest.compatibilities))
        .set("retention", by_id(&manifest.retentions, declare::retention))
        .set("pseudonym", by_id(&manifest.pseudonyms, declare::pseudonym))
        .set("recipient", by_id(&manifest.recipients, |recipient| Table::default().text("age", Some(&recipient.age.value)).done()))
        .set("category", by_id(&manifest.categories, declare::category))
        .set("subject", by_id(&manifest.subjects, |subject| Table::default().wording("name", subject.name.as_ref()).done()))
        .set("stream", streams.done())
        .set("flow", by_id(&manifest.flows, declare::flow))
        .set("activity", by_id(&manifest.activities, govern::activity))
        .set("dpia", govern::decisions(&manifest.dpia))
        .integer("dpia_large_scale", manifest.dpia_large_scale.as_ref().map(|large| large.value))
        .maybe("dsr", manifest.dsr.as_ref().map(govern::requests))
        .maybe("maintenance", (!manifest.maintenance.is_empty()).then(|| govern::maintenance(&manifest.maintenance)))
        .maybe("quarantine", manifest.quarantine.as_ref().map(govern::quarantine))
        .maybe("breach", manifest.breach.as_ref().map(govern::breach))
        .maybe("observe", manifest.observe.as_ref().map(observe::observe))
        .maybe("alert", (!manifest.alerts.is_empty()).then(|| by_id(&manifest.alerts, observe::alert)))
        .maybe(
            "audit",
            (!manifest.anchors.is_empty()).then(|| Table::default().set("anchor", by_id(&manifest.anchors, observe::anchor)).done()),
        )
        .done()
}

fn by_id<T>(tables: &std::collections::BTreeMap<String, T>, form: impl Fn(&T) -> Value) -> Value {
    tables.iter().fold(Table::default(), |table, (id, value)| table.set(id, form(value))).done()
}

fn approval(approval: &Approval) -> Value {
    Table::default()
        .words("by", approval.by.iter().map(|name| &name.value))
        .text("at", Some(approval.at.value))
        .text("digest", approval.digest.as_ref().map(|digest| &digest.value))
        .done()
}

/// The text over which digests are made: JSON without white space, keys sorted at every depth.
#[must_use]
pub fn text(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => {
            let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                let before = if index == 0 { "" } else { "," };
                let _ = write!(text, "{before}{}:", Value::from(key.as_str()));
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write(item, text);
            }
            text.push(']');
        }
        plain => {
            let _ = write!(text, "{plain}");
        }
    }
}

/// Hex SHA-256 of [`text`].
#[must_use]
pub fn digest(value: &Value) -> String {
    hash(&text(value))
}

/// Hex SHA-256 of a text.
pub(super) fn hash(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}
