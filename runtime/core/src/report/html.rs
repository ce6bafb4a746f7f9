//! Documents as one HTML file: no script, nothing loaded from elsewhere, everything escaped, one section on each printed page.

use super::sheet::{Document, Row, Section};
use super::text::Text;
use crate::manifest::Language;

const STYLE: &str = "
:root { color-scheme: light }
body { font: 10pt/1.4 'Liberation Sans', Arial, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #111 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
table { border-collapse: collapse; width: 100%; table-layout: fixed }
th, td { border: 1px solid #999; padding: .3rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere }
th { width: 24%; background: #f2f2f2; font-weight: 600; hyphens: auto }
ul { margin: 0; padding-left: 1.1rem }
p { overflow-wrap: anywhere }
@page { size: A4 portrait; margin: 15mm }
@media print {
  body { font-size: 8.5pt; margin: 0; max-width: none; padding: 0 }
  section { break-before: page }
  section h2 { margin-top: 0 }
  tr { break-inside: avoid-page }
  thead { display: table-header-group }
}
";

/// The whole document.
#[must_use]
pub fn render(document: &Document, language: Language) -> String {
    let title = escape(document.title.in_language(language));
    let about: String = document.about.iter().map(|text| format!("<p>{}</p>\n", escape(text.in_language(language)))).collect();
    let sections: String = document.sections.iter().map(|part| section(part, language)).collect();
    format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{about}{sections}</body>\n</html>\n",
        language.word()
    )
}

fn section(section: &Section, language: Language) -> String {
    let rows: String = section.rows.iter().map(|part| row(part, language)).collect();
    format!("<section>\n<h2>{}</h2>\n<table>\n{rows}</table>\n</section>\n", escape(section.title.in_language(language)))
}

fn row(row: &Row, language: Language) -> String {
    format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape(row.heading.text(language)), lines(&row.lines, language))
}

/// One line as it is, several as a list.
pub(super) fn lines(lines: &[Text], language: Language) -> String {
    match lines {
        [only] => escape(only.in_language(language)),
        lines => {
            let items: String = lines.iter().map(|line| format!("<li>{}</li>", escape(line.in_language(language)))).collect();
            format!("<ul>{items}</ul>")
        }
    }
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
