//! Hours and years of simulated time: the clock jumps to the next moment at which somebody waits.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use futures::channel::oneshot;
use futures::future::BoxFuture;
use hub_core::manifest::{Misfire, Overlap, Schedule, Timing};
use hub_core::problem::{Code, Problem, Span, Spanned};
use hub_core::schedule::{Plan, Times, Windows};

use super::queue::Queue;
use super::{Begin, Meter, Outcome, Summary, Watcher, drive, moment};
use crate::clock::Clock;

/// A clock that stands still until it is moved to the next moment that somebody waits for.
#[derive(Default)]
struct Simulated {
    now_us: AtomicU64,
    sleepers: Mutex<BinaryHeap<Reverse<(u64, u64)>>>,
    tellers: Mutex<BTreeMap<u64, oneshot::Sender<()>>>,
    count: AtomicU64,
}

impl Simulated {
    fn starting(at: DateTime<Utc>) -> Arc<Self> {
        let clock = Self::default();
        clock.now_us.store(at.timestamp_micros().try_into().unwrap(), Ordering::Relaxed);
        Arc::new(clock)
    }

    /// To the next moment; false if nobody waits.
    fn step(&self) -> bool {
        let Some(Reverse((at, number))) = self.sleepers.lock().unwrap().pop() else { return false };
        self.now_us.fetch_max(at, Ordering::Relaxed);
        if let Some(teller) = self.tellers.lock().unwrap().remove(&number) {
            let _ = teller.send(());
        }
        true
    }
}

impl Clock for Simulated {
    fn now_us(&self) -> u64 {
        self.now_us.load(Ordering::Relaxed)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let (told, tell) = oneshot::channel();
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let at = self.now_us() + u64::try_from(time.as_micros()).unwrap();
        self.sleepers.lock().unwrap().push(Reverse((at, number)));
        self.tellers.lock().unwrap().insert(number, told);
        Box::pin(async move {
            let _ = tell.await;
        })
    }
}

/// When each run began.
#[derive(Default)]
struct Diary {
    began: Mutex<Vec<(DateTime<Utc>, String)>>,
    most_at_once: AtomicU64,
    at_once: AtomicU64,
}

struct Nobody;

impl Watcher for Nobody {
    fn begins(&self, _: &str, _: &Arc<Meter>) {}
    fn ended(&self, _: &str, _: &Outcome) {}
    fn waits(&self, _: &str, _: DateTime<Utc>) {}
}

fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 28, hour, minute, 0).unwrap()
}

fn times(expression: &str) -> Arc<Times> {
    Arc::new(Times::new(&Schedule { expression: format!("0 {expression}"), zone: "UTC".to_owned() }).unwrap())
}

fn timing(overlap: Overlap, misfire: Misfire) -> Timing {
    let here = Span::default();
    Timing {
        overlap: Some(Spanned { value: overlap, span: here }),
        misfire: Some(Spanned { value: misfire, span: here }),
        jitter: None,
        retries: None,
    }
}

/// Lets a queue work from a moment to another one. `lasts` says how many minutes a run of a flow takes.
fn simulate(queue: Queue, span: (DateTime<Utc>, DateTime<Utc>), lasts: fn(&str) -> u64) -> Arc<Diary> {
    simulate_with(queue, span, lasts, |_| None)
}

