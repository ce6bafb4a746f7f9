//! The connector `sql`: a stream is a table of a granted database, PostgreSQL or SQLite. The host holds the connection and the transaction.
//!
//! Every value of an answer goes from the database to the gate inside the host; every batch goes into the database without being parsed here.

mod read;
#[cfg(test)]
mod tests;
mod text;
mod write;

use std::collections::BTreeMap;

use hub_sdk::Error;
use hub_sdk::sql::{Database, Dialect, TableName};

use read::TableSource;
use write::TableDestination;

/// Tables of a granted database.
#[hub_sdk::config]
struct Config {
    /// Name of a database grant of the manifest.
    #[serde(default = "main")]
    database: String,
    /// Schema of tables that are not named below; absent = `public`, or `main` in SQLite.
    #[serde(default)]
    schema: Option<String>,
    /// Destination: whether missing tables are made and missing columns added.
    #[serde(default = "yes")]
    create: bool,
    /// Streams that are not simply the table of their name.
    #[serde(default)]
    streams: BTreeMap<String, Stream>,
}

/// What a stream is in the database.
#[hub_sdk::config]
#[derive(Clone, Default)]
struct Stream {
    /// The table: `TABLE` or `SCHEMA.TABLE`; absent = the stream's name.
    #[serde(default)]
    table: Option<String>,
    /// Source: the column that grows with every change; absent = everything is read each time.
    #[serde(default)]
    cursor: Option<String>,
    /// Source: columns that identify a row; absent = the table's primary key.
    #[serde(default)]
    key: Vec<String>,
    /// Source: how far back a run reads again, in units of the cursor (seconds of a time): for rows whose transaction ended late.
    #[serde(default)]
    lookback: u32,
}

fn main() -> String {
    "main".into()
}

fn yes() -> bool {
    true
}

hub_sdk::connector!(source: TableSource, destination: TableDestination);

impl Config {
    fn database(&self) -> Database {
        Database::new(self.database.clone())
    }

    fn stream(&self, name: &str) -> Stream {
        self.streams.get(name).cloned().unwrap_or_default()
    }

    /// The table of a stream.
    fn table(&self, dialect: Dialect, stream: &str) -> Result<TableName, Error> {
        let named = self.stream(stream).table.unwrap_or_else(|| stream.to_owned());
        let default = match dialect {
            Dialect::Postgres => "public",
            Dialect::Sqlite => "main",
        };
        let (schema, table) = match named.split_once('.') {
            Some((schema, table)) => (schema, table),
            None => (self.schema.as_deref().unwrap_or(default), named.as_str()),
        };
        if text::is_name(schema) && text::is_name(table) {
            return Ok(TableName { schema: schema.to_owned(), table: table.to_owned() });
        }
        Err(Error::Config(format!("the stream `{stream}` is no table: use letters, digits, `_` and `-`, at most 63 of them")))
    }
}
