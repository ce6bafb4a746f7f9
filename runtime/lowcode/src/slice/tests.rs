//! Slices, cursors and their states, without an API.

#![allow(clippy::unwrap_used, reason = "a test that fails says so")]

use std::sync::Arc;

use crate::slice::Slice;
use crate::slice::dates;
use crate::slice::partitioned::{Partitioned, Setting};
use crate::slice::point::{Clamp, Gap, Point};
use crate::slice::rule::{ENDLESS, End, Formats, Rule, Scale};
use crate::slice::timeline::Timeline;
use crate::value::{Dict, Value};

const FORMAT: &str = "%Y-%m-%d";

fn point(text: &str) -> Point {
    Point::Time(dates::read(&Value::str(text), FORMAT).unwrap())
}

fn json(text: &str) -> Dict {
    Value::from_json(text.as_bytes()).unwrap().as_dict().unwrap().clone()
}

fn rule(start: &str, end: &str, step: Option<&str>) -> Rule {
    Rule {
        field: "day".into(),
        boundaries: Some(("from".into(), "to".into())),
        start: Some(point(start)),
        end: End::At(point(end)),
        lookback: None,
        step: Some(step.map_or(ENDLESS, |step| dates::duration(step).unwrap())),
        granularity: step.map(|_| Gap::micros(86_400_000_000)),
        clamp: Clamp::None,
        strictly: false,
        scale: Scale::Time(Arc::new(Formats { input: vec![FORMAT.to_owned()], output: FORMAT.to_owned() })),
    }
}

fn all(timeline: &mut Timeline) -> Vec<String> {
    let mut windows = timeline.windows(0).unwrap();
    let mut texts = Vec::new();
    while let Some(window) = windows.advance().unwrap() {
        texts.push(format!("{} {}", window["from"].as_str().unwrap(), window["to"].as_str().unwrap()));
    }
    texts
}

