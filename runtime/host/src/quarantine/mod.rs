//! Records that a rule holds back: encrypted at rest, for a limited time, shown by their shape and never by their values.
//!
//! Each day has a key of its own in a file outside of the store, because the store's engine keeps deleted bytes in its segments: erasing the key is what
//! erases the records. Decides nothing: the gate says what is held, two people say what is released.

mod shape;

use std::path::{Path, PathBuf};

use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER};
use hub_core::change::lock::{Approval, given_of};
use hub_core::date::Date;
use hub_core::gate::Held;
use hub_core::problem::{Code, Problem};
use sha2::{Digest, Sha256};

use crate::keys::{self, Keys};
use crate::store::format::{HeldRecord, Release};
use crate::store::{self, Namespace, Put, Store, StoreError};

/// The greatest number of records of one flow that wait.
pub const MAX_WAITING: usize = 10_000;
/// How long records are kept, in days, unless the manifest says otherwise.
pub const KEEP_DAYS: i64 = 14;
/// The key that makes ids.
const IDS: &str = "ids";

/// Where held records go, and where their keys are.
#[derive(Debug)]
pub struct Vault {
    keys: Keys,
}

/// What is noted beside a record.
#[derive(Clone, Debug)]
pub struct Note<'a> {
    /// Flow id.
    pub flow: &'a str,
    /// Source stream.
    pub stream: String,
    /// Run id.
    pub run: &'a str,
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
    /// Today.
    pub today: Date,
    /// For how many days it is kept.
    pub keep_days: i64,
}

impl Vault {
    /// A vault in a data folder. Nothing is made before something is held.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self { keys: keys_of(data) }
    }

    /// The id of a record of a flow: the same whenever it comes, and telling nothing of it.
    ///
    /// # Errors
    /// The key cannot be read or made.
    pub fn id(&self, flow: &str, record: &[u8]) -> Result<String, Problem> {
        let digest = Sha256::new().chain_update(flow).chain_update([0]).chain_update(record).finalize();
        let tag = self.keys.tag(IDS, &digest)?;
        Ok(BASE32_NOPAD.encode(tag.get(..15).unwrap_or_default()).to_lowercase())
    }

    /// The write that keeps a record.
    ///
    /// # Errors
    /// The key of the day cannot be read or made.
    pub fn put(&self, id: &str, note: &Note<'_>, held: &Held) -> Result<Put, Problem> {
        let day = note.today.to_string();
        let cipher = self.keys.made(&day)?;
        let sealed = keys::seal(&cipher, &held.record, id.as_bytes()).map_err(unusable)?;
        let expires = note.today.add_days(note.keep_days).unwrap_or(note.today);
        let entry = HeldRecord {
            flow: note.flow.to_owned(),
            stream: note.stream.clone(),
            run: note.run.to_owned(),
            code: held.code.id().to_owned(),
            path: held.path.clone(),
            detector: held.detector.map(|detector| detector.name().to_owned()),
            shape: shape::of(&held.record),
            bytes: held.record.len() as u64,
            held_ms: note.now_ms,
            day,
            expires: expires.to_string(),
            sealed: BASE64.encode(&sealed),
            releases: Vec::new(),
        };
        Ok(write(id, Some(&entry)))
    }

    /// The record as it came. It goes to the gate and nowhere else.
    ///
    /// # Errors
    /// The key of its day is gone, or the entry was changed.
    pub fn record(&self, id: &str, entry: &HeldRecord) -> Result<Vec<u8>, Problem> {
        let cipher = self.keys.known(&entry.day)?;
        let sealed = BASE64.decode(entry.sealed.as_bytes()).unwrap_or_default();
        keys::open(&cipher, &sealed, id.as_bytes()).ok_or_else(|| {
            let title = format!("the held record {id} cannot be opened");
            Problem::new(Code::E502, title, "drop it with `hub quarantine drop`: it was changed, or its key is another one")
        })
    }

    /// Removes keys of days of which no record is left, which makes what the store's files still hold of them unreadable.
    pub fn forget(&self, days_in_use: &std::collections::BTreeSet<String>, today: Date) {
        let today = today.to_string();
        self.keys.erase(|day| day != IDS && day < today.as_str() && !days_in_use.contains(day));
    }
}

/// The keys of a data folder's quarantine.
#[must_use]
pub fn keys_of(data: &Path) -> Keys {
    Keys::new(folder(data))
}

/// Where a data folder keeps the keys.
fn folder(data: &Path) -> PathBuf {
    data.join("quarantine")
}

/// A write that replaces an entry, or deletes it.
#[must_use]
pub fn write(id: &str, entry: Option<&HeldRecord>) -> Put {
    Put { namespace: Namespace::Quarantine, key: id.as_bytes().to_vec(), value: entry.map(HeldRecord::encode) }
}

/// Every entry, in the order of ids.
///
/// # Errors
/// The store cannot be read.
pub fn entries(store: &dyn Store) -> Result<Vec<(String, HeldRecord)>, StoreError> {
    let mut found = Vec::new();
    store::each(store, Namespace::Quarantine, None, |key, value| {
        found.push((String::from_utf8_lossy(key).into_owned(), HeldRecord::decode(value)?));
        Ok(())
    })?;
    Ok(found)
}

/// What a release signs: the entry as it stands in the store.
#[must_use]
pub fn subject(id: &str, entry: &HeldRecord) -> (String, String) {
    (format!("quarantine {id}"), HEXLOWER.encode(&Sha256::digest(entry.sealed.as_bytes())))
}

/// How many people agreed to the release of a record; two release it.
#[must_use]
pub fn given(id: &str, entry: &HeldRecord) -> usize {
    let (subject, digest) = subject(id, entry);
    let approval = |release: &Release| {
        Some(Approval {
            flow: subject.clone(),
            closure: digest.clone(),
            role: release.role.clone(),
            at: Date::parse(&release.at)?,
            reason: None,
            key: HEXLOWER.decode(release.key.as_bytes()).ok()?.try_into().ok()?,
            signature: BASE64.decode(release.signature.as_bytes()).ok()?.try_into().ok()?,
        })
    };
    given_of(entry.releases.iter().filter_map(approval), &subject, &digest)
}

/// People who have to agree.
pub const NEEDED: usize = 2;

/// Deletes what is past its time. Answers with the writes and how many records that were.
#[must_use]
pub fn expired(entries: &[(String, HeldRecord)], today: Date) -> Vec<Put> {
    let is_over = |entry: &HeldRecord| Date::parse(&entry.expires).is_none_or(|day| day < today);
    entries.iter().filter(|(_, entry)| is_over(entry)).map(|(id, _)| write(id, None)).collect()
}

fn unusable(reason: &str) -> Problem {
    Problem::new(Code::E312, format!("a record cannot be held back: {reason}"), "mend it, or set `on_undeclared = \"stop\"` in the flow")
}
