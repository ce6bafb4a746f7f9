//! What the lock holds of an installed connector: its bytes by their digest, who vouched for them, and all that it may do.

use crate::description::{Capability, Description, claimed_capability};

/// One installed connector, as the lock has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Name: a manifest writes `plugin:NAME`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it came from, with its tag.
    pub from: String,
    /// Hex SHA-256 of its manifest in the registry.
    pub digest: String,
    /// Hex SHA-256 of the component.
    pub component: String,
    /// Public key of whoever signed it, as [`super::key_text`]; none if it was installed unsigned.
    pub signer: Option<String>,
    /// Generation of the ABI.
    pub abi: String,
    /// Licence, as its author wrote it.
    pub licence: Option<String>,
    /// All that it claims to read, write, reach and import.
    pub capability: Capability,
}

impl Pin {
    /// What is wrong if these are not the pinned bytes. `component`: hex SHA-256.
    #[must_use]
    pub fn other_bytes(&self, component: &str) -> Option<String> {
        (component != self.component).then(|| format!("its bytes are sha256:{component}, the lock pins sha256:{}", self.component))
    }

    /// What a connector claims beyond what is pinned.
    #[must_use]
    pub fn objections(&self, found: &Description) -> Vec<String> {
        let wider = self.capability.widened_by(&claimed_capability(found));
        wider.into_iter().map(|what| format!("{what} is not in the lock")).collect()
    }
}
