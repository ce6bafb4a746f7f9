//! Makes a recording of a real system: what a connector asks it and what it answers, with invented values in the place of personal ones.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use hub_core::problem::{Code, Problem};
use serde_json::Value;
use url::Url;

use super::bench::{Bench, Timing, Wanted};
use super::player::Player;
use super::recording::{Answered, Asked, Body, Expected, Interaction, Recording};
use super::scrub::Scrubber;
use crate::clock;
use crate::egress::{Lookup, Request, Response, SystemLookup, Witness};
use crate::plugin::PluginError;

/// Headers that say nothing to a connector. The date is kept: some go by the clock of their system.
const LEFT_OUT: [&str; 13] = [
    "alt-svc",
    "cf-cache-status",
    "cf-ray",
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "nel",
    "report-to",
    "server",
    "strict-transport-security",
    "transfer-encoding",
    "via",
];

/// How a recording is made.
#[derive(Clone, Copy, Debug)]
pub struct Making<'a> {
    /// Where the system really is; the recording has its declared origin instead.
    pub at: &'a Url,
    /// Invented values stand for personal ones.
    pub scrub: bool,
    /// About so many records of each stream.
    pub limit: u64,
}

/// Asks the real system for everything that the connector declares.
///
/// # Errors
/// What the connector failed with, or that a personal value could not be replaced.
pub async fn record(bench: &Bench, streams: &[&str], making: Making<'_>) -> Result<Recording, Problem> {
    let at_ms = clock::now_ms();
    let timing = Timing { at_ms, waits: true };
    let recorder = Arc::new(Recorder { system: SystemLookup, heard: Mutex::default() });
    let lookup: Arc<dyn Lookup> = recorder.clone();
    match bench.check(lookup.clone(), timing).await {
        // A check may want to read bodies although reading does not need it.
        Err(error) if error.code != Code::E310 => return Err(failed("the check of the connection", &error)),
        _ => {}
    }
    let mut records: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for stream in streams {
        let wanted = Wanted { limit: Some(making.limit), ..Wanted::all(stream, lookup.clone(), timing) };
        let seen = bench.read(wanted.clone()).await;
        seen.ended.map_err(|error| failed(stream, &error))?;
        let mut all = seen.content.records;
        if let Some((_, state)) = seen.content.states.last() {
            let again = bench.read(Wanted { state: Some(state.clone()), ..wanted }).await;
            again.ended.map_err(|error| failed(stream, &error))?;
            all.extend(again.content.records);
        }
        records.insert(stream, all);
    }
    let mut interactions: Vec<Interaction> = recorder.heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(origin) = &bench.origin {
        let real = making.at.origin().ascii_serialization();
        interactions.iter_mut().for_each(|one| elsewhere(one, &real, origin));
    }
    let mut scrubber = Scrubber::new(bench.secrets.clone());
    if making.scrub {
        for (stream, records) in &records {
            scrubber.learn_records(&bench.shape(stream), records);
        }
        scrubber.learn_bodies(interactions.iter().map(|one| &one.response.body));
    }
    interactions.iter_mut().for_each(|one| scrubber.scrub(one));
    scrubber.proven(&interactions)?;
    let about = format!("{} {}", bench.package.description.name, bench.package.description.version);
    Ok(Recording { about, at_ms, limit: Some(making.limit), interactions, streams: BTreeMap::new() })
}

/// What the connector makes of a recording now.
///
/// # Errors
/// What the connector failed with.
pub async fn play(bench: &Bench, player: &Player, recording: &Recording, streams: &[&str]) -> Result<BTreeMap<String, Expected>, Problem> {
    let timing = Timing { at_ms: recording.at_ms, waits: false };
    let mut found = BTreeMap::new();
    for stream in streams {
        let wanted = Wanted { limit: recording.limit, ..Wanted::all(stream, player.detour(), timing) };
        let seen = bench.read(wanted.clone()).await;
        seen.ended.map_err(|error| failed(stream, &error))?;
        let state = seen.content.states.last().map(|(_, state)| state.clone());
        let mut expected = Expected { records: seen.content.records, ..Expected::default() };
        if let Some(state) = state {
            expected.state = Some(shown(&state));
            let again = bench.read(Wanted { state: Some(state), ..wanted }).await;
            again.ended.map_err(|error| failed(stream, &error))?;
            expected.again = Some(again.content.records);
        }
        found.insert((*stream).to_owned(), expected);
    }
    Ok(found)
}

/// A state as people can read it.
fn shown(state: &[u8]) -> Value {
    serde_json::from_slice(state).unwrap_or_else(|_| Value::String(data_encoding::BASE64.encode(state)))
}

fn failed(what: &str, error: &PluginError) -> Problem {
    let help =
        error.refusal.as_ref().map_or("see what its system answers; `-v` shows what the connector logs", |refusal| refusal.help.as_str());
    Problem::new(error.code, format!("{what}: {}", error.message), help)
}

/// The declared origin in the place of the real one.
fn elsewhere(one: &mut Interaction, real: &str, declared: &str) {
    let change = |text: &mut String| *text = text.replace(real, declared);
    change(&mut one.request.url);
    one.request.body.iter_mut().for_each(change);
    one.response.headers.values_mut().for_each(change);
    match &mut one.response.body {
        Body::Json(value) => super::scrub::strings(value, &mut |text| *text = text.replace(real, declared)),
        Body::Text(text) => change(text),
        Body::Empty | Body::Base64(_) => {}
    }
}

/// Lets requests through and keeps them.
struct Recorder {
    system: SystemLookup,
    heard: Mutex<Vec<Interaction>>,
}

impl Lookup for Recorder {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        self.system.lookup(host)
    }

    fn witness(&self) -> Option<&dyn Witness> {
        Some(self)
    }
}

impl Witness for Recorder {
    fn answered(&self, request: &Request, answer: &Response, is_login: bool) {
        let headers = answer.headers.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str())).cloned().collect();
        let mut body = Body::of(&answer.body);
        if is_login {
            // Whoever plays it needs the form of the answer, never the token in it.
            match &mut body {
                Body::Json(value) => super::scrub::strings(value, &mut |text| *text = "hub-trial-token".to_owned()),
                other => *other = Body::Text("hub-trial-token".to_owned()),
            }
        }
        let asked = request.body.as_ref().filter(|_| !is_login).map(|body| String::from_utf8_lossy(body).into_owned());
        let one = Interaction {
            request: Asked { method: request.method.name().to_string(), url: request.url.to_string(), body: asked },
            response: Answered { status: answer.status, headers, body },
        };
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(one);
    }
}

/// E009 where recording must not happen: a pipeline that records would put what it reads into an artifact.
///
/// # Errors
/// It is a pipeline.
pub fn permitted() -> Result<(), Problem> {
    let is_set = crate::config::environment("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0");
    if is_set {
        let help =
            "record on a machine of your own, look at the recording, and put it under version control; here it is played: `hub test`";
        return Err(Problem::new(Code::E009, "nothing is recorded in continuous integration (CI is set)", help));
    }
    Ok(())
}
