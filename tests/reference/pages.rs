//! HTTP pages to a file, the straight way: get a page, parse it, write the wanted fields of each record. Knows no policy.

use std::io::{BufWriter, Write};

use serde_json::Value;

use super::Failure;

/// The fields that the bench's manifest keeps.
const WANTED: [&str; 5] = ["id", "title", "status", "creation", "activity"];

/// Gets all pages below `url` and writes the records to `file`.
pub fn run(url: &str, file: &str) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(transfer(url, file))
}

/// A client as a program without hub has it.
pub fn client() -> Result<reqwest::Client, Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "this is what a program without hub does: it is measured, not shipped")]
    let client = reqwest::Client::builder().no_proxy().build()?;
    Ok(client)
}

async fn transfer(url: &str, file: &str) -> Result<(), Failure> {
    let client = client()?;
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(file)?);
    for page in 1.. {
        let address = format!("{url}/rest/data/issue?@page_index={page}&@page_size=1000");
        let body = client.get(address).send().await?.bytes().await?;
        let parsed: Value = serde_json::from_slice(&body)?;
        let records = parsed.pointer("/data/collection").and_then(Value::as_array).ok_or("no records in the page")?;
        for record in records {
            write_record(record, &WANTED, &mut out)?;
        }
        if records.is_empty() || parsed.pointer("/data/@links/next").is_none() {
            break;
        }
    }
    out.into_inner()?.sync_all()?;
    Ok(())
}

/// Writes the wanted fields of a record as a line.
pub fn write_record(record: &Value, wanted: &[&str], out: &mut impl Write) -> Result<(), Failure> {
    let kept: serde_json::Map<String, Value> =
        wanted.iter().filter_map(|name| Some(((*name).to_owned(), record.get(name)?.clone()))).collect();
    serde_json::to_writer(&mut *out, &kept)?;
    out.write_all(b"\n")?;
    Ok(())
}
