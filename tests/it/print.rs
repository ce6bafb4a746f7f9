//! The register on paper: opened and printed by Chromium, if this machine has one. Without it the test says so and looks at nothing.

use std::path::Path;

use serde_json::{Value, json};

use super::examples::with_examples;
use crate::support::program::Program;

const EXPORT: [&str; 7] = ["register", "export", "examples/nordwerk/manifest.toml", "--at", "2026-11-23", "--lang", "de"];
/// A4 less the margins of the page, in CSS pixels.
const WIDTH: u32 = 680;
/// What the law wants in each entry, as the German register heads it.
const MANDATORY: [&str; 9] = [
    "Nr. und Bezeichnung",
    "Verantwortlicher",
    "Datenschutzbeauftragte Person",
    "Zwecke der Verarbeitung",
    "Kategorien betroffener Personen",
    "Kategorien personenbezogener Daten",
    "Kategorien von Empfängern",
    "Löschfristen",
    "Technische und organisatorische Maßnahmen",
];
/// Runs in a copy of the page: the page itself has no script. Leaves what it found as text.
const LOOK: &str = r#"<script>
const boxes = [...document.querySelectorAll("body, section, table, th, td, p, li, h1, h2")];
const wide = boxes.filter(box => box.scrollWidth > box.clientWidth + 1 && box.clientWidth > 0).map(box => box.tagName + ": " + box.textContent.slice(0, 80));
const sections = [...document.querySelectorAll("section")].map(section => ({
  title: section.querySelector("h2").textContent,
  rows: [...section.querySelectorAll("tbody tr")].map(row => [row.querySelector("th").textContent.trim(), row.querySelector("td").textContent.trim()]),
}));
const heading = document.querySelector("tbody th").clientWidth / document.querySelector("table").clientWidth;
const root = document.documentElement;
const found = { scroll: root.scrollWidth, client: root.clientWidth, heading, wide, sections };
document.body.innerHTML = "";
document.body.appendChild(Object.assign(document.createElement("pre"), { id: "found", textContent: btoa(unescape(encodeURIComponent(JSON.stringify(found)))) }));
</script>"#;

/// Chromium's name here, or the reason why nothing is printed.
fn chromium(program: &Program) -> Option<&'static str> {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| program.shell(&format!("command -v {name}")).code == Some(0));
    if found.is_none() {
        println!("SKIPPED: no chromium in PATH, so the register was not printed (Debian: apt-get install chromium)");
    }
    found
}

fn browse(program: &Program, chromium: &str, arguments: &str) -> String {
    let quiet = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run";
    program.shell(&format!("timeout 120 {chromium} {quiet} --user-data-dir=profile {arguments}")).ends(0).stdout
}

/// What a page is like at the width of the paper, with the rules for print in force.
fn look(program: &Program, chromium: &str, page: &str) -> Value {
    let policy = page.lines().find(|line| line.contains("Content-Security-Policy")).expect("the page forbids scripts");
    let copy = page.replace(policy, "").replace("@media print", "@media all").replace("</body>", &format!("{LOOK}</body>"));
    program.write("look.html", copy);
    let shown = browse(program, chromium, &format!("--window-size={WIDTH},1000 --dump-dom look.html"));
    let (_, found) = shown.split_once("<pre id=\"found\">").unwrap_or_else(|| panic!("the script did not run: {shown}"));
    let found = data_encoding::BASE64.decode(found.split_once("</pre>").unwrap().0.as_bytes()).unwrap();
    serde_json::from_slice(&found).unwrap()
}

/// Number of pages, and their sizes in points as the file writes them.
fn pages(pdf: &Path) -> (usize, Vec<String>) {
    let bytes = std::fs::read(pdf).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    let text = String::from_utf8_lossy(&bytes);
    let count = text.matches("/Type /Page").count() - text.matches("/Type /Pages").count();
    let mut sizes: Vec<String> = text.split("/MediaBox [").skip(1).filter_map(|rest| Some(rest.split_once(']')?.0.to_owned())).collect();
    sizes.dedup();
    (count, sizes)
}

#[test]
fn the_register_of_the_example_has_every_column() {
    let program = with_examples();
    let document = program.run(&[&EXPORT[..], &["--format", "json"]].concat()).ends(0).json();
    let entries = document["register"]["entries"].as_array().unwrap();
    let flows: usize = entries.iter().map(|entry| entry["flows"].as_array().unwrap().len()).sum();
    assert_eq!((entries.len(), flows), (5, 7));
    let page = program.run(&EXPORT).ends(0).stdout;
    for heading in MANDATORY {
        assert_eq!(page.matches(&format!("<th scope=\"row\">{heading}</th>")).count(), 6, "{heading}: five activities and hub's own");
    }
    assert!(!page.contains("<td></td>") && !page.contains("<li></li>") && !page.contains("<script"));
}

#[test]
fn the_register_is_printed_without_overflow() {
    let program = with_examples();
    let Some(chromium) = chromium(&program) else { return };
    let page = program.run(&EXPORT).ends(0).stdout;
    let found = look(&program, chromium, &page);
    assert_eq!(found["wide"], json!([]), "nothing is wider than its box");
    assert!(found["scroll"].as_u64().unwrap() <= u64::from(WIDTH) && found["client"] == json!(WIDTH), "{found:#}");
    assert!((0.2..0.35).contains(&found["heading"].as_f64().unwrap()), "headings leave the room to what they head: {found:#}");
    let sections = found["sections"].as_array().unwrap();
    assert_eq!(sections.iter().filter(|section| section["title"].as_str().unwrap().contains("VT-0")).count(), 5);
    let rows = |section: &Value| -> Vec<(String, String)> { serde_json::from_value(section["rows"].clone()).unwrap() };
    for section in sections {
        let rows = rows(section);
        assert!(rows.iter().all(|(_, cell)| !cell.is_empty()), "a blank cell: {section:#}");
        assert!(MANDATORY.iter().all(|heading| rows.iter().any(|(own, _)| own == heading)), "{section:#}");
    }
    let flows = sections.iter().flat_map(rows).map(|(_, cell)| cell.matches("Fluss ").count()).sum::<usize>();
    assert!(flows >= 7, "each flow is named");

    program.write("register.html", &page);
    browse(&program, chromium, "--no-pdf-header-footer --print-to-pdf=register.pdf register.html");
    let (count, sizes) = pages(&program.path("register.pdf"));
    println!("{count} pages of {sizes:?} points");
    assert!(count >= sections.len() && count < 30, "each activity begins on a page of its own: {count}");
    assert!(sizes.iter().all(|size| size.starts_with("0 0 59") && size.contains(" 84")), "A4: {sizes:?}");
}

#[test]
fn long_names_do_not_leave_the_paper() {
    let program = with_examples();
    let Some(chromium) = chromium(&program) else { return };
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2);
    let manifest = program.read(EXPORT[2]).replace("Nordwerk Anlagenbau GmbH", &long).replace("VT-01 Kundenstamm", &long);
    program.write(EXPORT[2], manifest);
    let found = look(&program, chromium, &program.run(&EXPORT).ends(0).stdout);
    assert_eq!(found["wide"], json!([]));
}
