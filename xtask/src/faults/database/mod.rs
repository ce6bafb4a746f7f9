//! The verb `faults database`: kills PostgreSQL, hub, and the network between them at random moments, while tables are appended to, upserted, replaced and
//! read, and looks from outside at what is left: records lost, twice or changed, and a log that says otherwise.
//!
//! Every round has a seed of its own, made of the seed of the whole and its number: it can be had again alone.

mod cluster;
mod control;
mod round;
mod way;
mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::Dice;
use super::matrix::site::{Ground, Site};
use crate::build;
use crate::process::{self, Failure, Result, progress};
use crate::workspace::{self, Workspace};
use cluster::Cluster;
use round::{Field, Kind, Measure, Outcome};
use way::{Stage, Way};
use wire::Proxy;

/// A commit that was told has happened, even where the server is set to forget the last ones in a crash.
const SETTINGS: [&str; 4] = ["synchronous_commit=off", "wal_writer_delay=2s", "autovacuum=off", "max_connections=20"];
/// Rounds of each kind in the short lane: each way once.
const BRIEF: u32 = 4;

/// What the caller wants tried.
#[derive(clap::Args)]
pub struct Options {
    /// So many rounds of each kind
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rounds: u32,
    /// Where the random choices begin; printed, so that a run can be had again
    #[arg(long)]
    seed: Option<u64>,
    /// The number of the first round: with the seed and the kind it is had again
    #[arg(long, default_value_t = 0)]
    from: u32,
    /// Only this kind of fault; may be given several times
    #[arg(long, value_enum)]
    kind: Vec<Kind>,
    /// Try this program, which was built before, instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Where the outcomes are written [default: faults-database.json in the target folder]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The sum over the rounds of one kind and way.
#[derive(Default)]
struct Row {
    rounds: u32,
    /// Rounds whose run was ended by the fault, or did not end well.
    hit: u32,
    lost: u64,
    twice: u64,
    changed: u64,
    /// Rounds whose log says otherwise.
    audit: u32,
}

type Rows = BTreeMap<(Kind, Way), Row>;

/// A few rounds of each kind, where PostgreSQL's programs are.
pub fn briefly(workspace: &Workspace) -> Result<()> {
    if let Err(why) = cluster::programs() {
        progress("Not tried", format!("faults of databases: {why}"));
        return Ok(());
    }
    play(workspace, &workspace.hub(), &Options { rounds: BRIEF, seed: None, from: 0, kind: Vec::new(), program: None, json: None })
}

/// Tries them; fails if anything was lost, doubled, changed or unproven.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let hub = match &options.program {
        Some(program) => std::path::absolute(program).map_err(|error| Failure::new(format!("{}: {error}", program.display())))?,
        None => {
            build::build(workspace, true, true)?;
            workspace.hub()
        }
    };
    play(workspace, &hub, options)
}

fn play(workspace: &Workspace, hub: &Path, options: &Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(|| u64::from(std::process::id()) * 1_000_003);
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| options.kind.is_empty() || options.kind.contains(kind)).collect();
    progress("Trying", format!("{} rounds of each kind, seed {seed}", options.rounds));
    let ground = Ground::new(hub, &workspace.root, &workspace.target.join("faults-database"))?;
    let mut field = field(hub, &ground)?;
    let port = field.proxy.address().port();
    let mut prepared = Vec::new();
    for way in Way::ALL {
        let site = field.stage.prepared(&ground, way, port)?;
        // The first run of all is slower than any other.
        field.measure(way, &site)?;
        let measure = field.measure(way, &site)?;
        prepared.push((way, site, measure));
    }
    progress("Control", control::bites(&mut field, &prepared)?);
    let mut rows = Rows::new();
    let mut all = Vec::new();
    for kind in kinds {
        for number in options.from..options.from.saturating_add(options.rounds) {
            let (way, site, measure) = &prepared[number as usize % prepared.len()];
            let outcome = tried(&mut field, (kind, number, seed), (*way, site, *measure))?;
            count(rows.entry((kind, *way)).or_default(), &outcome);
            all.push(json!({
                "kind": kind.name(), "round": number, "way": way.name(), "fault": outcome.fault, "hit": outcome.is_hit, "runs": outcome.runs,
                "lost": outcome.found.lost, "twice": outcome.found.twice, "changed": outcome.found.changed, "audit": outcome.found.audit,
            }));
            if number % 25 == 24 {
                progress("Tried", format!("{} rounds of kind {}", number + 1 - options.from, kind.name()));
            }
        }
    }
    print!("{}", table(&rows));
    let json = options.json.clone().unwrap_or_else(|| workspace.target.join("faults-database.json"));
    let document = json!({ "version": 1, "seed": seed, "rounds": all });
    workspace::write(&json, serde_json::to_string_pretty(&document).unwrap_or_default().as_bytes())?;
    progress("Written", workspace.shown(&json));
    let is_bad = |row: &Row| row.lost + row.twice + row.changed + u64::from(row.audit) > 0;
    if rows.values().any(is_bad) { Err(Failure::new("a fault left something that it must not: see above")) } else { Ok(()) }
}

