//! A system: what serves it, what it may reach, who runs it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde_json::Value;

use super::operator::Wording;
use super::party::{Backup, Contract, Disclosure, Hosting, RightsSupport, Role, Transfer};
use super::timing::Rate;
use super::words::words;
use crate::problem::{Span, Spanned};

/// `[system.ID]`.
#[derive(Clone, Debug)]
pub struct System {
    /// The id and its place.
    pub id: Spanned<String>,
    /// Which component serves it.
    pub connector: Spanned<ConnectorRef>,
    /// A low-code manifest says what the component does. Known of a file `*.yaml` when the manifest is read, of any other connector when that is.
    pub low_code: bool,
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
    /// Databases that it may use, by the name the connector uses.
    pub databases: BTreeMap<String, Database>,
    /// Credentials that the host injects, by the name the connector uses.
    pub credentials: BTreeMap<String, Credential>,
    /// Secret parts of a low-code connector's configuration, by their dotted place in `config`. The connector sees placeholders.
    pub secrets: BTreeMap<String, Spanned<SecretRef>>,
    /// File with the labels of a low-code connector; none = `labels.toml` beside it.
    pub labels: Option<Spanned<String>>,
    /// How many requests may go to it; none = any number.
    pub rate: Option<Spanned<Rate>>,
    /// How many runs may use it at once; none = any number.
    pub concurrency: Option<Spanned<u64>>,
    /// `grants = ["read-body"]`: bodies may enter the sandbox.
    pub read_body: Option<Span>,
    /// Limits that differ from the host's defaults.
    pub limits: Limits,
    /// Name for people.
    pub name: Option<Spanned<Wording>>,
    /// What sort of system it is, as written: `crm`, `erp`.
    pub kind: Option<Spanned<String>>,
    /// Who answers for it.
    pub owner: Option<Spanned<String>>,
    /// Who runs it; None = not said.
    pub role: Option<Spanned<Role>>,
    /// Legal name of who runs it, if not the operator.
    pub legal_name: Option<Spanned<String>>,
    /// Where it is.
    pub hosting: Option<Hosting>,
    /// How its answers prove where they come from.
    pub region: Option<Region>,
    /// Countries from which somebody else may look at the data, ISO 3166 alpha-2.
    pub access_from: Vec<Spanned<String>>,
    /// Purposes for which its data was collected, by id, where a stream does not say.
    pub collected_for: Vec<Spanned<String>>,
    /// Set if it is an AI system.
    pub ai: Option<Span>,
    /// The controller on whose behalf the operator runs it, Art. 30(2).
    pub mandant: Option<Spanned<String>>,
    /// Its backups.
    pub backup: Option<Backup>,
    /// What it can do for data subjects.
    pub dsr: Option<RightsSupport>,
    /// What allows to hand data to another controller.
    pub disclosure: Option<Disclosure>,
    /// The contract with who runs it.
    pub contract: Option<Contract>,
    /// What carries transfers to third countries.
    pub transfers: Vec<Transfer>,
}

/// `region = { header, is, origins }`.
#[derive(Clone, Debug)]
pub struct Region {
    /// Where the table stands.
    pub span: Span,
    /// Name of the header.
    pub header: Spanned<String>,
    /// Its value.
    pub is: Spanned<String>,
    /// Origins whose answers must have it.
    pub origins: Vec<Origin>,
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
    /// `plugin:NAME`: installed from a registry; the lock pins which bytes.
    Plugin(String),
    /// `oci://HOST/NAME@sha256:HEX`, whole, as written: a component in a registry, which must be installed with this digest.
    Oci(String),
}

impl fmt::Display for ConnectorRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(name) => write!(out, "builtin:{name}"),
            Self::Plugin(name) => write!(out, "plugin:{name}"),
            Self::Path(written) | Self::LowCode(written) | Self::Oci(written) => out.write_str(written),
        }
    }
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

