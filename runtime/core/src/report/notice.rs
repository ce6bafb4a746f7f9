//! Notices for data subjects, Art. 13 and 14 GDPR: fragments for a website or a letter, one for each activity and language.
//!
//! Each begins with a comment that carries the manifest's digest, so that a stale one can be found. What the manifest does not say stays out or
//! is told as not stated; nothing is made up.

use std::collections::BTreeSet;

use super::html;
use super::markdown;
use super::register::{Entry, Purpose, Register};
use super::sheet::{self, Document, Row, Section};
use super::text::{Parts, Text};
use super::words::Word;
use crate::manifest::Language;

/// A right of a data subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Art. 15.
    Access,
    /// Art. 16.
    Rectify,
    /// Art. 17.
    Erase,
    /// Art. 18.
    Restrict,
    /// Art. 20: consent or contract only.
    Portability,
    /// Art. 21: public task or legitimate interest only.
    Object,
    /// Art. 7(3): consent only.
    Withdraw,
    /// Art. 22(3): where a machine alone decides.
    Human,
    /// Art. 77.
    Complain,
}

impl Right {
    fn word(self) -> Word {
        match self {
            Self::Access => Word::RightAccess,
            Self::Rectify => Word::RightRectify,
            Self::Erase => Word::RightErase,
            Self::Restrict => Word::RightRestrict,
            Self::Portability => Word::RightPortability,
            Self::Object => Word::RightObject,
            Self::Withdraw => Word::RightWithdraw,
            Self::Human => Word::RightHuman,
            Self::Complain => Word::RightComplain,
        }
    }
}

/// The rights that the bases of these purposes give.
#[must_use]
pub fn rights(purposes: &[Purpose]) -> BTreeSet<Right> {
    let mut found = BTreeSet::from([Right::Access, Right::Rectify, Right::Erase, Right::Restrict, Right::Complain]);
    for purpose in purposes {
        let by_basis: &[Right] = match purpose.art6 {
            'a' => &[Right::Portability, Right::Withdraw],
            'b' => &[Right::Portability],
            'e' | 'f' => &[Right::Object],
            _ => &[],
        };
        found.extend(by_basis);
        found.extend(purpose.automated.as_ref().map(|_| Right::Human));
    }
    found
}

/// A notice.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The activity's name.
    pub activity: String,
    /// Hex SHA-256 of the manifest that it was made from.
    pub digest: String,
    /// What it says.
    pub section: Section,
}

/// The notices of all activities, in the order of the register.
#[must_use]
pub fn notices(register: &Register) -> Vec<Notice> {
    register.entries.iter().map(|entry| notice(register, entry)).collect()
}

fn notice(register: &Register, entry: &Entry) -> Notice {
    let mut rows = who(register);
    rows.extend(why(entry));
    rows.extend(whither(register, entry));
    rows.extend([
        Row::new(Word::Erasure, entry.periods.iter().map(|period| period.text.clone()).collect(), Word::NoneDeclared),
        Row::new(Word::YourRights, your_rights(register, entry), Word::NoneDeclared),
        Row::new(Word::Obligation, entry.purposes.iter().map(obligation).collect(), Word::NoneDeclared),
        Row::new(Word::AutomatedDecisions, automated(entry), Word::NoAutomated),
    ]);
    rows.extend(indirect(entry));
    let section = Section { title: Text::with(Word::NoticeTitle, &[&entry.name]), rows };
    Notice { activity: entry.name.clone(), digest: register.digest.clone(), section }
}

fn who(register: &Register) -> Vec<Row> {
    let controller = &register.controller;
    let address = controller.address.iter().map(Text::same);
    let line = address.fold(Parts::new(Text::same(&controller.name)), Parts::and).and(Text::with(Word::Contact, &[&controller.contact]));
    let representative: Vec<Text> = controller.representative.iter().map(Text::same).collect();
    let officer: Vec<Text> = controller.officer.iter().map(|(name, email)| Text::with(Word::OnDay, &[name, email])).collect();
    let optional = [(Word::Representative, representative), (Word::Officer, officer)];
    let told = optional.into_iter().filter(|(_, lines)| !lines.is_empty());
    std::iter::once(Row::new(Word::Controller, vec![line.line()], Word::NoneDeclared))
        .chain(told.map(|(heading, lines)| Row::new(heading, lines, Word::NoneDeclared)))
        .collect()
}

fn why(entry: &Entry) -> [Row; 2] {
    let purposes = entry.purposes.iter().map(|purpose| purpose.purpose.name.clone()).collect();
    [
        Row::new(Word::Purposes, purposes, Word::NoneDeclared),
        Row::new(Word::Basis, entry.purposes.iter().map(sheet::basis).collect(), Word::NoneDeclared),
    ]
}

