//! A real Tryton, read and written: nothing is lost where many records share a moment, and a delivery that comes twice changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::roundup::holds_nowhere;
use crate::support::process::Process;
use crate::support::program::Program;
use crate::support::story::{ARCHIVE, HEAD, PURPOSE, flow};

fn erp(tryton: &Process, page_size: u32) -> String {
    format!(
        "\n[system.erp]\nconnector = \"builtin:tryton\"\nconfig = {{ base_url = \"{}\", page_size = {page_size}, overlap_seconds = 0 }}\nhosts = [\"{}\"]\n\
         grants = [\"read-body\"]\ncollected_for = [\"care\"]\ndsr = {{ erase = \"manual\", procedure = \"P-2\" }}\n\
         credentials = {{ erp = {{ scheme = \"bearer\", value = {{ file = \"secrets/key\" }} }} }}\n",
        tryton.url(),
        tryton.origin()
    )
}

fn start(parties: u32) -> Process {
    Process::start("tryton", &["--parties", &parties.to_string()])
}

/// What a run read and wrote, flow by flow.
fn run(program: &Program) -> Vec<(u64, u64)> {
    let document = program.run(&["run", "--output", "json"]).ends(0).json();
    let count = |flow: &Value, what: &str| flow[what].as_u64().unwrap();
    document["flows"].as_array().unwrap().iter().map(|flow| (count(flow, "read"), count(flow, "written"))).collect()
}

/// Changes are read up to the second in which a run begins.
fn wait_a_second() {
    std::thread::sleep(std::time::Duration::from_millis(1_100));
}

