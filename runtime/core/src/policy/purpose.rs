//! Purposes that travel with the data: which origins and collection purposes each field holds, over all flows, and which flow may not go on with them.
//!
//! A holding is (origin stream, purpose it was collected for, purpose it was last passed on for). The collection purpose stays for ever, so that a chain of
//! plausible steps cannot reach a purpose that contradicts it. Works on numbers (see [`Network`]); reads no manifest and words no message.

mod fixpoint;
mod numbers;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::manifest::Safeguard;
use crate::problem::Code;
use crate::vocab;

use fixpoint::{Fixpoint, Kinds, Outgoing};

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
    let outgoing = Outgoing::new(network);
    let limit = outgoing.nodes.saturating_mul(ENOUGH).max(1_000);
    let alike = Fixpoint::new(network, &outgoing, Kinds::alike(network)).run(&origin, &group, usize::MAX).unwrap_or_default();
    // Each of these is one of the whole, so the whole is no smaller: it need not be tried.
    if alike.all.len() > limit {
        return alike;
    }
    Fixpoint::new(network, &outgoing, Kinds::each(network)).run(&origin, &|origin| origin, limit).unwrap_or(alike)
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
