//! A destination with keys, for tests of what only such a one can show: rows by primary key in `FOLDER/STREAM.ndjson`, written anew at each flush. What
//! stood there before is read through the folder grant `from`, if the configuration names one.
//! It keeps the order of what it is told in `FOLDER/STREAM.log`: `+` and `-` with a key, one a line.

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "destination-connector", generate_all });
}

use std::cell::RefCell;
use std::collections::BTreeMap;

use bindings::exports::hub::connector::destination::{Error, Guest, Report, RowError, Target};
use bindings::hub::connector::files::{self, Compression, FileError};
use serde_json::Value;

struct Component;

#[derive(Default)]
struct Table {
    path: String,
    key: Vec<String>,
    rows: BTreeMap<String, String>,
    log: String,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

fn failed(error: FileError) -> Error {
    Error::Permanent(format!("{error:?}"))
}

impl Table {
    /// The key's values as one text. None: a part of it is missing.
    fn key_of(&self, row: &Value) -> Option<String> {
        let part = |path: &String| path.split('.').try_fold(row, |value, name| value.get(name)).map(Value::to_string);
        self.key.iter().map(part).collect::<Option<Vec<_>>>().map(|parts| parts.join(" "))
    }

    fn read(&mut self, path: &str) -> Result<(), Error> {
        let text = match content(path) {
            Err(FileError::NotFound(_)) => String::new(),
            other => other.map_err(failed)?,
        };
        for line in text.lines() {
            let row = serde_json::from_str(line).unwrap_or_default();
            // What stood there before anybody had keys stays under its own text.
            let key = self.key_of(&row).unwrap_or_else(|| line.to_owned());
            self.rows.insert(key, line.to_owned());
        }
        Ok(())
    }

    fn change(&mut self, batch: &[u8], mut apply: impl FnMut(&mut Self, String, &str)) -> Result<Report, Error> {
        let text = std::str::from_utf8(batch).map_err(|error| Error::Permanent(error.to_string()))?;
        let mut report = Report { written: 0, failed: Vec::new() };
        for (row, line) in (0..).zip(text.lines()) {
            match serde_json::from_str(line).ok().and_then(|value: Value| self.key_of(&value)) {
                Some(key) => {
                    apply(self, key, line);
                    report.written += 1;
                }
                None => report.failed.push(RowError { row, code: "no-key".to_owned() }),
            }
        }
        Ok(report)
    }

    fn save(&self) -> Result<(), Error> {
        let rows: String = self.rows.values().map(|row| format!("{row}\n")).collect();
        for (path, text) in [(&self.path, &rows), (&self.path.replace(".ndjson", ".log"), &self.log)] {
            let writer = files::replace(path, Compression::None).map_err(failed)?;
            writer.write(text.as_bytes()).and_then(|()| writer.finish()).map_err(failed)?;
        }
        Ok(())
    }
}

fn content(path: &str) -> Result<String, FileError> {
    let reader = files::open(path, Compression::None)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.read(u32::MAX)? {
        bytes.extend(chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Guest for Component {
    fn check(_config: String) -> Result<(), Error> {
        Ok(())
    }

    fn open(config: String, targets: Vec<Target>) -> Result<(), Error> {
        let config: Value = serde_json::from_str(&config).map_err(|error| Error::Config(error.to_string()))?;
        let target = targets.into_iter().next().ok_or_else(|| Error::Config("no stream".to_owned()))?;
        let path = |folder: &str| format!("{folder}/{}.ndjson", target.name);
        let mut table = Table { path: path(config["folder"].as_str().unwrap_or_default()), ..Table::default() };
        table.key = target.primary_key.clone();
        if let Some(folder) = config["from"].as_str() {
            table.read(&path(folder))?;
        }
        TABLE.set(table);
        Ok(())
    }

    fn write(_target: u32, _idempotency_key: String, batch: Vec<u8>) -> Result<Report, Error> {
        TABLE.with_borrow_mut(|table| {
            table.change(&batch, |table, key, line| {
                table.log.push_str(&format!("+{key}\n"));
                table.rows.insert(key, line.to_owned());
            })
        })
    }

    fn delete(_target: u32, _idempotency_key: String, keys: Vec<u8>) -> Result<Report, Error> {
        TABLE.with_borrow_mut(|table| {
            table.change(&keys, |table, key, _| {
                table.log.push_str(&format!("-{key}\n"));
                table.rows.remove(&key);
            })
        })
    }

    fn flush(_target: u32) -> Result<(), Error> {
        TABLE.with_borrow(Table::save)
    }

    fn finish(_target: u32) -> Result<(), Error> {
        TABLE.with_borrow(Table::save)
    }
}

bindings::export!(Component with_types_in bindings);

const DESCRIPTION: &[u8] = include_bytes!("../description.json");

/// What the connector says about itself; the build puts it at component level.
#[used]
#[unsafe(link_section = "hub:manifest")]
static SECTION: [u8; DESCRIPTION.len()] = *include_bytes!("../description.json");
