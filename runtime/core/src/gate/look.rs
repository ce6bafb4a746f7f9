//! What values look like in spite of their label: identifiers with check digits hold a record back (E202), hints at special categories are counted (E203).
//!
//! A number that passes its check by chance one time in ten holds a record back only where at least half of the field's values look so: a column of
//! order numbers is not one of payment cards.

use std::sync::atomic::{AtomicU64, Ordering};

use super::json::{Kind, Token, inside};
use crate::detect::{self, Class, Detector, DetectorSet, Hit, Survey};
use crate::treat::Treatment;
use crate::vocab;

/// Whether values are looked at.
#[derive(Clone, Debug)]
pub enum Looking {
    /// They are not.
    Off,
    /// They are, except for what these fields may hold.
    On(Vec<(crate::record::FieldPath, DetectorSet)>),
}

/// The shortest number that is looked for, as JSON writes numbers.
const FEWEST_DIGITS: usize = 11;
/// The shortest text in which something can be found.
const SHORTEST: usize = 6;

/// What is looked for in the values of one leaf, and what was seen of it so far.
#[derive(Debug, Default)]
pub(super) struct Look {
    wanted: DetectorSet,
    /// Values that were looked at, and those that a doubtful detector found something in. Only counted by one thread at a time in a run; a lost
    /// count between threads shifts a share, nothing else.
    values: AtomicU64,
    doubtful: AtomicU64,
}

/// What was found in a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    pub(super) detector: Detector,
    /// The record is held back.
    pub(super) holds: bool,
}

impl Look {
    /// What has to be looked for in a leaf of this category that is treated in this way. None: nothing.
    pub(super) fn new(category: &str, treatment: Option<&Treatment>, permitted: DetectorSet) -> Option<Self> {
        let removed = match treatment {
            // Nothing of the value passes.
            Some(Treatment::Constant(_)) => return None,
            Some(Treatment::Redact(removed)) => *removed,
            _ => DetectorSet::NONE,
        };
        let words = if is_structured(category) { DetectorSet::SPECIAL } else { DetectorSet::NONE };
        let wanted = DetectorSet::ALL.unfit(category).without(words).without(permitted).without(removed);
        (!wanted.is_empty()).then(|| Self { wanted, ..Self::default() })
    }

    /// Looks at a value; `seen` is what its text has as it is written, if that is known. `hits` is emptied first.
    #[inline]
    pub(super) fn at(&self, token: &Token<'_>, seen: Option<Survey>, scratch: &mut String, hits: &mut Vec<Hit>) -> Option<Sight> {
        let (text, seen) = match token.kind {
            Kind::Text(false) => (inside(token.json), seen),
            Kind::Text(true) => (token.text(scratch), None),
            Kind::Integer if token.json.len() >= FEWEST_DIGITS => (token.json, None),
            // Whatever stands in it is under this label.
            Kind::Object | Kind::Array => (token.json, None),
            _ => return None,
        };
        if text.len() < SHORTEST { None } else { self.found(text, seen, hits) }
    }

    #[inline]
    fn found(&self, text: &str, seen: Option<Survey>, hits: &mut Vec<Hit>) -> Option<Sight> {
        hits.clear();
        match seen {
            Some(seen) => detect::find_surveyed(text.as_bytes(), seen, self.wanted, hits),
            None => detect::find_all(text.as_bytes(), self.wanted, hits),
        }
        let values = next(&self.values);
        if hits.is_empty() { None } else { self.judge(hits, values) }
    }

    #[cold]
    fn judge(&self, hits: &[Hit], values: u64) -> Option<Sight> {
        let sure = hits.iter().map(|hit| hit.detector).find(|detector| detector.class() == Class::Checksum && !detector.is_doubtful());
        if let Some(detector) = sure {
            return Some(Sight { detector, holds: true });
        }
        match hits.iter().map(|hit| hit.detector).find(|detector| detector.class() == Class::Checksum) {
            Some(detector) => Some(Sight { detector, holds: next(&self.doubtful) * 2 >= values }),
            None => hits.first().map(|hit| Sight { detector: hit.detector, holds: false }),
        }
    }
}

/// True for names, numbers and the like. Nobody writes sentences there, so words are not looked for.
fn is_structured(category: &str) -> bool {
    vocab::category(category).is_some_and(|known| known.has("direct") || known.has("quasi") || known.has("enumerable"))
}

/// Counts one more.
fn next(counter: &AtomicU64) -> u64 {
    let count = counter.load(Ordering::Relaxed) + 1;
    counter.store(count, Ordering::Relaxed);
    count
}
