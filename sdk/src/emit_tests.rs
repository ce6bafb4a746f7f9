//! When the buffer goes out, and what a checkpoint promises.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::json;

use crate::http::Request;
use crate::pages::PageRequest;
use crate::testing::{Answer, FakeHost};
use crate::{Error, Output, StreamRequest};

#[test]
fn batches_are_half_a_mebibyte_and_whole_lines() {
    let host = FakeHost::new();
    let mut output = Output::new(&StreamRequest::new("a"));
    for id in 0..3000 {
        output.record(&json!({ "id": id, "text": "x".repeat(500) })).unwrap();
    }
    output.flush().unwrap();
    let batches = host.batches(0);
    assert_eq!(batches.len(), 3);
    assert!(batches[..2].iter().all(|batch| (512 << 10..513 << 10).contains(&batch.len()) && batch.ends_with(b"}\n")));
    assert_eq!((output.records(), host.records(0).len()), (3000, 3000));
}

#[test]
fn a_checkpoint_comes_after_the_records_that_it_covers() {
    let host = FakeHost::new();
    host.cancel_after_checkpoints(2);
    let mut output = Output::new(&StreamRequest::new("a"));
    output.record(&json!({ "id": 1 })).unwrap();
    assert!(host.batches(0).is_empty());
    output.checkpoint(&json!({ "next": 2 })).unwrap();
    assert_eq!(host.records(0), [json!({ "id": 1 })]);
    assert_eq!(output.checkpoint(&json!({ "next": 3 })), Err(Error::Cancelled));
    assert_eq!(host.checkpoints(0), [br#"{"next":2}"#.to_vec(), br#"{"next":3}"#.to_vec()]);
}

#[test]
fn deletions_and_records_keep_one_order() {
    let host = FakeHost::new();
    let mut output = Output::new(&StreamRequest::new("a"));
    let record = |output: &mut Output, id: u32| output.record(&json!({ "id": id, "name": "x" })).unwrap();
    record(&mut output, 1);
    output.deleted(&json!({ "id": 1 })).unwrap();
    assert_eq!((host.records(0).len(), host.deleted(0).len()), (1, 0), "what came before went out");
    output.deleted(&json!({ "id": 2 })).unwrap();
    record(&mut output, 2);
    output.checkpoint(&json!(1)).unwrap();
    assert_eq!(host.deleted(0), [json!({ "id": 1 }), json!({ "id": 2 })]);
    assert_eq!((host.batches(0).len(), output.records(), output.deletions()), (2, 2, 2));
    // What is not emitted in a full refresh is gone by itself.
    let mut whole = Output::new(&StreamRequest { full_refresh: true, ..StreamRequest::new("a") });
    whole.deleted(&json!({ "id": 3 })).unwrap();
    whole.flush().unwrap();
    assert_eq!((host.deleted(0).len(), whole.deletions()), (2, 0));
    // So many keys do not wait.
    for id in 0..40_000 {
        output.deleted(&json!({ "id": id + 1_000_000 })).unwrap();
    }
    assert!(host.deleted(0).len() > 30_000);
}

#[test]
fn the_host_refuses_what_is_no_record() {
    let _host = FakeHost::new();
    let mut output = Output::new(&StreamRequest::new("a"));
    output.record(&json!({ "id": 1 })).unwrap();
    output.record(&json!([1])).unwrap();
    assert!(output.flush().unwrap_err().to_string().contains("row 1 of a batch is no JSON object"));
    let mut output = Output::new(&StreamRequest::new("a"));
    assert!(output.checkpoint(&"x".repeat(4 << 20)).unwrap_err().to_string().contains("over the limit of 4194304"));
}

#[test]
fn a_limit_counts_down() {
    let _host = FakeHost::new();
    let mut output = Output::new(&StreamRequest { limit: Some(2), ..StreamRequest::new("a") });
    assert_eq!(output.remaining(), Some(2));
    output.lines(b"{\"id\":1}\n{\"id\":2}\n").unwrap();
    assert!(output.is_full());
}

#[test]
fn a_page_goes_out_unseen() {
    let host = FakeHost::new();
    host.serve(|_| Ok(Answer::json(&json!({ "total": 2, "items": [{ "id": 3, "at": "b" }, { "id": 4, "at": "a" }] }))));
    let response = Request::get("https://a.example/").send_for_success().unwrap();
    let mut output = Output::new(&StreamRequest::new("a"));
    let answer = output.page(&PageRequest::new(&response, "/items").constant("tenant", "\"x\"").observe("at")).unwrap();
    assert_eq!((answer.extracted, answer.greatest_text("at").as_deref()), (2, Some("b")));
    assert_eq!(host.records(0)[1], json!({ "id": 4, "at": "a", "tenant": "x" }));
    assert_eq!(response.pointer::<u32>("/total"), Ok(Some(2)));
    assert_eq!(response.length("/items"), Ok(Some(2)));
    assert_eq!(response.pointer::<u32>("/items/0/id"), Err(Error::Cancelled), "records need the grant to read bodies");
    assert_eq!(response.json::<serde_json::Value>(), Err(Error::Cancelled));
    host.grant_read_body();
    assert_eq!(response.pointer::<u32>("/items/0/id"), Ok(Some(3)));
    assert_eq!(response.json::<serde_json::Value>().unwrap()["total"], 2);
}

#[test]
fn fields_are_wanted_by_their_first_name() {
    let request = StreamRequest { fields: vec!["id".into(), "address.city".into()], ..StreamRequest::new("a") };
    assert!(request.wants("id") && request.wants("address") && !request.wants("add") && !request.wants("identity"));
    assert!(StreamRequest::new("a").wants("anything"));
}
