//! Reads the keys of pseudonym domains and draws randomness when a run starts. Keys are never kept beyond the plan that uses them and never shown.

use hub_core::manifest::Manifest;
use hub_core::problem::{Code, Problem};
use hub_core::treat::{DomainKey, DomainKeys, Seed};
use zeroize::Zeroizing;

use crate::egress::{Credentials, read_secret};

/// The newest key of a domain; the error says why there is none, without the key.
pub(super) fn domain_key(manifest: &Manifest, domain: &str) -> Result<DomainKey, String> {
    let declared = manifest.pseudonyms.get(domain).ok_or("the domain is not declared")?;
    let source = read_secret(&manifest.sources, declared.key.span, &declared.key.value)?;
    let keys = DomainKeys::read(source.as_bytes(), declared.method).map_err(|fault| fault.to_string())?;
    keys.newest().map(|(_, key)| key.clone()).ok_or_else(|| "it holds no version".to_owned())
}

/// Randomness for one plan's ephemeral keys.
pub(super) fn seed() -> Result<Seed, Problem> {
    let mut random = [0; 32];
    let drawn = getrandom::fill(&mut random).ok().and_then(|()| Seed::new(random));
    drawn.ok_or_else(|| Problem::new(Code::E312, "the operating system gives no randomness", "make its random device available to hub"))
}

/// The secrets of a system's credentials, as they would stand in JSON. Where they cannot be read, the run ends when its connector is started.
pub(super) fn in_use(manifest: &Manifest, system: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let credentials = manifest.systems.get(system).and_then(|system| Credentials::read(&manifest.sources, system).ok());
    let traces = credentials.map(|credentials| credentials.traces()).unwrap_or_default();
    let quoted = traces.iter().filter_map(|secret| serde_json::to_vec(secret.as_str()).ok());
    quoted.map(|json| Zeroizing::new(json.get(1..json.len() - 1).unwrap_or_default().to_vec())).collect()
}
