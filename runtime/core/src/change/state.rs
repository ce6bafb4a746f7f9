//! What is compared: a manifest in canonical form, the connectors that serve it, and what arrives in each flow.
//!
//! Made from a policy it knows every label; from a manifest alone it knows the labels that the manifest gives.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ConnectorDigests, canonical};
use crate::manifest::{Action, Manifest};
use crate::policy::Policy;
use crate::record::FieldPath;
use crate::treat;

/// A manifest and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The canonical form ([`canonical::of`]).
    pub manifest: Value,
    /// Digests of the connectors by system id.
    pub connectors: ConnectorDigests,
    /// Flow id → source path of a leaf → category with which it arrives.
    pub categories: BTreeMap<String, BTreeMap<String, String>>,
}

impl State {
    /// Nothing: against it everything is new.
    #[must_use]
    pub fn empty() -> Self {
        Self { manifest: json!({}), connectors: ConnectorDigests::new(), categories: BTreeMap::new() }
    }

    /// What a policy allows.
    #[must_use]
    pub fn of_policy(policy: &Policy, connectors: &ConnectorDigests) -> Self {
        let manifest = policy.manifest();
        let arriving = |id: &String| {
            let (_, rule) = policy.flow(id)?;
            let fields = rule.fields.iter().map(|field| (field.path.to_string(), field.resulting.clone()));
            Some((id.clone(), fields.collect()))
        };
        let categories = manifest.flows.keys().filter_map(arriving).collect();
        Self { manifest: canonical::of(manifest), connectors: connectors.clone(), categories }
    }

    /// What a manifest says by itself, whether or not it may run. Labels that only a connector knows are absent.
    #[must_use]
    pub fn of_manifest(manifest: &Manifest, connectors: &ConnectorDigests) -> Self {
        let categories = manifest.flows.keys().map(|id| (id.clone(), declared(manifest, id))).collect();
        Self { manifest: canonical::of(manifest), connectors: connectors.clone(), categories }
    }

    /// The digest of the manifest's canonical form, hex.
    #[must_use]
    pub fn digest(&self) -> String {
        canonical::digest(&self.manifest)
    }

    /// As JSON in one line. [`State::parse`] reads it.
    #[must_use]
    pub fn text(&self) -> String {
        canonical::text(&json!({ "manifest": self.manifest, "connectors": self.connectors, "categories": self.categories }))
    }

    /// Reads what [`State::text`] wrote. None for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Value::Object(mut parts) = serde_json::from_str(text).ok()? else { return None };
        let manifest = parts.remove("manifest").filter(Value::is_object)?;
        let connectors = serde_json::from_value(parts.remove("connectors")?).ok()?;
        let categories = serde_json::from_value(parts.remove("categories")?).ok()?;
        parts.is_empty().then_some(Self { manifest, connectors, categories })
    }
}

/// What the manifest's own labels make of the fields of a flow.
fn declared(manifest: &Manifest, id: &str) -> BTreeMap<String, String> {
    let Some(flow) = manifest.flows.get(id) else { return BTreeMap::new() };
    let Some(stream) = manifest.streams.get(&flow.from.value) else { return BTreeMap::new() };
    let category = |path: &FieldPath| stream.labels().find(|(known, _)| known.value == *path).map(|(_, category)| category.value.as_str());
    let arriving = |field: &crate::manifest::FlowField| {
        let path = &field.path.value;
        let own = category(path)?;
        let others: Vec<&str> = match &field.action.value {
            Action::Concat { with, .. } if !with.is_empty() => with.iter().filter_map(|other| category(&other.value)).collect(),
            // What is looked up, and what passes inside of another field, has no label of its own here.
            Action::Lookup { .. } | Action::Concat { .. } => return None,
            _ => Vec::new(),
        };
        let label = treat::label(&field.action.value, own, &others)?;
        Some((path.to_string(), label.category))
    };
    flow.fields.iter().filter_map(arriving).collect()
}
