//! Static and dynamic rules as tables: a good manifest, one change, the codes that follow.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use url::Url;

use super::ask::{Ask, Occasion, Redirect, Target};
use super::verdict::{Refusal, Verdict};
use super::{Catalogue, Denied, Policy, decide};
use crate::date::Date;
use crate::description;
use crate::manifest::{self, FolderAccess};
use crate::problem::Code;
use crate::record::StreamId;

mod actions;
mod conditions;
mod deletes;
mod nordwerk;

const GOOD: &str = r#"
manifest = 1
operator = { name = "Muster GmbH", contact = "dsb@muster.example" }

[system.crm]
connector = "builtin:crm"
role = "own"
dsr = { erase = "native" }
hosting = { country = "DE" }
hosts = ["https://api.example.org", "http://127.0.0.1:8080", "https://erp.example.org"]
credentials = { token = { scheme = "bearer", value = { env = "TOKEN" }, origins = ["https://api.example.org"] } }
networks = ["10.20.0.0/16"]
[system.archive]
connector = "builtin:archive"
dsr = { erase = "manual", procedure = "P-1" }
folders = { out = { path = "out", access = "write" } }

[purpose.care]
use = "essential.service"
basis = { art6 = "b", contract = "purchase" }
allows = ["user.name", "user.contact.email", "user.unique_id"]
[retention.customer]
kind = "limit"
period = "P3Y"
[pseudonym.analytics]
key = { env = "KEY" }

[stream.crm.contacts]
collected_for = ["care"]
[stream.crm.strangers]
collected_for = ["care"]

[flow.sync]
from = "crm.contacts"
to = "archive.contacts"
purpose = "care"
retention = ["customer"]
fields = ["id", "name", "email"]
"#;

struct NoFiles;

impl manifest::Files for NoFiles {
    fn read(&self, _: &str, wanted: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        Err(format!("no file `{wanted}`"))
    }
}

fn catalogue() -> Catalogue {
    let field = |category: &str| json!({ "type": "string", "x-hub-category": category });
    let schema = json!({ "type": "object", "properties": {
        "id": field("user.unique_id"), "name": field("user.name"), "email": field("user.contact.email"), "iban": field("user.financial.bank_account"),
        "note": { "type": "string" },
        "address": { "type": "object", "properties": { "city": field("user.contact.address.city") } },
    } });
    let crm = json!({ "hub": "0.1", "name": "crm", "version": "1.0.0", "summary": "A CRM.", "config": { "type": "object" }, "imports": ["sink"], "hosts": [],
        "read_body": false, "source": { "any_stream": false, "streams": [
            { "name": "contacts", "summary": "People.", "schema": schema, "primary_key": ["id"], "subjects": ["customer"] },
            { "name": "strangers", "summary": "People.", "schema": schema, "primary_key": ["id"], "subjects": [] } ] } });
    let archive = json!({ "hub": "0.1", "name": "archive", "version": "1.0.0", "summary": "Files.", "config": { "type": "object" }, "imports": ["files"], "hosts": [],
        "read_body": false, "destination": { "modes": ["replace", "append"], "accepts": ["user", "system", "non-personal"], "streams": null } });
    [("crm", crm), ("archive", archive)]
        .into_iter()
        .map(|(id, text)| {
            (id.to_owned(), Arc::new(description::parse(text.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))))
        })
        .collect()
}

fn today() -> Date {
    Date::parse("2026-11-23").unwrap_or_else(|| panic!("a day"))
}

fn build(text: &str) -> Result<Policy, Denied> {
    let manifest = manifest::read("manifest.toml", text, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    Policy::build(manifest, &catalogue(), today())
}

/// Replaces one piece of the good manifest and names the codes that must be found, and no others.
fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    let found: BTreeSet<String> = match build(&GOOD.replace(from, to)) {
        Ok(_) => BTreeSet::new(),
        Err(denied) => denied.problems.iter().map(|problem| problem.code.id().to_owned()).collect(),
    };
    assert_eq!(found, expected.iter().map(|code| (*code).to_owned()).collect(), "{from} → {to}");
}

