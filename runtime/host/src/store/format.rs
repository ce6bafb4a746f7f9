//! The stored forms of everything that outlives a process, each tagged with its version. Old versions are read for ever; only the newest is written.
//!
//! A form holds names, counts and codes. The places for foreign bytes are `Progress::cursor` and `UnderConsent`, which are sealed and never shown.
//! To change a form: add a variant to its `Versioned…` enum, keep the old one with a conversion, add a pair of files to `tests/fixtures/stored`.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::audit::tree::Hash;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::layout::broken;

/// How far a flow has come.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Run that stored it.
    pub run: String,
    /// Last batch of that run.
    pub batch: u64,
    /// State of the connector after it.
    #[serde(with = "as_base64")]
    pub cursor: Option<Vec<u8>>,
    /// Length in bytes up to which each file of the destination is good.
    pub positions: BTreeMap<String, u64>,
    /// Run that has not reached its end.
    pub open_run: Option<String>,
    /// Records that earlier complete runs read, the newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<u64>,
    /// Where its complete runs have sent requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<UsualHosts>,
    /// Run that a rule paused the flow in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// A commit of the destination's database that was begun and is not known to have happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingCommit>,
}

/// What a destination's database holds if a commit has happened, and where the flow stands then.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PendingCommit {
    /// The word that is committed with the records.
    pub token: String,
    /// State of the connector after them.
    #[serde(with = "as_base64")]
    pub cursor: Option<Vec<u8>>,
}

/// Where complete runs of a flow have sent requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UsualHosts {
    /// What the manifest granted then: with other grants it is learned anew.
    pub granted: BTreeSet<String>,
    /// Origins.
    pub used: BTreeSet<String>,
    /// Complete runs.
    pub runs: u32,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cursor = self.cursor.as_ref().map(|bytes| format!("{} bytes", bytes.len()));
        let mut shown = out.debug_struct("Progress");
        shown.field("run", &self.run).field("batch", &self.batch).field("cursor", &cursor);
        shown.field("positions", &self.positions).field("open_run", &self.open_run).finish()
    }
}

impl std::fmt::Debug for UnderConsent {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("UnderConsent").finish_non_exhaustive()
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One run of one flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// Id of the run.
    pub id: String,
    /// Id of the flow.
    pub flow: String,
    /// Milliseconds since 1970.
    pub started_ms: u64,
    /// Milliseconds since 1970; none while it is open.
    pub ended_ms: Option<u64>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Records that the source handed over.
    pub read: u64,
    /// Records that the destination took.
    pub written: u64,
    /// Records left out.
    pub rejected: u64,
    /// Records that did not meet a condition, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, u64>,
    /// Records that wait in the quarantine.
    #[serde(skip_serializing_if = "is_zero")]
    pub held: u64,
    /// Records that the destination deleted.
    #[serde(skip_serializing_if = "is_zero")]
    pub deleted: u64,
    /// Those of them whose consent was withdrawn.
    #[serde(skip_serializing_if = "is_zero")]
    pub retracted: u64,
    /// Records that the source reported as deleted and the flow leaves where they are.
    #[serde(skip_serializing_if = "is_zero")]
    pub deletes_ignored: u64,
    /// Undeclared fields that were dropped, by path.
    pub dropped: BTreeMap<String, u64>,
    /// `HUB-E…` of the problem that ended it.
    pub code: Option<String>,
    /// The connector's own short word for it, never a text of a remote.
    pub message_code: Option<String>,
}

/// A record that waits for people. Its values are encrypted; everything else is names and numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeldRecord {
    /// Id of the flow.
    pub flow: String,
    /// Source stream.
    pub stream: String,
    /// Run that held it.
    pub run: String,
    /// `HUB-E…` of the rule.
    pub code: String,
    /// The field.
    pub path: String,
    /// What its value looks like.
    pub detector: Option<String>,
    /// Names and types.
    pub shape: String,
    /// Size of the record.
    pub bytes: u64,
    /// Milliseconds since 1970.
    pub held_ms: u64,
    /// Day whose key it is encrypted with.
    pub day: String,
    /// Last day on which it is kept.
    pub expires: String,
    /// Nonce and ciphertext in base64.
    pub sealed: String,
    /// Who agreed to its release.
    pub releases: Vec<Release>,
}

/// A record that was delivered under a consent: what is needed to delete it at the destination when the consent is withdrawn.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnderConsent {
    /// The person's digest, hex.
    pub person: String,
    /// The record's key as the destination knows it, one line of JSON.
    pub key: String,
}

/// One person's signature under a release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Release {
    /// Role or person.
    pub role: String,
    /// Day.
    pub at: String,
    /// Ed25519 public key, hex.
    pub key: String,
    /// Ed25519 signature, base64.
    pub signature: String,
}

