//! A draft of a sheet for the Standard Data Protection Model: for each activity the seven goals, with what the manifest does for each and what is open.
//! Judges no need of protection and no risk.

use super::register::Register;
use super::sheet::{Document, Row, Section};
use super::text::Text;
use super::words::Word;

const GOALS: [Word; 7] = [
    Word::Minimisation,
    Word::Availability,
    Word::Integrity,
    Word::Confidentiality,
    Word::Unlinkability,
    Word::Transparency,
    Word::Intervenability,
];

/// The sheet: one section for each activity.
#[must_use]
pub fn document(register: &Register) -> Document {
    let sections = register.entries.iter().map(|entry| {
        let of = |goal: &Word| {
            let name = Text::word(*goal);
            entry.measures.iter().filter(|measures| measures.goal == name).flat_map(|measures| measures.measures.iter().cloned()).collect()
        };
        let mut rows: Vec<Row> = GOALS.iter().map(|goal| Row::new(*goal, of(goal), Word::NoMeasure)).collect();
        rows.push(Row::new(Word::OwnMeasures, of(&Word::OwnMeasures), Word::None));
        Section { title: Text::same(&entry.name), rows }
    });
    Document {
        title: Text::word(Word::SheetTitle),
        about: vec![Text::with(Word::DraftByMachine, &[&register.digest, &register.as_of]), Text::word(Word::SheetScope)],
        sections: sections.collect(),
    }
}
