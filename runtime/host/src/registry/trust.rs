//! Whom this machine trusts for which places of registries, and the key under which it publishes. Settings of a person, not of a manifest: a manifest that
//! could name its own publishers would vouch for itself.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hub_core::plugin::{PublisherKey, key_text, parse_key};
use hub_core::problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config;
use crate::store::replace_file;

const FILE: &str = "trust.json";
const KEY_FILE: &str = "publisher.key";
const MAX_BYTES: u64 = 1 << 20;

/// One publisher who is trusted for a part of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// Beginning of the repositories, whole path parts: `oci://registry.example.org/hub`, `dir:` for every folder.
    pub namespace: String,
    /// Who.
    pub name: String,
    /// `ed25519:HEX`.
    pub key: String,
    /// Since when, a day.
    pub since: String,
}

/// What the trust file says, and the machine's own key, which is always trusted: whoever has it has this machine.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// In the order of the file.
    pub trusted: Vec<Trusted>,
    own: Option<[u8; 32]>,
}

impl Trust {
    /// Reads the trust file, if there is one.
    ///
    /// # Errors
    /// E508 if it cannot be used.
    pub fn read() -> Result<Self, Problem> {
        let own = read_key()?.map(|key| key.public());
        let path = folder().join(FILE);
        let mut text = String::new();
        match fs::File::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self { trusted: Vec::new(), own }),
            Err(error) => return Err(unusable(&path, &error.to_string())),
            Ok(_) => {}
        }
        let trusted: Vec<Trusted> = serde_json::from_str(&text).map_err(|error| unusable(&path, &format!("line {}", error.line())))?;
        match trusted.iter().find(|one| parse_key(&one.key).is_none()) {
            Some(wrong) => Err(unusable(&path, &format!("the key of `{}` is none", wrong.name))),
            None => Ok(Self { trusted, own }),
        }
    }

    /// Writes the trust file.
    ///
    /// # Errors
    /// E009 if it cannot be written.
    pub fn write(&self) -> Result<(), Problem> {
        let text = serde_json::to_string_pretty(&self.trusted).unwrap_or_default() + "\n";
        let folder = made()?;
        replace_file(&folder, FILE, text.as_bytes()).map_err(|error| unwritable(&folder, &error))
    }

    /// Keys that count for a repository.
    #[must_use]
    pub fn keys_for(&self, repository: &str) -> Vec<[u8; 32]> {
        let covers = |one: &&Trusted| match repository.strip_prefix(one.namespace.trim_end_matches('/')) {
            Some(rest) => rest.is_empty() || rest.starts_with('/') || one.namespace.ends_with(':'),
            None => false,
        };
        self.own.into_iter().chain(self.trusted.iter().filter(covers).filter_map(|one| parse_key(&one.key))).collect()
    }

    /// Who has a key, for people.
    #[must_use]
    pub fn name_of(&self, key: &[u8; 32]) -> String {
        if self.own.as_ref() == Some(key) {
            return "this machine's own key".to_owned();
        }
        let text = key_text(key);
        self.trusted.iter().find(|one| one.key == text).map_or(text, |one| format!("{} (trusted since {})", one.name, one.since))
    }
}

/// The key under which this machine publishes; made at the first need.
///
/// # Errors
/// E508 if it cannot be read or made, or if others can read it.
pub fn own_key() -> Result<PublisherKey, Problem> {
    if let Some(key) = read_key()? {
        return Ok(key);
    }
    let path = made()?.join(KEY_FILE);
    let mut seed = Zeroizing::new([0_u8; 32]);
    getrandom::fill(&mut *seed).map_err(|_| unusable(&path, "the operating system gives no randomness"))?;
    let text = Zeroizing::new(PublisherKey::file(&seed));
    let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| unwritable(&path, &error))?;
    PublisherKey::from_seed(&seed).ok_or_else(|| unusable(&path, "its random bytes make none"))
}

fn read_key() -> Result<Option<PublisherKey>, Problem> {
    let path = folder().join(KEY_FILE);
    let file = match fs::File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| unusable(&path, &error.to_string()))?,
    };
    let mode = file.metadata().map_err(|error| unusable(&path, &error.to_string()))?.mode();
    if mode & 0o077 != 0 {
        return Err(unusable(&path, "others can read it: chmod 600"));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(1024).read_to_string(&mut text).map_err(|error| unusable(&path, &error.to_string()))?;
    PublisherKey::parse(&text).map(Some).ok_or_else(|| unusable(&path, "it holds no key"))
}

/// `HUB_CONFIG`, else the folder that the XDG rules name.
fn folder() -> PathBuf {
    let named = config::environment("HUB_CONFIG").map(PathBuf::from);
    let xdg = || config::environment("XDG_CONFIG_HOME").map(|folder| Path::new(&folder).join("hub"));
    let home = || config::environment("HOME").map(|folder| Path::new(&folder).join(".config/hub"));
    named.or_else(xdg).or_else(home).unwrap_or_else(|| PathBuf::from("hub-config"))
}

fn made() -> Result<PathBuf, Problem> {
    let folder = folder();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| unwritable(&folder, &error))?;
    Ok(folder)
}

fn unusable(path: &Path, why: &str) -> Problem {
    Problem::new(
        Code::E508,
        format!("`{}` cannot be used: {why}", path.display()),
        "correct the file, or move it away and trust publishers again",
    )
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    Problem::new(
        Code::E009,
        format!("`{}` cannot be written: {error}", path.display()),
        "make the folder writable, or name another one in `HUB_CONFIG`",
    )
}
