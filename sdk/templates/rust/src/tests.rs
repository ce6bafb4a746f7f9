//! What {{name}} promises.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use hub_sdk::testing::{FakeHost, read};
use hub_sdk::{Error, StreamRequest};

use super::{{Name}};

#[test]
fn all_items_are_handed_over_once() {
    let host = FakeHost::new();
    assert_eq!(read::<{{Name}}>(r#"{ "count": 3 }"#, vec![StreamRequest::new("items")]).unwrap(), 3);
    let ids: Vec<u64> = host.records(0).iter().map(|record| record["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [0, 1, 2]);
}

#[test]
fn what_was_read_before_is_not_read_again() {
    let host = FakeHost::new();
    let request = StreamRequest { state: Some(b"2".to_vec()), ..StreamRequest::new("items") };
    assert_eq!(read::<{{Name}}>(r#"{ "count": 3 }"#, vec![request]).unwrap(), 1);
    assert_eq!(host.records(0)[0]["id"], 2);
}

#[test]
fn an_unknown_stream_is_told() {
    let failure = read::<{{Name}}>(r#"{ "count": 3 }"#, vec![StreamRequest::new("nonsense")]).unwrap_err();
    assert!(matches!(failure, Error::Config(text) if text.contains("there is no stream `nonsense`")));
}