/// A manifest that came into force, with everything that it was read from. Secrets are blanked in the texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Applied {
    /// From 1 on.
    pub number: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Hex SHA-256 of the entry before, as it is stored; empty for the first.
    pub previous: String,
    /// Hex SHA-256 of the manifest's canonical form.
    pub digest: String,
    /// The gravest class of its changes; empty for the first.
    pub class: String,
    /// What it changed, the gravest first.
    pub changes: Vec<AppliedChange>,
    /// Changes for which there was no room.
    pub more: u64,
    /// Why, if somebody said so.
    pub reason: Option<String>,
    /// Who signed what it changed.
    pub approvals: Vec<Agreed>,
    /// What the next one is compared with, as `hub_core::change::State` writes it.
    pub state: String,
    /// Name and text of each file, the manifest's own first. Empty if they were too large.
    pub files: Vec<(String, String)>,
    /// What the connector of each system said about itself.
    pub claims: BTreeMap<String, String>,
}

/// One change of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppliedChange {
    /// `editorial`, `material`, `material-high`.
    pub class: String,
    /// The place as people write it.
    pub path: String,
    /// What it is, in a few words.
    pub words: String,
}

/// One person's signature under a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Agreed {
    /// Id of the flow.
    pub flow: String,
    /// Role or person.
    pub role: String,
    /// Day.
    pub at: String,
    /// Ed25519 public key, hex.
    pub key: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// Not at all, so far.
    #[default]
    Open,
    /// It reached its end.
    Completed,
    /// It was asked to end early.
    Interrupted,
    /// A problem ended it.
    Failed,
}

/// What somebody accepted that a system's connector may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capability {
    /// Digest of the component that was accepted.
    pub component_digest: String,
    /// Data categories that it reads or takes.
    pub categories: BTreeSet<String>,
    /// Where it connects.
    pub hosts: BTreeSet<String>,
    /// Interfaces that it imports.
    pub imports: BTreeSet<String>,
    /// It reads response bodies inside the sandbox.
    pub read_body: bool,
}

/// What became of messages to a receiver, or of signed heads that went to an anchor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reached {
    /// Milliseconds since 1970. Of an anchor: when it last took a head. Of a receiver: when it took a message after one that it had not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_ms: Option<u64>,
    /// Audit entries that this head counts.
    #[serde(skip_serializing_if = "is_zero")]
    pub entries: u64,
    /// Milliseconds since 1970: since when nothing is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since_ms: Option<u64>,
    /// Why, in hub's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Messages given up since then.
    #[serde(skip_serializing_if = "is_zero")]
    pub given_up: u64,
    /// Milliseconds since 1970: when an alert last said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_ms: Option<u64>,
}

/// A component that was compiled for this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compiled {
    /// Digest of the compiled file.
    pub digest: String,
}

/// What the store says of itself: the audit tree and the sum over all values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Head {
    /// Number of audit entries.
    pub size: u64,
    /// Root of the audit tree.
    #[serde(with = "as_hex")]
    pub root: Hash,
    /// XOR of the fingerprints of all values: a page of an older state does not go unnoticed.
    #[serde(with = "as_hex")]
    pub state: Hash,
    /// Time of the last audit entry.
    pub last_ms: u64,
    /// Audit entries before this number were pruned.
    #[serde(skip_serializing_if = "is_zero")]
    pub first: u64,
}

/// The anchor file beside the engine's files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Anchor {
    /// Number of audit entries that were durable.
    pub size: u64,
    /// Root of the tree over them.
    #[serde(with = "as_hex")]
    pub root: Hash,
    /// Audit entries before this number were pruned, or are about to be.
    #[serde(skip_serializing_if = "is_zero")]
    pub cut: u64,
}

