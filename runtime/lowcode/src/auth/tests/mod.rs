//! Providers against answers written by hand: what they ask for, what they put in, how often they ask.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod editing;
mod oauth;
mod sessions;
mod tokens;

use super::{Answer, Failed, Injection, Need, Provider};
use crate::host::Request;
use crate::model::authenticator::read_authenticator;
use crate::model::reader::Reader;
use crate::model::text::Text;
use crate::value::Value;
use crate::yaml::Node;

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600_000_000;

fn made(authenticator: &str, config: &str) -> Result<Provider, Failed> {
    let node = Node::from_json(authenticator.as_bytes()).unwrap();
    let mut reader = Reader::new();
    let api_url = Text::constant(Value::str("https://api.example/v1"));
    let read = read_authenticator(&node, &mut reader, Some(&api_url));
    let authenticator = read.unwrap_or_else(|| panic!("{:?}", reader.faults));
    Provider::new(&authenticator, Value::from_json(config.as_bytes()).unwrap())
}

fn provider(authenticator: &str, config: &str) -> Provider {
    made(authenticator, config).unwrap()
}

fn ready(need: Need) -> Injection {
    match need {
        Need::Ready(injection) => injection,
        other => panic!("not ready: {other:?}"),
    }
}

fn asked(need: Need) -> Request {
    match need {
        Need::Request(request) => request,
        other => panic!("no request: {other:?}"),
    }
}

fn failed(need: Need) -> Failed {
    match need {
        Need::Failed(failed) => failed,
        other => panic!("no failure: {other:?}"),
    }
}

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, body: body.as_bytes().to_vec() }
}

fn form(request: &Request) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = url::form_urlencoded::parse(request.body.as_deref().unwrap_or_default()).into_owned().collect();
    pairs.sort();
    pairs
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