/// The stream that the connector describes, with labels of the manifest in one of its two tables.
fn labelled(table: &str, labels: &str) -> String {
    let stream = "[stream.crm.contacts]\nsubjects = [\"customer\"]\nretention = [\"customer\"]\nidentity = { customer = { field = \"id\", strength = \"strong\" } }\n";
    format!("{stream}collected_for = [\"care\"]\n[stream.crm.contacts.{table}]\n{labels}\n[stream.crm.strangers]")
}

#[test]
fn a_field_that_the_connector_does_not_describe_is_added_on_purpose_only() {
    const STREAM: &str = "[stream.crm.contacts]\ncollected_for = [\"care\"]\n[stream.crm.strangers]";
    let card = "loyalty_card = \"user.unique_id\"";
    check(STREAM, &labelled("fields", card), &["HUB-E101"]);
    check(STREAM, &labelled("added", card), &[]);
    check(
        STREAM,
        &format!("[stream.crm.contacts]\ncollected_for = [\"care\"]\nadded = {{ {card} }}\n[stream.crm.strangers]"),
        &["HUB-E108", "HUB-E141", "HUB-E180"],
    );
    check(STREAM, &labelled("added", "loyalty_card = \"user.uniqe_id\""), &["HUB-E102"]);
    check(STREAM, &labelled("added", "name.inner = \"user.unique_id\""), &["HUB-E008"]);
    let text = GOOD.replace(STREAM, &labelled("added", &format!("{card}\nemail = \"user.name\"")));
    let policy =
        build(&text.replace("\"email\"]", "\"email\", \"loyalty_card\"]")).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    let (_, rule) = policy.flow("sync").unwrap_or_else(|| panic!("the flow"));
    let fields: Vec<_> = rule.fields.iter().map(|field| (field.path.as_str(), field.category.as_str())).collect();
    let expected = [("id", "user.unique_id"), ("name", "user.name"), ("email", "user.name"), ("loyalty_card", "user.unique_id")];
    assert_eq!(fields, expected, "what the connector knows by now is a label like any other");
}

#[test]
fn the_good_manifest_is_good() {
    check("P3Y", "P3Y", &[]);
}

