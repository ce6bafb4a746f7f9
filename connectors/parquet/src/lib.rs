//! The connector `parquet`: streams as Parquet files of a granted folder. `contacts` is `FOLDER/contacts.parquet` where it is replaced, and
//! `FOLDER/contacts/part-….parquet` where it is appended to: a file is readable only with its end, so nothing is ever written behind one.

mod cell;
mod column;
mod file;
mod moment;
mod number;
mod parts;
mod write;

use std::collections::BTreeMap;

use cell::Form;
use write::ParquetDestination;

/// Parquet files of a granted folder.
#[hub_sdk::config]
struct Config {
    /// Name of a folder grant of the manifest, with a path below it if need be: `exports/crm`.
    folder: String,
    /// Streams of which more is known than their fields say.
    #[serde(default)]
    streams: BTreeMap<String, Stream>,
}

/// What is known of a stream.
#[hub_sdk::config]
#[derive(Clone, Default)]
struct Stream {
    /// What columns hold that are not simply what the source says: `{ total = { decimal = 2 }, due = "date" }`.
    #[serde(default)]
    columns: BTreeMap<String, Form>,
}

hub_sdk::connector!(destination: ParquetDestination);

impl Config {
    fn columns(&self, stream: &str) -> BTreeMap<String, Form> {
        self.streams.get(stream).map(|stream| stream.columns.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
