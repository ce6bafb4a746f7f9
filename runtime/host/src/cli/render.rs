//! Draws problems: for people with the manifest's lines underlined, for programs as JSON. Decides nothing.

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use hub_core::problem::{Label, Problem, Sources, Span};
use serde_json::{Value, json};

use super::{Failure, Output};
use crate::lowcode::Remark;

/// Shows a failure: drawn on standard error, or as a document on standard output.
pub fn show(failure: &Failure, output: Output) {
    match output {
        Output::Human => anstream::eprint!("{}", draw(failure)),
        Output::Json => super::print_json(&json!({ "version": 1, "ok": false, "problems": problems(failure) })),
    }
}

/// All problems as text with colours, which the stream strips where they are not wanted.
#[must_use]
pub fn draw(failure: &Failure) -> String {
    let mut text = String::new();
    for problem in failure.problems.iter() {
        text.push_str(&draw_one(problem, &failure.sources));
        text.push_str("\n\n");
    }
    let count = failure.problems.iter().count();
    if count > 1 {
        text.push_str(&format!("{count} problems. "));
    }
    if let Some(first) = failure.problems.iter().next() {
        text.push_str(&format!("More about one: hub explain {}\n", first.code));
    }
    text
}

/// The problems of a failure as JSON: code, name, title, places with file, line, column, notes, help.
#[must_use]
pub fn problems(failure: &Failure) -> Value {
    failure.problems.iter().map(|problem| as_json(problem, &failure.sources)).collect()
}

/// Findings as text.
#[must_use]
pub fn list(problems: &[Problem], sources: &Sources) -> String {
    problems.iter().map(|problem| draw_one(problem, sources) + "\n\n").collect()
}

/// Findings as JSON.
#[must_use]
pub fn list_json(problems: &[Problem], sources: &Sources) -> Value {
    problems.iter().map(|problem| as_json(problem, sources)).collect()
}

fn as_json(problem: &Problem, sources: &Sources) -> Value {
    let places: Vec<Value> = problem.labels.iter().map(|label| place(label, sources)).collect();
    json!({
        "code": problem.code.id(), "name": problem.code.name(), "title": problem.title,
        "places": places, "notes": problem.notes, "help": problem.help,
    })
}

/// What hinders nothing, one line each.
#[must_use]
pub fn draw_remarks(remarks: &[Remark], sources: &Sources) -> String {
    remarks.iter().map(|remark| format!("note: {}{}\n", remark_place(remark, sources), remark.text)).collect()
}

fn remark_place(remark: &Remark, sources: &Sources) -> String {
    let Some(span) = remark.span else { return String::new() };
    let (line, column) = sources.line_column(span);
    format!("{}:{line}:{column}: ", sources.get(span.file).map_or("", |(name, _)| name))
}

/// What hinders nothing, as JSON.
#[must_use]
pub fn remark(remark: &Remark, sources: &Sources) -> Value {
    let place = remark.span.map(|span| place(&Label { span, text: String::new() }, sources));
    json!({ "text": remark.text, "place": place })
}

fn place(label: &Label, sources: &Sources) -> Value {
    let (line, column) = sources.line_column(label.span);
    let file = sources.get(label.span.file).map_or("", |(name, _)| name);
    json!({ "file": file, "line": line, "column": column, "start": label.span.start, "end": label.span.end, "text": label.text })
}

fn draw_one(problem: &Problem, sources: &Sources) -> String {
    let level = if problem.code.is_warning() { Level::WARNING } else { Level::ERROR };
    let mut group = level.primary_title(problem.title.as_str()).id(problem.code.id()).elements(snippets(problem, sources));
    for note in &problem.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    let patched = problem.patch.as_ref().and_then(|patch| {
        let (name, text) = sources.get(patch.span.file)?;
        let snippet = Snippet::source(text).path(name).patch(Patch::new(range(patch.span, text), patch.replacement.as_str()));
        Some(Level::HELP.secondary_title(problem.help.as_str()).element(snippet))
    });
    let groups: Vec<Group<'_>> = match patched {
        Some(patched) => vec![group, patched],
        None => vec![group.element(Level::HELP.message(problem.help.as_str()))],
    };
    Renderer::styled().render(&groups)
}

/// One snippet for each file that the labels touch; the first label is the main one.
fn snippets<'a>(problem: &'a Problem, sources: &'a Sources) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut files: Vec<u16> = Vec::new();
    for label in &problem.labels {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    files.into_iter().filter_map(|file| snippet(problem, sources, file)).collect()
}

fn snippet<'a>(problem: &'a Problem, sources: &'a Sources, file: u16) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let (name, text) = sources.get(file)?;
    let labels = problem.labels.iter().enumerate().filter(|(_, label)| label.span.file == file);
    let annotations = labels.map(|(index, label)| {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        kind.span(range(label.span, text)).label(label.text.as_str())
    });
    Some(Snippet::source(text).path(name).annotations(annotations))
}

/// A span that is sure to lie inside the text, on character borders.
fn range(span: Span, text: &str) -> std::ops::Range<usize> {
    let floor = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = floor(span.start as usize);
    start..floor(span.end as usize).max(start)
}
