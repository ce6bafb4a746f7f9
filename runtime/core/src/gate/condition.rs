//! What a record must meet to be delivered, beyond its schema: a filter, a consent, an age. Judged with the values of a few of its fields, which need not pass.
//!
//! A record that does not meet a condition is left out and counted by its reason; the cursor goes on.

use std::sync::Arc;

use super::json::Token;
use super::plan::{PlanError, PlannedCondition};
use crate::consent::{Consents, Standing};
use crate::date::{Date, Period};
use crate::manifest::{Expression, Test};
use crate::problem::Code;
use crate::record::FieldPath;

mod filter;

/// The greatest number of fields that the conditions of a flow ask for.
pub const MAX_ASKED: usize = 32;

/// Why a record is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The flow's filter does not take it.
    Filter,
    /// The ledger holds no valid consent of the person.
    ConsentMissing,
    /// The person withdrew.
    ConsentWithdrawn,
    /// It is past the limit of its retention.
    OverAge,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Filter, Self::ConsentMissing, Self::ConsentWithdrawn, Self::OverAge];

    /// `consent-missing`: as logs and summaries write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::ConsentMissing => "consent-missing",
            Self::ConsentWithdrawn => "consent-withdrawn",
            Self::OverAge => "over-age",
        }
    }

    /// The rule that denies. None: the flow never wanted the record.
    #[must_use]
    pub const fn code(self) -> Option<Code> {
        match self {
            Self::Filter => None,
            Self::ConsentMissing | Self::ConsentWithdrawn => Some(Code::E206),
            Self::OverAge => Some(Code::E212),
        }
    }
}

/// A limit of storage, counted from a day that stands in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How long after it.
    pub period: Period,
    /// Counted from the end of its year.
    pub end_of_year: bool,
    /// What day it is.
    pub today: Date,
}

impl Limit {
    /// True if the day is so long ago that the record should be gone. A value that is no day limits nothing.
    fn is_over(&self, value: &str) -> bool {
        let Some(day) = value.get(..10).and_then(Date::parse) else { return false };
        let start = if self.end_of_year { day.end_of_year() } else { day };
        start.plus(self.period).is_some_and(|end| end < self.today)
    }
}

/// The conditions of a plan, with the fields that they ask for by their slots.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    /// Slot → field.
    pub(super) asked: Vec<FieldPath>,
    rules: Vec<Rule>,
}

#[derive(Debug)]
enum Rule {
    Filter(Compiled),
    Consent { slots: Vec<usize>, consents: Arc<Consents> },
    Age { slot: usize, limit: Limit },
}

/// A filter whose fields are slots.
#[derive(Debug)]
enum Compiled {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Test(usize, Test),
}

impl Conditions {
    /// Gives each field a slot. The error names the field that is one too many.
    pub(super) fn compile(planned: &[PlannedCondition]) -> Result<Self, PlanError> {
        let mut own = Self::default();
        for condition in planned {
            let rule = match condition {
                PlannedCondition::Filter(filter) => Rule::Filter(own.filter(&filter.expression)),
                PlannedCondition::Consent { fields, consents } => {
                    Rule::Consent { slots: fields.iter().map(|field| own.slot(field)).collect(), consents: consents.clone() }
                }
                PlannedCondition::Age { field, limit } => Rule::Age { slot: own.slot(field), limit: *limit },
            };
            own.rules.push(rule);
        }
        match own.asked.get(MAX_ASKED) {
            Some(path) => Err(PlanError { path: path.clone(), message: format!("conditions ask for more than {MAX_ASKED} fields") }),
            None => Ok(own),
        }
    }

    /// Who the record is about, where a ledger is asked: a record that passed names a person.
    pub(super) fn person<'a>(&self, value: &dyn Fn(usize) -> Option<Token<'a>>, scratch: &mut String) -> Option<[u8; 16]> {
        self.rules.iter().find_map(|rule| {
            let Rule::Consent { slots, consents } = rule else { return None };
            let mut person = consents.person();
            for slot in slots {
                person.add(value(*slot)?.text(scratch));
            }
            Some(person.tag())
        })
    }

    fn slot(&mut self, field: &FieldPath) -> usize {
        let known = self.asked.iter().position(|asked| asked == field);
        known.unwrap_or_else(|| {
            self.asked.push(field.clone());
            self.asked.len() - 1
        })
    }

    fn filter(&mut self, expression: &Expression) -> Compiled {
        match expression {
            Expression::All(parts) => Compiled::All(parts.iter().map(|part| self.filter(part)).collect()),
            Expression::Any(parts) => Compiled::Any(parts.iter().map(|part| self.filter(part)).collect()),
            Expression::Not(part) => Compiled::Not(Box::new(self.filter(part))),
            Expression::Test(field, test) => Compiled::Test(self.slot(field), test.clone()),
        }
    }

    /// The first condition that a record does not meet. `value` gives the scalar of a slot; absent and `null` are none.
    pub(super) fn unmet<'a>(&self, value: &dyn Fn(usize) -> Option<Token<'a>>, scratch: &mut String) -> Option<Reason> {
        self.rules.iter().find_map(|rule| match rule {
            Rule::Filter(compiled) => (compiled.holds(value, scratch) != Some(true)).then_some(Reason::Filter),
            Rule::Consent { slots, consents } => standing(slots, consents, value, scratch),
            Rule::Age { slot, limit } => {
                let is_over = value(*slot).is_some_and(|token| limit.is_over(token.text(scratch)));
                is_over.then_some(Reason::OverAge)
            }
        })
    }
}

/// Nobody can have consented who is not named: a record without a value there has no consent.
fn standing<'a>(slots: &[usize], consents: &Consents, value: &dyn Fn(usize) -> Option<Token<'a>>, scratch: &mut String) -> Option<Reason> {
    let mut person = consents.person();
    for slot in slots {
        let Some(token) = value(*slot) else { return Some(Reason::ConsentMissing) };
        person.add(token.text(scratch));
    }
    match consents.standing(person) {
        Standing::Given => None,
        Standing::Withdrawn => Some(Reason::ConsentWithdrawn),
        Standing::Missing => Some(Reason::ConsentMissing),
    }
}
