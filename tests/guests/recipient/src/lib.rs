//! A destination that misbehaves with what it receives. `attack` in its configuration says how.

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "destination-connector", generate_all });
}

use std::cell::RefCell;
use std::hint::black_box;

use bindings::exports::hub::connector::destination::{Error, Guest, Report, RowError, Target};
use bindings::hub::connector::sink;
use serde_json::Value;

struct Hostile;

thread_local! {
    static ATTACK: RefCell<String> = const { RefCell::new(String::new()) };
}

fn attack(name: &str) -> bool {
    ATTACK.with_borrow(|attack| attack == name)
}

impl Guest for Hostile {
    fn check(_config: String) -> Result<(), Error> {
        Ok(())
    }

    fn open(config: String, _targets: Vec<Target>) -> Result<(), Error> {
        let config: Value = serde_json::from_str(&config).map_err(|error| Error::Config(error.to_string()))?;
        ATTACK.set(config["attack"].as_str().unwrap_or_default().to_owned());
        if attack("refuses-to-open") { Err(Error::Config("not today".to_owned())) } else { Ok(()) }
    }

    fn write(_target: u32, _idempotency_key: String, batch: Vec<u8>) -> Result<Report, Error> {
        let records = batch.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u32;
        let row = |row: u32, code: &str| RowError { row, code: code.to_owned() };
        let text = String::from_utf8_lossy(&batch).into_owned();
        let report = |written: u32, failed: Vec<RowError>| Ok(Report { written, failed });
        ATTACK.with_borrow(|attack| match attack.as_str() {
            "takes-more-than-sent" => report(u32::MAX, Vec::new()),
            "takes-less-than-sent" => report(0, Vec::new()),
            "fails-more-than-sent" => report(0, (0..5000).map(|number| row(number, "no")).collect()),
            "fails-a-row-twice" => report(records - 1, (0..3).map(|_| row(0, "no")).collect()),
            "fails-a-row-that-was-not-sent" => report(records - 1, vec![row(u32::MAX, "no")]),
            "tells-in-a-code" => report(records - 1, vec![row(0, &text)]),
            "floods-a-code" => report(records - 1, vec![row(0, &format!("\u{1b}[2J\r\n{}", "w".repeat(1 << 20)))]),
            "tells-in-an-error" => Err(Error::Permanent(text)),
            "emits" => sink::emit(0, &batch).map(|_| Report { written: records, failed: Vec::new() }),
            "traps" => core::arch::wasm32::unreachable(),
            "spins" => loop {
                black_box(());
            },
            _ => report(records, Vec::new()),
        })
    }

    fn delete(_target: u32, _idempotency_key: String, keys: Vec<u8>) -> Result<Report, Error> {
        let records = keys.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u32;
        let text = String::from_utf8_lossy(&keys).into_owned();
        ATTACK.with_borrow(|attack| match attack.as_str() {
            "deletes-more-than-sent" => Ok(Report { written: records + 1, failed: Vec::new() }),
            "refuses-a-deletion-in-a-code" => Ok(Report { written: records - 1, failed: vec![RowError { row: 0, code: text }] }),
            "tells-keys-in-an-error" => Err(Error::Permanent(text)),
            "traps-at-a-deletion" => core::arch::wasm32::unreachable(),
            _ => Ok(Report { written: records, failed: Vec::new() }),
        })
    }

    fn flush(_target: u32) -> Result<(), Error> {
        if attack("fails-at-flush") { Err(Error::Permanent("not durable".to_owned())) } else { Ok(()) }
    }

    fn finish(_target: u32) -> Result<(), Error> {
        if attack("fails-at-finish") { Err(Error::Permanent("not today".to_owned())) } else { Ok(()) }
    }
}

bindings::export!(Hostile with_types_in bindings);

const DESCRIPTION: &[u8] = include_bytes!("../description.json");

/// What the connector says about itself; the build puts it at component level.
#[used]
#[unsafe(link_section = "hub:manifest")]
static SECTION: [u8; DESCRIPTION.len()] = *include_bytes!("../description.json");
