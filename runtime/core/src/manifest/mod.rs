//! The checked manifest: every value has its final type, every problem of form has been told. What it *means* is [`crate::policy`]'s.
//!
//! Text becomes [`Manifest`] only here ([`read`]): raw (as written, with spans) → walk (against the grammar) → check (typed, all problems in one go).

mod action;
mod check;
mod finding;
pub mod grammar;
mod load;
pub(crate) mod raw;
pub mod schema;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use crate::problem::{Code, Problem, Problems, Sources, Span, Spanned};
use crate::record::{FieldPath, StreamId};

pub use action::{Action, Coarser, DateUnit, Missing, PseudonymMethod, Recipient};
pub use check::OriginFault;
pub(crate) use finding::shorten;
pub use load::{Files, MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES, NoFiles};
pub use raw::MAX_DEPTH;
pub(crate) use walk::{field_path, flatten};

/// Reads a manifest: everything about its form that can be said without a connector. `name` is what messages call it and what `files` gets as
/// `relative_to`.
///
/// # Errors
/// All problems of form in one go, with the texts that their places point into.
pub fn read(name: &str, text: &str, files: &dyn Files) -> Result<Manifest, Failed> {
    read_bytes(name, text.as_bytes(), files)
}

/// [`read`] for bytes that may not be UTF-8 (E001 with the place of the first bad byte).
///
/// # Errors
/// As [`read`].
pub fn read_bytes(name: &str, text: &[u8], files: &dyn Files) -> Result<Manifest, Failed> {
    let mut loader = load::Loader::new(files);
    let root = loader.load(name, text);
    match check::check(&root, &mut loader) {
        Some(manifest) => Ok(manifest),
        None => {
            let sources = loader.sources();
            let unknown = || Problem::new(Code::E001, "the manifest cannot be read", "compare it with the reference").into();
            Err(Failed { problems: Problems::new(loader.findings.into_problems()).unwrap_or_else(unknown), sources })
        }
    }
}

/// A manifest that cannot be read.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Everything that is wrong with its form.
    pub problems: Problems,
    /// The texts that the places point into. Literal secrets are blanked.
    pub sources: Sources,
}

/// Everything that an operator declared.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Texts that the spans point into.
    pub sources: Sources,
    /// Hex SHA-256 over the names and texts of all files, in the order of reading.
    pub digest: String,
    /// Who is responsible.
    pub operator: Operator,
    /// Declared systems by id.
    pub systems: BTreeMap<String, System>,
    /// Declared purposes by id.
    pub purposes: BTreeMap<String, Purpose>,
    /// Declared retention rules by id.
    pub retentions: BTreeMap<String, Retention>,
    /// Pseudonym domains by id.
    pub pseudonyms: BTreeMap<String, PseudonymDomain>,
    /// Recipients of encrypted values by id.
    pub recipients: BTreeMap<String, Recipient>,
    /// Extension categories (`[[category]]`) by key.
    pub categories: BTreeMap<String, CategoryExtension>,
    /// Extension subjects (`[[subject]]`) by key.
    pub subjects: BTreeMap<String, Span>,
    /// Streams that the manifest itself describes.
    pub streams: BTreeMap<StreamId, StreamDeclaration>,
    /// Declared flows by id. Not listed = denied.
    pub flows: BTreeMap<String, Flow>,
}

/// `[operator]`, Art. 30(1)(a).
#[derive(Clone, Debug)]
pub struct Operator {
    /// Legal name.
    pub name: Spanned<String>,
    /// Address for data-protection questions.
    pub contact: Spanned<String>,
}

/// `[system.ID]`.
#[derive(Clone, Debug)]
pub struct System {
    /// The id and its place.
    pub id: Spanned<String>,
    /// Which component serves it.
    pub connector: Spanned<ConnectorRef>,
    /// The connector's own configuration, as JSON. `{}` if absent.
    pub config: Spanned<Value>,
    /// Status in the service catalogue; absent = approved.
    pub status: Option<Spanned<SystemStatus>>,
    /// Origins that it may reach.
    pub hosts: Vec<Spanned<Origin>>,
    /// Networks that are not public (`10.20.0.0/16`) into which its host names may lead.
    pub networks: Vec<Spanned<Network>>,
    /// Folders that it may use, by the name the connector uses.
    pub folders: BTreeMap<String, FolderGrant>,
    /// Credentials that the host injects, by the name the connector uses.
    pub credentials: BTreeMap<String, Credential>,
    /// Secret parts of a low-code connector's configuration, by their dotted place in `config`. The connector sees placeholders.
    pub secrets: BTreeMap<String, Spanned<SecretRef>>,
    /// File with the labels of a low-code connector; none = `labels.toml` beside it.
    pub labels: Option<Spanned<String>>,
    /// `grants = ["read-body"]`: bodies may enter the sandbox.
    pub read_body: Option<Span>,
    /// Limits that differ from the host's defaults.
    pub limits: Limits,
}