/// As [`simulate`]; `fails` says at which moments a run fails for a passing reason, and for how many milliseconds the system wants to be left alone.
fn simulate_with(
    queue: Queue,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    lasts: fn(&str) -> u64,
    fails: fn(DateTime<Utc>) -> Option<Option<u32>>,
) -> Arc<Diary> {
    let (clock, diary) = (Simulated::starting(from), Arc::new(Diary::default()));
    let (runs, runs_clock) = (diary.clone(), clock.clone());
    let begin: Box<Begin> = Box::new(move |flow, _| {
        let now = moment(&*runs_clock);
        runs.began.lock().unwrap().push((now, flow.to_string()));
        runs.most_at_once.fetch_max(runs.at_once.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        let (runs, sleep) = (runs.clone(), runs_clock.sleep(Duration::from_secs(60 * lasts(&flow))));
        Box::pin(async move {
            sleep.await;
            runs.at_once.fetch_sub(1, Ordering::Relaxed);
            let problem = |after_ms| Arc::new(Problem::new(Code::E307, "no answer", "wait").passing("crm", after_ms));
            Ok(Summary { problem: fails(now).map(problem), ..Summary::default() })
        })
    });
    let stopping = AtomicBool::new(false);
    let is_stopping = || stopping.load(Ordering::Relaxed);
    let mut work = pin!(drive(queue, &*clock, &*begin, &Nobody, &is_stopping, Duration::from_secs(3600)));
    let mut context = Context::from_waker(Waker::noop());
    loop {
        stopping.store(moment(&*clock) >= until, Ordering::Relaxed);
        if matches!(work.as_mut().poll(&mut context), Poll::Ready(_)) || !clock.step() {
            return diary;
        }
    }
}

fn queue(jobs: usize) -> Queue {
    Queue::empty(jobs, Windows::default())
}

/// One flow that last ran at a moment, and when it runs from then on.
#[track_caller]
fn check(
    expression: &str,
    timing: &Timing,
    (last, from, until): (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>),
    lasts: fn(&str) -> u64,
    expected: &str,
) {
    let mut queue = queue(4);
    queue.add("one", Some(Plan::new(times(expression), timing, "one", last)), Vec::new(), 3, from);
    let diary = simulate(queue, (from, until), lasts);
    let began: Vec<String> = diary.began.lock().unwrap().iter().map(|(at, _)| at.format("%H:%M").to_string()).collect();
    assert_eq!(began.join(" "), expected);
    assert_eq!(diary.most_at_once.load(Ordering::Relaxed), u64::from(!began.is_empty()), "a flow ran twice at once");
}

#[test]
fn a_time_that_comes_during_a_run_is_left_out_or_waits() {
    let span = (at(0, 0), at(0, 0), at(2, 0));
    check("*/15 * * * *", &timing(Overlap::Skip, Misfire::RunOnce), span, |_| 20, "00:15 00:45 01:15 01:45");
    check("*/15 * * * *", &timing(Overlap::Queue, Misfire::RunOnce), span, |_| 20, "00:15 00:35 00:55 01:15 01:35 01:55");
    check("*/15 * * * *", &timing(Overlap::Queue, Misfire::Skip), span, |_| 20, "00:15 00:45 01:15 01:45");
    check("*/30 * * * *", &timing(Overlap::Skip, Misfire::RunOnce), span, |_| 1, "00:30 01:00 01:30");
}

#[test]
fn times_that_passed_while_hub_was_stopped_follow_the_policy() {
    let span = (at(0, 0), at(4, 20), at(6, 10));
    check("0 * * * *", &timing(Overlap::Skip, Misfire::RunOnce), span, |_| 1, "04:20 05:00 06:00");
    check("0 * * * *", &timing(Overlap::Skip, Misfire::Skip), span, |_| 1, "05:00 06:00");
    check("0 * * * *", &timing(Overlap::Skip, Misfire::All), span, |_| 1, "04:20 04:21 04:22 04:23 05:00 06:00");
}

#[test]
fn nothing_begins_in_a_maintenance_window() {
    let text = "manifest = 1\n[operator]\nname = \"Muster GmbH\"\ncontact = \"dp@muster.example\"\n\
                [[maintenance]]\nfrom = \"01:30\"\nto = \"03:10\"\n";
    let manifest =
        hub_core::manifest::read("m", text, &hub_core::manifest::NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    let began = |misfire| {
        let mut queue = Queue::empty(4, Windows::of(&manifest));
        queue.add("one", Some(Plan::new(times("0 * * * *"), &timing(Overlap::Skip, misfire), "one", at(0, 0))), Vec::new(), 3, at(0, 0));
        let diary = simulate(queue, (at(0, 0), at(5, 0)), |_| 1);
        let began = diary.began.lock().unwrap();
        began.iter().map(|(at, _)| at.format("%H:%M").to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(began(Misfire::RunOnce), "01:00 03:10 04:00");
    assert_eq!(began(Misfire::Skip), "01:00 04:00");
    assert_eq!(began(Misfire::All), "01:00 03:10 03:11 04:00");
}

/// It was due before the window, and its slot came free in it.
#[test]
fn a_flow_that_waits_for_a_slot_does_not_begin_in_a_window() {
    let text = "manifest = 1\n[operator]\nname = \"Muster GmbH\"\ncontact = \"dp@muster.example\"\n\
                [[maintenance]]\nfrom = \"01:05\"\nto = \"03:10\"\n";
    let manifest =
        hub_core::manifest::read("m", text, &hub_core::manifest::NoFiles).unwrap_or_else(|failed| panic!("{:?}", failed.problems));
    let mut queue = Queue::empty(1, Windows::of(&manifest));
    for flow in ["a", "b"] {
        queue.add(flow, Some(Plan::new(times("0 1 * * *"), &Timing::default(), flow, at(0, 0))), Vec::new(), 0, at(0, 0));
    }
    let diary = simulate(queue, (at(0, 0), at(5, 0)), |_| 10);
    let began: Vec<String> = diary.began.lock().unwrap().iter().map(|(at, flow)| format!("{flow} {}", at.format("%H:%M"))).collect();
    assert_eq!(began, ["a 01:00", "b 03:10"]);
}

#[test]
fn flows_without_a_schedule_run_once_and_the_process_ends() {
    let mut queue = queue(1);
    for flow in ["a", "b", "c"] {
        queue.add(flow, None, Vec::new(), 3, at(0, 0));
    }
    let diary = simulate(queue, (at(0, 0), at(9, 0)), |_| 10);
    let began: Vec<String> = diary.began.lock().unwrap().iter().map(|(at, flow)| format!("{flow} {}", at.format("%H:%M"))).collect();
    assert_eq!(began, ["a 00:00", "b 00:10", "c 00:20"]);
}

#[test]
fn a_system_carries_no_more_runs_than_it_may() {
    let mut queue = queue(100);
    queue.add_system("crm", 2);
    for number in 0..10 {
        let id = format!("flow-{number}");
        let plan = Plan::new(times("0 * * * *"), &Timing::default(), &id, at(0, 30));
        queue.add(&id, Some(plan), vec![0], 3, at(0, 30));
    }
    let diary = simulate(queue, (at(0, 30), at(1, 59)), |_| 10);
    assert_eq!(diary.most_at_once.load(Ordering::Relaxed), 2);
    let began = diary.began.lock().unwrap();
    assert_eq!(began.len(), 10);
    assert_eq!(began.last().unwrap().0, at(1, 40));
}

fn began(diary: &Diary) -> String {
    diary.began.lock().unwrap().iter().map(|(at, _)| at.format("%H:%M:%S").to_string()).collect::<Vec<_>>().join(" ")
}

/// A flow of the system `crm` that last ran at midnight.
fn of_crm(expression: &str, flow: &str, retries: u32) -> Queue {
    let mut queue = queue(4);
    queue.add_system("crm", 9);
    queue.add(flow, Some(Plan::new(times(expression), &Timing::default(), flow, at(0, 0))), vec![0], retries, at(0, 0));
    queue
}

#[test]
fn a_run_that_failed_for_a_passing_reason_is_tried_again() {
    let hour = (at(0, 0), at(1, 30));
    let diary = simulate_with(of_crm("0 * * * *", "one", 3), hour, |_| 0, |now| (now < at(1, 0) + TimeDelta::seconds(20)).then_some(None));
    let began = diary.began.lock().unwrap().iter().map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!(began.len(), 3, "{began:?}");
    let pause = |index: usize| (began[index] - began[index - 1]).num_milliseconds();
    assert!((7_500..=10_000).contains(&pause(1)) && (15_000..=20_000).contains(&pause(2)), "{began:?}");
    // It is asked for more time than hub would take, and gives up after the first retry.
    let diary = simulate_with(of_crm("0 * * * *", "one", 1), hour, |_| 0, |_| Some(Some(300_000)));
    assert!(began_at(&diary, 0) == at(1, 0) && began_at(&diary, 1) >= at(1, 5), "{}", self::began(&diary));
    assert_eq!(diary.began.lock().unwrap().len(), 2);
    let diary = simulate_with(of_crm("0 * * * *", "one", 0), hour, |_| 0, |_| Some(None));
    assert_eq!(self::began(&diary), "01:00:00");
}

fn began_at(diary: &Diary, index: usize) -> DateTime<Utc> {
    diary.began.lock().unwrap()[index].0
}

/// The planned run is as good as a retry.
#[test]
fn no_retry_stands_beside_the_next_time() {
    let diary = simulate_with(of_crm("* * * * *", "one", 9), (at(0, 0), at(0, 4)), |_| 0, |_| Some(Some(90_000)));
    assert_eq!(began(&diary), "00:01:00 00:02:00 00:03:00");
}

/// Five failures in a row end trying for five minutes; then one run tries, and the others wait for what comes of it.
#[test]
fn a_system_that_fails_again_and_again_is_left_alone() {
    let mut queue = of_crm("* * * * *", "one", 0);
    queue.add("two", Some(Plan::new(times("* * * * *"), &Timing::default(), "two", at(0, 0))), vec![0], 0, at(0, 0));
    let diary = simulate_with(queue, (at(0, 0), at(0, 10)), |_| 0, |now| (now < at(0, 7)).then_some(None));
    let began = diary.began.lock().unwrap();
    let shown: Vec<String> = began.iter().take(9).map(|(at, flow)| format!("{} {flow}", at.format("%H:%M:%S"))).collect();
    let expected = [
        "00:01:00 one",
        "00:01:00 two",
        "00:02:00 one",
        "00:02:00 two",
        "00:03:00 one",
        "00:03:00 two",
        "00:08:00 one",
        "00:08:05 two",
        "00:09:00 one",
    ];
    assert_eq!(shown, expected);
}

/// Ten thousand flows every five minutes for an hour: every time of each flow once, in the order of time.
#[test]
fn ten_thousand_flows_run_on_one_machine() {
    let mut queue = queue(64);
    for number in 0..10_000 {
        let id = format!("flow-{number}");
        let timing = Timing {
            jitter: Some(Spanned { value: hub_core::manifest::Delay { seconds: 240 }, span: Span::default() }),
            ..Timing::default()
        };
        let plan = Plan::new(times(&format!("{}-59/5 * * * *", number % 5)), &timing, &id, at(0, 0));
        queue.add(&id, Some(plan), Vec::new(), 3, at(0, 0));
    }
    let diary = simulate(queue, (at(0, 0), at(1, 0) + TimeDelta::minutes(5)), |_| 0);
    let began = diary.began.lock().unwrap();
    assert!(began.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (at_moment, flow) in began.iter() {
        if *at_moment < at(1, 0) {
            *counts.entry(flow).or_default() += 1;
        }
    }
    assert_eq!(counts.len(), 10_000);
    assert!(counts.values().all(|count| (11..=12).contains(count)), "{:?}", counts.values().min());
}

/// A year of nights in a zone with summer time, in one go.
#[test]
fn a_year_has_as_many_nights_as_days() {
    let times = Times::new(&Schedule { expression: "0 30 2 * * *".to_owned(), zone: "Europe/Berlin".to_owned() }).unwrap();
    let mut queue = queue(1);
    let from = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
    queue.add("night", Some(Plan::new(Arc::new(times), &Timing::default(), "night", from)), Vec::new(), 3, from);
    let diary = simulate(queue, (from, from + TimeDelta::days(365)), |_| 5);
    assert_eq!(diary.began.lock().unwrap().len(), 365);
}
