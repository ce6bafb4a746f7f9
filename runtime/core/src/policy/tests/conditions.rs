//! What a flow asks of its records and of other streams, before any record is there.

use std::collections::BTreeSet;

use super::{GOOD, build, check};
use crate::policy::Role;
use crate::policy::ask::{Ask, Occasion};
use crate::policy::verdict::Verdict;
use crate::problem::Code;
use crate::record::StreamId;

const FIELDS: &str = r#"fields = ["id", "name", "email"]"#;

#[test]
fn a_filter_asks_for_declared_single_values_of_their_kind() {
    let with = |filter: &str, expected: &[&str]| check(FIELDS, &format!("{FIELDS}\nfilter = \"{filter}\""), expected);
    with("name != '' and address.city is not null", &[]);
    with("town = 'x'", &["HUB-E101"]);
    with("address = 'x'", &["HUB-E101"]);
    with("name > 5", &["HUB-E003"]);
    with("name in ('a', true)", &["HUB-E003"]);
}

#[test]
fn what_a_field_may_hold_is_said_of_a_field() {
    let stream = "[stream.crm.contacts]\ncollected_for";
    check(stream, "[stream.crm.contacts]\nmay_hold = { name = [\"email\"] }\ncollected_for", &[]);
    check(stream, "[stream.crm.contacts]\nmay_hold = { nam = [\"email\"] }\ncollected_for", &["HUB-E101"]);
}

/// The good manifest with a ledger and a flow that asks it.
fn asking(ledger: &str, columns: &str, fields: &str) -> String {
    let flow = format!("{FIELDS}\n[flow.sync.consent]\nledger = \"crm.{ledger}\"\nscope = \"news\"\nmatch = {{ email = \"mail\" }}");
    let stream = format!(
        "[stream.crm.consents]\nsubjects = [\"customer\"]\nretention = [\"customer\"]\ncollected_for = [\"care\"]\nidentity = {{ mail = {{ field = \"mail\", strength = \"strong\" }} }}\n{columns}\nfields = {{ {fields} }}\n[stream.crm.strangers]"
    );
    GOOD.replace(FIELDS, &flow).replace("[stream.crm.strangers]", &stream)
}

const COLUMNS: &str = "consent_ledger = { subject = \"mail\", status = \"state\", at = \"at\", proof = \"proof\" }";
const LABELS: &str =
    "mail = \"user.contact.email\", state = \"user.privacy_preferences\", at = \"system.operations\", proof = \"user.privacy_preferences\"";

fn codes(text: &str) -> Vec<&'static str> {
    let found: BTreeSet<&str> =
        build(text).err().iter().flat_map(|denied| denied.problems.iter()).map(|problem| problem.code.id()).collect();
    found.into_iter().collect()
}

#[test]
fn a_ledger_and_its_fields_are_declared() {
    assert_eq!(codes(&asking("consents", COLUMNS, LABELS)), Vec::<&str>::new());
    assert_eq!(codes(&asking("nowhere", COLUMNS, LABELS)), ["HUB-E103"]);
    assert_eq!(codes(&asking("consents", COLUMNS, &LABELS.replace("state =", "other ="))), ["HUB-E101"]);
    assert_eq!(
        codes(&asking("consents", COLUMNS, &LABELS.replace("at = \"system.operations\"", "at = \"system.operation\""))),
        ["HUB-E102"]
    );
    let unmatched = asking("consents", COLUMNS, LABELS).replace("match = { email =", "match = { e_mail =");
    assert_eq!(codes(&unmatched), ["HUB-E101"]);
}

#[test]
fn a_run_may_read_what_its_flow_asks_and_nothing_else() {
    let text = asking("consents", COLUMNS, LABELS);
    let policy = build(&text).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    let may = |flow: &str, stream: &str| {
        let stream = StreamId::parse(stream).unwrap();
        let ask = Ask::Consult { flow, stream: &stream };
        matches!(crate::policy::decide(&policy, &ask, Occasion { flow, today: super::today(), usual_hosts: None }), Verdict::Granted(_))
    };
    assert!(may("sync", "crm.consents"));
    assert!(!may("sync", "crm.contacts") && !may("sync", "archive.contacts") && !may("other", "crm.consents"));
    let (_, rule) = policy.flow("sync").unwrap();
    assert!(matches!(rule.consulted[..], [ref one] if matches!(one.role, Role::Ledger)));
}

#[test]
fn a_host_that_no_run_has_used_is_denied_although_it_is_granted() {
    let text = asking("consents", COLUMNS, LABELS);
    let policy = build(&text).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    let usual = BTreeSet::from(["https://api.example.org".to_owned()]);
    let answer = |url: &str, usual_hosts| {
        let url = url::Url::parse(url).unwrap();
        let ask = Ask::Send { system: "crm", url: crate::policy::ask::Target::new(&url, None), credential: None };
        match crate::policy::decide(&policy, &ask, Occasion { flow: "sync", today: super::today(), usual_hosts }) {
            Verdict::Granted(_) => None,
            Verdict::Refused(refusal) => Some(refusal.code),
        }
    };
    for (url, known, unknown) in [
        ("https://api.example.org/x", None, None),
        ("https://erp.example.org/x", Some(Code::E213), None),
        ("https://c.example/x", Some(Code::E204), Some(Code::E204)),
    ] {
        assert_eq!((answer(url, Some(&usual)), answer(url, None)), (known, unknown), "{url}");
    }
}
