//! The verb `check`: format, lints, house rules. The rules ("tidy") are functions from files to findings, one module each.
//!
//! Holds no rule itself. A rule never mends anything.

pub mod arrows;
pub mod codes;
pub mod dependencies;
pub mod interfaces;
pub mod licence;
pub mod size;
pub mod source;
pub mod words;

use std::fmt;

use crate::docs;
use crate::lock;
use crate::process::{self, Failure, Result, progress};
use crate::workspace::{TEST_GUESTS, Workspace};
use source::Source;

/// Something that a house rule does not allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File and line as an editor understands them: `runtime/core/src/lib.rs:3`.
    pub place: String,
    /// What is wrong and what to do.
    pub text: String,
}

impl Finding {
    /// A finding at a line; 0 stands for the whole file.
    pub fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        let place = if line == 0 { path.to_owned() } else { format!("{path}:{line}") };
        Self { place, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.text)
    }
}

/// Everything: format, lints of both workspaces, house rules.
pub fn run(workspace: &Workspace) -> Result<()> {
    let lints = ["clippy", "--release", "--all-targets", "--quiet"];
    let strict = ["--", "-D", "warnings"];
    progress("Checking", "format");
    process::run(workspace.cargo().args(["fmt", "--all", "--check"]), "the check of the format")?;
    progress("Checking", "lints");
    process::run(workspace.cargo().args(lints).arg("--workspace").args(strict), "the lints")?;
    if workspace.connectors_manifest().is_file() {
        process::run(workspace.guest_cargo().args(["fmt", "--all", "--check"]), "the check of the connectors' format")?;
        process::run(workspace.guest_cargo().args(lints).arg("--workspace").args(strict), "the connectors' lints")?;
    }
    if workspace.guests_manifest(&TEST_GUESTS).is_file() {
        // No lints: they are written for the sandbox's processor alone.
        process::run(workspace.cargo_of(&TEST_GUESTS).args(["fmt", "--all", "--check"]), "the check of the test guests' format")?;
    }
    progress("Checking", "generated pages");
    report(docs::findings(workspace)?)?;
    tidy(workspace)
}

/// Only the house rules: needs nothing built.
pub fn tidy(workspace: &Workspace) -> Result<()> {
    progress("Checking", "house rules");
    let sources = source::all(workspace)?;
    print!("{}", size::table(&sources));
    let mut findings = judge(&sources);
    findings.extend(words::texts(workspace)?);
    findings.extend(codes::findings(workspace, &sources)?);
    findings.extend(dependencies::findings(workspace)?);
    findings.extend(interfaces::findings(workspace)?);
    findings.extend(lock::findings(workspace)?);
    report(findings)
}

fn report(mut findings: Vec<Finding>) -> Result<()> {
    findings.sort();
    findings.dedup();
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!("findings against the house rules: {count}"))
            .help("each line above says what to do; the rules are in CONTRIBUTING.md")),
    }
}

fn judge(sources: &[Source]) -> Vec<Finding> {
    let rules = [size::findings, arrows::findings, words::findings];
    rules.iter().flat_map(|rule| rule(sources)).collect()
}
