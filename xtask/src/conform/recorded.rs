//! `conform lowcode FOLDER`: recorded cases of low-code manifests against the whole program. Builds what runs them (the program `conform` of
//! `hub-tests`) and the connectors, and becomes it; xtask itself links nothing of the host.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::build;
use crate::process::{self, Failure, Result};
use crate::workspace::Workspace;

/// What is run of a folder of cases.
#[derive(clap::Args)]
pub struct Options {
    /// Only this case; may be repeated
    #[arg(long, value_name = "NAME", requires = "folder")]
    case: Vec<String>,
    /// Only this stream
    #[arg(long, value_name = "STREAM", requires = "folder")]
    stream: Option<String>,
    /// How the result is printed
    #[arg(long, value_name = "FORM", value_parser = ["text", "json"], default_value = "text", requires = "folder")]
    output: String,
    /// Cases at the same time
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64), requires = "folder")]
    jobs: u32,
    /// With `policy`: mutants to compare on
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=100_000), requires = "folder")]
    pub count: u32,
    /// Print every difference
    #[arg(long, requires = "folder")]
    verbose: bool,
}

/// Runs the cases below `folder`. The exit code is 1 if anything differs.
pub fn run(workspace: &Workspace, name: Option<&str>, folder: &PathBuf, options: &Options) -> Result<ExitCode> {
    if name != Some("lowcode") {
        return Err(Failure::new("only `lowcode` is held against recorded cases").help("cargo xtask conform lowcode FOLDER"));
    }
    build::build(workspace, true, false)?;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--quiet", "--package", "hub-tests", "--bin", "conform"]);
    process::run(&mut cargo, "building the program that runs the cases")?;
    let mut command = Command::new(workspace.target.join("release/conform"));
    command.arg(folder).arg("--out").arg(workspace.target.join("conform")).args(["--output", &options.output]);
    command.args(["--jobs", &options.jobs.to_string()]).env_remove("LD_LIBRARY_PATH").env("HUB_CONNECTORS", workspace.components());
    for case in &options.case {
        command.args(["--case", case]);
    }
    if let Some(stream) = &options.stream {
        command.args(["--stream", stream]);
    }
    if options.verbose {
        command.arg("--verbose");
    }
    let ended = command.status().map_err(|error| Failure::new(format!("the program that runs the cases cannot be started: {error}")))?;
    match ended.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(1) => Ok(ExitCode::from(1)),
        _ => Err(Failure::new(format!("the cases could not be run ({ended})"))),
    }
}
