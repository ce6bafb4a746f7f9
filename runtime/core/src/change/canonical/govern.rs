//! The canonical form of the operator, the vocabulary, activities, decisions, requests and breaches.

use data_encoding::HEXLOWER;
use serde_json::Value;

use super::system::secret;
use super::table::Table;
use crate::manifest::{
    Activity, BreachRules, ImpactDecision, Maintenance, Manifest, Officer, Operator, QuarantineRules, RequestRules, Suppression, Taxonomy,
};

pub(super) fn operator(operator: &Operator) -> Value {
    let officer =
        |officer: &Officer| Table::default().text("name", Some(&officer.name.value)).text("email", Some(&officer.email.value)).done();
    Table::default()
        .text("name", Some(&operator.name.value))
        .text("contact", Some(&operator.contact.value))
        .spanned("address", operator.address.as_ref())
        .spanned("country", operator.country.as_ref())
        .maybe("dpo", operator.dpo.as_ref().map(officer))
        .spanned("representative", operator.representative.as_ref())
        .spanned("authority", operator.authority.as_ref())
        .spanned("timezone", operator.timezone.as_ref())
        .spanned("calendar", operator.calendar.as_ref())
        .words("languages", operator.languages.iter().map(|language| language.value))
        .done()
}

/// Public keys below their role.
pub(super) fn approvers(manifest: &Manifest) -> Value {
    let roles = manifest.approvers.iter();
    roles.fold(Table::default(), |table, (role, keys)| table.words(role, keys.iter().map(|key| HEXLOWER.encode(&key.value)))).done()
}

pub(super) fn taxonomy(taxonomy: &Taxonomy) -> Value {
    Table::default().text("base", Some(taxonomy.base.value)).spanned("base_version", taxonomy.base_version.as_ref()).done()
}

/// Windows below `FROM-TO`.
pub(super) fn maintenance(windows: &[Maintenance]) -> Value {
    Table::keyed(windows.iter().map(|window| {
        let table = Table::default().words("days", window.days.iter().map(|day| day.value)).spanned("zone", window.zone.as_ref());
        (format!("{}-{}", window.from.value, window.to.value), table.done())
    }))
}

pub(super) fn activity(activity: &Activity) -> Value {
    Table::default()
        .words("residency", activity.residency.iter().map(|country| &country.value))
        .wording("description", activity.description.as_ref())
        .wording("measures", activity.measures.as_ref())
        .spanned("contact", activity.contact.as_ref())
        .spanned("department", activity.department.as_ref())
        .done()
}

pub(super) fn decisions(decisions: &[ImpactDecision]) -> Value {
    Table::keyed(decisions.iter().map(|decision| {
        let table = Table::default()
            .text("decision", Some(decision.decision.value))
            .wording("reasons", decision.reasons.as_ref())
            .words("by", decision.by.iter().map(|name| &name.value))
            .spanned("at", decision.at.as_ref())
            .spanned("review", decision.review.as_ref());
        (decision.activity.value.clone(), table.done())
    }))
}

pub(super) fn requests(rules: &RequestRules) -> Value {
    let suppression = |suppression: &Suppression| {
        Table::default()
            .text("key", Some(secret(&suppression.key.value)))
            .words("scopes", suppression.scopes.iter().map(|scope| &scope.value))
            .spanned("horizon", suppression.horizon.as_ref())
            .done()
    };
    Table::default()
        .words("intake", rules.intake.iter().map(|way| way.value))
        .words("extension_requires", rules.extension_requires.iter().map(|need| need.value))
        .spanned("clock_pause_for_identity", rules.clock_pause_for_identity.as_ref())
        .maybe("suppression", rules.suppression.as_ref().map(suppression))
        .spanned("package_encryption", rules.package_encryption.as_ref())
        .done()
}

pub(super) fn quarantine(rules: &QuarantineRules) -> Value {
    Table::default().spanned("keep", rules.keep.as_ref()).done()
}

pub(super) fn breach(rules: &BreachRules) -> Value {
    Table::default()
        .spanned("contact", rules.contact.as_ref())
        .integer("clock_hours", rules.clock_hours.as_ref().map(|hours| hours.value))
        .spanned("evidence", rules.evidence.as_ref())
        .done()
}
