//! Values that look like something which their field may not hold: identifiers hold a record back, hints are counted.

use super::*;
use crate::gate::{MAX_HELD, Mode};

fn schema() -> Value {
    json!({"type": "object", "properties": {
        "id": {"type": "integer", "x-hub-category": "system.operations"},
        "name": {"type": "string", "x-hub-category": "user.name"},
        "email": {"type": "string", "x-hub-category": "user.contact.email"},
        "note": {"type": ["string", "null"], "x-hub-category": "user.content.private"},
        "extra": {"type": "object", "x-hub-category": "system.operations"},
        "list": {"type": "array", "items": {"type": "string", "x-hub-category": "system.operations"}}}})
}

#[test]
fn identifiers_hold_a_record_back_wherever_they_stand() {
    let setup = Setup::new(schema(), "id name email note extra list").looking();
    setup.check(
        "{\"id\":1,\"name\":\"Ada\",\"email\":\"ada@x.example\",\"note\":\"ask ada@x.example\"}\n",
        "{\"id\":1,\"name\":\"Ada\",\"email\":\"ada@x.example\",\"note\":\"ask ada@x.example\"}\n",
    );
    for (record, path, detector) in [
        (r#"{"id":2,"name":"ada@x.example"}"#, "name", "email"),
        (r#"{"id":2,"name":"\u0061da@x.example"}"#, "name", "email"),
        (r#"{"id":2,"note":"IBAN DE02 1203 0000 0000 2020 51, please"}"#, "note", "iban"),
        (r#"{"id":2,"extra":{"to":"ada@x.example"}}"#, "extra", "email"),
        (r#"{"id":2,"list":["a","ada@x.example"]}"#, "list", "email"),
        // A tax identification number, as a number.
        (r#"{"id":86095742719}"#, "id", "tax-id"),
    ] {
        setup.check(&format!("{record}\n"), &format!("# HUB-E202 {path} {detector} {record}\n% {path} {detector} 1\n"));
    }
    // What does not pass may hold what it likes.
    Setup::new(schema(), "id").looking().check("{\"id\":3,\"name\":\"ada@x.example\"}\n", "{\"id\":3}\n");
    Setup::new(schema(), "id name=5").looking().check("{\"id\":3,\"name\":\"ada@x.example\"}\n", "{\"id\":3,\"name\":5}\n");
}

#[test]
fn hints_at_special_categories_are_counted_and_pass() {
    let setup = Setup::new(schema(), "id note").looking();
    setup.check("{\"id\":1,\"note\":\"Krankmeldung liegt vor\"}\n", "{\"id\":1,\"note\":\"Krankmeldung liegt vor\"}\n% note health 1\n");
}

#[test]
fn a_doubtful_number_holds_only_where_most_values_look_so() {
    let setup = Setup::new(schema(), "id name").looking();
    let plan = setup.plan().unwrap();
    let (mut out, mut report) = (Vec::new(), ScanReport::default());
    // One number of a card among order numbers that are none, behind ten of them.
    let mut lines: String = (0..10).map(|at| format!("{{\"id\":{at},\"name\":\"41111111111111{at}0\"}}\n")).collect();
    lines.push_str("{\"id\":99,\"name\":\"4111111111111111\"}\n");
    plan.scan_lines(lines.as_bytes(), &mut out, &mut report).unwrap();
    let cards = report.suspected.values().sum::<u64>();
    assert!(cards >= 1 && report.held.len() <= 1 && report.accepted >= 10, "{report:?}");
    // A column of cards is one.
    let (mut out, mut report) = (Vec::new(), ScanReport::default());
    setup.plan().unwrap().scan_lines(b"{\"id\":1,\"name\":\"4111111111111111\"}\n", &mut out, &mut report).unwrap();
    assert_eq!((report.held.len(), report.accepted), (1, 0));
}

#[test]
fn what_a_field_may_hold_and_what_is_redacted_passes() {
    let mut setup = Setup::new(schema(), "id name");
    setup.looking = Looking::On(vec![(path("name"), DetectorSet::NONE.with(Detector::Email))]);
    setup.check("{\"id\":1,\"name\":\"ada@x.example\"}\n", "{\"id\":1,\"name\":\"ada@x.example\"}\n");
    let redacted = Setup::new(schema(), "id note=redact").looking();
    redacted.check("{\"id\":1,\"note\":\"DE02120300000000202051\"}\n", "{\"id\":1,\"note\":\"[IBAN]\"}\n");
}

#[test]
fn undeclared_fields_can_hold_a_record_back() {
    let setup = Setup::new(schema(), "id").holding_undeclared();
    setup.check("{\"id\":1}\n{\"id\":2, \"new\":1e400}\n", "{\"id\":1}\n# HUB-E201 new undeclared {\"id\":2, \"new\":1e400}\n");
    // As a page: the fields that it adds stand in the record, and take the place of its own.
    setup.check_page(
        "[\n{\"id\": 2,\n\"name\":\"own\",\"new\":[1, 2]}]",
        "",
        &[("name", "\"added\"")],
        &[],
        "# HUB-E201 new undeclared {\"name\":\"added\",\"id\":2,\"new\":[1,2]}\n= 1\n",
    );
}

#[test]
fn what_a_page_adds_is_looked_at() {
    let setup = Setup::new(schema(), "id name").looking();
    setup.check_page(
        r#"[{"id":1}]"#,
        "",
        &[("name", "\"ada@x.example\"")],
        &[],
        "# HUB-E202 name email {\"name\":\"ada@x.example\",\"id\":1}\n% name email 1\n= 1\n",
    );
}

#[test]
fn released_records_are_not_held_again() {
    let plan = Setup::new(schema(), "id name").looking().holding_undeclared().plan().unwrap();
    let (mut out, mut report) = (Vec::new(), ScanReport::default());
    plan.scan_lines_in(Mode::Released, b"{\"id\":1,\"name\":\"ada@x.example\",\"new\":1}", &mut out, &mut report).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "{\"id\":1,\"name\":\"ada@x.example\"}\n");
    assert_eq!((report.held.len(), report.accepted, report.dropped_fields), (0, 1, 1));
}

#[test]
fn more_than_can_wait_end_the_run() {
    let plan = Setup::new(schema(), "id name").looking().plan().unwrap();
    let line = "{\"id\":1,\"name\":\"ada@x.example\"}\n";
    let (mut out, mut report) = (Vec::new(), ScanReport::default());
    plan.scan_lines(line.repeat(MAX_HELD).as_bytes(), &mut out, &mut report).unwrap();
    assert_eq!(report.held.len(), MAX_HELD);
    let stop = plan.scan_lines(line.repeat(MAX_HELD + 1).as_bytes(), &mut out, &mut ScanReport::default()).unwrap_err();
    assert_eq!((stop.code, stop.path.as_deref()), (crate::problem::Code::E202, Some("name")));
    let long = format!("{{\"id\":1,\"name\":\"{}ada@x.example\"}}\n", "a ".repeat(3 << 20));
    assert!(plan.scan_lines(long.as_bytes(), &mut out, &mut ScanReport::default()).is_err());
}

#[test]
fn a_held_record_is_never_shown() {
    let (mut out, mut report) = (Vec::new(), ScanReport::default());
    let plan = Setup::new(schema(), "name").looking().plan().unwrap();
    plan.scan_lines(b"{\"name\":\"ada@x.example\"}", &mut out, &mut report).unwrap();
    let shown = format!("{report:?}");
    assert!(!shown.contains("ada") && !shown.contains("97, 100"), "{shown}");
}
