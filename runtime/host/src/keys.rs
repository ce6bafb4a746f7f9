//! Keys of a data folder: files that only the owner can read, beside the store and never in it; wrapped where there is a master key.
//!
//! To erase a key is what erases everything that it encrypted: the store's engine keeps deleted bytes in its files.

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
use crate::store;

/// The variable with the key that wraps all others: 32 bytes in base64.
pub const MASTER_KEY: &str = "HUB_MASTER_KEY";
/// The variable with the path of a file with it, as the system hands credentials over.
pub const MASTER_KEY_FILE: &str = "HUB_MASTER_KEY_FILE";
/// The variable with the master key that the present one takes the place of.
const OLD_MASTER_KEY: &str = "HUB_OLD_MASTER_KEY";
const ENDING: &str = "key";
const PLAIN: &str = "plain:";
const WRAPPED: &str = "wrapped:";
const KEY: usize = 32;
const NONCE: usize = 24;

type Secret = Zeroizing<[u8; KEY]>;

/// A folder of keys.
pub struct Keys {
    folder: PathBuf,
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Keys").field("folder", &self.folder).finish()
    }
}

/// The keys of a data folder's state.
#[must_use]
pub fn kept_in(data: &Path) -> Keys {
    Keys::new(data.join("keys"))
}

impl Keys {
    /// The keys in a folder. Nothing is made before a key is needed.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// A code of a digest that nobody can make without the key of this name, which is made if there is none.
    ///
    /// # Errors
    /// The key cannot be read or made.
    pub fn tag(&self, name: &str, digest: &[u8]) -> Result<[u8; 32], Problem> {
        let key = self.read_or_make(name)?;
        // A digest has one length, so the key before it is a sound code.
        Ok(Sha256::new().chain_update(key.as_slice()).chain_update(digest).finalize().into())
    }

    /// The cipher of a key, which is made if there is none.
    ///
    /// # Errors
    /// The key cannot be read or made.
    pub fn made(&self, name: &str) -> Result<XChaCha20Poly1305, Problem> {
        cipher(&self.read_or_make(name)?)
    }

    /// The cipher of a key that must be there.
    ///
    /// # Errors
    /// The key is gone or cannot be read.
    pub fn known(&self, name: &str) -> Result<XChaCha20Poly1305, Problem> {
        match self.read(name)? {
            Some(key) => cipher(&key),
            None => Err(problem(&format!("`{}` is gone", self.path(name).display()))),
        }
    }

