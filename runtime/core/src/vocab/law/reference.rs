//! `docs/reference/law.md`: every row, also those that no longer hold. Pure: text out.

use std::fmt::Write as _;

use super::{Row, rows};

/// The page as Markdown.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Law\n\n<!-- Generated from runtime/core/src/vocab/law/*.toml. Do not edit. -->\n\n\
         What hub's rules take from statutes, decisions and judgments, with the days on which it holds. A rule asks for the value on a day, so a\n\
         change of law is a change of these rows. Not legal advice. `hub law` lists what is in force and what is due for review.\n\n\
         | Id | Value | Unit | Meaning | Source | From | To | Reviewed | Note |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows() {
        line(&mut page, row);
    }
    page
}

fn line(page: &mut String, row: &Row) {
    let last = row.valid_to.map(|day| day.to_string()).unwrap_or_default();
    let note = row.note.as_deref().unwrap_or_default();
    let Row { id, value, text, source, valid_from, reviewed, .. } = row;
    // Writing to a String cannot fail.
    let _ = writeln!(page, "| `{id}` | {value} | {} | {text} | {source} | {valid_from} | {last} | {reviewed} | {note} |", row.unit.word());
}
