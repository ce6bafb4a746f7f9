//! What came out: a line for each case as soon as it is known, and the sums. Knows nothing of the engine.

use std::collections::BTreeMap;
use std::path::Path;

use hub_core::problem::Problem;
use serde_json::{Value, json};

use super::{Arguments, Failure, case, name};

/// What differs, in the words of `compare.py`.
const KINDS: [&str; 6] = ["requests", "records", "state", "status", "failure types", "waits"];

/// How a case came out.
pub struct Verdict {
    pub case: String,
    pub streams: usize,
    /// Streams whose records stayed outside of the sandbox.
    pub blind: usize,
    /// Recorded runs that were asked for.
    pub wanted: usize,
    pub passed: usize,
    /// Differences of the catalogue.
    pub discover: Vec<String>,
    /// Differences of the check; none if it was not asked for.
    pub check: Option<String>,
    /// Custom classes because of which it is refused, as it must be.
    pub custom: Vec<String>,
    /// Why it could not be run.
    pub broken: Vec<String>,
    /// What `compare.py` said.
    pub differences: String,
    /// What the program said in runs that failed.
    pub said: Vec<String>,
    pub seconds: f64,
}

impl Verdict {
    /// Nothing is known yet.
    pub fn new(case: String, streams: usize) -> Self {
        Self {
            case,
            streams,
            blind: 0,
            wanted: 0,
            passed: 0,
            discover: Vec::new(),
            check: None,
            custom: Vec::new(),
            broken: Vec::new(),
            differences: String::new(),
            said: Vec::new(),
            seconds: 0.0,
        }
    }

    /// The harness could not run it.
    pub fn broken(case: &Path, failure: &Failure) -> Self {
        Self { broken: vec![failure.to_string()], ..Self::new(name(case), 0) }
    }

    /// It is refused before it runs. Because of a custom class that is right.
    pub fn refused(&mut self, problems: &[Problem]) {
        self.custom = case::custom_classes(problems);
        if self.custom.is_empty() {
            self.broken = problems.iter().map(|problem| format!("{}: {}", problem.code, problem.title)).collect();
        }
    }

    /// Takes what `compare.py` says about the runs.
    pub fn compared(&mut self, text: &str) {
        let last = text.lines().last().unwrap_or_default();
        self.passed = last.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
        self.differences = text.to_owned();
    }

    /// Takes what `compare.py` says about the check.
    pub fn checked(&mut self, text: &str, said: Option<&str>) {
        self.check = Some(if text.trim_end().ends_with("1 passed, 0 failed") {
            String::new()
        } else {
            format!("{}{}", text.trim_end(), said.map_or_else(String::new, |said| format!("\n   said: {said}")))
        });
    }

    fn failed(&self) -> usize {
        self.wanted.saturating_sub(self.passed)
    }

    fn agrees(&self) -> bool {
        let checked = self.check.as_ref().is_none_or(String::is_empty);
        self.failed() == 0 && self.broken.is_empty() && self.discover.is_empty() && checked
    }

    /// How often each kind of difference occurs.
    fn kinds(&self) -> BTreeMap<&str, usize> {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for line in self.differences.lines().filter_map(|line| line.strip_prefix("   ")) {
            if let Some(kind) = line.split(':').next().filter(|kind| KINDS.contains(kind)) {
                *kinds.entry(kind).or_default() += 1;
            }
        }
        kinds
    }

    fn what(&self) -> String {
        if let Some(class) = self.custom.first() {
            let more = if self.custom.len() > 1 { format!(" and {} more", self.custom.len() - 1) } else { String::new() };
            return format!("refused, rightly: {class}{more}");
        }
        if let Some(reason) = self.broken.first() {
            return format!("refused: {reason}");
        }
        self.kinds().iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ")
    }

    fn json(&self) -> Value {
        json!({
            "case": self.case, "streams": self.streams, "blind": self.blind, "runs": self.wanted, "passed": self.passed, "failed": self.failed(),
            "discover": self.discover, "check": self.check, "custom": self.custom, "refused": self.broken, "differences": self.kinds(),
            "said": self.said, "agrees": self.agrees(), "seconds": self.seconds,
        })
    }
}

/// All cases.
pub struct Report {
    json: bool,
    verbose: bool,
    verdicts: Vec<Verdict>,
}

impl Report {
    /// Begins with the head line.
    pub fn new(arguments: &Arguments) -> Self {
        if !arguments.json {
            println!(
                "{:<28} {:>7} {:>6} {:>6} {:>6} {:>8} {:>6} {:>8}  what differs",
                "case", "streams", "blind", "passed", "failed", "discover", "check", "seconds"
            );
        }
        Self { json: arguments.json, verbose: arguments.verbose, verdicts: Vec::new() }
    }

    /// The next case.
    pub fn add(&mut self, verdict: Verdict) {
        if !self.json {
            self.line(&verdict);
        }
        self.verdicts.push(verdict);
    }

    fn line(&self, verdict: &Verdict) {
        let Verdict { case, streams, blind, passed, seconds, .. } = verdict;
        let is_run = verdict.custom.is_empty() && verdict.broken.is_empty();
        let discover = if !is_run {
            "-"
        } else if verdict.discover.is_empty() {
            "ok"
        } else {
            "differs"
        };
        let check = verdict.check.as_ref().map_or("-", |check| if check.is_empty() { "ok" } else { "differs" });
        let (failed, what) = (verdict.failed(), verdict.what());
        println!("{case:<28} {streams:>7} {blind:>6} {passed:>6} {failed:>6} {discover:>8} {check:>6} {seconds:>8.1}  {what}");
        if !self.verbose {
            return;
        }
        let check = verdict.check.iter().flat_map(|check| check.lines().map(|line| format!("check: {line}")));
        let discover = verdict.discover.iter().map(|text| format!("discover: {text}"));
        let lines = verdict.differences.lines().filter(|_| failed > 0).map(str::to_owned);
        let said = verdict.said.iter().filter(|_| failed > 0).cloned();
        for line in verdict.custom.iter().chain(&verdict.broken).cloned().chain(discover).chain(check).chain(lines).chain(said) {
            println!("    {}", line.chars().take(2000).collect::<String>());
        }
    }

    /// The sums.
    ///
    /// # Errors
    /// The result cannot be written.
    pub fn finish(&self) -> Result<(), Failure> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(&self.verdicts.iter().map(Verdict::json).collect::<Vec<_>>())?);
            return Ok(());
        }
        let sum = |value: fn(&Verdict) -> usize| self.verdicts.iter().map(value).sum::<usize>();
        let clean = sum(|verdict| usize::from(verdict.agrees()));
        let custom = sum(|verdict| usize::from(!verdict.custom.is_empty()));
        let (passed, failed) = (sum(|verdict| verdict.passed), sum(Verdict::failed));
        println!("\n{clean} of {} cases without a difference; runs: {passed} passed, {failed} failed", self.verdicts.len());
        println!("{} of {} streams without records in the sandbox", sum(|verdict| verdict.blind), sum(|verdict| verdict.streams));
        if custom > 0 {
            println!("{custom} cases are refused because of custom classes, as they must be");
        }
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for (kind, count) in self.verdicts.iter().flat_map(Verdict::kinds) {
            *kinds.entry(kind).or_default() += count;
        }
        for (kind, count) in kinds {
            println!("  {count:>5}  {kind}");
        }
        Ok(())
    }

    /// Nothing differs.
    pub fn agrees(&self) -> bool {
        self.verdicts.iter().all(Verdict::agrees)
    }
}
