//! Against a small tracker in memory that pages and filters as Roundup 2.6 does (checked against the real one in tests/e2e).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use hub_sdk::http::{FetchError, Method, Request};
use hub_sdk::testing::{Answer, FakeHost, Writer, check, read};
use hub_sdk::{Error, Mode, StreamRequest, Target};
use serde_json::{Value, json};

use super::dates::{from_tracker, to_tracker};
use super::{Roundup, RoundupDestination};

/// 2026-11-23.15:38:21
const NOW: u64 = 1_795_448_301;
const CONFIG: &str = r#"{ "base_url": "https://issues.example.org/tracker", "page_size": 10, "overlap_seconds": 0 }"#;

/// Date of change by id.
#[derive(Default)]
struct Tracker {
    changed: BTreeMap<u64, u64>,
    now: u64,
    zone_seconds: i64,
    pages: usize,
    /// After so many pages this record is changed.
    change_after: Option<(usize, u64)>,
}

impl Tracker {
    /// So many records, one change a minute, the last one an hour ago.
    fn with(count: u64) -> Rc<RefCell<Self>> {
        let changed = (1..=count).map(|id| (id, NOW - 3600 - (count - id) * 60)).collect();
        Rc::new(RefCell::new(Self { changed, now: NOW, ..Self::default() }))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let (address, query) = request.url().split_once('?').unwrap();
        assert!(matches!(
            address,
            "https://issues.example.org/tracker/rest/data/issue" | "https://issues.example.org/tracker/rest/data/user"
        ));
        assert_eq!(request.credential_name(), Some("tracker"));
        let decode = |text: &str| text.replace("%40", "@").replace("%2C", ",").replace("%3B", ";").replace("%3A", ":");
        let query: BTreeMap<_, _> =
            query.split('&').map(|pair| pair.split_once('=').unwrap()).map(|(name, value)| (decode(name), decode(value))).collect();
        assert_eq!(query["@sort"], "activity,id");
        let (from, to) = query["activity"].split_once(';').unwrap();
        let bound = |text: &str| from_tracker(text).map(|seconds| seconds.checked_add_signed(-self.zone_seconds).unwrap());
        let to = if to == "1970-01-02" { Some(0) } else { bound(to) };
        let from = bound(from);
        let mut matching: Vec<_> = self.changed.iter().map(|(id, changed)| (*changed, *id)).collect();
        matching.retain(|(changed, _)| from.is_none_or(|from| *changed >= from) && to.is_none_or(|to| *changed <= to));
        matching.sort_unstable();
        let size: usize = query["@page_size"].parse().unwrap();
        let page: usize = query.get("@page_index").map_or(1, |page| page.parse().unwrap());
        let offset = (page - 1) * size;
        let rest: Vec<_> = matching.into_iter().skip(offset).collect();
        let records: Vec<Value> =
            rest.iter().take(size).map(|(changed, id)| json!({ "id": id.to_string(), "activity": to_tracker(*changed) })).collect();
        let mut links = json!({ "self": [{}] });
        if rest.len() > size {
            links["next"] = json!([{ "uri": "…" }]);
        }
        if query.contains_key("@page_index") {
            self.pages += 1;
            if let Some((_, id)) = self.change_after.filter(|(after, _)| *after == self.pages) {
                self.changed.insert(id, self.now + 5);
            }
        }
        let body = json!({ "data": { "collection": records, "@links": links, "@total_size": offset + rest.len() } });
        Answer::json(&body).header("Date", "Mon, 23 Nov 2026 15:38:21 GMT")
    }
}

fn host(tracker: &Rc<RefCell<Tracker>>) -> FakeHost {
    let (host, tracker) = (FakeHost::new(), Rc::clone(tracker));
    host.serve(move |request| Ok(tracker.borrow_mut().answer(request)));
    host
}

fn ids(host: &FakeHost) -> Vec<u64> {
    host.records(0).iter().map(|record| record["id"].as_str().unwrap().parse().unwrap()).collect()
}

fn issues(state: Option<Vec<u8>>) -> Vec<StreamRequest> {
    vec![StreamRequest { state, ..StreamRequest::new("issues") }]
}

