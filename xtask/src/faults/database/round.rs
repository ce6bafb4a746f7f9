//! One round: a fresh folder and a table as it was, a run that meets a fault, a look, runs until one ends well, and the judgement.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::way::{ARCHIVE, ROLE, Stage, Way, changed_lines};
use super::wire::{Moment, Proxy, Stop};
use crate::faults::Dice;
use crate::faults::matrix::account::{Account, times_go_on};
use crate::faults::matrix::ensure;
use crate::faults::matrix::site::{Ground, Running, Site};
use crate::process::{Failure, Result};

/// Runs after a fault until one ends well; more are not needed where the fault is over.
const MOST_RUNS: u32 = 4;
/// A place of the commit protocol is waited for at most so often.
const MOST_TIMES: u64 = 12;

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// PostgreSQL.
    Server,
    /// The program.
    Hub,
    /// What is between them.
    Network,
}

impl Kind {
    /// In the order of the rounds.
    pub const ALL: [Self; 3] = [Self::Server, Self::Hub, Self::Network];

    /// Its name at the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Hub => "hub",
            Self::Network => "network",
        }
    }
}

/// What a round found that must not be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Records that never arrived.
    pub lost: u64,
    /// Records that arrived more than once.
    pub twice: u64,
    /// Rows that are none of the source's.
    pub changed: u64,
    /// Where the log contradicts the records, or itself.
    pub audit: Vec<String>,
}

impl Found {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// How a round went.
pub struct Outcome {
    /// What was done, in words.
    pub fault: String,
    /// The run was ended by it, or did not end well.
    pub is_hit: bool,
    /// Runs until one ended well.
    pub runs: u32,
    pub found: Found,
}

/// How long a whole run takes, and how much it sends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure {
    pub micros: u64,
    pub packets: u64,
    pub commits: u64,
}

/// Where rounds take place.
pub struct Field<'a> {
    pub ground: &'a Ground,
    pub stage: Stage,
    pub proxy: Proxy,
    /// Places of the commit protocol that the program names.
    pub places: Vec<String>,
}

