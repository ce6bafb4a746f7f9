//! The verb `faults matrix`: one named scenario for each fault of disk, process, clock, network and neighbour, with what is done, what is expected and
//! what was seen.
//!
//! Judges from outside, as `faults` does. A scenario that cannot be tried on this machine says so and why: it is never counted as held.

pub mod account;
mod clock;
mod damage;
mod desk;
mod destination;
mod disk;
mod guest;
mod manifests;
mod proxy;
mod signals;
pub mod site;
mod source;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use crate::build;
use crate::process::{Failure, Result, progress};
use crate::workspace::{self, Workspace};
use site::Ground;

/// One fault.
pub struct Scenario {
    /// Its name at the command line.
    pub name: &'static str,
    /// What is done.
    pub fault: &'static str,
    /// What must come of it.
    pub expected: &'static str,
    /// What the machine must offer.
    pub needs: &'static [Need],
    /// Tried in the short lane too: seconds, without rights or tools of the machine.
    pub brief: bool,
    /// Does it, judges, and tells what was seen.
    pub play: fn(&Ground) -> Result<String>,
}

/// What not every machine offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Mounting a small file system.
    Root,
    /// strace, and the right to trace.
    Strace,
    /// The library libfaketime.
    Faketime,
    /// The test guests, beside the program.
    Guests,
}

/// What the caller wants tried.
#[derive(clap::Args)]
pub struct Options {
    /// Only this scenario; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Try this program, which was built before, instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Where the outcomes are written [default: faults-matrix.json in the target folder]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What came of a scenario.
enum Outcome {
    Held(String),
    Broken(String),
    NotTried(&'static str),
}

struct Played {
    scenario: &'static Scenario,
    outcome: Outcome,
    seconds: f64,
}

fn all() -> impl Iterator<Item = &'static Scenario> {
    let families = [signals::ALL, disk::ALL, damage::ALL, clock::ALL, source::ALL, destination::ALL, guest::ALL, account::ALL];
    families.into_iter().flatten()
}

/// The scenarios that need nothing of the machine and little time.
pub fn briefly(workspace: &Workspace) -> Result<()> {
    play(workspace, &workspace.hub(), &all().filter(|scenario| scenario.brief).collect::<Vec<_>>(), None)
}

/// Tries them; fails if one ended otherwise than expected.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let chosen: Vec<_> =
        all().filter(|scenario| options.only.is_empty() || options.only.iter().any(|name| name == scenario.name)).collect();
    if let Some(unknown) = options.only.iter().find(|name| all().all(|scenario| scenario.name != name.as_str())) {
        let names = all().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ");
        return Err(Failure::new(format!("there is no scenario `{unknown}`")).help(format!("there are {names}")));
    }
    let hub = match &options.program {
        Some(program) => std::path::absolute(program).map_err(|error| Failure::new(format!("{}: {error}", program.display())))?,
        None => {
            build::build(workspace, true, true)?;
            build::build_guests(workspace, &workspace::TEST_GUESTS)?;
            workspace.hub()
        }
    };
    play(workspace, &hub, &chosen, options.json.as_deref())
}

fn play(workspace: &Workspace, hub: &Path, chosen: &[&'static Scenario], json: Option<&Path>) -> Result<()> {
    let mut played = Vec::new();
    for scenario in chosen {
        let ground = Ground::new(hub, &workspace.root, &workspace.target.join("faults-matrix").join(scenario.name))?;
        let begun = Instant::now();
        let outcome = match scenario.needs.iter().find_map(|need| ground.lacks(*need)) {
            Some(why) => Outcome::NotTried(why),
            None => match (scenario.play)(&ground) {
                Ok(seen) => Outcome::Held(seen),
                Err(failure) => Outcome::Broken(failure.to_string().trim_start_matches("error: ").to_owned()),
            },
        };
        let seconds = begun.elapsed().as_secs_f64();
        progress(word(&outcome), format!("{} in {seconds:.1} s: {}", scenario.name, told(&outcome)));
        played.push(Played { scenario, outcome, seconds });
    }
    print!("{}", table(&played));
    let default = workspace.target.join("faults-matrix.json");
    workspace::write(json.unwrap_or(&default), serde_json::to_string_pretty(&document(&played)).unwrap_or_default().as_bytes())?;
    match played.iter().filter(|played| matches!(played.outcome, Outcome::Broken(_))).count() {
        0 => Ok(()),
        broken => Err(Failure::new(format!("{broken} of {} scenarios ended otherwise than expected", played.len()))
            .help("try one alone: cargo xtask faults matrix --only NAME")),
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Held(_) => "Held",
        Outcome::Broken(_) => "Broken",
        Outcome::NotTried(_) => "Not tried",
    }
}

fn told(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Held(text) | Outcome::Broken(text) => text,
        Outcome::NotTried(why) => why,
    }
}

fn table(played: &[Played]) -> String {
    let mut text = "| scenario | fault | expected | outcome | seen |\n|---|---|---|---|---|\n".to_owned();
    for Played { scenario, outcome, .. } in played {
        let told = told(outcome).replace('\n', " ").replace('|', "/");
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {told} |\n",
            scenario.name,
            scenario.fault,
            scenario.expected,
            word(outcome).to_lowercase()
        ));
    }
    let count = |wanted: &str| played.iter().filter(|played| word(&played.outcome) == wanted).count();
    text.push_str(&format!(
        "\n{} scenarios: {} held, {} broken, {} not tried\n",
        played.len(),
        count("Held"),
        count("Broken"),
        count("Not tried")
    ));
    text
}

fn document(played: &[Played]) -> Value {
    let rows: Vec<Value> = played
        .iter()
        .map(|Played { scenario, outcome, seconds }| {
            json!({
                "scenario": scenario.name, "fault": scenario.fault, "expected": scenario.expected, "outcome": word(outcome).to_lowercase(),
                "seen": told(outcome), "seconds": (seconds * 10.0).round() / 10.0,
            })
        })
        .collect();
    json!({ "version": 1, "scenarios": rows })
}

/// A failure unless it is so.
pub fn ensure(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if is_so { Ok(()) } else { Err(Failure::new(otherwise())) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_has_a_name_of_its_own_and_says_what_it_expects() {
        let names: BTreeSet<_> = all().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(all().all(|scenario| !scenario.fault.is_empty() && !scenario.expected.is_empty()));
        let limited = |need: &Need| *need != Need::Guests;
        assert!(all().filter(|scenario| scenario.brief).all(|scenario| !scenario.needs.iter().any(limited)));
    }

    #[test]
    fn what_was_not_tried_is_not_counted_as_held() {
        let scenario = all().next().unwrap();
        let played = |outcome| Played { scenario, outcome, seconds: 0.0 };
        let text = table(&[
            played(Outcome::NotTried("needs root")),
            played(Outcome::Held("all".to_owned())),
            played(Outcome::Broken("1 lost".to_owned())),
        ]);
        assert!(text.ends_with("3 scenarios: 1 held, 1 broken, 1 not tried\n"), "{text}");
        assert_eq!(document(&[played(Outcome::NotTried("needs root"))])["scenarios"][0]["outcome"], "not tried");
    }
}
