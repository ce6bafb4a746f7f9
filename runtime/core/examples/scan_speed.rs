//! How fast the gate is: `cargo run --release -p hub-core --example scan_speed [RECORDS [ROUNDS [NAME]]]`. CPU time of this thread, best of all rounds.
//!
//! Measures, judges nothing: a busy machine makes every number worse, none better.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a program of its own: it measures the crate from outside"
)]

use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;

use hub_core::gate::{FieldPlan, Looking, PlanRequest, PlannedField, PlannedJoin, ScanReport};
use hub_core::manifest::{Coarser, DateUnit};
use hub_core::record::FieldPath;
use hub_core::stream::StreamShape;
use hub_core::treat::{DomainKey, Sealer, Seed, Treatment};

const TEXTS: &[&str] =
    &["first_name", "last_name", "email", "phone", "street", "city", "country", "company", "iban", "created_at", "notes"];
const NUMBERS: &[&str] = &["id", "amount", "postal_code"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |usual: usize| arguments.next().map_or(Ok(usual), |text| text.parse::<usize>());
    let (records, rounds) = (number(20_000)?, number(40)?);
    let only = arguments.next().unwrap_or_default();
    let measure = |name: &str, batch: &str, rounds: usize, plan: &FieldPlan| {
        if name.contains(&only) { measure(name, batch, rounds, plan) } else { Ok(()) }
    };
    let batch = batch(records);
    println!("{records} records of {} bytes, best of {rounds}", batch.len() / records.max(1));
    let key = DomainKey::new(b"0123456789abcdef0123456789abcdef").ok_or("the key is too short")?;
    let all: Vec<&str> = TEXTS.iter().chain(NUMBERS).copied().chain(["address"]).collect();
    let half: Vec<&str> = all.iter().copied().step_by(2).collect();
    measure("everything kept", &batch, rounds, &plan(&all, &|_| Treatment::Keep)?)?;
    measure("every second field kept", &batch, rounds, &plan(&half, &|_| Treatment::Keep)?)?;
    measure("nothing kept", &batch, rounds, &plan(&[], &|_| Treatment::Keep)?)?;
    let masked = |name: &str| if name == "iban" { Treatment::Mask { first: 4, last: 2 } } else { Treatment::Keep };
    measure("one field masked", &batch, rounds, &plan(&all, &masked)?)?;
    let hidden = |name: &str| match name {
        "email" | "phone" | "last_name" => Treatment::Pseudonymise(key.clone()),
        _ => Treatment::Keep,
    };
    measure("three pseudonyms", &batch, rounds, &plan(&all, &hidden)?)?;
    let coarse = |name: &str| match name {
        "created_at" => Treatment::Generalise(Coarser::Date(DateUnit::Month)),
        "amount" => Treatment::Generalise(Coarser::Bucket(100)),
        _ => Treatment::Keep,
    };
    measure("a month and a multiple", &batch, rounds, &plan(&all, &coarse)?)?;
    measure("two fields joined", &batch, rounds, &plan_of(&all, &|_| Treatment::Keep, &["first_name", "last_name"], Looking::Off)?)?;
    let treated = |name: &str| match name {
        "phone" => Treatment::Mask { first: 4, last: 2 },
        "last_name" => Treatment::Pseudonymise(key.clone()),
        _ => Treatment::Keep,
    };
    // Once more at the end: what the machine does meanwhile shows.
    measure("15 fields, two treatments", &batch, rounds, &plan(&all, &treated)?)?;
    measure("the same, values looked at", &batch, rounds, &plan_of(&all, &treated, &[], Looking::On(Vec::new()))?)?;
    measure("15 fields, two treatments", &batch, rounds, &plan(&all, &treated)?)?;
    let seed = Seed::new([1; 32]).ok_or("no seed")?;
    let sealer = Sealer::new([9; 32], &seed).ok_or("no recipient")?;
    let sealed = |name: &str| if name == "iban" { Treatment::Encrypt(sealer.clone()) } else { Treatment::Keep };
    measure("one field encrypted", &batch, rounds.min(3), &plan(&all, &sealed)?)?;
    Ok(())
}

fn plan(names: &[&str], treatment: &dyn Fn(&str) -> Treatment) -> Result<FieldPlan, Box<dyn Error>> {
    plan_of(names, treatment, &[], Looking::Off)
}

