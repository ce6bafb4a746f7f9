//! What becomes of records that the source reports as deleted: what a flow must say, what may be asked, and that keys pass as they pass in records.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Catalogue, GOOD, NoFiles, today};
use crate::consent::{Consents, Row, Standing};
use crate::description;
use crate::gate::{FieldPlan, ScanReport, Stop};
use crate::manifest;
use crate::policy::ask::{Ask, Because, Occasion};
use crate::policy::verdict::Verdict;
use crate::policy::{Deletes, Denied, Means, Policy, decide};
use crate::problem::Code;
use crate::record::StreamId;
use crate::treat::{DomainKey, Seed};

/// The connectors of the other tests; either side may know deletions, and the key may have two parts.
fn connectors(reports: bool, deletes: bool) -> Catalogue {
    let field = |category: &str| json!({ "type": "string", "x-hub-category": category });
    let schema = json!({ "type": "object", "properties": {
        "id": field("user.unique_id"), "name": field("user.name"), "email": field("user.contact.email"),
        "at": { "type": "object", "properties": { "shop": field("system.operations"), "till": field("system.operations") } },
    } });
    let crm = json!({ "hub": "0.1", "name": "crm", "version": "1.0.0", "summary": "A CRM.", "config": { "type": "object" }, "imports": ["sink"],
        "hosts": [], "read_body": false, "source": { "any_stream": false, "streams": [{ "name": "contacts", "summary": "People.",
            "schema": schema, "primary_key": ["id", "at.shop"], "subjects": ["customer"], "deletes": reports }] } });
    let archive = json!({ "hub": "0.1", "name": "archive", "version": "1.0.0", "summary": "Rows.", "config": { "type": "object" },
        "imports": ["files"], "hosts": [], "read_body": false,
        "destination": { "modes": ["replace", "append", "upsert"], "accepts": ["user", "system", "non-personal"], "deletes": deletes } });
    let parse = |text: Value| Arc::new(description::parse(text.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}")));
    Catalogue::from([("crm".to_owned(), parse(crm)), ("archive".to_owned(), parse(archive))])
}

/// The good manifest with these fields, and further lines of its flow and of its source stream.
fn manifest(fields: &str, flow: &str, stream: &str) -> String {
    GOOD.replace("[stream.crm.strangers]\ncollected_for = [\"care\"]\n", "")
        .replace("\"user.unique_id\"]", "\"user.unique_id\", \"system\"]")
        .replace("fields = [\"id\", \"name\", \"email\"]", &format!("{flow}\nfields = {fields}"))
        .replace("[stream.crm.contacts]", &format!("[stream.crm.contacts]\n{stream}"))
}

fn build(text: &str, connectors: &Catalogue) -> Result<Policy, Denied> {
    let manifest = manifest::read("manifest.toml", text, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    Policy::build(manifest, connectors, today())
}

fn good(text: &str, connectors: &Catalogue) -> Policy {
    build(text, connectors).unwrap_or_else(|denied| panic!("{:?}", denied.problems))
}

const KEYED: &str = "[\"id\", \"name\", \"at.shop\"]";
const UPSERT: &str = "mode = \"upsert\"";

#[test]
fn a_flow_says_what_becomes_of_deleted_records() {
    let told = |fields: &str, flow: &str, stream: &str, (reports, deletes): (bool, bool)| match build(
        &manifest(fields, flow, stream),
        &connectors(reports, deletes),
    ) {
        Ok(policy) => Ok(policy.flow("sync").unwrap_or_else(|| panic!("a flow")).1.deletes),
        Err(denied) => {
            Err(denied.problems.iter().map(|problem| problem.code.id()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>())
        }
    };
    let upsert = |more: &str| format!("{UPSERT}\n{more}");
    let (both, none) = ((true, true), (false, false));
    // Who never reports any triggers nothing.
    assert_eq!(told(KEYED, UPSERT, "", none), Ok(Deletes::Undeclared));
    assert_eq!(told("[\"name\", \"id\"]", UPSERT, "", none), Ok(Deletes::Undeclared));
    assert_eq!(told(KEYED, UPSERT, "", both), Ok(Deletes::Applied));
    assert_eq!(told(KEYED, &upsert("deletes = \"apply\""), "", both), Ok(Deletes::Applied));
    assert_eq!(told(KEYED, "mode = \"append\"", "", both), Ok(Deletes::Applied));
    assert_eq!(told(KEYED, &upsert("deletes = \"ignore\""), "", both), Ok(Deletes::Ignored));
    assert_eq!(told(KEYED, "mode = \"replace\"", "", (true, false)), Ok(Deletes::Ignored), "what is gone is not read");
    // The operator knows what the connector cannot.
    assert_eq!(told(KEYED, UPSERT, "deletes = true", (false, true)), Ok(Deletes::Applied));
    assert_eq!(told(KEYED, UPSERT, "deletes = false", (true, false)), Ok(Deletes::Undeclared));
    // A loss is not silent.
    assert_eq!(told(KEYED, UPSERT, "", (true, false)), Err(vec!["HUB-E106"]));
    assert_eq!(told(KEYED, &upsert("deletes = \"ignore\""), "", (true, false)), Ok(Deletes::Ignored));
    assert_eq!(told(KEYED, &upsert("deletes = \"apply\""), "", (false, true)), Err(vec!["HUB-E106"]), "it would never come");
    // What names no row cannot delete one.
    assert_eq!(told("[\"id\", \"name\"]", UPSERT, "", both), Err(vec!["HUB-E182"]));
    let treated = |action: &str| format!("{{ id = \"allow\", name = \"allow\", \"at.shop\" = {{ action = {action} }} }}");
    assert_eq!(told(&treated("\"mask\", first = 1"), UPSERT, "", both), Err(vec!["HUB-E182"]));
    assert_eq!(told(&treated("\"truncate\", keep = 2"), UPSERT, "", both), Err(vec!["HUB-E182"]));
    assert_eq!(told(&treated("\"hash\""), UPSERT, "", both), Ok(Deletes::Applied));
    assert_eq!(told(&treated("\"pseudonymise\", domain = \"analytics\""), UPSERT, "", both), Ok(Deletes::Applied));
    // What a law wants kept is kept; two keys do not say two things.
    let by_law = |more: &str| {
        let text = manifest(KEYED, &upsert(&format!("delete = \"retain-statutory\"\n{more}")), "");
        let text = text.replace("basis = { art6 = \"b\", contract = \"purchase\" }", "basis = { art6 = \"c\", law = \"§ 147 AO\" }");
        build(&text, &connectors(true, true)).map(|policy| policy.flow("sync").map(|(_, rule)| rule.deletes))
    };
    assert_eq!(by_law("").unwrap_or_else(|denied| panic!("{:?}", denied.problems)), Some(Deletes::Ignored));
    assert!(by_law("deletes = \"apply\"").is_err_and(|denied| denied.problems.iter().all(|problem| problem.code == Code::E003)));
    assert_eq!(told(KEYED, &upsert("delete = \"propagate\"\ndeletes = \"ignore\""), "", both), Err(vec!["HUB-E003"]));
}

#[test]
fn deletions_are_asked_for() {
    let stream = |text: &str| StreamId::parse(text).unwrap_or_else(|| panic!("{text}"));
    let (from, to, other) = (stream("crm.contacts"), stream("archive.contacts"), stream("archive.other"));
    let refused = |policy: &Policy, to: &StreamId, because: Because| {
        let occasion = Occasion { flow: "sync", today: today(), usual_hosts: None };
        match decide(policy, &Ask::Delete { flow: "sync", from: &from, to, because }, occasion) {
            Verdict::Granted(grant) => {
                grant.consume();
                None
            }
            Verdict::Refused(refusal) => Some(refusal.code),
        }
    };
    let applies = good(&manifest(KEYED, UPSERT, ""), &connectors(true, true));
    assert_eq!(refused(&applies, &to, Because::Reported), None);
    assert_eq!(refused(&applies, &other, Because::Reported), Some(Code::E218));
    assert_eq!(refused(&applies, &to, Because::Withdrawn), Some(Code::E106), "no consent gate, nothing to retract");
    let undeclared = good(&manifest(KEYED, UPSERT, ""), &connectors(false, true));
    assert_eq!(refused(&undeclared, &to, Because::Reported), Some(Code::E106));
    let ignores = good(&manifest(KEYED, &format!("{UPSERT}\ndeletes = \"ignore\""), ""), &connectors(true, true));
    assert_eq!(refused(&ignores, &to, Because::Reported), Some(Code::E106));
}

/// The plans of records and of keys.
fn plans(fields: &str) -> (FieldPlan, FieldPlan) {
    let policy = good(&manifest(fields, UPSERT, ""), &connectors(true, true));
    let seed = Seed::new([5; 32]).unwrap_or_else(|| panic!("no seed"));
    let key = |_: &str| DomainKey::new(&[7; 32]).ok_or_else(|| "no key".to_owned());
    let means = Means { key: &key, seed: &seed, consents: None, today: today(), index: &|_| None };
    let failed = |problem| panic!("{problem:?}");
    (policy.plan("sync", &means).unwrap_or_else(failed), policy.key_plan("sync", &means).unwrap_or_else(failed))
}

fn pass(plan: &FieldPlan, line: &str) -> Result<Option<Value>, Stop> {
    let (mut out, mut report) = (Vec::new(), ScanReport::default());
    plan.scan_lines(line.as_bytes(), &mut out, &mut report)?;
    Ok((!out.is_empty()).then(|| serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{error}"))))
}

#[test]
fn nothing_stands_beside_a_key() {
    let (_, keys) = plans(KEYED);
    let stopped = |line: &str| pass(&keys, line).err().map(|stop| stop.code);
    assert_eq!(pass(&keys, r#"{"at":{"shop":"s"},"id":"7"}"#), Ok(Some(json!({ "id": "7", "at": { "shop": "s" } }))));
    for beside in [
        r#"{"id":"7","at":{"shop":"s"},"name":"Ada"}"#,
        r#"{"id":"7","at":{"shop":"s","till":"t"}}"#,
        r#"{"id":"7","at":{"shop":"s"},"ssn":"1"}"#,
        r#"{"id":"7","at":{"shop":"s","n\u0061me":{}}}"#,
    ] {
        assert_eq!(stopped(beside), Some(Code::E201), "{beside}");
    }
    for less in [r#"{"id":"7"}"#, r#"{"id":"7","at":{"shop":null}}"#, r#"{"at":{"shop":"s"}}"#, r#"{"id":7,"at":{"shop":"s"}}"#] {
        assert_eq!(stopped(less), Some(Code::E220), "{less}");
    }
    for broken in [r#"["7"]"#, r#"{"id":"7""#, r#"{"id":"7","id":"8","at":{"shop":"s"}}"#, "7"] {
        assert_eq!(stopped(broken), Some(Code::E219), "{broken}");
    }
}

#[test]
fn a_flow_with_a_gate_retracts_where_it_can() {
    let text = |mode: &str, more: &str, fields: &str| {
        let gate = format!("[flow.sync.consent]\nledger = \"crm.consents\"\nscope = \"news\"\nmatch = {{ email = \"mail\" }}\n{more}");
        let columns = "consent_ledger = { subject = \"mail\", status = \"state\", at = \"at\", proof = \"proof\" }\nfields = { mail = \"user.contact.email\", state = \"user.privacy_preferences\", at = \"system.operations\", proof = \"user.privacy_preferences\" }";
        let ledger = format!(
            "[stream.crm.consents]\nsubjects = [\"customer\"]\nretention = [\"customer\"]\ncollected_for = [\"care\"]\nidentity = {{ mail = {{ field = \"mail\", strength = \"strong\" }} }}\n{columns}\n"
        );
        format!("{}{gate}\n{ledger}", manifest(fields, mode, ""))
    };
    let retracts = |mode: &str, more: &str, fields: &str, deletes: bool| {
        good(&text(mode, more, fields), &connectors(false, deletes)).flow("sync").map(|(_, rule)| rule.retracts)
    };
    assert_eq!(retracts(UPSERT, "", KEYED, true), Some(true));
    assert_eq!(retracts("mode = \"append\"", "on_withdrawal = \"retract\"", KEYED, true), Some(true));
    assert_eq!(retracts(UPSERT, "on_withdrawal = \"keep\"", KEYED, true), Some(false));
    assert_eq!(retracts("mode = \"replace\"", "", KEYED, true), Some(false));
    assert_eq!(retracts(UPSERT, "", KEYED, false), Some(false));
    assert_eq!(retracts(UPSERT, "", "[\"id\", \"name\"]", true), Some(false), "a part of the key does not arrive");
    // Whose consent a record rests on is what the ledger is asked about later.
    let policy = good(&text(UPSERT, "", KEYED), &connectors(false, true));
    let mut consents = Consents::new("news", vec!["given".to_owned()], vec!["user.contact.email".to_owned()]);
    let row = Row { scope: None, status: Some("given"), at: Some("2026-01-01"), proof: Some("doi") };
    assert!(consents.add(&["ada@example.org"], row) && consents.add(&["bob@example.org"], Row { status: Some("no"), ..row }));
    let consents = Arc::new(consents);
    let seed = Seed::new([5; 32]).unwrap_or_else(|| panic!("no seed"));
    let key = |_: &str| Err("no key".to_owned());
    let means = Means { key: &key, seed: &seed, consents: Some(consents.clone()), today: today(), index: &|_| None };
    let plan = policy.plan("sync", &means).unwrap_or_else(|problem| panic!("{problem:?}"));
    let lines = r#"{"id":"1","email":"Ada@Example.org","at":{"shop":"s"}}
{"id":"2","email":"bob@example.org","at":{"shop":"s"}}"#;
    let (mut out, mut report) = (Vec::new(), ScanReport::default());
    assert_eq!(plan.scan_lines(lines.as_bytes(), &mut out, &mut report), Ok(()));
    assert_eq!(report.persons.iter().map(|person| consents.standing_of(person)).collect::<Vec<_>>(), [Standing::Given]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The destination finds the row: a key arrives as it arrived in the record, whatever the flow makes of it.
    #[test]
    fn keys_are_treated_as_in_records(
        id in "\\PC{0,24}",
        shop in "\\PC{1,12}",
        name in "[a-z]{0,8}",
        treatment in prop::sample::select(vec!["\"allow\"", "{ action = \"pseudonymise\", domain = \"analytics\", to = \"who\" }", "{ action = \"allow\", to = \"number\" }"]),
        place in prop::sample::select(vec!["\"allow\"", "{ action = \"hash\", to = \"place.store\" }"]),
        spelled in any::<bool>(),
    ) {
        let (records, keys) = plans(&format!("{{ id = {treatment}, name = \"allow\", \"at.shop\" = {place} }}"));
        let key = json!({ "id": id, "at": { "shop": shop } });
        let mut record = key.clone();
        record["name"] = name.into();
        let (key, record) = (key.to_string(), record.to_string());
        // Another spelling of the same names, another order.
        let key = if spelled { key.replace("\"id\":", "\"\\u0069d\":") } else { key };
        let (passed, as_record) = (pass(&keys, &key), pass(&records, &record));
        match (passed, as_record) {
            (Ok(passed), Ok(Some(mut whole))) => {
                whole.as_object_mut().unwrap_or_else(|| panic!("an object")).retain(|field, _| field != "name");
                prop_assert_eq!(passed, Some(whole));
            }
            (passed, whole) => prop_assert_eq!(passed.map_err(|stop| stop.code), whole.map_err(|stop| stop.code)),
        }
    }
}
