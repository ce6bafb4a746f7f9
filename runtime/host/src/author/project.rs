//! A connector's folder: what it is called, what it is written in, and where its parts lie. Builds nothing.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use hub_core::problem::{Code, Problem};
use serde::Deserialize;
use serde_json::Value;

use crate::config::environment;

/// The greatest file of a folder that is read whole.
const MAX_FILE_BYTES: u64 = 8 << 20;
/// Where a connector says what it is.
pub const CLAIM: &str = "connector.toml";
/// What it is tried with.
pub const TRIAL: &str = "test.toml";
/// Where its recordings lie.
pub const RECORDINGS: &str = "recordings";

/// What a connector is written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Language {
    /// A manifest in Airbyte's low-code language, and labels for its fields.
    Yaml {
        /// Relative to the folder.
        manifest: PathBuf,
        /// Relative to the folder.
        labels: Option<PathBuf>,
        /// One sentence.
        summary: String,
    },
    /// A crate with hub's SDK.
    Rust {
        /// The core module that cargo writes, below its target folder.
        module: String,
        /// Cargo's target folder.
        target: PathBuf,
    },
    /// A package with hub's SDK for JavaScript.
    JavaScript,
}

/// A connector's folder.
#[derive(Clone, Debug)]
pub struct Project {
    /// Where it is.
    pub folder: PathBuf,
    /// Name of the connector.
    pub name: String,
    /// MAJOR.MINOR.PATCH.
    pub version: String,
    /// SPDX expression.
    pub licence: Option<String>,
    /// What it is written in.
    pub language: Language,
}

/// `connector.toml` of a low-code connector; that of the others is read by the SDK.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LowCodeClaim {
    name: String,
    version: String,
    summary: String,
    licence: Option<String>,
    manifest: PathBuf,
    labels: Option<PathBuf>,
}

impl Project {
    /// Looks at a folder.
    ///
    /// # Errors
    /// E007 if it holds no connector.
    pub fn open(folder: &Path) -> Result<Self, Problem> {
        if folder.join("Cargo.toml").is_file() {
            return Self::of_cargo(folder);
        }
        if folder.join("package.json").is_file() {
            return Self::of_npm(folder);
        }
        let text = text(&folder.join(CLAIM))?;
        let claim: LowCodeClaim = toml::from_str(&text).map_err(|error| {
            let help =
                "a low-code connector has name, version, summary, manifest; one in Rust has a Cargo.toml, one in JavaScript a package.json";
            unusable(folder, &format!("{CLAIM}: {}", error.message()), help)
        })?;
        let LowCodeClaim { name, version, summary, licence, manifest, labels } = claim;
        Ok(Self { folder: folder.to_owned(), name, version, licence, language: Language::Yaml { manifest, labels, summary } })
    }

    fn of_cargo(folder: &Path) -> Result<Self, Problem> {
        let cargo = environment("CARGO").unwrap_or_else(|| "cargo".to_owned());
        let mut command = Command::new(cargo);
        let manifest = std::path::absolute(folder.join("Cargo.toml")).unwrap_or_else(|_| folder.join("Cargo.toml"));
        command.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(&manifest);
        let output = command
            .output()
            .map_err(|error| unusable(folder, &format!("cargo cannot be started: {error}"), "install Rust: https://rustup.rs"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(unusable(folder, &said, "correct its Cargo.toml"));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let same = |package: &&Value| package["manifest_path"].as_str().is_some_and(|path| same_file(Path::new(path), &manifest));
        let package = metadata["packages"].as_array().into_iter().flatten().find(same);
        let package = package.ok_or_else(|| unusable(folder, "its Cargo.toml is no package", "name the connector's own folder"))?;
        let is_component =
            |target: &&Value| target["crate_types"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"));
        let library = package["targets"].as_array().into_iter().flatten().find(is_component).and_then(|target| target["name"].as_str());
        let library = library
            .ok_or_else(|| unusable(folder, "its crate makes no component", "`[lib] crate-type = [\"cdylib\"]` in its Cargo.toml"))?;
        let own = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        let target = PathBuf::from(metadata["target_directory"].as_str().unwrap_or("target"));
        let language = Language::Rust { module: format!("{}.wasm", library.replace('-', "_")), target };
        Ok(Self {
            folder: folder.to_owned(),
            name: own("name"),
            version: own("version"),
            licence: package["license"].as_str().map(str::to_owned),
            language,
        })
    }

    fn of_npm(folder: &Path) -> Result<Self, Problem> {
        let package: Value = serde_json::from_str(&text(&folder.join("package.json"))?)
            .map_err(|error| unusable(folder, &format!("package.json: {error}"), "correct it"))?;
        let claim: toml::Table = toml::from_str(&text(&folder.join(CLAIM))?)
            .map_err(|error| unusable(folder, &format!("{CLAIM}: {}", error.message()), "correct it"))?;
        let name = claim.get("name").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        let version = package["version"].as_str().unwrap_or_default().to_owned();
        let licence = package["license"].as_str().map(str::to_owned);
        Ok(Self { folder: folder.to_owned(), name, version, licence, language: Language::JavaScript })
    }

    /// Where its component is put by default.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.folder.join("target").join(format!("{}.wasm", self.name))
    }

    /// Where the report of its checks is put.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.folder.join("target").join("conformance.json")
    }

    /// Everything that the component is made of and tried with: the files to watch.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        gather(&self.folder, 0, &mut found);
        found.sort();
        found
    }
}

/// Folders that are made, not written.
const MADE: [&str; 4] = ["target", "node_modules", "hub-data", "out"];

fn gather(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_file() {
            found.push(path);
        } else if kind.is_dir() && depth < 8 && !name.starts_with('.') && !MADE.contains(&&*name) {
            gather(&path, depth + 1, found);
        }
    }
}

fn same_file(left: &Path, right: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(left) == real(right)
}

/// A file of the folder, bounded.
pub(super) fn text(path: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text));
    match read {
        Ok(_) if text.len() as u64 > MAX_FILE_BYTES => {
            Err(Problem::new(Code::E007, format!("`{}` is over {} MiB", path.display(), MAX_FILE_BYTES >> 20), "make it smaller"))
        }
        Ok(_) => Ok(text),
        Err(error) => {
            let help = "name a connector's folder, or make one: `hub new connector NAME --lang yaml`";
            Err(Problem::new(Code::E007, format!("`{}` cannot be read: {error}", path.display()), help))
        }
    }
}

pub(super) fn unusable(folder: &Path, why: &str, help: &str) -> Problem {
    Problem::new(Code::E007, format!("`{}` is no connector that can be built: {why}", folder.display()), help)
}
