//! Values that are looked at while records pass: primary key parts, the cursor, observed fields. Borrowed from the input until the call ends.

use std::cmp::Ordering;

use sha2::{Digest, Sha256};

use super::Observed;
use super::json::{Kind, Token, inside};
use super::number;

/// The watched fields of a call. Every field has a slot; a leaf has a bit for each slot that wants its value.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    /// By leaf id.
    wanted: Vec<u64>,
    /// The values in the record that is being read.
    current: Vec<Option<Token<'a>>>,
    seen: Vec<Range<'a>>,
}

/// First, last, least and greatest value of a slot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Range<'a> {
    first: Option<Token<'a>>,
    last: Option<Token<'a>>,
    min: Option<Token<'a>>,
    max: Option<Token<'a>>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(leaves: usize) -> Self {
        Self { wanted: vec![0; leaves], current: Vec::new(), seen: Vec::new() }
    }

    /// Adds a slot for a leaf; at most 64 slots.
    pub(super) fn add(&mut self, leaf: u32) -> usize {
        let slot = self.current.len();
        if let Some(bits) = self.wanted.get_mut(leaf as usize) {
            *bits |= 1 << slot;
        }
        self.current.push(None);
        self.seen.push(Range::default());
        slot
    }

    /// Begins a record.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.current.fill(None);
    }

    /// A leaf has this scalar. `null` counts as absent.
    #[inline]
    pub(super) fn value(&mut self, leaf: u32, token: Token<'a>) {
        let bits = self.wanted.get(leaf as usize).copied().unwrap_or_default();
        if bits != 0 && token.kind != Kind::Null {
            self.store(bits, token);
        }
    }

    fn store(&mut self, mut bits: u64, token: Token<'a>) {
        while bits != 0 {
            if let Some(current) = self.current.get_mut(bits.trailing_zeros() as usize) {
                *current = Some(token);
            }
            bits &= bits - 1;
        }
    }

    pub(super) fn current(&self, slot: usize) -> Option<Token<'a>> {
        self.current.get(slot).copied().flatten()
    }

    /// The record passed: the slots from `from` on take its values in.
    pub(super) fn accept(&mut self, from: usize) {
        for (value, range) in self.current.iter().zip(&mut self.seen).skip(from) {
            if let Some(token) = value {
                range.add(*token);
            }
        }
    }

    pub(super) fn range(&self, slot: usize) -> Range<'a> {
        self.seen.get(slot).copied().unwrap_or_default()
    }
}

impl<'a> Range<'a> {
    fn add(&mut self, token: Token<'a>) {
        self.last = Some(token);
        if self.first.is_none() {
            *self = Self { first: Some(token), last: Some(token), min: Some(token), max: Some(token) };
        } else if self.max.is_some_and(|max| compare(&token, &max).is_gt()) {
            self.max = Some(token);
        } else if self.min.is_some_and(|min| compare(&token, &min).is_lt()) {
            self.min = Some(token);
        }
    }

    /// What was seen, after what an earlier call saw.
    pub(super) fn observed(&self, field: &str, earlier: Option<&Observed>) -> Observed {
        let owned = |token: Option<Token<'_>>| token.map(|token| token.json.to_owned());
        let mut observed = earlier.cloned().unwrap_or_else(|| Observed { field: field.to_owned(), ..Observed::default() });
        let beyond = |known: &Option<String>, new: Option<Token<'_>>, order: Ordering| match (known, new) {
            (Some(known), Some(new)) => compare(&new, &token_of(known)) == order,
            _ => true,
        };
        if observed.first.is_none() {
            observed.first = owned(self.first);
        }
        if self.last.is_some() {
            observed.last = owned(self.last);
            if beyond(&observed.min, self.min, Ordering::Less) {
                observed.min = owned(self.min);
            }
            if beyond(&observed.max, self.max, Ordering::Greater) {
                observed.max = owned(self.max);
            }
        }
        observed
    }
}

/// Orders scalars: booleans, then numbers by size, then texts by code point.
fn compare(left: &Token<'_>, right: &Token<'_>) -> Ordering {
    match (left.kind, right.kind) {
        (Kind::Text(false), Kind::Text(false)) => inside(left.json).cmp(inside(right.json)),
        (Kind::Text(_), Kind::Text(_)) => left.text(&mut String::new()).cmp(right.text(&mut String::new())),
        (Kind::Integer | Kind::Number, Kind::Integer | Kind::Number) => number::compare(left.json, right.json),
        (left_kind, right_kind) => rank(left_kind).cmp(&rank(right_kind)).then_with(|| left.json.cmp(right.json)),
    }
}

fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Null => 0,
        Kind::Boolean => 1,
        Kind::Integer | Kind::Number => 2,
        Kind::Text(_) => 3,
        Kind::Object | Kind::Array => 4,
    }
}

/// The token of a scalar's JSON text that was read before.
fn token_of(json: &str) -> Token<'_> {
    let kind = match json.as_bytes().first() {
        Some(b'"') => Kind::Text(json.contains('\\')),
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'n') | None => Kind::Null,
        Some(_) => Kind::Number,
    };
    Token { kind, json }
}

/// Digest of a record's key: the length and text of each part, so that parts cannot run into one another.
pub(super) fn key_digest<'a>(parts: impl Iterator<Item = Token<'a>>, scratch: &mut String) -> [u8; 16] {
    let mut digest = Sha256::new();
    for part in parts {
        let text = part.text(scratch);
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    }
    let whole = digest.finalize();
    std::array::from_fn(|at| whole[at])
}
