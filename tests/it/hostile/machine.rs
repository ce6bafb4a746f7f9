//! Attacks on the machine: time, memory, stack, log, entropy.

use super::attack::{Attack, Guest, ensure};
use super::scene::{self, End};

const fn refused(name: &'static str, code: &'static str, exit: i32) -> Attack {
    Attack::refused(name, "runtime", Guest::Records, code, exit).system("limits = { memory_mib = 64, seconds = 1 }")
}

const fn contained(name: &'static str) -> Attack {
    Attack::contained(name, "runtime", Guest::Records).config(", word = \"wiederholt\"")
}

pub const ALL: &[Attack] = &[
    refused("endless-loop", "HUB-E302", 1),
    refused("endless-host-calls", "HUB-E302", 1),
    refused("endless-log", "HUB-E302", 1),
    refused("memory", "HUB-E302", 1),
    Attack::contained("memory-and-on", "runtime", Guest::Records).system("limits = { memory_mib = 64 }"),
    refused("recursion", "HUB-E302", 1),
    contained("log-flood").after(|_, end| {
        let lines = end.outcome.stderr.lines().filter(|line| line.contains("wiederholt")).count();
        ensure(lines <= 1000, || format!("{lines} lines were printed"))
    }),
    contained("log-terminal").after(log_is_plain),
    contained("log-personal").shown(),
    contained("random"),
];

fn log_is_plain(_: &scene::Scene, end: &End) -> Result<(), String> {
    let longest = end.outcome.stderr.lines().map(str::len).max().unwrap_or_default();
    ensure(longest < 9 << 10, || format!("a line of {longest} bytes was printed"))?;
    let forged = end.outcome.stderr.lines().find(|line| line.contains("wiederholt-forged") && !line.contains("connector"));
    ensure(forged.is_none(), || format!("the guest has written a line of its own: {forged:?}"))?;
    ensure(end.outcome.stderr.contains("wiederholt"), || "the line is not there at all".to_owned())
}

#[test]
fn attacks_on_the_machine() {
    scene::perform(ALL);
}
