//! What a data protection officer gets out of a manifest, and who agreed to it: documents, plans, approvals.

use std::fs;

use serde_json::{Value, json};

use super::examples::with_examples;
use crate::support::program::Program;
use crate::support::story::sample_to_file;

const NORDWERK: &str = "examples/nordwerk/manifest.toml";
const DAY: [&str; 2] = ["--at", "2026-11-23"];

fn export(program: &Program, arguments: &[&str]) -> String {
    program.run(&[arguments, &[NORDWERK], &DAY].concat()).ends(0).stdout
}

#[test]
fn the_register_comes_in_every_format_and_both_languages() {
    let program = with_examples();
    for activity in
        ["VT-01 Kundenstamm", "VT-02 Finanzbuchhaltung", "VT-03 Absatzstatistik", "VT-04 Newsletter", "VT-05 Einwilligungsverwaltung"]
    {
        for format in ["html", "md", "csv", "json", "jsonld"] {
            for language in ["de", "en"] {
                let text = export(&program, &["register", "export", "--lang", language, "--format", format]);
                assert!(text.contains(activity), "{activity} is missing in {format}, {language}");
            }
        }
    }
    assert!(export(&program, &["register", "export", "--format", "csv"]).starts_with('\u{feff}'), "spreadsheets want the mark");
    let document: Value = serde_json::from_str(&export(&program, &["register", "export", "--format", "json"])).unwrap();
    assert!(document.is_object());
    program.run(&["register", "export", NORDWERK, "--at", "2026-11-23", "-o", "register.html"]).ends(0);
    assert!(program.read("register.html").contains("<html"));
}

#[test]
fn screening_notices_inventory_and_picture() {
    let program = with_examples();
    let screening = export(&program, &["dpia", "--lang", "en"]);
    assert!(screening.contains("VT-01 Kundenstamm") && !screening.to_lowercase().contains("no dpia needed"), "{screening}");
    let notice = export(&program, &["notice", "--lang", "de"]);
    assert!(notice.contains("Nordwerk Anlagenbau GmbH") && notice.contains("Mailer Inc."), "{notice}");
    let places = export(&program, &["where", "--category", "user.financial"]);
    assert!(places.contains("accounting.debtors") && places.contains("erp.parties") && !places.contains("newsletter.members"), "{places}");
    let picture = export(&program, &["diagram"]);
    assert!(picture.contains("flowchart") && picture.contains("Newsletter-Dienst"), "{picture}");
}

#[test]
fn findings_as_sarif_point_into_the_manifest() {
    let program = with_examples();
    let log = program.run(&["check", "examples/laundering/manifest.toml", "--output", "sarif"]).ends(3).json();
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&log["version"], &result["ruleId"], &result["level"]), (&json!("2.1.0"), &json!("HUB-E131"), &json!("error")));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "examples/laundering/manifest.toml");
    let line = usize::try_from(place["region"]["startLine"].as_u64().unwrap()).unwrap();
    let text = program.read("examples/laundering/manifest.toml");
    assert!(text.lines().nth(line - 1).unwrap().contains("fields = [\"email\"]"));
    assert!(result["relatedLocations"].as_array().unwrap().len() >= 4, "the whole way");
}

#[test]
fn warnings_deny_only_where_they_are_to() {
    let program = Program::with_manifest(&sample_to_file(10, "").replace("essential.service", "essential"));
    program.run(&["check"]).ends(0).says("warning[HUB-W134]");
    program.run(&["check", "--deny-warnings"]).ends(3);
    let document = program.run(&["check", "--output", "json"]).ends(0).json();
    assert_eq!(document["warnings"][0]["code"], "HUB-W134");
}

