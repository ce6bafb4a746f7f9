//! What the sample promises: the same data each time, valid against its own schemas, in pieces as in one go.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use hub_sdk::testing::{FakeHost, read};
use hub_sdk::{Error, StreamRequest};
use serde_json::Value;

use super::Sample;

const STREAMS: [(&str, &str); 3] = [
    ("contacts", include_str!("../schemas/contacts.json")),
    ("orders", include_str!("../schemas/orders.json")),
    ("invoices", include_str!("../schemas/invoices.json")),
];

fn records(stream: &str, config: &str) -> Vec<Value> {
    let host = FakeHost::new();
    read::<Sample>(config, vec![StreamRequest::new(stream)]).unwrap();
    host.records(0)
}

/// Paths of all values, arrays being transparent.
fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, inner)| paths(inner, &format!("{at}.{name}"), found)),
        Value::Array(items) => items.iter().for_each(|inner| paths(inner, at, found)),
        _ => {
            found.insert(at.to_owned());
        }
    }
}

fn declared(schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    if let Some(fields) = schema["properties"].as_object() {
        fields.iter().for_each(|(name, inner)| declared(inner, &format!("{at}.{name}"), found));
    } else if schema["items"].is_object() {
        declared(&schema["items"], at, found);
    } else {
        found.insert(at.to_owned());
    }
}

#[test]
fn every_stream_has_exactly_the_fields_of_its_schema() {
    for (stream, schema) in STREAMS {
        let (mut seen, mut wanted) = (BTreeSet::new(), BTreeSet::new());
        records(stream, r#"{ "records": 300 }"#).iter().for_each(|record| paths(record, "", &mut seen));
        declared(&serde_json::from_str(schema).unwrap(), "", &mut wanted);
        assert_eq!(seen, wanted, "{stream}");
    }
}

#[test]
fn a_record_follows_from_seed_and_number() {
    assert_eq!(records("contacts", r#"{ "records": 50 }"#), records("contacts", r#"{ "records": 50, "seed": 1 }"#));
    assert_ne!(records("contacts", r#"{ "records": 50 }"#), records("contacts", r#"{ "records": 50, "seed": 2 }"#));
    let first = &records("contacts", r#"{ "records": 1 }"#)[0];
    assert_eq!(first["number"], "K-0000001");
    assert_eq!(first["updated_at"], "2024-01-01T00:00:00Z");
}

#[test]
fn reading_in_pieces_is_reading_in_one_go() {
    let whole = records("orders", r#"{ "records": 25000 }"#);
    let host = FakeHost::new();
    host.cancel_after_checkpoints(1);
    let config = r#"{ "records": 25000 }"#;
    assert_eq!(read::<Sample>(config, vec![StreamRequest::new("orders")]), Err(Error::Cancelled));
    let mut pieces = host.records(0);
    assert_eq!(pieces.len(), 10_000);
    let state = host.checkpoints(0).pop();
    let host = FakeHost::new();
    assert_eq!(read::<Sample>(config, vec![StreamRequest { state, ..StreamRequest::new("orders") }]), Ok(15_000));
    pieces.extend(host.records(0));
    assert!(whole == pieces);
    assert_eq!(host.checkpoints(0).last().unwrap(), br#"{"next":25000}"#);
}

#[test]
fn a_second_run_has_nothing_new_and_a_full_refresh_has_everything() {
    let state = Some(br#"{"next":1000}"#.to_vec());
    let host = FakeHost::new();
    assert_eq!(read::<Sample>("{}", vec![StreamRequest { state: state.clone(), ..StreamRequest::new("contacts") }]), Ok(0));
    assert!(host.batches(0).is_empty());
    let again = StreamRequest { state, full_refresh: true, ..StreamRequest::new("contacts") };
    assert_eq!(read::<Sample>("{}", vec![again]), Ok(1000));
}

#[test]
fn a_limit_ends_the_stream() {
    let host = FakeHost::new();
    assert_eq!(read::<Sample>("{}", vec![StreamRequest { limit: Some(7), ..StreamRequest::new("invoices") }]), Ok(7));
    assert_eq!(host.records(0).len(), 7);
}

#[test]
fn every_iban_has_right_check_digits() {
    let mut countries = BTreeSet::new();
    for (stream, field) in [("contacts", "iban"), ("invoices", "payer_iban")] {
        for record in records(stream, "{}") {
            let iban = record[field].as_str().unwrap().to_owned();
            countries.insert(iban[..2].to_owned());
            let turned = format!("{}{}", &iban[4..], &iban[..4]);
            let remainder = turned.chars().fold(0, |sum, letter| {
                let digit = letter.to_digit(36).unwrap();
                (sum * if digit > 9 { 100 } else { 10 } + digit) % 97
            });
            assert_eq!(remainder, 1, "{iban}");
            assert_eq!(
                iban.len(),
                match &iban[..2] {
                    "DE" => 22,
                    "AT" => 20,
                    _ => 21,
                }
            );
        }
    }
    assert_eq!(countries, ["AT", "CH", "DE"].map(String::from).into());
}

#[test]
fn totals_add_up() {
    for record in records("orders", r#"{ "records": 200 }"#) {
        let cents = |value: &Value| (value.as_f64().unwrap() * 100.0).round() as i64;
        let lines = record["lines"].as_array().unwrap();
        let net: i64 = lines.iter().map(|line| cents(&line["unit_price"]) * line["quantity"].as_i64().unwrap()).sum();
        assert_eq!(net, cents(&record["net_total"]));
        assert_eq!(cents(&record["gross_total"]), net + cents(&record["tax_total"]));
    }
}

#[test]
fn the_switch_adds_an_undeclared_field() {
    assert!(records("contacts", "{}").iter().all(|record| record.get("loyalty_card").is_none()));
    assert!(records("contacts", r#"{ "undeclared": true }"#).iter().all(|record| record["loyalty_card"].is_string()));
}

#[test]
fn the_switch_reports_deleted_records() {
    let config = r#"{ "records": 10, "deleted_every": 4 }"#;
    let host = FakeHost::new();
    read::<Sample>(config, vec![StreamRequest::new("contacts")]).unwrap();
    let ids: Vec<_> = host.deleted(0).iter().map(|key| key["id"].as_u64().unwrap()).collect();
    assert_eq!((host.records(0).len(), ids), (10, vec![4, 8]));
    let host = FakeHost::new();
    read::<Sample>(config, vec![StreamRequest { full_refresh: true, ..StreamRequest::new("contacts") }]).unwrap();
    assert!(host.deleted(0).is_empty());
    assert!(host.records(0).iter().all(|record| record["id"] != 4 && record["id"] != 8) && host.records(0).len() == 8);
}

#[test]
fn wrong_input_has_a_message() {
    let _host = FakeHost::new();
    let message = read::<Sample>("{}", vec![StreamRequest::new("payments")]).unwrap_err().to_string();
    assert_eq!(message, "configuration: there is no stream `payments`; there are contacts, orders and invoices");
    let message = read::<Sample>(r#"{ "recrods": 5 }"#, vec![]).unwrap_err().to_string();
    assert!(message.contains("unknown field `recrods`, expected one of `records`, `seed`, `undeclared`, `deleted_every`"), "{message}");
    let odd = StreamRequest { state: Some(b"[]".to_vec()), ..StreamRequest::new("orders") };
    assert!(read::<Sample>("{}", vec![odd]).unwrap_err().to_string().contains("reset the flow's state"));
}