impl Origin {
    /// True if it is on this machine: `localhost` or a loopback address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
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

/// `databases.NAME = { url, password, tables, … }`.
#[derive(Clone, Debug)]
pub struct Database {
    /// Where it is.
    pub place: Spanned<DatabasePlace>,
    /// Where the password is.
    pub password: Option<Spanned<SecretRef>>,
    /// PEM file with the authority of the server's certificate.
    pub authority: Option<Spanned<String>>,
    /// What may be done, by table.
    pub tables: Vec<TableGrant>,
    /// Where hub keeps how far its flows are.
    pub progress: TableName,
    /// Seconds that a server may be silent after it was asked something.
    pub statement_seconds: Option<u32>,
}

impl Database {
    /// True if it is on this machine.
    #[must_use]
    pub fn is_here(&self) -> bool {
        match &self.place.value {
            DatabasePlace::Postgres { host, port, .. } => Origin { scheme: String::new(), host: host.clone(), port: *port }.is_loopback(),
            DatabasePlace::Sqlite { .. } => true,
        }
    }

    /// Which language it speaks.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self.place.value {
            DatabasePlace::Postgres { .. } => Dialect::Postgres,
            DatabasePlace::Sqlite { .. } => Dialect::Sqlite,
        }
    }
}

/// Which SQL a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabasePlace {
    /// A server.
    Postgres {
        /// Host name or address.
        host: String,
        /// TCP port.
        port: u16,
        /// Name of the role.
        user: String,
        /// Name of the database.
        database: String,
    },
    /// A file.
    Sqlite {
        /// Relative to the file that names it, or absolute.
        path: String,
    },
}

impl DatabasePlace {
    /// As an operator writes it.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Postgres { host, port, user, database } => format!("postgres://{user}@{host}:{port}/{database}"),
            Self::Sqlite { path } => format!("sqlite:{path}"),
        }
    }
}

/// A table with its schema, as the database calls them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// Schema.
    pub schema: String,
    /// Table.
    pub table: String,
}

impl std::fmt::Display for TableName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{}", self.schema, self.table)
    }
}

/// One entry of `tables`.
#[derive(Clone, Debug)]
pub struct TableGrant {
    /// Where it is written.
    pub span: Span,
    /// Schema.
    pub schema: String,
    /// Table; none = each of the schema.
    pub table: Option<String>,
    /// What may be done.
    pub verbs: Vec<Verb>,
}

impl TableGrant {
    /// True if it is about this table.
    #[must_use]
    pub fn covers(&self, name: &TableName) -> bool {
        self.schema == name.schema && self.table.as_ref().is_none_or(|table| *table == name.table)
    }

    /// As an operator writes it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.schema, self.table.as_deref().unwrap_or("*"))
    }
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
    /// `kms:NAME`: a key of hub's own key store. For keys of pseudonyms and of suppression only.
    Store(String),
}

/// `limits = { memory_mib, seconds }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory in MiB; none = 256.
    pub memory_mib: Option<u32>,
    /// Seconds of guest CPU time between two calls to the host; none = 30.
    pub seconds: Option<u32>,
}

words! {
    /// Place in the service catalogue.
    SystemStatus {
        /// Asked for, not decided: no flow.
        Requested = "requested",
        /// On trial.
        Pilot = "pilot",
        /// In use.
        Approved = "approved",
        /// Will be ended.
        Sunset = "sunset",
        /// Ended: no flow.
        Retired = "retired",
    }

    /// What a statement does with a table.
    Verb {
        /// Reads rows.
        Select = "select",
        /// Adds rows.
        Insert = "insert",
        /// Changes rows.
        Update = "update",
        /// Takes rows away.
        Delete = "delete",
        /// Makes the table.
        Create = "create",
        /// Adds columns and comments.
        Alter = "alter",
        /// Takes the table away.
        Drop = "drop",
    }

    /// Direction of a folder grant.
    FolderAccess {
        /// Files may be listed and read.
        Read = "read",
        /// Files may be listed, created, replaced and appended to.
        Write = "write",
    }
}