#[test]
fn two_people_agree_and_a_change_asks_them_again() {
    let text = sample_to_file(10, "").replacen("manifest = 1\n", "manifest = 1\napprovals = \"required\"\n", 1);
    let program = Program::with_manifest(&text);
    for key in ["dpo.key", "sales.key"] {
        program.run(&["approve", "--new-key", key]).ends(0);
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(program.path(key)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    program.run(&["run"]).ends(3).says("HUB-E171");
    program.run(&["approve", "--all", "--role", "dpo", "--key", "dpo.key"]).ends(0).prints("1 of 2");
    program.run(&["check"]).ends(3).says("HUB-E172");
    program.run(&["approve", "--all", "--role", "role:sales", "--key", "sales.key"]).ends(0).prints("2 of 2");
    program.run(&["check"]).ends(0);
    program.run(&["run"]).ends(0);
    assert_eq!(program.records("out/contacts.ndjson").len(), 10);
    program.run(&["plan", "--detailed-exitcode"]).ends(0).prints("Delivery of contacts-to-archive: once: the new content");

    program.write("manifest.toml", text.replace("\"email\"]", "\"email\", \"last_name\"]"));
    program.run(&["run"]).ends(3).says("HUB-E171").says("last_name");
    program.run(&["plan"]).prints("last_name");
    let swapped = program.read("hub.lock").replace("role:sales", "role:board");
    program.write("manifest.toml", &text);
    program.write("hub.lock", swapped);
    program.run(&["check"]).ends(4).says("HUB-E506");
}

#[test]
fn a_difference_is_told_by_its_meaning() {
    let program = with_examples();
    let other = program.read(NORDWERK).replace("access_from = [\"US\"]", "access_from = [\"US\", \"IN\"]");
    program.write("examples/nordwerk/other.toml", other);
    program.run(&["diff", NORDWERK, "examples/nordwerk/other.toml"]).ends(0).prints("new third country IN");
}

#[test]
fn the_history_says_what_changed_why_and_who_agreed() {
    let text = sample_to_file(10, "").replacen("manifest = 1\n", "manifest = 1\napprovals = \"required\"\n", 1);
    let program = Program::with_manifest(&text);
    program.run(&["changes"]).ends(2).says("no manifest came into force");
    let keys = ["dpo.key", "sales.key"].map(|key| {
        let said = program.run(&["approve", "--new-key", key]).ends(0).stdout;
        said.lines().find_map(|line| line.strip_prefix("public key: ")).unwrap().to_owned()
    });
    let text = format!("{text}\n[approver]\ndpo = [\"{}\"]\n\"role:sales\" = [\"{}\"]\n", keys[0], keys[1]);
    let approve = |text: &str, reason: &str| {
        program.write("manifest.toml", text);
        for (role, key) in [("dpo", "dpo.key"), ("role:sales", "sales.key")] {
            program.run(&["approve", "--all", "--role", role, "--key", key, "--reason", reason]).ends(0);
        }
    };
    program.write("manifest.toml", &text);
    program.run(&["approve", "--all", "--role", "dpo", "--key", "sales.key"]).ends(2).says("may not approve as `dpo`");
    approve(&text, "first use");
    program.run(&["plan", "--against", "live", "--detailed-exitcode"]).ends(2);
    for _ in 0..2 {
        program.run(&["run"]).ends(0);
    }
    program.run(&["plan", "--against", "live", "--detailed-exitcode"]).ends(0);
    let wider = text.replace("\"email\"]", "\"email\", \"last_name\"]");
    approve(&wider, "letters need names");
    program.run(&["plan", "--against", "live"]).ends(0).prints("last_name");
    program.run(&["run"]).ends(0);
    program.write("manifest.toml", format!("# only a remark\n{wider}"));
    program.run(&["run", "--reason", "not a change"]).ends(0);

    let document = program.run(&["changes", "--output", "json"]).ends(0).json();
    let changes = document["changes"].as_array().unwrap();
    assert_eq!((changes.len(), &document["whole"]), (2, &json!(true)), "what says the same is no change: {document:#}");
    assert_eq!((&changes[0]["reason"], &changes[1]["reason"]), (&json!("first use"), &json!("letters need names")));
    assert_eq!(changes[1]["approvals"].as_array().unwrap().len(), 2);
    assert!(changes[1]["changes"].to_string().contains("last_name"), "{document:#}");
    let told = program.run(&["changes"]).ends(0).stdout;
    assert!(told.starts_with("2  ") && told.contains("why: letters need names") && told.contains("approved: dpo, role:sales"), "{told}");
    assert!(!program.run(&["changes", "--show", "1"]).ends(0).stdout.contains("last_name"));
    program.run(&["changes", "--show", "3"]).ends(2).says("there are 1 to 2");
    let register = program.run(&["register", "export", "--lang", "de", "--format", "md"]).ends(0).stdout;
    assert!(register.contains("Änderungsverlauf") && register.contains("letters need names"), "{register}");
}
