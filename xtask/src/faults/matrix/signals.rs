//! Faults of the process: ended while it opens, stopped and continued, asked to end while it reads and while it writes, started twice.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::account::{Account, judge, judge_at_border};
use super::desk::Desk;
use super::proxy::{Fault, Proxy};
use super::site::{Ended, Ground, Running, Site};
use super::{Scenario, ensure, manifests};
use crate::faults::Dice;
use crate::process::Result;

const RECORDS: u64 = 150_000;
const FEW: u64 = 25_000;

/// The scenarios.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "kill-open",
        fault: "kill -9 at 48 random moments while the store opens, half of them of a look, half of a run",
        expected: "nothing that was there changes by a look; the log verifies each time; then all records once",
        needs: &[],
        brief: true,
        play: kill_open,
    },
    Scenario {
        name: "stop-and-continue",
        fault: "SIGSTOP in the middle of a run, a second hub meanwhile, SIGCONT after 2 s",
        expected: "the second one is refused (HUB-E503); the run ends well; all records once",
        needs: &[],
        brief: false,
        play: stop_and_continue,
    },
    Scenario {
        name: "term-write",
        fault: "SIGTERM while records are written",
        expected: "ends with 143 after a checkpoint, no run is left open; the next run brings the rest",
        needs: &[],
        brief: true,
        play: term_write,
    },
    Scenario {
        name: "term-read",
        fault: "SIGTERM while pages come in slowly",
        expected: "ends with 143 after a checkpoint, no run is left open; the next run brings the rest",
        needs: &[],
        brief: false,
        play: term_read,
    },
    Scenario {
        name: "term-twice",
        fault: "SIGTERM while the source hangs, and once more",
        expected: "the first waits for the source, the second ends it at once with 143 and names the flow; the next run brings the rest",
        needs: &[],
        brief: true,
        play: term_twice,
    },
    Scenario {
        name: "two-hubs",
        fault: "a second run, a look and a restore in the folder of a run",
        expected: "each is refused (HUB-E503), the first run ends well; all records once",
        needs: &[],
        brief: true,
        play: two_hubs,
    },
];

/// Starts a run that appends and waits until it has written something.
fn writing(site: &Site) -> Result<Running> {
    let mut running = site.start(&["run", "--quiet"])?;
    running.until("it writes", || site.size(manifests::CONTACTS) > 500_000)?;
    Ok(running)
}

/// What a run leaves that was asked to end: a checkpoint, no open run, and the file exactly as long as progress says.
fn ended_in_order(site: &Site, ended: Ended, file: &str) -> Result<u64> {
    ended.with(143)?;
    let progress = site.progress()?;
    ensure(!progress.is_open && progress.good == site.size(file), || {
        format!("it left {progress:?} and a file of {} bytes", site.size(file))
    })?;
    site.verified()?;
    Ok(Account::of(&site.path(file), 0).there)
}

fn kill_open(ground: &Ground) -> Result<String> {
    let site = ground.site("site", &manifests::sample(FEW, ""))?;
    site.run(&["run", "--quiet", "--limit", "12000"])?.with(0)?;
    let before = (site.progress()?, site.root()?);
    let begun = Instant::now();
    site.run(&["state", "show"])?.with(0)?;
    let opens = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    let mut dice = Dice(0x5eed);
    let mut killed = 0;
    for round in 0..48 {
        let verb: &[&str] = if round < 24 { &["state", "show"] } else { &["run", "--quiet"] };
        let running = site.start(verb)?;
        std::thread::sleep(Duration::from_micros(dice.below(opens)));
        killed += u32::from(running.kill()?.signal == Some(9));
        let root = site.root()?;
        ensure(round >= 24 || root == before.1, || format!("a look that was ended changed the log, round {round}"))?;
    }
    let after = site.progress()?;
    ensure(after.good >= before.0.good && after.cursor > 0, || format!("progress went back from {:?} to {after:?}", before.0))?;
    site.run(&["run", "--quiet"])?.with(0)?;
    ensure(killed >= 24, || format!("only {killed} of 48 met it"))?;
    Ok(format!("{killed} of 48 met it; {}", judge(&site, manifests::CONTACTS, FEW)?))
}

