//! The key that signs heads of the log: made at the first need, beside the store, or kept elsewhere.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use hub_core::audit::note::{BadNote, LogKey, Verifier};
use hub_core::problem::{Code, Problem};
use zeroize::Zeroizing;

use crate::config::{self, Config};

/// The variable with the path of the key, if it does not lie beside the store.
pub const KEY_FILE: &str = "HUB_AUDIT_KEY_FILE";

const FILE: &str = "audit.key";
/// A key file is one short line.
const MAX_BYTES: u64 = 1024;

/// The key of the log in a data folder. Makes it if it is to lie there and nothing was signed yet.
///
/// # Errors
/// It cannot be read or made, others can read it, or see [`lost`].
pub fn of_log(config: &Config) -> Result<LogKey, Problem> {
    if let Some(problem) = lost(config) {
        return Err(problem);
    }
    if let Some(named) = config::environment(KEY_FILE) {
        return read(Path::new(&named))?.ok_or_else(|| problem(format!("`{named}` does not exist")));
    }
    let path = beside(config);
    match read(&path)? {
        Some(key) => Ok(key),
        None => make(&config.data, &path),
    }
}

/// The public part of the key, if there is one.
///
/// # Errors
/// As [`of_log`].
pub fn public(config: &Config) -> Result<Option<Verifier>, Problem> {
    let path = config::environment(KEY_FILE).map_or_else(|| beside(config), PathBuf::from);
    Ok(read(&path)?.map(|key| key.verifier()))
}

/// What is wrong if heads of the log were signed with a key that is not there any more. None otherwise, also if the key cannot be read: that is another
/// fault, and told where it is used.
#[must_use]
pub fn lost(config: &Config) -> Option<Problem> {
    let note = fs::read_to_string(config.data.join(super::NOTE)).ok().filter(|note| !note.is_empty())?;
    let title = match public(config) {
        Ok(None) if config::environment(KEY_FILE).is_none() => {
            format!("`{}` is gone: the audit log has heads that were signed with it", beside(config).display())
        }
        Ok(Some(verifier)) if verifier.open(&note) == Err(BadNote::Unsigned) => {
            format!("the key of the audit log is now `{}`; its last head was signed with another one", verifier.name())
        }
        _ => return None,
    };
    let help =
        format!("put the key back, or name its file in `{KEY_FILE}`; if it is lost for good, `hub explain HUB-E507` says how to go on");
    Some(Problem::new(Code::E507, title, help))
}

fn beside(config: &Config) -> PathBuf {
    config.data.join(FILE)
}

fn read(path: &Path) -> Result<Option<LogKey>, Problem> {
    let failed = |error: std::io::Error| problem(format!("`{}` cannot be read: {error}", path.display()));
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        let help = format!("take their rights away: chmod 600 {}", path.display());
        return Err(Problem::new(Code::E312, format!("others can read the key of the audit log `{}`", path.display()), help));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    LogKey::parse(&text).map(Some).ok_or_else(|| problem(format!("`{}` holds no key of an audit log", path.display())))
}

/// A new key, durable before it signs anything: a head whose key is lost proves nothing.
fn make(folder: &Path, path: &Path) -> Result<LogKey, Problem> {
    let (mut seed, mut name) = (Zeroizing::new([0_u8; 32]), [0_u8; 4]);
    let random = getrandom::fill(&mut *seed).and_then(|()| getrandom::fill(&mut name));
    random.map_err(|_| problem("the operating system gives no randomness".to_owned()))?;
    let name = format!("hub/{}", HEXLOWER.encode(&name));
    let text = Zeroizing::new(LogKey::file(&name, &seed));
    let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::File::open(folder)?.sync_all()
    });
    written.map_err(|error| problem(format!("`{}` cannot be written: {error}", path.display())))?;
    LogKey::from_seed(&name, &seed).ok_or_else(|| problem("its random bytes make none".to_owned()))
}

fn problem(reason: String) -> Problem {
    let help = format!("make the data folder writable, or name the file with the key in `{KEY_FILE}`");
    Problem::new(Code::E312, format!("the key of the audit log is not available: {reason}"), help)
}
