//! Purposes along chains of flows (E130 to E133) and data of unknown origin (E136): from a manifest to the network of `policy::purpose`, and from its
//! objections to messages that show the whole way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::manifest::Safeguard;
use crate::manifest::{Action, Flow, Manifest, Purpose};
use crate::policy::purpose::{Holding, Holdings, Network, NodeId, Objection, Passage, PurposeId, Terms, holdings};
use crate::policy::{FlowRule, LabelledField};
use crate::problem::{Code, Problem};
use crate::record::{FieldPath, StreamId};
use crate::treat::PSEUDONYM;

use super::meetings::{Meeting, Meetings};
use super::{field_span, is_personal, marks_of};

/// The fixpoint with the names behind its numbers.
#[derive(Debug, Default)]
pub(in crate::policy) struct Graph {
    holdings: Holdings,
    purposes: Vec<String>,
    nodes: Vec<(StreamId, FieldPath)>,
    numbers: HashMap<StreamId, HashMap<FieldPath, NodeId>>,
    /// Indices of holdings by node.
    at: Vec<Vec<u32>>,
    meetings: Meetings,
    passages: Vec<Step>,
}

/// A passage with its names.
#[derive(Clone, Debug)]
struct Step {
    flow: String,
    path: FieldPath,
}

/// What a stream holds: from where and for what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The stream in which it was collected.
    pub origin: StreamId,
    /// The purpose that it was collected for.
    pub collected: String,
    /// The purpose that it was last passed on for.
    pub last: String,
}

impl Graph {
    /// What a stream's field holds.
    pub fn held(&self, stream: &StreamId, path: &FieldPath) -> BTreeSet<Held> {
        let holdings = self.number(stream, path).and_then(|node| self.at.get(node as usize)).into_iter().flatten();
        holdings.filter_map(|at| self.named(self.holdings.all.get(*at as usize)?)).collect()
    }

    /// From which systems, and collected for which purposes, fields of a stream hold data together.
    pub(super) fn meeting<'p>(&self, stream: &StreamId, paths: impl Iterator<Item = &'p FieldPath>) -> Meeting<'_> {
        self.meetings.of(paths.filter_map(|path| self.number(stream, path)))
    }

    fn number(&self, stream: &StreamId, path: &FieldPath) -> Option<NodeId> {
        self.numbers.get(stream)?.get(path).copied()
    }

    fn named(&self, holding: &Holding) -> Option<Held> {
        Some(Held {
            origin: self.nodes.get(holding.origin as usize)?.0.clone(),
            collected: self.purposes.get(holding.collected as usize)?.clone(),
            last: self.purposes.get(holding.last as usize)?.clone(),
        })
    }
}

/// Computes what is held where, and tells what may not go on.
pub(in crate::policy) fn check(manifest: &Manifest, flows: &BTreeMap<String, FlowRule>, found: &mut Vec<Problem>) -> Graph {
    let targets: BTreeSet<&StreamId> = manifest.flows.values().map(|flow| &flow.to.value).collect();
    let mut builder = Builder::new(manifest);
    for flow in manifest.flows.values() {
        let Some(rule) = flows.get(&flow.id.value) else { continue };
        if !manifest.purposes.contains_key(&flow.purpose.value) {
            continue;
        }
        let personal: Vec<&LabelledField> = rule.fields.iter().filter(|field| is_personal(manifest, &field.resulting)).collect();
        if let (Some(first), false) = (personal.first(), targets.contains(&flow.from.value) || is_collected(manifest, &flow.from.value)) {
            found.push(no_provenance(flow, first));
        }
        personal.into_iter().for_each(|field| builder.passage(manifest, flow, field));
    }
    let graph = builder.finish();
    let mut told = BTreeSet::new();
    for objection in &graph.holdings.objections {
        let problem = tell(manifest, &graph, objection);
        // One word for each value and chain: a stream with three purposes must not fill three screens with one fault.
        found.extend(problem.filter(|problem| told.insert((problem.code, problem.title.clone()))));
    }
    graph
}

fn is_collected(manifest: &Manifest, stream: &StreamId) -> bool {
    !manifest.collected_for(stream).is_empty()
}

