//! The connector `tryton`: parties, addresses, contact mechanisms, sales and invoices of a Tryton ERP through its REST interface, read by date of
//! change; parties and contact mechanisms written by key.
//!
//! Tryton wraps dates and decimals in objects. Records are therefore rewritten in here, which needs the read-body grant.

mod erp;
mod moment;
mod plain;
mod read;
mod streams;
mod window;
mod write;

use read::TrytonSource;
use write::TrytonDestination;

/// A database of a Tryton server.
#[hub_sdk::config]
struct Config {
    /// Address of the server and name of the database, ending with `/`: `https://erp.example.org/company/`.
    base_url: String,
    /// Name of the credential (bearer) in the manifest: the key of a user application of the kind `rest`.
    #[serde(default = "default_credential")]
    credential: String,
    /// Records of one page.
    #[serde(default = "default_page_size")]
    #[schemars(range(min = 1, max = 5000))]
    page_size: u32,
    /// What changed in the last seconds of a run is read again by the next: a change carries the time at which its transaction began.
    #[serde(default = "default_overlap")]
    #[schemars(range(max = 86400))]
    overlap_seconds: u32,
}

fn default_credential() -> String {
    "erp".into()
}

fn default_page_size() -> u32 {
    500
}

fn default_overlap() -> u32 {
    60
}

hub_sdk::connector!(source: TrytonSource, destination: TrytonDestination);

#[cfg(test)]
mod tests;
