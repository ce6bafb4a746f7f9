//! A recording of an API: what was asked, what was answered, and what a connector made of it. One JSON file that people can read and edit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hub_core::problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::build::unwritable;
use super::project::{RECORDINGS, text};

/// A recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// What it is of, for people.
    pub about: String,
    /// The moment at which it plays, in milliseconds since 1970: the connector's clock stands still there.
    pub at_ms: u64,
    /// About so many records of each stream were asked for: a connector may ask for smaller pages then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// In the order in which they were asked.
    pub interactions: Vec<Interaction>,
    /// What a connector makes of them, by stream.
    #[serde(default)]
    pub streams: BTreeMap<String, Expected>,
}

/// One request and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interaction {
    /// What was asked.
    pub request: Asked,
    /// What was answered.
    pub response: Answered,
}

/// A request; headers are left out, since logins stand there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// `GET`.
    pub method: String,
    /// Absolute.
    pub url: String,
    /// Its body, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// Status code.
    pub status: u16,
    /// Names in lower case and values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(default)]
    pub body: Body,
}

/// A body as people can read it best.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// A JSON document.
    Json(Value),
    /// Other text.
    Text(String),
    /// Anything else, in base64.
    Base64(String),
}

/// What a connector makes of a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Records of a run that begins anew, in order.
    pub records: Vec<Value>,
    /// Its last state; none if it told none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Value>,
    /// Records of a run that goes on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Vec<Value>>,
}

impl Body {
    /// From bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_slice(bytes) {
            return Self::Json(value);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(data_encoding::BASE64.encode(bytes)),
        }
    }

    /// To bytes; none if its base64 is broken.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Empty => Some(Vec::new()),
            Self::Json(value) => Some(value.to_string().into_bytes()),
            Self::Text(text) => Some(text.clone().into_bytes()),
            Self::Base64(text) => data_encoding::BASE64.decode(text.as_bytes()).ok(),
        }
    }
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    /// E007 if it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let read: Self = serde_json::from_str(&text(path)?).map_err(|error| {
            let title = format!("the recording `{}` cannot be read: line {}: {:?} error", path.display(), error.line(), error.classify());
            Problem::new(Code::E007, title, "correct it, or record it again: `hub test --record URL`")
        })?;
        if let Some(broken) = read.interactions.iter().position(|one| one.response.body.bytes().is_none()) {
            let title = format!("the recording `{}`: the body of answer {} is no base64", path.display(), broken + 1);
            return Err(Problem::new(Code::E007, title, "correct it, or record it again: `hub test --record URL`"));
        }
        Ok(read)
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// E009.
    pub fn write(&self, path: &Path) -> Result<(), Problem> {
        let text = format!("{:#}\n", serde_json::json!(self));
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        let beside = path.with_extension("json.new");
        let written =
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&beside, text)).and_then(|()| std::fs::rename(&beside, path));
        written.map_err(|error| unwritable(path, &error))
    }
}

/// The recordings of a folder, by name.
///
/// # Errors
/// E007 for one that cannot be read.
pub fn all(folder: &Path) -> Result<Vec<(String, PathBuf, Recording)>, Problem> {
    let entries = std::fs::read_dir(folder.join(RECORDINGS)).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    let named = |path: PathBuf| {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Recording::read(&path).map(|read| (name, path, read))
    };
    paths.into_iter().map(named).collect()
}