#[test]
fn all_pages_are_read_once_and_the_state_is_the_trackers_time() {
    for count in [1, 9, 10, 11, 35] {
        let host = host(&Tracker::with(count));
        assert_eq!(read::<Roundup>(CONFIG, issues(None)), Ok(count));
        assert_eq!(ids(&host), (1..=count).collect::<Vec<_>>());
        assert_eq!(host.checkpoints(0).last().unwrap(), br#"{"since":"2026-11-23.15:38:21"}"#);
    }
}

#[test]
fn an_empty_tracker_leaves_no_state() {
    let host = host(&Tracker::with(0));
    assert_eq!(read::<Roundup>(CONFIG, issues(None)), Ok(0));
    assert!(host.checkpoints(0).is_empty());
}

#[test]
fn the_next_run_reads_what_changed_since() {
    let tracker = Tracker::with(25);
    let first = host(&tracker);
    read::<Roundup>(CONFIG, issues(None)).unwrap();
    let state = first.checkpoints(0).pop();
    tracker.borrow_mut().changed.insert(3, NOW);
    let second = host(&tracker);
    assert_eq!(read::<Roundup>(CONFIG, issues(state.clone())), Ok(1));
    assert_eq!(ids(&second), [3]);
    tracker.borrow_mut().changed.insert(3, NOW - 7200);
    let third = host(&tracker);
    assert_eq!(read::<Roundup>(CONFIG, issues(state)), Ok(0));
    assert!(third.checkpoints(0).is_empty());
}

#[test]
fn equal_dates_at_the_border_are_not_lost() {
    let tracker = Tracker::with(25);
    tracker.borrow_mut().changed.values_mut().for_each(|changed| *changed = NOW - 100);
    let stopped = host(&tracker);
    stopped.cancel_after_checkpoints(1);
    assert_eq!(read::<Roundup>(CONFIG, issues(None)), Err(Error::Cancelled));
    let rest = host(&tracker);
    read::<Roundup>(CONFIG, issues(stopped.checkpoints(0).pop())).unwrap();
    let mut seen = ids(&rest);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 25);
}

#[test]
fn a_change_while_reading_loses_no_record() {
    for (after, changed) in [(1, 5), (2, 1), (3, 30), (2, 35), (3, 12)] {
        let tracker = Tracker::with(35);
        tracker.borrow_mut().change_after = Some((after, changed));
        let host = host(&tracker);
        read::<Roundup>(CONFIG, issues(None)).unwrap();
        let mut seen = ids(&host);
        seen.sort_unstable();
        seen.dedup();
        // The changed record is the next run's if it left before it was read.
        let missing: Vec<_> = (1..=35).filter(|id| !seen.contains(id)).collect();
        assert!(missing.iter().all(|id| *id == changed), "after page {after}: {missing:?}");
        let state = host.checkpoints(0).pop();
        let next = self::host(&tracker);
        tracker.borrow_mut().now += 60;
        tracker.borrow_mut().changed.insert(changed, NOW);
        read::<Roundup>(CONFIG, issues(state)).unwrap();
        assert_eq!(ids(&next), [changed]);
    }
}

#[test]
fn another_time_zone_is_found_out() {
    for zone_seconds in [-5 * 3600, 3600] {
        let tracker = Tracker::with(200);
        tracker.borrow_mut().zone_seconds = zone_seconds;
        if zone_seconds > 0 {
            // East: the end of the window comes too early, the last hours are missing.
            tracker.borrow_mut().changed.insert(200, NOW - 60);
        }
        let _host = host(&tracker);
        let message = read::<Roundup>(CONFIG, issues(None)).unwrap_err().to_string();
        assert!(message.contains("set the time zone of the connector's account"), "{message}");
    }
}

#[test]
fn only_wanted_fields_are_asked_for() {
    let host = host(&Tracker::with(3));
    let request = StreamRequest { fields: vec!["id".into(), "realname".into(), "phone".into()], ..StreamRequest::new("users") };
    read::<Roundup>(CONFIG, vec![request]).unwrap();
    let asked: Vec<_> =
        host.requests().iter().filter(|request| request.url().contains("fields")).map(|request| request.url().to_owned()).collect();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].ends_with("&%40page_index=1&%40fields=realname%2Cphone"), "{}", asked[0]);
    assert_eq!(host.checkpoints(0).len(), 1, "the date of change is not ours to see");
}

#[test]
fn a_limit_ends_the_stream() {
    let host = host(&Tracker::with(30));
    assert_eq!(read::<Roundup>(CONFIG, vec![StreamRequest { limit: Some(4), ..StreamRequest::new("issues") }]), Ok(4));
    assert_eq!(ids(&host), [1, 2, 3, 4]);
}

