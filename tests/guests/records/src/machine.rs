//! Attacks on the machine: time, memory, stack, log, entropy.

use std::hint::black_box;

use crate::bindings::exports::hub::connector::source::Error;
use crate::bindings::hub::connector::runtime;
use crate::bindings::hub::connector::types::Level;
use crate::{Attack, Job, honest};

pub const ALL: &[(&str, Attack)] = &[
    ("endless-loop", |_| {
        loop {
            black_box(());
        }
    }),
    ("endless-host-calls", |_| {
        loop {
            black_box(runtime::now_ms());
        }
    }),
    ("endless-log", |_| {
        loop {
            runtime::log(Level::Debug, "again");
        }
    }),
    ("memory", memory),
    ("memory-and-on", memory_and_on),
    ("recursion", |_| Err(Error::Permanent(down(1).to_string()))),
    ("log-flood", log_flood),
    ("log-terminal", log_terminal),
    ("log-personal", log_personal),
    ("random", random),
];

fn memory(_job: &Job) -> Result<(), Error> {
    let mut kept = Vec::new();
    loop {
        kept.push(vec![1_u8; 16 << 20]);
        black_box(&kept);
    }
}

/// Asks for all of it, takes no for an answer, and goes on.
fn memory_and_on(job: &Job) -> Result<(), Error> {
    if core::arch::wasm32::memory_grow::<0>(60_000) != usize::MAX {
        return Err(Error::Permanent("it was given".to_owned()));
    }
    job.emit(honest("a")).map(drop)
}

/// Not a tail call, and no array on the stack in memory: only the machine's own stack can end it.
#[expect(unconditional_recursion, reason = "that is the attack")]
fn down(depth: u64) -> u64 {
    let below = down(depth + 1 + runtime::now_ms() % 2);
    below ^ runtime::monotonic_ns()
}

fn log_flood(job: &Job) -> Result<(), Error> {
    for number in 0..100_000 {
        runtime::log(Level::Error, &format!("{} {number}", job.text("word")));
    }
    job.emit(honest("a")).map(drop)
}

fn log_terminal(job: &Job) -> Result<(), Error> {
    let word = job.text("word");
    runtime::log(Level::Error, &format!("{word}\u{1b}[31m\u{1b}[2J\u{9b}31m\r\nERROR hub: {word}-forged\u{202e}\u{7}"));
    runtime::log(Level::Error, &format!("{word}{}", "z".repeat(1 << 20)));
    job.emit(honest("a")).map(drop)
}

/// A line may be shown to the operator; nothing keeps it.
fn log_personal(job: &Job) -> Result<(), Error> {
    runtime::log(Level::Error, job.canary());
    job.emit(honest("a")).map(drop)
}

fn random(job: &Job) -> Result<(), Error> {
    let given = runtime::random(1 << 30).len();
    if given > 4096 {
        return Err(Error::Permanent(format!("{given} bytes were given")));
    }
    job.emit(honest("a")).map(drop)
}
