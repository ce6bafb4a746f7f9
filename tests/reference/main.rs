//! The straight native programs that `cargo xtask bench` compares hub with: the same work, written directly, without sandbox, policy or log.
//!
//! `records N`: the generator of the connector `sample`, compiled natively, to nowhere. `parse N`: the same and a JSON parse of every record.
//! `pages URL FILE`: HTTP pages, parsed, the wanted fields written as NDJSON. `serve N SIZE`: the server of those pages; prints its address.
//! `orders URL FILE` and `serve-orders N SIZE`: the same with orders in pages that are counted.

mod orders;
mod pages;
mod serve;

#[path = "../../connectors/sample/src/generate.rs"]
#[allow(dead_code, missing_docs, reason = "the file is the connector's; this program uses a part of it")]
mod generate;

use std::process::ExitCode;

use generate::{Generator, Stream};

/// What any step can fail with.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Records are handed on in pieces of this size, as a connector does.
const PIECE: usize = 512 << 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["records", count] => number(count).map(records),
        ["parse", count] => number(count).and_then(parse),
        ["pages", url, file] => pages::run(url, file),
        ["orders", url, file] => orders::run(url, file),
        ["serve-orders", count, size] => number(count).and_then(|count| orders::serve(count, number(size)?)),
        ["serve", count, size] => number(count).and_then(|count| serve::run(count, number(size)?)),
        _ => Err("usage: reference records N | parse N | pages URL FILE | serve N SIZE | orders URL FILE | serve-orders N SIZE".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reference: {error}");
            ExitCode::FAILURE
        }
    }
}

fn number(text: &str) -> Result<u64, Failure> {
    Ok(text.parse()?)
}

/// Makes the records and lets each piece go.
fn records(count: u64) {
    each_piece(count, |piece| {
        std::hint::black_box(piece.len());
    });
}

/// Makes the records and parses every one into a typed value, as a program without policy would.
fn parse(count: u64) -> Result<(), Failure> {
    let mut failed = None;
    let mut bytes = 0;
    each_piece(count, |piece| {
        for line in piece.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<serde_json::Value>(line) {
                Ok(value) => bytes += usize::from(std::hint::black_box(&value).is_object()),
                Err(error) => failed = Some(error),
            }
        }
    });
    std::hint::black_box(bytes);
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn each_piece(count: u64, mut take: impl FnMut(&[u8])) {
    let generator = Generator::new(1, false);
    let mut piece = Vec::with_capacity(PIECE + 4096);
    for index in 0..count {
        generator.write(Stream::Contacts, index, &mut piece);
        if piece.len() >= PIECE {
            take(&piece);
            piece.clear();
        }
    }
    take(&piece);
}