macro_rules! versioned {
    ($($(#[$about:meta])* $visible:vis $versioned:ident of $type:ident { $($tag:literal $version:ident($form:ty))* } newest $number:literal $newest:ident)*) => { $(
        $(#[$about])*
        #[derive(Serialize, Deserialize)]
        #[serde(tag = "v")]
        $visible enum $versioned { $(#[doc = $tag] #[serde(rename = $tag)] $version($form),)* }

        impl From<$versioned> for $type {
            fn from(stored: $versioned) -> Self { match stored { $($versioned::$version(form) => form.into(),)* } }
        }

        impl $type {
            /// The stored form, of the newest version.
            #[must_use]
            $visible fn encode(&self) -> Vec<u8> {
                // Numbers, texts and maps with text keys: there is nothing in a form that JSON cannot say.
                serde_json::to_vec(&$versioned::$newest(self.clone())).unwrap_or_default()
            }

            /// Reads a stored form of any known version.
            ///
            /// # Errors
            /// `Format` for a version that a newer hub wrote, `Damaged` for anything else that is not such a form.
            $visible fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
                known_version(bytes, $number, stringify!($type))?;
                let stored: $versioned = serde_json::from_slice(bytes).map_err(|_| unreadable(stringify!($type)))?;
                Ok(stored.into())
            }
        }
    )* };
}

versioned! {
    /// Every version of [`Progress`].
    pub VersionedProgress of Progress { "1" V1(Progress) } newest 1 V1
    /// Every version of [`RunRecord`].
    pub VersionedRunRecord of RunRecord { "1" V1(RunRecord) } newest 1 V1
    /// Every version of [`Capability`].
    pub VersionedCapability of Capability { "1" V1(Capability) } newest 1 V1
    /// Every version of [`Compiled`].
    pub VersionedCompiled of Compiled { "1" V1(Compiled) } newest 1 V1
    /// Every version of [`HeldRecord`].
    pub VersionedHeldRecord of HeldRecord { "1" V1(HeldRecord) } newest 1 V1
    /// Every version of [`Applied`].
    pub VersionedApplied of Applied { "1" V1(Applied) } newest 1 V1
    /// Every version of [`UnderConsent`].
    pub VersionedUnderConsent of UnderConsent { "1" V1(UnderConsent) } newest 1 V1
    /// Every version of [`Reached`].
    pub VersionedReached of Reached { "1" V1(Reached) } newest 1 V1
    /// Every version of [`Head`].
    pub(super) VersionedHead of Head { "1" V1(Head) } newest 1 V1
    /// Every version of [`Anchor`].
    pub(super) VersionedAnchor of Anchor { "1" V1(Anchor) } newest 1 V1
}

fn known_version(bytes: &[u8], known: u32, what: &'static str) -> Result<(), StoreError> {
    #[derive(Deserialize)]
    struct Tag {
        v: String,
    }
    let tag: Tag = serde_json::from_slice(bytes).map_err(|_| unreadable(what))?;
    let found: u32 = tag.v.parse().map_err(|_| unreadable(what))?;
    if found == 0 || found > known { Err(StoreError::Format { found, known }) } else { Ok(()) }
}

/// The text of serde's error is left out: it may quote the value.
fn unreadable(what: &'static str) -> StoreError {
    broken(format!("a stored {what} cannot be read"))
}

mod as_base64 {
    use data_encoding::BASE64;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, out: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| BASE64.encode(bytes)).serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(input)?;
        text.map(|text| BASE64.decode(text.as_bytes()).map_err(|_| D::Error::custom("not base64"))).transpose()
    }
}

mod as_hex {
    use data_encoding::HEXLOWER;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(hash: &[u8; 32], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&HEXLOWER.encode(hash))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<[u8; 32], D::Error> {
        let bytes = HEXLOWER.decode(String::deserialize(input)?.as_bytes()).map_err(|_| D::Error::custom("not hex"))?;
        bytes.try_into().map_err(|_| D::Error::custom("not 32 bytes"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// Newest form of a stored form, as plain JSON.
    type Reader = fn(&[u8]) -> Result<Vec<u8>, StoreError>;

    const TYPES: [(&str, Reader); 10] = [
        ("progress", |bytes| Progress::decode(bytes).map(|form| form.encode())),
        ("run-record", |bytes| RunRecord::decode(bytes).map(|form| form.encode())),
        ("capability", |bytes| Capability::decode(bytes).map(|form| form.encode())),
        ("compiled", |bytes| Compiled::decode(bytes).map(|form| form.encode())),
        ("held-record", |bytes| HeldRecord::decode(bytes).map(|form| form.encode())),
        ("applied", |bytes| Applied::decode(bytes).map(|form| form.encode())),
        ("under-consent", |bytes| UnderConsent::decode(bytes).map(|form| form.encode())),
        ("reached", |bytes| Reached::decode(bytes).map(|form| form.encode())),
        ("head", |bytes| Head::decode(bytes).map(|form| form.encode())),
        ("anchor", |bytes| Anchor::decode(bytes).map(|form| form.encode())),
    ];

    #[test]
    fn every_form_ever_stored_is_read() {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/stored"));
        let folders: BTreeSet<String> = fs::read_dir(&root).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(folders, TYPES.iter().map(|(name, _)| (*name).to_owned()).collect());
        for (name, read) in TYPES {
            for version in 1.. {
                let Ok(stored) = fs::read(root.join(name).join(format!("v{version}.json"))) else {
                    assert!(version > 1, "{name} has no fixture");
                    break;
                };
                let expected = fs::read(root.join(name).join(format!("v{version}.expected.json"))).unwrap();
                let [found, expected] =
                    [read(&stored).unwrap(), expected].map(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).unwrap());
                assert_eq!(found, expected, "{name} v{version}");
            }
        }
    }

    #[test]
    fn a_newer_version_is_named_and_nonsense_is_damage() {
        for (name, read) in TYPES {
            assert!(matches!(read(br#"{"v":"7","new":1}"#), Err(StoreError::Format { found: 7, known: 1 })), "{name}");
            for nonsense in [&b"{}"[..], b"", b"[1]", b"{\"v\":1}", br#"{"v":"one"}"#, b"\xff"] {
                assert!(matches!(read(nonsense), Err(StoreError::Damaged { .. })), "{name}");
            }
        }
    }

    #[test]
    fn a_cursor_is_never_shown() {
        let progress = Progress { cursor: Some(b"ada@example.org".to_vec()), ..Progress::default() };
        let shown = format!("{progress:?}");
        assert!(shown.contains("15 bytes") && !shown.contains("ada") && !shown.contains("97"), "{shown}");
        assert_eq!(Progress::decode(&progress.encode()).unwrap(), progress);
    }
}
