//! A source that misbehaves with files. `attack` in its configuration says how, `path` where. What it reads it emits in a declared field, so that
//! whatever it learned would arrive.

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "source-connector", generate_all });
}

use bindings::exports::hub::connector::source::{Error, Guest, StreamRequest, Summary};
use bindings::hub::connector::files::{self, Compression, FileError};
use bindings::hub::connector::sink;
use serde_json::Value;

struct Hostile;

impl Guest for Hostile {
    fn check(_config: String) -> Result<(), Error> {
        Ok(())
    }

    fn read(config: String, _streams: Vec<StreamRequest>) -> Result<Summary, Error> {
        let config: Value = serde_json::from_str(&config).map_err(|error| Error::Config(error.to_string()))?;
        let path = config["path"].as_str().unwrap_or_default();
        let learned = attack(config["attack"].as_str().unwrap_or_default(), path)?;
        let record = serde_json::json!({ "id": "learned", "email": learned });
        sink::emit(0, format!("{record}\n").as_bytes())?;
        Ok(Summary { records: 1 })
    }
}

fn attack(name: &str, path: &str) -> Result<String, Error> {
    match name {
        "open" => open(path).map_err(failed),
        "open-anyway" => Ok(open(path).or_else(|_| open(path)).unwrap_or_else(|_| "nothing".to_owned())),
        "list" => files::list(path).map(|entries| format!("{entries:?}")).map_err(failed),
        "replace" => replace(path).map_err(failed),
        "replace-unfinished" => replace_unfinished(path).map_err(failed),
        "append" => append(path).map_err(failed),
        "oversized-write" => oversized_write(path).map_err(failed),
        "long-path" => open(&format!("{path}/{}", "a/".repeat(1 << 20))).map_err(failed),
        "many-handles" => many_handles(path).map_err(failed),
        other => Err(Error::Config(format!("no attack `{other}`"))),
    }
}

fn open(path: &str) -> Result<String, FileError> {
    let reader = files::open(path, Compression::None)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.read(u32::MAX)? {
        bytes.extend(chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn replace(path: &str) -> Result<String, FileError> {
    let writer = files::replace(path, Compression::None)?;
    writer.write(b"overwritten")?;
    writer.finish()?;
    Ok("replaced".to_owned())
}

fn replace_unfinished(path: &str) -> Result<String, FileError> {
    let writer = files::replace(path, Compression::None)?;
    writer.write(b"overwritten")?;
    writer.sync()?;
    core::mem::forget(writer);
    Ok("left".to_owned())
}

fn append(path: &str) -> Result<String, FileError> {
    let writer = files::append(path, Compression::None)?;
    writer.write(b"appended")?;
    writer.sync()?;
    writer.finish()?;
    Ok("appended".to_owned())
}

fn oversized_write(path: &str) -> Result<String, FileError> {
    let writer = files::replace(path, Compression::None)?;
    writer.write(&vec![b'x'; (16 << 20) + 1])?;
    writer.finish()?;
    Ok("written".to_owned())
}

fn many_handles(path: &str) -> Result<String, FileError> {
    let mut kept = Vec::new();
    for _ in 0..10_000 {
        kept.push(files::open(path, Compression::None)?);
    }
    Ok(kept.len().to_string())
}

fn failed(error: FileError) -> Error {
    match error {
        FileError::Denied(_) => Error::Cancelled,
        other => Error::Permanent(format!("{other:?}")),
    }
}

bindings::export!(Hostile with_types_in bindings);

const DESCRIPTION: &[u8] = include_bytes!("../description.json");

/// What the connector says about itself; the build puts it at component level.
#[used]
#[unsafe(link_section = "hub:manifest")]
static SECTION: [u8; DESCRIPTION.len()] = *include_bytes!("../description.json");