#[test]
fn answers_that_are_none_become_the_right_error() {
    let cases: [(Result<Answer, FetchError>, Error); 6] = [
        (Ok(Answer::status(401)), Error::Auth("https://issues.example.org/tracker/rest/data/issue answered with status 401".into())),
        (Ok(Answer::status(404)), Error::Permanent("https://issues.example.org/tracker/rest/data/issue answered with status 404".into())),
        (
            Ok(Answer::status(429).header("Retry-After", "7")),
            Error::Transient {
                message: "https://issues.example.org/tracker/rest/data/issue answered with status 429".into(),
                retry_after: Some(std::time::Duration::from_secs(7)),
            },
        ),
        (Err(FetchError::Timeout), Error::transient("no answer in time")),
        (Err(FetchError::Denied("no".into())), Error::Cancelled),
        (
            Ok(Answer::json(&json!({ "data": 1 }))),
            Error::drift("the answer holds no list of records: is `base_url` the address of a Roundup tracker?"),
        ),
    ];
    for (answer, error) in cases {
        let host = FakeHost::new();
        host.serve(move |_| answer.clone());
        assert_eq!(check::<Roundup>(CONFIG), Err(error.clone()));
        assert_eq!(read::<Roundup>(CONFIG, issues(None)), Err(error));
    }
}

