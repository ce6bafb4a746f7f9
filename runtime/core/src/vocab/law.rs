//! Law as dated data: what a statute, a decision or a court said, from when to when, and when somebody last looked (`law/*.toml`).
//!
//! A rule asks for the value on a day and has no number of its own. Nothing here interprets, counts deadlines or knows today.

mod data;
mod reference;

use std::sync::LazyLock;

use crate::date::{Date, Period};

pub use reference::reference_page;

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(data::shipped);

/// The scope of an adequacy decision that asks nothing of the recipient.
const WHOLE: &str = "whole";

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// An ISO 8601 duration of years, months and days.
    Period,
    /// Whole hours.
    Hours,
    /// A number of people.
    Persons,
    /// What an adequacy decision covers: `whole`, or a scheme.
    Scope,
    /// An ISO 3166-1 code of two letters.
    Country,
    /// A module of the standard contractual clauses.
    Module,
    /// A legal act.
    Instrument,
    /// A word that a rule knows.
    Rule,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 8] =
        [Self::Period, Self::Hours, Self::Persons, Self::Scope, Self::Country, Self::Module, Self::Instrument, Self::Rule];

    /// The word that the files write.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Period => "period",
            Self::Hours => "hours",
            Self::Persons => "persons",
            Self::Scope => "scope",
            Self::Country => "country",
            Self::Module => "module",
            Self::Instrument => "instrument",
            Self::Rule => "rule",
        }
    }
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `deadline.request`. Several rows share one if the law changed; no two of them hold on the same day.
    pub id: String,
    /// `P1M`, `72`, `DPF`.
    pub value: String,
    /// What the value is.
    pub unit: Unit,
    /// What it means, in English.
    pub text: String,
    /// The statute, decision or judgment.
    pub source: String,
    /// The first day on which it holds.
    pub valid_from: Date,
    /// The last day on which it holds, if it has one.
    pub valid_to: Option<Date>,
    /// When somebody last compared it with the source.
    pub reviewed: Date,
    /// How long that is good for.
    pub review_every: Period,
    /// What else is to be known, such as a pending reform. Changes nothing.
    pub note: Option<String>,
}

impl Row {
    /// True if it holds on this day.
    #[must_use]
    pub fn holds_on(&self, day: Date) -> bool {
        self.valid_from <= day && !self.ended_before(day)
    }

    fn ended_before(&self, day: Date) -> bool {
        self.valid_to.is_some_and(|last| last < day)
    }

    /// The day on which somebody has to look again: when the review is too old, or on the last day of validity, whichever comes first.
    #[must_use]
    pub fn due(&self) -> Date {
        let aged = self.reviewed.plus(self.review_every).unwrap_or(self.reviewed);
        self.valid_to.map_or(aged, |last| last.min(aged))
    }
}

/// Whether a country's law was found adequate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adequacy {
    /// No decision up to this day.
    Never,
    /// There was one, but it holds no more.
    Ended {
        /// Its last day.
        on: Date,
    },
    /// There is one.
    InForce {
        /// The scheme that the recipient must belong to, which needs evidence; none if the decision covers every recipient.
        scope: Option<&'static str>,
        /// Its last day, if it has one.
        valid_to: Option<Date>,
    },
}

/// Every row, sorted by id, then by first day.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter()
}

/// The rows that hold on a day, sorted by id.
pub fn in_force(day: Date) -> impl Iterator<Item = &'static Row> {
    rows().filter(move |row| row.holds_on(day))
}

/// The row with this id that holds on a day.
#[must_use]
pub fn row(id: &str, day: Date) -> Option<&'static Row> {
    in_force(day).find(|row| row.id == id)
}

/// The value with this id on a day, as text.
#[must_use]
pub fn value(id: &str, day: Date) -> Option<&'static str> {
    row(id, day).map(|row| row.value.as_str())
}

/// The duration with this id on a day. None if there is none, or if the value is no duration.
#[must_use]
pub fn period(id: &str, day: Date) -> Option<Period> {
    row(id, day).filter(|row| row.unit == Unit::Period).and_then(|row| Period::parse(&row.value))
}

/// The number with this id on a day: hours, persons or a module. None if there is none, or if the value is no number.
#[must_use]
pub fn number(id: &str, day: Date) -> Option<u32> {
    row(id, day).and_then(|row| row.value.parse().ok())
}

/// What was decided about a country (an ISO 3166-1 code of two letters, upper case), as of a day.
#[must_use]
pub fn adequacy(country: &str, day: Date) -> Adequacy {
    let decisions = rows().filter(|row| row.id.strip_prefix("adequacy.") == Some(country));
    let mut answer = Adequacy::Never;
    for row in decisions.filter(|row| row.valid_from <= day) {
        answer = match row.valid_to {
            Some(last) if last < day => Adequacy::Ended { on: last },
            valid_to => Adequacy::InForce { scope: Some(row.value.as_str()).filter(|scope| *scope != WHOLE), valid_to },
        };
    }
    answer
}

/// True if the country (an ISO 3166-1 code of two letters, upper case) is in the European Economic Area on a day.
#[must_use]
pub fn is_eea(country: &str, day: Date) -> bool {
    in_force(day).any(|row| row.id.strip_prefix("eea.") == Some(country))
}

/// True if a country is a member of the European Union on a day. The Area has three members more, where the GDPR holds by decision of its Joint Committee.
#[must_use]
pub fn is_eu(country: &str, day: Date) -> bool {
    in_force(day).any(|row| row.id.strip_prefix("eea.") == Some(country) && row.source.contains("Treaty on European Union"))
}

/// The rows that somebody has to look at again by a day, the most urgent first: those that are not over whose review is too old or whose
/// last day has come, and those that ended without another in their place.
#[must_use]
pub fn due_for_review(day: Date) -> Vec<&'static Row> {
    let replaced = |row: &Row| rows().any(|other| other.id == row.id && other.valid_from > row.valid_from);
    let mut due: Vec<&Row> = rows().filter(|row| row.due() <= day && !(row.ended_before(day) && replaced(row))).collect();
    due.sort_by_key(|row| row.due());
    due
}

#[cfg(test)]
mod tests;
