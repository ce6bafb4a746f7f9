//! Databases of the manifest. The host holds the connection, reads each statement before it runs it, and commits with the checkpoint: a source reads in
//! one snapshot, and what a destination does between two checkpoints is one transaction. `docs/databases.md` says which SQL can be used.

use std::fmt;

use crate::pages::PageAck;
use crate::{Error, host};

/// Which SQL a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL: `$1`, temporary tables in `pg_temp`.
    Postgres,
    /// SQLite: `?1`, temporary tables in `temp`.
    Sqlite,
}

/// A table by its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    /// Schema; `main` in SQLite.
    pub schema: String,
    /// Table.
    pub table: String,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text. PostgreSQL wants the very type: `$1::text::numeric`.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// How a value stands in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A string.
    Text,
    /// A number with all its digits.
    Number,
    /// True or false.
    Boolean,
    /// JSON of any kind.
    Json,
    /// RFC 3339 in UTC.
    Timestamp,
    /// Base64.
    Bytes,
    /// An array of plain values; for loading only.
    Array,
}

/// A column of an answer or of a load, by its name in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shaped {
    /// Name.
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

/// Why a database did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlError {
    /// Not granted, or never allowed. The run has ended.
    Denied(String),
    /// The database said no; what failed took back its own effects and nothing else.
    Failed(Failure),
}

/// What the database said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// SQLSTATE, `sqlite-NUMBER`, or a word.
    pub code: String,
    /// Another try later may work.
    pub passing: bool,
    /// Names and what is wrong, never a value.
    pub message: String,
    /// The record of a load that is to blame, from 0.
    pub row: Option<u32>,
}

impl fmt::Display for SqlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(code) => write!(out, "denied by the host ({code})"),
            Self::Failed(failure) => write!(out, "{} ({})", failure.message, failure.code),
        }
    }
}

impl std::error::Error for SqlError {}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        match &error {
            SqlError::Denied(_) => Self::Cancelled,
            SqlError::Failed(failure) if matches!(&*failure.code, "28000" | "28P01") => Self::Auth(error.to_string()),
            SqlError::Failed(failure) if failure.passing => Self::transient(error.to_string()),
            SqlError::Failed(_) => Self::Permanent(error.to_string()),
        }
    }
}

/// A database by the name that the manifest gives it.
#[derive(Clone, Debug)]
pub struct Database(String);

impl Database {
    /// Nothing is opened yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Which SQL it speaks; connects.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn dialect(&self) -> Result<Dialect, SqlError> {
        host::dialect_of(&self.0)
    }

    /// The columns of a table that the manifest mentions; none = there is no such table.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn describe(&self, table: &TableName) -> Result<Option<Vec<Column>>, SqlError> {
        host::describe(&self.0, table)
    }

    /// Runs one statement without an answer; says how many rows it touched.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn execute(&self, statement: &str, parameters: &[Value]) -> Result<u64, SqlError> {
        host::execute(&self.0, statement, parameters)
    }

    /// Adds NDJSON records as fast as the database can; a missing field is NULL. Rows of `skip` are left out. All of them are added or none.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn load(&self, table: &TableName, columns: &[Shaped], records: &[u8], skip: &[u32]) -> Result<u32, SqlError> {
        host::load(&self.0, table, columns, records, skip)
    }

    /// Runs one SELECT. In PostgreSQL each column is cast to text; `columns` says what it becomes.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn query(&self, statement: &str, parameters: &[Value], columns: &[Shaped]) -> Result<Rows, SqlError> {
        Ok(Rows { handle: host::query(&self.0, statement, parameters, columns)? })
    }
}

/// Rows on their way. `Output::rows` hands them to the gate without looking at them.
#[derive(Debug)]
pub struct Rows {
    handle: host::Rows,
}

impl Rows {
    /// The next part as a JSON array of records, none at the end. Needs the read-body grant.
    ///
    /// # Errors
    /// See [`SqlError`].
    pub fn read(&mut self) -> Result<Option<Vec<u8>>, SqlError> {
        self.handle.read()
    }

    pub(crate) fn emit(&mut self, stream: u32, observe: &[String]) -> Result<Option<PageAck>, Error> {
        host::emit_rows(stream, &self.handle, observe)
    }
}
