//! The worked example, `examples/nordwerk/manifest.toml`: it is read whole, and its values arrive.

use super::super::*;
use super::{Memory, reads};
use crate::date::{Date, Period};

pub(super) fn text() -> String {
    include_str!("../../../../../examples/nordwerk/manifest.toml").to_owned()
}

fn nordwerk() -> Manifest {
    reads(&text(), &Memory::default())
}

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

#[test]
fn everything_is_there() {
    let manifest = nordwerk();
    let counts = [manifest.systems.len(), manifest.streams.len(), manifest.flows.len(), manifest.purposes.len(), manifest.retentions.len()];
    assert_eq!(counts, [5, 10, 7, 6, 7]);
    assert_eq!((manifest.compatibilities.len(), manifest.categories.len(), manifest.subjects.len(), manifest.dpia.len()), (3, 2, 2, 1));
    assert!(manifest.needs_approvals());
    assert_eq!(manifest.mode.value, Mode::Enforce);
    assert_eq!(manifest.version.as_ref().unwrap().value, "2026.11.0");
    assert_eq!(manifest.taxonomy.as_ref().unwrap().base.value, TaxonomyBase::Fideslang);
    let operator = &manifest.operator;
    assert_eq!(operator.dpo.as_ref().unwrap().email.value, "dsb@nordwerk.example");
    assert_eq!(operator.timezone.as_ref().unwrap().value, "Europe/Berlin");
    assert_eq!(operator.calendar.as_ref().unwrap().value, "DE-NI");
    assert_eq!(operator.languages.iter().map(|language| language.value).collect::<Vec<_>>(), [Language::German, Language::English]);
    let category = &manifest.categories["user.demographic.trade_union"];
    assert_eq!(category.name.as_ref().unwrap().value.in_language(Language::English), "Trade-union membership");
}

#[test]
fn contracts_and_transfers_are_typed() {
    let manifest = nordwerk();
    let crm = &manifest.systems["crm"];
    assert_eq!(crm.connector.value, ConnectorRef::Oci("oci://registry.example/hub/crm@sha256:bbbb".to_owned()));
    assert_eq!((crm.role.as_ref().unwrap().value, crm.access_from[0].value.as_str()), (Role::Processor, "US"));
    let hosting = crm.hosting.as_ref().unwrap();
    assert_eq!((hosting.country.value.as_str(), hosting.region.as_ref().unwrap().value.as_str()), ("DE", "eu1"));
    let contract = crm.contract.as_ref().unwrap();
    assert_eq!((contract.kind.value, contract.reference.value.as_str()), (ContractKind::Processing, "AVV-2024-017"));
    assert_eq!((contract.signed.value, contract.valid_until.as_ref().unwrap().value), (day("2024-03-01"), day("2027-02-28")));
    assert_eq!(contract.review_every.as_ref().unwrap().value.approximate_days(), 365);
    assert_eq!(contract.subprocessors[0].approved.as_ref().unwrap().value, day("2024-03-01"));
    let [adequacy, clauses] = crm.transfers.as_slice() else { panic!("two transfers") };
    assert_eq!((adequacy.mechanism.value, clauses.mechanism.value), (Mechanism::Adequacy, Mechanism::StandardClauses));
    assert_eq!(adequacy.fallback.as_ref().unwrap().value, clauses.id.as_ref().unwrap().value);
    assert_eq!(adequacy.recheck.as_ref().unwrap().value, Period { years: 0, months: 0, days: 90 });
    assert_eq!(clauses.module.as_ref().unwrap().value, 2);
    assert_eq!(clauses.tia.as_ref().unwrap().reviewed.as_ref().unwrap().value, day("2026-05-02"));
    let accounting = &manifest.systems["accounting"];
    assert_eq!(accounting.disclosure.as_ref().unwrap().law.value, "§ 11 StBerG; §§ 140, 147 AO");
    assert_eq!(accounting.dsr.as_ref().unwrap().erase.as_ref().unwrap().value, Support::Manual);
    assert!(manifest.systems["newsletter"].dsr.as_ref().unwrap().remote_suppression.is_some());
    assert_eq!(manifest.systems["erp"].backup.as_ref().unwrap().rotation.value.days, 35);
}

