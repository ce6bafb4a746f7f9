//! Actions of fields: what they may be used for, which labels result, and what a plan needs to carry them out.

use super::*;
use crate::gate::ScanReport;
use crate::policy::{LabelledField, Means};
use crate::treat::{DomainKey, Index, Lookup, Seed};

const FIELDS: &str = "fields = [\"id\", \"name\", \"email\"]";
const AGE: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const STREAMS: &str = r#"
[recipient.adviser]
age = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
[[category]]
key = "user.behavior.badge"
parent = "user.behavior"
marks = ["enumerable"]
[stream.crm.log]
collected_for = ["care"]
identity = { customer = { field = "id", strength = "strong" } }
subjects = ["customer"]
retention = ["customer"]
primary_key = ["id"]
[stream.crm.log.fields]
id = "user.unique_id"
ip = "user.device.ip_address"
badge = "user.behavior.badge"
bought = "user.behavior.purchase_history"
token = "user.unique_id.pseudonymous"
ref = "system.operations"
"#;

/// The good manifest with these fields, and a stream that only the manifest describes, for a purpose that needs everything.
fn manifest(fields: &str) -> String {
    let text = GOOD.replace(FIELDS, fields).replace("allows = [", "allows = [\"user\", ");
    text.replace("[flow.sync]\n", &format!("{STREAMS}[flow.sync]\n"))
}

/// [`manifest`] with the flow reading that stream.
fn log(fields: &str) -> String {
    manifest(fields).replace("from = \"crm.contacts\"", "from = \"crm.log\"")
}

