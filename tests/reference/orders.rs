//! Orders in pages that are counted (`/orders?page=2&per_page=1000`, optionally `updated_since`): the server, with every page made before the first
//! request, and the straight way to get them into a file. Knows no policy.

use std::borrow::Cow;
use std::io::BufWriter;

use serde_json::Value;

use super::{Failure, pages, serve};

/// The fields that the bench's manifest keeps.
const WANTED: [&str; 8] = ["id", "order_no", "customer_id", "amount", "currency", "status", "created_at", "updated_at"];

/// Gets all orders below `url` and writes the wanted fields to `file`.
pub fn run(url: &str, file: &str) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(transfer(url, file))
}

async fn transfer(url: &str, file: &str) -> Result<(), Failure> {
    let client = pages::client()?;
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(file)?);
    for page in 1.. {
        let body = client.get(format!("{url}/orders?page={page}&per_page=1000")).send().await?.bytes().await?;
        let parsed: Value = serde_json::from_slice(&body)?;
        let records = parsed.pointer("/data").and_then(Value::as_array).ok_or("no records in the page")?;
        for record in records {
            pages::write_record(record, &WANTED, &mut out)?;
        }
        if records.len() < 1000 {
            break;
        }
    }
    out.into_inner()?.sync_all()?;
    Ok(())
}

/// Serves `count` orders in pages of `size`.
pub fn serve(count: u64, size: u64) -> Result<(), Failure> {
    let size = usize::try_from(size)?;
    let dates: Vec<String> = (0..count).map(date).collect();
    let records: Vec<String> = dates.iter().zip(1..).map(|(date, id)| record(id, date)).collect();
    let pages = records.chunks(size).map(page).collect();
    serve::listen(Orders { dates, records, pages, size })
}

struct Orders {
    dates: Vec<String>,
    records: Vec<String>,
    pages: Vec<Vec<u8>>,
    size: usize,
}

impl serve::Pages for Orders {
    fn page(&self, target: &str) -> Cow<'_, [u8]> {
        let (number, since) = query(target);
        let first = since.map_or(0, |since| self.dates.partition_point(|date| *date < since));
        match self.pages.get(number - 1) {
            Some(page) if first == 0 => Cow::Borrowed(page),
            _ => Cow::Owned(page(self.records[first..].chunks(self.size).nth(number - 1).unwrap_or_default())),
        }
    }
}

fn page(records: &[String]) -> Vec<u8> {
    format!(r#"{{"data":[{}]}}"#, records.join(",")).into_bytes()
}

/// Number of the page, from 1, and the least date.
fn query(target: &str) -> (usize, Option<String>) {
    let mut wanted = (1, None);
    for (name, value) in target.split_once('?').map_or("", |(_, query)| query).split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "page" => wanted.0 = value.parse().unwrap_or(1).max(1),
            "updated_since" => wanted.1 = Some(value.replace("%3A", ":").replace("%3a", ":")),
            _ => {}
        }
    }
    wanted
}

/// One second after the other, so that texts sort as dates do.
fn date(index: u64) -> String {
    let (day, rest) = (index / 86_400, index % 86_400);
    format!("2026-{:02}-{:02}T{:02}:{:02}:{:02}Z", 1 + day / 28, 1 + day % 28, rest / 3600, rest / 60 % 60, rest % 60)
}

/// 469 bytes for an order with a number of six digits.
fn record(id: u64, date: &str) -> String {
    format!(
        concat!(
            r#"{{"id":{id},"order_no":"A-{id:09}","customer_id":"C-{person:06}","first_name":"Vorname{person}","last_name":"Nachname{person}","#,
            r#""email":"kunde{person}@beispiel.example","phone":"+49 30 {phone:07}","iban":"DE{iban:020}","amount":{amount}.25,"currency":"EUR","#,
            r#""status":"{status}","address":{{"street":"Lindenstraße {house}","zip":"10969","city":"Berlin"}},"#,
            r#""notes":"Please leave it with the neighbours if nobody is home.","created_at":"2025-12-24T08:15:00Z","updated_at":"{date}"}}"#
        ),
        id = id,
        person = id % 9973,
        phone = id % 9_999_991,
        iban = id * 7919,
        amount = id % 4999,
        status = ["open", "paid", "sent", "closed"][(id % 4) as usize],
        house = id % 200,
        date = date
    )
}
