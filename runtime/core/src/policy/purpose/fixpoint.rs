//! How the fixpoint is reached: breadth first, so that what is found first has the shortest way. Everything here is a number or a table of them, since
//! this part is run for each holding and each passage that it meets.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::manifest::Safeguard;
use crate::problem::Code;

use super::numbers::Numbered;
use super::{Holding, Holdings, Network, NodeId, Objection, Passage, PurposeId, Refused, compatible};

/// Passages by the field that they come from.
pub(super) struct Outgoing {
    of: Numbered<NodeId, Vec<Step>>,
    /// How many fields there are at either end of a passage.
    pub nodes: usize,
}

/// What is asked of a passage for each holding. All of a field lie together: the passages themselves lie in the order of flows.
#[derive(Clone, Copy)]
struct Step {
    passage: u32,
    to: NodeId,
    purpose: PurposeId,
    gated: bool,
    /// It begins a new collection, as it rests on consent.
    is_fresh: bool,
    /// It does not meet each safeguard.
    lacks: bool,
}

impl Outgoing {
    pub(super) fn new(network: &Network<'_>) -> Self {
        let mut of: Numbered<NodeId, Vec<Step>> = Numbered::default();
        for (passage, at) in network.passages.iter().zip(0..) {
            let Passage { from, to, purpose, gated, .. } = *passage;
            let is_fresh = network.purposes.get(purpose as usize).is_some_and(|purpose| purpose.art6 == 'a');
            let step = Step { passage: at, to, purpose, gated, is_fresh, lacks: !passage.lacks.is_empty() };
            of.entry(from).or_default().push(step);
            of.entry(to).or_default();
        }
        Self { nodes: of.len(), of }
    }
}

/// Purposes to which an assessment leads, with what it requires.
type Assessed<'n> = Vec<(PurposeId, &'n [Safeguard])>;

/// Which holdings of a field count as one.
pub(super) struct Kinds {
    /// The kind of each purpose when it is what data was last passed on for.
    of: Vec<PurposeId>,
    /// Each origin counts. Otherwise two are kept: there are several, or there are not.
    origins: bool,
}

impl Kinds {
    /// Each purpose is its own.
    pub(super) fn each(network: &Network<'_>) -> Self {
        Self { of: (0..).take(network.purposes.len()).collect(), origins: true }
    }

    /// Purposes from which the same follows: the same use, no consent, the same assessments.
    pub(super) fn alike(network: &Network<'_>) -> Self {
        let mut assessed: Numbered<PurposeId, Assessed<'_>> = Numbered::default();
        for ((from, to), requires) in &network.assessments {
            assessed.entry(*from).or_default().push((*to, requires.as_slice()));
        }
        assessed.values_mut().for_each(|assessed| assessed.sort_unstable());
        let mut first: HashMap<(&str, Assessed<'_>), PurposeId> = HashMap::new();
        let kinds = network.purposes.iter().zip(0..).map(|(terms, id)| {
            if terms.art6 == 'a' {
                return id;
            }
            *first.entry((terms.use_key, assessed.remove(&id).unwrap_or_default())).or_insert(id)
        });
        Self { of: kinds.collect(), origins: false }
    }
}

/// What a field may hold once: its number, the purpose of collection, the kind of the last purpose and, where each origin counts, the origin.
type Key = (NodeId, PurposeId, PurposeId, NodeId);

/// Origins that are known for a [`Key`].
struct Known {
    first: NodeId,
    has_second: bool,
}

pub(super) struct Fixpoint<'n> {
    network: &'n Network<'n>,
    outgoing: &'n Outgoing,
    kinds: Kinds,
    answers: Answers,
    known: Numbered<Key, Known>,
    found: Holdings,
}

impl<'n> Fixpoint<'n> {
    pub(super) fn new(network: &'n Network<'n>, outgoing: &'n Outgoing, kinds: Kinds) -> Self {
        Self { network, outgoing, kinds, answers: Answers::default(), known: Numbered::default(), found: Holdings::default() }
    }

    /// None if there are more holdings than `limit`.
    pub(super) fn run(mut self, origin: &dyn Fn(NodeId) -> NodeId, group: &dyn Fn(NodeId) -> NodeId, limit: usize) -> Option<Holdings> {
        let Self { network, outgoing, .. } = self;
        for (node, purpose) in &network.seeds {
            self.hold(Holding { node: *node, origin: origin(*node), collected: *purpose, last: *purpose, via: None }, group);
        }
        let mut at = 0;
        while let Some(holding) = self.found.all.get(at as usize).copied() {
            for step in outgoing.of.get(&holding.node).into_iter().flatten() {
                self.pass(holding, at, *step, group);
            }
            if self.found.all.len() > limit {
                return None;
            }
            at += 1;
        }
        Some(self.found)
    }

