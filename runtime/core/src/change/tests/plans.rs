//! Plans: what is added, changed and removed, what that does to the register, and who has to agree.

use std::collections::BTreeMap;

use super::super::diff::Class;
use super::super::lock::Lock;
use super::super::plan::{Plan, Request, Step};
use super::super::{ConnectorDigests, State};
use super::{EXAMPLE, edited, policy, state, today};
use crate::problem::{Code, Problem};

fn plan(old: Option<&str>, new: &str, findings: &[Problem]) -> Plan {
    let policy = policy(new);
    let (old, new) = (old.map(state), State::of_policy(&policy, &ConnectorDigests::new()));
    let old = old.map(|old| State { categories: new.categories.clone(), ..old });
    let needs_approvals = policy.manifest().needs_approvals();
    let lock = Lock::default();
    Plan::new(&Request {
        old: old.as_ref(),
        new: &new,
        policy: Some(&policy),
        needs_approvals,
        findings,
        lock: &lock,
        delivery: &BTreeMap::new(),
        today: today(),
    })
}

#[test]
fn nothing_changes_against_itself() {
    let plan = plan(Some(EXAMPLE), EXAMPLE, &[]);
    assert!(!plan.has_changes() && !plan.is_denied());
    assert!(plan.human("manifest.toml", "hub.lock").ends_with("Plan: no changes, 0 findings.\n"), "{}", plan.human("m", "l"));
    assert_eq!(plan.approvals, []);
}

#[test]
fn against_nothing_everything_is_new() {
    let plan = plan(None, EXAMPLE, &[]);
    assert!(plan.entries.iter().all(|entry| entry.step == Step::Add), "{:?}", plan.entries.iter().find(|entry| entry.step != Step::Add));
    assert_eq!(plan.entries.iter().filter(|entry| entry.section == "flow").count(), 7);
    assert_eq!(plan.register.new.len(), 5);
    assert_eq!(plan.approvals.len(), 7);
    assert!(plan.approvals.iter().all(|need| need.class == Class::MaterialHigh && need.wanted == 2 && need.given == 0));
}

#[test]
fn a_change_is_told_with_all_that_follows() {
    let later = edited("period = \"P5Y\"", "period = \"P10Y\"");
    let finding = Problem::new(Code::W154, "a review is late", "review it").note("since May");
    let plan = plan(Some(EXAMPLE), &later, &[finding]);
    let [entry] = plan.entries.as_slice() else { panic!("{:?}", plan.entries) };
    assert_eq!((entry.step, entry.section.as_str(), entry.id.as_str()), (Step::Change, "retention", "stats"));
    assert_eq!(plan.register.changed.iter().collect::<Vec<_>>(), ["VT-03 Absatzstatistik"]);
    assert!(plan.register.new.is_empty() && plan.register.gone.is_empty());
    let [need] = plan.approvals.as_slice() else { panic!("{:?}", plan.approvals) };
    assert_eq!((need.flow.as_str(), need.class, need.wanted), ("erp-to-dwh-sales", Class::MaterialHigh, 2));
    assert!(!plan.is_denied(), "a warning denies nothing");
    let text = plan.human("manifest.toml", "hub.lock");
    for piece in [
        "Manifest manifest.toml (sha256:",
        "  ~ retention  stats",
        "      ~ retention: P5Y → P10Y, longer   (!)",
        "  ! a review is late   HUB-W154\n      since May\n      review it\n",
        "Register: 0 entries new, 1 changed, 0 gone",
        "Approval of erp-to-dwh-sales: two roles (material-high), 0 given",
        "Plan: 0 to add, 1 to change, 0 to remove, 1 finding.",
    ] {
        assert!(text.contains(piece), "{piece}\n{text}");
    }
    let json = plan.json();
    assert_eq!(json.pointer("/changes/0/changes/0/class").unwrap(), "material-high");
    assert_eq!(json.pointer("/changes/0/changes/0/path").unwrap(), "retention.stats.period");
    assert_eq!(json.pointer("/approvals/0/wanted").unwrap(), 2);
}

#[test]
fn a_flow_that_goes_leaves_the_register() {
    let at = EXAMPLE.find("[flow.newsletter-unsubscribe-to-crm]").unwrap();
    let end = EXAMPLE.find("# ------------------------------------------------------------------ DPIA").unwrap();
    let less = format!("{}{}", &EXAMPLE[..at], &EXAMPLE[end..]);
    let plan = plan(Some(EXAMPLE), &less, &[]);
    let entry = plan.entries.iter().find(|entry| entry.section == "flow").unwrap();
    assert_eq!((entry.step, entry.id.as_str()), (Step::Remove, "newsletter-unsubscribe-to-crm"));
    assert_eq!(plan.register.gone.iter().collect::<Vec<_>>(), ["VT-05 Einwilligungsverwaltung"]);
    assert!(plan.approvals.iter().all(|need| need.flow != "newsletter-unsubscribe-to-crm"));
}