/// A server, its tables, and a proxy before it.
fn field<'a>(hub: &Path, ground: &'a Ground) -> Result<Field<'a>> {
    let folder = std::env::temp_dir().join(format!("hub-faults-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    super::round::make(&folder)?;
    let cluster = Cluster::start(&folder, &SETTINGS).map_err(Failure::new)?;
    let named = process::output(Command::new(hub).arg("crash-points"), "asking for the places")?;
    let places = named.lines().filter_map(|line| line.split_once('\t')).map(|(name, _)| name.to_owned());
    // A file's own place: no database passes it.
    let places = places.filter(|name| name != "half-written").collect();
    let proxy = Proxy::start(cluster.address())?;
    Ok(Field { ground, stage: Stage::set(ground, cluster)?, proxy, places })
}

/// One round. What must not be is told with everything that it takes to have it again, and its folder is kept.
fn tried(field: &mut Field<'_>, (kind, number, seed): (Kind, u32, u64), (way, site, measure): (Way, &Site, Measure)) -> Result<Outcome> {
    let mixed = seed ^ ((u64::from(number) + 1) << 32) ^ ((kind as u64 + 1) << 24);
    let mut dice = Dice(mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    // The first numbers of neighbours resemble each other.
    for _ in 0..8 {
        dice.below(1);
    }
    let again = format!("again: cargo xtask faults database --kind {} --seed {seed} --from {number} --rounds 1", kind.name());
    let (outcome, site) = field
        .round(kind, way, site, measure, &mut dice)
        .map_err(|failure| failure.within(&format!("round {number}, {}, {}", kind.name(), way.name())).help(again.clone()))?;
    if !outcome.found.is_nothing() {
        let kept = site.path("..").join(format!("kept-{}-{number}", kind.name()));
        let _ = std::fs::remove_dir_all(&kept);
        std::fs::rename(site.path(""), &kept).map_err(|error| Failure::new(format!("{}: {error}", kept.display())))?;
        progress("Found", format!("round {number}, {}, {}: {}: {:?}; {again}", kind.name(), way.name(), outcome.fault, outcome.found));
    }
    Ok(outcome)
}

fn count(row: &mut Row, outcome: &Outcome) {
    row.rounds += 1;
    row.hit += u32::from(outcome.is_hit);
    row.lost += outcome.found.lost;
    row.twice += outcome.found.twice;
    row.changed += outcome.found.changed;
    row.audit += u32::from(!outcome.found.audit.is_empty());
}

fn table(rows: &Rows) -> String {
    let mut text =
        "| fault | flow | rounds | hit the middle | lost | twice | changed | audit disagrees |\n|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for ((kind, way), row) in rows {
        let Row { rounds, hit, lost, twice, changed, audit } = row;
        text.push_str(&format!("| {} | {} | {rounds} | {hit} | {lost} | {twice} | {changed} | {audit} |\n", kind.name(), way.name()));
    }
    let sum = |count: fn(&Row) -> u64| rows.values().map(count).sum::<u64>();
    text.push_str(&format!(
        "\n{} rounds, {} faults hit the middle: {} lost, {} twice, {} changed, audit disagrees in {}\n",
        sum(|row| u64::from(row.rounds)),
        sum(|row| u64::from(row.hit)),
        sum(|row| row.lost),
        sum(|row| row.twice),
        sum(|row| row.changed),
        sum(|row| u64::from(row.audit))
    ));
    text
}