/// `connector = "…"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectorRef {
    /// `builtin:NAME`: shipped with hub.
    Builtin(String),
    /// A path of a `.wasm` file, relative to the file that names it.
    Path(String),
    /// A path of a low-code manifest (`.yaml` or `.yml`), relative to the file that names it.
    LowCode(String),
}

/// Place in the service catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemStatus {
    /// Asked for, not decided: no flow.
    Requested,
    /// On trial.
    Pilot,
    /// In use.
    Approved,
    /// Will be ended.
    Sunset,
    /// Ended: no flow.
    Retired,
}

/// Scheme, host and port, as `https://api.example.org` or `http://127.0.0.1:8080`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// `https`; `http` only where the host is a loopback address or `localhost` (E401).
    pub scheme: String,
    /// Lower case; IPv6 in brackets.
    pub host: String,
    /// Explicit or the scheme's default.
    pub port: u16,
}

/// An address range as `address/prefix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// First address; bits behind the prefix are zero.
    pub address: IpAddr,
    /// Number of leading bits that count.
    pub prefix: u8,
}

impl Network {
    /// Reads `10.20.0.0/16`, or a single address. None if it is neither, or if the prefix is too long.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?;
        (prefix <= bits).then_some(Self { address, prefix })
    }

    /// True if the address is in the range.
    #[must_use]
    pub fn contains(&self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                u32::from(own) & mask == u32::from(other) & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                u128::from(own) & mask == u128::from(other) & mask
            }
            _ => false,
        }
    }
}

/// `folders.NAME = { path, access }`.
#[derive(Clone, Debug)]
pub struct FolderGrant {
    /// Relative to the file that names it, or absolute.
    pub path: Spanned<String>,
    /// What may be done there.
    pub access: FolderAccess,
}

/// Direction of a folder grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderAccess {
    /// Files may be listed and read.
    Read,
    /// Files may be listed, created, replaced and appended to.
    Write,
}

/// `credentials.NAME = { scheme, value, … }`.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Where the binding is declared.
    pub span: Span,
    /// How it is put into a request.
    pub scheme: CredentialScheme,
    /// Origins that it may be sent to: the system's hosts unless `origins` narrows them.
    pub origins: Vec<Origin>,
    /// Where the secret is.
    pub value: SecretRef,
}

/// How the secret is put into a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialScheme {
    /// `Authorization: Bearer SECRET`.
    Bearer,
    /// `Authorization: Basic base64(USER:SECRET)`.
    Basic {
        /// The user's name.
        user: String,
    },
    /// `NAME: SECRET`.
    Header {
        /// Header name.
        name: String,
    },
}

/// Where a secret is read from when a run starts; never in the manifest itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// A file, relative to the file that names it; one trailing newline is cut.
    File(String),
    /// An environment variable.
    Env(String),
}

/// `limits = { memory_mib, seconds }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory in MiB; none = 256.
    pub memory_mib: Option<u32>,
    /// Seconds of guest CPU time between two calls to the host; none = 30.
    pub seconds: Option<u32>,
}

/// `[purpose.ID]`.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// The id and its place.
    pub id: Spanned<String>,
    /// Use key of the taxonomy.
    pub use_key: Spanned<String>,
    /// Letter of Art. 6(1): a to f, with its detail text.
    pub basis: Spanned<Basis>,
    /// Category keys that this purpose needs; anything below them too.
    pub allows: Spanned<Vec<Spanned<String>>>,
}

/// `basis = { art6 = "b", contract = "…" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// `a` … `f`.
    pub art6: char,
    /// The remaining keys as written (`contract`, `law`, `lia`, …).
    pub detail: BTreeMap<String, String>,
}

