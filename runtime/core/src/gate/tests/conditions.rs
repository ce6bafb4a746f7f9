//! Filters, consents and ages: who passes, and what is counted for the others.

use std::sync::Arc;

use super::*;
use crate::consent::{Consents, Row};
use crate::date::{Date, Period};
use crate::gate::{Limit, MAX_ASKED};
use crate::manifest::Filter;

fn schema() -> Value {
    json!({"type": "object", "x-hub-category": "user.name", "properties": {
        "id": {"type": "integer"}, "name": {"type": ["string", "null"]}, "email": {"type": ["string", "null"]},
        "amount": {"type": ["number", "null"]}, "vip": {"type": "boolean"}, "last": {"type": "string"},
        "address": {"type": "object", "properties": {"country": {"type": "string"}}},
        "tags": {"type": "array", "items": {"type": "string"}}}})
}

fn filtered(filter: &str) -> Setup {
    Setup::new(schema(), "id").condition(PlannedCondition::Filter(Filter::parse(filter).unwrap()))
}

const RECORDS: &str = r#"{"id":1,"name":"Ada","amount":10.50,"vip":true,"address":{"country":"DE"}}
{"id":2,"name":"","amount":null,"vip":false,"address":{"country":"AT"}}
{"id":3,"name":null,"amount":1e2,"vip":true}
{"id":4,"name":"\u0041da","amount":-1}
"#;

#[test]
fn a_filter_takes_what_it_says() {
    for (filter, expected) in [
        ("name != ''", "1 4"),
        ("name = 'Ada'", "1 4"),
        ("name is null", "3"),
        ("name is not null and not name = 'Ada'", "2"),
        ("amount >= 10.5", "1 3"),
        ("amount < 100.0", "1 4"),
        ("not amount < 100.0", "3"),
        ("amount > 10 or vip = false", "1 2 3"),
        ("vip = true", "1 3"),
        ("address.country in ('DE', 'CH')", "1"),
        ("address.country is null", "3 4"),
        // A comparison of different kinds neither holds nor fails.
        ("name = 5", ""),
        ("not name = 5", ""),
        ("name > 'Ad' and name <= 'Ada'", "1 4"),
    ] {
        let (mut out, mut report) = (Vec::new(), ScanReport::default());
        filtered(filter).plan().unwrap().scan_lines(RECORDS.as_bytes(), &mut out, &mut report).unwrap();
        let ids: Vec<String> = String::from_utf8(out).unwrap().lines().map(|line| line[6..7].to_owned()).collect();
        assert_eq!(ids.join(" "), expected, "{filter}");
        let skipped = report.skipped.values().sum::<u32>();
        assert_eq!((report.accepted + skipped, report.rejected.len()), (4, 0), "{filter}");
    }
}

/// A source that hands over only what it is asked for must be asked for these.
#[test]
fn what_a_record_is_judged_by_is_told() {
    let plan = filtered("vip = true and address.country = 'DE'").key("email").plan().unwrap();
    assert_eq!(plan.needed().map(FieldPath::as_str).collect::<Vec<_>>(), ["email", "vip", "address.country"]);
}

#[test]
fn what_is_left_out_leaves_nothing_behind() {
    let setup = filtered("vip = true").key("id").cursor("amount").stopping_at_undeclared();
    // Neither the cursor nor an undeclared field nor a key of a record that the flow does not want counts.
    setup.check(
        "{\"id\":1,\"vip\":true,\"amount\":1}\n{\"id\":2,\"vip\":false,\"amount\":9,\"new\":1}\n",
        "{\"id\":1}\n^ amount 1 1 1 1\n~ filter 1\n",
    );
}

#[test]
fn a_page_is_filtered_with_what_it_adds() {
    let setup = filtered("vip = true and name = 'Ada'");
    let body = r#"{"d":[{"id":1,"name":"Ada"},{"id":2,"name":"Bob"}]}"#;
    setup.check_page(body, "/d", &[("vip", "true")], &[], "{\"id\":1}\n~ filter 1\n= 2\n");
    setup.check_page(body, "/d", &[("vip", "false")], &[], "~ filter 2\n= 2\n");
}

#[test]
fn only_who_consented_passes() {
    let mut consents = Consents::new("news", vec!["given".to_owned()], vec!["user.contact.email".to_owned()]);
    for (who, status) in [("ada@x.example", "given"), ("bob@x.example", "withdrawn")] {
        let row = Row { scope: Some("news"), status: Some(status), at: Some("2026-01-01"), proof: Some("p") };
        assert!(consents.add(&[who], row));
    }
    let condition = PlannedCondition::Consent { fields: vec![path("email")], consents: Arc::new(consents) };
    let setup = Setup::new(schema(), "id").condition(condition);
    setup.check(
        "{\"id\":1,\"email\":\"ADA@x.example\"}\n{\"id\":2,\"email\":\"bob@x.example\"}\n{\"id\":3,\"email\":\"eve@x.example\"}\n\
         {\"id\":4,\"email\":null}\n{\"id\":5}\n{\"id\":6,\"email\":\"\\u0061da@x.example\"}\n",
        "{\"id\":1}\n{\"id\":6}\n~ consent-missing 3\n~ consent-withdrawn 1\n",
    );
}

#[test]
fn what_is_past_its_limit_stays_behind() {
    let limit = |end_of_year| Limit { period: Period::parse("P2Y").unwrap(), end_of_year, today: Date::new(2026, 11, 28).unwrap() };
    let setup =
        |end_of_year| Setup::new(schema(), "id").condition(PlannedCondition::Age { field: path("last"), limit: limit(end_of_year) });
    let input =
        "{\"id\":1,\"last\":\"2024-11-28T23:59:59Z\"}\n{\"id\":2,\"last\":\"2024-11-27\"}\n{\"id\":3}\n{\"id\":4,\"last\":\"never\"}\n";
    setup(false).check(input, "{\"id\":1}\n{\"id\":3}\n{\"id\":4}\n~ over-age 1\n");
    setup(true).check(input, "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n");
}

#[test]
fn conditions_ask_for_scalars_and_not_too_many() {
    let refused = |filter: &str| filtered(filter).plan().unwrap_err()[0].message.clone();
    assert_eq!(refused("tags = 'x'"), "the field of a condition must be a scalar outside arrays");
    assert_eq!(refused("address = 'x'"), "the field of a condition must be a declared scalar");
    assert_eq!(refused("unknown = 'x'"), "the field of a condition must be a declared scalar");
    let many: Vec<String> = (0..=MAX_ASKED).map(|at| format!("f{at} = 1")).collect();
    assert!(refused(&many.join(" and ")).contains("more than 32 fields"));
}