fn no_provenance(flow: &Flow, field: &LabelledField) -> Problem {
    let stream = &flow.from.value;
    let title = format!("flow `{}` is denied: nothing says what the personal data of `{stream}` was collected for", flow.id.value);
    let help =
        format!("say it: `collected_for = [\"PURPOSE\"]` in `[system.{}]`, or in `[stream.{stream}]` for this stream", stream.system);
    Problem::new(Code::E136, title, help)
        .at(flow.from.span, "neither collected for a purpose nor filled by a flow")
        .at(field_span(flow, &field.path), format!("`{}` is personal", field.resulting))
}

struct Builder<'m> {
    network: Network<'m>,
    purposes: HashMap<&'m str, PurposeId>,
    graph: Graph,
}

impl<'m> Builder<'m> {
    fn new(manifest: &'m Manifest) -> Self {
        let purposes: HashMap<&str, PurposeId> = manifest.purposes.keys().map(String::as_str).zip(0..).collect();
        let terms = |purpose: &'m Purpose| Terms {
            use_key: &purpose.use_key.value,
            art6: purpose.basis.value.art6,
            law: purpose.basis.value.law.as_ref().is_some_and(|law| !law.value.trim().is_empty()),
        };
        let mut network = Network { purposes: manifest.purposes.values().map(terms).collect(), ..Network::default() };
        for record in manifest.compatibilities.iter().filter(|record| record.approved.is_some()) {
            let pair = purposes.get(record.from.value.as_str()).zip(purposes.get(record.to.value.as_str()));
            if let Some((from, to)) = pair {
                let requires = record.requires.iter().map(|safeguard| safeguard.value).collect();
                // The first record counts, as it is the one that a reader finds.
                network.assessments.entry((*from, *to)).or_insert(requires);
            }
        }
        let graph = Graph { purposes: manifest.purposes.keys().cloned().collect(), ..Graph::default() };
        Self { network, purposes, graph }
    }

    /// The number of a field; a new one holds what its stream collects.
    fn node(&mut self, manifest: &'m Manifest, stream: &StreamId, path: &FieldPath) -> NodeId {
        if let Some(known) = self.graph.number(stream, path) {
            return known;
        }
        let node = NodeId::try_from(self.graph.nodes.len()).unwrap_or(NodeId::MAX);
        let collected = manifest.collected_for(stream).iter();
        self.network.seeds.extend(collected.filter_map(|purpose| Some((node, *self.purposes.get(purpose.value.as_str())?))));
        self.graph.nodes.push((stream.clone(), path.clone()));
        self.graph.numbers.entry(stream.clone()).or_default().insert(path.clone(), node);
        node
    }

    fn passage(&mut self, manifest: &'m Manifest, flow: &Flow, field: &LabelledField) {
        let from = self.node(manifest, &flow.from.value, &field.path);
        let to = self.node(manifest, &flow.to.value, &field.to);
        let Some(purpose) = self.purposes.get(flow.purpose.value.as_str()).copied() else { return };
        let lacks = lacks(manifest, field);
        let number = u32::try_from(self.graph.passages.len()).unwrap_or(u32::MAX);
        self.network.passages.push(Passage { flow: number, from, to, purpose, gated: flow.consent.is_some(), lacks });
        self.graph.passages.push(Step { flow: flow.id.value.clone(), path: field.path.clone() });
    }

    fn finish(self) -> Graph {
        let Self { network, mut graph, .. } = self;
        // All fields of a stream are one origin to a reader; the first of them stands for it.
        let mut first: HashMap<&StreamId, NodeId> = HashMap::new();
        let origins: Vec<NodeId> = graph.nodes.iter().zip(0..).map(|((stream, _), node)| *first.entry(stream).or_insert(node)).collect();
        let mut of_system: HashMap<&str, NodeId> = HashMap::new();
        let systems: Vec<NodeId> =
            graph.nodes.iter().zip(0..).map(|((stream, _), node)| *of_system.entry(&*stream.system).or_insert(node)).collect();
        let looked_up = |table: &[NodeId], node: NodeId| table.get(node as usize).copied().unwrap_or(node);
        graph.holdings = holdings(&network, |node| looked_up(&origins, node), |node| looked_up(&systems, node));
        graph.at.resize_with(graph.nodes.len(), Vec::new);
        for (holding, at) in graph.holdings.all.iter().zip(0..) {
            if let Some(held) = graph.at.get_mut(holding.node as usize) {
                held.push(at);
            }
        }
        graph.meetings = Meetings::new(&graph.holdings.all, &graph.nodes, &graph.purposes);
        graph
    }
}