#[test]
fn purposes_and_periods_are_typed() {
    let manifest = nordwerk();
    let newsletter = &manifest.purposes["newsletter"];
    assert_eq!(newsletter.basis.value.consent_scope.as_ref().unwrap().value, "newsletter-v3");
    assert_eq!(newsletter.objection.as_ref().unwrap().value, "unsubscribe");
    assert!(manifest.purposes["sales-analytics"].statistical.is_some());
    let first = &manifest.compatibilities[0];
    assert_eq!((first.from.value.as_str(), first.to.value.as_str()), ("order-fulfilment", "sales-analytics"));
    assert_eq!(first.requires.iter().map(|need| need.value).collect::<Vec<_>>(), [Safeguard::NoDirectIdentifiers, Safeguard::NoFreeText]);
    assert_eq!(first.approved.as_ref().unwrap().by[0].value, "dpo");
    let voucher = &manifest.retentions["voucher"];
    assert_eq!((voucher.kind, voucher.period.value.years, voucher.statute.len()), (RetentionKind::Keep, 8, 3));
    assert_eq!(voucher.start.as_ref().unwrap().value, Start { event: "invoice_date".to_owned(), end_of_year: true });
    assert_eq!(voucher.suspend.as_ref().unwrap().value, "assessment-period-open");
    assert_eq!(voucher.then.as_ref().unwrap().value, Then::Erase);
    let analytics = &manifest.pseudonyms["analytics"];
    assert_eq!(analytics.key.value, SecretRef::Store("hub/pseudo/analytics".to_owned()));
    assert_eq!((analytics.is_reversible(), analytics.holders[0].value.as_str()), (false, "role:dpo"));
}

#[test]
fn streams_and_flows_are_typed() {
    let manifest = nordwerk();
    let stream = |name: &str| &manifest.streams[&StreamId::parse(name).unwrap()];
    let parties = stream("erp.parties");
    assert_eq!(parties.source.as_ref().unwrap().value, DataSource::Subject);
    assert_eq!(parties.collected_for[0].value, "order-fulfilment");
    assert_eq!((parties.identity.len(), parties.identity["postal"].fields.len()), (4, 3));
    assert_eq!(parties.identity["phone"].strength.value, Strength::Medium);
    assert_eq!(parties.after_limit.as_ref().unwrap().value, AfterLimit::Restrict);
    assert_eq!((parties.keep_fields.len(), parties.subjects_est.as_ref().unwrap().value), (8, 18_000));
    assert_eq!(stream("erp.invoices").identity["erp_party"].via.as_ref().unwrap().value.to_string(), "erp.parties.id");
    assert_eq!(stream("warehouse.fact_sales").identity["pseudonym"].domain.as_ref().unwrap().value, "analytics");
    assert_eq!(stream("crm.subscriptions").consent_ledger.as_ref().unwrap().at.as_ref().unwrap().value.as_str(), "changed_at");
    let flow = &manifest.flows["crm-to-newsletter"];
    let gate = flow.consent.as_ref().unwrap();
    assert_eq!((gate.ledger.value.to_string().as_str(), gate.scope.value.as_str()), ("crm.subscriptions", "newsletter-v3"));
    assert_eq!((gate.matching[0].0.value.as_str(), gate.matching[0].1.value.as_str()), ("email", "email"));
    assert_eq!((gate.max_age.as_ref().unwrap().value.days, gate.on_withdrawal), (1, OnWithdrawal::Retract));
    let statistics = &manifest.flows["erp-to-dwh-sales"];
    assert_eq!(statistics.on_undeclared, OnUndeclared::Hold);
    assert_eq!(statistics.own_basis.as_ref().unwrap().value, "KOMP-2026-01");
    assert_eq!(statistics.activity.as_ref().unwrap().value, "VT-03 Absatzstatistik");
    let approved = statistics.approved.as_ref().unwrap();
    assert_eq!((approved.by.len(), approved.at.value), (2, day("2026-09-14")));
    assert_eq!(manifest.flows["erp-to-fibu-debtors"].delete.as_ref().unwrap().value, OnErasure::RetainStatutory);
    assert_eq!(manifest.flows["crm-won-to-erp"].filter.as_ref().unwrap().value.text, "customer_no != ''");
}

#[test]
fn governance_is_typed() {
    let manifest = nordwerk();
    let decision = &manifest.dpia[0];
    assert_eq!((decision.decision.value, decision.by.len()), (Decision::NotRequired, 2));
    assert_eq!(decision.review.as_ref().unwrap().value, day("2027-09-14"));
    let requests = manifest.dsr.as_ref().unwrap();
    assert_eq!(requests.intake.iter().map(|way| way.value).collect::<Vec<_>>(), [Intake::Email, Intake::Form, Intake::Post]);
    assert_eq!(requests.extension_requires.len(), 2);
    assert_eq!(requests.clock_pause_for_identity.as_ref().unwrap().value, IdentityClock::ShowBoth);
    let suppression = requests.suppression.as_ref().unwrap();
    assert_eq!(suppression.key.value, SecretRef::Store("hub/suppression".to_owned()));
    assert_eq!((suppression.scopes.len(), suppression.horizon.as_ref().unwrap().value.years), (2, 3));
    assert_eq!(manifest.breach.as_ref().unwrap().clock_hours.as_ref().unwrap().value, 72);
}
