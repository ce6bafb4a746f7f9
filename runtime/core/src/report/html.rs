//! Documents as one HTML file: no script, nothing loaded from elsewhere, everything escaped, each section begins on a
//! printed page of its own and has its title on every page that it takes.

use super::sheet::{Document, Row, Section};
use super::text::Text;
use crate::date::Date;
use crate::manifest::Language;

const STYLE: &str = "
:root { color-scheme: light }
body { font: 10pt/1.4 'Liberation Sans', Arial, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #111 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 0 }
table { border-collapse: collapse; width: 100%; table-layout: fixed; margin-top: 2rem }
th, td { border: 1px solid #999; padding: .3rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere }
col:first-child { width: 26% }
th { background: #f2f2f2; font-weight: 600; hyphens: auto }
thead th { background: none; border: 0; padding: 0 0 .5rem }
ul { margin: 0; padding-left: 1.1rem } ul.contents { list-style: none; padding: 0 }
h1, p, li { overflow-wrap: anywhere }
time { white-space: nowrap }
@page { size: A4 portrait; margin: 15mm }
@media print {
  body { font-size: 8.5pt; margin: 0; max-width: none; padding: 0 1px }
  section { break-before: page }
  table { margin-top: 0 }
  tr, li { break-inside: avoid-page }
  thead { display: table-header-group }
}
";

/// The whole document.
#[must_use]
pub fn render(document: &Document, language: Language) -> String {
    let title = escape(document.title.in_language(language));
    let about: String = document.about.iter().map(|text| format!("<p>{}</p>\n", escape(text.in_language(language)))).collect();
    let contents = contents(document, language);
    let sections: String = document.sections.iter().map(|part| section(part, language)).collect();
    format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{about}{contents}{sections}</body>\n</html>\n",
        language.word()
    )
}

/// The titles of all sections, for what would else be a page with one line.
fn contents(document: &Document, language: Language) -> String {
    let titles: String = document.sections.iter().map(|part| format!("<li>{}</li>\n", escape(part.title.in_language(language)))).collect();
    if document.sections.len() < 2 { String::new() } else { format!("<ul class=\"contents\">\n{titles}</ul>\n") }
}

fn section(section: &Section, language: Language) -> String {
    let rows: String = section.rows.iter().map(|part| row(part, language)).collect();
    let title = escape(section.title.in_language(language));
    format!(
        "<section>\n<table>\n<colgroup><col><col></colgroup>\n<thead><tr><th colspan=\"2\" scope=\"colgroup\"><h2>{title}</h2></th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</section>\n"
    )
}

fn row(row: &Row, language: Language) -> String {
    format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape(row.heading.text(language)), lines(&row.lines, language))
}

/// One line as it is, several as a list.
pub(super) fn lines(lines: &[Text], language: Language) -> String {
    match lines {
        [only] => dated(&escape(only.in_language(language))),
        lines => {
            let items: String = lines.iter().map(|line| format!("<li>{}</li>", dated(&escape(line.in_language(language))))).collect();
            format!("<ul>{items}</ul>")
        }
    }
}

/// Escaped text with its days marked as such: a line does not break inside one.
fn dated(safe: &str) -> String {
    let mut marked = String::with_capacity(safe.len());
    let mut rest = safe;
    while let Some(first) = rest.chars().next() {
        let begins = !marked.ends_with(|last: char| last.is_alphanumeric() || last == '-');
        let day = rest.get(..10).filter(|day| begins && Date::parse(day).is_some());
        let length = day.map_or(first.len_utf8(), str::len);
        let (taken, left) = rest.split_at(length);
        let ends = !left.starts_with(|next: char| next.is_alphanumeric() || next == '-');
        match day.filter(|_| ends) {
            Some(day) => marked.extend(["<time>", day, "</time>"]),
            None => marked.push_str(taken),
        }
        rest = left;
    }
    marked
}

/// Text that is neither markup nor the end of an attribute. Control characters, which HTML forbids, become a blank.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            control if control.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}
