//! Reads the keys of pseudonym domains when a run starts. Keys are never kept beyond the plan that uses them and never shown.

use std::path::Path;

use hub_core::manifest::{Manifest, SecretRef};
use hub_core::policy::treat::DomainKey;
use zeroize::Zeroizing;

/// The text of a secret; none if it cannot be read. One trailing line end is cut.
pub(crate) fn read(secret: &SecretRef, folder: &Path) -> Option<Zeroizing<String>> {
    let text = match secret {
        SecretRef::File(path) => Zeroizing::new(std::fs::read_to_string(folder.join(path)).ok()?),
        SecretRef::Env(name) => Zeroizing::new(crate::config::environment(name)?),
    };
    let trimmed = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    Some(Zeroizing::new(trimmed.to_owned()))
}

/// The key of a domain; none if it is missing or under 16 bytes.
pub(super) fn domain_key(manifest: &Manifest, folder: &Path, domain: &str) -> Option<DomainKey> {
    let secret = read(&manifest.pseudonyms.get(domain)?.key.value, folder)?;
    DomainKey::new(secret.as_bytes())
}
