//! Attacks by what is emitted: text that is no record, fields that hide, sizes, order, and guest texts that carry personal values.

use super::attack::{Attack, Guest, canary, ensure};
use super::scene::{self, EARLIER};

const fn refused(name: &'static str, code: &'static str, exit: i32) -> Attack {
    Attack::refused(name, "records", Guest::Records, code, exit)
}

const fn on_sink(name: &'static str, code: &'static str, exit: i32) -> Attack {
    Attack::refused(name, "sink", Guest::Records, code, exit)
}

const STOP: &str = "on_undeclared = \"stop\"";
const DROP: &str = "on_undeclared = \"drop\"";
const SKIP: &str = "on_invalid = \"skip\"";
const APPEND: &str = "mode = \"append\"";

pub const ALL: &[Attack] = &[
    refused("undeclared-field", "HUB-E201", 3).flow(STOP),
    refused("undeclared-in-array-element", "HUB-E201", 0).flow(DROP),
    refused("undeclared-in-object", "HUB-E201", 0).flow(DROP),
    refused("escaped-key", "HUB-E201", 0).flow(DROP),
    refused("personal-key", "HUB-E201", 0).flow(DROP),
    refused("many-keys", "HUB-E201", 0).flow(DROP),
    refused("object-as-scalar", "HUB-E220", 1),
    refused("array-as-scalar", "HUB-E220", 1),
    refused("duplicate-key", "HUB-E219", 1),
    refused("duplicate-key-by-escape", "HUB-E219", 1),
    refused("broken-utf8", "HUB-E219", 1),
    refused("surrogate-alone", "HUB-E219", 1),
    refused("broken-json", "HUB-E219", 1),
    refused("broken-json-skipped", "HUB-E219", 0).does("broken-json").flow(SKIP),
    refused("two-values-on-a-line", "HUB-E219", 1),
    refused("record-is-an-array", "HUB-E219", 1),
    refused("deep-nesting", "HUB-E219", 1),
    refused("deep-nesting-in-undeclared", "HUB-E219", 1),
    refused("long-number", "HUB-E219", 1),
    refused("long-string", "HUB-E219", 1),
    on_sink("oversized-batch", "HUB-E306", 3),
    on_sink("oversized-line", "HUB-E306", 3),
    on_sink("batch-beyond-a-call", "HUB-E306", 3),
    on_sink("foreign-stream", "HUB-E218", 3),
    on_sink("foreign-stream-checkpoint", "HUB-E218", 3),
    on_sink("goes-on-after-denial", "HUB-E218", 3),
    on_sink("never-ends-after-denial", "HUB-E218", 3),
    on_sink("oversized-checkpoint", "HUB-E306", 3),
    Attack::contained("empty-batches", "sink", Guest::Records).after(|_, end| {
        let count = end.entries.len();
        ensure(count < 100, || format!("2000 batches without a record made {count} audit entries"))
    }),
    on_sink("trap-after-a-batch", "HUB-E301", 1),
    on_sink("trap-after-a-checkpoint", "HUB-E301", 1).flow(APPEND).after(|scene, _| {
        // What stands behind the last checkpoint is cut off before the next run goes on from there.
        let again = scene.run("trap-after-a-checkpoint.toml")?;
        ensure(again.code == Some(0), || format!("the next run ended with {:?}\n{}", again.code, again.printed()))?;
        let held = scene.destination("trap-after-a-checkpoint");
        let ids: Vec<_> = held
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .map(|record| record["id"].clone())
            .collect();
        ensure(held.starts_with(EARLIER) && ids == ["earlier", "one", "two"], || format!("the destination then holds\n{held}"))
    }),
    refused("personal-panic", "HUB-E301", 1),
    refused("personal-error", "HUB-E307", 1).shown(),
    refused("terminal-error", "HUB-E307", 1).config(", word = \"gefaelscht\"").after(|_, end| {
        let printed = end.outcome.printed();
        ensure(printed.len() < 8 << 10, || format!("{} bytes were printed", printed.len()))?;
        ensure(!printed.lines().any(|line| line.starts_with('✓')), || format!("the guest has written a line of its own\n{printed}"))
    }),
    // What nothing declares is denied whatever the destination could do; what is not a key is denied before the destination sees any.
    on_sink("undeclared-deletion", "HUB-E106", 3).flow(APPEND),
    on_sink("deletion-with-a-field", "HUB-E201", 3).deletes(),
    on_sink("deletion-with-undeclared", "HUB-E201", 3).deletes(),
    on_sink("deletion-without-key", "HUB-E220", 1).deletes(),
    on_sink("deletion-broken", "HUB-E219", 1).deletes(),
    on_sink("deletion-oversized", "HUB-E306", 3).deletes(),
    on_sink("deletion-of-a-foreign-stream", "HUB-E218", 3).deletes(),
    refused("cancelled-unasked", "HUB-E307", 1),
];

#[test]
fn attacks_with_records() {
    scene::perform(ALL);
}

#[test]
fn the_canary_would_be_found() {
    let program = crate::support::program::Program::new();
    program.write("out/deep/file", format!("x{}y", canary("honest")));
    assert_eq!(scene::holders(&program.path("out"), &canary("honest")).len(), 1);
}
