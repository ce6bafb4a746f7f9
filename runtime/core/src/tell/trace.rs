//! Traces as OTLP writes them in JSON: a span for a run, and one below it for each batch that was judged or delivered.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Run, State};
use crate::manifest::Flow;
use crate::policy::Policy;

/// What a part of a run was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A batch or page of the source passed the gate.
    Judge,
    /// A batch was given to the destination.
    Deliver,
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What it was.
    pub step: Step,
    /// Microseconds since 1970.
    pub began_us: u64,
    /// Microseconds since 1970.
    pub ended_us: u64,
    /// Records that passed.
    pub records: u64,
}

/// The trace of a run that ended; `left_out`: marks that there was no room for. None if the policy has no such flow.
#[must_use]
pub fn trace(policy: &Policy, run: &Run, marks: &[Mark], left_out: u64) -> Option<Value> {
    let (flow, _) = policy.flow(&run.flow)?;
    let root = span_id(run, 0);
    let mut spans = vec![run_span(flow, run, &root, left_out)];
    for (number, mark) in (1_u64..).zip(marks) {
        let (name, stream) = match mark.step {
            Step::Judge => ("hub.judge", &flow.from.value),
            Step::Deliver => ("hub.deliver", &flow.to.value),
        };
        let attributes = vec![
            text("hub.flow.id", &run.flow),
            text("hub.system.name", &stream.system),
            text("hub.stream.name", &stream.stream),
            number_of("hub.records", mark.records),
        ];
        let mut span = span(run, &span_id(run, number), name, (mark.began_us, mark.ended_us), attributes);
        span["parentSpanId"] = root.as_str().into();
        spans.push(span);
    }
    Some(json!({ "resourceSpans": [{
        "resource": { "attributes": [text("service.name", "hub"), text("service.version", env!("CARGO_PKG_VERSION"))] },
        "scopeSpans": [{ "scope": { "name": "hub", "version": env!("CARGO_PKG_VERSION") }, "spans": spans }],
    }] }))
}

fn run_span(flow: &Flow, run: &Run, id: &str, left_out: u64) -> Value {
    let mut attributes = vec![
        text("hub.flow.id", &run.flow),
        text("hub.run.id", &run.id),
        text("hub.purpose", &flow.purpose.value),
        text("hub.source", &flow.from.value.to_string()),
        text("hub.destination", &flow.to.value.to_string()),
        text("hub.outcome", run.state.word()),
        number_of("hub.records.read", run.read),
        number_of("hub.records.written", run.written),
        number_of("hub.audit.entries", run.audit_entries),
    ];
    if left_out > 0 {
        attributes.push(number_of("hub.spans.left_out", left_out));
    }
    if let Some(code) = run.state.code() {
        attributes.push(text("error.type", code.id()));
    }
    let mut span = span(run, id, "hub.run", (run.began_us, run.ended_us), attributes);
    if let State::Failed(code) = run.state {
        span["status"] = json!({ "code": 2, "message": code.name() });
    }
    span
}

fn span(run: &Run, id: &str, name: &str, (began_us, ended_us): (u64, u64), attributes: Vec<Value>) -> Value {
    // 64-bit numbers are texts in the JSON form of protocol buffers.
    let nanoseconds = |us: u64| (u128::from(us) * 1000).to_string();
    json!({
        "traceId": format!("{:032x}", run.number.max(1)), "spanId": id, "name": name, "kind": 1,
        "startTimeUnixNano": nanoseconds(began_us), "endTimeUnixNano": nanoseconds(ended_us.max(began_us)),
        "attributes": attributes, "status": {},
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn number_of(key: &str, value: u64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

/// The same for the same run and number.
fn span_id(run: &Run, number: u64) -> String {
    let mut hash = Sha256::new();
    hash.update(run.number.to_be_bytes());
    hash.update(number.to_be_bytes());
    data_encoding::HEXLOWER.encode(hash.finalize().get(..8).unwrap_or_default())
}
