//! Fields that several fields of one object become: their values while the object is read, and what is written when it ends.

use super::json::{Kind, Token};
use super::plan::JoinPlan;
use crate::treat::escape;

/// The values of all open objects' parts, the innermost object's last. Borrowed from the input: joining copies nothing but the result.
#[derive(Default)]
pub(super) struct Parts<'a> {
    values: Vec<Option<Token<'a>>>,
    /// Where the innermost object's parts begin.
    start: usize,
}

impl<'a> Parts<'a> {
    /// Enters an object with so many parts. The result goes to [`Parts::leave`].
    #[inline]
    pub(super) fn enter(&mut self, count: usize) -> usize {
        let outer = std::mem::replace(&mut self.start, self.values.len());
        self.values.resize(self.start + count, None);
        outer
    }

    /// Leaves the innermost object.
    #[inline]
    pub(super) fn leave(&mut self, outer: usize) {
        self.values.truncate(self.start);
        self.start = outer;
    }

    /// Forgets a record of which a part was read.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.start = 0;
    }

    /// A part of the innermost object has this scalar.
    pub(super) fn put(&mut self, part: usize, token: Token<'a>) {
        if let Some(value) = self.values.get_mut(self.start + part) {
            *value = Some(token);
        }
    }

    /// The values that a join was given, `null` among them.
    pub(super) fn of(&self, join: &JoinPlan) -> impl Iterator<Item = Token<'a>> + use<'a, '_> {
        let range = self.start + join.parts.start..self.start + join.parts.end;
        self.values.get(range).unwrap_or_default().iter().filter_map(|value| *value)
    }

    /// Appends the joined value as JSON; at least one part has a value.
    pub(super) fn write(&self, join: &JoinPlan, scratch: &mut String, out: &mut Vec<u8>) {
        let mut first = true;
        for token in self.of(join).filter(|token| token.kind != Kind::Null) {
            out.extend_from_slice(if first { b"\"" } else { &join.separator });
            first = false;
            escape(token.text(scratch), out);
        }
        out.extend_from_slice(if first { b"null" } else { b"\"" });
    }
}
