//! Connectors that misbehave, against the real program. Each attack tries one thing; the program must deny or contain it, say so under the
//! designed code, keep it out of destination, store and audit log, and do honest work in the same data folder right afterwards.
//!
//! The connectors are in `tests/guests`; malformed components are made by `components` out of one of them. What needs a name server of its own
//! is in `names`.

mod attack;
mod components;
mod databases;
mod folders;
mod machine;
mod names;
mod network;
mod recipient;
mod records;
mod scene;

use std::collections::BTreeSet;

use attack::Attack;

/// Every attack that is a row of a table.
fn all() -> Vec<&'static Attack> {
    [records::ALL, machine::ALL, network::ALL, folders::ALL, databases::ALL, recipient::ALL, components::ALL]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn there_are_enough_attacks_and_each_has_its_own_name() {
    let names: BTreeSet<_> = all().iter().map(|attack| attack.name).collect();
    assert_eq!(names.len(), all().len(), "a name stands twice");
    assert!(names.len() >= 25, "only {} attacks are listed", names.len());
}

#[test]
fn every_capability_has_an_attack_that_is_refused() {
    for capability in hub::capability::ALL {
        assert!(all().iter().any(|attack| attack.on == capability && attack.code.is_some()), "no attack on `{capability}` is refused");
    }
}
