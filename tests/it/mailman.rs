//! A connector in JavaScript against a real Mailman core: read page by page, subscribed and unsubscribed, with a password that stays where it is.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::examples::with_examples;
use crate::roundup::holds_nowhere;
use crate::support::console::{compare, perform, steps};
use crate::support::javascript::build;
use crate::support::process::Process;
use crate::support::program::{Program, root};
use crate::support::story::{ARCHIVE, DESK, HEAD, PURPOSE, flow};

const NEWS: &str = "news.lists.example";
const EXAMPLE: &str = "examples/mailman";
const PEOPLE: &str = r#"
[stream.desk.people]
subjects = ["customer"]
retention = ["customer"]
primary_key = ["list", "mail"]
identity = { customer = { field = "mail", strength = "strong" } }
fields = { list = "user.account.settings", mail = "user.contact.email", name = "user.name", delivery = "user.account.settings" }
"#;
const INTO_LISTS: &str = r#"mode = "upsert"
[flow.people-to-lists.fields]
list = { action = "allow", to = "list_id" }
mail = { action = "allow", to = "email" }
name = { action = "allow", to = "display_name" }
delivery = { action = "allow", to = "delivery_mode" }"#;

fn start(members: u32) -> Process {
    Process::start("mailman", &["--members", &members.to_string()])
}

fn system(core: &Process) -> String {
    format!(
        "\n[system.lists]\nconnector = \"connectors/mailman/target/mailman.wasm\"\nconfig = {{ base_url = \"{0}\", page_size = 25 }}\nhosts = [\"{0}\"]\ncollected_for = [\"care\"]\n\
         credentials = {{ mailman = {{ scheme = \"basic\", user = \"hub\", value = {{ file = \"secrets/mailman\" }} }} }}\ndsr = {{ erase = \"native\" }}\n",
        core.origin()
    )
}

/// A manifest of two systems and the flows between them.
fn manifest(systems: &[&str], flows: &[String]) -> String {
    [HEAD, PURPOSE, &systems.concat(), &flows.concat()].concat()
}

fn to_archive(stream: &str, fields: &str) -> String {
    let rest = format!("mode = \"replace\"\nfields = [{fields}]");
    flow(&format!("{stream}-to-archive"), &format!("lists.{stream}"), &format!("archive.{stream}"), &rest)
}

fn run(program: &Program, name: &str) -> Value {
    program.run(&["run", name, "--output", "json"]).ends(0).json()["flows"].clone()
}

fn counts(flow: &Value) -> [u64; 3] {
    ["read", "written", "rejected"].map(|what| flow[what].as_u64().unwrap())
}

