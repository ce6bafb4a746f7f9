//! The manifests of the scenarios, in the words of an operator.

const HEAD: &str = r#"manifest = 1
operator = { name = "Faults", contact = "faults@example.org" }
[purpose.care]
use = "essential.service"
basis = { art6 = "b", contract = "purchase" }
allows = ["user"]
[retention.customer]
kind = "limit"
period = "P3Y"
[system.archive]
connector = "builtin:file"
config = { folder = "out" }
folders = { out = { path = "out", access = "write" } }
dsr = { erase = "manual", procedure = "DSR-1" }
"#;

/// Where [`sample`] writes.
pub const CONTACTS: &str = "out/contacts.ndjson";
/// Where [`people`] writes.
pub const PEOPLE: &str = "out/people.ndjson";
/// Where [`issues`] writes.
pub const ISSUES: &str = "out/issues.ndjson";

/// So many invented contacts, appended to a file, with further lines of the flow.
pub fn sample(records: u64, rest: &str) -> String {
    let system = format!("[system.crm]\nconnector = \"builtin:sample\"\nconfig = {{ records = {records} }}\ncollected_for = [\"care\"]\n");
    [HEAD, &system, &flow("contacts", "crm.contacts", "archive.contacts", &format!("fields = [\"id\", \"email\"]\n{rest}"))].concat()
}

/// `in/people.ndjson`, appended to a file, with further lines of the flow.
pub fn people(rest: &str) -> String {
    let system = r#"[system.desk]
connector = "builtin:file"
config = { folder = "in" }
folders = { in = { path = "in", access = "read" } }
collected_for = ["care"]
[stream.desk.people]
identity = { customer = { field = "id", strength = "strong" } }
subjects = ["customer"]
retention = ["customer"]
fields = { id = "user.unique_id", email = "user.contact.email" }
"#;
    [HEAD, system, &flow("people", "desk.people", "archive.people", &format!("fields = [\"id\", \"email\"]\n{rest}"))].concat()
}

/// Issues over HTTP, appended to a file, in pages of so many, with further lines of the flow.
pub fn issues(origin: &str, page_size: usize, rest: &str) -> String {
    let system = format!(
        "[system.tracker]\nconnector = \"builtin:roundup\"\nconfig = {{ base_url = \"{origin}/\", page_size = {page_size} }}\nhosts = [\"{origin}\"]\n\
         collected_for = [\"care\"]\ncredentials = {{ tracker = {{ scheme = \"basic\", user = \"faults\", value = {{ file = \"secret\" }} }} }}\n"
    );
    let rest = format!("fields = [\"id\", \"title\", \"activity\"]\n{rest}");
    [HEAD, &system, &flow("issues", "tracker.issues", "archive.issues", &rest)].concat()
}

/// A test guest that does what an attack is called, beside a flow of honest contacts.
pub fn guest(attack: &str) -> String {
    let system = format!(
        "[system.guest]\nconnector = \"guests/records.wasm\"\nconfig = {{ attack = \"{attack}\", canary = \"c@example.org\" }}\n\
         collected_for = [\"care\"]\ndsr = {{ erase = \"native\" }}\nrole = \"own\"\nlimits = {{ seconds = 2 }}\n[system.crm]\nconnector = \"builtin:sample\"\nconfig = {{ records = 1000 }}\n\
         collected_for = [\"care\"]\n"
    );
    let hostile = flow("a-guest", "guest.people", "archive.guest", "fields = [\"id\", \"email\", \"score\"]\nmode = \"replace\"")
        .replace("mode = \"append\"\n", "");
    [HEAD, &system, &hostile, &flow("contacts", "crm.contacts", "archive.contacts", "fields = [\"id\", \"email\"]")].concat()
}

fn flow(id: &str, from: &str, to: &str, rest: &str) -> String {
    format!("[flow.{id}]\nfrom = \"{from}\"\nto = \"{to}\"\npurpose = \"care\"\nretention = [\"customer\"]\nmode = \"append\"\n{rest}\n")
}
