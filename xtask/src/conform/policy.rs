//! `conform policy FOLDER`: the static rules against an executable sketch of them (`plan_check.py` in that folder, run by python3), on mutants of the worked
//! example. Every disagreement fails, unless it is one that is explained here.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use hub_core::date::Date;
use hub_core::manifest::{self, NoFiles};
use hub_core::policy::{Catalogue, Policy};
use toml::Table;

use super::mutate::{Dice, mutate};
use crate::process::{Failure, Result, progress};
use crate::workspace::{self, Workspace};

const SCRIPT: &str = include_str!("policy.py");
const SKETCH: &str = "plan_check.py";
/// The day on which the sketch asks.
const TODAY: &str = "2026-11-23";
/// Rules that the sketch does not have.
const OURS_ALONE: [&str; 7] = ["E106", "E109", "E144", "E154", "E165", "E173", "E182"];
/// Disagreements that are shown.
const SHOWN: usize = 20;

/// Codes of both sides, for one mutant.
struct Verdicts {
    path: PathBuf,
    ours: BTreeSet<String>,
    theirs: BTreeSet<String>,
}

/// Compares on so many mutants. The exit code is 1 if anything is not explained.
pub fn run(workspace: &Workspace, folder: &Path, count: u32) -> Result<ExitCode> {
    let base: Table = workspace::read(&workspace.root.join("examples/nordwerk/manifest.toml"))?
        .parse()
        .map_err(|error| Failure::new(format!("the worked example cannot be read: {error}")))?;
    let out = workspace.target.join("conform/policy");
    std::fs::create_dir_all(&out).map_err(|error| Failure::new(format!("{}: {error}", out.display())))?;
    progress("Mutating", format!("{count} manifests"));
    let mut dice = Dice(1);
    let mut ours = BTreeMap::new();
    let mut malformed = 0;
    while ours.len() < count as usize {
        let text = mutate(&base, &mut dice).to_string();
        let Some(codes) = judge(&text)? else {
            malformed += 1;
            continue;
        };
        let path = out.join(format!("{:05}.toml", ours.len()));
        workspace::write(&path, text.as_bytes())?;
        ours.insert(path, codes);
    }
    let theirs = ask(&folder.join(SKETCH), ours.keys())?;
    report(ours, theirs, malformed)
}

/// Codes of errors; None if its form is refused before any rule is asked.
fn judge(text: &str) -> Result<Option<BTreeSet<String>>> {
    let Ok(manifest) = manifest::read("manifest.toml", text, &NoFiles) else { return Ok(None) };
    let today = Date::parse(TODAY).ok_or_else(|| Failure::new("no such day"))?;
    let problems: Vec<_> = match Policy::build(manifest, &Catalogue::new(), today) {
        Ok(policy) => policy.warnings().to_vec(),
        Err(denied) => denied.problems.into_iter().collect(),
    };
    Ok(Some(problems.iter().map(|problem| problem.code.id().trim_start_matches("HUB-").to_owned()).collect()))
}

type Answers = BTreeMap<PathBuf, std::result::Result<BTreeSet<String>, String>>;

fn ask<'a>(sketch: &Path, paths: impl Iterator<Item = &'a PathBuf>) -> Result<Answers> {
    progress("Asking", sketch.display().to_string());
    let list: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    let started = Command::new("python3").arg("-c").arg(SCRIPT).arg(sketch).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| Failure::new(format!("python3 cannot be started: {error}")))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(list.join("\n").as_bytes()).map_err(|error| Failure::new(format!("python3 does not listen: {error}")))?;
    }
    let answered = child.wait_with_output().map_err(|error| Failure::new(format!("python3 does not answer: {error}")))?;
    if !answered.status.success() {
        return Err(Failure::new(format!("the sketch cannot be asked ({})", answered.status)));
    }
    String::from_utf8_lossy(&answered.stdout).lines().map(answer).collect()
}

fn answer(line: &str) -> Result<(PathBuf, std::result::Result<BTreeSet<String>, String>)> {
    let (path, codes, error): (PathBuf, Option<BTreeSet<String>>, String) =
        serde_json::from_str(line).map_err(|error| Failure::new(format!("the sketch answered nonsense: {error}")))?;
    Ok((path, codes.ok_or(error)))
}

fn report(ours: BTreeMap<PathBuf, BTreeSet<String>>, mut theirs: Answers, malformed: u32) -> Result<ExitCode> {
    let (mut equal, mut silent) = (0_u32, 0_u32);
    let mut explained: BTreeMap<&str, u32> = BTreeMap::new();
    let mut open = Vec::new();
    for (path, ours) in ours {
        let Some(Ok(theirs)) = theirs.remove(&path) else {
            silent += 1;
            continue;
        };
        let verdicts = Verdicts { path, ours, theirs };
        match reasons(&verdicts) {
            Some(reasons) if reasons.is_empty() => equal += 1,
            Some(reasons) => reasons.into_iter().for_each(|reason| *explained.entry(reason).or_default() += 1),
            None => open.push(verdicts),
        }
    }
    println!("equal {equal}   explained {}   open {}", explained.values().sum::<u32>(), open.len());
    println!("left out: {malformed} whose form is refused before any rule is asked, {silent} on which the sketch fails");
    for (reason, count) in &explained {
        println!("  {count:>5}  {reason}");
    }
    for verdicts in open.iter().take(SHOWN) {
        let ours: Vec<&String> = verdicts.ours.difference(&verdicts.theirs).collect();
        let theirs: Vec<&String> = verdicts.theirs.difference(&verdicts.ours).collect();
        println!("{}: only hub {ours:?}, only the sketch {theirs:?}", verdicts.path.display());
    }
    Ok(if open.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Why the two sides differ; empty if they do not, None if that is not known.
fn reasons(verdicts: &Verdicts) -> Option<BTreeSet<&'static str>> {
    let mut reasons = BTreeSet::new();
    let ours = verdicts.ours.iter().filter(|code| !OURS_ALONE.contains(&code.as_str()) && !code.starts_with("W134"));
    let ours: BTreeSet<&String> = ours.collect();
    let theirs: BTreeSet<&String> = verdicts.theirs.iter().collect();
    for code in ours.symmetric_difference(&theirs) {
        reasons.insert(explanation(code, ours.contains(code), &verdicts.ours)?);
    }
    Some(reasons)
}

/// What is settled, each in favour of the rules as they are written.
fn explanation(code: &str, is_ours: bool, ours: &BTreeSet<String>) -> Option<&'static str> {
    match (code, is_ours) {
        ("E103", true) => {
            Some("an assessment names a purpose that is not declared, which is an unknown reference (3.5); the sketch looks at flows only")
        }
        ("E104" | "E107", true) => Some("joined fields have the category above all of them (3.3); the sketch keeps the first one's"),
        ("E104" | "E107" | "E133", false) if ours.contains("E102") => {
            Some("a field without a known category is told once (E102); the sketch goes on and judges the unknown category")
        }
        ("E181", true) => Some("erasing by hand needs the reference of a procedure (3.5); the sketch does not ask for it"),
        ("E003", true) => Some("an action without what it needs is refused; the sketch does not look at what actions take"),
        ("E113", false) if ours.contains("E111") => {
            Some("a purpose that names no scope is told once (E111); the sketch compares with nothing")
        }
        _ => None,
    }
}
