//! Connections to databases that the manifest grants: one a run, one transaction from one checkpoint to the next. Decides nothing, reads no statement.
//!
//! Invariants: no text of a server leaves this module, since servers repeat values in their messages; and what a run wrote is committed together with
//! the word by which the next run knows it.

mod copy;
mod postgres;
mod rows;
mod sqlite;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hub_core::manifest::{Dialect, TableName};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// Why a database did not do it. Holds no value of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// SQLSTATE of a server, `sqlite-NUMBER`, or `connection`.
    pub code: String,
    /// Another try later may work.
    pub passing: bool,
    /// Names of tables, columns and constraints, and what is wrong with them.
    pub message: String,
    /// The record of a load that is to blame, from 0.
    pub row: Option<u32>,
}

impl Failure {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), ..Self::default() }
    }

    /// A connection that may come about another time.
    pub(crate) fn passing(message: impl Into<String>) -> Self {
        Self { passing: true, ..Self::new("connection", message) }
    }
}

/// A parameter of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// How a value of a column stands in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A JSON string.
    Text,
    /// A JSON number with all its digits.
    Number,
    /// `true` or `false`.
    Boolean,
    /// JSON of any kind.
    Json,
    /// RFC 3339 in UTC.
    Timestamp,
    /// Base64.
    Bytes,
    /// A JSON array of plain values; when loading only.
    Array,
}

/// A column of an answer or of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shaped {
    /// Its name in the record.
    pub name: String,
    /// How it stands there.
    pub form: Form,
}

/// A column as the database describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// The database's own name of the type.
    pub kind: String,
    /// It may be NULL.
    pub nullable: bool,
    /// Place in the primary key, from 1; 0 = not in it.
    pub key: u32,
}

/// A part of an answer: a JSON array of records.
#[derive(Debug)]
pub struct Chunk {
    /// The array.
    pub json: Vec<u8>,
    /// Records in it.
    pub records: u32,
}

/// Rows on their way; the database waits while nobody takes them.
#[derive(Debug)]
pub struct Rows(mpsc::Receiver<Result<Chunk, Failure>>);

impl Rows {
    /// The next part; none at the end.
    ///
    /// # Errors
    /// The database's failure; after it there is nothing more.
    pub async fn next(&mut self) -> Result<Option<Chunk>, Failure> {
        self.0.recv().await.transpose()
    }
}

/// What a run does with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads, in one snapshot.
    Read,
    /// Writes.
    Write,
}

/// Where to connect to, with addresses that the gate cleared.
pub enum Target {
    /// A server.
    Postgres {
        /// In the order of trying.
        addresses: Vec<SocketAddr>,
        /// Name in the certificate.
        host: String,
        /// Role.
        user: String,
        /// Database.
        database: String,
        /// Password.
        password: Option<Zeroizing<String>>,
        /// How TLS is spoken; none on this machine only.
        tls: Option<Box<rustls::ClientConfig>>,
        /// How long the server may be silent after it was asked something.
        patience: Duration,
    },
    /// A file.
    Sqlite(PathBuf),
}

/// An open database.
pub struct Session {
    backend: Backend,
    access: Access,
}

enum Backend {
    Postgres(postgres::Client),
    Sqlite(sqlite::Client),
}

/// Calls the same function of either backend.
macro_rules! either {
    ($self:ident, $client:ident => $call:expr) => {
        match &mut $self.backend {
            Backend::Postgres($client) => $call,
            Backend::Sqlite($client) => $call,
        }
    };
}

impl Session {
    /// Connects and begins a transaction.
    ///
    /// # Errors
    /// It cannot be reached, refused the login, or has no such file.
    pub async fn open(target: Target, access: Access) -> Result<Self, Failure> {
        let backend = match target {
            Target::Sqlite(path) => Backend::Sqlite(sqlite::Client::open(path, access).await?),
            postgres => Backend::Postgres(postgres::Client::open(postgres, access).await?),
        };
        let mut session = Self { backend, access };
        session.begin().await?;
        Ok(session)
    }

    async fn begin(&mut self) -> Result<(), Failure> {
        let access = self.access;
        either!(self, client => client.begin(access).await)
    }

    /// Its language.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self.backend {
            Backend::Postgres(_) => Dialect::Postgres,
            Backend::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// The columns of a table; none if there is no such table.
    ///
    /// # Errors
    /// The database's.
    pub async fn describe(&mut self, table: &TableName) -> Result<Option<Vec<Column>>, Failure> {
        either!(self, client => client.describe(table).await)
    }

    /// Runs a statement; answers with the number of rows that it touched. A failure takes back what this statement did and nothing else.
    ///
    /// # Errors
    /// The database's.
    pub async fn execute(&mut self, statement: &str, parameters: Vec<Value>) -> Result<u64, Failure> {
        either!(self, client => client.execute(statement, parameters).await)
    }

    /// Runs a statement that answers with rows. In PostgreSQL each column must be text: `id::text`.
    ///
    /// # Errors
    /// The database's.
    pub async fn query(&mut self, statement: &str, parameters: Vec<Value>, columns: Vec<Shaped>) -> Result<Rows, Failure> {
        either!(self, client => client.query(statement, parameters, columns).await)
    }

    /// Adds records (NDJSON) to a table; a missing field is NULL. Rows of `skip` are left out. All of them are added or none.
    ///
    /// # Errors
    /// The database's, with the row where one is to blame.
    pub async fn load(&mut self, table: &TableName, columns: &[Shaped], ndjson: Vec<u8>, skip: &[u32]) -> Result<u32, Failure> {
        either!(self, client => client.load(table, columns, ndjson, skip).await)
    }

    /// The word that the last commit of a flow left.
    ///
    /// # Errors
    /// The database's.
    pub async fn applied(&mut self, progress: &TableName, flow: &str) -> Result<Option<String>, Failure> {
        either!(self, client => client.applied(progress, flow).await)
    }

    /// Makes everything since the last commit durable, together with this word, and begins anew.
    ///
    /// # Errors
    /// The database's. If the connection broke, only [`Session::applied`] of a new one knows whether it happened.
    pub async fn commit(&mut self, progress: &TableName, flow: &str, token: &str) -> Result<(), Failure> {
        either!(self, client => client.mark(progress, flow, token).await)?;
        either!(self, client => client.commit().await)?;
        self.begin().await
    }
}

/// A name between quotation marks, for the statements of the host itself.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn quoted_table(table: &TableName) -> String {
    format!("{}.{}", quoted(&table.schema), quoted(&table.table))
}
