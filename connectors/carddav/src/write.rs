//! Cards into an address book: found by their UID, then made, changed or deleted, each as it was seen last. What a card has besides stays.

use std::collections::BTreeMap;

use hub_sdk::http::Response;
use hub_sdk::{Batch, Destination, Error, Mode, Report, RowError, Target};
use serde_json::{Map, Value};

use crate::Config;
use crate::book::{Book, Found};
use crate::edit::{self, Refused};

const KEY: &str = "uid";
/// The text of a key has at most so many bytes: a new card's address is made of it.
const MAX_KEY_BYTES: usize = 128;
/// Cards of one search.
const CHUNK_ROWS: usize = 50;
/// How often a card is looked at again because somebody else changed it meanwhile.
const TRIES: usize = 3;

/// Writes the stream `contacts`.
pub(crate) struct CardDavDestination {
    book: Book,
    /// The fields of each target, by its index.
    targets: BTreeMap<u32, Vec<String>>,
}

/// Key and values of a row.
type Row = (String, Map<String, Value>);

impl Destination for CardDavDestination {
    type Config = Config;

    fn check(config: Config) -> Result<(), Error> {
        Book::new(config.base_url, config.credential).check()
    }

    fn open(config: Config, targets: Vec<Target>) -> Result<Self, Error> {
        let targets = targets.into_iter().map(|target| Ok((target.index, fields(target)?)));
        Ok(Self { targets: targets.collect::<Result<_, Error>>()?, book: Book::new(config.base_url, config.credential) })
    }

    fn write(&mut self, target: u32, _key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        self.each(target, batch, put)
    }

    fn delete(&mut self, target: u32, _key: &str, keys: Batch<'_>) -> Result<Report, Error> {
        self.each(target, keys, |book, row, found| remove(book, &row.0, found))
    }

    /// What was answered is committed.
    fn flush(&mut self, _target: u32) -> Result<(), Error> {
        Ok(())
    }
}

impl CardDavDestination {
    /// Looks for the cards of the rows, many at once, and does something with each row.
    fn each(
        &self,
        target: u32,
        batch: Batch<'_>,
        act: impl Fn(&Book, &Row, Vec<Found>) -> Result<Result<(), Refused>, Error>,
    ) -> Result<Report, Error> {
        let fields = self.targets.get(&target).ok_or_else(|| Error::Permanent(format!("no stream was opened with the index {target}")))?;
        let mut report = Report::default();
        let rows: Vec<(u32, Result<Row, Refused>)> = (0_u32..).zip(batch.lines().map(|line| row(line, fields))).collect();
        for chunk in rows.chunks(CHUNK_ROWS) {
            let keys: Vec<&str> = chunk.iter().filter_map(|(_, row)| Some(row.as_ref().ok()?.0.as_str())).collect();
            let mut found = self.book.find(&keys)?;
            for (number, row) in chunk {
                let done = match row {
                    // A key that comes again in a batch is looked for again: it may have been made by the first.
                    Ok(row) => match found.remove(&row.0) {
                        Some(cards) => act(&self.book, row, cards)?,
                        None => act(&self.book, row, find(&self.book, &row.0)?)?,
                    },
                    Err(code) => Err(*code),
                };
                match done {
                    Ok(()) => report.written += 1,
                    Err(code) => report.failed.push(RowError { row: *number, code: code.into() }),
                }
            }
        }
        Ok(report)
    }
}

/// The inner result: why the row was not taken.
fn put(book: &Book, (key, values): &Row, mut cards: Vec<Found>) -> Result<Result<(), Refused>, Error> {
    for _ in 0..TRIES {
        let response = match cards.as_slice() {
            [] => match edit::new(values) {
                Ok(card) => book.create(key, &card)?,
                Err(code) => return Ok(Err(code)),
            },
            [one] => match edit::changed(&one.card, values) {
                Ok(Some(card)) => book.replace(one, &card)?,
                Ok(None) => return Ok(Ok(())),
                Err(code) => return Ok(Err(code)),
            },
            _ => return Ok(Err("ambiguous-key")),
        };
        if let Some(taken) = taken(response)? {
            return Ok(taken);
        }
        cards = find(book, key)?;
    }
    Err(changing())
}

/// A card that is not there is deleted.
fn remove(book: &Book, key: &str, mut cards: Vec<Found>) -> Result<Result<(), Refused>, Error> {
    for _ in 0..TRIES {
        let Some(card) = cards.first() else { return Ok(Ok(())) };
        let response = book.delete(card)?;
        if !matches!(response.status(), 404 | 410)
            && let Some(refused @ Err(_)) = taken(response)?
        {
            return Ok(refused);
        }
        cards = find(book, key)?;
    }
    if cards.is_empty() { Ok(Ok(())) } else { Err(changing()) }
}

fn find(book: &Book, key: &str) -> Result<Vec<Found>, Error> {
    Ok(book.find(&[key])?.remove(key).unwrap_or_default())
}

/// None: somebody else was faster. The server's text may hold values and is not passed on.
fn taken(response: Response) -> Result<Option<Result<(), Refused>>, Error> {
    match response.status() {
        412 => Ok(None),
        400 | 404 | 405 | 409 | 410 | 413 | 415 | 422 => Ok(Some(Err("refused"))),
        _ => response.success().map(|_| Some(Ok(()))),
    }
}

fn changing() -> Error {
    Error::transient("a card is being changed by somebody else again and again")
}

fn fields(target: Target) -> Result<Vec<String>, Error> {
    let wrong = |text: String| Err(Error::Config(format!("the stream `{}`: {text}", target.name)));
    if target.name != "contacts" {
        return wrong("only contacts can be written".into());
    }
    if target.mode != Mode::Upsert {
        return wrong("an address book belongs to its people: nothing is added blindly or replaced as a whole; use the mode upsert".into());
    }
    if target.primary_key != [KEY] {
        return wrong(format!("the primary key must arrive as `{KEY}` alone: name it in the source's stream and let it pass"));
    }
    let known: Vec<_> = edit::fields().collect();
    if let Some(unknown) = target.fields.iter().find(|field| !known.contains(&field.name.as_str())) {
        return wrong(format!("there is no field `{}` to write; there are {}", unknown.name, known.join(", ")));
    }
    Ok(target.fields.into_iter().map(|field| field.name).collect())
}

fn row(line: &[u8], fields: &[String]) -> Result<Row, Refused> {
    let values: Map<String, Value> = serde_json::from_slice(line).map_err(|_| "not-a-json-object")?;
    if values.keys().any(|name| !fields.contains(name)) {
        return Err("unknown-field");
    }
    match values.get(KEY) {
        Some(Value::String(key)) if key.trim().is_empty() => Err("no-key"),
        Some(Value::String(key)) if key.len() > MAX_KEY_BYTES => Err("key-too-long"),
        Some(Value::String(key)) => Ok((key.trim().to_owned(), values)),
        Some(Value::Null) | None => Err("no-key"),
        Some(_) => Err("wrong-type"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests;
