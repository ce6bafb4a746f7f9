//! A draft says what is known, asks what is not, allows nothing; and what a patch says can be pasted.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Candidate, Draft, drift, patch};
use crate::date::Date;
use crate::description::{self, Description};
use crate::labels::Sample;
use crate::manifest::{self, Manifest, NoFiles};
use crate::policy::{Catalogue, Policy};
use crate::problem::Code;
use crate::stream::{Foreign, StreamShape};

/// A source on the network with a stream that its author labelled and one that nobody did, and a folder that can be written to.
fn descriptions() -> [Description; 2] {
    let field = |category: &str| json!({ "type": "string", "x-hub-category": category });
    let contacts = json!({ "type": "object", "properties": { "id": field("user.unique_id"), "email": field("user.contact.email") } });
    let tickets = json!({ "type": "object", "properties": {
        "id": { "type": "string" }, "requester": { "type": "object", "properties": { "name": { "type": "string" } } },
        "reply_to": { "type": "string", "format": "email" }, "account": { "type": "string" }, "qqq": { "type": "string" } } });
    let crm = json!({ "hub": "0.1", "name": "crm", "version": "1.2.0", "summary": "A CRM.", "imports": ["sink", "http", "pages"], "read_body": true,
        "hosts": ["https://api.example.org", "config:base_url"],
        "config": { "type": "object", "required": ["base_url"], "properties": { "base_url": { "type": "string" }, "page_size": { "type": "integer" } } },
        "source": { "any_stream": false, "streams": [
            { "name": "contacts", "summary": "People.", "schema": contacts, "primary_key": ["id"], "subjects": ["customer"] },
            { "name": "support tickets", "summary": "What they ask.", "schema": tickets, "primary_key": ["id"], "cursor": "id", "subjects": [] } ] } });
    let files = json!({ "hub": "0.1", "name": "file", "version": "1.0.0", "summary": "Files.", "imports": ["files", "sink"], "hosts": [], "read_body": false,
        "config": { "type": "object" }, "source": { "any_stream": true, "streams": [] },
        "destination": { "modes": ["replace", "append"], "accepts": ["user", "system", "non-personal"], "streams": null } });
    [crm, files].map(|text| description::parse(text.to_string().as_bytes()).unwrap())
}

fn sample(lines: &str) -> Sample {
    let mut sample = Sample::default();
    sample.read(lines).unwrap();
    sample
}

fn draft() -> Draft {
    let [crm, files] = &descriptions();
    let foreign = BTreeMap::new();
    let values = "{\"account\":\"DE89370400440532013000\",\"qqq\":\"x\"}\n";
    let tickets = BTreeMap::from([("support tickets".to_owned(), sample(values))]);
    let people = BTreeMap::from([("people".to_owned(), sample("{\"mail\":\"a@x.example\",\"n\":1,\"a@x.example\":2}\n"))]);
    let candidate = |id: &str, description, samples| Candidate {
        id: id.to_owned(),
        reference: format!("builtin:{id}"),
        description,
        foreign: &foreign,
        config: None,
        secrets: Vec::new(),
        open_hosts: Vec::new(),
        entering: Vec::new(),
        samples,
    };
    Draft::new(&[candidate("crm", crm, &tickets), candidate("archive", files, &people)])
}

/// Takes the `#` away from every setting that waits.
fn awake(text: &str) -> String {
    text.lines()
        .map(|line| if line.starts_with("# ") { line } else { line.strip_prefix('#').unwrap_or(line) })
        .map(|line| format!("{line}\n"))
        .collect()
}

fn read(text: &str) -> Result<Manifest, Vec<(Code, String)>> {
    manifest::read("manifest.toml", text, &NoFiles)
        .map_err(|failed| failed.problems.iter().map(|problem| (problem.code, problem.title.clone())).collect())
}