fn stop_and_continue(ground: &Ground) -> Result<String> {
    let site = ground.site("site", &manifests::sample(RECORDS, ""))?;
    let mut running = writing(&site)?;
    running.signal(Signal::STOP);
    let second = site.run(&["run", "--quiet"])?.refused(&["HUB-E503"])?;
    std::thread::sleep(Duration::from_secs(2));
    ensure(running.goes_on(), || "the stopped run has ended".to_owned())?;
    running.signal(Signal::CONT);
    running.wait()?.with(0)?;
    Ok(format!("the second ended with {}; {}", second.how(), judge(&site, manifests::CONTACTS, RECORDS)?))
}

fn term_write(ground: &Ground) -> Result<String> {
    let site = ground.site("site", &manifests::sample(RECORDS, ""))?;
    let running = writing(&site)?;
    running.signal(Signal::TERM);
    let first = ended_in_order(&site, running.wait()?, manifests::CONTACTS)?;
    ensure(first < RECORDS, || "the signal came too late".to_owned())?;
    site.run(&["run", "--quiet"])?.with(0)?;
    Ok(format!("143 with {first} records; then {}", judge(&site, manifests::CONTACTS, RECORDS)?))
}

fn term_read(ground: &Ground) -> Result<String> {
    let desk = Desk::start(400)?;
    let proxy = Proxy::start(desk.address(), |_| Fault::Late(Duration::from_millis(150)))?;
    let site = ground.site("site", &manifests::issues(&proxy.origin(), 20, ""))?;
    site.write("secret", b"secret\n")?;
    let mut running = site.start(&["run", "--quiet"])?;
    running.until("the fifth request", || proxy.count() >= 5)?;
    running.signal(Signal::TERM);
    let first = ended_in_order(&site, running.wait()?, manifests::ISSUES)?;
    let asked = proxy.count();
    ensure(first < 400, || "the signal came too late".to_owned())?;
    proxy.heal();
    site.run(&["run", "--quiet"])?.with(0)?;
    Ok(format!("143 after {asked} requests with {first} records; then {}", judge_at_border(&site, manifests::ISSUES, 400, 1)?))
}

fn term_twice(ground: &Ground) -> Result<String> {
    let desk = Desk::start(200)?;
    let proxy = Proxy::start(desk.address(), |number| if number < 4 { Fault::None } else { Fault::Hang })?;
    let site = ground.site("site", &manifests::issues(&proxy.origin(), 50, ""))?;
    site.write("secret", b"secret\n")?;
    let mut running = site.start(&["run"])?;
    running.until("the source hangs", || proxy.count() >= 5)?;
    running.signal(Signal::TERM);
    std::thread::sleep(Duration::from_secs(1));
    ensure(running.goes_on(), || "the first signal ended it while the source was still asked".to_owned())?;
    running.signal(Signal::TERM);
    let ended = running.wait()?.with(143)?;
    ensure(ended.err.contains("in the middle of issues"), || format!("it does not say what is left: {}", ended.err))?;
    site.verified()?;
    proxy.heal();
    site.run(&["run", "--quiet"])?.with(0)?;
    Ok(format!("143, told \"in the middle of issues\"; then {}", judge_at_border(&site, manifests::ISSUES, 200, 1)?))
}

fn two_hubs(ground: &Ground) -> Result<String> {
    let site = ground.site("site", &manifests::sample(RECORDS, ""))?;
    site.run(&["run", "--quiet", "--limit", "1000"])?.with(0)?;
    site.run(&["backup", "kept"])?.with(0)?;
    let mut running = writing(&site)?;
    for verb in [&["run", "--quiet"][..], &["state", "show"], &["restore", "kept", "--replace"], &["key", "rotate"]] {
        site.run(verb)?.refused(&["HUB-E503"])?;
    }
    ensure(running.goes_on(), || "the first run ended before it met the others".to_owned())?;
    running.wait()?.with(0)?;
    Ok(format!("run, state, restore and key were refused; {}", judge(&site, manifests::CONTACTS, RECORDS)?))
}
