//! Tells what came out, a line for each case, and asks `compare.py` for the verdict. Knows nothing of the engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::api::compare;
use super::{Arguments, Failure, json, name};

/// Sums over all cases.
pub struct Table {
    verbose: bool,
    cases: usize,
    clean: usize,
    passed: usize,
    failed: usize,
    kinds: BTreeMap<String, usize>,
    messages: BTreeMap<String, usize>,
}

impl Table {
    /// Begins with the head line.
    pub fn new(verbose: bool) -> Self {
        println!("{:<28} {:>7} {:>7} {:>7} {:>6}  {:>7}  what differs", "case", "streams", "passed", "failed", "blind", "seconds");
        Self { verbose, cases: 0, clean: 0, passed: 0, failed: 0, kinds: BTreeMap::new(), messages: BTreeMap::new() }
    }

    /// Compares a finished case and prints its line.
    pub fn add(&mut self, arguments: &Arguments, case: &Path, ended: String, begun: Instant) -> Result<(), Failure> {
        let golden = json::read(&case.join("golden.json"))?;
        let wanted = wanted(arguments, &golden);
        let file = arguments.out.join(format!("{}.json", name(case)));
        let text = if file.exists() { compare(case, &file)? } else { String::new() };
        let actual = if file.exists() { json::read(&file)? } else { serde_json::Value::Null };
        let passed = text.lines().last().and_then(|line| line.split(' ').next()).and_then(|word| word.parse().ok()).unwrap_or(0);
        let failed = wanted.len().saturating_sub(passed);
        let unrun = wanted.iter().filter(|(stream, run)| actual["streams"][stream]["runs"].get(run).is_none()).count();
        let kinds = self.kinds(&text, unrun, &ended);
        self.note_messages(&text, &actual);
        self.cases += 1;
        self.clean += usize::from(failed == 0);
        self.passed += passed;
        self.failed += failed;
        let streams = golden["streams"].as_object().map_or(0, serde_json::Map::len);
        let blind = actual["streams"].as_object().map_or(0, |streams| streams.values().filter(|stream| stream["blind"] == true).count());
        let seconds = begun.elapsed().as_secs_f64();
        println!("{:<28} {streams:>7} {passed:>7} {failed:>7} {blind:>6}  {seconds:>7.1}  {kinds}", name(case));
        if self.verbose {
            self.tell(&text, &actual, &arguments.out.join(format!("{}.log", name(case))))?;
        }
        Ok(())
    }

    fn kinds(&mut self, text: &str, unrun: usize, ended: &str) -> String {
        let mut here: BTreeMap<String, usize> = BTreeMap::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("   ")) {
            let kind = line.split(':').next().unwrap_or_default();
            if ["requests", "records", "state", "status", "failure types", "waits"].contains(&kind) {
                *here.entry(kind.into()).or_default() += 1;
            }
        }
        if unrun > 0 {
            here.insert(format!("not run ({ended})"), unrun);
        }
        for (kind, count) in &here {
            *self.kinds.entry(kind.clone()).or_default() += count;
        }
        here.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ")
    }

    /// Counts what the engine said in runs that differ.
    fn note_messages(&mut self, text: &str, actual: &serde_json::Value) {
        for (stream, run) in failing(text, actual) {
            for error in actual["streams"][&stream]["runs"][&run]["errors"].as_array().into_iter().flatten() {
                let message = error["message"].as_str().unwrap_or_default();
                *self.messages.entry(message.chars().take(180).collect()).or_default() += 1;
            }
        }
    }

    fn tell(&self, text: &str, actual: &serde_json::Value, log: &Path) -> Result<(), Failure> {
        let failing = failing(text, actual);
        for line in text.lines() {
            println!("    {}", line.chars().take(3000).collect::<String>());
        }
        for (stream, run) in failing {
            let errors = &actual["streams"][&stream]["runs"][&run]["errors"];
            if errors.as_array().is_some_and(|errors| !errors.is_empty()) {
                println!("    {stream} {run} said: {errors}");
            }
        }
        for line in std::fs::read_to_string(log)?.lines().take(60) {
            println!("    | {}", line.chars().take(2000).collect::<String>());
        }
        Ok(())
    }

    /// The sums.
    pub fn finish(&self) {
        let Self { cases, clean, passed, failed, .. } = self;
        println!("\n{clean} of {cases} cases without a difference; runs: {passed} passed, {failed} failed");
        for (kind, count) in &self.kinds {
            println!("  {count:>5}  {kind}");
        }
        let mut messages: Vec<_> = self.messages.iter().collect();
        messages.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        if !messages.is_empty() {
            println!("said in runs that differ:");
        }
        for (message, count) in messages.into_iter().take(40) {
            println!("  {count:>5}  {message}");
        }
    }

    /// Nothing differs.
    pub fn agrees(&self) -> bool {
        self.failed == 0
    }
}

/// Streams and runs of the recording that were asked for.
pub fn wanted(arguments: &Arguments, golden: &serde_json::Value) -> Vec<(String, String)> {
    let mut result = Vec::new();
    for (stream, value) in golden["streams"].as_object().into_iter().flatten() {
        for run in value["runs"].as_object().into_iter().flat_map(serde_json::Map::keys) {
            let taken = arguments.stream.as_ref().is_none_or(|wanted| wanted == stream)
                && arguments.run.as_ref().is_none_or(|wanted| wanted == run);
            if taken {
                result.push((stream.clone(), run.clone()));
            }
        }
    }
    result
}

/// Names of streams may hold blanks: each pair is looked for as a whole.
fn failing(text: &str, actual: &serde_json::Value) -> Vec<(String, String)> {
    let blocks: Vec<(&str, &str)> = text
        .lines()
        .zip(text.lines().skip(1))
        .zip(text.lines().skip(2))
        .filter(|((head, _), _)| *head == "FAIL")
        .map(|((_, stream), run)| (stream.trim_start(), run.trim_start()))
        .collect();
    let mut result = Vec::new();
    for (stream, value) in actual["streams"].as_object().into_iter().flatten() {
        for run in value["runs"].as_object().into_iter().flat_map(serde_json::Map::keys) {
            if blocks.contains(&(stream.trim_start(), run.as_str())) {
                result.push((stream.clone(), run.clone()));
            }
        }
    }
    result
}
