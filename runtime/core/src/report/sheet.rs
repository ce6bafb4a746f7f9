//! Documents as sections of rows, each with a heading and lines in both languages: what HTML, Markdown and CSV render. Knows no format.
//!
//! A row is never blank: [`Row::new`] takes the word that tells the absence.

mod cells;

use super::register::{Entry, Mandate, Register};
use super::text::{Parts, Text};
use super::words::Word;

/// A document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its title.
    pub title: Text,
    /// What is to be known of the whole.
    pub about: Vec<Text>,
    /// Its parts; in print each begins on a page of its own.
    pub sections: Vec<Section>,
}

/// A part of a document.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its title.
    pub title: Text,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A heading with what stands below it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The heading.
    pub heading: Word,
    /// At least one line, none of them blank.
    pub lines: Vec<Text>,
}

impl Row {
    /// A row; the word stands where there is no line.
    #[must_use]
    pub fn new(heading: Word, lines: Vec<Text>, absent: Word) -> Self {
        let mut lines: Vec<Text> = lines.into_iter().filter(|line| !line.de.trim().is_empty() && !line.en.trim().is_empty()).collect();
        if lines.is_empty() {
            lines.push(Text::word(absent));
        }
        Self { heading, lines }
    }
}

impl Register {
    /// The register as a document: its activities, hub's own, and what is done on behalf of others.
    #[must_use]
    pub fn document(&self) -> Document {
        let status = match self.current {
            Some(true) => Word::Current,
            Some(false) => Word::Drift,
            None => Word::NotObserved,
        };
        let mut about = vec![Text::with(Word::Version, &[&self.as_of, &self.version(), &self.digest]), Text::word(status)];
        about.extend(self.observation.iter().flat_map(cells::observation));
        let mut sections: Vec<Section> = self.entries.iter().enumerate().map(|(at, entry)| self.section(at + 1, entry)).collect();
        sections.push(self.own(self.entries.len() + 1));
        sections.extend(self.mandates.iter().map(|mandate| self.mandate(mandate)));
        if !self.changes.is_empty() {
            let rows = vec![Row::new(Word::ChangesOfManifest, self.changes.iter().rev().map(cells::changed).collect(), Word::None)];
            sections.push(Section { title: Text::word(Word::HistoryTitle), rows });
        }
        Document { title: Text::word(Word::RegisterTitle), about, sections }
    }

    fn version(&self) -> Text {
        self.version.as_ref().map_or_else(|| Text::word(Word::NoVersion), Text::same)
    }

    fn controllers(&self, joint: Vec<Text>) -> Vec<Row> {
        let who = &self.controller;
        let address = who.address.as_ref().map(Text::same);
        let mut line =
            address.into_iter().fold(Parts::new(Text::same(&who.name)), Parts::and).and(Text::with(Word::Contact, &[&who.contact]));
        line = line.maybe(Word::Authority, who.authority.as_ref().map(|text| text as _));
        let officer = who.officer.iter().map(|(name, email)| Text::with(Word::OnDay, &[name, email])).collect();
        vec![
            Row::new(Word::Controller, vec![line.line()], Word::NoneDeclared),
            Row::new(Word::JointController, joint, Word::None),
            Row::new(Word::Representative, who.representative.iter().map(Text::same).collect(), Word::NoRepresentative),
            Row::new(Word::Officer, officer, Word::NoneDeclared),
        ]
    }

    fn section(&self, number: usize, entry: &Entry) -> Section {
        let joint = entry.recipients.iter().filter(|recipient| recipient.role == "joint-controller").map(cells::recipient).collect();
        let changed = entry.changed.as_ref().map(|day| Text::with(Word::ChangedOn, &[day, &self.version(), &self.digest]));
        let undated = || Text::with(Word::ChangedOn, &[&Text::word(Word::NoneDeclared), &self.version(), &self.digest]);
        let name = Text::same(format!("{number}. {}", entry.name));
        let contact = Text::with(Word::Contact, &[&entry.contact]);
        let mut rows = vec![
            Row::new(Word::Name, std::iter::once(name.clone()).chain(entry.description.clone()).collect(), Word::NoneDeclared),
            Row::new(Word::Introduced, entry.introduced.iter().map(Text::same).collect(), Word::NoneDeclared),
            Row::new(Word::Changed, vec![changed.unwrap_or_else(undated)], Word::NoneDeclared),
            Row::new(Word::Department, entry.departments.iter().map(Text::same).chain([contact]).collect(), Word::NoneDeclared),
        ];
        rows.extend(self.controllers(joint));
        rows.extend(declared(entry));
        rows.extend([
            Row::new(Word::Impact, cells::impact(&entry.impact), Word::NoIndicator),
            Row::new(Word::Rights, entry.rights.iter().map(cells::rights).collect(), Word::NoneDeclared),
            Row::new(Word::Observed, entry.observed.iter().flat_map(cells::seen).collect(), Word::NotObserved),
            Row::new(Word::Deviations, entry.deviations.clone(), Word::None),
            Row::new(Word::Review, entry.reviews.iter().map(|(_, text)| text.clone()).collect(), Word::NoReview),
        ]);
        Section { title: name, rows }
    }

