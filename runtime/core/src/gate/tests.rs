//! The gate, area by area; the differential test against the oracle is in `hostile`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write;

use serde_json::{Value, json};

use super::{FieldPlan, Looking, PageOutcome, PlanError, PlanRequest, PlannedCondition, PlannedField, PlannedJoin, ScanReport, Stop};
use crate::detect::{Detector, DetectorSet};
use crate::manifest::{Coarser, DateUnit, OnInvalid, OnUndeclared};
use crate::record::FieldPath;
use crate::stream::StreamShape;
use crate::treat::{DomainKey, Treatment};

mod actions;
mod conditions;
mod hostile;
mod limits;
mod lines;
mod look;
mod pages;
mod plans;
mod types;

/// A plan in the making. Fields are written `path`, `path>to`, `path=treatment` or `path>to=treatment`, separated by spaces; joined fields
/// `path+path>to`.
struct Setup {
    shape: StreamShape,
    fields: String,
    primary_key: String,
    cursor: Option<&'static str>,
    on_undeclared: OnUndeclared,
    on_invalid: OnInvalid,
    conditions: Vec<PlannedCondition>,
    looking: Looking,
}

impl Setup {
    fn new(schema: Value, fields: &str) -> Self {
        let shape = StreamShape::from_schema(&schema).unwrap();
        Self {
            shape,
            fields: fields.to_owned(),
            primary_key: String::new(),
            cursor: None,
            on_undeclared: OnUndeclared::Drop,
            on_invalid: OnInvalid::Stop,
            conditions: Vec::new(),
            looking: Looking::Off,
        }
    }

    fn holding_undeclared(mut self) -> Self {
        self.on_undeclared = OnUndeclared::Hold;
        self
    }

    fn looking(mut self) -> Self {
        self.looking = Looking::On(Vec::new());
        self
    }

    fn condition(mut self, condition: PlannedCondition) -> Self {
        self.conditions.push(condition);
        self
    }

    fn skipping(mut self) -> Self {
        self.on_invalid = OnInvalid::Skip;
        self
    }

    fn stopping_at_undeclared(mut self) -> Self {
        self.on_undeclared = OnUndeclared::Stop;
        self
    }

    fn key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.primary_key);
        self
    }

    fn cursor(mut self, cursor: &'static str) -> Self {
        self.cursor = Some(cursor);
        self
    }

    fn plan(&self) -> Result<FieldPlan, Vec<PlanError>> {
        FieldPlan::compile(PlanRequest {
            shape: &self.shape,
            fields: self.fields.split_whitespace().filter(|text| !text.contains('+')).map(field).collect(),
            joins: self.fields.split_whitespace().filter(|text| text.contains('+')).map(join).collect(),
            primary_key: self.primary_key.split_whitespace().map(path).collect(),
            cursor: self.cursor.map(path),
            on_undeclared: self.on_undeclared,
            on_invalid: self.on_invalid,
            conditions: self.conditions.clone(),
            looking: self.looking.clone(),
            collect_keys: true,
            collect_persons: true,
        })
    }

    /// Passes lines and checks what comes out, rendered by [`rendered`].
    fn check(&self, input: &str, expected: &str) {
        self.check_bytes(input.as_bytes(), expected);
    }

    fn check_bytes(&self, input: &[u8], expected: &str) {
        let (mut out, mut report) = (Vec::new(), ScanReport::default());
        let result = self.plan().unwrap().scan_lines(input, &mut out, &mut report);
        let shown: String = String::from_utf8_lossy(input).chars().take(200).collect();
        assert_eq!(rendered(result.map(|()| None), &out, &report), expected, "{shown}");
    }

    fn check_page(&self, body: &str, pointer: &str, constants: &[(&str, &str)], observe: &[&str], expected: &str) {
        let (mut out, mut report) = (Vec::new(), ScanReport::default());
        let constants: Vec<_> = constants.iter().map(|(path, json)| ((*path).to_owned(), (*json).to_owned())).collect();
        let observe: Vec<_> = observe.iter().map(|field| (*field).to_owned()).collect();
        let result = self.plan().unwrap().scan_page(body.as_bytes(), pointer, &constants, &observe, &mut out, &mut report);
        assert_eq!(rendered(result.map(Some), &out, &report), expected, "{body} {pointer}");
    }
}