#[test]
fn parties_come_once_and_later_what_changed() {
    let mut tryton = start(120);
    let to_archive = |stream: &str, fields: &str| {
        flow(
            &format!("{stream}-to-archive"),
            &format!("erp.{stream}"),
            &format!("archive.{stream}"),
            &format!("fields = [{fields}]\nmode = \"append\""),
        )
    };
    let flows = [
        to_archive("parties", r#""id", "code", "name", "active", "write_date", "changed_at""#),
        to_archive("addresses", r#""id", "party_code", "street", "city", "country", "changed_at""#),
    ];
    let program = Program::with_manifest(&[HEAD, PURPOSE, ARCHIVE, &erp(&tryton, 25), &flows.concat()].concat());
    program.write("secrets/key", format!("{}\n", tryton.told("key")));
    assert_eq!(run(&program), [(120, 120), (120, 120)], "twelve records share each moment, pages have 25");
    let parties = program.records("out/parties.ndjson");
    let codes: BTreeSet<&str> = parties.iter().map(|party| party["code"].as_str().unwrap()).collect();
    assert_eq!(codes.len(), 120);
    assert_eq!(parties.iter().filter(|party| party["write_date"].is_null()).count(), 30, "never changed");
    assert_eq!(parties.iter().filter(|party| party["active"] == false).count(), 12, "put away");
    assert!(parties.iter().all(|party| party["changed_at"].as_str().unwrap().starts_with("2025-12-31T23:")));
    let addresses = program.records("out/addresses.ndjson");
    assert!(
        addresses
            .iter()
            .any(|address| address["party_code"] == "K7" && address["street"] == "Hafenstraße 7" && address["country"].is_null())
    );
    assert_eq!(run(&program), [(0, 0), (0, 0)], "nothing has changed");
    assert_eq!(tryton.order("touch K8")["touched"], "K8");
    assert_eq!(run(&program), [(1, 1), (0, 0)], "a party that was never changed before");
    let last = program.records("out/parties.ndjson").pop().unwrap();
    assert!(last["code"] == "K8" && last["name"].as_str().unwrap().ends_with(" *"), "{last}");
    holds_nowhere(&program.path("hub-data"), tryton.told("key"));
    program.run(&["audit", "verify"]).ends(0);
}

#[test]
fn sales_and_invoices_come_with_their_lines_and_exact_amounts() {
    let mut tryton = Process::start("tryton", &["--parties", "7", "--documents", "30"]);
    let documents = r#""id", "number", "reference", "description", "party_code", "state", "currency", "untaxed_amount", "total_amount", "lines", "changed_at""#;
    let to_archive = |stream: &str, date: &str| {
        let rest = format!("fields = [\"{date}\", {documents}]\nmode = \"append\"");
        flow(&format!("{stream}-to-archive"), &format!("erp.{stream}"), &format!("archive.{stream}"), &rest)
    };
    let flows = [to_archive("sales", "sale_date"), to_archive("invoices", "invoice_date")];
    let program = Program::with_manifest(&[HEAD, PURPOSE, ARCHIVE, &erp(&tryton, 7), &flows.concat()].concat());
    program.write("secrets/key", tryton.told("key"));
    assert_eq!(run(&program), [(30, 30), (30, 30)], "twelve records share each moment, pages have 7");
    for (stream, date) in [("sales", "sale_date"), ("invoices", "invoice_date")] {
        let records = program.records(&format!("out/{stream}.ndjson"));
        let references: BTreeSet<&str> = records.iter().map(|record| record["reference"].as_str().unwrap()).collect();
        assert_eq!(references.len(), 30);
        let third = records.iter().find(|record| record["reference"] == "S3").unwrap();
        let money = |record: &Value, name: &str| record[name].to_string();
        assert_eq!(
            (third[date].as_str(), third["party_code"].as_str(), third["state"].as_str()),
            (Some("2025-01-04"), Some("K4"), Some("draft"))
        );
        assert_eq!((third["number"].as_str(), third["currency"].as_str()), (None, Some("EUR")));
        assert_eq!((money(third, "untaxed_amount").as_str(), money(third, "total_amount").as_str()), ("52.12", "52.12"));
        let lines = third["lines"].as_array().unwrap();
        let first = &lines[0];
        assert_eq!((lines.len(), first["type"].as_str(), first["description"].as_str()), (2, Some("line"), Some("Schäkel 12 mm")));
        assert_eq!((first["quantity"].as_f64(), money(first, "amount").as_str(), &first["product"]), (Some(3.0), "12.32", &Value::Null));
    }
    // Digits are those of Tryton, also where a number would drop them.
    let text = program.read("out/sales.ndjson");
    assert!(text.contains(r#""unit_price":4.1050,"#), "{}", text.lines().next().unwrap());
    assert_eq!(run(&program), [(0, 0), (0, 0)], "nothing has changed");
    assert_eq!(tryton.order("change S8")["changed"], "S8");
    assert_eq!(run(&program), [(1, 1), (0, 0)]);
    let last = program.records("out/sales.ndjson").pop().unwrap();
    assert_eq!((last["reference"].as_str(), last["description"].as_str()), (Some("S8"), Some("express")));
    program.run(&["audit", "verify"]).ends(0);
}

#[test]
fn parties_and_their_contacts_are_written_by_key() {
    let mut tryton = start(20);
    let desk = "\n[system.desk]\nconnector = \"builtin:file\"\nconfig = { folder = \"in\" }\nfolders = { in = { path = \"in\", access = \"read\" } }\ncollected_for = [\"care\"]\n";
    let streams = r#"
[stream.desk.people]
primary_key = ["number"]
identity = { customer = { field = "number", strength = "strong" } }
subjects = ["customer"]
retention = ["customer"]
fields = { number = "user.unique_id", name = "user.name" }
[stream.desk.mail]
primary_key = ["number", "kind", "address"]
identity = { customer = { field = "number", strength = "strong" } }
subjects = ["customer"]
retention = ["customer"]
fields = { number = "user.unique_id", kind = "system.operations", address = "user.contact" }
"#;
    let flows = [
        flow(
            "people-to-erp",
            "desk.people",
            "erp.parties",
            "mode = \"upsert\"\nfields = { number = { action = \"allow\", to = \"code\" }, name = \"allow\" }",
        ),
        flow(
            "mail-to-erp",
            "desk.mail",
            "erp.contact_mechanisms",
            "mode = \"upsert\"\nfields = { number = { action = \"allow\", to = \"party_code\" }, kind = { action = \"allow\", to = \"type\" }, address = { action = \"allow\", to = \"value\" } }",
        ),
    ];
    let program = Program::with_manifest(&[HEAD, PURPOSE, desk, &erp(&tryton, 500), streams, &flows.concat()].concat());
    program.write("secrets/key", tryton.told("key"));
    let people: BTreeMap<&str, &str> = BTreeMap::from([("K3", "Käthe Neu"), ("H-1", "Zoë Wójcik"), ("H-2", "Ådne Øst")]);
    let lines = people.iter().map(|(number, name)| json!({ "number": number, "name": name }).to_string() + "\n");
    program.write("in/people.ndjson", lines.collect::<String>());
    let mail = |number: &str, kind: &str, address: &str| json!({ "number": number, "kind": kind, "address": address }).to_string() + "\n";
    program.write(
        "in/mail.ndjson",
        [mail("H-1", "email", "zoe@company.example"), mail("H-1", "phone", "+49 30 23125-007"), mail("K3", "phone", "+49 (30) 23125 003")]
            .concat(),
    );
    assert_eq!(run(&program), [(3, 3), (3, 3)]);
    let shown = |tryton: &mut Process, code: &str| tryton.order(&format!("show {code}"))["party"].clone();
    assert_eq!(
        shown(&mut tryton, "H-1"),
        json!({ "name": "Zoë Wójcik", "active": true, "contacts": [["email", "zoe@company.example"], ["phone", "+49 30 23125-007"]] })
    );
    assert_eq!(
        shown(&mut tryton, "K3"),
        json!({ "name": "Käthe Neu", "active": true, "contacts": [["phone", "+49 30 23125 003"]] }),
        "its own number, in another form"
    );
    // The same once more, as after a crash: the flows begin anew.
    let before = [shown(&mut tryton, "H-1"), shown(&mut tryton, "H-2"), shown(&mut tryton, "K3")];
    for flow in ["people-to-erp", "mail-to-erp"] {
        program.run(&["state", "reset", flow, "--yes", flow]).ends(0);
    }
    assert_eq!(run(&program), [(3, 3), (3, 3)]);
    assert_eq!([shown(&mut tryton, "H-1"), shown(&mut tryton, "H-2"), shown(&mut tryton, "K3")], before);
    program.run(&["audit", "verify"]).ends(0);
}

/// What a module of the company's own adds to the ERP: only its name comes until somebody declares it.
#[test]
fn a_field_of_a_further_module_is_found_and_comes_once_it_is_declared() {
    let mut tryton = start(4);
    let manifest = |stream: &str, fields: &str| {
        let to_archive = flow("parties-to-archive", "erp.parties", "archive.parties", &format!("fields = [{fields}]\nmode = \"append\""));
        [HEAD, PURPOSE, ARCHIVE, &erp(&tryton, 10), stream, &to_archive].concat()
    };
    let program = Program::with_manifest(&manifest("", r#""code", "name""#));
    program.write("secrets/key", tryton.told("key"));
    let declared = "\n[stream.erp.parties]\nsubjects = [\"customer\"]\nretention = [\"customer\"]\nidentity = { customer = { field = \"code\", strength = \"strong\" } }\n\
        added = { date_of_birth = \"user.demographic.date_of_birth\" }\n";
    let later = manifest(declared, r#""code", "date_of_birth""#);
    assert_eq!(run(&program), [(4, 4)]);
    assert_eq!(tryton.order("extend K3")["extended"], "date_of_birth");
    wait_a_second();
    let document = program.run(&["run", "--output", "json"]).ends(0).json();
    assert_eq!((&document["flows"][0]["read"], &document["flows"][0]["undeclared"]), (&json!(1), &json!({ "date_of_birth": 1 })));
    let drift = program.run(&["drift", "--output", "json"]).ends(0).json();
    assert!(drift["patch"].as_str().unwrap().contains("#date_of_birth = \"user.demographic.date_of_birth\""), "{drift:#}");
    program.write("manifest.toml", later);
    assert_eq!([tryton.order("touch K2")["touched"].take(), tryton.order("touch K3")["touched"].take()], ["K2", "K3"]);
    wait_a_second();
    assert_eq!(run(&program), [(2, 2)]);
    let mut born: Vec<Value> = program.records("out/parties.ndjson").split_off(5);
    born.sort_by_key(|party| party["code"].to_string());
    assert_eq!(json!(born), json!([{ "code": "K2", "date_of_birth": null }, { "code": "K3", "date_of_birth": "1980-05-17" }]));
}

#[test]
fn a_key_that_is_none_is_told_without_it() {
    let tryton = start(1);
    let archive = flow("parties-to-archive", "erp.parties", "archive.parties", "fields = [\"id\", \"name\"]");
    let program = Program::with_manifest(&[HEAD, PURPOSE, ARCHIVE, &erp(&tryton, 10), &archive].concat());
    program.write("secrets/key", "planted-key-that-is-none");
    let outcome = program.run(&["run", "-vv"]).ends(1).says("HUB-E307");
    assert!(!outcome.printed().contains("planted-key"), "{}", outcome.printed());
}
