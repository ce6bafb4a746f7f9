//! Laws of the fixpoint, on networks that nobody would write by hand.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::manifest::Safeguard;

use super::*;

const USES: [&str; 6] = ["sales", "analytics", "analytics.reporting", "marketing", "marketing.communications", "essential.service"];

fn terms() -> impl Strategy<Value = Terms<'static>> {
    (prop::sample::select(&USES[..]), prop::sample::select(vec!['a', 'b', 'c', 'f']), any::<bool>())
        .prop_map(|(use_key, art6, law)| Terms { use_key, art6, law })
}

fn passage(purposes: u32) -> impl Strategy<Value = Passage> {
    let lacks = prop::sample::subsequence(vec![Safeguard::NoDirectIdentifiers, Safeguard::NoFreeText], 0..=2);
    (0..8_u32, 0..8_u32, 0..8_u32, 0..purposes, any::<bool>(), lacks).prop_map(|(flow, from, to, purpose, gated, lacks)| Passage {
        flow,
        from,
        to,
        purpose,
        gated,
        lacks,
    })
}

fn network() -> impl Strategy<Value = Network<'static>> {
    prop::collection::vec(terms(), 1..5).prop_flat_map(|purposes| {
        let count = u32::try_from(purposes.len()).unwrap_or(1);
        let requires = prop::sample::subsequence(vec![Safeguard::NoDirectIdentifiers, Safeguard::NoFreeText], 0..=2);
        let assessments = prop::collection::hash_map((0..count, 0..count), requires, 0..4);
        let seeds = prop::collection::vec((0..8_u32, 0..count), 0..5);
        let passages = prop::collection::vec(passage(count), 0..14);
        (Just(purposes), assessments, seeds, passages).prop_map(|(purposes, assessments, seeds, passages)| Network {
            purposes,
            assessments,
            seeds,
            passages,
        })
    })
}

type Held = BTreeSet<(NodeId, NodeId, PurposeId, PurposeId)>;
type Told = BTreeSet<(Code, String, (NodeId, PurposeId, PurposeId), Option<Safeguard>)>;

fn held(found: &Holdings) -> Held {
    found.all.iter().map(|holding| (holding.node, holding.origin, holding.collected, holding.last)).collect()
}

/// Objections without the numbers of passages, which change with their order.
fn told(network: &Network<'_>, found: &Holdings) -> Told {
    let words = found.objections.iter().map(|objection| {
        let holding = found.all[objection.holding as usize];
        let passage = format!("{:?}", network.passages[objection.passage as usize]);
        (objection.code, passage, (holding.origin, holding.collected, holding.last), objection.lacks)
    });
    words.collect()
}