/// Which safeguards a value does not meet when it arrives.
fn lacks(manifest: &Manifest, field: &LabelledField) -> Vec<Safeguard> {
    let marks = marks_of(manifest, &field.resulting);
    let has = |mark: &str| marks.iter().any(|own| own == mark);
    let names_people = has("direct") && field.resulting != PSEUDONYM && !field.degraded;
    let free_text = has("free-text") && !matches!(field.action, Action::Redact { .. });
    let lacking = [(Safeguard::NoDirectIdentifiers, names_people), (Safeguard::NoFreeText, free_text)];
    lacking.into_iter().filter_map(|(safeguard, lacking)| lacking.then_some(safeguard)).collect()
}

fn tell(manifest: &Manifest, graph: &Graph, objection: &Objection) -> Option<Problem> {
    let step = graph.passages.get(objection.passage as usize)?;
    let flow = manifest.flows.get(&step.flow)?;
    let held = graph.named(graph.holdings.all.get(objection.holding as usize)?)?;
    let Held { origin, collected, last } = &held;
    let (path, wanted) = (&step.path, &flow.purpose.value);
    let denied = |why: String| format!("flow `{}` is denied: {why}", flow.id.value);
    let (title, help) = match objection.code {
        Code::E131 => (
            denied(format!("`{path}` was collected in `{origin}` for `{collected}`, which does not lead to `{wanted}`")),
            format!(
                "assess `{collected}` → `{wanted}` itself (Art. 6(4) GDPR); `{last}` → `{wanted}` does not cover where the data came from"
            ),
        ),
        Code::E132 => (
            denied(format!("`{path}` rests on consent for `{}`, and consent does not cover `{wanted}`", consented(manifest, &held))),
            format!("ask for consent to `{wanted}` and gate the flow with it; an assessment cannot replace consent"),
        ),
        Code::E133 => {
            let safeguard = objection.lacks?;
            (
                denied(format!("the assessment that permits `{wanted}` requires `{safeguard}`, and `{path}` does not meet it")),
                format!("drop the field, or {}", remedy(safeguard)),
            )
        }
        _ => (
            denied(format!("`{path}` is held for `{last}`, which does not lead to `{wanted}`")),
            format!("record an assessment by Art. 6(4) GDPR with `[[compatibility]]` from `{last}` to `{wanted}`, or drop the field"),
        ),
    };
    let mut problem = Problem::new(objection.code, title, help)
        .at(field_span(flow, path), format!("may not go on to `{}`", flow.to.value))
        .at(flow.purpose.span, format!("wanted for `{wanted}`"));
    for passed in graph.holdings.way(objection.holding).iter().rev() {
        let earlier = graph.passages.get(*passed as usize)?;
        let flow = manifest.flows.get(&earlier.flow)?;
        let said = format!("came from `{}` with flow `{}` for `{}`", flow.from.value, flow.id.value, flow.purpose.value);
        problem = problem.at(field_span(flow, &earlier.path), said);
    }
    if let Some(written) = manifest.collected_for(origin).iter().find(|purpose| purpose.value == *collected) {
        problem = problem.at(written.span, format!("collected in `{origin}` for `{collected}`"));
    }
    Some(problem.note(chain(manifest, graph, objection, flow)))
}

/// `crm.contacts (sales) ─first→ warehouse.people (reports) ─second→ …`.
fn chain(manifest: &Manifest, graph: &Graph, objection: &Objection, last: &Flow) -> String {
    let mut flows: Vec<&Flow> = graph
        .holdings
        .way(objection.holding)
        .iter()
        .filter_map(|passed| manifest.flows.get(&graph.passages.get(*passed as usize)?.flow))
        .collect();
    flows.push(last);
    let mut text = String::from("the way: ");
    for (at, flow) in flows.iter().enumerate() {
        if at == 0 {
            text.push_str(&flow.from.value.to_string());
        }
        text.push_str(&format!(" → {} ({}, {})", flow.to.value, flow.id.value, flow.purpose.value));
    }
    text
}

fn consented<'h>(manifest: &Manifest, held: &'h Held) -> &'h str {
    let by_consent = |id: &str| manifest.purposes.get(id).is_some_and(|purpose| purpose.basis.value.art6 == 'a');
    if by_consent(&held.last) { &held.last } else { &held.collected }
}

fn remedy(safeguard: Safeguard) -> &'static str {
    match safeguard {
        Safeguard::NoDirectIdentifiers => "take what names people out of it (`pseudonymise`, `truncate`, `generalise`)",
        Safeguard::NoFreeText => "take the persons out of the text (`redact`)",
    }
}
