//! Faults of a source over HTTP, made by a proxy before it: the run ends as designed, the cursor stays, and in the end every record is there once.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;

use super::account::{Account, judge, judge_at_border};
use super::desk::Desk;
use super::proxy::{Fault, Proxy};
use super::site::{Ground, Site};
use super::{Scenario, ensure, manifests};
use crate::process::Result;

const ISSUES: u64 = 200;
const PAGE: usize = 50;
/// The request for the third page: the first one asks for the tracker's time.
const THIRD: usize = 3;

const fn scenario(
    name: &'static str,
    fault: &'static str,
    expected: &'static str,
    brief: bool,
    play: fn(&Ground) -> Result<String>,
) -> Scenario {
    Scenario { name, fault, expected, needs: &[], brief, play }
}

const ENDS: &str = "the run fails and names the source (HUB-E307), progress stays at its last checkpoint; the next run brings the rest, none twice but the one at the checkpoint's border";

/// The scenarios.
pub const ALL: &[Scenario] = &[
    scenario("http-500", "status 500 instead of the third page", ENDS, true, |ground| spoiled(ground, Fault::Status(500, None))),
    scenario("http-half", "the third page ends in the middle of its body", ENDS, false, |ground| spoiled(ground, Fault::Half)),
    scenario("http-reset", "connection reset before the third page", ENDS, false, |ground| spoiled(ground, Fault::Reset)),
    scenario("http-reset-in-body", "connection reset in the third page", ENDS, true, |ground| spoiled(ground, Fault::ResetInBody)),
    scenario("http-hang", "no answer to the request for the third page", ENDS, false, |ground| spoiled(ground, Fault::Hang)),
    scenario("http-gone", "nobody listens where the source was", ENDS, false, gone),
    scenario("http-drip", "every answer comes in 20 pieces, 15 ms apart", "the run ends well; all records once", false, |ground| {
        passes(ground, Fault::Drip)
    }),
    scenario(
        "http-same-cursor",
        "four pages whose records all carry the same second: four checkpoints with the same cursor",
        "all records once",
        true,
        same_cursor,
    ),
    scenario(
        "http-flapping",
        "every fourth request fails, in turn with 500, RST and half a body; nine runs, then one without a fault",
        "no failure loses or doubles a record; progress never goes back; in the end all records once",
        false,
        flapping,
    ),
    scenario(
        "http-backoff",
        "status 500 three times in a row, flow on a schedule",
        "tried again on its own after at least 5, 10 and 20 s; then all records once",
        false,
        |ground| scheduled(ground, |number| if number < 3 { Fault::Status(500, None) } else { Fault::None }, &[5, 10, 20]),
    ),
    scenario(
        "http-429",
        "status 429 with Retry-After: 14, flow on a schedule",
        "tried again on its own, not before 14 s; then all records once",
        false,
        |ground| scheduled(ground, |number| if number == 0 { Fault::Status(429, Some(14)) } else { Fault::None }, &[14]),
    ),
];

fn site(ground: &Ground, proxy: &Proxy, rest: &str) -> Result<Site> {
    let site = ground.site("site", &manifests::issues(&proxy.origin(), PAGE, rest))?;
    site.write("secret", b"secret\n")?;
    Ok(site)
}

fn passes(ground: &Ground, fault: Fault) -> Result<String> {
    let proxy = Proxy::start(Desk::start(ISSUES)?.address(), move |_| fault)?;
    let site = site(ground, &proxy, "")?;
    site.run(&["run", "--quiet"])?.with(0)?;
    judge(&site, manifests::ISSUES, ISSUES)
}

fn same_cursor(ground: &Ground) -> Result<String> {
    let proxy = Proxy::start(Desk::of_one_second(ISSUES)?.address(), |_| Fault::None)?;
    let site = site(ground, &proxy, "")?;
    site.run(&["run", "--quiet"])?.with(0)?;
    judge(&site, manifests::ISSUES, ISSUES)
}