fn catalogue() -> Catalogue {
    let [crm, files] = descriptions();
    [("crm".to_owned(), Arc::new(crm)), ("archive".to_owned(), Arc::new(files))].into()
}

fn codes(text: &str) -> Vec<&'static str> {
    let manifest = read(text).unwrap_or_else(|found| panic!("{found:?}\n{text}"));
    match Policy::build(manifest, &catalogue(), Date::parse("2026-11-23").unwrap()) {
        Ok(_) => Vec::new(),
        Err(denied) => {
            let mut codes: Vec<_> = denied.problems.iter().map(|problem| problem.code.id()).collect();
            codes.dedup();
            codes
        }
    }
}

#[test]
fn a_draft_as_a_whole() {
    insta::assert_snapshot!(draft().manifest());
}

#[test]
fn a_draft_names_its_operator_only_once_somebody_has() {
    let text = draft().manifest();
    let open = read(&text).unwrap_err();
    let told: Vec<_> = open.iter().map(|(code, title)| (*code, title.split(' ').next().unwrap())).collect();
    assert_eq!(
        told,
        [(Code::E003, "`name`"), (Code::E003, "`contact`")],
        "what is open is told where it stands, and nothing else is wrong"
    );
    let named = operator(&text);
    let manifest = read(&named).unwrap();
    assert_eq!((manifest.flows.len(), manifest.systems.len(), manifest.streams.len()), (0, 2, 3));
    assert!(manifest.streams.values().all(|stream| stream.labels().next().is_none()), "nothing is labelled by itself");
    assert!(manifest.systems.values().all(|system| system.hosts.is_empty() && system.folders.is_empty() && system.read_body.is_none()));
    assert_eq!(codes(&named), Vec::<&str>::new());
}

fn operator(text: &str) -> String {
    text.replace("name = \"\"\ncontact = \"\"", "name = \"Muster GmbH\"\ncontact = \"dp@muster.example\"")
}

#[test]
fn a_setting_that_is_not_answered_is_refused_and_known_by_the_grammar() {
    let text = awake(&operator(&draft().manifest()));
    let found = read(&text).unwrap_err();
    assert!(found.iter().all(|(code, _)| *code == Code::E003), "only blanks are wrong: {found:#?}\n{text}");
    for place in ["`hosting.country`", "role", "`contract.kind`", "strength", "`period`", "`art6`"] {
        let last = place.trim_matches('`').rsplit('.').next().unwrap();
        assert!(found.iter().any(|(_, title)| title.contains(last)), "{place}: {found:#?}");
    }
}

#[test]
fn answers_make_a_draft_a_manifest_that_may_run() {
    let mut text = operator(&draft().manifest());
    let answers = [
        ("status = \"requested\"", "status = \"approved\""),
        ("#hosts = [\"https://api.example.org\"]", "hosts = [\"https://api.example.org\"]"),
        ("#role = \"\"", "role = \"own\""),
        ("#hosting = { country = \"\" }", "hosting = { country = \"DE\" }"),
        ("#collected_for = [\"\"]", "collected_for = [\"first\"]"),
        ("#dsr = { erase = \"\", procedure = \"\" }", "dsr = { erase = \"manual\", procedure = \"P-1\" }"),
        (
            "#[purpose.first]\n#use = \"\"\n#basis = { art6 = \"\" }\n#allows = [\"\"]",
            "[purpose.first]\nuse = \"essential.service\"\nbasis = { art6 = \"b\", contract = \"support\" }\nallows = [\"user\"]",
        ),
        ("#[retention.first]\n#kind = \"\"\n#period = \"\"", "[retention.first]\nkind = \"limit\"\nperiod = \"P3Y\""),
        (
            "#[flow.first]\n#from = \"crm.contacts\"\n#to = \"archive.contacts\"\n#purpose = \"first\"\n#retention = [\"first\"]\n#fields = [\"\"]",
            "[flow.first]\nfrom = \"crm.support tickets\"\nto = \"archive.tickets\"\npurpose = \"first\"\nretention = [\"first\"]\nfields = [\"id\", \"reply_to\"]",
        ),
    ];
    for (waiting, answer) in answers {
        assert!(text.contains(waiting), "{waiting}\n{text}");
        text = text.replace(waiting, answer);
    }
    assert_eq!(codes(&text), ["HUB-E102"], "what is suggested does not count");
    for suggestion in ["#id = \"system.operations\"", "#reply_to = \"user.contact.email\""] {
        assert!(text.contains(suggestion), "{suggestion}\n{text}");
        text = text.replace(suggestion, &suggestion[1..]);
    }
    assert_eq!(codes(&text), ["HUB-E108", "HUB-E141", "HUB-E180"], "what a personal field needs is asked for");
    let (head, tickets) = text.split_once("[stream.crm.\"support tickets\"]").unwrap();
    let tickets = tickets.replacen("#subjects = ", "subjects = ", 1).replacen("#retention = [\"\"]", "retention = [\"first\"]", 1);
    let tickets = tickets.replacen("#identity = ", "identity = ", 1).replace("strength = \"\"", "strength = \"strong\"");
    assert_eq!(codes(&format!("{head}[stream.crm.\"support tickets\"]{tickets}")), Vec::<&str>::new());
}

