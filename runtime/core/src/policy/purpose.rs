//! Purposes that travel with the data: which origins and collection purposes each field holds, over all flows, and which flow may not go on with them.
//!
//! A holding is (origin stream, purpose it was collected for, purpose it was last passed on for). The collection purpose stays for ever, so that a chain of
//! plausible steps cannot reach a purpose that contradicts it. Works on numbers (see [`Network`]); reads no manifest and words no message.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};

use crate::manifest::Safeguard;
use crate::problem::Code;
use crate::vocab;

/// Number of a purpose in [`Network::purposes`].
pub type PurposeId = u32;
/// Number of a field of a stream; any numbers do that tell fields apart.
pub type NodeId = u32;

/// What the fixpoint goes over.
#[derive(Clone, Debug, Default)]
pub struct Network<'a> {
    /// Purposes by number.
    pub purposes: Vec<Terms<'a>>,
    /// Approved assessments: (held for, wanted for) → what they require.
    pub assessments: HashMap<(PurposeId, PurposeId), Vec<Safeguard>>,
    /// Fields whose stream collects them, with the purpose; a field may have several.
    pub seeds: Vec<(NodeId, PurposeId)>,
    /// One entry for each personal value that a flow passes.
    pub passages: Vec<Passage>,
}

/// A purpose as far as compatibility asks.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Key of the use.
    pub use_key: &'a str,
    /// Letter of Art. 6(1).
    pub art6: char,
    /// A law is named.
    pub law: bool,
}

/// A personal value on its way.
#[derive(Clone, Debug)]
pub struct Passage {
    /// Number of the flow.
    pub flow: u32,
    /// Where it comes from.
    pub from: NodeId,
    /// Where it goes to.
    pub to: NodeId,
    /// What for.
    pub purpose: PurposeId,
    /// Each record needs consent that is checked.
    pub gated: bool,
    /// Safeguards that it does not meet.
    pub lacks: Vec<Safeguard>,
}

/// What a field holds, and how it got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The field.
    pub node: NodeId,
    /// The field in which it was collected. Fields of one stream are one origin to a reader.
    pub origin: NodeId,
    /// What it was collected for.
    pub collected: PurposeId,
    /// What it was last passed on for.
    pub last: PurposeId,
    /// Index of the passage that brought it and of the holding that it came from; none where it was collected.
    pub via: Option<(u32, u32)>,
}

/// A flow that may not go on with a holding, or only with a safeguard that it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objection {
    /// E130 to E133.
    pub code: Code,
    /// Index of the passage.
    pub passage: u32,
    /// Index of the holding at its source.
    pub holding: u32,
    /// For E133: what is lacking.
    pub lacks: Option<Safeguard>,
}

/// The least fixpoint.
///
/// On a network with so many chains that the whole of it would take too long (see [`ENOUGH`]), holdings that no rule tells apart are one: then `all` has at
/// least one of each kind, and of two origins where there are more. The objections are of the same codes and passages all the same.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// Everything that is held, each before what comes of it.
    pub all: Vec<Holding>,
    /// What may not pass.
    pub objections: Vec<Objection>,
}

impl Holdings {
    /// The way of a holding from where it was collected: indices of passages, the first one first.
    #[must_use]
    pub fn way(&self, holding: u32) -> Vec<u32> {
        let mut way = Vec::new();
        let mut at = Some(holding);
        while let Some(holding) = at.and_then(|at| self.all.get(at as usize)) {
            way.extend(holding.via.map(|(passage, _)| passage));
            at = holding.via.map(|(_, from)| from);
        }
        way.reverse();
        way
    }

    /// What a field holds.
    pub fn at(&self, node: NodeId) -> impl Iterator<Item = &Holding> {
        self.all.iter().filter(move |holding| holding.node == node)
    }
}

/// Holdings for each field beyond which those that no rule tells apart become one.
pub const ENOUGH: usize = 8;

/// Computes it. `origin` says which origin a collecting field counts as: holdings with the same origin, collection and last purpose are one. `group` puts
/// origins together of which two are several to the rules.
///
/// Terminates on circles: a field can hold each (origin, collected, last) once, and every holding is looked at once for each passage.
#[must_use]
pub fn holdings(network: &Network<'_>, origin: impl Fn(NodeId) -> NodeId, group: impl Fn(NodeId) -> NodeId) -> Holdings {
    let mut outgoing: HashMap<NodeId, Vec<u32>> = HashMap::new();
    for (passage, at) in network.passages.iter().zip(0..) {
        outgoing.entry(passage.from).or_default().push(at);
    }
    let nodes: HashSet<NodeId> = network.passages.iter().flat_map(|passage| [passage.from, passage.to]).collect();
    let limit = nodes.len().saturating_mul(ENOUGH).max(1_000);
    let whole = Fixpoint::new(Kinds::each(network)).run(network, &outgoing, &origin, &|origin| origin, limit);
    whole.unwrap_or_else(|| Fixpoint::new(Kinds::alike(network)).run(network, &outgoing, &origin, &group, usize::MAX).unwrap_or_default())
}

/// Purposes to which an assessment leads, with what it requires.
type Assessed<'n> = Vec<(PurposeId, &'n [Safeguard])>;

/// Which purposes count as one when they are what data was last passed on for.
struct Kinds {
    of: Vec<PurposeId>,
    /// Origins of one kind of holding that are kept apart.
    origins: usize,
}

impl Kinds {
    /// Each purpose is its own.
    fn each(network: &Network<'_>) -> Self {
        Self { of: (0..).take(network.purposes.len()).collect(), origins: usize::MAX }
    }

