//! `connector.toml` and the schemas that it names, as the JSON that the component carries. Finds mistakes that are visible without running it.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::schema;

/// ABI generation that this SDK speaks.
const ABI: &str = "0.1";
/// The host reads no more than this.
const MAX_BYTES: usize = 256 << 10;
const INTERFACES: [&str; 7] = ["http", "sink", "pages", "files", "runtime", "sql", "tables"];
const MODES: [&str; 3] = ["append", "replace", "upsert"];

/// What a connector exports.
#[derive(Clone, Copy)]
pub struct World {
    /// It reads.
    pub source: bool,
    /// It writes.
    pub destination: bool,
}

/// The finished description.
pub struct Description {
    /// What goes into the section.
    pub json: String,
    /// The files that it was made of.
    pub files: Vec<PathBuf>,
    /// The schema of the configuration.
    pub config_path: PathBuf,
}

/// `connector.toml` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    summary: String,
    config: String,
    imports: Vec<String>,
    /// Present and empty: it connects, but does not know where before it is configured.
    hosts: Option<Vec<String>>,
    #[serde(default)]
    read_body: bool,
    #[serde(default)]
    any_stream: bool,
    #[serde(default, rename = "stream")]
    streams: Vec<Stream>,
    destination: Option<Destination>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stream {
    name: String,
    summary: String,
    schema: String,
    primary_key: Vec<String>,
    cursor: Option<String>,
    #[serde(default)]
    subjects: Vec<String>,
    #[serde(default)]
    deletes: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Destination {
    modes: Vec<String>,
    accepts: Vec<String>,
    streams: Option<Vec<String>>,
    #[serde(default)]
    deletes: bool,
}

impl Description {
    /// Reads everything below the connector's folder. `world`: what its code exports; none = what `connector.toml` says. `bless`: a schema of the
    /// configuration that is not there yet is begun with one that allows nothing.
    ///
    /// # Errors
    /// The file and what to do.
    pub fn read(folder: &Path, package: &str, version: &str, world: Option<World>, bless: bool) -> Result<Self, String> {
        let path = folder.join("connector.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("connector.toml beside Cargo.toml: {error}"))?;
        let written: Written = toml::from_str(&text).map_err(|error| format!("connector.toml: {error}"))?;
        let world = world.unwrap_or_else(|| written.world());
        written.check(package, world)?;
        let config_path = folder.join(&written.config);
        let mut files = vec![path, config_path.clone()];
        let config = read_json(folder, &written.config)
            .or_else(|error| if config_path.exists() { Err(error) } else { begun(&config_path, error, bless) })?;
        let source = world.source.then(|| written.source(folder, &mut files)).transpose()?;
        let destination = written
            .destination
            .as_ref()
            .map(|claim| json!({ "modes": claim.modes, "accepts": claim.accepts, "streams": claim.streams, "deletes": claim.deletes }));
        let value = json!({
            "hub": ABI, "name": written.name, "version": version, "summary": written.summary, "config": config, "imports": written.imports,
            "hosts": written.hosts.as_deref().unwrap_or_default(), "read_body": written.read_body, "source": source, "destination": destination,
        });
        let json = value.to_string();
        if json.len() > MAX_BYTES {
            return Err(format!("the description has {} bytes, the host reads at most {MAX_BYTES}: shorten the schemas", json.len()));
        }
        Ok(Self { json, files, config_path })
    }
}

/// The very first build has no schema of the configuration yet: start with one that allows nothing.
fn begun(path: &Path, error: String, bless: bool) -> Result<Value, String> {
    if !bless {
        return Err(format!("{error}; `HUB_BLESS=1 cargo test` writes it"));
    }
    let empty = json!({ "type": "object", "additionalProperties": false });
    std::fs::write(path, format!("{empty}\n")).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(empty)
}

impl Written {
    fn world(&self) -> World {
        World { source: !self.streams.is_empty() || self.any_stream, destination: self.destination.is_some() }
    }

    fn check(&self, package: &str, world: World) -> Result<(), String> {
        if self.name != package {
            return Err(format!(
                "connector.toml: `name` is `{}`, the package in Cargo.toml is `{package}`: they must be the same",
                self.name
            ));
        }
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.name.len() > 64 || !self.name.starts_with(|first: char| first.is_ascii_lowercase()) || !self.name.bytes().all(letters) {
            return Err(format!("connector.toml: `name` `{}` must be lower-case letters, digits and `-`, at most 64", self.name));
        }
        one_of("imports", &self.imports, &INTERFACES)?;
        if self.imports.iter().any(|import| import == "http") != self.hosts.is_some() {
            return Err(
                "connector.toml: `hosts` and the import `http` belong together: name where the connector connects to (`[]` if only its configuration tells), or neither".into()
            );
        }
        if world.source && self.streams.is_empty() && !self.any_stream {
            return Err("connector.toml: a source names its `[[stream]]`s, or says `any_stream = true`".into());
        }
        if !world.source && (!self.streams.is_empty() || self.any_stream) {
            return Err("connector.toml: `[[stream]]` and `any_stream` are a source's, but `connector!` names no source".into());
        }
        match &self.destination {
            Some(claim) if world.destination => one_of("destination.modes", &claim.modes, &MODES),
            None if !world.destination => Ok(()),
            Some(_) => Err("connector.toml: `[destination]` is there, but `connector!` names no destination".into()),
            None => Err("connector.toml: `[destination]` is missing: say which modes and data categories it takes".into()),
        }
    }

    fn source(&self, folder: &Path, files: &mut Vec<PathBuf>) -> Result<Value, String> {
        let mut streams = Vec::new();
        for stream in &self.streams {
            let schema = read_json(folder, &stream.schema)?;
            files.push(folder.join(&stream.schema));
            schema::check(&stream.schema, &schema)?;
            for path in stream.primary_key.iter().chain(&stream.cursor) {
                schema::find(&schema, path)
                    .ok_or_else(|| format!("connector.toml: stream `{}`: `{path}` is not in {}", stream.name, stream.schema))?;
            }
            if stream.deletes && stream.primary_key.is_empty() {
                return Err(format!(
                    "connector.toml: stream `{}`: `deletes` needs a `primary_key`: deleted records are named by it",
                    stream.name
                ));
            }
            streams.push(json!({
                "name": stream.name, "summary": stream.summary, "schema": schema,
                "primary_key": stream.primary_key, "cursor": stream.cursor, "subjects": stream.subjects, "deletes": stream.deletes,
            }));
        }
        Ok(json!({ "streams": streams, "any_stream": self.any_stream }))
    }
}

fn one_of(what: &str, given: &[String], known: &[&str]) -> Result<(), String> {
    match given.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("connector.toml: `{what}` has `{name}`; known are {}", known.join(", "))),
        None => Ok(()),
    }
}

fn read_json(folder: &Path, name: &str) -> Result<Value, String> {
    let text = std::fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))
}