#[test]
fn wrong_input_has_a_message() {
    let _host = host(&Tracker::with(1));
    let message = |config: &str, stream: &str| read::<Roundup>(config, vec![StreamRequest::new(stream)]).unwrap_err().to_string();
    assert!(message(CONFIG, "wiki").contains("there are issues and users"));
    assert!(message(r#"{ "base_url": "https://a.example/", "page_size": 0 }"#, "issues").contains("`page_size` must be from 1 to 10000"));
    assert!(message(r#"{ "page_size": 10 }"#, "issues").contains("missing field `base_url`"));
    let odd = read::<Roundup>(CONFIG, issues(Some(br#"{"since":"yesterday"}"#.to_vec()))).unwrap_err().to_string();
    assert!(odd.contains("reset the flow's state"), "{odd}");
}

/// Issues that are written to: values and how often each was changed.
#[derive(Default)]
struct Desk {
    issues: BTreeMap<u64, (Value, u64)>,
    writes: usize,
    /// So often somebody else changes an issue just before we do.
    rivals: usize,
}

impl Desk {
    fn answer(&mut self, request: &Request) -> Answer {
        if request.method() != Method::Get {
            let sent = ["origin", "referer", "x-requested-with"].map(|name| request.header_value(name).unwrap());
            assert_eq!(sent, ["https://issues.example.org", "https://issues.example.org/tracker/", "rest"]);
            self.writes += 1;
        }
        let (address, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
        let rest = address.strip_prefix("https://issues.example.org/tracker/rest/data/issue").unwrap();
        let body = || serde_json::from_slice::<Value>(request.body_bytes().unwrap()).unwrap();
        match (request.method(), rest.strip_prefix('/').map(|id| id.parse::<u64>().unwrap())) {
            (Method::Get, None) => {
                let key = query.rsplit("title%3A=").next().unwrap().replace("%20", " ").replace("%C3%BC", "ü");
                let found: Vec<Value> = self
                    .issues
                    .iter()
                    .filter(|(_, (issue, _))| issue["title"] == key.as_str())
                    .map(|(id, _)| json!({ "id": id.to_string() }))
                    .collect();
                Answer::json(&json!({ "data": { "collection": found } }))
            }
            (Method::Get, Some(id)) => {
                let version = self.issues[&id].1;
                if self.rivals > 0 {
                    self.rivals -= 1;
                    self.issues.get_mut(&id).unwrap().1 += 1;
                }
                Answer::json(&json!({ "data": {} })).header("ETag", &format!("\"{version}\""))
            }
            (Method::Post, None) if body()["status"] == "nowhere" => Answer::status(409),
            (Method::Post, None) => {
                let id = self.issues.len() as u64 + 1;
                self.issues.insert(id, (body(), 0));
                Answer { status: 201, ..Answer::json(&json!({ "data": { "id": id.to_string() } })) }
            }
            (Method::Put, Some(id)) => {
                let (issue, version) = self.issues.get_mut(&id).unwrap();
                if request.header_value("if-match") != Some(&format!("\"{version}\"")) {
                    return Answer::status(412);
                }
                let (before, after) = (issue.clone(), body());
                after.as_object().unwrap().iter().for_each(|(name, value)| issue[name] = value.clone());
                *version += u64::from(*issue != before);
                Answer::json(&json!({ "data": {} }))
            }
            other => panic!("{other:?}"),
        }
    }
}

fn desk() -> (Rc<RefCell<Desk>>, FakeHost) {
    let (desk, host) = (Rc::new(RefCell::new(Desk::default())), FakeHost::new());
    let shared = Rc::clone(&desk);
    host.grant_read_body();
    host.serve(move |request| Ok(shared.borrow_mut().answer(request)));
    (desk, host)
}

fn target(mode: Mode, key: &[&str], fields: &[&str]) -> Target {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Target {
        index: 3,
        name: "issues".into(),
        mode,
        primary_key: owned(key),
        fields: fields.iter().map(|field| hub_sdk::Field::text(field)).collect(),
    }
}

fn open(mode: Mode) -> Writer<RoundupDestination> {
    Writer::open(CONFIG, vec![target(mode, &["title"], &["title", "status"])]).unwrap()
}

const BATCH: &str = r#"{"title":"Drucker für alle","status":"1"}
{"title":"Lager"}
{"title":"Lager","status":"2"}"#;

#[test]
fn issues_are_found_by_their_key_and_a_second_delivery_changes_nothing() {
    let (desk, _host) = desk();
    assert_eq!(open(Mode::Upsert).write(3, BATCH).unwrap().written, 3);
    let after_first: Vec<_> = desk.borrow().issues.values().cloned().collect();
    assert_eq!(after_first, [(json!({ "title": "Drucker für alle", "status": "1" }), 0), (json!({ "title": "Lager", "status": "2" }), 1)]);
    assert_eq!(open(Mode::Upsert).write(3, r#"{"title":"Lager","status":"2"}"#).unwrap().written, 1);
    assert_eq!(desk.borrow().issues.values().cloned().collect::<Vec<_>>(), after_first);
}

#[test]
fn somebody_else_may_be_faster_once() {
    let (desk, _host) = desk();
    let mut writer = open(Mode::Upsert);
    writer.write(3, BATCH).unwrap();
    desk.borrow_mut().rivals = 1;
    assert_eq!(writer.write(3, r#"{"title":"Lager","status":"3"}"#).unwrap().written, 1);
    desk.borrow_mut().rivals = 2;
    assert_eq!(
        writer.write(3, r#"{"title":"Lager","status":"4"}"#),
        Err(Error::transient("an issue is being changed by somebody else again and again"))
    );
}

#[test]
fn appending_adds_and_knows_the_last_batch() {
    let (desk, _host) = desk();
    let mut writer = open(Mode::Append);
    assert_eq!(writer.write_as(3, "key", BATCH).unwrap().written, 3);
    assert_eq!(writer.write_as(3, "key", BATCH).unwrap().written, 3);
    assert_eq!(desk.borrow().issues.len(), 3);
    assert_eq!(writer.write_as(3, "next", BATCH).unwrap().written, 3);
    assert_eq!((desk.borrow().issues.len(), desk.borrow().writes), (6, 6));
}

#[test]
fn rows_that_do_not_fit_are_named_by_a_word() {
    let (desk, _host) = desk();
    open(Mode::Append).write(3, r#"{"title":"twice"}{"title":"x"}"#).unwrap();
    open(Mode::Append).write(3, "{\"title\":\"twice\"}\n{\"title\":\"twice\"}").unwrap();
    let long = format!("{{\"title\":\"{}\"}}", "x".repeat(600));
    let rows = [
        "[1]",
        r#"{"title":5}"#,
        r#"{"status":"1"}"#,
        r#"{"title":" "}"#,
        &long,
        r#"{"title":"n","status":"nowhere"}"#,
        r#"{"title":"n","iban":"x"}"#,
        r#"{"title":"twice"}"#,
        r#"{"title":"good"}"#,
    ];
    let report = open(Mode::Upsert).write(3, &rows.join("\n")).unwrap();
    assert_eq!(report.written, 1);
    let words: Vec<_> = report.failed.iter().map(|row| (row.row, row.code.as_str())).collect();
    let wanted = ["not-a-json-object", "wrong-type", "no-key", "no-key", "key-too-long", "refused", "unknown-field", "ambiguous-key"];
    assert_eq!(words, (0..).zip(wanted).collect::<Vec<_>>());
    assert_eq!(desk.borrow().issues.len(), 3);
}

#[test]
fn a_target_that_cannot_be_is_refused_when_opening() {
    let (_desk, _host) = desk();
    let message = |config: &str, target: Target| Writer::<RoundupDestination>::open(config, vec![target]).unwrap_err().to_string();
    let named = |name: &str| Target { name: name.into(), ..target(Mode::Append, &[], &["title"]) };
    assert!(message(CONFIG, named("users")).contains("only issues can be written"));
    assert!(message(CONFIG, target(Mode::Replace, &[], &["title"])).contains("use the mode append or upsert"));
    assert!(message(CONFIG, target(Mode::Upsert, &[], &["title"])).contains("must be one field"));
    assert!(message(CONFIG, target(Mode::Upsert, &["external_id"], &["external_id"])).contains("go into `extra_fields`"));
    let extra = |name: &str| format!(r#"{{ "base_url": "https://issues.example.org/tracker", "extra_fields": ["{name}"] }}"#);
    assert!(message(&extra("a&b"), named("issues")).contains("`a&b` is no name of a property"));
    assert!(
        Writer::<RoundupDestination>::open(&extra("external_id"), vec![target(Mode::Upsert, &["external_id"], &["external_id"])]).is_ok()
    );
}
