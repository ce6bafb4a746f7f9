//! The parts of a template's text: plain text and expressions, each of which is a template of its own.

use crate::template::Template;

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'text> {
    /// Stands for itself.
    Text(&'text str),
    /// `{{ … }}`, braces included.
    Expression(&'text str),
    /// All that follows from the first `{%` or `{#` on: it belongs together.
    Statements(&'text str),
}

/// Splits a template. Statements are not looked into: the whole text is one part then.
pub fn split(text: &str) -> Vec<Segment<'_>> {
    if text.contains("{%") || text.contains("{#") {
        return vec![Segment::Statements(text)];
    }
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (before, expression) = rest.split_at(start);
        let end = end_of(expression);
        if !before.is_empty() {
            segments.push(Segment::Text(before));
        }
        let (expression, after) = expression.split_at(end);
        segments.push(Segment::Expression(expression));
        rest = after;
    }
    if !rest.is_empty() {
        segments.push(Segment::Text(rest));
    }
    segments
}

/// Where an expression ends: behind the first closing braces that stand in no quoted text and close no dictionary.
fn end_of(expression: &str) -> usize {
    let mut quote = None;
    let mut open = 0_usize;
    let mut letters = expression.char_indices().skip(2).peekable();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (Some(_), '\\') => {
                letters.next();
            }
            (Some(begin), _) if begin == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '{') => open += 1,
            (None, '}') if open > 0 => open -= 1,
            (None, '}') if letters.peek().is_some_and(|(_, next)| *next == '}') => return at + 2,
            _ => {}
        }
    }
    expression.len()
}

/// Whether a template needs nothing but the configuration and its component's parameters: its value is settled before the run.
pub fn is_settled(template: &Template) -> bool {
    let tells_time =
        ["now_utc", "today_utc", "today_with_timezone", "day_delta", "now_local"].iter().any(|name| template.text().contains(name));
    !tells_time && template.uses().iter().all(|one| matches!(one.root.as_str(), "config" | "parameters" | "options"))
}
