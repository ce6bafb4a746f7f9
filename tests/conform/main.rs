//! Recorded cases of low-code manifests against the whole program: the component `lowcode` in its sandbox, gate, credentials and sockets of the host.
//! Started by `cargo xtask conform lowcode FOLDER`, which builds everything it needs.
//!
//! `conform FOLDER --out FOLDER [--case NAME]… [--stream S] [--jobs N] [--output text|json] [--verbose]`. Requests go to the case's API on 127.0.0.1
//! by the host's detour, the clock stands still, waits are noted and not waited. Does not judge: `compare.py` does.

mod case;
mod report;
mod run;

// The native runner's: the recorded API, its judge, and the way to its controls.
#[path = "../../runtime/lowcode/examples/run_case/api.rs"]
mod api;
#[path = "../../runtime/lowcode/examples/run_case/wire.rs"]
mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use report::Verdict;

/// What went wrong with the harness itself.
type Failure = Box<dyn std::error::Error>;

/// What was asked for.
#[derive(Default)]
pub struct Arguments {
    folder: PathBuf,
    cases: Vec<String>,
    stream: Option<String>,
    out: PathBuf,
    jobs: usize,
    json: bool,
    verbose: bool,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run_all(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            eprintln!("conform: {failure}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Arguments, Failure> {
    let mut result = Arguments { jobs: 2, ..Arguments::default() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` wants a value"));
        match word.as_str() {
            "--case" => result.cases.push(value()?),
            "--stream" => result.stream = Some(value()?),
            "--out" => result.out = value()?.into(),
            "--jobs" => result.jobs = value()?.parse()?,
            "--output" => result.json = value()? == "json",
            "--verbose" => result.verbose = true,
            other if other.starts_with('-') => return Err(format!("unknown argument `{other}`").into()),
            folder => result.folder = folder.into(),
        }
    }
    if result.folder.as_os_str().is_empty() || result.out.as_os_str().is_empty() {
        return Err("usage: conform FOLDER --out FOLDER [--case NAME] [--stream S] [--jobs N] [--output json] [--verbose]".into());
    }
    std::fs::create_dir_all(&result.out)?;
    result.out = result.out.canonicalize()?;
    Ok(result)
}

/// Folders of the cases asked for, in the order of their names.
fn cases(arguments: &Arguments) -> Result<Vec<PathBuf>, Failure> {
    let folder = arguments.folder.canonicalize()?;
    if folder.join("manifest.yaml").is_file() {
        return Ok(vec![folder]);
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        let wanted = arguments.cases.is_empty() || arguments.cases.contains(&name(&path));
        if wanted && path.join("manifest.yaml").is_file() {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() { Err(format!("there is no such case in {}", folder.display()).into()) } else { Ok(found) }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Each job takes the next case; what it found is printed in the order of the cases.
fn run_all(arguments: &Arguments) -> Result<bool, Failure> {
    let cases = cases(arguments)?;
    let workshop = hub::author::bench::workshop(&arguments.out, hub::plugin::package::Compiler::InProcess);
    run::prepare(&workshop, &arguments.out)?;
    let (next, found) = (Mutex::new(0), Arc::new(Mutex::new(BTreeMap::new())));
    let mut report = report::Report::new(arguments);
    std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel();
        for _ in 0..arguments.jobs.clamp(1, cases.len()) {
            let (cases, workshop, next, sender) = (&cases, &workshop, &next, sender.clone());
            scope.spawn(move || {
                loop {
                    let at = take(next);
                    let Some(case) = cases.get(at) else { break };
                    let verdict = case::run(arguments, case, workshop).unwrap_or_else(|failure| Verdict::broken(case, &failure));
                    if sender.send((at, verdict)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut told = 0;
        for (at, verdict) in receiver {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.insert(at, verdict);
            while let Some(verdict) = found.remove(&told) {
                report.add(verdict);
                told += 1;
            }
        }
    });
    report.finish()?;
    Ok(report.agrees())
}

fn take(next: &Mutex<usize>) -> usize {
    let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
    *next += 1;
    *next - 1
}
