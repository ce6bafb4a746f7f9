//! Findings as SARIF 2.1.0, which code reviews show beside the lines. Decides nothing.

use std::collections::BTreeSet;

use hub_core::problem::{Code, Label, Problem, Sources};
use serde_json::{Value, json};

/// One run with its findings and the rules that they are about.
pub(super) fn log<'a>(problems: impl Iterator<Item = &'a Problem>, sources: &Sources) -> Value {
    let problems: Vec<&Problem> = problems.collect();
    let rules: BTreeSet<Code> = problems.iter().map(|problem| problem.code).collect();
    let rules: Vec<Value> = rules.into_iter().map(rule).collect();
    let results: Vec<Value> = problems.into_iter().map(|problem| result(problem, sources)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "hub", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    json!({ "id": code.id(), "name": code.name(), "help": { "text": code.page(), "markdown": code.page() } })
}

fn result(problem: &Problem, sources: &Sources) -> Value {
    let level = if problem.code.is_warning() { "warning" } else { "error" };
    let mut text = problem.title.clone();
    problem.notes.iter().for_each(|note| text.push_str(&format!("\n{note}")));
    text.push_str(&format!("\n{}", problem.help));
    let mut places = problem.labels.iter().map(|label| location(label, sources));
    let first: Vec<Value> = places.next().into_iter().collect();
    let related: Vec<Value> = places.collect();
    json!({ "ruleId": problem.code.id(), "level": level, "message": { "text": text }, "locations": first, "relatedLocations": related })
}

fn location(label: &Label, sources: &Sources) -> Value {
    let (line, column) = sources.line_column(label.span);
    let end = hub_core::problem::Span { start: label.span.end, ..label.span };
    let (end_line, end_column) = sources.line_column(end);
    let file = sources.get(label.span.file).map_or("", |(name, _)| name);
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": file },
            "region": { "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column },
        },
        "message": { "text": label.text },
    })
}
