//! How fast a log is verified: `cargo run --release -p hub-core --example audit_speed [ENTRIES]`. Wall time of one thread; reads from memory.
//!
//! Measures, judges nothing: a busy machine makes every number worse, none better.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "a program of its own: it measures the crate from outside"
)]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use hub_core::audit::export::{ExportCheck, entry_proof, header, verify_proof};
use hub_core::audit::note::LogKey;
use hub_core::audit::proof::{consistency, inclusion};
use hub_core::audit::tree::{Frontier, leaf_hash, stored_hash};
use hub_core::audit::{Draft, Kind};

const PROOFS: u64 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let entries: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let key = LogKey::from_seed("hub/speed", &[7; 32]).ok_or("no key")?;
    let (mut frontier, mut lines, mut stored, mut previous) = (Frontier::default(), Vec::new(), Vec::new(), [0; 32]);
    let begun = Instant::now();
    for seq in 0..entries {
        let draft = Draft::new(Kind::FlowIntent).run("01JD0000000000000000000000").flow("contacts-to-archive").batch(seq).purpose("care");
        let draft =
            draft.basis("art6-b").recipient("archive.contacts").records(1_000_u64).categories(["user.contact.email", "user.unique_id"]);
        let line = draft.fields(["id", "email"]).seal(seq, 1_790_000_000_000 + seq, &previous)?;
        previous = leaf_hash(&line);
        stored.push(frontier.push(previous).concat());
        lines.push(line);
    }
    let bytes: usize = lines.iter().map(Vec::len).sum();
    println!("{entries} entries, {} MB, made in {:.2} s", bytes / 1_000_000, begun.elapsed().as_secs_f64());
    let note = key.sign(&frontier.head());

    let begun = Instant::now();
    let mut check = ExportCheck::begin(header(&note, &Frontier::default()).as_bytes(), &key.verifier(), &[])?;
    for line in &lines {
        check.take(black_box(line))?;
    }
    check.finish()?;
    println!("an export is verified in {:.2} s", begun.elapsed().as_secs_f64());

    let mut get = |seq: u64, level: u32| stored_hash(stored.get(usize::try_from(seq).ok()?)?, level);
    let begun = Instant::now();
    let mut proofs = Vec::new();
    for number in 0..PROOFS {
        let seq = number * 7_919 % entries;
        let hashes = inclusion(seq, entries, &mut get)?;
        let line = lines.get(usize::try_from(seq)?).ok_or("no such entry")?;
        proofs.push(entry_proof(std::str::from_utf8(line)?, &hashes, &note));
    }
    println!("an entry is proven in {:.1} us", begun.elapsed().as_secs_f64() * 1e6 / PROOFS as f64);
    let begun = Instant::now();
    for proof in &proofs {
        verify_proof(black_box(proof), &key.verifier())?;
    }
    println!("a proof is verified in {:.1} us, signature included", begun.elapsed().as_secs_f64() * 1e6 / PROOFS as f64);
    let begun = Instant::now();
    for number in 0..PROOFS {
        black_box(consistency(1 + number * 7_919 % (entries - 1), entries, &mut get)?);
    }
    println!("growth is proven in {:.1} us", begun.elapsed().as_secs_f64() * 1e6 / PROOFS as f64);
    Ok(())
}
