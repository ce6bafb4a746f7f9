//! What a manifest can do, without running it: hosts, streams, schemas, secrets, and what is wrong with it.
//!
//! Evaluates only templates that need nothing but the configuration. Everything told here is a claim of the manifest; what is granted is the host's business.

mod derive;
mod hosts;
mod secrets;
mod segments;
mod streams;
mod walk;

use crate::fault::{Fault, Kind, Mark};
use crate::load::Manifest;
use crate::model::{Note, Reader, read_source};
use crate::value::Value;

pub use derive::{Derived, Shape, derive_secrets};
pub use hosts::{Cause, Hosts, OpenHost, Origin};
pub use secrets::{SecretPath, Why, config_paths, secret_paths};
pub use streams::{DynamicStreams, Schema, StreamFacts, merge_schemas, primary_key};

/// Everything that can be said about a manifest.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// Where it wants to connect to.
    pub hosts: Hosts,
    /// Its streams, in the manifest's order.
    pub streams: Vec<StreamFacts>,
    /// Streams that are made at run time.
    pub dynamic_streams: Vec<DynamicStreams>,
    /// Which places of the configuration are secret.
    pub secrets: Vec<SecretPath>,
    /// Everything that hinders a run, by place.
    pub faults: Vec<Fault>,
    /// Everything without effect or else odd, by place.
    pub notes: Vec<Note>,
}

/// Inspects a manifest. With a configuration (placeholders in the place of secrets will do), templates are resolved where it is all they need.
#[must_use]
pub fn inspect(manifest: &Manifest, configuration: Option<&Value>, now_micros: i64) -> Inspection {
    let mut reader = Reader::new();
    let source = read_source(manifest.root(), &mut reader);
    let secrets = secret_paths(manifest);
    let mut faults = std::mem::take(&mut reader.faults);
    faults.extend(derive::faults(manifest.root(), &secrets));
    faults.extend(no_streams(manifest));
    faults.sort_by(|left, right| place(left.mark, &left.path).cmp(&place(right.mark, &right.path)).then_with(|| left.cmp(right)));
    faults.dedup();
    let mut notes = std::mem::take(&mut reader.notes);
    notes.sort_by(|left, right| {
        place(left.mark, &left.path).cmp(&place(right.mark, &right.path)).then_with(|| left.message.cmp(&right.message))
    });
    notes.dedup();
    let (streams, dynamic_streams) = source.as_ref().map(|source| streams::facts(source, configuration, now_micros)).unwrap_or_default();
    Inspection { hosts: hosts::find(manifest.root(), configuration, now_micros), streams, dynamic_streams, secrets, faults, notes }
}

fn no_streams(manifest: &Manifest) -> Option<Fault> {
    if !manifest.streams().is_empty() || !manifest.dynamic_streams().is_empty() {
        return None;
    }
    let message = "there are no streams: `streams` or `dynamic_streams` is expected to hold at least one".to_owned();
    Some(Fault { mark: manifest.root().mark, path: "streams".to_owned(), kind: Kind::Invalid, message })
}

/// By the place in the text; what has none comes last.
fn place(mark: Option<Mark>, path: &str) -> (bool, Mark, &str) {
    (mark.is_none(), mark.unwrap_or_default(), path)
}

#[cfg(test)]
mod tests;
