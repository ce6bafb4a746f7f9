//! Whose data meets where: systems and purposes of collection, for each field. Kept beside the holdings because every flow asks for its destination, and a
//! field has as many holdings as there are chains to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::policy::purpose::{Holding, NodeId};
use crate::record::{FieldPath, StreamId};

/// For each node a set of bits, one for each system and one for each purpose.
#[derive(Debug, Default)]
pub(super) struct Meetings {
    /// Sorted.
    systems: Vec<Arc<str>>,
    /// Sorted, as the manifest has them.
    purposes: Vec<String>,
    /// Sets of all nodes, one after the other.
    words: Vec<u64>,
}

/// What some fields hold together; each name once, sorted.
#[derive(Debug, Default)]
pub(super) struct Meeting<'g> {
    /// The systems in which it was collected.
    pub systems: Vec<&'g str>,
    /// The purposes that it was collected for.
    pub purposes: Vec<&'g str>,
}

impl Meetings {
    pub(super) fn new(holdings: &[Holding], nodes: &[(StreamId, FieldPath)], purposes: &[String]) -> Self {
        let systems: BTreeSet<&Arc<str>> = nodes.iter().map(|(stream, _)| &stream.system).collect();
        let mut meetings = Self { systems: systems.into_iter().cloned().collect(), purposes: purposes.to_vec(), words: Vec::new() };
        let place = |(stream, _): &(StreamId, FieldPath)| meetings.systems.binary_search(&stream.system).unwrap_or_default();
        let system_of: Vec<usize> = nodes.iter().map(place).collect();
        let width = meetings.width();
        meetings.words.resize(width.saturating_mul(nodes.len()), 0);
        for holding in holdings {
            let Some(system) = system_of.get(holding.origin as usize) else { continue };
            let collected = meetings.systems.len().saturating_add(holding.collected as usize);
            for bit in [*system, collected] {
                let at = (holding.node as usize).saturating_mul(width).saturating_add(bit / 64);
                if let Some(word) = meetings.words.get_mut(at) {
                    *word |= 1 << (bit % 64);
                }
            }
        }
        meetings
    }

    /// Words for each node.
    fn width(&self) -> usize {
        self.systems.len().saturating_add(self.purposes.len()).div_ceil(64)
    }

    pub(super) fn of(&self, nodes: impl Iterator<Item = NodeId>) -> Meeting<'_> {
        let width = self.width();
        let mut all = vec![0; width];
        for node in nodes {
            let own = self.words.iter().skip((node as usize).saturating_mul(width));
            all.iter_mut().zip(own).for_each(|(all, own)| *all |= own);
        }
        let names = self.systems.iter().map(|system| &**system).chain(self.purposes.iter().map(String::as_str));
        let is_in = |at: usize| all.get(at / 64).is_some_and(|word: &u64| word >> (at % 64) & 1 == 1);
        let mut meeting = Meeting::default();
        for (name, at) in names.zip(0..).filter(|(_, at)| is_in(*at)) {
            if at < self.systems.len() { meeting.systems.push(name) } else { meeting.purposes.push(name) }
        }
        meeting
    }
}
