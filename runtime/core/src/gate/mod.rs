//! The single pass over a batch: compiled field plan, scanner, report. Pure; enforcement is the host's `gate`.

use std::collections::BTreeMap;
use std::fmt;

use crate::detect::Detector;
use crate::problem::Code;

mod bytes;
mod check;
mod condition;
mod fault;
mod held;
mod join;
mod json;
mod look;
mod number;
#[cfg(any(test, feature = "oracle"))]
pub mod oracle;
mod page;
mod plan;
mod scan;
mod tally;
#[cfg(test)]
mod tests;
mod watch;

pub use condition::{Limit, MAX_ASKED, Reason};
pub use held::{Held, MAX_HELD, MAX_HELD_BYTES};
pub use json::{MAX_DEPTH, MAX_NUMBER_BYTES, MAX_STRING_BYTES};
pub use look::Looking;
pub use page::{MAX_CONSTANTS, MAX_OBSERVED, PageOutcome};
pub use plan::{FieldPlan, MAX_KEY_PARTS, PlanError, PlanRequest, PlannedCondition, PlannedField, PlannedJoin};
pub use scan::{MAX_RECORD_BYTES, Mode};
pub use tally::{MAX_UNDECLARED_NAME_BYTES, MAX_UNDECLARED_PATHS, OTHER_PATHS, UNUSUAL_NAME};

/// What was seen of one field over a page, as JSON text. Only fields that are not personal are observed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Field path.
    pub field: String,
    /// Value in the first record that has one.
    pub first: Option<String>,
    /// Value in the last record that has one.
    pub last: Option<String>,
    /// Least value (numbers by size, texts by code point).
    pub min: Option<String>,
    /// Greatest value.
    pub max: Option<String>,
}

/// What was met in a batch: counts, places, the cursor. Calls for the same batch add up. It holds no value but the cursor's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Records that passed.
    pub accepted: u32,
    /// Records that were left out, by reason.
    pub rejected: BTreeMap<Code, u32>,
    /// Records that did not meet a condition, by reason.
    pub skipped: BTreeMap<Reason, u32>,
    /// Records that wait for people.
    pub held: Vec<Held>,
    /// How often values looked like something that their field may not hold, by path and detector; in passing and in held records.
    pub suspected: BTreeMap<(String, Detector), u64>,
    /// How often a field was met in passing records that nothing declares, by path. Array positions are never part of a path.
    pub undeclared: BTreeMap<String, u64>,
    /// The sum of `undeclared`.
    pub dropped_fields: u32,
    /// What was seen of the cursor field in passing records. Never shown: the field may be personal.
    pub cursor: Option<Observed>,
    /// The first 16 bytes of SHA-256 over the primary key of each passing record, in their order; empty unless the plan asks for it.
    pub keys: Vec<[u8; 16]>,
    /// Whose consent each passing record rests on, in their order, as [`crate::consent::Consents`] names persons; empty unless the plan asks for it.
    pub persons: Vec<[u8; 16]>,
}

impl ScanReport {
    /// Hints at special categories, by field and kind: they warn and hold nothing back.
    pub fn hints(&self) -> impl Iterator<Item = (String, u64)> {
        let special = self.suspected.iter().filter(|((_, detector), _)| detector.is_special());
        special.map(|((path, detector), count)| (place(path, *detector), *count))
    }
}

/// `note iban`: a field and what its values look like.
fn place(path: &str, detector: Detector) -> String {
    format!("{path} {}", detector.name())
}

/// Why a batch ends: nothing of the call that returns it reached the output or the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// E219 unreadable, E220 against the schema, E201 undeclared, E202 more held back than can be.
    pub code: Code,
    /// The record, counted from 0 in the input of the call.
    pub record: u64,
    /// The field, where one is to blame.
    pub path: Option<String>,
    /// One sentence without full stop and without values.
    pub message: String,
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: record {}: {}", self.code, self.record, self.message)
    }
}

impl std::error::Error for Stop {}