/// The definition, as slow as it is written: pass everything on until nothing is new.
fn naive(network: &Network<'_>) -> Held {
    let mut held: Held = network.seeds.iter().map(|(node, purpose)| (*node, *node, *purpose, *purpose)).collect();
    loop {
        let before = held.len();
        for passage in &network.passages {
            for (node, origin, collected, last) in held.clone() {
                let passes = |purpose| compatible(network, purpose, passage.purpose, passage.gated).is_ok();
                if node == passage.from && passes(collected) && passes(last) {
                    let fresh = network.purposes[passage.purpose as usize].art6 == 'a';
                    held.insert((passage.to, origin, if fresh { passage.purpose } else { collected }, passage.purpose));
                }
            }
        }
        if held.len() == before {
            return held;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_the_least_fixpoint(network in network()) {
        prop_assert_eq!(held(&holdings(&network, |node| node, |node| node)), naive(&network));
    }

    #[test]
    fn the_order_of_flows_does_not_matter(network in network(), seed in any::<u64>()) {
        let mut turned = network.clone();
        if !turned.passages.is_empty() {
            let by = usize::try_from(seed % turned.passages.len() as u64).unwrap_or(0);
            turned.passages.rotate_left(by);
        }
        turned.passages.reverse();
        turned.seeds.reverse();
        let (one, other) = (holdings(&network, |node| node, |node| node), holdings(&turned, |node| node, |node| node));
        prop_assert_eq!(held(&one), held(&other));
        prop_assert_eq!(told(&network, &one), told(&turned, &other));
    }

    #[test]
    fn another_flow_or_origin_takes_nothing_away(network in network(), more in passage(1), seed in 0..8_u32) {
        let before = held(&holdings(&network, |node| node, |node| node));
        let mut larger = network.clone();
        larger.passages.push(more);
        larger.seeds.push((seed, 0));
        prop_assert!(before.is_subset(&held(&holdings(&larger, |node| node, |node| node))));
    }

    #[test]
    fn every_way_leads_from_an_origin_to_the_field(network in network()) {
        let found = holdings(&network, |node| node, |node| node);
        for (holding, at) in found.all.iter().zip(0..) {
            let way = found.way(at);
            let mut node = holding.origin;
            for passage in &way {
                let passage = &network.passages[*passage as usize];
                prop_assert_eq!(passage.from, node);
                node = passage.to;
            }
            prop_assert_eq!(node, holding.node);
        }
    }
}

fn small(
    purposes: &[(&'static str, char, bool)],
    seeds: &[(NodeId, PurposeId)],
    passages: &[(NodeId, NodeId, PurposeId)],
) -> Network<'static> {
    Network {
        purposes: purposes.iter().map(|(use_key, art6, law)| Terms { use_key, art6: *art6, law: *law }).collect(),
        seeds: seeds.to_vec(),
        passages: passages
            .iter()
            .zip(0..)
            .map(|((from, to, purpose), flow)| Passage { flow, from: *from, to: *to, purpose: *purpose, gated: false, lacks: Vec::new() })
            .collect(),
        ..Network::default()
    }
}

fn codes(network: &Network<'_>) -> Vec<Code> {
    holdings(network, |node| node, |node| node).objections.iter().map(|objection| objection.code).collect()
}

#[test]
fn laundering_over_a_warehouse_is_seen() {
    // Orders → statistics (assessed) → advertising (assessed for statistics only).
    let mut network = small(
        &[("essential.service", 'b', false), ("analytics.reporting", 'f', false), ("marketing.advertising", 'f', false)],
        &[(0, 0)],
        &[(0, 1, 1), (1, 2, 2)],
    );
    assert_eq!(codes(&network), [Code::E130], "the first step is not assessed, the second never reached");
    network.assessments.insert((0, 1), Vec::new());
    assert_eq!(codes(&network), [Code::E130], "nothing says that statistics may become advertising");
    network.assessments.insert((1, 2), Vec::new());
    assert_eq!(codes(&network), [Code::E131], "the last step is assessed, the collection purpose is not");
    let found = holdings(&network, |node| node, |node| node);
    assert_eq!(found.way(found.objections[0].holding), [0]);
    network.assessments.insert((0, 2), Vec::new());
    assert_eq!(codes(&network), []);
}

#[test]
fn consent_does_not_follow_its_use() {
    let mut network = small(&[("marketing", 'a', false), ("marketing.communications", 'f', false)], &[(0, 0)], &[(0, 1, 1)]);
    network.assessments.insert((0, 1), Vec::new());
    assert_eq!(codes(&network), [Code::E132]);
    network.purposes[1] = Terms { use_key: "essential.legal_obligation", art6: 'c', law: true };
    assert_eq!(codes(&network), []);
    network.purposes[1].law = false;
    assert_eq!(codes(&network), [Code::E132]);
}

#[test]
fn an_unmet_safeguard_is_told_and_the_holding_goes_on() {
    let mut network = small(&[("sales", 'b', false), ("analytics", 'f', false)], &[(0, 0)], &[(0, 1, 1), (1, 2, 1)]);
    network.assessments.insert((0, 1), vec![Safeguard::NoFreeText, Safeguard::NoDirectIdentifiers]);
    network.passages[0].lacks = vec![Safeguard::NoFreeText];
    assert_eq!(codes(&network), [Code::E133]);
    assert_eq!(holdings(&network, |node| node, |node| node).at(2).count(), 1);
}

/// What rules can tell apart is the same, whether holdings are kept one by one or by kind.
fn reduced(network: &Network<'_>) -> Holdings {
    Fixpoint::new(network, &Outgoing::new(network), Kinds::alike(network)).run(&|node| node, &|node| node, usize::MAX).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn holdings_by_kind_lead_to_the_same_verdicts(network in network()) {
        let (whole, reduced) = (holdings(&network, |node| node, |node| node), reduced(&network));
        prop_assert!(reduced.all.len() <= whole.all.len());
        let told = |found: &Holdings| -> BTreeSet<(Code, u32, Option<Safeguard>)> {
            found.objections.iter().map(|objection| (objection.code, objection.passage, objection.lacks)).collect()
        };
        prop_assert_eq!(told(&whole), told(&reduced));
        let collected = |found: &Holdings| -> BTreeSet<(NodeId, PurposeId)> {
            found.all.iter().map(|holding| (holding.node, holding.collected)).collect()
        };
        prop_assert_eq!(collected(&whole), collected(&reduced));
        let combined = |found: &Holdings| -> BTreeSet<NodeId> {
            let mut origins: HashMap<NodeId, BTreeSet<NodeId>> = HashMap::new();
            for holding in &found.all {
                origins.entry(holding.node).or_default().insert(holding.origin);
            }
            origins.into_iter().filter(|(_, origins)| origins.len() > 1).map(|(node, _)| node).collect()
        };
        prop_assert_eq!(combined(&whole), combined(&reduced));
    }
}