#[test]
fn undeclared_and_unclassified_fields_are_denied() {
    check(r#""email"]"#, r#""e_mail"]"#, &["HUB-E101"]);
    check(r#""email"]"#, r#""address.street"]"#, &["HUB-E101"]);
    check(r#""email"]"#, r#""note"]"#, &["HUB-E102"]);
}

#[test]
fn unknown_names_are_denied() {
    check(r#"to = "archive.contacts""#, r#"to = "partner.contacts""#, &["HUB-E103"]);
    check(r#"from = "crm.contacts""#, r#"from = "crm.kontacts""#, &["HUB-E103"]);
    check(r#"purpose = "care""#, r#"purpose = "cure""#, &["HUB-E103"]);
    check(r#"use = "essential.service""#, r#"use = "essential.servce""#, &["HUB-E103"]);
    check(r#""user.name", "#, r#""user.nam", "#, &["HUB-E103", "HUB-E104"]);
    check(r#"retention = ["customer"]"#, r#"retention = ["custom"]"#, &["HUB-E103"]);
    check(r#"fields = ["id", "name", "email"]"#, r#"fields = { id = { action = "pseudonymise", domain = "analytic" } }"#, &["HUB-E103"]);
}

#[test]
fn a_purpose_gets_what_it_needs_only() {
    check(r#""email"]"#, r#""email", "iban"]"#, &["HUB-E104"]);
    check(r#""email"]"#, r#""email", "address"]"#, &["HUB-E104"]);
    check(r#"fields = ["id", "name", "email"]"#, r#"fields = { iban = "drop", id = "allow" }"#, &[]);
}

#[test]
fn systems_must_be_approved_and_able() {
    check("[system.archive]\n", "[system.archive]\nstatus = \"retired\"\n", &["HUB-E105"]);
    check("[system.archive]\n", "[system.archive]\nstatus = \"pilot\"\n", &[]);
    check(r#"to = "archive.contacts""#, r#"to = "crm.people""#, &["HUB-E106"]);
    check(r#"from = "crm.contacts""#, r#"from = "archive.people""#, &["HUB-E106"]);
    check("purpose = \"care\"\n", "purpose = \"care\"\nmode = \"upsert\"\n", &["HUB-E106"]);
}

#[test]
fn labels_may_not_understate() {
    let stream = |fields: &str| {
        format!(
            "[stream.archive.contacts]\nidentity = {{ email = {{ field = \"email\", strength = \"strong\" }} }}\nretention = [\"customer\"]\nsubjects = [\"customer\"]\n[stream.archive.contacts.fields]\n{fields}\n[flow.sync]"
        )
    };
    let whole = "id = \"user.unique_id\"\nname = \"user\"\nemail = \"user.contact.email\"";
    check("[flow.sync]", &stream(whole), &[]);
    check("[flow.sync]", &stream(&whole.replace("user.contact.email", "system.operations")), &["HUB-E107"]);
    check("[flow.sync]", &stream(&whole.replace("email =", "mail =")), &["HUB-E107"]);
}

#[test]
fn personal_data_belong_to_somebody_and_end() {
    check(r#"from = "crm.contacts""#, r#"from = "crm.strangers""#, &["HUB-E108"]);
    check("retention = [\"customer\"]\n", "", &["HUB-E141"]);
}

#[test]
fn everything_is_told_in_one_go() {
    let broken = GOOD
        .replace("\"email\"]", "\"e_mail\", \"iban\"]")
        .replace("retention = [\"customer\"]\n", "")
        .replace("purpose = \"care\"", "purpose = \"cure\"");
    let denied = build(&broken).err().unwrap_or_else(|| panic!("granted"));
    let codes: Vec<&str> = denied.problems.iter().map(|problem| problem.code.id()).collect();
    assert_eq!(codes, ["HUB-E141", "HUB-E103", "HUB-E101"]);
}

fn refused(ask: &Ask<'_>) -> Option<&'static str> {
    let policy = build(GOOD).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    match decide(&policy, ask, Occasion { flow: "sync", today: today(), usual_hosts: None }) {
        Verdict::Granted(grant) => {
            grant.consume();
            None
        }
        Verdict::Refused(refusal) => Some(refusal.code.id()),
    }
}

fn send(url: &str, credential: Option<&str>, expected: Option<&'static str>) {
    let url = Url::parse(url).unwrap_or_else(|_| panic!("{url}"));
    assert_eq!(refused(&Ask::Send { system: "crm", url: Target::new(&url, None), credential }), expected, "{url}");
}

#[test]
fn requests_go_where_the_manifest_says() {
    send("https://api.example.org/v1?x=1", None, None);
    send("https://API.example.org:443/", None, None);
    send("http://127.0.0.1:8080/", None, None);
    send("https://api.example.org:8443/", None, Some("HUB-E204"));
    send("https://evil.example/", None, Some("HUB-E204"));
    send("https://api.example.org.evil.example/", None, Some("HUB-E204"));
    send("https://user:pass@api.example.org/", None, Some("HUB-E204"));
    send("http://api.example.org/", None, Some("HUB-E401"));
    send("http://127.0.0.1:8081/", None, Some("HUB-E401"));
    send("https://api.example.org/", Some("token"), None);
    send("https://api.example.org/", Some("other"), Some("HUB-E309"));
    send("https://erp.example.org/", Some("token"), Some("HUB-E309"));
}

#[test]
fn whoever_is_told_something_has_one_address() {
    let told = GOOD.replace(
        "[purpose.care]",
        "[alert.ops]\nto = \"https://hooks.example.org/hub\"\nsecret = { env = \"S\" }\nnetworks = [\"10.20.0.0/16\"]\n[audit.anchor.far]\nurl = \"https://evidence.example.org/notes\"\n[audit.anchor.near]\nfile = \"a.jsonl\"\n[observe]\notlp = { to = \"http://127.0.0.1:4318/v1/traces\", token = { env = \"T\" } }\n[purpose.care]",
    );
    let policy = build(&told).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    let code = |ask: &Ask<'_>| match decide(&policy, ask, Occasion { flow: "", today: today(), usual_hosts: None }) {
        Verdict::Granted(grant) => {
            grant.consume();
            None
        }
        Verdict::Refused(refusal) => Some(refusal.code.id()),
    };
    let send = |system: &str, url: &str, credential: Option<&str>| {
        let url = Url::parse(url).unwrap_or_else(|_| panic!("{url}"));
        code(&Ask::Send { system, url: Target::new(&url, None), credential })
    };
    assert_eq!(send("alert:ops", "https://hooks.example.org/hub", None), None);
    assert_eq!(send("alert:ops", "https://hooks.example.org/other", None), Some("HUB-E204"));
    assert_eq!(send("alert:ops", "https://hooks.example.org/hub?x=1", None), Some("HUB-E204"));
    assert_eq!(send("alert:ops", "https://evil.example/hub", None), Some("HUB-E204"));
    assert_eq!(send("alert:ops", "https://hooks.example.org/hub", Some("token")), Some("HUB-E204"));
    assert_eq!(send("anchor:far", "https://evidence.example.org/notes", None), None);
    assert_eq!(send("anchor:far", "https://hooks.example.org/hub", None), Some("HUB-E204"));
    assert_eq!(send("anchor:near", "https://evidence.example.org/notes", None), Some("HUB-E103"));
    assert_eq!(send("alert:nobody", "https://hooks.example.org/hub", None), Some("HUB-E103"));
    assert_eq!(send("observe:otlp", "http://127.0.0.1:4318/v1/traces", Some("token")), None);
    assert_eq!(send("observe:lineage", "http://127.0.0.1:4318/v1/traces", None), Some("HUB-E103"));
    assert_eq!(send("crm", "https://hooks.example.org/hub", None), Some("HUB-E204"), "what is told is no grant for a connector");
    let connect = |address: &str| {
        let url = Url::parse("https://hooks.example.org/hub").unwrap();
        code(&Ask::Connect { system: "alert:ops", url: &url, address: address.parse().unwrap() })
    };
    assert_eq!(connect("93.184.216.34"), None);
    assert_eq!(connect("10.20.3.4"), None);
    assert_eq!(connect("127.0.0.1"), Some("HUB-E204"));
    assert_eq!(connect("169.254.169.254"), Some("HUB-E204"));
}

#[test]
fn names_lead_to_public_or_named_networks() {
    let connect = |url: &str, address: &str| {
        let url = Url::parse(url).unwrap_or_else(|_| panic!("{url}"));
        refused(&Ask::Connect { system: "crm", url: &url, address: address.parse().unwrap_or_else(|_| panic!("{address}")) })
    };
    assert_eq!(connect("https://erp.example.org/", "93.184.216.34"), None);
    assert_eq!(connect("https://erp.example.org/", "10.20.3.4"), None);
    assert_eq!(connect("https://erp.example.org/", "10.21.3.4"), Some("HUB-E204"));
    assert_eq!(connect("https://erp.example.org/", "127.0.0.1"), Some("HUB-E204"));
    assert_eq!(connect("https://erp.example.org/", "169.254.169.254"), Some("HUB-E204"));
    assert_eq!(connect("http://127.0.0.1:8080/", "127.0.0.1"), None);
    assert_eq!(connect("http://127.0.0.1:8080/", "127.0.0.2"), Some("HUB-E204"));
    assert_eq!(connect("http://localhost:8080/", "127.0.0.1"), None);
    assert_eq!(connect("http://localhost:8080/", "10.20.3.4"), Some("HUB-E204"));
    assert_eq!(connect("http://localhost:8080/", "93.184.216.34"), Some("HUB-E401"), "plain text for another machine");
}

/// The good manifest with a second system in another country, and a host that both have.
const ABROAD: &str = r#"
[system.mailer]
connector = "builtin:crm"
role = "own"
hosting = { country = "US" }
hosts = ["https://us.example.org", "https://erp.example.org"]
[system.helper]
connector = "builtin:crm"
role = "own"
hosting = { country = "DE" }
hosts = ["https://de.example.org"]
"#;

fn redirected(from: &str, to: &str, credential: bool) -> Option<Refusal> {
    let policy = build(&format!("{GOOD}{ABROAD}")).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    let [from, to] = [from, to].map(|url| Url::parse(url).unwrap());
    let redirect = Redirect { from, with_credential: credential };
    let ask = Ask::Send { system: "crm", url: Target::new(&to, Some(&redirect)), credential: None };
    match decide(&policy, &ask, Occasion { flow: "sync", today: today(), usual_hosts: None }) {
        Verdict::Granted(grant) => {
            grant.consume();
            None
        }
        Verdict::Refused(refusal) => Some(refusal),
    }
}

#[test]
fn a_login_is_not_led_from_tls_to_plain_text() {
    let code = |from: &str, to: &str, credential| redirected(from, to, credential).map(|refusal| refusal.code);
    let (safe, local) = ("https://api.example.org/a?token=x", "http://127.0.0.1:8080/b?token=x");
    assert_eq!(code(safe, local, true), Some(Code::E403), "also where the target is granted");
    assert_eq!(code(safe, "http://api.example.org/", true), Some(Code::E403));
    assert_eq!(code(safe, local, false), None, "the address alone decides");
    assert_eq!(code(safe, "http://api.example.org/", false), Some(Code::E401));
    assert_eq!(code(local, "http://127.0.0.1:8080/c", true), None, "it was never encrypted");
    assert_eq!(code(safe, "https://api.example.org/b", true), None);
    let said = redirected(safe, local, true).unwrap();
    assert!(said.title.contains("`crm`") && !said.title.contains("token=x") && !said.help.is_empty(), "{said:?}");
}

#[test]
fn a_redirect_does_not_lead_into_another_country() {
    let code = |to: &str| redirected("https://api.example.org/", to, false).map(|refusal| refusal.code);
    assert_eq!(code("https://us.example.org/x"), Some(Code::E205), "another system's host, in another country");
    assert_eq!(code("https://erp.example.org/x"), Some(Code::E205), "a granted host that is a system's in another country, too");
    assert_eq!(code("https://de.example.org/x"), Some(Code::E204), "the same country, but not granted");
    assert_eq!(code("https://nobody.example.org/"), Some(Code::E204));
    assert_eq!(redirected("https://erp.example.org/a", "https://erp.example.org/b", false), None, "it stays where it is");
    let said = redirected("https://api.example.org/", "https://us.example.org/x", false).unwrap().title;
    assert!(["https://api.example.org", "`crm`", "DE", "`mailer`", "US"].iter().all(|part| said.contains(part)), "{said}");
}

#[test]
fn answers_prove_their_region() {
    let region = r#"region = { header = "x-data-region", is = "eu-central-1", origins = ["https://api.example.org"] }"#;
    let policy = build(&GOOD.replace("hosting = { country = \"DE\" }", &format!("hosting = {{ country = \"DE\" }}\n{region}"))).unwrap();
    let region = policy.manifest().systems["crm"].region.as_ref().unwrap();
    let said = |url: &str, values: &[&str]| super::elsewhere("crm", region, &Url::parse(url).unwrap(), values);
    let api = "https://api.example.org/v1?email=a@b.example";
    assert_eq!(said(api, &["eu-central-1"]), None);
    assert_eq!(said(api, &[" eu-central-1 ", "eu-central-1"]), None);
    assert_eq!(said("https://erp.example.org/", &[]), None, "this host does not send it");
    for (values, told) in [
        (&[][..], "has no header `x-data-region`"),
        (&["us-east-1"], "comes from region `us-east-1`"),
        (&["eu-central-1", "us-east-1"], "comes from region `us-east-1`"),
        (&["EU-CENTRAL-1"], "comes from region `EU-CENTRAL-1`"),
        (&[""], "comes from another region"),
        (&["Erika Mustermann, Hannover"], "comes from another region"),
        (&["a-name-that-is-longer-than-any-region-has"], "comes from another region"),
    ] {
        let refusal = said(api, values).unwrap();
        assert!(refusal.code == Code::E205 && refusal.title.contains(told) && !refusal.title.contains("a@b"), "{refusal:?}");
    }
}

#[test]
fn every_other_effect_needs_its_grant() {
    let (contacts, archive, other) =
        (StreamId::parse("crm.contacts"), StreamId::parse("archive.contacts"), StreamId::parse("archive.other"));
    let (Some(contacts), Some(archive), Some(other)) = (contacts, archive, other) else { panic!("stream ids") };
    assert_eq!(refused(&Ask::Deliver { flow: "sync", from: &contacts, to: &archive }), None);
    assert_eq!(refused(&Ask::Deliver { flow: "sync", from: &contacts, to: &other }), Some("HUB-E218"));
    assert_eq!(refused(&Ask::Deliver { flow: "other", from: &contacts, to: &archive }), Some("HUB-E218"));
    assert_eq!(refused(&Ask::ReadBody { system: "crm" }), Some("HUB-E310"));
    assert_eq!(refused(&Ask::OpenFile { system: "archive", folder: "out", access: FolderAccess::Write }), None);
    assert_eq!(refused(&Ask::OpenFile { system: "archive", folder: "out", access: FolderAccess::Read }), Some("HUB-E308"));
    assert_eq!(refused(&Ask::OpenFile { system: "archive", folder: "in", access: FolderAccess::Write }), Some("HUB-E308"));
    assert_eq!(refused(&Ask::OpenFile { system: "nobody", folder: "in", access: FolderAccess::Write }), Some("HUB-E103"));
    let link = |system: &str, import: &str| refused(&Ask::Link { system, imports: &[import.to_owned()] });
    assert_eq!(link("crm", "http"), None);
    assert_eq!(link("archive", "http"), Some("HUB-E305"));
    assert_eq!(link("crm", "files"), Some("HUB-E305"));
    assert_eq!(link("crm", "wasi:cli/environment@0.2.0"), Some("HUB-E305"));
}

#[test]
fn what_arrives_can_be_erased_again() {
    let by_itself = r#"dsr = { erase = "native" }"#;
    check(r#"dsr = { erase = "manual", procedure = "P-1" }"#, "", &["HUB-E181"]);
    check(r#"dsr = { erase = "manual", procedure = "P-1" }"#, r#"dsr = { erase = "manual" }"#, &["HUB-E181"]);
    check(r#"dsr = { erase = "manual", procedure = "P-1" }"#, by_itself, &[]);
    let nobody =
        GOOD.replace(r#"dsr = { erase = "manual", procedure = "P-1" }"#, by_itself).replace(r#"["id", "name", "email"]"#, r#"["name"]"#);
    let denied = build(&nobody).err().unwrap_or_else(|| panic!("granted"));
    assert_eq!(denied.problems.iter().map(|problem| problem.code.id()).collect::<Vec<_>>(), ["HUB-E182"]);
}