    /// Purposes from which the same follows: the same use, no consent, the same assessments. Two origins are kept: there are several, or there are not.
    fn alike(network: &Network<'_>) -> Self {
        let mut first: HashMap<(&str, Assessed<'_>), PurposeId> = HashMap::new();
        let kinds = network.purposes.iter().zip(0..).map(|(terms, id)| {
            if terms.art6 == 'a' {
                return id;
            }
            let from = network.assessments.iter().filter(|((from, _), _)| *from == id);
            let mut assessed: Assessed<'_> = from.map(|((_, to), requires)| (*to, requires.as_slice())).collect();
            assessed.sort_unstable();
            *first.entry((terms.use_key, assessed)).or_insert(id)
        });
        Self { of: kinds.collect(), origins: 2 }
    }
}

struct Fixpoint {
    kinds: Kinds,
    found: Holdings,
    /// Field, purpose of collection and kind of the last purpose → origins.
    known: HashMap<(NodeId, PurposeId, PurposeId), Vec<NodeId>>,
    waiting: VecDeque<u32>,
}

impl Fixpoint {
    fn new(kinds: Kinds) -> Self {
        Self { kinds, found: Holdings::default(), known: HashMap::new(), waiting: VecDeque::new() }
    }

    /// None if there are more holdings than `limit`.
    fn run(
        mut self,
        network: &Network<'_>,
        outgoing: &HashMap<NodeId, Vec<u32>>,
        origin: &dyn Fn(NodeId) -> NodeId,
        group: &dyn Fn(NodeId) -> NodeId,
        limit: usize,
    ) -> Option<Holdings> {
        for (node, purpose) in &network.seeds {
            let holding = Holding { node: *node, origin: origin(*node), collected: *purpose, last: *purpose, via: None };
            self.hold(holding, group);
        }
        while let Some(at) = self.waiting.pop_front() {
            let Some(holding) = self.found.all.get(at as usize).copied() else { continue };
            for passage in outgoing.get(&holding.node).into_iter().flatten() {
                self.pass(network, holding, at, *passage, group);
            }
            if self.found.all.len() > limit {
                return None;
            }
        }
        Some(self.found)
    }

    fn hold(&mut self, holding: Holding, group: &dyn Fn(NodeId) -> NodeId) {
        let origin = group(holding.origin);
        let kind = self.kinds.of.get(holding.last as usize).copied().unwrap_or(holding.last);
        let origins = self.known.entry((holding.node, holding.collected, kind)).or_default();
        if origins.len() < self.kinds.origins && !origins.contains(&origin) {
            origins.push(origin);
            self.waiting.push_back(u32::try_from(self.found.all.len()).unwrap_or(u32::MAX));
            self.found.all.push(holding);
        }
    }

    fn pass(&mut self, network: &Network<'_>, holding: Holding, at: u32, index: u32, group: &dyn Fn(NodeId) -> NodeId) {
        let Some(passage) = network.passages.get(index as usize) else { return };
        let object = |code, lacks| Objection { code, passage: index, holding: at, lacks };
        let collected = compatible(network, holding.collected, passage.purpose, passage.gated);
        let last = compatible(network, holding.last, passage.purpose, passage.gated);
        let (collected, last) = match (collected, last) {
            (Ok(collected), Ok(last)) => (collected, last),
            (collected, last) => {
                let consent = matches!(collected, Err(Refused::Consent)) || matches!(last, Err(Refused::Consent));
                let code = match (consent, last) {
                    (true, _) => Code::E132,
                    (false, Ok(_)) => Code::E131,
                    (false, Err(_)) => Code::E130,
                };
                self.found.objections.push(object(code, None));
                return;
            }
        };
        let mut lacks: Vec<Safeguard> = collected.iter().chain(last).copied().filter(|wanted| passage.lacks.contains(wanted)).collect();
        lacks.sort_unstable();
        lacks.dedup();
        self.found.objections.extend(lacks.into_iter().map(|lacks| object(Code::E133, Some(lacks))));
        let is_fresh = network.purposes.get(passage.purpose as usize).is_some_and(|purpose| purpose.art6 == 'a');
        let collected = if is_fresh { passage.purpose } else { holding.collected };
        let passed = Holding { node: passage.to, origin: holding.origin, collected, last: passage.purpose, via: Some((index, at)) };
        self.hold(passed, group);
    }
}

/// Why one purpose does not follow from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// The data rests on consent, which is bound to its scope.
    Consent,
    /// Nothing says that it does.
    Incompatible,
}

/// Whether data held for one purpose may be used for another, and what that requires (Art. 5(1)(b), 6(4) GDPR).
fn compatible<'n>(network: &'n Network<'_>, held: PurposeId, wanted: PurposeId, gated: bool) -> Result<&'n [Safeguard], Refused> {
    let terms = |id: PurposeId| network.purposes.get(id as usize);
    let (Some(from), Some(to)) = (terms(held), terms(wanted)) else { return Err(Refused::Incompatible) };
    let consent = from.art6 == 'a';
    let narrower = !consent && vocab::is_within(to.use_key, from.use_key);
    let law = matches!(to.art6, 'c' | 'e') && to.law;
    let fresh_consent = to.art6 == 'a' && gated;
    if held == wanted || narrower || law || fresh_consent {
        return Ok(&[]);
    }
    match network.assessments.get(&(held, wanted)) {
        _ if consent => Err(Refused::Consent),
        Some(requires) => Ok(requires),
        None => Err(Refused::Incompatible),
    }
}
