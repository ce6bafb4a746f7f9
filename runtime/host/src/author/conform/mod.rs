//! The connector standard as numbered checks against a component, whatever it is written in. Numbers never change their meaning.
//!
//! What a connector reads and writes is tried with its recordings: the player answers as recorded, or as a bad day would have it.

mod claims;
mod content;
mod failures;
mod reading;
mod scene;
mod writing;

use std::fmt::Write as _;

use futures::future::LocalBoxFuture;
use hub_core::description::Description;
use serde::{Deserialize, Serialize};

pub use scene::Scene;

/// Version of the list below; a new check or a stricter one makes a new version.
pub const KIT: &str = "1";

/// One check.
pub struct Check {
    /// Its number.
    pub number: u16,
    /// What must hold, in words.
    pub title: &'static str,
    judge: for<'a> fn(&'a Scene) -> LocalBoxFuture<'a, Verdict>,
}

/// How a check went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not, and why.
    Failed(String),
    /// It could not be tried, and why.
    NotTried(&'static str),
}

impl From<Result<(), String>> for Verdict {
    fn from(result: Result<(), String>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Passed)
    }
}

/// A row of the table: number, title, and the function that judges.
macro_rules! check {
    ($number:literal, $title:literal, $judge:path) => {
        Check { number: $number, title: $title, judge: |scene| Box::pin($judge(scene)) }
    };
}
use check;

/// Every check, in the order of the numbers.
pub fn all() -> impl Iterator<Item = &'static Check> {
    [claims::CHECKS, reading::CHECKS, failures::CHECKS, content::CHECKS, writing::CHECKS].into_iter().flatten()
}

/// How the checks of a component went: what is published beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Form of this document.
    pub version: u32,
    /// Which list of checks.
    pub kit: String,
    /// Name of the connector.
    pub name: String,
    /// Its version.
    pub connector_version: String,
    /// Hex SHA-256 of the component.
    pub component: String,
    /// Checks that hold.
    pub passed: usize,
    /// Checks that do not.
    pub failed: usize,
    /// Checks that could not be tried.
    pub not_tried: usize,
    /// Each of them.
    pub checks: Vec<Line>,
}

/// One check in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its number.
    pub number: u16,
    /// What must hold.
    pub title: String,
    /// `passed`, `failed` or `not-tried`.
    pub outcome: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Tries everything. `told`: of each check when it is done.
pub async fn run(scene: &Scene, told: &dyn Fn(&Line)) -> Report {
    let mut lines = Vec::new();
    for check in all() {
        let verdict = (check.judge)(scene).await;
        let line = Line::of(check, verdict);
        told(&line);
        lines.push(line);
    }
    Report::of(&scene.package.description, &scene.package.digest, lines)
}

impl Line {
    fn of(check: &Check, verdict: Verdict) -> Self {
        let (outcome, reason) = match verdict {
            Verdict::Passed => ("passed", None),
            Verdict::Failed(why) => ("failed", Some(why)),
            Verdict::NotTried(why) => ("not-tried", Some(why.to_owned())),
        };
        Self { number: check.number, title: check.title.to_owned(), outcome: outcome.to_owned(), reason }
    }

    /// For a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mark = match self.outcome.as_str() {
            "passed" => "✓",
            "failed" => "✗",
            _ => "–",
        };
        let mut text = format!("{mark} {:>2}  {}", self.number, self.title);
        if let Some(reason) = &self.reason {
            // Writing to a string does not fail.
            let _ = write!(text, "\n       {reason}");
        }
        text
    }
}

impl Report {
    fn of(description: &Description, component: &str, checks: Vec<Line>) -> Self {
        let count = |outcome: &str| checks.iter().filter(|line| line.outcome == outcome).count();
        Self {
            version: 1,
            kit: KIT.to_owned(),
            name: description.name.clone(),
            connector_version: description.version.clone(),
            component: component.to_owned(),
            passed: count("passed"),
            failed: count("failed"),
            not_tried: count("not-tried"),
            checks,
        }
    }

    /// In one line.
    #[must_use]
    pub fn summary(&self) -> String {
        format!("{} passed, {} failed, {} not tried (kit {})", self.passed, self.failed, self.not_tried, self.kit)
    }
}
