//! What looking for identifiers costs: `cargo run --release -p hub-core --example detect_speed [ROUNDS]`. CPU time of this thread, best of all rounds.
//!
//! Measures, judges nothing: a busy machine makes every number worse, none better.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a program of its own: it measures the crate from outside"
)]

use std::error::Error;
use std::hint::black_box;

use hub_core::detect::{DetectorSet, find_all, whole};

/// Values, and how often each is looked at in one go: the kernel counts CPU time in steps of some milliseconds.
const VALUES: usize = 1_000;
const LOOKS: usize = 4_000;

const SAMPLES: [(&str, &str); 10] = [
    ("name", "Musterfrau"),
    ("text of 30 bytes", "Nordwerk Anlagenbau & Compagnie"),
    ("text of 46 bytes", "Ansprechpartnerin fuer Wartung und Ersatzteile"),
    ("timestamp", "2026-11-17T10:20:30.000815Z"),
    ("number", "100200300"),
    ("telephone", "+49 511 12345678"),
    ("e-mail", "friederike.musterfrau4711@mail.example"),
    ("IBAN", "DE89370400440532013000"),
    ("card", "4111 1111 1111 1111"),
    ("tax id", "86095742719"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = std::env::args().nth(1).map(|text| text.parse()).transpose()?.unwrap_or(5);
    println!("{:<20}{:>16}{:>16}{:>16}   ns for each value, best of {rounds}", "", "whole", "in text", "and terms");
    for (name, sample) in SAMPLES {
        let values: Vec<String> = (0..VALUES).map(|_| sample.to_owned()).collect();
        let as_whole = measure(rounds, &values, |text| usize::from(whole(text, DetectorSet::CHECKSUM).is_some()))?;
        let mut hits = Vec::new();
        let mut search = |text: &[u8], wanted| {
            hits.clear();
            find_all(text, wanted, &mut hits);
            hits.len()
        };
        let in_text = measure(rounds, &values, |text| search(text, DetectorSet::CHECKSUM))?;
        let with_terms = measure(rounds, &values, |text| search(text, DetectorSet::ALL))?;
        println!("{name:<20}{as_whole:>16.1}{in_text:>16.1}{with_terms:>16.1}");
    }
    Ok(())
}

/// Nanoseconds for each value.
fn measure(rounds: usize, values: &[String], mut look: impl FnMut(&[u8]) -> usize) -> Result<f64, Box<dyn Error>> {
    let mut best = f64::MAX;
    for _ in 0..rounds {
        let start = cpu_nanoseconds()?;
        for _ in 0..LOOKS {
            black_box(values.iter().map(|value| look(black_box(value.as_bytes()))).sum::<usize>());
        }
        best = best.min(cpu_nanoseconds()? - start);
    }
    Ok(best / (values.len() * LOOKS) as f64)
}

/// CPU time of this thread, from the kernel: user and system time where it keeps them.
fn cpu_nanoseconds() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("no time in schedstat")?.parse()?)
}
