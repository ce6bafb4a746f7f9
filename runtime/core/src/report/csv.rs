//! Documents as CSV for a spreadsheet: UTF-8 with a byte order mark, semicolons, one section on each line. No cell can become a formula.

use super::sheet::{Document, Row, Section};
use super::words::Word;
use crate::manifest::Language;

/// The whole document: groups of sections with the same headings, each below its headings.
#[must_use]
pub fn render(document: &Document, language: Language) -> String {
    let mut text = String::from("\u{feff}");
    let mut headings: Vec<Word> = Vec::new();
    for section in &document.sections {
        let own: Vec<Word> = section.rows.iter().map(|row| row.heading).collect();
        if own != headings {
            line(&mut text, own.iter().map(|word| word.text(language).to_owned()));
            headings = own;
        }
        values(&mut text, section, language);
    }
    text
}

fn values(text: &mut String, section: &Section, language: Language) {
    let value = |row: &Row| row.lines.iter().map(|line| line.in_language(language)).collect::<Vec<_>>().join("\n");
    line(text, section.rows.iter().map(value));
}

fn line(text: &mut String, values: impl Iterator<Item = String>) {
    text.push_str(&values.map(|value| cell(&value)).collect::<Vec<_>>().join(";"));
    text.push_str("\r\n");
}

/// A quoted cell. A spreadsheet reads a cell that begins with one of `= + - @`, a tab or a line break as a formula, also behind blanks: an
/// apostrophe before it makes it text.
#[must_use]
pub fn cell(value: &str) -> String {
    let is_formula = |character: char| matches!(character, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠');
    let begins = value.starts_with(is_formula) || value.trim_start().starts_with(is_formula);
    let guard = if begins { "'" } else { "" };
    format!("\"{guard}{}\"", value.replace('"', "\"\""))
}
