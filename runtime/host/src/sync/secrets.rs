//! Reads the keys of pseudonym domains when a run starts. Keys are never kept beyond the plan that uses them and never shown.

use hub_core::manifest::Manifest;
use hub_core::treat::DomainKey;

use crate::egress::read_secret;

/// The key of a domain; none if it is missing, cannot be read, or is under 16 bytes.
pub(super) fn domain_key(manifest: &Manifest, domain: &str) -> Option<DomainKey> {
    let key = &manifest.pseudonyms.get(domain)?.key;
    DomainKey::new(read_secret(&manifest.sources, key.span, &key.value).ok()?.as_bytes())
}
