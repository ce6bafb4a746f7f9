//! The wall clock jumps, before a run and in the middle of one, while the monotonic one goes on (libfaketime).

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::account::{judge, times_go_on};
use super::site::{Ground, Running, Site, faketime};
use super::{Need, Scenario, ensure, manifests};
use crate::process::{Failure, Result};

const RECORDS: u64 = 20_000;

/// The scenarios.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "clock-between-runs",
        fault: "the clock is 1 h back, then 1 day ahead, then right, a run at each time",
        expected: "every run ends well; times in the log never go back; all records once",
        needs: &[Need::Faketime],
        brief: false,
        play: between_runs,
    },
    Scenario {
        name: "clock-in-a-run",
        fault: "in the middle of a run the clock jumps 1 h back, then to 1 day ahead, then it is right again",
        expected: "each jump has an entry `clock.step`; times in the log never go back; all records once",
        needs: &[Need::Faketime],
        brief: false,
        play: in_a_run,
    },
    Scenario {
        name: "clock-schedule",
        fault: "a flow that is due every 2 s; the clock jumps 1 h back, is right again, and jumps to 1 day ahead, while hub waits",
        expected: "no time runs twice: none while the clock is back, one run for all times that were jumped over; times in the log never go back",
        needs: &[Need::Faketime],
        brief: false,
        play: on_a_schedule,
    },
];

/// hub with a clock that a file in the folder sets.
fn shifted(site: &Site, arguments: &[&str]) -> Result<Command> {
    let library = faketime().ok_or_else(|| Failure::new("libfaketime is gone"))?;
    let mut command = site.command(arguments);
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", site.path("clock")).env("FAKETIME_NO_CACHE", "1");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Ok(command)
}

fn set(site: &Site, clock: &str) -> Result<()> {
    site.write("clock", format!("{clock}\n").as_bytes())
}

fn between_runs(ground: &Ground) -> Result<String> {
    let site = ground.site("site", &manifests::sample(RECORDS, ""))?;
    for clock in ["+0", "-1h", "+1d", "+0"] {
        set(&site, clock)?;
        site.begin(shifted(&site, &["run", "--quiet", "--limit", "6000"])?)?.wait()?.with(0).map_err(|failure| failure.within(clock))?;
    }
    let days = site
        .log()?
        .iter()
        .filter_map(|entry| Some(entry.get("ts")?.as_str()?.get(..10)?.to_owned()))
        .collect::<std::collections::BTreeSet<_>>();
    ensure(days.len() == 2, || format!("the log has entries of {} days: the clock was not believed", days.len()))?;
    Ok(format!("four runs ended with 0; {}", judge(&site, manifests::CONTACTS, RECORDS)?))
}

fn in_a_run(ground: &Ground) -> Result<String> {
    const MANY: u64 = 600_000;
    let site = ground.site("site", &manifests::sample(MANY, ""))?;
    set(&site, "+0")?;
    let mut running = site.begin(shifted(&site, &["run", "--quiet"])?)?;
    for (size, clock) in [(2_000_000, "-1h"), (8_000_000, "+1d"), (16_000_000, "+0")] {
        running.until("it writes", || site.size(manifests::CONTACTS) > size)?;
        set(&site, clock)?;
    }
    running.wait()?.with(0)?;
    let steps = steps(&site.log()?);
    ensure(steps.len() == 3, || format!("the entries say {steps:?}"))?;
    Ok(format!("{}; {}", steps.join(", "), judge(&site, manifests::CONTACTS, MANY)?))
}

/// What the entries `clock.step` say.
fn steps(log: &[Value]) -> Vec<String> {
    let steps = log.iter().filter(|entry| entry.get("kind").is_some_and(|kind| kind == "clock.step"));
    steps.filter_map(|entry| Some(entry.get("detail")?.as_str()?.to_owned())).collect()
}

fn on_a_schedule(ground: &Ground) -> Result<String> {
    let site = ground.site("site", &manifests::sample(1_000, "schedule = \"*/2 * * * * *\""))?;
    set(&site, "+0")?;
    let mut running = site.begin(shifted(&site, &["run"])?)?;
    let first = wait_and_count(&mut running, 7)?;
    set(&site, "-1h")?;
    let back = wait_and_count(&mut running, 7)?;
    set(&site, "+0")?;
    let right = wait_and_count(&mut running, 7)?;
    set(&site, "+1d")?;
    let ahead = wait_and_count(&mut running, 7)?;
    running.signal(Signal::TERM);
    running.wait()?.with(143)?;
    let log = site.log()?;
    times_go_on(&log)?;
    site.verified()?;
    let told = steps(&log).join(", ");
    let seen = format!(
        "runs: {first}, while it is back {back}, right again {right}, a day ahead {ahead}; {told}; log of {} entries verifies",
        log.len()
    );
    // A run that was just beginning when the clock was set is no second one. A clock that was back while nothing was written leaves no entry.
    ensure(first >= 2 && back <= 1 && right >= 2 && (2..=6).contains(&ahead) && !told.is_empty(), || seen.clone())?;
    Ok(seen)
}

/// Runs that ended within so many seconds, by what hub prints of each.
fn wait_and_count(running: &mut Running, seconds: u64) -> Result<usize> {
    let count = |running: &Running| running.said().matches("✓ contacts").count();
    let before = count(running);
    std::thread::sleep(Duration::from_secs(seconds));
    ensure(running.goes_on(), || format!("it ended: {}", running.said()))?;
    Ok(count(running) - before)
}
