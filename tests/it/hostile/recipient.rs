//! Attacks of a destination: reports that cannot be true, texts that carry records, calls that a destination has no business with.

use super::attack::{Attack, Guest, ensure};
use super::scene::{self, Scene};

const fn refused(name: &'static str, code: &'static str, exit: i32) -> Attack {
    Attack::refused(name, "recipient", Guest::Recipient, code, exit).system("limits = { seconds = 1 }").after(no_record_is_kept)
}

/// The source reports each of its records as deleted, right after it.
const fn deletion(name: &'static str, code: &'static str, exit: i32) -> Attack {
    refused(name, code, exit).deletes()
}

pub const ALL: &[Attack] = &[
    refused("takes-more-than-sent", "HUB-E311", 1),
    refused("takes-less-than-sent", "HUB-E311", 1),
    refused("fails-more-than-sent", "HUB-E311", 1),
    refused("fails-more-than-sent-skipped", "HUB-E311", 1).does("fails-more-than-sent").flow("on_invalid = \"skip\""),
    refused("fails-a-row-twice", "HUB-E311", 1),
    refused("fails-a-row-that-was-not-sent", "HUB-E311", 1),
    refused("tells-in-a-code", "HUB-E311", 1),
    refused("floods-a-code", "HUB-E311", 1).after(|scene, end| {
        let printed = end.outcome.printed();
        ensure(printed.len() < 4 << 10, || format!("{} bytes were printed", printed.len()))?;
        no_record_is_kept(scene, end)
    }),
    refused("tells-in-an-error", "HUB-E307", 1),
    Attack { on: "sink", ..refused("emits", "HUB-E218", 3) },
    refused("traps", "HUB-E301", 1),
    refused("spins", "HUB-E302", 1),
    refused("refuses-to-open", "HUB-E307", 1),
    deletion("deletes-more-than-sent", "HUB-E311", 1),
    deletion("refuses-a-deletion-in-a-code", "HUB-E311", 1),
    deletion("tells-keys-in-an-error", "HUB-E307", 1),
    deletion("traps-at-a-deletion", "HUB-E301", 1),
    refused("fails-at-finish", "HUB-E307", 1),
];

/// The records that the destination was given are in nothing that the host keeps.
fn no_record_is_kept(scene: &Scene, _: &scene::End) -> Result<(), String> {
    for record in scene.program.records("out/honest.ndjson").iter().take(5) {
        let email = record["email"].as_str().unwrap_or_default();
        ensure(email.contains('@'), || format!("the sample has no e-mail: {record}"))?;
        let kept = scene::holders(&scene.program.path("hub-data"), email);
        ensure(kept.is_empty(), || format!("{email} is kept in {kept:?}"))?;
    }
    Ok(())
}

#[test]
fn attacks_of_a_destination() {
    scene::perform(ALL);
}
