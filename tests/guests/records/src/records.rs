//! Attacks by what is emitted: text that is no record, fields that hide, sizes, order, and guest texts that carry personal values.

use crate::bindings::exports::hub::connector::source::Error;
use crate::bindings::hub::connector::sink;
use crate::{Attack, Job, honest};

pub const ALL: &[(&str, Attack)] = &[
    ("honest", |job| job.emit(honest("a") + &honest("b")).map(drop)),
    ("undeclared-field", |job| line(job, &format!(r#"{{"id":"a","ssn":"{}"}}"#, job.canary()))),
    ("undeclared-in-array-element", |job| {
        line(job, &format!(r#"{{"id":"a","tags":[{{"label":"x"}},{{"label":"y","ssn":"{}"}}]}}"#, job.canary()))
    }),
    ("undeclared-in-object", |job| line(job, &format!(r#"{{"id":"a","address":{{"city":"Jena","ssn":"{}"}}}}"#, job.canary()))),
    ("object-as-scalar", |job| line(job, &format!(r#"{{"id":"a","email":{{"ssn":"{}"}}}}"#, job.canary()))),
    ("array-as-scalar", |job| line(job, &format!(r#"{{"id":"a","email":["{}"]}}"#, job.canary()))),
    ("duplicate-key", |job| line(job, &format!(r#"{{"id":"a","email":"x@example.org","email":"{}"}}"#, job.canary()))),
    ("duplicate-key-by-escape", |job| line(job, &format!(r#"{{"id":"a","email":"x@example.org","em\u0061il":"{}"}}"#, job.canary()))),
    ("escaped-key", |job| line(job, &format!(r#"{{"id":"a","\u0073\u0073n":"{}"}}"#, job.canary()))),
    ("personal-key", |job| line(job, &format!(r#"{{"id":"a","{}":1}}"#, job.canary()))),
    ("many-keys", many_keys),
    ("broken-utf8", |job| job.emit([br#"{"id":"a","email":""#, &[0xff, 0xc0, 0xaf][..], br#""}"#].concat()).map(drop)),
    ("surrogate-alone", |job| line(job, r#"{"id":"\ud800"}"#)),
    ("broken-json", |job| line(job, &format!(r#"{{"id":"a","email":"{}""#, job.canary()))),
    ("two-values-on-a-line", |job| line(job, &format!(r#"{{"id":"a"}}{{"id":"{}"}}"#, job.canary()))),
    ("record-is-an-array", |job| line(job, &format!(r#"["{}"]"#, job.canary()))),
    ("deep-nesting", |job| line(job, &format!(r#"{{"id":"a","email":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000)))),
    ("deep-nesting-in-undeclared", |job| line(job, &format!(r#"{{"id":"a","x":{}{}}}"#, "[".repeat(1 << 20), "]".repeat(1 << 20)))),
    ("long-number", |job| line(job, &format!(r#"{{"id":"a","score":{}}}"#, "9".repeat(10_000)))),
    ("long-string", |job| line(job, &format!(r#"{{"id":"a","email":"{}"}}"#, "x".repeat(15 << 20)))),
    ("oversized-batch", |job| job.emit(honest("a").repeat((17 << 20) / honest("a").len())).map(drop)),
    ("oversized-line", |job| job.emit(format!(r#"{{"id":"a","email":"{}"}}"#, "x".repeat(17 << 20))).map(drop)),
    ("batch-beyond-a-call", |job| job.emit(vec![b' '; 40 << 20]).map(drop)),
    ("foreign-stream", |job| sink::emit(7, honest(job.canary()).as_bytes()).map(drop)),
    ("foreign-stream-checkpoint", |_| sink::checkpoint(7, b"x")),
    ("goes-on-after-denial", goes_on_after_denial),
    ("never-ends-after-denial", never_ends_after_denial),
    ("oversized-checkpoint", |job| job.checkpoint(&vec![b'x'; (4 << 20) + 1])),
    ("empty-batches", empty_batches),
    ("trap-after-a-batch", trap_after_a_batch),
    ("trap-after-a-checkpoint", trap_after_a_checkpoint),
    ("personal-panic", |job| panic!("cannot parse {}", job.canary())),
    ("personal-error", |job| Err(Error::Permanent(format!("no such person: {}", job.canary())))),
    ("terminal-error", |job| {
        Err(Error::Permanent(format!(
            "{}\u{1b}[2J\u{1b}]0;owned\u{7}\r\n✓ 1 flows, all well\u{202e}{}",
            job.text("word"),
            "x".repeat(1 << 20)
        )))
    }),
    ("undeclared-deletion", |job| deleted(job, r#"{"id":"a"}"#)),
    ("deletion-with-a-field", |job| deleted(job, &format!(r#"{{"id":"a","email":"{}"}}"#, job.canary()))),
    ("deletion-with-undeclared", |job| deleted(job, &format!(r#"{{"id":"a","ssn":"{}"}}"#, job.canary()))),
    ("deletion-without-key", |job| deleted(job, "{}")),
    ("deletion-broken", |job| deleted(job, &format!(r#"{{"id":"{}""#, job.canary()))),
    ("deletion-oversized", |job| sink::emit_deleted(job.stream.index, "{\"id\":\"a\"}\n".repeat((17 << 20) / 11).as_bytes()).map(drop)),
    ("deletion-of-a-foreign-stream", |_| sink::emit_deleted(7, b"{\"id\":\"a\"}\n").map(drop)),
    ("cancelled-unasked", |_| Err(Error::Cancelled)),
];

fn line(job: &Job, record: &str) -> Result<(), Error> {
    // A good record first: nothing of the batch may arrive if it is stopped.
    job.emit(honest("first") + record + "\n").map(drop)
}

/// A good key first: nothing of the batch may arrive if it is stopped.
fn deleted(job: &Job, key: &str) -> Result<(), Error> {
    sink::emit_deleted(job.stream.index, format!("{{\"id\":\"first\"}}\n{key}\n").as_bytes()).map(drop)
}

fn many_keys(job: &Job) -> Result<(), Error> {
    let keys: Vec<String> = (0..100_000).map(|number| format!("\"k{number}{}\":1", "y".repeat(100))).collect();
    job.emit(format!("{{\"id\":\"a\",{}}}\n", keys.join(","))).map(drop)
}

fn goes_on_after_denial(job: &Job) -> Result<(), Error> {
    let denied = sink::emit(7, honest("b").as_bytes());
    for _ in 0..50 {
        // Declared fields only: only the earlier denial keeps them back.
        let _ = job.emit(honest(job.canary()));
        let _ = job.checkpoint(b"done");
    }
    denied.map(drop).or(Ok(()))
}

fn never_ends_after_denial(job: &Job) -> Result<(), Error> {
    let _ = sink::emit(7, honest("b").as_bytes());
    loop {
        let _ = job.emit(honest(job.canary()));
    }
}

fn empty_batches(job: &Job) -> Result<(), Error> {
    for _ in 0..2000 {
        job.emit(b"\n")?;
    }
    Ok(())
}

fn trap_after_a_batch(job: &Job) -> Result<(), Error> {
    job.emit(honest(job.canary()))?;
    core::arch::wasm32::unreachable()
}

/// The first run leaves a batch behind its last checkpoint; the next one is told where that was.
fn trap_after_a_checkpoint(job: &Job) -> Result<(), Error> {
    if job.stream.state.as_deref() == Some(b"one") {
        job.emit(honest("two"))?;
        return job.checkpoint(b"two");
    }
    job.emit(honest("one"))?;
    job.checkpoint(b"one")?;
    job.emit(honest(job.canary()))?;
    core::arch::wasm32::unreachable()
}