impl Field<'_> {
    /// A run without a fault, which must be found good: how long it takes, and how much it sends.
    pub fn measure(&mut self, way: Way, prepared: &Site) -> Result<Measure> {
        let (site, micros) = self.run_well(way, prepared)?;
        let (packets, commits) = self.proxy.counts();
        let found = self.judge(way, &site)?;
        ensure(found.is_nothing(), || format!("without a fault, {}: {found:?}", way.name()))?;
        Ok(Measure { micros, packets, commits })
    }

    /// The folder of a run without a fault, and its microseconds.
    pub fn run_well(&mut self, way: Way, prepared: &Site) -> Result<(Site, u64)> {
        let site = self.fresh(way, prepared, "well")?;
        self.proxy.heal();
        let begun = Instant::now();
        site.run(&["run", "--quiet"])?.with(0)?;
        Ok((site, u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX)))
    }

    /// One fault and what comes of it.
    pub fn round(&mut self, kind: Kind, way: Way, prepared: &Site, measure: Measure, dice: &mut Dice) -> Result<(Outcome, Site)> {
        let site = self.fresh(way, prepared, "round")?;
        self.proxy.heal();
        let (fault, is_hit) = match kind {
            Kind::Server => self.kill_server(&site, measure, dice)?,
            Kind::Hub => self.kill_hub(&site, measure, dice)?,
            Kind::Network => self.stop_network(way, &site, measure, dice)?,
        };
        self.proxy.heal();
        let mut audit = self.unannounced(way, &site)?;
        let mut runs = 1;
        loop {
            let ended = site.run(&["run", "--quiet"])?;
            if ended.code == Some(0) {
                break;
            }
            ensure(runs < MOST_RUNS, || format!("after {fault}, the {runs}th run ends with {}: {}", ended.how(), ended.first_line()))?;
            runs += 1;
        }
        let mut found = self.judge(way, &site)?;
        audit.append(&mut found.audit);
        Ok((Outcome { fault, is_hit, runs, found: Found { audit, ..found } }, site))
    }

    fn fresh(&mut self, way: Way, prepared: &Site, name: &str) -> Result<Site> {
        self.stage.reset(way)?;
        self.ground.copy(prepared, name)
    }

    fn kill_server(&mut self, site: &Site, measure: Measure, dice: &mut Dice) -> Result<(String, bool)> {
        let running = site.start(&["run", "--quiet"])?;
        let after = dice.below(measure.micros);
        std::thread::sleep(Duration::from_micros(after));
        let cluster = &mut self.stage.cluster;
        let what = match dice.below(3) {
            0 => {
                cluster.kill();
                "kill -9 of the server"
            }
            1 => {
                cluster.end(Signal::QUIT);
                "SIGQUIT to the server"
            }
            _ if cluster.kill_one(ROLE).map_err(Failure::new)? => "kill -9 of the server's process for hub",
            _ => {
                cluster.kill();
                "kill -9 of the server, which had no connection of hub"
            }
        };
        let ended = running.wait()?;
        cluster.serve().map_err(Failure::new)?;
        Ok((format!("{what} after {after} µs"), ended.code != Some(0)))
    }

    fn kill_hub(&self, site: &Site, measure: Measure, dice: &mut Dice) -> Result<(String, bool)> {
        let place = usize::try_from(dice.below(2 * self.places.len() as u64)).unwrap_or(0);
        if let Some(place) = self.places.get(place) {
            let times = 1 + dice.below(if matches!(&**place, "judged" | "intent" | "written" | "result") { MOST_TIMES } else { 3 });
            let mut command = site.command(&["run", "--quiet"]);
            command.env("HUB_CRASH_AT", format!("{place}:{times}"));
            let ended = site.begin(command)?.wait()?;
            return Ok((format!("kill -9 of hub at {place}:{times}"), ended.signal == Some(9)));
        }
        let running = site.start(&["run", "--quiet"])?;
        let after = dice.below(measure.micros);
        std::thread::sleep(Duration::from_micros(after));
        Ok((format!("kill -9 of hub after {after} µs"), running.kill()?.signal == Some(9)))
    }

    fn stop_network(&self, way: Way, site: &Site, measure: Measure, dice: &mut Dice) -> Result<(String, bool)> {
        let stop = match dice.below(3) {
            0 => Stop::Reset,
            1 => Stop::Hang(Duration::from_millis(100 + dice.below(1_500))),
            _ => Stop::Gone,
        };
        let commit = 1 + dice.below(measure.commits.max(1));
        let moment = match dice.below(8) {
            1 if way != Way::Read => Moment::BeforeCommit(commit),
            2 | 3 if way != Way::Read => Moment::InCommit(commit),
            4 if way != Way::Read => Moment::AfterCommit(commit),
            5 | 6 if way != Way::Read => Moment::LateCommit(commit),
            _ => Moment::Packet(1 + dice.below(measure.packets)),
        };
        self.proxy.plan(moment, stop);
        let mut running = site.start(&["run", "--quiet"])?;
        while running.goes_on() && !self.proxy.is_hit() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let is_hit = self.proxy.is_hit();
        if matches!(moment, Moment::LateCommit(_)) && is_hit {
            return self.late_commit(site, running, moment, dice);
        }
        running.wait()?;
        Ok((format!("{moment:?}, {stop:?}"), is_hit))
    }

    /// hub is killed while its COMMIT is on the way; the next run has begun when it arrives.
    fn late_commit(&self, site: &Site, running: Running, moment: Moment, dice: &mut Dice) -> Result<(String, bool)> {
        running.kill()?;
        let before = self.proxy.connections();
        let mut next = site.start(&["run", "--quiet"])?;
        while next.goes_on() && self.proxy.connections() == before {
            std::thread::sleep(Duration::from_millis(1));
        }
        let after = dice.below(1_000);
        std::thread::sleep(Duration::from_millis(after));
        let happened = if self.proxy.release() { "and happened" } else { "and came too late to happen" };
        next.wait()?;
        Ok((format!("{moment:?}, arrived {after} ms after the next run had connected {happened}"), true))
    }

    /// What stands in a table that is appended to was announced in the log, and the log verifies.
    fn unannounced(&self, way: Way, site: &Site) -> Result<Vec<String>> {
        if !site.path("hub-data/store/db").exists() {
            return Ok(Vec::new());
        }
        let mut wrong: Vec<String> = site.root().err().map(|failure| failure.to_string()).into_iter().collect();
        if way == Way::Append {
            let there = self.stage.count(way)?;
            let announced: u64 = of_kind(&site.log()?, "flow.intent").sum();
            if there > announced {
                wrong.push(format!("{there} rows in the table, {announced} announced"));
            }
        }
        Ok(wrong)
    }

    /// From outside: every record is there once and as it is in the source, the log verifies, its times go on and it counts so many.
    pub fn judge(&self, way: Way, site: &Site) -> Result<Found> {
        let mut account = Account { source: way.records(), ..Account::default() };
        let changed = if way == Way::Read {
            account = Account::of(&site.path(ARCHIVE), way.records());
            changed_lines(site)
        } else {
            let rows = self.stage.rows(way)?;
            (account.there, account.twice) = (rows.there, rows.twice);
            rows.changed
        };
        let mut audit: Vec<String> = site.verified().err().map(|failure| failure.to_string()).into_iter().collect();
        let log = site.log()?;
        audit.extend(times_go_on(&log).err().map(|failure| failure.to_string()));
        account.by_rules(site, &log)?;
        let counted = delivered(&log, way == Way::Replace) + account.held + account.dropped;
        if counted != account.source {
            audit.push(format!("the log counts {counted} of {} records", account.source));
        }
        Ok(Found { lost: account.lost(), twice: account.twice + account.torn, changed, audit })
    }
}