    /// What hub itself keeps: the audit log.
    fn own(&self, number: usize) -> Section {
        let name = Text::join([&Text::same(format!("{number}.")), &Text::word(Word::OwnName)], " ");
        let one = |heading, word| Row::new(heading, vec![Text::word(word)], Word::None);
        let changed = Text::with(Word::ChangedOn, &[&self.as_of, &self.version(), &self.digest]);
        let contact = Text::with(Word::Contact, &[&self.controller.contact]);
        let mut rows = vec![
            Row::new(Word::Name, vec![name.clone()], Word::NoneDeclared),
            one(Word::Introduced, Word::NoneDeclared),
            Row::new(Word::Changed, vec![changed], Word::NoneDeclared),
            Row::new(Word::Department, vec![contact], Word::NoneDeclared),
        ];
        rows.extend(self.controllers(Vec::new()));
        rows.extend([
            one(Word::Purposes, Word::OwnPurpose),
            one(Word::Basis, Word::OwnBasis),
            one(Word::Subjects, Word::OwnSubjects),
            one(Word::Categories, Word::OwnCategories),
            one(Word::Recipients, Word::NoRecipient),
            one(Word::Transfers, Word::NoTransfer),
            one(Word::Erasure, Word::NoneDeclared),
            one(Word::Measures, Word::OwnMeasure),
            one(Word::Systems, Word::OwnSystem),
            one(Word::Source, Word::OwnSource),
            one(Word::Impact, Word::OwnImpact),
            one(Word::Rights, Word::OwnSubjects),
            Row::new(Word::Observed, self.observation.iter().map(cells::covered).collect(), Word::NotObserved),
            one(Word::Deviations, Word::NoErasureOfLog),
            one(Word::Review, Word::NoReview),
        ]);
        Section { title: name, rows }
    }

    fn mandate(&self, mandate: &Mandate) -> Section {
        let client = Text::same(&mandate.on_behalf_of);
        let mut rows = vec![Row::new(Word::MandateController, vec![client.clone()], Word::NoneDeclared)];
        rows.extend(self.controllers(Vec::new()).into_iter().filter(|row| row.heading != Word::JointController).map(|row| {
            let heading = if row.heading == Word::Controller { Word::MandateProcessor } else { row.heading };
            Row { heading, ..row }
        }));
        let kinds = mandate.kinds.iter().map(|kind| kind.name.clone()).collect();
        rows.extend([
            Row::new(Word::MandateKinds, kinds, Word::None),
            Row::new(Word::Transfers, mandate.transfers.iter().map(cells::transfer).collect(), Word::NoTransfer),
            Row::new(Word::Measures, cells::measures(&mandate.measures), Word::NoneDeclared),
            Row::new(Word::Systems, mandate.systems.iter().map(|system| system.name.clone()).collect(), Word::NoneDeclared),
        ]);
        Section { title: Text::join([&Text::word(Word::MandateTitle), &client], ": "), rows }
    }
}

fn declared(entry: &Entry) -> Vec<Row> {
    let absent = if entry.categories.is_empty() { Word::NoPersonalData } else { Word::NoneDeclared };
    let subjects = entry.subjects.iter().map(|subject| subject.name.clone());
    let persons = entry.persons.iter().map(|(stream, persons)| Text::with(Word::About, &[&persons.to_string(), stream]));
    vec![
        Row::new(Word::Purposes, entry.purposes.iter().flat_map(cells::purpose).collect(), Word::NoneDeclared),
        Row::new(Word::Basis, entry.purposes.iter().map(cells::basis).collect(), Word::NoneDeclared),
        Row::new(Word::Subjects, subjects.chain(persons).collect(), absent),
        Row::new(Word::Categories, entry.categories.iter().map(cells::category).collect(), Word::NoPersonalData),
        Row::new(Word::Recipients, entry.recipients.iter().flat_map(cells::recipients).collect(), Word::NoRecipient),
        Row::new(Word::Transfers, entry.transfers.iter().map(cells::transfer).collect(), Word::NoTransfer),
        Row::new(Word::Erasure, entry.periods.iter().map(|period| period.text.clone()).collect(), absent),
        Row::new(Word::Measures, cells::measures(&entry.measures), Word::NoneDeclared),
        Row::new(Word::Systems, cells::systems(entry), Word::NoneDeclared),
        Row::new(Word::Source, entry.sources.iter().map(cells::source).collect(), absent),
    ]
}

pub(super) use cells::{basis, source, transfer_briefly};