fn sorted(program: &Program, name: &str, field: &str) -> Vec<String> {
    let texts = program.records(name).iter().map(|record| record[field].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
    texts.into_iter().collect()
}

#[test]
fn a_core_is_read_and_written_and_a_second_delivery_changes_nothing() {
    let mut core = start(60);
    let lists = system(&core);
    let flows = [
        to_archive("lists", r#""list_id", "member_count""#),
        to_archive("members", r#""member_id", "email", "display_name""#),
        to_archive("users", r#""user_id", "display_name""#),
    ];
    let program = Program::with_manifest(&manifest(&[ARCHIVE, &lists], &flows));
    build(&program, "mailman");
    program.write("secrets/mailman", "planted-password");
    let outcome = program.run(&["run", "-vv"]).ends(1).says("HUB-E307").says("401");
    assert!(!outcome.printed().contains("planted-password"), "{}", outcome.printed());
    program.write("secrets/mailman", core.told("password"));
    reads(&program);
    writes(&program, &mut core, &lists);
    holds_nowhere(&program.path("hub-data"), core.told("password"));
    let granted: Vec<Value> = program.audit().into_iter().filter(|entry| entry["kind"] == "egress.granted").collect();
    assert!(
        !granted.is_empty() && granted.iter().all(|entry| entry["detail"].as_str().unwrap().contains("credential mailman")),
        "{granted:#?}"
    );
    program.run(&["audit", "verify"]).ends(0);
}

/// Three pages of members; the hash of the owner's password is no field, and is dropped.
fn reads(program: &Program) {
    let flows = run(program, "manifest.toml");
    assert_eq!([0, 1, 2].map(|flow| counts(&flows[flow])), [[2, 2, 0], [61, 61, 0], [61, 61, 0]]);
    assert_eq!([0, 1, 2].map(|flow| flows[flow]["undeclared"].clone()), [json!({}), json!({}), json!({ "password": 1 })]);
    assert_eq!(sorted(program, "out/lists.ndjson", "list_id"), [NEWS, "staff.lists.example"]);
    let emails = sorted(program, "out/members.ndjson", "email");
    assert_eq!((emails.len(), emails[0].as_str(), emails[60].as_str()), (61, "m0001@company.example", "owner@lists.example"));
    let users = program.read("out/users.ndjson");
    assert!(!users.contains("password") && !users.contains("self_link"), "{users}");
    let third = program.records("out/members.ndjson").into_iter().find(|member| member["email"] == "m0003@company.example").unwrap();
    let names: BTreeSet<&str> = third.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((names, &third["display_name"]), (BTreeSet::from(["display_name", "email", "member_id"]), &json!("Dörte Voß")));
}

fn writes(program: &Program, core: &mut Process, lists: &str) {
    assert_eq!(core.order(&format!("ban {NEWS} banned@x.example"))["banned"], "banned@x.example");
    let into = flow("people-to-lists", "desk.people", "lists.members", INTO_LISTS);
    program.write("write.toml", manifest(&[DESK, lists, PEOPLE], &[into]));
    let person = |list: &str, mail: &str, name: &str, delivery: &str| {
        json!({ "list": list, "mail": mail, "name": name, "delivery": delivery, "iban": "planted-iban" }).to_string() + "\n"
    };
    let good = [
        person(NEWS, "New+one@X.example", "Zoë & Co: 100 %", "plaintext_digests"),
        person(NEWS, "m0003@company.example", "Dörte Neu", "regular"),
        person("staff.lists.example", "m0004@company.example", "Emil Groß", "regular"),
    ];
    let refused = [
        person(NEWS, "banned@x.example", "B", "regular"),
        person("none.lists.example", "c@x.example", "C", "regular"),
        person(NEWS, "m0005@company.example", "Fatma Öztürk", "by pigeon"),
    ];
    program.write("in/people.ndjson", [good.concat(), refused.concat()].concat());
    let outcome = program.run(&["run", "write.toml", "--output", "json"]);
    assert!(outcome.printed().contains("refused") && !outcome.printed().contains("planted-iban"), "{}", outcome.printed());
    let wanted = [
        (NEWS, "new+one@x.example", "Zoë & Co: 100 %", "plaintext_digests"),
        (NEWS, "m0003@company.example", "Dörte Neu", "regular"),
        ("staff.lists.example", "m0004@company.example", "Emil Groß", "regular"),
    ];
    let mut shown = || wanted.map(|(list, mail, ..)| core.order(&format!("show {list} {mail}"))["member"].take());
    let members = shown();
    for (member, (_, mail, name, delivery)) in members.iter().zip(wanted) {
        assert_eq!((&member["email"], &member["display_name"], &member["delivery_mode"]), (&json!(mail), &json!(name), &json!(delivery)));
    }
    // The same once more, as after a crash: the flow begins anew.
    program.write("in/people.ndjson", good.concat());
    program.run(&["state", "reset", "people-to-lists", "write.toml", "--yes", "people-to-lists"]).ends(0);
    assert_eq!(counts(&run(program, "write.toml")[0]), [3, 3, 0]);
    assert_eq!(shown(), members, "with their ids");
    assert_eq!([NEWS, "staff.lists.example"].map(|list| core.order(&format!("count {list}"))["count"].take()), [json!(61), json!(1)]);
    // Who has left is not among those that replace the former ones.
    assert_eq!(core.order(&format!("unsubscribe {NEWS} m0001@company.example"))["unsubscribed"], "m0001@company.example");
    run(program, "manifest.toml");
    let emails = sorted(program, "out/members.ndjson", "email");
    assert!(emails.contains(&"new+one@x.example".to_owned()) && !emails.contains(&"m0001@company.example".to_owned()), "{emails:?}");
}

#[test]
fn the_example_subscribes_and_unsubscribes_as_its_page_says() {
    let mut core = start(3);
    let program = with_examples();
    let path = format!("{EXAMPLE}/manifest.toml");
    let text = program.read(&path);
    let address = "http://127.0.0.1:8941";
    assert!(text.contains(address), "{text}");
    program.write(&path, text.replace(address, core.url()));
    build(&program, "mailman");
    program.write(&format!("{EXAMPLE}/secrets/mailman"), core.told("password"));
    let page = root().join(EXAMPLE).join("README.md");
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("\nhub build connectors/mailman\npython3 tests/e2e/mailman/start.py --members 3 --port 8941\n"), "how to begin");
    for step in steps(&text) {
        if step.is_order {
            compare(&page, &step, &[core.reply(&step.command)]);
        } else {
            perform(&program, &page, &step);
        }
    }
    program.run(&["audit", "verify", &path]).ends(0);
}
