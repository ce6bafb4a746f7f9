//! Activities of the register, impact assessments, requests of data subjects, breaches.

use super::super::load::Loader;
use super::super::raw::Table;
use super::super::{Activity, BreachRules, ImpactDecision, QuarantineRules, RequestRules, Suppression};
use super::{Named, country, read, secret};
use crate::manifest::finding::shorten;
use crate::problem::{Span, Spanned};

/// The longest clock of a breach in hours: a year.
const MAX_CLOCK_HOURS: u32 = 8760;

pub(super) fn activity(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<Activity> {
    let table = named.table;
    let residency = read::texts(table, "residency").into_iter().filter(|area| country::known_area(area, loader)).collect();
    Some(Activity {
        id: named.id(),
        residency,
        description: read::wording(table, "description", loader),
        measures: read::wording(table, "tom", loader),
        contact: read::filled(table, "contact", loader),
        department: read::filled(table, "department", loader),
    })
}

pub(super) fn dpia(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<ImpactDecision> {
    let activity = read::filled(table, "activity", loader);
    let reasons = read::wording(table, "reasons", loader);
    let by = read::filled_texts(table, "by", loader);
    let at = read::date(table, "at", loader);
    let review = read::date(table, "review", loader);
    Some(ImpactDecision { span, activity: activity?, decision: read::word(table, "decision")?, reasons, by, at, review })
}

pub(super) fn dsr(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<RequestRules> {
    Some(RequestRules {
        span,
        intake: read::words(table, "intake"),
        extension_requires: read::words(table, "extension_requires"),
        clock_pause_for_identity: read::word(table, "clock_pause_for_identity"),
        suppression: read::one(table, "suppression", loader, suppression),
        package_encryption: read::word(table, "package_encryption"),
    })
}

fn suppression(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Suppression> {
    let key = secret::key(table, "dsr.suppression", loader);
    let scopes = read::filled_texts(table, "scopes", loader);
    let horizon = read::period(table, "horizon", loader);
    Some(Suppression { span, key: key?, scopes, horizon })
}

pub(super) fn quarantine(table: &Table, _: Span, loader: &mut Loader<'_>) -> Option<QuarantineRules> {
    Some(QuarantineRules { keep: read::period(table, "keep", loader) })
}

pub(super) fn breach(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<BreachRules> {
    let clock_hours = read::text(table, "clock").and_then(|written| {
        let number = written.value.strip_prefix("PT").and_then(|rest| rest.strip_suffix('H'));
        let number = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        let hours = number.and_then(|number| number.parse().ok()).filter(|hours| (1..=MAX_CLOCK_HOURS).contains(hours));
        if hours.is_none() {
            let title = format!("`{}` is not a number of hours", shorten(&written.value));
            loader.findings.wrong(written.span, title, "write it as ISO 8601: `PT72H`");
        }
        Some(Spanned { value: hours?, span: written.span })
    });
    Some(BreachRules { span, contact: read::filled(table, "contact", loader), clock_hours, evidence: read::word(table, "evidence") })
}