/// Names of recipients: contracts and their dates are the operator's own matter.
fn whither(register: &Register, entry: &Entry) -> [Row; 2] {
    let mut recipients = Vec::new();
    for recipient in &entry.recipients {
        let name = recipient.legal_name.as_ref().map_or_else(|| recipient.system.name.clone(), Text::same);
        match recipient.role {
            "processor" => recipients.push(Text::with(Word::Processor, &[&name])),
            "separate-controller" => recipients.push(Text::with(Word::SeparateController, &[&name])),
            "joint-controller" => recipients.push(Text::with(Word::Joint, &[&name])),
            _ => {}
        }
        let helpers = recipient.contract.iter().flat_map(|contract| &contract.subprocessors);
        recipients.extend(helpers.map(|(name, country, _)| Text::with(Word::Subprocessor, &[name, country])));
    }
    let mut transfers: Vec<Text> = entry.transfers.iter().map(sheet::transfer_briefly).collect();
    if !transfers.is_empty() {
        transfers.push(Text::with(Word::Safeguard, &[&register.controller.contact]));
    }
    [Row::new(Word::Recipients, recipients, Word::NoRecipient), Row::new(Word::Transfers, transfers, Word::NoTransfer)]
}

fn your_rights(register: &Register, entry: &Entry) -> Vec<Text> {
    let mut lines: Vec<Text> = rights(&entry.purposes)
        .into_iter()
        .map(|right| {
            let authority = register.controller.authority.as_ref().filter(|_| right == Right::Complain);
            Parts::new(Text::word(right.word())).maybe(Word::Authority, authority.map(|text| text as _)).line()
        })
        .collect();
    lines.extend(entry.purposes.iter().filter_map(|purpose| Some(Text::with(Word::WayToObject, &[purpose.objection.as_ref()?]))));
    lines
}

fn obligation(purpose: &Purpose) -> Text {
    let word = match purpose.art6 {
        'b' => Word::ByContract,
        'c' => Word::ByLaw,
        _ => Word::Voluntary,
    };
    Text::with(word, &[&purpose.purpose.name])
}

fn automated(entry: &Entry) -> Vec<Text> {
    let told = |purpose: &Purpose| Some(Text::with(Word::Automated, &[&purpose.purpose.name, purpose.automated.as_ref()?]));
    let profiled = |purpose: &&Purpose| purpose.profiling;
    let profiling = entry.purposes.iter().filter(profiled).map(|purpose| Text::with(Word::Profiling, &[&purpose.purpose.name]));
    entry.purposes.iter().filter_map(told).chain(profiling).collect()
}

/// What Art. 14 adds where data comes from somebody else, or where nothing says from whom.
fn indirect(entry: &Entry) -> Vec<Row> {
    let foreign: Vec<Text> = entry.sources.iter().filter(|source| source.article != Some(13)).map(sheet::source).collect();
    if foreign.is_empty() {
        return Vec::new();
    }
    let categories = entry.categories.iter().map(|category| category.category.name.clone()).collect();
    vec![Row::new(Word::NoticeIndirect, foreign, Word::NoneDeclared), Row::new(Word::Categories, categories, Word::NoPersonalData)]
}

impl Notice {
    /// Where a page can point: letters, digits and hyphens.
    #[must_use]
    pub fn anchor(&self, language: Language) -> String {
        let plain = |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' };
        let name: String = self.activity.chars().map(plain).collect();
        let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
        format!("hub-notice-{}-{}", words.join("-"), language.word())
    }

    fn marker(&self, language: Language) -> String {
        format!("<!-- hub-notice {} sha256:{} -->\n", self.anchor(language), self.digest)
    }

    /// A fragment of HTML without styles.
    #[must_use]
    pub fn html(&self, language: Language) -> String {
        let row =
            |row: &Row| format!("<dt>{}</dt>\n<dd>{}</dd>\n", html::escape(row.heading.text(language)), html::lines(&row.lines, language));
        let rows: String = self.section.rows.iter().map(row).collect();
        let title = html::escape(self.section.title.in_language(language));
        let (anchor, word) = (self.anchor(language), language.word());
        format!("{}<section id=\"{anchor}\" lang=\"{word}\">\n<h2>{title}</h2>\n<dl>\n{rows}</dl>\n</section>\n", self.marker(language))
    }

    /// A fragment of Markdown.
    #[must_use]
    pub fn markdown(&self, language: Language) -> String {
        let document = Document { title: self.section.title.clone(), about: Vec::new(), sections: Vec::new() };
        let mut text = self.marker(language);
        text.push_str(&format!("<a id=\"{}\"></a>\n\n", self.anchor(language)));
        text.push_str(&markdown::render(&document, language));
        for row in &self.section.rows {
            markdown::row(&mut text, row, language);
        }
        text
    }
}
