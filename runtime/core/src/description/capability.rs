//! What a description amounts to as a set of abilities, so that a newer version of a connector can be compared with the approved one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Description, HostClaim};
use crate::vocab;

/// Everything that a connector claims to read, write and reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// `read:user.contact.email`, `write:user`; `read:*` if it has streams that it does not describe.
    pub categories: BTreeSet<String>,
    /// `https://api.example.org`, `config:base_url`.
    pub hosts: BTreeSet<String>,
    /// Interfaces, and `read-body` if it wants bodies inside the sandbox.
    pub imports: BTreeSet<String>,
}

/// The abilities that a description claims.
#[must_use]
pub fn claimed_capability(description: &Description) -> Capability {
    let mut categories = BTreeSet::new();
    if let Some(source) = &description.source {
        let leaves = source.streams.iter().flat_map(|stream| stream.shape.leaves());
        categories.extend(leaves.filter_map(|(_, leaf)| leaf.category.as_deref()).map(|key| format!("read:{key}")));
        if source.any_stream {
            categories.insert("read:*".to_owned());
        }
    }
    if let Some(destination) = &description.destination {
        categories.extend(destination.accepts.iter().map(|key| format!("write:{key}")));
    }
    let hosts = description.hosts.iter().map(|host| match host {
        HostClaim::Origin(origin) => origin.clone(),
        HostClaim::Config(key) => format!("config:{key}"),
    });
    let mut imports: BTreeSet<String> = description.imports.iter().cloned().collect();
    if description.read_body {
        imports.insert("read-body".to_owned());
    }
    Capability { categories, hosts: hosts.collect(), imports }
}

impl Capability {
    /// What the newer one has beyond this one, in words (E215). A narrower category is nothing new.
    #[must_use]
    pub fn widened_by(&self, newer: &Self) -> Vec<String> {
        let new_category = |claim: &&String| !self.categories.iter().any(|own| vocab::is_within(claim, own));
        let categories = newer.categories.iter().filter(new_category).map(|claim| format!("data category {claim}"));
        let hosts = newer.hosts.difference(&self.hosts).map(|host| format!("host {host}"));
        let imports = newer.imports.difference(&self.imports).map(|import| format!("interface {import}"));
        categories.chain(hosts).chain(imports).collect()
    }
}
