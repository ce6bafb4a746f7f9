//! CloudEvents 1.0 for alerts, in the structured JSON mode, and the signature that they carry (Standard Webhooks).

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::{Run, State, timestamp};
use crate::manifest::Event;
use crate::problem::{Class, Code};

/// Media type of a body.
pub const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";
/// How a secret begins that is written as base64.
const BASE64_PREFIX: &str = "whsec_";

/// One message: its id stays the same however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `webhook-id`, and the event's `id`.
    pub id: String,
    /// The exact bytes.
    pub body: Vec<u8>,
}

/// What a run that ended has to tell: events in the order of weight, with their data.
#[must_use]
pub fn of_run(run: &Run) -> Vec<(Event, Value)> {
    let mut events = Vec::new();
    let code = run.state.code();
    if code.is_some_and(|code| code.class() == Class::Integrity) {
        events.push((Event::AuditBroken, about(run)));
    }
    match run.state {
        State::Failed(Code::E213) => events.push((Event::FlowPaused, about(run))),
        State::Failed(_) => events.push((Event::RunFailed, about(run))),
        State::Completed => events.push((Event::RunCompleted, about(run))),
        State::Interrupted | State::Running => {}
    }
    let ended_it = code.filter(|code| code.class() == Class::Policy && !run.denied.iter().any(|(known, _)| known == code));
    let denied: Vec<(Code, u64)> = ended_it.map(|code| (code, 1)).into_iter().chain(run.denied.iter().copied()).collect();
    if !denied.is_empty() {
        let rules: Vec<Value> =
            denied.iter().map(|(code, count)| json!({ "code": code.id(), "name": code.name(), "count": count })).collect();
        let mut data = about(run);
        data["rules"] = rules.into();
        events.push((Event::FlowDenied, data));
    }
    events
}

/// Signed heads of the log do not reach a place outside: the event with its data. `since`: from when on, as text.
#[must_use]
pub fn of_anchor(anchor: &str, since: &str, audit_entries: u64, anchored_entries: u64) -> (Event, Value) {
    let code = Code::E316;
    let data = json!({
        "code": code.id(), "name": code.name(), "anchor": anchor, "since": since, "audit_entries": audit_entries,
        "anchored_entries": anchored_entries,
    });
    (Event::AuditBroken, data)
}

fn about(run: &Run) -> Value {
    let mut data = Map::new();
    data.insert("flow".to_owned(), run.flow.as_str().into());
    if !run.id.is_empty() {
        data.insert("run".to_owned(), run.id.as_str().into());
    }
    if let Some(code) = run.state.code() {
        data.insert("code".to_owned(), code.id().into());
        data.insert("name".to_owned(), code.name().into());
    }
    data.insert("read".to_owned(), run.read.into());
    data.insert("written".to_owned(), run.written.into());
    if run.deleted > 0 {
        data.insert("deleted".to_owned(), run.deleted.into());
    }
    data.insert("audit_entries".to_owned(), run.audit_entries.into());
    Value::Object(data)
}

/// An event as a message. `source`: which hub tells it; `subject`: the flow, if it is about one.
#[must_use]
pub fn message(id: &str, event: &str, source: &str, subject: Option<&str>, us: u64, data: &Value) -> Message {
    let mut fields = json!({
        "specversion": "1.0", "id": id, "source": source, "type": format!("hub.{event}.v1"), "time": timestamp(us),
        "datacontenttype": "application/json",
    });
    if let Some(subject) = subject {
        fields["subject"] = subject.into();
    }
    fields["data"] = data.clone();
    Message { id: id.to_owned(), body: fields.to_string().into_bytes() }
}

/// The key that a secret's text means: what stands behind `whsec_` in base64, any other text as it is.
#[must_use]
pub fn key(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix(BASE64_PREFIX).and_then(|text| data_encoding::BASE64.decode(text.as_bytes()).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

/// `webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over `ID.SECONDS.BODY`.
#[must_use]
pub fn signature(key: &[u8], message: &Message, seconds: u64) -> String {
    // HMAC takes keys of any length.
    let Ok(mut code) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    code.update(format!("{}.{seconds}.", message.id).as_bytes());
    code.update(&message.body);
    format!("v1,{}", data_encoding::BASE64.encode(&code.finalize().into_bytes()))
}