    /// The names of all keys, in their order.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let paths = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let keys = paths.filter(|path| path.extension().is_some_and(|ending| ending == ENDING));
        keys.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
    }

    /// Erases keys. What cannot be erased now is tried again next time.
    pub fn erase(&self, unwanted: impl Fn(&str) -> bool) {
        for name in self.names().iter().filter(|name| unwanted(name)) {
            drop(fs::remove_file(self.path(name)));
        }
    }

    /// Wraps every key with the present master key, or keeps them plain without one. Answers with their number.
    ///
    /// # Errors
    /// A key cannot be read or written; the keys before it are wrapped anew, and those behind it can be read as before.
    pub fn wrap_again(&self) -> Result<usize, Problem> {
        let names = self.names();
        for name in &names {
            let Some(key) = self.read(name)? else { continue };
            let text = written(name, &key)?;
            let path = self.path(name);
            store::replace_file(&self.folder, &format!("{name}.{ENDING}"), text.as_bytes())
                .map_err(|error| problem(&format!("`{}` cannot be written: {error}", path.display())))?;
        }
        Ok(names.len())
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
            (_, Some(wrapped)) => masters()?.iter().find_map(|master| unwrap(name, wrapped, master)),
            _ => None,
        };
        key.map(Some).ok_or_else(|| problem(&format!("`{}` holds no key, or one that another master key wraps", self.path(name).display())))
    }

    /// A new key. Durable before it is used: what it encrypts must not outlive it by a crash.
    fn make(&self, name: &str) -> Result<Secret, Problem> {
        let mut key = Secret::new([0; KEY]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| problem("the operating system gives no randomness"))?;
        let text = written(name, &key)?;
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

/// The content of a key file.
fn written(name: &str, key: &Secret) -> Result<Zeroizing<String>, Problem> {
    match master()? {
        Some(master) => wrap(name, key, &master),
        None => Ok(Zeroizing::new(format!("{PLAIN}{}\n", BASE64.encode(key.as_slice())))),
    }
}

/// True if a master key is set: without it, whoever has the data folder has its keys.
#[must_use]
pub fn has_master() -> bool {
    [MASTER_KEY, MASTER_KEY_FILE].into_iter().any(|name| set(name).is_some())
}

/// The master key, if one is set.
fn master() -> Result<Option<Secret>, Problem> {
    if let Some(path) = set(MASTER_KEY_FILE) {
        let text = fs::read_to_string(&path).map_err(|error| problem(&format!("`{path}` cannot be read: {error}")))?;
        return decode(Zeroizing::new(text).trim()).map(Some).ok_or_else(|| problem(&format!("`{path}` does not hold 32 bytes in base64")));
    }
    from_variable(MASTER_KEY)
}

/// The present master key, and the one before it.
fn masters() -> Result<Vec<Secret>, Problem> {
    let masters: Vec<Secret> = master()?.into_iter().chain(from_variable(OLD_MASTER_KEY)?).collect();
    if masters.is_empty() { Err(problem(&format!("it is wrapped, and `{MASTER_KEY}` is not set"))) } else { Ok(masters) }
}

/// A variable that says something: an empty one is not set.
fn set(name: &str) -> Option<String> {
    config::environment(name).filter(|text| !text.is_empty())
}

fn from_variable(name: &str) -> Result<Option<Secret>, Problem> {
    let Some(text) = set(name).map(Zeroizing::new) else { return Ok(None) };
    decode(text.trim()).map(Some).ok_or_else(|| problem(&format!("`{name}` is not 32 bytes in base64")))
}

fn decode(text: &str) -> Option<Secret> {
    let bytes = Zeroizing::new(BASE64.decode(text.as_bytes()).ok()?);
    Some(Secret::new(bytes.as_slice().try_into().ok()?))
}

/// Encrypts a text that opens only with `bound`: nonce, then ciphertext.
///
/// # Errors
/// Why it cannot be encrypted.
pub fn seal(cipher: &XChaCha20Poly1305, text: &[u8], bound: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(|_| "the operating system gives no randomness")?;
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: text, aad: bound }).map_err(|_| "it is too long")?;
    Ok([&nonce[..], &sealed].concat())
}

/// The text that [`seal`] encrypted. None if it was changed, bound to something else, or sealed with another key.
#[must_use]
pub fn open(cipher: &XChaCha20Poly1305, sealed: &[u8], bound: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE>()?;
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: bound }).ok()
}

fn wrap(name: &str, key: &Secret, master: &Secret) -> Result<Zeroizing<String>, Problem> {
    let sealed = seal(&cipher(master)?, key.as_slice(), name.as_bytes()).map_err(problem)?;
    Ok(Zeroizing::new(format!("{WRAPPED}{}\n", BASE64.encode(&sealed))))
}

fn unwrap(name: &str, wrapped: &str, master: &Secret) -> Option<Secret> {
    let sealed = BASE64.decode(wrapped.as_bytes()).ok()?;
    let opened = open(&cipher(master).ok()?, &sealed, name.as_bytes()).map(Zeroizing::new)?;
    Some(Secret::new(opened.as_slice().try_into().ok()?))
}

fn problem(reason: &str) -> Problem {
    let help = format!(
        "make the data folder writable and keep `{MASTER_KEY}` as it was when the keys were made; to change it, see `hub key rotate`"
    );
    Problem::new(Code::E312, format!("a key of the data folder is not available: {reason}"), help)
}
