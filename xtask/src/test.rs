//! The verb `test`: everything that must be green, in lanes, each with its time.
//!
//! One profile (release) for all of it, so that the sandbox's compiler is built once.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::build;
use crate::check;
use crate::conform;
use crate::faults;
use crate::process::{self, Failure, Result, progress};
use crate::toolchain;
use crate::workspace::{TEST_GUESTS, Workspace};

/// Packages that are tested together. Cargo decides about a dependency's features for all packages that it is asked for: were the tools asked for
/// together with the program, the sandbox's compiler would be built a second time with other features.
const SELECTIONS: [&[&str]; 2] =
    [&["hub-core", "hub-lowcode", "hub", "hub-tests"], &["xtask", "hub-sdk", "hub-sdk-macros", "hub-sdk-package"]];

/// The whole of it; with a filter only the tests whose name contains it.
pub fn run(workspace: &Workspace, filter: Option<&str>) -> Result<()> {
    let begun = Instant::now();
    lane("setup", || toolchain::ensure().map(|_| ()))?;
    lane("build", || build::build(workspace, true, true).and_then(|()| build::build_guests(workspace, &TEST_GUESTS)))?;
    if filter.is_none() {
        lane("conform", || conform::statically(workspace, None))?;
    }
    let mut passed = lane("tests", || host(workspace, filter, false))?;
    if filter.is_none() {
        lane("faults", || faults::briefly(workspace))?;
        passed += lane("connectors", || connectors(workspace))?;
        lane("doc tests", || documented(workspace))?;
        lane("check", || check::run(workspace))?;
    }
    progress("Finished", format!("all green in {} s", begun.elapsed().as_secs()));
    // One plain closing line over all selections: readers of logs look for it at the end.
    if passed > 0 {
        println!("{passed} passed, 0 failed");
    }
    Ok(())
}

/// All tests of the host workspace, writing new snapshots instead of complaining about old ones.
pub fn blessing(workspace: &Workspace) -> Result<()> {
    host(workspace, None, true).map(|_| ())
}

fn host(workspace: &Workspace, filter: Option<&str>, bless: bool) -> Result<u64> {
    let mut passed = 0;
    for packages in SELECTIONS {
        let mut cargo = workspace.cargo();
        if bless {
            cargo.env("INSTA_UPDATE", "always");
        }
        passed += tests(cargo, workspace, &workspace.target, packages, filter)?;
    }
    match filter {
        Some(filter) if passed == 0 && has_nextest(workspace) => Err(Failure::new(format!("no test's name contains `{filter}`"))),
        _ => Ok(passed),
    }
}

fn connectors(workspace: &Workspace) -> Result<u64> {
    match workspace.connectors_manifest().is_file() {
        true => tests(workspace.guest_cargo(), workspace, &workspace.guest_target(), &[], None),
        false => Ok(0),
    }
}

fn documented(workspace: &Workspace) -> Result<()> {
    for packages in [["hub-core", "hub-lowcode", "hub"].as_slice(), ["hub-sdk"].as_slice()] {
        let packages = packages.iter().flat_map(|package| ["--package", package]);
        process::run(workspace.cargo().args(["test", "--release", "--doc", "--quiet"]).args(packages), "the doc tests")?;
    }
    Ok(())
}

/// Runs the tests of some packages, of all for none, and answers with their number (0 where only `cargo test` is there to run them).
fn tests(mut cargo: Command, workspace: &Workspace, target: &Path, packages: &[&str], filter: Option<&str>) -> Result<u64> {
    let report = target.join("nextest/default/junit.xml");
    // The report of an earlier run must not be counted.
    let _ = std::fs::remove_file(&report);
    if has_nextest(workspace) {
        let configuration = workspace.root.join(".config/nextest.toml");
        cargo.args(["nextest", "run", "--cargo-profile", "release", "--no-tests", "pass", "--config-file"]).arg(configuration);
    } else {
        cargo.args(["test", "--release", "--lib", "--bins", "--tests"]);
    }
    if packages.is_empty() {
        cargo.arg("--workspace");
    }
    cargo.args(packages.iter().flat_map(|package| ["--package", package]));
    process::run(cargo.args(filter), "the tests")?;
    Ok(std::fs::read_to_string(report).ok().and_then(|report| tests_attribute(&report)).unwrap_or(0))
}

fn has_nextest(workspace: &Workspace) -> bool {
    process::succeeds(workspace.cargo().args(["nextest", "--version"]))
}

fn lane<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    let result = work();
    let outcome = if result.is_ok() { "in" } else { "FAILED after" };
    progress("Lane", format!("{name} {outcome} {:.1} s", begun.elapsed().as_secs_f64()));
    result
}

/// How many tests a report of nextest holds.
fn tests_attribute(report: &str) -> Option<u64> {
    let (_, rest) = report.split_once("<testsuites ")?;
    let (_, rest) = rest.split_once("tests=\"")?;
    rest.split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_tests_is_read_from_the_report() {
        let report = "<?xml version=\"1.0\"?>\n<testsuites name=\"nextest-run\" tests=\"12\" failures=\"0\" errors=\"0\">\n<testsuite name=\"a\" tests=\"5\">";
        assert_eq!(tests_attribute(report), Some(12));
        assert_eq!(tests_attribute("<html>"), None);
    }
}
