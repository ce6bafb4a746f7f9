//! Documents as Markdown, for reviews in Git: one fact on a line, so that a change is one line of a diff. Names cannot become markup.

use super::sheet::{Document, Row, Section};
use crate::manifest::Language;

/// The whole document.
#[must_use]
pub fn render(document: &Document, language: Language) -> String {
    let mut text = format!("# {}\n", escape(document.title.in_language(language)));
    for about in &document.about {
        text.push_str(&format!("\n{}\n", escape(about.in_language(language))));
    }
    for part in &document.sections {
        section(&mut text, part, language);
    }
    text
}

fn section(text: &mut String, section: &Section, language: Language) {
    text.push_str(&format!("\n## {}\n", escape(section.title.in_language(language))));
    for part in &section.rows {
        row(text, part, language);
    }
}

pub(super) fn row(text: &mut String, row: &Row, language: Language) {
    text.push_str(&format!("\n**{}**\n\n", escape(row.heading.text(language))));
    for line in &row.lines {
        text.push_str(&format!("- {}\n", escape(line.in_language(language))));
    }
}

/// Text that stays text: signs that Markdown or HTML would read are escaped, a line stays a line.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    // `1. x` would begin a list.
    let number = text.len() - text.trim_start_matches(|character: char| character.is_ascii_digit()).len();
    for (at, character) in text.chars().enumerate() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => safe.extend(['\\', character]),
            '#' | '+' | '-' | '=' if at == 0 => safe.extend(['\\', character]),
            '.' | ')' if at == number && at > 0 => safe.extend(['\\', character]),
            control if control.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}
