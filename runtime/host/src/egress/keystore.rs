//! hub's own key store: one age file with keys by name, as JSON. Any tool for age writes it; hub only reads it, with an identity from the environment or a
//! file that only its owner can read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hub_core::treat::Identity;
use zeroize::Zeroizing;

use super::credential::read_bounded;
use crate::config::environment;

/// The store, beside the manifest unless [`PLACE`] says otherwise.
pub(super) const FILE: &str = "hub-keys.age";
/// The variable with the path of the store.
const PLACE: &str = "HUB_KEYS";
/// The variable with the identity.
const IDENTITY: &str = "HUB_AGE_IDENTITY";
/// The variable with the path of a file that holds it.
const IDENTITY_FILE: &str = "HUB_AGE_IDENTITY_FILE";
/// The greatest size of either file in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The key with this name. The error says why there is none, without any key.
pub(super) fn read(beside: &Path, name: &str) -> Result<Zeroizing<String>, String> {
    let place = environment(PLACE).map_or_else(|| beside.to_owned(), PathBuf::from);
    let sealed = contents(&place)?;
    let opened =
        Zeroizing::new(identity()?.open(&sealed).ok_or_else(|| format!("`{}` is not encrypted to the identity", place.display()))?);
    let mut keys: BTreeMap<String, String> =
        serde_json::from_slice(&opened).map_err(|_| format!("`{}` holds no JSON object of names and texts", place.display()))?;
    keys.remove(name).map(Zeroizing::new).ok_or_else(|| format!("`{}` holds no key `{name}`", place.display()))
}

/// The identity that the environment names.
pub(crate) fn identity() -> Result<Identity, String> {
    let text = match (environment(IDENTITY), environment(IDENTITY_FILE)) {
        (Some(text), _) => Zeroizing::new(text),
        (None, Some(file)) => {
            let bytes = contents(Path::new(&file))?;
            Zeroizing::new(String::from_utf8(bytes.to_vec()).map_err(|_| format!("`{file}` is no identity"))?)
        }
        (None, None) => return Err(format!("neither {IDENTITY} nor {IDENTITY_FILE} is set")),
    };
    Identity::parse(&text).ok_or_else(|| "the identity is none: `AGE-SECRET-KEY-1…` as `age-keygen` writes it".to_owned())
}

fn contents(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    read_bounded(path, MAX_BYTES).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))
}