/// `parts` are joined to one field.
fn plan_of(names: &[&str], treatment: &dyn Fn(&str) -> Treatment, parts: &[&str], looking: Looking) -> Result<FieldPlan, Box<dyn Error>> {
    let mut properties = serde_json::Map::new();
    for name in TEXTS {
        let category = match *name {
            "email" => "user.contact.email",
            "phone" => "user.contact.phone_number",
            "iban" => "user.financial.bank_account",
            "notes" => "user.content.private",
            "created_at" => "system.operations",
            "street" | "city" | "country" => "user.contact.address",
            _ => "user.name",
        };
        let schema = serde_json::json!({"type": ["string", "null"], "maxLength": 200, "x-hub-category": category});
        properties.insert((*name).to_owned(), schema);
    }
    for name in NUMBERS {
        properties.insert((*name).to_owned(), serde_json::json!({"type": "number", "x-hub-category": "system.operations"}));
    }
    let address = serde_json::json!({"type": "object", "x-hub-category": "user.contact", "properties": {
        "line": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}}});
    properties.insert("address".to_owned(), address);
    let schema = serde_json::json!({"type": "object", "properties": properties});
    let shape = StreamShape::from_schema(&schema).map_err(|errors| format!("{errors:?}"))?;
    let field = |name: &str| {
        let path = FieldPath::parse(name)?;
        Some(PlannedField { to: path.clone(), path, treatment: treatment(name) })
    };
    let is_part = |name: &&&str| parts.contains(*name);
    let join = |to| PlannedJoin { parts: parts.iter().filter_map(|name| FieldPath::parse(name)).collect(), to, separator: " ".to_owned() };
    let joins = FieldPath::parse("name").filter(|_| !parts.is_empty()).map(join).into_iter().collect();
    let request = PlanRequest {
        fields: names.iter().filter(|name| !is_part(name)).filter_map(|name| field(name)).collect(),
        joins,
        primary_key: FieldPath::parse("id").into_iter().collect(),
        cursor: FieldPath::parse("created_at"),
        looking,
        ..PlanRequest::new(&shape)
    };
    FieldPlan::compile(request).map_err(|errors| format!("{errors:?}").into())
}

/// Records of about 500 bytes with 15 fields and one that nothing declares.
fn batch(records: usize) -> String {
    let mut text = String::new();
    for at in 0..records {
        let written = writeln!(
            text,
            r#"{{"id":{at},"first_name":"Friederike","last_name":"Musterfrau-{at}","email":"friederike.musterfrau{at}@mail.example","phone":"+49 511 {at:08}","street":"Beispielweg {at}","city":"Hannover","country":"Deutschland","company":"Nordwerk Anlagenbau GmbH und Compagnie","iban":"DE0212030000{at:010}","created_at":"2026-11-{:02}T10:20:30.{at:06}Z","amount":{}.{:02},"postal_code":30159,"notes":"Ansprechpartnerin fuer Wartung und Ersatzteile","internal":"x{at}","address":{{"line":"Hinterhaus, zweiter Stock","tags":["kunde","wartung"]}}}}"#,
            at % 30 + 1,
            at * 7,
            at % 100,
        );
        if written.is_err() {
            break;
        }
    }
    text
}

fn measure(name: &str, batch: &str, rounds: usize, plan: &FieldPlan) -> Result<(), Box<dyn Error>> {
    let mut out = Vec::with_capacity(batch.len() * 2);
    let mut best = f64::MAX;
    let mut written = 0;
    for _ in 0..rounds {
        out.clear();
        let mut report = ScanReport::default();
        let start = cpu_seconds()?;
        plan.scan_lines(black_box(batch.as_bytes()), &mut out, &mut report)?;
        best = best.min(cpu_seconds()? - start);
        written = black_box(&out).len();
    }
    let rate = batch.len() as f64 / best / 1e6;
    let records = batch.lines().count() as f64 / best / 1e3;
    println!("{name:<26}{rate:>8.0} MB/s {records:>8.0} k records/s, {written} bytes out");
    Ok(())
}

/// CPU time of this process in seconds, from the kernel: user and system time in nanoseconds where it keeps them.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = text.split_whitespace().next().ok_or("no time in schedstat")?.parse()?;
    Ok(nanoseconds / 1e9)
}
