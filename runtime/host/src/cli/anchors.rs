//! Who outside was reached: anchors of the manifest, the heads that lie in their files, and receivers that take nothing. Sends nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hub_core::audit::note::Verifier;
use hub_core::audit::{TreeHead, timestamp};
use hub_core::manifest::{AnchorPlace, Manifest};
use serde_json::{Value, json};

use super::evidence::{read_heads, untrue};
use super::{Failure, Place, load};
use crate::config::Config;
use crate::place::beside;
use crate::store::format::Reached;
use crate::store::{self, Store, StoreError};
use crate::telemetry;

/// What the store knows of everybody outside, by receiver id, and how many entries the log has.
#[derive(Default)]
pub(super) struct Outside {
    pub reached: BTreeMap<String, Reached>,
    pub entries: u64,
}

impl Outside {
    pub(super) fn read(store: &dyn Store) -> Result<Self, StoreError> {
        Ok(Self { reached: telemetry::reached(store)?, entries: store.head()?.size })
    }

    /// By a private copy, since it may be open elsewhere. None: there is no store, or none that opens.
    pub(super) fn look(config: &Config) -> Option<Self> {
        let copy = store::open_copy(&config.data.join("store")).ok()?;
        Self::read(&copy.store).ok()
    }

    fn of(&self, id: &str) -> Reached {
        self.reached.get(id).cloned().unwrap_or_default()
    }

    fn anchor(&self, name: &str) -> Reached {
        self.of(&format!("anchor:{name}"))
    }

    /// Entries that the last head counts which any anchor of the manifest took.
    pub(super) fn anchored(&self, manifest: &Manifest) -> Option<u64> {
        let taken = manifest.anchors.keys().map(|name| self.anchor(name)).filter(|reached| reached.taken_ms.is_some());
        taken.map(|reached| reached.entries).max()
    }

    /// One line for each anchor, and whether it takes heads.
    pub(super) fn anchors(&self, manifest: &Manifest) -> Vec<(bool, String)> {
        let line = |name: &String| {
            let reached = self.anchor(name);
            let mut text = match reached.taken_ms {
                Some(taken) => {
                    let since = self.entries.saturating_sub(reached.entries);
                    format!("last anchored: {}, by {name}, {since} entries since", timestamp(taken))
                }
                None => format!("{name} has no head of the log yet: the end of a run gives it one"),
            };
            if let Some(failing) = failing(&reached) {
                text.push_str(&format!("; HUB-E316 it fails {failing}"));
            }
            (reached.failing_since_ms.is_none() && reached.taken_ms.is_some(), text)
        };
        manifest.anchors.keys().map(line).collect()
    }

    /// Receivers of alerts, lineage and traces that do not take what they are told.
    fn receivers<'m>(&self, manifest: &'m Manifest) -> Vec<(&'m str, Reached)> {
        let told = manifest.receivers().map(|receiver| receiver.id.as_str()).filter(|id| !id.starts_with("anchor:"));
        told.map(|id| (id, self.of(id))).filter(|(_, reached)| reached.failing_since_ms.is_some()).collect()
    }

    /// What needs a look, a line each.
    pub(super) fn lines(&self, manifest: &Manifest) -> String {
        let mut text: String =
            self.anchors(manifest).iter().map(|(good, line)| format!("{} {line}\n", if *good { "·" } else { "!" })).collect();
        for (id, reached) in self.receivers(manifest) {
            let lost = if reached.given_up == 0 { String::new() } else { format!(", {} messages given up", reached.given_up) };
            let since = failing(&reached).unwrap_or_default();
            text.push_str(&format!("! {id}: HUB-E314 it takes nothing {since}{lost}\n"));
        }
        text
    }

    pub(super) fn as_json(&self, manifest: &Manifest) -> (Value, Value) {
        let anchors = manifest.anchors.keys().map(|name| {
            let reached = self.anchor(name);
            let since = reached.taken_ms.map(|_| self.entries.saturating_sub(reached.entries));
            json!({
                "anchor": name, "anchored": reached.taken_ms.map(timestamp), "entries": reached.taken_ms.map(|_| reached.entries),
                "entries_since": since, "failing_since": reached.failing_since_ms.map(timestamp), "reason": reached.reason,
            })
        });
        let receivers = self.receivers(manifest).into_iter().map(|(id, reached)| {
            json!({
                "receiver": id, "failing_since": reached.failing_since_ms.map(timestamp), "reason": reached.reason, "given_up": reached.given_up,
            })
        });
        (anchors.collect(), receivers.collect())
    }
}

fn failing(reached: &Reached) -> Option<String> {
    let since = timestamp(reached.failing_since_ms?);
    Some(format!("since {since} ({})", reached.reason.as_deref().unwrap_or("no reason known")))
}

/// The manifest of a place, if one is there.
pub(super) fn manifest(place: &Place) -> Result<Option<Manifest>, Failure> {
    if place.manifest.is_file() { load::written(&place.manifest).map(Some) } else { Ok(None) }
}

/// Files of anchors, by name.
fn files(manifest: &Manifest) -> Vec<(&str, PathBuf)> {
    let file = manifest.anchors.iter().filter_map(|(name, anchor)| match &anchor.to {
        AnchorPlace::File(file) => Some((name.as_str(), beside(&manifest.sources, file.span, &file.value))),
        AnchorPlace::Server(_) => None,
    });
    file.collect()
}

/// The heads in the files of anchors. A file that is gone although heads went into it is refused: it may have held what tells this log from another.
pub(super) fn heads(manifest: &Manifest, config: &Config, verifier: &Verifier) -> Result<Vec<TreeHead>, Failure> {
    let mut heads = Vec::new();
    for (name, path) in files(manifest) {
        if path.exists() {
            heads.extend(read_heads(&path, verifier)?);
            continue;
        }
        let known = Outside::look(config).map(|outside| outside.anchor(name)).unwrap_or_default();
        if known.taken_ms.is_some() {
            return Err(untrue(&path, &format!("it is not there, and anchor `{name}` took a head over {} entries", known.entries)));
        }
    }
    Ok(heads)
}
