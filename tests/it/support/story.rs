//! Manifests for the tests, in the words of an operator. Only text: whether it is right is the program's to say.

/// What every manifest begins with.
pub const HEAD: &str = r#"manifest = 1
operator = { name = "Muster GmbH", contact = "datenschutz@muster.example" }
"#;

/// A purpose that allows everything that the tests send, and a retention rule.
pub const PURPOSE: &str = r#"
[purpose.care]
use = "essential.service"
basis = { art6 = "b", contract = "purchase contract" }
allows = ["user"]
[retention.customer]
kind = "limit"
period = "P3Y"
"#;

/// The system `archive`: the connector `file`, writing into `out`.
pub const ARCHIVE: &str = r#"
[system.archive]
connector = "builtin:file"
config = { folder = "out" }
folders = { out = { path = "out", access = "write" } }
dsr = { erase = "manual", procedure = "P-1" }
"#;

/// The system `desk`: the connector `file`, reading from `in`.
pub const DESK: &str = r#"
[system.desk]
connector = "builtin:file"
config = { folder = "in" }
folders = { in = { path = "in", access = "read" } }
collected_for = ["care"]
"#;

/// The system `crm`: so many invented contacts.
pub fn crm(records: u64) -> String {
    format!("\n[system.crm]\nconnector = \"builtin:sample\"\nconfig = {{ records = {records} }}\ncollected_for = [\"care\"]\n")
}

/// A flow with some more lines.
pub fn flow(id: &str, from: &str, to: &str, rest: &str) -> String {
    format!("\n[flow.{id}]\nfrom = \"{from}\"\nto = \"{to}\"\npurpose = \"care\"\nretention = [\"customer\"]\n{rest}\n")
}

/// A purpose that rests on consent, and the ledger of consents in the system `desk`.
pub const LEDGER: &str = r#"
[purpose.news]
use = "marketing.communications.email"
basis = { art6 = "a", consent_scope = "news-1", proof = "double-opt-in" }
allows = ["user"]
[stream.desk.consents]
subjects = ["customer"]
retention = ["customer"]
collected_for = ["care"]
identity = { mail = { field = "mail", strength = "strong" } }
consent_ledger = { subject = "mail", scope = "scope", status = "status", at = "at", proof = "proof" }
fields = { mail = "user.contact.email", scope = "system.operations", status = "system.operations", at = "system.operations", proof = "user.privacy_preferences" }
"#;

/// So many invented contacts into `out/contacts.ndjson`, with some more lines in the flow.
pub fn sample_to_file(records: u64, rest: &str) -> String {
    let rest = format!("fields = [\"id\", \"email\"]\n{rest}");
    [HEAD, PURPOSE, ARCHIVE, &crm(records), &flow("contacts-to-archive", "crm.contacts", "archive.contacts", &rest)].concat()
}

/// `in/people.ndjson` into `out/people.ndjson`: `stream` describes the source's fields, `rest` the flow.
pub fn file_to_file(stream: &str, rest: &str) -> String {
    let declared = format!(
        "\n[stream.desk.people]\nidentity = {{ customer = {{ field = \"id\", strength = \"strong\" }} }}\nsubjects = [\"customer\"]\nretention = [\"customer\"]\n{stream}\n"
    );
    [HEAD, PURPOSE, ARCHIVE, DESK, &declared, &flow("people-to-archive", "desk.people", "archive.people", rest)].concat()
}