/// The third page is spoiled in two runs; the third run meets no fault.
fn spoiled(ground: &Ground, fault: Fault) -> Result<String> {
    let proxy = Proxy::start(Desk::start(ISSUES)?.address(), move |number| if number == THIRD { fault } else { Fault::None })?;
    let site = site(ground, &proxy, "")?;
    let first = site.run(&["run", "--quiet"])?.refused(&["HUB-E307"])?;
    let progress = site.progress()?;
    let there = Account::of(&site.path(manifests::ISSUES), ISSUES);
    site.verified()?;
    ensure(progress.good == site.size(manifests::ISSUES), || format!("it left {progress:?}"))?;
    ensure(there.there == 2 * PAGE as u64, || format!("after two pages: {there}"))?;
    site.run(&["run", "--quiet"])?.with(0)?;
    Ok(format!("exit code {} with {} records; then {}", first.how(), there.there, judge_at_border(&site, manifests::ISSUES, ISSUES, 1)?))
}

fn gone(ground: &Ground) -> Result<String> {
    let proxy = Proxy::start(Desk::start(ISSUES)?.address(), |_| Fault::None)?;
    let manifest = manifests::issues(&proxy.origin(), PAGE, "");
    let site = ground.site("site", &manifests::issues("http://127.0.0.1:1", PAGE, ""))?;
    site.write("secret", b"secret\n")?;
    let first = site.run(&["run", "--quiet"])?.refused(&["HUB-E307"])?;
    ensure(site.size(manifests::ISSUES) == 0 && site.progress()?.cursor == 0, || "something was written or remembered".to_owned())?;
    site.write("manifest.toml", manifest.as_bytes())?;
    site.run(&["run", "--quiet"])?.with(0)?;
    Ok(format!("exit code {}; then {}", first.how(), judge(&site, manifests::ISSUES, ISSUES)?))
}

fn flapping(ground: &Ground) -> Result<String> {
    let faults = [Fault::Status(500, None), Fault::Reset, Fault::Half];
    let proxy =
        Proxy::start(Desk::start(ISSUES)?.address(), move |number| if number % 4 == 3 { faults[number / 4 % 3] } else { Fault::None })?;
    let site = site(ground, &proxy, "")?;
    let (mut failed, mut before) = (0, 0);
    for _ in 0..9 {
        let ended = site.run(&["run", "--quiet"])?;
        let progress = site.progress()?;
        ensure(progress.good >= before, || format!("progress went back from {before} to {}", progress.good))?;
        before = progress.good;
        failed += u64::from(ended.code != Some(0) && ended.refused(&["HUB-E307"]).is_ok());
    }
    ensure(failed >= 5, || format!("only {failed} runs failed"))?;
    proxy.heal();
    site.run(&["run", "--quiet"])?.with(0)?;
    Ok(format!("{failed} runs failed; {}", judge_at_border(&site, manifests::ISSUES, ISSUES, failed)?))
}

/// One planned time in a few seconds; failures before the first page are made up for by the program itself, each after its pause at least.
fn scheduled(ground: &Ground, plan: fn(usize) -> Fault, pauses: &[u64]) -> Result<String> {
    let proxy = Proxy::start(Desk::start(ISSUES)?.address(), plan)?;
    let site = site(ground, &proxy, &format!("schedule = \"{}\"", soon()))?;
    let mut running = site.start(&["run"])?;
    let whole = site.path(manifests::ISSUES);
    running.until("all records are there", || Account::of(&whole, ISSUES).there == ISSUES)?;
    running.signal(Signal::TERM);
    running.wait()?.with(143)?;
    let mut seen = Vec::new();
    for (index, least) in pauses.iter().enumerate() {
        let pause = proxy.between(index, index + 1).unwrap_or_default();
        // Another clock measures it: a hundredth of tolerance.
        ensure(pause >= Duration::from_millis(least * 990), || format!("tried again after {:.1} s", pause.as_secs_f64()))?;
        seen.push(format!("{:.1} s", pause.as_secs_f64()));
    }
    Ok(format!("tried again after {}; {}", seen.join(", "), judge(&site, manifests::ISSUES, ISSUES)?))
}

/// Cron fields of the day and second three seconds from now, in UTC.
fn soon() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the program under test reads the machine's clock: its next time is told by the same one"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) + 3;
    let (hour, minute, second) = (now / 3600 % 24, now / 60 % 60, now % 60);
    format!("{second} {minute} {hour} * * *")
}
