//! The verb `test`: everything that must be green, in lanes, each with its time.
//!
//! One profile (release) for all of it, so that the sandbox's compiler is built once.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::build;
use crate::check;
use crate::conform;
use crate::process::{self, Result, progress};
use crate::toolchain::Toolchain;
use crate::workspace::{self, Workspace};

/// The whole of it; with a filter only the tests whose name contains it.
pub fn run(workspace: &Workspace, filter: Option<&str>) -> Result<()> {
    let begun = Instant::now();
    lane("setup", || Toolchain::ensure().map(|_| ()))?;
    lane("build", || build::build(workspace, true, true))?;
    if filter.is_none() {
        lane("conform", || conform::statically(workspace, None))?;
    }
    lane("tests", || tests(workspace, &mut workspace.cargo(), filter, &[]))?;
    if filter.is_none() {
        lane("connectors", || connectors(workspace))?;
        lane("doc tests", || {
            process::run(workspace.cargo().args(["test", "--release", "--doc", "--workspace", "--quiet"]), "the doc tests")
        })?;
        lane("check", || check::run(workspace))?;
    }
    progress("Finished", format!("all green in {} s", begun.elapsed().as_secs()));
    // One plain closing line over both workspaces: readers of logs look for it at the end.
    let counts = [&workspace.target, &workspace.guest_target()].map(|target| counted(target));
    if let [Some(host), guest] = counts {
        println!("{} passed, 0 failed", host + guest.filter(|_| filter.is_none()).unwrap_or(0));
    }
    Ok(())
}

/// All tests of the host workspace, writing new snapshots instead of complaining about old ones.
pub fn blessing(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.env("INSTA_UPDATE", "always");
    tests(workspace, &mut cargo, None, &[])
}

/// Tests of the host workspace whose name contains `filter`.
pub fn filtered(workspace: &Workspace, package: &str, filter: &str) -> Result<()> {
    tests(workspace, &mut workspace.cargo(), Some(filter), &["--package", package])
}

fn connectors(workspace: &Workspace) -> Result<()> {
    match workspace.connectors_manifest().is_file() {
        true => tests(workspace, &mut workspace.guest_cargo(), None, &[]),
        false => Ok(()),
    }
}

fn tests(workspace: &Workspace, cargo: &mut Command, filter: Option<&str>, packages: &[&str]) -> Result<()> {
    if process::succeeds(workspace.cargo().args(["nextest", "--version"])) {
        cargo.args(["nextest", "run", "--cargo-profile", "release"]).arg("--config-file").arg(workspace.root.join(".config/nextest.toml"));
    } else {
        cargo.args(["test", "--release", "--lib", "--bins", "--tests"]);
    }
    match packages {
        [] => cargo.arg("--workspace"),
        some => cargo.args(some),
    };
    process::run(cargo.args(filter), "the tests")
}

fn lane(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let begun = Instant::now();
    let result = work();
    let outcome = if result.is_ok() { "in" } else { "FAILED after" };
    progress("Lane", format!("{name} {outcome} {:.1} s", begun.elapsed().as_secs_f64()));
    result
}

/// How many tests the last run of nextest below this target folder held; none without nextest.
fn counted(target: &Path) -> Option<u64> {
    tests_attribute(&workspace::read(&target.join("nextest/default/junit.xml")).ok()?)
}

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
