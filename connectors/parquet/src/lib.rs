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
    /// By stream and field: what columns hold that are not simply what the source says: `{ invoices = { total = { decimal = 2 }, due = "date" } }`.
    #[serde(default)]
    columns: BTreeMap<String, BTreeMap<String, Form>>,
}

hub_sdk::connector!(destination: ParquetDestination);

#[cfg(test)]
mod tests;
