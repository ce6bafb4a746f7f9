//! Keys of the quarantine: one for ids, one for each day. Files that only the owner can read; wrapped where there is a master key.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64;
use hub_core::problem::{Code, Problem};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::config;

/// The variable with the key that wraps all others: 32 bytes in base64.
pub const MASTER_KEY: &str = "HUB_MASTER_KEY";
/// The key that makes ids.
const IDS: &str = "ids";
const ENDING: &str = "key";
const PLAIN: &str = "plain:";
const WRAPPED: &str = "wrapped:";
const KEY: usize = 32;
const NONCE: usize = 24;

type Secret = Zeroizing<[u8; KEY]>;

/// A folder of keys.
pub(super) struct Keys {
    folder: PathBuf,
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Keys").field("folder", &self.folder).finish()
    }
}

impl Keys {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// A code of a digest that nobody can make without the key.
    pub(super) fn tag(&self, digest: &[u8]) -> Result<[u8; 32], Problem> {
        let key = self.read_or_make(IDS)?;
        // A digest has one length, so the key before it is a sound code.
        Ok(Sha256::new().chain_update(key.as_slice()).chain_update(digest).finalize().into())
    }

    /// The cipher of a day; its key is made if there is none.
    pub(super) fn of_day(&self, day: &str) -> Result<XChaCha20Poly1305, Problem> {
        cipher(&self.read_or_make(day)?)
    }

    /// The cipher of a day whose key must be there.
    pub(super) fn known(&self, day: &str) -> Result<XChaCha20Poly1305, Problem> {
        match self.read(day)? {
            Some(key) => cipher(&key),
            None => Err(problem(&format!("the key of {day} is gone"))),
        }
    }

    /// Removes the keys of earlier days that nothing uses. What cannot be removed now is tried again next time.
    pub(super) fn remove_but(&self, in_use: &BTreeSet<String>, today: &str) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let day = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let is_key = path.extension().is_some_and(|ending| ending == ENDING);
            if is_key && day != IDS && day < today && !in_use.contains(day) {
                drop(fs::remove_file(&path));
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension(ENDING)
    }

    fn read_or_make(&self, name: &str) -> Result<Secret, Problem> {
        match self.read(name)? {
            Some(key) => Ok(key),
            None => self.make(name),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Secret>, Problem> {
        let text = match fs::read_to_string(self.path(name)) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(problem(&format!("`{}` cannot be read: {error}", self.path(name).display()))),
        };
        let text = text.trim_end();
        let key = match (text.strip_prefix(PLAIN), text.strip_prefix(WRAPPED)) {
            (Some(plain), _) => decode(plain),
            (_, Some(wrapped)) => unwrap(name, wrapped, &master()?.ok_or_else(no_master)?),
            _ => None,
        };
        key.map(Some).ok_or_else(|| problem(&format!("`{}` holds no key, or one that another master key wraps", self.path(name).display())))
    }

    /// A new key. Durable before it is used: what it encrypts must not outlive it by a crash.
    fn make(&self, name: &str) -> Result<Secret, Problem> {
        let mut key = Secret::new([0; KEY]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| problem("the operating system gives no randomness"))?;
        let text = match master()? {
            Some(master) => wrap(name, &key, &master)?,
            None => Zeroizing::new(format!("{PLAIN}{}\n", BASE64.encode(key.as_slice()))),
        };
        let path = self.path(name);
        match write_new(&self.folder, &path, text.as_bytes()) {
            Ok(()) => Ok(key),
            // Another run of this process was first.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => self.read(name)?.ok_or_else(|| problem("the key is gone")),
            Err(error) => Err(problem(&format!("`{}` cannot be written: {error}", path.display()))),
        }
    }
}

fn write_new(folder: &Path, path: &Path, text: &[u8]) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = PathBuf::from(draft);
    drop(fs::remove_file(&draft));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    // A link fails where a rename would replace a key that is in use.
    let linked = fs::hard_link(&draft, path);
    drop(fs::remove_file(&draft));
    linked?;
    fs::File::open(folder)?.sync_all()
}

fn cipher(key: &Secret) -> Result<XChaCha20Poly1305, Problem> {
    XChaCha20Poly1305::new_from_slice(key.as_slice()).map_err(|_| problem("it has another length"))
}

/// The master key, if one is set.
fn master() -> Result<Option<Secret>, Problem> {
    let Some(text) = config::environment(MASTER_KEY).map(Zeroizing::new) else { return Ok(None) };
    decode(text.trim()).map(Some).ok_or_else(|| problem(&format!("`{MASTER_KEY}` is not 32 bytes in base64")))
}

fn no_master() -> Problem {
    problem(&format!("the keys of the quarantine are wrapped, and `{MASTER_KEY}` is not set"))
}

fn decode(text: &str) -> Option<Secret> {
    let bytes = Zeroizing::new(BASE64.decode(text.as_bytes()).ok()?);
    Some(Secret::new(bytes.as_slice().try_into().ok()?))
}

fn wrap(name: &str, key: &Secret, master: &Secret) -> Result<Zeroizing<String>, Problem> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(|_| problem("the operating system gives no randomness"))?;
    let cipher = cipher(master)?;
    let payload = Payload { msg: key.as_slice(), aad: name.as_bytes() };
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| problem("the key cannot be wrapped"))?;
    Ok(Zeroizing::new(format!("{WRAPPED}{}\n", BASE64.encode(&[&nonce[..], &sealed].concat()))))
}

fn unwrap(name: &str, wrapped: &str, master: &Secret) -> Option<Secret> {
    let sealed = BASE64.decode(wrapped.as_bytes()).ok()?;
    let (nonce, text) = sealed.split_first_chunk::<NONCE>()?;
    let cipher = cipher(master).ok()?;
    let opened = cipher.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: name.as_bytes() }).ok().map(Zeroizing::new)?;
    Some(Secret::new(opened.as_slice().try_into().ok()?))
}

fn problem(reason: &str) -> Problem {
    let help = format!("make the data folder writable and keep `{MASTER_KEY}` as it was when the keys were made");
    Problem::new(Code::E312, format!("a key of the quarantine is not available: {reason}"), help)
}
