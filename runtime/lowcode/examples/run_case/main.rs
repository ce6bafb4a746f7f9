//! Runs recorded cases of the reference against the engine alone, natively: no sandbox, no gate. The quick way to see what a change does.
//!
//! ```text
//! cargo run --release -p hub-lowcode --example run_case -- ../shared/lowcode/dev [--case NAME]… [--stream S] [--run R] [--verbose] [--open] [--jobs N]
//! ```
//!
//! The folder is one case (it holds `golden.json`) or many of them; `fake_api.py` and `compare.py` are looked for beside and above it. A table tells,
//! for each case, how many runs agree with the recording; `--verbose` prints each difference and what the engine itself says. Results are kept in
//! `--out FOLDER` (default: `run-case-results` beside the program). `--open` takes every record into the engine; without it, records of
//! streams that can go the blind path are cut out of the page here, as the host does. The exit code is 1 if anything differs.
//!
//! A case is run by a process of its own, so that an endless loop or an abort takes one case with it only. It does not judge: `compare.py` does.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the engine's outside: it has the effects that the engine has not"
)]

mod api;
mod credentials;
mod engine;
mod json;
mod outside;
mod table;
mod wire;
mod worker;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// What went wrong with the harness itself.
type Failure = Box<dyn std::error::Error>;

/// Longest time for a case.
const CASE_SECONDS: u64 = 240;

/// What was asked for.
#[derive(Clone, Debug, Default)]
struct Arguments {
    folder: PathBuf,
    cases: Vec<String>,
    stream: Option<String>,
    run: Option<String>,
    out: PathBuf,
    jobs: usize,
    verbose: bool,
    open: bool,
    worker: bool,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| if arguments.worker { worker::run(&arguments).map(|()| true) } else { run_all(&arguments) }) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            eprintln!("run_case: {failure}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Arguments, Failure> {
    let mut result = Arguments { jobs: 2, out: std::env::current_exe()?.with_file_name("run-case-results"), ..Arguments::default() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` wants a value"));
        match word.as_str() {
            "--case" => result.cases.push(value()?),
            "--stream" => result.stream = Some(value()?),
            "--run" => result.run = Some(value()?),
            "--out" => result.out = value()?.into(),
            "--jobs" => result.jobs = value()?.parse()?,
            "--verbose" => result.verbose = true,
            "--open" => result.open = true,
            "--worker" => result.worker = true,
            other if other.starts_with('-') => return Err(format!("unknown argument `{other}`; see the head of run_case/main.rs").into()),
            folder => result.folder = folder.into(),
        }
    }
    if result.folder.as_os_str().is_empty() {
        return Err("say which folder of cases to run".into());
    }
    Ok(result)
}

/// Folders of the cases asked for, in the order of their names.
fn cases(arguments: &Arguments) -> Result<Vec<PathBuf>, Failure> {
    if arguments.folder.join("golden.json").is_file() {
        return Ok(vec![arguments.folder.clone()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&arguments.folder)? {
        let path = entry?.path();
        let wanted = arguments.cases.is_empty() || arguments.cases.contains(&name(&path));
        if wanted && path.join("golden.json").is_file() {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() { Err("no such case".into()) } else { Ok(found) }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A case under way.
struct Running {
    case: PathBuf,
    child: Child,
    begun: Instant,
}

fn run_all(arguments: &Arguments) -> Result<bool, Failure> {
    std::fs::create_dir_all(&arguments.out)?;
    let mut waiting = cases(arguments)?;
    waiting.reverse();
    let mut running: Vec<Running> = Vec::new();
    let mut table = table::Table::new(arguments.verbose);
    while !waiting.is_empty() || !running.is_empty() {
        while running.len() < arguments.jobs.max(1)
            && let Some(case) = waiting.pop()
        {
            running.push(Running { child: start(arguments, &case)?, case, begun: Instant::now() });
        }
        std::thread::sleep(Duration::from_millis(10));
        let mut still = Vec::new();
        for mut one in running {
            let late = one.begun.elapsed() > Duration::from_secs(CASE_SECONDS);
            if late {
                one.child.kill()?;
            }
            match one.child.try_wait()? {
                Some(status) => {
                    table.add(arguments, &one.case, if late { "took too long".into() } else { status.to_string() }, one.begun)?
                }
                None => still.push(one),
            }
        }
        running = still;
    }
    table.finish();
    Ok(table.agrees())
}

fn start(arguments: &Arguments, case: &Path) -> Result<Child, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(case).arg("--worker").arg("--out").arg(&arguments.out);
    for (flag, value) in [("--stream", &arguments.stream), ("--run", &arguments.run)] {
        if let Some(value) = value {
            command.arg(flag).arg(value);
        }
    }
    if arguments.open {
        command.arg("--open");
    }
    let log = std::fs::File::create(arguments.out.join(format!("{}.log", name(case))))?;
    let old = arguments.out.join(format!("{}.json", name(case)));
    if old.exists() {
        std::fs::remove_file(old)?;
    }
    Ok(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?)
}
