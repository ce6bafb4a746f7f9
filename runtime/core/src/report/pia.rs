//! A draft of an impact assessment in the form that CNIL's PIA tool imports: its questions by their numbers, answered with what the register knows.
//!
//! What only people can answer (necessity, risks, gauges) stays empty, and no answer is evaluated. The tool shows answers as HTML: everything is escaped.

use serde_json::{Value, json};

use super::html::escape;
use super::register::{Entry, Register};
use super::sheet::Section;
use super::text::Text;
use super::words::Word;
use crate::manifest::Language;

/// Questions of the tool by number, and the rows of the register that answer them.
const ANSWERS: [(u32, &[Word]); 16] = [
    (111, &[Word::Name, Word::Purposes]),
    (112, &[Word::Controller, Word::JointController, Word::Department, Word::Recipients]),
    (121, &[Word::Categories, Word::Subjects, Word::Recipients, Word::Erasure]),
    (122, &[Word::Source, Word::Systems, Word::Erasure]),
    (123, &[Word::Systems]),
    (211, &[Word::Purposes]),
    (212, &[Word::Basis]),
    (213, &[Word::Categories]),
    (215, &[Word::Erasure]),
    (221, &[]),
    (222, &[Word::Basis]),
    (223, &[Word::Rights]),
    (224, &[Word::Rights]),
    (225, &[Word::Rights]),
    (226, &[Word::Recipients]),
    (227, &[Word::Transfers]),
];

/// The draft for one activity. None if the register has none of this name.
#[must_use]
pub fn render(register: &Register, activity: &str, language: Language) -> Option<Value> {
    let at = register.entries.iter().position(|entry| entry.name == activity)?;
    let (entry, document) = (register.entries.get(at)?, register.document());
    let section = document.sections.get(at)?;
    let day = format!("{}T00:00:00.000Z", register.as_of);
    let answers: Vec<Value> = (1..)
        .zip(ANSWERS)
        .map(|(id, (question, rows))| {
            json!({
                "pia_id": 1, "id": id, "reference_to": question, "created_at": day,
                "data": { "text": answer(section, rows, language), "gauge": null, "list": [] },
            })
        })
        .collect();
    let short = register.digest.get(..12).unwrap_or_default();
    let draft = Text::with(Word::DraftByMachine, &[&short, &register.as_of]);
    Some(json!({
        "pia": {
            "id": 1, "status": 0, "is_example": 0, "is_archive": 0, "progress": 0, "structure_id": "", "category": draft.in_language(language),
            "name": entry.name, "author_name": "", "evaluator_name": "", "validator_name": "", "created_at": day, "updated_at": day,
        },
        "answers": answers,
        "measures": measures(entry, language, &day),
        "evaluations": [],
        "comments": [],
    }))
}

/// Headings and lines of rows.
fn answer(section: &Section, rows: &[Word], language: Language) -> String {
    if rows.is_empty() {
        return escape(Word::NoticeOfActivity.text(language));
    }
    let told = rows.iter().filter_map(|heading| section.rows.iter().find(|row| row.heading == *heading)).map(|row| {
        let lines: String = row.lines.iter().map(|line| format!("<li>{}</li>", escape(line.in_language(language)))).collect();
        format!("<p>{}</p><ul>{lines}</ul>", escape(row.heading.text(language)))
    });
    told.collect()
}

fn measures(entry: &Entry, language: Language, day: &str) -> Vec<Value> {
    let measure = |(id, goal): (u32, &super::register::Measures)| {
        let lines: Vec<String> = goal.measures.iter().map(|line| escape(line.in_language(language))).collect();
        json!({
            "pia_id": 1, "id": id, "title": goal.goal.in_language(language), "content": lines.join("<br>"), "placeholder": "",
            "created_at": day,
        })
    };
    (1..).zip(&entry.measures).map(measure).collect()
}