#[test]
fn a_draft_is_a_document_too() {
    let document = draft().json();
    let streams = document["systems"][0]["streams"].as_array().unwrap();
    assert_eq!(streams[0]["labelled"], json!({ "email": "user.contact.email", "id": "user.unique_id" }));
    assert_eq!(streams[0]["suggested"], json!([]));
    let account = streams[1]["suggested"].as_array().unwrap().iter().find(|field| field["path"] == "account").unwrap();
    assert_eq!((&account["category"], &account["confidence"]), (&json!("user.financial.bank_account"), &json!("high")));
    assert_eq!(streams[1]["without_suggestion"], json!(["qqq"]));
    assert_eq!(document["systems"][1]["streams"][0]["untold"], 1);
    assert!(!document.to_string().contains("x.example") && !document.to_string().contains("DE8937"), "no value is told");
    let asked: Vec<&str> = document["systems"][0]["open"].as_array().unwrap().iter().filter_map(|one| one["key"].as_str()).collect();
    assert!(
        ["role", "hosting", "collected_for", "contract", "hosts", "grants", "config"].iter().all(|key| asked.contains(key)),
        "{asked:?}"
    );
}

const FLOWS: &str = r#"manifest = 1
operator = { name = "Muster GmbH", contact = "dp@muster.example" }
[system.crm]
connector = "builtin:crm"
collected_for = ["care"]
[system.archive]
connector = "builtin:file"
dsr = { erase = "manual", procedure = "P-1" }
[purpose.care]
use = "essential.service"
basis = { art6 = "b", contract = "support" }
allows = ["user"]
[retention.customer]
kind = "limit"
period = "P3Y"
[flow.one]
from = "crm.contacts"
to = "archive.contacts"
purpose = "care"
retention = ["customer"]
fields = ["id", "email"]
[flow.two]
from = "crm.contacts"
to = "archive.mails"
purpose = "care"
retention = ["customer"]
[flow.two.fields]
email = "allow"
"#;

/// The patch for what both flows left out, with the manifest's own lines before it.
fn patched(text: &str, dropped: &[(&str, u64)]) -> (String, Vec<Value>) {
    let manifest = read(text).unwrap();
    let dropped = dropped.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect();
    let drifts: Vec<_> = manifest.flows.values().map(|flow| drift(&manifest, &catalogue(), flow, &dropped)).collect();
    (patch(&manifest, &catalogue(), &drifts), drifts.iter().map(super::Drift::json).collect())
}