/// Output lines, then one line for each thing to know: `! stop`, `- code count`, `~ reason count`, `# held`, `% path detector count`, `? undeclared path count`, `^ cursor`, `= page`, `@ observed`.
fn rendered(result: Result<Option<PageOutcome>, Stop>, out: &[u8], report: &ScanReport) -> String {
    let mut text = String::from_utf8(out.to_vec()).unwrap();
    if let Some(observed) = &report.cursor {
        writeln!(text, "^ {}", seen(observed)).unwrap();
    }
    for (code, count) in &report.rejected {
        writeln!(text, "- {code} {count}").unwrap();
    }
    for (reason, count) in &report.skipped {
        writeln!(text, "~ {} {count}", reason.name()).unwrap();
    }
    for held in &report.held {
        let detector = held.detector.map_or("undeclared", Detector::name);
        writeln!(text, "# {} {} {detector} {}", held.code, held.path, String::from_utf8_lossy(&held.record)).unwrap();
    }
    for ((path, detector), count) in &report.suspected {
        writeln!(text, "% {path} {} {count}", detector.name()).unwrap();
    }
    for (path, count) in &report.undeclared {
        writeln!(text, "? {path} {count}").unwrap();
    }
    assert_eq!(u64::from(report.dropped_fields), report.undeclared.values().sum::<u64>());
    assert_eq!(report.accepted as usize, out.iter().filter(|byte| **byte == b'\n').count());
    match result {
        Ok(None) => {}
        Ok(Some(page)) => {
            writeln!(text, "= {}", page.extracted).unwrap();
            for observed in &page.observed {
                writeln!(text, "@ {}", seen(observed)).unwrap();
            }
        }
        Err(stop) => {
            assert!(out.is_empty() && *report == ScanReport::default(), "a stop leaves nothing behind");
            writeln!(text, "! {stop}").unwrap();
        }
    }
    text
}

fn seen(observed: &super::Observed) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let parts = [&observed.first, &observed.last, &observed.min, &observed.max].map(part);
    format!("{} {}", observed.field, parts.join(" "))
}

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap()
}

fn field(text: &str) -> PlannedField {
    let (names, treatment) = text.split_once('=').unwrap_or((text, "keep"));
    let (from, to) = names.split_once('>').unwrap_or((names, names));
    let treatment = match treatment {
        "keep" => Treatment::Keep,
        "hash" => Treatment::Hash,
        "mask" => Treatment::Mask { first: 1, last: 1 },
        "cut" => Treatment::Truncate { keep: 2 },
        "month" => Treatment::Generalise(Coarser::Date(DateUnit::Month)),
        "tens" => Treatment::Generalise(Coarser::Bucket(10)),
        "net" => Treatment::Network,
        "hide" => Treatment::Pseudonymise(DomainKey::new(b"0123456789abcdef").unwrap()),
        "redact" => Treatment::Redact(DetectorSet::ALL),
        constant => Treatment::Constant(constant.to_owned()),
    };
    PlannedField { path: path(from), to: path(to), treatment }
}

fn join(text: &str) -> PlannedJoin {
    let (parts, to) = text.split_once('>').unwrap();
    PlannedJoin { parts: parts.split('+').map(path).collect(), to: path(to), separator: ", ".to_owned() }
}

/// A schema of scalars of any type: names separated by spaces.
fn scalars(names: &str) -> Value {
    let fields: serde_json::Map<String, Value> = names.split_whitespace().map(|name| (name.to_owned(), json!({}))).collect();
    record(Value::Object(fields))
}

/// A record's schema with these properties, all of them operational data.
fn record(properties: Value) -> Value {
    json!({"type": "object", "x-hub-category": "system.operations", "properties": properties})
}