fn slice(from: &str, to: &str) -> Slice {
    Slice { cursor: json(&format!(r#"{{"from":"{from}","to":"{to}"}}"#)), ..Slice::default() }
}

#[test]
fn steps_leave_no_hole_and_no_overlap() {
    let mut timeline = Timeline::new(Arc::new(rule("2024-01-01", "2024-01-31", Some("P10D"))), &Dict::new(), 0).unwrap();
    assert_eq!(all(&mut timeline), ["2024-01-01 2024-01-10", "2024-01-11 2024-01-20", "2024-01-21 2024-01-31"]);
}

#[test]
fn one_window_without_steps() {
    let mut timeline = Timeline::new(Arc::new(rule("2024-01-01", "2024-01-31", None)), &Dict::new(), 0).unwrap();
    assert_eq!(all(&mut timeline), ["2024-01-01 2024-01-31"]);
}

#[test]
fn a_step_of_zero_is_one_window_and_a_negative_one_is_none() {
    let mut zero = Timeline::new(Arc::new(rule("2024-01-01", "2024-01-31", Some("PT0S"))), &Dict::new(), 0).unwrap();
    assert_eq!(all(&mut zero), ["2024-01-01 2024-01-31"]);
    let mut negative = Timeline::new(Arc::new(rule("2024-01-01", "2024-01-31", Some("-P1D"))), &Dict::new(), 0).unwrap();
    assert!(all(&mut negative).is_empty());
}

#[test]
fn the_state_is_behind_the_first_hole() {
    let mut timeline = Timeline::new(Arc::new(rule("2024-01-01", "2024-01-31", Some("P10D"))), &Dict::new(), 0).unwrap();
    timeline.close(&slice("2024-01-11", "2024-01-20"), Some(point("2024-01-15"))).unwrap();
    assert_eq!(timeline.state().unwrap()["day"], Value::str("2024-01-01"));
    timeline.close(&slice("2024-01-01", "2024-01-10"), Some(point("2024-01-07"))).unwrap();
    assert_eq!(timeline.state().unwrap()["day"], Value::str("2024-01-15"));
}

#[test]
fn members_of_a_state_that_are_not_the_cursors_are_kept() {
    let state = json(r#"{"day":"2024-01-20","other":1}"#);
    let mut timeline = Timeline::new(Arc::new(rule("2024-01-01", "2024-01-31", None)), &state, 0).unwrap();
    assert_eq!(all(&mut timeline), ["2024-01-20 2024-01-31"]);
    assert_eq!(Value::Dict(Arc::new(timeline.state().unwrap())), Value::Dict(Arc::new(state)));
}

#[test]
fn a_state_of_intervals_leaves_its_holes_to_be_read() {
    let state = json(
        r#"{"state_type":"date-range","slices":[{"start":"2024-01-05","end":"2024-01-10","most_recent_cursor_value":"2024-01-09"},
            {"start":"2024-01-20","end":"2024-01-25"}]}"#,
    );
    let mut timeline = Timeline::new(Arc::new(rule("2024-01-01", "2024-01-31", Some("P1M"))), &state, 0).unwrap();
    assert_eq!(all(&mut timeline), ["2024-01-01 2024-01-04", "2024-01-11 2024-01-19", "2024-01-25 2024-01-31"]);
}

#[test]
fn partitions_keep_their_own_positions_and_new_ones_begin_at_the_common_one() {
    let setting = || Setting {
        field: "day".into(),
        formats: Arc::new(Formats { input: vec![FORMAT.to_owned()], output: FORMAT.to_owned() }),
        is_global: false,
        rule: Box::new(|| Ok(rule("2024-01-01", "2024-01-31", None))),
    };
    let mut first = Partitioned::new(setting(), &Dict::new()).unwrap();
    first.start(0);
    let one = json(r#"{"id":1,"parent_slice":{}}"#);
    let (key, mut windows) = first.open(&one, None, 0).unwrap().unwrap();
    let window = Slice { partition: one.clone(), cursor: windows.advance().unwrap().unwrap(), extra: Dict::new() };
    first.begin(&key, true);
    assert!(first.open(&one, None, 0).unwrap().is_none(), "the same partition again");
    first.close(&key, &window, Some(point("2024-01-12")), Some(Value::str("2024-01-12"))).unwrap();
    first.finish(None, 2_500_000);
    let state = first.state().unwrap();
    let wanted = json(
        r#"{"use_global_cursor":false,"states":[{"partition":{"id":1,"parent_slice":{}},"cursor":{"day":"2024-01-12"}}],
            "state":{"day":"2024-01-12"},"lookback_window":3}"#,
    );
    assert_eq!(Value::Dict(Arc::new(state.clone())), Value::Dict(Arc::new(wanted)));
    let mut second = Partitioned::new(setting(), &state).unwrap();
    let (_, mut windows) = second.open(&json(r#"{"id":2,"parent_slice":{}}"#), None, 0).unwrap().unwrap();
    // Three seconds before the common position is another day in this format.
    assert_eq!(windows.advance().unwrap().unwrap()["from"], Value::str("2024-01-11"));
}

#[test]
fn an_unfinished_partition_holds_the_common_position_back() {
    let setting = Setting {
        field: "day".into(),
        formats: Arc::new(Formats { input: vec![FORMAT.to_owned()], output: FORMAT.to_owned() }),
        is_global: false,
        rule: Box::new(|| Ok(rule("2024-01-01", "2024-01-31", None))),
    };
    let mut partitions = Partitioned::new(setting, &Dict::new()).unwrap();
    for id in [1, 2] {
        let partition = json(&format!(r#"{{"id":{id}}}"#));
        let (key, mut windows) = partitions.open(&partition, None, 0).unwrap().unwrap();
        let window = Slice { partition, cursor: windows.advance().unwrap().unwrap(), extra: Dict::new() };
        partitions.begin(&key, true);
        if id == 1 {
            partitions.close(&key, &window, Some(point("2024-01-12")), Some(Value::str("2024-01-12"))).unwrap();
        }
    }
    partitions.finish(None, 0);
    let state = partitions.state().unwrap();
    assert!(!state.contains_key("state"));
    assert_eq!(state["states"].as_items().unwrap().len(), 2);
}
