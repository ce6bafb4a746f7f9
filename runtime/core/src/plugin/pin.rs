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

/// A connector as it was found now, to be held against what is pinned.
#[derive(Clone, Copy, Debug)]
pub struct Installed<'d> {
    /// Hex SHA-256 of its bytes.
    pub component: &'d str,
    /// What they say.
    pub description: &'d Description,
}

impl Pin {
    /// What is beyond the pin: empty if these are the pinned bytes and they may do no more than is pinned.
    #[must_use]
    pub fn objections(&self, found: Installed<'_>) -> Vec<String> {
        let mut objections = Vec::new();
        if found.component != self.component {
            objections.push(format!("its bytes are sha256:{}, the lock pins sha256:{}", found.component, self.component));
        }
        let claimed = claimed_capability(found.description);
        objections.extend(self.capability.widened_by(&claimed).into_iter().map(|what| format!("{what} is not in the lock")));
        objections
    }
}
