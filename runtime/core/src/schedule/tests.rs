//! Thirty years of changes of the clock, against a second implementation and against the plain definition.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::str::FromStr;

use chrono::{DateTime, Duration, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::Times;
use crate::manifest::Schedule;

/// Summer time in both hemispheres, half an hour of it, at midnight, none at all, and a zone that changed for good.
const ZONES: &[&str] = &[
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "Europe/Istanbul",
    "UTC",
];
/// One minute and one hour: both implementations call these times of the day.
const OF_THE_DAY: &[&str] = &[
    "30 2 * * *",
    "0 2 * * *",
    "0 3 * * *",
    "30 1 * * *",
    "45 1 * * *",
    "15 2 * * *",
    "0 0 * * *",
    "30 0 * * *",
    "30 23 * * *",
    "0 12 * * *",
];
const INTERVALS: &[&str] = &["*/15 * * * *", "* * * * *", "30 * * * *", "0 */2 * * *", "30 1-3 * * *", "*/20 0-5 * * *", "0 0-23/3 * * *"];

fn times(expression: &str, zone: &str) -> Times {
    Times::new(&Schedule { expression: format!("0 {expression}"), zone: zone.to_owned() }).unwrap()
}

fn all(times: &Times, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let next = |moment: &DateTime<Utc>| times.next_after(*moment).filter(|time| *time <= until);
    std::iter::successors(next(&from), next).collect()
}

fn changes(zone: &str) -> Vec<DateTime<Utc>> {
    let times = times("0 0 * * *", zone);
    let (from, until) = (day(2000), day(2031));
    std::iter::successors(times.change(from, until), |last| times.change(*last, until)).collect()
}

fn day(year: i32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap()
}

fn local(zone: &str, times: &[DateTime<Utc>]) -> String {
    let zone = Tz::from_str(zone).unwrap();
    times.iter().map(|time| time.with_timezone(&zone).format("%d. %H:%M %z").to_string()).collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn check(expression: &str, zone: &str, from: (u32, u32), expected: &str) {
    let from = Tz::from_str(zone).unwrap().with_ymd_and_hms(2026, from.0, from.1, 0, 0, 0).unwrap().to_utc();
    assert_eq!(local(zone, &all(&times(expression, zone), from, from + Duration::hours(28))), expected, "{expression} {zone}");
}

#[test]
fn a_time_in_the_gap_comes_once_after_it() {
    check("30 2 * * *", "Europe/Berlin", (3, 29), "29. 03:00 +0200, 30. 02:30 +0200");
    check("30 2 * * *", "America/New_York", (3, 8), "08. 03:00 -0400, 09. 02:30 -0400");
    check("15 2 * * *", "Australia/Lord_Howe", (10, 4), "04. 02:30 +1100, 05. 02:15 +1100");
    check("0 2,3 * * *", "Europe/Berlin", (3, 29), "29. 03:00 +0200, 30. 02:00 +0200, 30. 03:00 +0200");
}

#[test]
fn a_time_that_the_clock_shows_twice_comes_once() {
    check("30 2 * * *", "Europe/Berlin", (10, 25), "25. 02:30 +0200, 26. 02:30 +0100");
    check("30 1 * * *", "America/New_York", (11, 1), "01. 01:30 -0400, 02. 01:30 -0500");
    check("45 1 * * *", "Australia/Lord_Howe", (4, 5), "05. 01:45 +1100, 06. 01:45 +1030");
    check("0 2,3 * * *", "Europe/Berlin", (10, 25), "25. 02:00 +0200, 25. 03:00 +0100, 26. 02:00 +0100, 26. 03:00 +0100");
}

#[test]
fn an_interval_goes_on_through_both_passes() {
    check(
        "0,30 1-3 * * *",
        "Europe/Berlin",
        (3, 29),
        "29. 01:00 +0100, 29. 01:30 +0100, 29. 03:00 +0200, 29. 03:30 +0200, 30. 01:00 +0200, 30. 01:30 +0200, 30. 02:00 +0200, 30. 02:30 +0200, 30. 03:00 +0200, 30. 03:30 +0200",
    );
    check(
        "30 */1 * * *",
        "America/New_York",
        (11, 1),
        &local(
            "America/New_York",
            &(0..28).map(|hour| Utc.with_ymd_and_hms(2026, 11, 1, 4, 30, 0).unwrap() + Duration::hours(hour)).collect::<Vec<_>>(),
        ),
    );
    let half_hours = local(
        "Europe/Berlin",
        &(1..=56).map(|half| Utc.with_ymd_and_hms(2026, 10, 24, 22, 0, 0).unwrap() + Duration::minutes(30 * half)).collect::<Vec<_>>(),
    );
    check("*/30 * * * *", "Europe/Berlin", (10, 25), &half_hours);
}

/// What differs from the second implementation: there one field with two values makes an interval, so that a day may have none of its times or each
/// of them twice.
#[test]
fn several_minutes_of_one_hour_are_times_of_the_day() {
    check("*/15 2 * * *", "Europe/Berlin", (3, 29), "29. 03:00 +0200, 30. 02:00 +0200, 30. 02:15 +0200, 30. 02:30 +0200, 30. 02:45 +0200");
    check("0,30 2 * * *", "Europe/Berlin", (10, 25), "25. 02:00 +0200, 25. 02:30 +0200, 26. 02:00 +0100, 26. 02:30 +0100");
}

#[test]
fn thirty_years_of_changes_agree_with_a_second_implementation() {
    let mut compared = 0;
    for zone in ZONES {
        let tz = Tz::from_str(zone).unwrap();
        // Each minute would take it minutes; the definition below has them.
        for expression in OF_THE_DAY.iter().chain(INTERVALS).filter(|expression| **expression != "* * * * *") {
            let oracle = croner::Cron::from_str(expression).unwrap();
            let times = times(expression, zone);
            for change in changes(zone) {
                let (from, until) = (change - Duration::hours(30), change + Duration::hours(30));
                let start = from.with_timezone(&tz);
                let expected: Vec<DateTime<Utc>> =
                    oracle.iter_after(start).map(|time| time.to_utc()).take_while(|time| *time <= until).collect();
                assert_eq!(local(zone, &all(&times, from, until)), local(zone, &expected), "{expression} {zone} at {change}");
                compared += expected.len();
            }
        }
    }
    assert!(compared > 50_000, "only {compared} times were compared");
}

#[test]
fn every_time_of_the_day_comes_once_a_day() {
    for zone in ZONES {
        let tz = Tz::from_str(zone).unwrap();
        for expression in OF_THE_DAY {
            let found = all(&times(expression, zone), day(2000), day(2031));
            let days: Vec<NaiveDate> = found.iter().map(|time| time.with_timezone(&tz).date_naive()).collect();
            assert!(days.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::days(1)), "{expression} {zone}");
            assert!(found.len() >= 31 * 365, "{expression} {zone}: {}", found.len());
        }
    }
}

#[test]
fn rare_days_are_found_and_the_end_is_told() {
    let leap = times("0 3 29 2 *", "Europe/Berlin");
    let monday = times("0 3 29 2 MON", "Europe/Berlin");
    let from = Utc.with_ymd_and_hms(2025, 6, 1, 0, 0, 0).unwrap();
    assert_eq!(leap.next_after(from), Utc.with_ymd_and_hms(2028, 2, 29, 2, 0, 0).single());
    assert_eq!(monday.next_after(from), Utc.with_ymd_and_hms(2044, 2, 29, 2, 0, 0).single());
    assert_eq!(leap.next_after(day(2100)), None);
    assert_eq!(leap.next_after(DateTime::<Utc>::MAX_UTC), None);
    assert!(Times::new(&Schedule { expression: "daily".to_owned(), zone: "UTC".to_owned() }).is_none());
}

fn moments() -> impl Strategy<Value = (&'static str, DateTime<Utc>)> {
    prop::sample::select(ZONES).prop_flat_map(|zone| {
        let near: Vec<DateTime<Utc>> = changes(zone).into_iter().chain([day(2010)]).collect();
        (prop::sample::select(near), -9000i64..9000).prop_map(move |(change, seconds)| (zone, change + TimeDelta::seconds(seconds)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// The definition of an interval: the next minute whose reading of the local clock fits.
    #[test]
    fn an_interval_is_the_next_minute_that_fits(expression in prop::sample::select(INTERVALS), (zone, moment) in moments()) {
        let plain = cron::Schedule::from_str(&format!("0 {expression}")).unwrap();
        let tz = Tz::from_str(zone).unwrap();
        let first = DateTime::from_timestamp(moment.timestamp().div_euclid(60) * 60 + 60, 0).unwrap();
        let expected = (0..3000).map(|minute| first + TimeDelta::minutes(minute)).find(|time| plain.includes(time.with_timezone(&tz)));
        prop_assert_eq!(times(expression, zone).next_after(moment), expected);
    }

    #[test]
    fn time_goes_forward(
        expression in prop::sample::select([OF_THE_DAY, INTERVALS, &["*/15 2 * * *", "0,30 1,2 * * SUN", "5 4 29 2 *"]].concat()),
        (zone, moment) in moments(),
    ) {
        let next = times(expression, zone).next_after(moment).unwrap();
        prop_assert!(next > moment);
        // Whatever lies in between leads to the same time.
        let between = moment + (next - moment) / 2;
        prop_assert_eq!(times(expression, zone).next_after(between).unwrap(), next);
        prop_assert_eq!(times(expression, zone).next_after(next - TimeDelta::milliseconds(1)).unwrap(), next);
    }
}