fn of_kind<'a>(log: &'a [Value], kind: &'a str) -> impl Iterator<Item = u64> + 'a {
    log.iter().filter(move |entry| text(entry, "kind") == kind).filter_map(|entry| entry.get("records")?.as_u64())
}

fn text<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Records that arrived by the log: those of a run up to its last checkpoint, or all of them where it reached its end, or where the next run found that the
/// commit behind them had happened. Of a flow that replaces, those of the last run that reached its end.
pub fn delivered(log: &[Value], replaces: bool) -> u64 {
    let (mut arrived, mut open, mut run) = (0, 0, "");
    for entry in log {
        let records = entry.get("records").and_then(Value::as_u64).unwrap_or(0);
        match (text(entry, "kind"), entry.get("batch").is_some()) {
            ("flow.checkpoint", _) => arrived += std::mem::take(&mut open),
            // The end of a run.
            ("flow.result", false) if replaces => (arrived, open) = (records, 0),
            ("flow.result", false) => arrived += std::mem::take(&mut open),
            ("flow.intent" | "flow.result", true) => {
                if text(entry, "run") != run {
                    (open, run) = (0, text(entry, "run"));
                }
                open += if text(entry, "kind") == "flow.result" { records } else { 0 };
            }
            _ => {}
        }
    }
    arrived
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(kind: &str, run: &str, records: u64) -> Value {
        json!({ "kind": kind, "run": run, "batch": 1, "records": records })
    }

    #[test]
    fn the_log_counts_what_was_committed() {
        let checkpoint = json!({ "kind": "flow.checkpoint" });
        let end = json!({ "kind": "flow.result", "records": 7 });
        let first = [entry("flow.intent", "a", 9), entry("flow.result", "a", 4), checkpoint.clone(), entry("flow.result", "a", 5)];
        let again = [entry("flow.intent", "b", 5), entry("flow.result", "b", 5), end.clone()];
        assert_eq!(delivered(&first, false), 4);
        assert_eq!(delivered(&[first.as_slice(), &again].concat(), false), 9);
        // The commit of the first run had happened.
        assert_eq!(delivered(&[first.as_slice(), &[checkpoint], &again[..1], &[end]].concat(), false), 9);
        assert_eq!(delivered(&[first.as_slice(), &again].concat(), true), 7);
    }
}