#[test]
fn what_nothing_declares_becomes_a_patch_that_can_be_pasted() {
    let dropped = [("mobile", 7), ("zzz", 2), ("…", 3), ("(unusual name)", 1), ("email", 9), ("address.city", 1)];
    let (text, drifts) = patched(FLOWS, &dropped);
    insta::assert_snapshot!(text);
    assert_eq!(drifts[0]["untold"], 4);
    let paths: Vec<_> = drifts[0]["undeclared"].as_array().unwrap().iter().map(|field| field["path"].clone()).collect();
    assert_eq!(paths, ["address.city", "mobile", "zzz"], "what is declared by now is none of it");
    assert_eq!(drifts[0]["undeclared"][1]["suggestion"]["category"], "user.contact.phone_number");
    assert_eq!(codes(&format!("{FLOWS}\n{text}")), Vec::<&str>::new(), "as it is it changes nothing");
    let decided = text
        .replace("#subjects", "subjects")
        .replace("#retention = [\"\"]", "retention = [\"customer\"]")
        .replace("#identity", "identity")
        .replace("strength = \"\"", "strength = \"strong\"")
        .replace("#mobile", "mobile");
    let listed = FLOWS.replace("\"id\", \"email\"]", "\"id\", \"email\", \"mobile\"]");
    assert_eq!(codes(&listed), ["HUB-E101"]);
    assert_eq!(codes(&format!("{listed}\n{decided}")), Vec::<&str>::new());
    let (again, drifts) = patched(&format!("{listed}\n{decided}"), &dropped);
    assert!(again.contains("These lines belong into [stream.crm.contacts.added], manifest.toml:"), "{again}");
    assert!(!again.contains("\n[stream"), "a table is not opened twice\n{again}");
    assert_eq!(drifts[0]["undeclared"].as_array().unwrap().len(), 2);
}

#[test]
fn fields_that_the_source_no_longer_has_are_told_although_the_manifest_is_denied() {
    let text = FLOWS.replace("\"email\"]", "\"email\", \"fax\"]") + "[stream.crm.contacts.fields]\npager = \"user.contact.phone_number\"\n";
    assert!(codes(&text).contains(&"HUB-E101"));
    let (text, drifts) = patched(&text, &[]);
    assert_eq!(drifts[0]["gone"], json!(["fax", "pager"]));
    assert!(text.contains("# `crm.contacts` does not have `fax` (any more): take it out of [flow.one]"), "{text}");
    assert!(patched(FLOWS, &[]).0.is_empty());
}

#[test]
fn a_stream_that_the_manifest_alone_describes_takes_more_fields_as_it_has_them() {
    let stream = "[stream.archive.people]\nsubjects = [\"customer\"]\nretention = [\"customer\"]\n[stream.archive.people.fields]\nid = \"system.operations\"\n";
    let text = FLOWS
        .replace("from = \"crm.contacts\"", "from = \"archive.people\"")
        .replace("\"id\", \"email\"", "\"id\"")
        .replace("\nemail = ", "\nid = ")
        + stream;
    let (text, drifts) = patched(&text, &[("mobile", 1)]);
    assert_eq!(drifts[0]["gone"], json!([]));
    assert!(text.contains("# These lines belong into [stream.archive.people.fields], manifest.toml:"), "{text}");
    assert!(
        text.contains("# With a personal field, [stream.archive.people] (manifest.toml:") && text.contains("needs `identity` too."),
        "{text}"
    );
    assert!(text.contains("#   fields = [\"id\", \"mobile\"]") && text.contains("#   mobile = \"allow\""), "{text}");
}

#[test]
fn hints_are_read_from_schemas_that_were_written_for_the_gate() {
    let [crm, _] = descriptions();
    let claim = &crm.source.unwrap().streams[1];
    assert_eq!(Foreign::of(&claim.shape).hints["reply_to"].format.as_deref(), Some("email"));
    assert!(Foreign::of(&StreamShape::default()).hints.is_empty());
}
