//! A company of real servers, walked through as its page says: what changes in one system reaches the others, and nobody else's data does.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::examples::{audit, with_examples};
use crate::roundup::holds_nowhere;
use crate::support::console::{compare, perform, steps};
use crate::support::process::Process;
use crate::support::program::{Program, root};

const MANIFEST: &str = "examples/mittelstand/manifest.toml";
/// Between these two steps of the page one contact changes, and nothing else.
const AROUND: [&str; 2] = ["contacts rename 7 Zoë Neumann", "erp rename K8 Jörg Voß-Engel"];
const CUSTOMERS: &str = "SELECT * FROM customers ORDER BY customer";

/// The company and the example beside it, with the ports that were free.
fn start() -> (Process, Program) {
    let program = with_examples();
    let secrets = program.path("examples/mittelstand/secrets");
    let company = Process::start("company", &["--secrets", secrets.to_str().unwrap()]);
    let mut text = program.read(MANIFEST);
    for (port, system) in (8921..).zip(["contacts", "erp", "tickets", "warehouse"]) {
        let url = url::Url::parse(company.told[system]["url"].as_str().unwrap()).unwrap();
        let (written, real) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", url.port().unwrap()));
        assert!(text.contains(&written), "the manifest does not name {system} at {written}");
        text = text.replace(&written, &real);
    }
    program.write(MANIFEST, text);
    (company, program)
}

/// Rows of a table of the warehouse, as text.
fn rows(company: &mut Process, statement: &str) -> Vec<Vec<String>> {
    serde_json::from_value(company.order(&format!("warehouse sql {statement}"))["rows"].clone()).unwrap()
}

#[test]
fn a_company_is_walked_through_as_its_page_says() {
    let (mut company, program) = start();
    let page = root().join("examples/mittelstand/README.md");
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("\npython3 tests/e2e/company/start.py --ports 8921 --secrets examples/mittelstand/secrets\n"), "how to start it");
    let mut seen = Vec::new();
    for step in steps(&text) {
        if AROUND.contains(&step.command.as_str()) {
            seen.push(rows(&mut company, CUSTOMERS));
        }
        if step.is_order {
            compare(&page, &step, &[company.reply(&step.command)]);
        } else {
            // The ERP's changes are read up to the second in which a run begins; somebody who reads a page is slower than that.
            std::thread::sleep(Duration::from_millis(1_100 * u64::from(step.command.contains("hub run"))));
            perform(&program, &page, &step);
        }
    }
    let [before, after] = seen.as_slice() else { panic!("the page lacks one of {AROUND:?}") };
    only_one_customer_changed(before, after);
    let tables = rows(&mut company, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1");
    assert_eq!(tables.concat(), ["customers", "hub_progress", "tickets"]);
    nobody_is_named(&mut company, &program);
    the_log_says_what_was_denied(&program);
}

fn only_one_customer_changed(before: &[Vec<String>], after: &[Vec<String>]) {
    assert_eq!((before.len(), after.len()), (12, 12));
    let changed: Vec<_> = before.iter().zip(after).filter(|(old, new)| old[1] != new[1]).collect();
    let [(old, new)] = changed.as_slice() else { panic!("{changed:#?}") };
    assert_eq!((&old[0], &old[2]), (&new[0], &new[2]), "the same customer");
    assert!(old[3] < new[3], "on a later day: {} {}", old[3], new[3]);
}

/// Names and addresses that stand in the sources: none of them in the warehouse, in hub's own files, in what it printed.
fn nobody_is_named(company: &mut Process, program: &Program) {
    let mut planted = BTreeSet::from([
        "Zoë Neumann".to_owned(),
        "Hafenstraße".to_owned(),
        "Lieferschein ohne Anschrift".to_owned(),
        "Sehr lange Notiz".to_owned(),
        "1980-05-17".to_owned(),
    ]);
    for number in 1..=12 {
        let card = company.order(&format!("contacts show {number}"))["card"].clone();
        for property in ["FN", "EMAIL", "TEL"] {
            planted.insert(card[property].as_str().unwrap().to_owned());
        }
    }
    let warehouse = format!("{:?}{:?}", rows(company, "SELECT * FROM customers"), rows(company, "SELECT * FROM tickets"));
    let printed = [
        &["audit", "show", MANIFEST, "--from", "0", "--last", "100000", "--output", "json"][..],
        &["status", MANIFEST],
        &["register", "export", MANIFEST],
    ]
    .map(|arguments| program.run(arguments).ends(0).printed());
    for value in &planted {
        assert!(!warehouse.contains(value.as_str()), "the warehouse knows {value}");
        assert!(!printed.iter().any(|text| text.contains(value.as_str())), "hub tells {value}");
        holds_nowhere(&program.path("examples/mittelstand/hub-data"), value);
    }
    for secret in ["contacts", "erp", "tickets", "warehouse", "statistics"] {
        let secret = program.read(&format!("examples/mittelstand/secrets/{secret}"));
        holds_nowhere(&program.path("examples/mittelstand/hub-data"), secret.trim_end());
    }
}

fn the_log_says_what_was_denied(program: &Program) {
    let log = audit(program, MANIFEST);
    let field = log.iter().find(|entry| entry["code"] == "HUB-E201").unwrap_or_else(|| panic!("{log:#?}"));
    assert_eq!((&field["flow"], &field["counts"]), (&json!("erp-to-warehouse"), &json!({ "date_of_birth": 2 })));
    let newsletter: Vec<&Value> = log.iter().filter(|entry| entry["code"] == "HUB-E206").collect();
    assert!(!newsletter.is_empty() && newsletter.iter().all(|entry| entry["flow"] == "contacts-to-newsletter"), "{newsletter:#?}");
}