    fn hold(&mut self, holding: Holding, group: &dyn Fn(NodeId) -> NodeId) {
        let kind = self.kinds.of.get(holding.last as usize).copied().unwrap_or(holding.last);
        let origin = group(holding.origin);
        let key = (holding.node, holding.collected, kind, if self.kinds.origins { origin } else { 0 });
        let is_new = match self.known.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(Known { first: origin, has_second: false });
                true
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                let is_second = known.first != origin && !known.has_second;
                known.has_second |= is_second;
                is_second
            }
        };
        if is_new {
            self.found.all.push(holding);
        }
    }

    fn pass(&mut self, holding: Holding, at: u32, step: Step, group: &dyn Fn(NodeId) -> NodeId) {
        let collected = self.answers.get(self.network, holding.collected, step);
        let last = self.answers.get(self.network, holding.last, step);
        let object = |code, lacks| Objection { code, passage: step.passage, holding: at, lacks };
        if let Some(code) = refusal(collected, last) {
            self.found.objections.push(object(code, None));
            return;
        }
        if step.lacks && [collected, last].contains(&Answer::Requires) {
            let lacking = lacking(self.network, holding, step).into_iter();
            self.found.objections.extend(lacking.map(|lacks| object(Code::E133, Some(lacks))));
        }
        let collected = if step.is_fresh { step.purpose } else { holding.collected };
        let via = Some((step.passage, at));
        self.hold(Holding { node: step.to, origin: holding.origin, collected, last: step.purpose, via }, group);
    }
}

fn refusal(collected: Answer, last: Answer) -> Option<Code> {
    match (collected, last) {
        (Answer::Refused(Refused::Consent), _) | (_, Answer::Refused(Refused::Consent)) => Some(Code::E132),
        (_, Answer::Refused(Refused::Incompatible)) => Some(Code::E130),
        (Answer::Refused(Refused::Incompatible), _) => Some(Code::E131),
        _ => None,
    }
}

/// Safeguards that the assessments of a holding require and the passage does not meet, each once.
fn lacking(network: &Network<'_>, holding: Holding, step: Step) -> Vec<Safeguard> {
    let lacks = network.passages.get(step.passage as usize).map(|passage| passage.lacks.as_slice()).unwrap_or_default();
    let requires = [holding.collected, holding.last].into_iter().flat_map(|held| {
        let answer = compatible(network, held, step.purpose, step.gated);
        answer.unwrap_or_default()
    });
    let mut lacking: Vec<Safeguard> = requires.copied().filter(|wanted| lacks.contains(wanted)).collect();
    lacking.sort_unstable();
    lacking.dedup();
    lacking
}

/// What [`compatible`] says, without the safeguards themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Freely,
    Requires,
    Refused(Refused),
}

/// Answers that were given before: there are few pairs of purposes and many holdings.
#[derive(Default)]
struct Answers {
    /// By what is wanted, with or without a gate, and then by what it is held for.
    rows: Vec<Vec<Option<Answer>>>,
}

impl Answers {
    fn get(&mut self, network: &Network<'_>, held: PurposeId, step: Step) -> Answer {
        let row = (step.purpose as usize).saturating_mul(2).saturating_add(usize::from(step.gated));
        let known = self.rows.get(row).and_then(|row| row.get(held as usize).copied().flatten());
        known.unwrap_or_else(|| {
            let answer = match compatible(network, held, step.purpose, step.gated) {
                Ok([]) => Answer::Freely,
                Ok(_) => Answer::Requires,
                Err(why) => Answer::Refused(why),
            };
            self.keep(network, row, held as usize, answer);
            answer
        })
    }

    /// Purposes that the network does not have are not kept: their numbers say nothing about how many there are.
    fn keep(&mut self, network: &Network<'_>, row: usize, held: usize, answer: Answer) {
        let count = network.purposes.len();
        if self.rows.is_empty() {
            self.rows.resize_with(count.saturating_mul(2), Vec::new);
        }
        if let Some(row) = self.rows.get_mut(row) {
            row.resize(count, None);
            if let Some(cell) = row.get_mut(held) {
                *cell = Some(answer);
            }
        }
    }
}
