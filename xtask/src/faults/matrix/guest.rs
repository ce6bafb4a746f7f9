//! Faults of a connector: it traps, never ends, or takes memory without end. An honest flow stands beside it in the same process.

use super::account::Account;
use super::site::Ground;
use super::{Need, Scenario, ensure, manifests};
use crate::process::{Failure, Result};

/// The scenarios.
pub const ALL: &[Scenario] = &[Scenario {
    name: "guest",
    fault: "a connector that traps behind its first batch, one that loops without end, one that takes memory without end",
    expected: "its flow fails (HUB-E301, HUB-E302), the destination keeps its earlier content, the flow beside it is delivered (exit code 5)",
    needs: &[Need::Guests],
    brief: false,
    play: guests,
}];

const EARLIER: &str = "{\"id\":\"earlier\"}\n";

fn guests(ground: &Ground) -> Result<String> {
    let mut seen = Vec::new();
    for (attack, code) in [("trap-after-a-batch", "HUB-E301"), ("endless-loop", "HUB-E302"), ("memory", "HUB-E302")] {
        let site = ground.site(attack, &manifests::guest(attack))?;
        let wasm = std::fs::read(ground.guests().join("records.wasm"))
            .map_err(|error| Failure::new(format!("the guest cannot be read: {error}")))?;
        site.write("guests/records.wasm", &wasm)?;
        site.write("out/guest.ndjson", EARLIER.as_bytes())?;
        let ended = site.run(&["run"])?.refused(&[code]).map_err(|failure| failure.within(attack))?.with(5)?;
        let kept = std::fs::read_to_string(site.path("out/guest.ndjson")).unwrap_or_default();
        ensure(kept == EARLIER, || format!("{attack}: the destination has {kept:?}"))?;
        let beside = Account::of(&site.path(manifests::CONTACTS), 1_000);
        ensure(beside.is_balanced(), || format!("{attack}: beside it {beside}"))?;
        site.verified()?;
        seen.push(format!("{attack} {code} (exit code {})", ended.how()));
    }
    Ok(format!("{}; beside it 1000 of 1000 there once, logs verify", seen.join(", ")))
}