/// With a connector that reads any stream.
fn build(text: &str) -> Result<Policy, Denied> {
    let manifest = manifest::read("manifest.toml", text, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    let mut connectors = catalogue();
    if let Some(source) = connectors.get_mut("crm").map(Arc::make_mut).and_then(|crm| crm.source.as_mut()) {
        source.any_stream = true;
    }
    Policy::build(manifest, &connectors, super::today())
}

fn told(text: &str, expected: &[&str]) {
    let found: Vec<String> = match build(text) {
        Ok(_) => Vec::new(),
        Err(denied) => denied.problems.iter().map(|problem| format!("{} {}", problem.code, problem.title)).collect(),
    };
    assert_eq!(found, expected, "{text}");
}

fn labels(text: &str) -> Vec<String> {
    let policy = build(text).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    let shown = |field: &LabelledField| {
        let marks = [(field.degraded, " degraded"), (field.protected, " protected")];
        let marks: String = marks.iter().filter(|(set, _)| *set).map(|(_, mark)| *mark).collect();
        format!("{} > {}: {} > {}{marks}", field.path, field.to, field.category, field.resulting)
    };
    policy.flow("sync").map(|(_, rule)| rule.fields.iter().map(shown).collect()).unwrap_or_default()
}

#[test]
fn hashes_that_can_be_guessed_are_denied() {
    told(
        &manifest("fields = { email = \"hash\" }"),
        &["HUB-E122 flow `sync` is denied: `email` is hashed without a key, and values of `user.contact.email` can be tried out"],
    );
    let text = log("fields = { id = \"hash\", badge = { action = \"hash\" }, bought = \"hash\", token = \"hash\", ref = \"hash\" }");
    told(
        &text,
        &[
            "HUB-E122 flow `sync` is denied: `id` is hashed without a key, and values of `user.unique_id` can be tried out",
            "HUB-E122 flow `sync` is denied: `badge` is hashed without a key, and values of `user.behavior.badge` can be tried out",
        ],
    );
    let denied = build(&text).err().unwrap_or_else(|| panic!("granted"));
    let problem = denied.problems.iter().next().unwrap_or_else(|| panic!("nothing told"));
    assert_eq!(problem.labels.len(), 2);
    assert!(problem.help.contains("pseudonymise"), "{}", problem.help);
}

#[test]
fn addresses_are_cut_as_networks() {
    told(&log("fields = { ip = { action = \"truncate\" } }"), &[]);
    told(&log("fields = { ref = { action = \"truncate\", network = true } }"), &[]);
    told(
        &log("fields = { ref = { action = \"truncate\" }, ip = { action = \"truncate\", keep = 8 } }"),
        &[
            "HUB-E003 `ref` carries `system.operations`: how much of it is kept?",
            "HUB-E003 `ip` is an IP address: its first characters may be all of it",
        ],
    );
}

#[test]
fn labels_of_all_actions() {
    let text = log(
        "[flow.sync.fields]\nid = { to = \"key\", action = \"pseudonymise\", domain = \"analytics\" }\nip = { action = \"truncate\" }\n\
         badge = { action = \"encrypt\", recipient = \"age:adviser\" }\nbought = { action = \"generalise\", to_unit = \"month\" }\nref = \"null\"\n\
         token = { to = \"mail\", action = \"lookup\", via = \"crm.contacts.email\" }",
    );
    let expected = [
        "id > key: user.unique_id > user.unique_id.pseudonymous degraded",
        "ip > ip: user.device.ip_address > user.device.ip_address degraded",
        "badge > badge: user.behavior.badge > user.behavior.badge protected",
        "bought > bought: user.behavior.purchase_history > user.behavior.purchase_history degraded",
        "ref > ref: system.operations > non-personal",
        "token > mail: user.unique_id.pseudonymous > user.contact.email",
    ];
    assert_eq!(labels(&text), expected);
}

#[test]
fn joined_fields_have_the_category_above_all_of_them() {
    let head = "name = { to = \"who\", action = \"concat\", with = [\"email\", \"iban\"] }";
    let text = manifest(&format!("fields = {{ {head}, email = {{ to = \"who\", action = \"concat\" }} }}"));
    let expected =
        ["name > who: user.name > user", "email > who: user.contact.email > user", "iban > who: user.financial.bank_account > user"];
    assert_eq!(labels(&text), expected);
    // Without `user` among the needs it is told once, at the first field.
    told(&text.replace("allows = [\"user\", ", "allows = ["), &["HUB-E104 flow `sync` is denied: purpose `care` does not need `user`"]);
    told(
        &text.replace("\"iban\"]", "\"ibn\", \"note\"]"),
        &[
            "HUB-E101 flow `sync` is denied: stream `crm.contacts` declares no field `ibn`",
            "HUB-E102 flow `sync` is denied: field `note` of `crm.contacts` has no data category",
        ],
    );
}

#[test]
fn names_that_actions_need_exist() {
    let encrypt = |recipient: &str| manifest(&format!("fields = {{ iban = {{ action = \"encrypt\", recipient = \"{recipient}\" }} }}"));
    told(&encrypt("age:adviser"), &[]);
    told(&encrypt(AGE), &[]);
    told(&encrypt("age:advisor"), &["HUB-E103 recipient `advisor` is not declared"]);
    let lookup = |via: &str, expected: &[&str]| {
        told(&manifest(&format!("fields = {{ id = {{ action = \"lookup\", via = \"{via}\" }} }}")), expected);
    };
    lookup("crm.log.token", &[]);
    lookup("crm.contacts.address.city", &[]);
    lookup("crm.lgo.token", &["HUB-E103 stream `crm.lgo` is not declared"]);
    lookup("erp.log.token", &["HUB-E103 stream `erp.log` is not declared"]);
    let no_field = |stream: &str, field: &str| {
        format!("HUB-E101 flow `sync` is denied: stream `{stream}` declares no field `{field}` that could be looked up")
    };
    lookup("crm.log.tokn", &[&no_field("crm.log", "tokn")]);
    lookup("crm.contacts.address", &[&no_field("crm.contacts", "address")]);
    lookup("crm.contacts.note", &["HUB-E102 flow `sync` is denied: field `note` of `crm.contacts` has no data category that is known"]);
}

#[test]
fn labels_of_the_destination_may_not_understate_results() {
    let stream = |label: &str| {
        format!(
            "[stream.archive.contacts]\nidentity = {{ customer = {{ field = \"x\", strength = \"strong\" }} }}\nretention = [\"customer\"]\nsubjects = [\"customer\"]\n[stream.archive.contacts.fields]\nx = \"{label}\"\n[flow.sync]\n"
        )
    };
    let check = |action: &str, label: &str, receives: Option<&str>| {
        let text = manifest(&format!("fields = {{ name = {{ to = \"x\", {action} }} }}")).replace("[flow.sync]\n", &stream(label));
        let understated = receives.map(|receives| {
            format!("HUB-E107 flow `sync` is denied: `x` of `archive.contacts` is labelled `{label}`, but it receives `{receives}`")
        });
        told(&text, &understated.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check("action = \"pseudonymise\", domain = \"analytics\"", "user.unique_id", None);
    check("action = \"mask\", first = 1", "user", None);
    check("action = \"constant\", value = 1", "system.operations", None);
    check("action = \"mask\", first = 1", "user.unique_id", Some("user.name"));
    check("action = \"encrypt\", recipient = \"age:adviser\"", "system.operations", Some("user.name"));
    check("action = \"concat\", with = [\"email\"]", "user.name", Some("user"));
    check("action = \"lookup\", via = \"crm.log.ref\"", "system.operations", None);
    check("action = \"lookup\", via = \"crm.log.ip\"", "user.name", Some("user.device.ip_address"));
}

/// A connector that can be written to and read from says what its streams hold, also without a word of the manifest.
#[test]
fn labels_of_the_destinations_connector_count() {
    let schema = json!({ "type": "object", "properties": { "name": { "type": "string", "x-hub-category": "system.operations" } } });
    let stream = json!({ "name": "contacts", "summary": "People.", "primary_key": [], "subjects": ["customer"], "schema": schema });
    let text = json!({ "hub": "0.1", "name": "archive", "version": "1.0.0", "summary": "Files.", "config": { "type": "object" },
        "imports": ["sink", "files"], "hosts": [], "read_body": false, "source": { "any_stream": false, "streams": [stream] },
        "destination": { "modes": ["replace"], "accepts": ["user", "system", "non-personal"], "streams": null } });
    let parsed = description::parse(text.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let mut connectors = catalogue();
    connectors.insert("archive".to_owned(), Arc::new(parsed));
    let manifest = manifest::read("manifest.toml", GOOD, &NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    let denied = Policy::build(manifest, &connectors, super::today()).err().unwrap_or_else(|| panic!("granted"));
    let found: Vec<String> = denied.problems.iter().map(|problem| format!("{} {}", problem.code, problem.title)).collect();
    let expected =
        "HUB-E107 flow `sync` is denied: `name` of `archive.contacts` is labelled `system.operations`, but it receives `user.name`";
    assert_eq!(found, [expected]);
}

struct Codes;

impl Lookup for Codes {
    fn find(&self, key: &[u8], out: &mut Vec<u8>) -> bool {
        let known = key == b"7";
        if known {
            out.extend_from_slice(b"\"K\"");
        }
        known
    }
}

fn plan(text: &str, key: Option<&[u8]>, index: Option<&Index>) -> Result<String, String> {
    let policy = build(text).unwrap_or_else(|denied| panic!("{:?}", denied.problems));
    let seed = Seed::new([5; 32]).unwrap_or_else(|| panic!("no seed"));
    let key = |_: &str| key.and_then(DomainKey::new).ok_or_else(|| "there is no file".to_owned());
    let means = Means { key: &key, seed: &seed, consents: None, today: super::today(), index: &|_| index.cloned() };
    let plan = policy.plan("sync", &means).map_err(|problem| format!("{} {}", problem.code, problem.title))?;
    let line = r#"{"id":"7","name":"Ada","email":"ada@example.org"}"#;
    let (mut out, mut report) = (Vec::new(), ScanReport::default());
    plan.scan_lines(line.as_bytes(), &mut out, &mut report).map_err(|stop| stop.to_string())?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[test]
fn plans_get_what_their_actions_need() {
    let pseudonym = manifest("fields = { id = { action = \"pseudonymise\", domain = \"analytics\" } }");
    assert!(plan(&pseudonym, Some(&[1; 16]), None).is_ok_and(|out| out.len() == r#"{"id":""}"#.len() + 26 + 1));
    let missing = "HUB-E214 the key of pseudonym domain `analytics` is not available: there is no file";
    assert_eq!(plan(&pseudonym, None, None), Err(missing.to_owned()));
    let lookup = manifest("fields = { id = { to = \"code\", action = \"lookup\", via = \"crm.log.token\" } }");
    assert_eq!(plan(&lookup, None, Some(&Index::new(Arc::new(Codes)))), Ok("{\"code\":\"K\"}\n".to_owned()));
    let missing = "HUB-E313 flow `sync` looks values up in `crm.log.token`, and there is no index of it";
    assert_eq!(plan(&lookup, None, None), Err(missing.to_owned()));
    let joined = manifest("fields = { name = { to = \"who\", action = \"concat\", with = [\"email\"], separator = \" / \" } }");
    assert_eq!(plan(&joined, None, None), Ok("{\"who\":\"Ada / ada@example.org\"}\n".to_owned()));
    let sealed = manifest(&format!("fields = {{ name = {{ action = \"encrypt\", recipient = \"{AGE}\" }} }}"));
    assert!(plan(&sealed, None, None).is_ok_and(|out| out.starts_with("{\"name\":\"YWdlLWVuY3J5cHRpb24ub3JnL3Yx") && !out.contains("Ada")));
}
