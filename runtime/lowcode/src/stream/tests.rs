//! Catalogues against the recorded ones.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests read recorded cases and say so if there are none"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::host::{FetchError, Host, Level, Pending, Request};
use crate::load::Manifest;
use crate::stream::Connector;
use crate::value::Value;
use sha2::{Digest, Sha256};

/// A host that nobody is to ask anything.
struct Nobody(i64);

struct Refused;

impl Pending for Refused {
    fn wait(self: Box<Self>) -> Result<Box<dyn crate::host::Response>, FetchError> {
        Err(FetchError::Ended)
    }
}

impl Host for Nobody {
    fn now_micros(&self) -> i64 {
        self.0
    }

    fn sleep(&self, _: f64) -> Result<(), FetchError> {
        Err(FetchError::Ended)
    }

    fn start(&self, _: &Request) -> Box<dyn Pending> {
        Box::new(Refused)
    }

    fn emit(&self, _: u32, _: &Value) -> Result<(), FetchError> {
        Err(FetchError::Ended)
    }

    fn checkpoint(&self, _: u32, _: &Value) -> Result<(), FetchError> {
        Err(FetchError::Ended)
    }

    fn log(&self, _: Level, _: &str) {}

    fn cancelled(&self) -> bool {
        false
    }
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/lowcode/dev"));
    let Ok(entries) = std::fs::read_dir(folder) else {
        println!("skipped: there are no recorded cases");
        return Vec::new();
    };
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.join("golden.json").is_file()).collect();
    cases.sort();
    cases
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn canonical_hash(value: &Value) -> String {
    let mut text = Vec::new();
    value.write_json(&mut text);
    let mut sorted: serde_json::Value = serde_json::from_slice(&text).unwrap();
    sorted.sort_all_objects();
    Sha256::digest(serde_json::to_vec(&sorted).unwrap()).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn catalogues_are_as_recorded() {
    for case in cases() {
        let manifest = std::fs::read_to_string(case.join("manifest.yaml")).unwrap();
        let (manifest, _) = Manifest::read(&manifest).unwrap();
        let config = Value::from_json(&std::fs::read(case.join("config.json")).unwrap()).unwrap();
        let source = Connector::read_manifest(manifest.root()).unwrap();
        let connector = Connector::new(source, &config, 0).unwrap();
        let entries = connector.discover(&Nobody(0)).unwrap();
        let golden = json(&case.join("golden.json"));
        let golden = golden["discover"].as_array().unwrap();
        assert_eq!(entries.len(), golden.len(), "{}", case.display());
        for (entry, golden) in entries.iter().zip(golden) {
            let at = format!("{} {}", case.display(), entry.name);
            assert_eq!(Some(entry.name.as_str()), golden["name"].as_str(), "{at}");
            let modes = golden["supported_sync_modes"].as_array().unwrap();
            assert_eq!(entry.incremental, modes.iter().any(|mode| mode == "incremental"), "{at}");
            assert_eq!(entry.source_defined_cursor, golden["source_defined_cursor"].as_bool(), "{at}");
            let field = golden["default_cursor_field"][0].as_str().map(str::to_owned);
            assert_eq!(entry.default_cursor_field, field, "{at}");
            let keys: Vec<String> = golden["source_defined_primary_key"]
                .as_array()
                .map(|keys| keys.iter().map(|key| key[0].as_str().unwrap().to_owned()).collect())
                .unwrap_or_default();
            assert_eq!(entry.primary_key, keys, "{at}");
            assert_eq!(Some(canonical_hash(&entry.json_schema).as_str()), golden["json_schema_sha256"].as_str(), "{at}");
        }
    }
}
