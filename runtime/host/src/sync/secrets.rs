//! Reads the keys of pseudonym domains and draws randomness when a run starts. Keys are never kept beyond the plan that uses them and never shown.

use hub_core::manifest::Manifest;
use hub_core::problem::{Code, Problem};
use hub_core::treat::{DomainKey, DomainKeys, Seed};

use zeroize::Zeroizing;

use crate::egress::read_secret;

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

/// Shorter secrets are not looked for: they may stand in any text.
const SHORTEST: usize = 8;

/// The secrets of the credentials of a system, as they would stand in JSON. One that cannot be read now is told where it is used.
pub(super) fn in_use(manifest: &Manifest, system: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let bindings = manifest.systems.get(system).map(|system| system.credentials.values()).into_iter().flatten();
    let read = bindings.filter_map(|binding| read_secret(&manifest.sources, binding.span, &binding.value).ok());
    let quoted = read.filter(|secret| secret.len() >= SHORTEST).filter_map(|secret| serde_json::to_vec(secret.as_str()).ok());
    quoted.map(|json| Zeroizing::new(json.get(1..json.len() - 1).unwrap_or_default().to_vec())).collect()
}
