//! The verb `faults`: ends the program at each named place of its commit protocol, and at random moments, as kill -9 does, and looks from outside at what is
//! left: records lost, records twice, records that moved without an entry, a log that does not verify. All other faults are scenarios of [`matrix`].
//!
//! Judges by files and exit codes alone; nothing of the program is linked in.

mod database;
mod matrix;
mod round;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::build;
use crate::process::{self, Failure, Result, progress};
use crate::workspace::{self, Workspace};
use round::{Found, MODES, Place, Scene};

/// No place is passed more often in a run.
const MOST_TIMES: u64 = 12;

/// What the caller wants tried.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// So many rounds, spread over all places and both modes
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
    /// Where the random choices begin; printed, so that a run can be had again
    #[arg(long)]
    seed: Option<u64>,
    /// Try this program, which was built before, instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Where the numbers are written [default: faults.json in the target folder]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What else can be tried than ends of the program.
#[derive(clap::Subcommand)]
enum Verb {
    /// Try every fault of disk, process, clock, network and neighbour, one named scenario each
    Matrix(matrix::Options),
    /// Kill PostgreSQL, the program, or the network between them at random moments, while tables are written and read
    Database(database::Options),
}

/// The sum over the rounds of one place and mode.
#[derive(Default)]
struct Row {
    rounds: u32,
    /// Rounds in which the program was ended there; the others came to their end before.
    killed: u32,
    found: Found,
}

/// Every place once in each mode, and the short scenarios: what a contributor waits for.
pub fn briefly(workspace: &Workspace) -> Result<()> {
    let rounds = u32::try_from((places(&workspace.hub())?.len()) * MODES.len()).unwrap_or(u32::MAX);
    run(workspace, &Options { verb: None, rounds, seed: None, program: None, json: None })?;
    matrix::briefly(workspace)?;
    database::briefly(workspace)
}

/// Tries all of it; fails if anything was lost, doubled or unproven.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    match &options.verb {
        Some(Verb::Matrix(options)) => return matrix::run(workspace, options),
        Some(Verb::Database(options)) => return database::run(workspace, options),
        None => {}
    }
    let hub = match &options.program {
        Some(program) => program.clone(),
        None => {
            build::build(workspace, true, true)?;
            workspace.hub()
        }
    };
    let seed = options.seed.unwrap_or_else(|| u64::from(std::process::id()) * 1_000_003);
    let places = places(&hub)?;
    let folder = workspace.target.join("faults");
    progress("Trying", format!("{} rounds at {} places, seed {seed}", options.rounds, places.len()));
    let scenes = MODES.iter().map(|mode| Scene::new(&hub, &folder, mode)).collect::<Result<Vec<_>>>()?;
    let mut dice = Dice(seed | 1);
    // How often a place is passed in a run is learned: a round that comes to its end has waited for a time that never came.
    let mut most = vec![MOST_TIMES; places.len()];
    let mut rows: BTreeMap<(usize, usize), Row> = BTreeMap::new();
    for round in 0..options.rounds as usize {
        let (place, mode) = (round % places.len(), round / places.len() % scenes.len());
        let scene = scenes.get(mode).ok_or_else(|| Failure::new("there is no such mode"))?;
        let outcome = scene.round(&places[place], 1 + dice.below(most[place]), &mut dice)?;
        if !outcome.killed {
            most[place] = (most[place] / 2).max(1);
        }
        let row = rows.entry((place, mode)).or_default();
        row.rounds += 1;
        row.killed += u32::from(outcome.killed);
        row.found.add(&outcome.found);
        if !outcome.found.is_nothing() {
            progress("Found", format!("round {round}, {} in mode {}: {:?}", places[place].name(), MODES[mode].name, outcome.found));
        }
        if round % 100 == 99 {
            progress("Tried", format!("{} of {} rounds", round + 1, options.rounds));
        }
    }
    print!("{}", table(&places, &rows));
    let json = options.json.clone().unwrap_or_else(|| workspace.target.join("faults.json"));
    workspace::write(&json, serde_json::to_string_pretty(&document(seed, &places, &rows)).unwrap_or_default().as_bytes())?;
    progress("Written", workspace.shown(&json));
    let bad = rows.values().any(|row| !row.found.is_nothing());
    if bad { Err(Failure::new("a crash left something that it must not").help(format!("again: --seed {seed}"))) } else { Ok(()) }
}

/// The places that the program names, and a random moment.
fn places(hub: &Path) -> Result<Vec<Place>> {
    let mut hub = std::process::Command::new(hub);
    let named = process::output(hub.arg("crash-points"), "asking for the places")?;
    let named = named.lines().filter_map(|line| line.split_once('\t'));
    let named = named.map(|(name, about)| Place::Named { name: name.to_owned(), about: about.to_owned() });
    Ok(named.chain([Place::Anywhere]).collect())
}

fn table(places: &[Place], rows: &BTreeMap<(usize, usize), Row>) -> String {
    let mut text = "| place | what has happened | mode | rounds | ended there | lost | twice | without an entry | log broken |\n|---|---|---|---|---|---|---|---|---|\n".to_owned();
    for ((place, mode), row) in rows {
        let (place, mode, found) = (&places[*place], MODES[*mode].name, &row.found);
        text.push_str(&format!(
            "| {} | {} | {mode} | {} | {} | {} | {} | {} | {} |\n",
            place.name(),
            place.about(),
            row.rounds,
            row.killed,
            found.lost,
            found.twice,
            found.unaudited,
            found.unproven
        ));
    }
    let sum = |count: fn(&Row) -> u64| rows.values().map(count).sum::<u64>();
    text.push_str(&format!(
        "\n{} rounds, {} ended by kill -9: {} lost, {} twice, {} without an entry, {} logs broken\n",
        sum(|row| u64::from(row.rounds)),
        sum(|row| u64::from(row.killed)),
        sum(|row| row.found.lost),
        sum(|row| row.found.twice),
        sum(|row| row.found.unaudited),
        sum(|row| row.found.unproven)
    ));
    text
}

fn document(seed: u64, places: &[Place], rows: &BTreeMap<(usize, usize), Row>) -> serde_json::Value {
    let rows: Vec<_> = rows
        .iter()
        .map(|((place, mode), row)| {
            json!({
                "place": places[*place].name(), "mode": MODES[*mode].name, "rounds": row.rounds, "killed": row.killed,
                "lost": row.found.lost, "twice": row.found.twice, "unaudited": row.found.unaudited, "unproven": row.found.unproven,
            })
        })
        .collect();
    json!({ "version": 1, "seed": seed, "rows": rows })
}

/// Random numbers that a seed repeats (xorshift).
pub struct Dice(u64);

impl Dice {
    /// A number below another.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}