/// `[retention.ID]`.
#[derive(Clone, Debug)]
pub struct Retention {
    /// The id and its place.
    pub id: Spanned<String>,
    /// `keep` (statutory minimum) or `limit` (maximum).
    pub kind: RetentionKind,
    /// ISO 8601 duration in years, months and days, as written: `P3Y`.
    pub period: Spanned<String>,
    /// Start event as written.
    pub start: Option<String>,
}

/// Direction of a retention rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionKind {
    /// Must be kept at least so long.
    Keep,
    /// May be kept at most so long.
    Limit,
}

/// `[pseudonym.ID]`.
#[derive(Clone, Debug)]
pub struct PseudonymDomain {
    /// The id and its place.
    pub id: Spanned<String>,
    /// Where the key is (at least 16 bytes).
    pub key: Spanned<SecretRef>,
    /// How pseudonyms are made.
    pub method: PseudonymMethod,
}

/// `[[category]]`.
#[derive(Clone, Debug)]
pub struct CategoryExtension {
    /// The key's place.
    pub span: Span,
    /// The key that it stands below.
    pub parent: String,
    /// `art9`, `identifier`, `enumerable` …
    pub marks: Vec<String>,
}

/// `[stream.SYSTEM.NAME]`.
#[derive(Clone, Debug, Default)]
pub struct StreamDeclaration {
    /// Where the table is opened.
    pub span: Span,
    /// Data subjects.
    pub subjects: Vec<Spanned<String>>,
    /// Retention rule ids.
    pub retention: Vec<Spanned<String>>,
    /// Field path → category: adds fields of a dynamic stream, or tightens a label.
    pub fields: Vec<(Spanned<FieldPath>, Spanned<String>)>,
    /// JSON Schema with `x-hub-category`, as read from the file that `schema = "…"` names.
    pub schema: Option<Spanned<Value>>,
    /// Fields that identify a record.
    pub primary_key: Vec<Spanned<FieldPath>>,
    /// The field that grows with every change.
    pub cursor: Option<Spanned<FieldPath>>,
}

/// `[flow.ID]`.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The id and its place.
    pub id: Spanned<String>,
    /// Source stream.
    pub from: Spanned<StreamId>,
    /// Destination stream.
    pub to: Spanned<StreamId>,
    /// Purpose id.
    pub purpose: Spanned<String>,
    /// What passes; nothing else does.
    pub fields: Vec<FlowField>,
    /// Where `fields` stands.
    pub fields_span: Span,
    /// Retention rule ids for the destination stream, where the manifest has no `[stream]` table for it.
    pub retention: Vec<Spanned<String>>,
    /// What happens to earlier content of the destination.
    pub mode: Spanned<WriteMode>,
    /// None: one pass for each `hub run`.
    pub schedule: Option<Spanned<Schedule>>,
    /// File with the state from which the first run goes on; of no effect once hub has stored one.
    pub state: Option<Spanned<String>>,
    /// Fields of a record that no declaration knows.
    pub on_undeclared: OnUndeclared,
    /// Records that contradict the schema or cannot be read.
    pub on_invalid: OnInvalid,
}

/// One field of a flow.
#[derive(Clone, Debug)]
pub struct FlowField {
    /// Source path.
    pub path: Spanned<FieldPath>,
    /// Destination path; the same unless `to` says otherwise. Both have the same number of parts when nested.
    pub to: Spanned<FieldPath>,
    /// What is done with the value.
    pub action: Spanned<Action>,
}

/// What a run does to earlier content of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Adds.
    Append,
    /// Replaces as a whole at the end of the run.
    Replace,
    /// Overwrites by primary key.
    Upsert,
}

/// `schedule = "0 3 * * *"` or `"0 3 * * * Europe/Berlin"`: five or six cron fields (seconds first) and a zone (UTC if absent).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The cron expression in the `cron` crate's form (with seconds).
    pub expression: String,
    /// IANA zone name.
    pub zone: String,
}

/// What happens to fields of a record that no declaration knows (E201).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUndeclared {
    /// They are left out and counted by path.
    Drop,
    /// The run ends; nothing of the batch is delivered.
    Stop,
}

/// What happens to a record that cannot be read or contradicts the schema (E219, E220).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnInvalid {
    /// The run ends before the record; the cursor stays.
    Stop,
    /// It is left out and counted.
    Skip,
}
