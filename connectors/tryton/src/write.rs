//! Parties and contact mechanisms into Tryton, by key: found, compared, then created, changed or left alone.
//!
//! Every request is a transaction of its own on the other side, so that a batch that is sent again finds what it wrote and changes nothing.

mod contacts;
mod parties;
mod values;

use hub_sdk::{Batch, Destination, Error, Mode, Report, RowError, Target};
use serde_json::Value;

use crate::Config;
use crate::erp::{Erp, answered};
use contacts::CONTACTS;
use parties::PARTIES;
use values::{Row, Text, same};

/// Rows that are looked up with one search.
const CHUNK_ROWS: usize = 40;
/// Keys of one search in bytes: more would make the address too long for servers.
const CHUNK_KEY_BYTES: usize = 2_000;

/// Writes streams.
pub(crate) struct TrytonDestination {
    erp: Erp,
    targets: Vec<(Target, &'static Kind)>,
}

/// A stream that can be written.
pub(crate) struct Kind {
    stream: &'static str,
    model: &'static str,
    fields: &'static [Field],
    /// Sets of fields of which the key must have one.
    needs: &'static [&'static str],
    find: Find,
}

/// Looks for the records that rows of a target mean.
type Find = fn(&Erp, &Target, &mut [Row]) -> Result<Vec<Found>, Error>;

/// A field that can be written.
pub(crate) struct Field {
    name: &'static str,
    text: Text,
}

/// A record that is there.
pub(crate) struct Found {
    id: u64,
    key: Vec<String>,
    values: serde_json::Map<String, Value>,
}

impl Destination for TrytonDestination {
    type Config = Config;

    fn check(config: Config) -> Result<(), Error> {
        Erp::new(&config).clock(PARTIES.model).map(|_| ())
    }

    fn open(config: Config, targets: Vec<Target>) -> Result<Self, Error> {
        let targets = targets.into_iter().map(|target| Ok((Kind::of(&target)?, target)).map(|(kind, target)| (target, kind)));
        Ok(Self { erp: Erp::new(&config), targets: targets.collect::<Result<_, Error>>()? })
    }

    fn write(&mut self, target: u32, _key: &str, batch: Batch<'_>) -> Result<Report, Error> {
        let (target, kind) = self
            .targets
            .iter()
            .find(|(known, _)| known.index == target)
            .ok_or_else(|| Error::Permanent(format!("no stream was opened with the index {target}")))?;
        let mut report = Report::default();
        let mut rows = Vec::new();
        for (row, line) in (0_u32..).zip(batch.lines()) {
            match Row::read(row, line, target, kind.fields) {
                Ok(row) => rows.push(row),
                Err(code) => report.failed.push(RowError { row, code: code.into() }),
            }
        }
        let mut rest = rows.as_mut_slice();
        while !rest.is_empty() {
            let (chunk, behind) = rest.split_at_mut(chunk_length(rest));
            self.write_chunk(target, kind, chunk, &mut report)?;
            rest = behind;
        }
        report.failed.sort_by_key(|failed| failed.row);
        Ok(report)
    }

    /// What was answered is committed.
    fn flush(&mut self, _target: u32) -> Result<(), Error> {
        Ok(())
    }
}

impl TrytonDestination {
    fn write_chunk(&self, target: &Target, kind: &Kind, rows: &mut [Row], report: &mut Report) -> Result<(), Error> {
        let mut found = (kind.find)(&self.erp, target, rows)?;
        for row in rows {
            match self.write_row(kind, row, &mut found)? {
                Ok(()) => report.written += 1,
                Err(code) => report.failed.push(RowError { row: row.number, code: code.into() }),
            }
        }
        Ok(())
    }

    /// The inner result: why Tryton did not take the row.
    fn write_row(&self, kind: &Kind, row: &Row, found: &mut Vec<Found>) -> Result<Result<(), &'static str>, Error> {
        if let Some(code) = row.fault {
            return Ok(Err(code));
        }
        let mut matching = found.iter_mut().filter(|found| found.key == row.key);
        let (one, another) = (matching.next(), matching.next());
        if another.is_some() {
            return Ok(Err("ambiguous-key"));
        }
        let Some(one) = one else { return self.create(kind, row, found) };
        let changed: serde_json::Map<String, Value> = kind.fields.iter().filter_map(|field| row.change(field, &one.values)).collect();
        if changed.is_empty() {
            return Ok(Ok(()));
        }
        let response = self.erp.update(kind.model, one.id, &Value::Object(changed.clone()))?.send()?;
        // 400: a rule of Tryton says no; its text may hold values. 404: gone since it was found.
        if matches!(response.status(), 400 | 404) {
            return Ok(Err("refused"));
        }
        answered(response)?;
        one.values.extend(changed);
        Ok(Ok(()))
    }

    fn create(&self, kind: &Kind, row: &Row, found: &mut Vec<Found>) -> Result<Result<(), &'static str>, Error> {
        let response = self.erp.create(kind.model, &Value::Object(row.values.clone()))?.send()?;
        if response.status() == 400 {
            return Ok(Err("refused"));
        }
        let response = answered(response)?;
        // 204: created, but the user of the key may not see it. It will not be found by the next batch either.
        let id = response.pointer::<u64>("/id").ok().flatten().ok_or_else(|| {
            Error::config("a record was created that the user of the key may not read: give it the right to read what it writes")
        })?;
        found.push(Found { id, key: row.key.clone(), values: row.values.clone() });
        Ok(Ok(()))
    }
}

impl Kind {
    /// What a target wants to be written as.
    fn of(target: &Target) -> Result<&'static Self, Error> {
        let wrong = |text: String| Err(Error::Config(format!("the stream `{}`: {text}", target.name)));
        let Some(kind) = [&PARTIES, &CONTACTS].into_iter().find(|kind| kind.stream == target.name) else {
            return wrong("only parties and contact_mechanisms can be written".into());
        };
        if target.mode != Mode::Upsert {
            return wrong("Tryton has no way to add or replace all; use the mode upsert".into());
        }
        let names: Vec<_> = kind.fields.iter().map(|field| field.name).collect();
        if let Some(unknown) = target.fields.iter().find(|field| !names.contains(&field.name.as_str())) {
            return wrong(format!("there is no field `{}` to write; there are {}", unknown.name, names.join(", ")));
        }
        if let Some(odd) = target.primary_key.iter().find(|field| !names.contains(&field.as_str())) {
            return wrong(format!("`{odd}` cannot be part of the key; there are {}", names.join(", ")));
        }
        if !target.primary_key.iter().any(|field| kind.needs.contains(&field.as_str())) {
            return wrong(format!("the primary key needs {}: name it in the source's stream and let it pass", kind.needs.join(" or ")));
        }
        Ok(kind)
    }
}

/// As many rows as one search can look for; at least one.
fn chunk_length(rows: &[Row]) -> usize {
    let mut bytes = 0;
    let fitting = rows.iter().take(CHUNK_ROWS).take_while(|row| {
        bytes += row.key_bytes();
        bytes <= CHUNK_KEY_BYTES
    });
    fitting.count().max(1)
}

impl Row {
    /// The field and its new value, if it is another one than what is there.
    fn change(&self, field: &Field, there: &serde_json::Map<String, Value>) -> Option<(String, Value)> {
        let wanted = self.values.get(field.name)?;
        let is_same = same(field.text, wanted, there.get(field.name).unwrap_or(&Value::Null));
        (!is_same).then(|| (field.name.to_owned(), wanted.clone()))
    }
}
