//! Counts undeclared fields by path. Bounded, since names come from outside: so many paths, so many bytes a name, the rest in one sum.

use std::collections::BTreeMap;

use super::json::{Token, inside, unescape};

/// The greatest number of different paths in a report, besides [`OTHER_PATHS`].
pub const MAX_UNDECLARED_PATHS: usize = 256;
/// The greatest length of an undeclared name in bytes; longer ones are cut.
pub const MAX_UNDECLARED_NAME_BYTES: usize = crate::record::MAX_USUAL_NAME_BYTES;
/// Where everything beyond [`MAX_UNDECLARED_PATHS`] is counted.
pub const OTHER_PATHS: &str = "…";

/// An undeclared name (its JSON text) and the number of the place where it was met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met<'a> {
    pub(super) place: u32,
    pub(super) name: Token<'a>,
}

/// Counts of one call.
#[derive(Debug, Default)]
pub(super) struct Tally<'a> {
    /// Counters of spellings met before, in the order of their first appearance: records tend to repeat it, so the next one is tried first.
    slots: Vec<Slot<'a>>,
    next: usize,
    /// What is known to be in the report; 0 until the slots are added.
    paths: BTreeMap<String, u64>,
    others: u64,
    total: u64,
}

#[derive(Debug)]
struct Slot<'a> {
    met: Met<'a>,
    count: u64,
}

impl<'a> Tally<'a> {
    /// Begins with the paths that earlier calls have reported: the bound holds over all of them.
    pub(super) fn new(known: &BTreeMap<String, u64>) -> Self {
        let mut paths = known.clone();
        let others = paths.remove(OTHER_PATHS).unwrap_or_default();
        Self { paths, others, ..Self::default() }
    }

    pub(super) fn add(&mut self, places: &[String], met: Met<'a>) {
        self.total += 1;
        let is_same = |slot: &Slot<'_>| slot.met.place == met.place && slot.met.name.json == met.name.json;
        if !self.slots.get(self.next).is_some_and(is_same) {
            let Some(at) = self.slots.iter().position(is_same) else { return self.add_new(places, met) };
            self.next = at;
        }
        if let Some(slot) = self.slots.get_mut(self.next) {
            slot.count += 1;
            self.next += 1;
        }
    }

    fn add_new(&mut self, places: &[String], met: Met<'a>) {
        let path = path_of(places, met);
        let full = self.paths.len() >= MAX_UNDECLARED_PATHS && !self.paths.contains_key(&path);
        if full || path == OTHER_PATHS {
            self.others += 1;
            return;
        }
        let count = self.paths.entry(path).or_default();
        if self.slots.len() < MAX_UNDECLARED_PATHS {
            self.slots.push(Slot { met, count: 1 });
            self.next = self.slots.len();
        } else {
            *count += 1;
        }
    }

    /// All counts, with those of earlier calls, and how many fields this call met.
    pub(super) fn finish(mut self, places: &[String]) -> (BTreeMap<String, u64>, u64) {
        for slot in &self.slots {
            *self.paths.entry(path_of(places, slot.met)).or_default() += slot.count;
        }
        if self.others > 0 {
            self.paths.insert(OTHER_PATHS.to_owned(), self.others);
        }
        (self.paths, self.total)
    }
}

/// What stands for a name that does not look like one.
pub const UNUSUAL_NAME: &str = "(unusual name)";

/// The path of an undeclared name, as far as it looks like one.
pub(super) fn path_of(places: &[String], met: Met<'_>) -> String {
    let mut name = String::new();
    unescape(inside(met.name.json), &mut name);
    let name = if crate::record::is_usual_name(&name) { name.as_str() } else { UNUSUAL_NAME };
    let outer = places.get(met.place as usize).map_or("", String::as_str);
    if outer.is_empty() { name.to_owned() } else { format!("{outer}.{name}") }
}
