//! A low-code connector as one file: the component that runs manifests, and behind it one more section with manifest, labels and name.
//!
//! What it claims is told from these texts each time; nothing in the file can say otherwise. Without the section the bytes are those of the component
//! that runs every such connector, so that its code is compiled once for all of them.

use std::path::Path;

use hub_core::description::{self, Description};
use hub_core::plugin::is_version;
use hub_core::problem::{Code, Problem, Sources};
use hub_sdk_package::component;
use serde::{Deserialize, Serialize};

use super::{LowCode, MAX_MANIFEST_BYTES, Reading, Texts};

const SECTION: &str = "hub:lowcode";
/// The section is JSON: text takes a little more room there.
const MAX_SECTION_BYTES: usize = 2 * MAX_MANIFEST_BYTES;
const MAX_SUMMARY_BYTES: usize = 500;

/// What a component carries beside the code that runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// Name of the connector.
    pub name: String,
    /// MAJOR.MINOR.PATCH.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// The manifest, in Airbyte's language.
    pub manifest: String,
    /// Data categories of its fields; none = everything is unlabelled.
    pub labels: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    name: String,
    version: String,
    summary: String,
    engine: String,
}

impl Carried {
    /// One file of both.
    #[must_use]
    pub fn onto(&self, engine: &[u8]) -> Vec<u8> {
        let mut whole = engine.to_vec();
        component::append(&mut whole, SECTION, serde_json::json!(self).to_string().as_bytes());
        whole
    }

    /// The component that runs it and what it carries; none if it carries nothing.
    ///
    /// # Errors
    /// E303 if what it carries cannot be read.
    pub fn read(whole: &[u8]) -> Result<Option<(&[u8], Self)>, Problem> {
        let Some((engine, data)) = component::closing(whole, SECTION) else { return Ok(None) };
        let unusable = |why: String| {
            let title = format!("the low-code manifest inside of the component cannot be used: {why}");
            Problem::new(Code::E303, title, "build it again with `hub build`")
        };
        if data.len() > MAX_SECTION_BYTES {
            return Err(unusable(format!("it has {} bytes, at most {MAX_SECTION_BYTES} are read", data.len())));
        }
        let carried: Self =
            serde_json::from_slice(data).map_err(|error| unusable(format!("{:?} at column {}", error.classify(), error.column())))?;
        carried.check().map_err(unusable)?;
        Ok(Some((engine, carried)))
    }

    /// # Errors
    /// What is wrong with its name, version or size, in words.
    pub fn check(&self) -> Result<(), String> {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !self.name.starts_with(|first: char| first.is_ascii_lowercase()) || self.name.len() > 64 || !self.name.bytes().all(letters) {
            return Err("its name must be lower-case letters, digits and `-`, at most 64, a letter first".to_owned());
        }
        if !is_version(&self.version) {
            return Err("its version must be MAJOR.MINOR.PATCH".to_owned());
        }
        if self.summary.trim().is_empty() || self.summary.len() > MAX_SUMMARY_BYTES || self.summary.contains(char::is_control) {
            return Err(format!("its summary must be one line of at most {MAX_SUMMARY_BYTES} bytes"));
        }
        Ok(())
    }

    /// The texts, to be read; they become sources of their own.
    #[must_use]
    pub fn texts(&self, sources: &mut Sources) -> Texts {
        let file = sources.add(&self.source("manifest.yaml"), &self.manifest);
        let labels = self.labels.as_ref().map(|text| (text.clone(), sources.add(&self.source("labels.toml"), text)));
        Texts { manifest: self.manifest.clone(), file, labels }
    }

    /// Name of a text of it among the sources.
    fn source(&self, what: &str) -> String {
        format!("{}:{}/{what}", self.name, self.version)
    }

    /// What is kept of it beside its texts, to make its description again on a later day. `engine`: what the component says about itself.
    #[must_use]
    pub fn claim(&self, engine: &str) -> String {
        let Self { name, version, summary, .. } = self;
        serde_json::json!({ "name": name, "version": version, "summary": summary, "engine": engine }).to_string()
    }

    /// Itself and the component's description from [`Self::claim`] and the kept texts, which `text` knows by their names; none if it is no such claim.
    #[must_use]
    pub fn of_claim(claim: &str, text: &dyn Fn(&str) -> Option<String>) -> Option<(Self, Description)> {
        let claim: Claim = serde_json::from_str(claim).ok()?;
        let Claim { name, version, summary, engine } = claim;
        let mut carried = Self { name, version, summary, manifest: String::new(), labels: None };
        carried.manifest = text(&carried.source("manifest.yaml"))?;
        carried.labels = text(&carried.source("labels.toml"));
        Some((carried, description::parse(engine.as_bytes()).ok()?))
    }

    /// What can be said of it without a system.
    ///
    /// # Errors
    /// The first of what is wrong with the texts: E010 or E011.
    pub fn understood(&self) -> Result<LowCode, Problem> {
        let mut sources = Sources::default();
        let (read, problems) = super::read(&self.texts(&mut sources), Reading::default());
        match (read, problems.into_iter().next()) {
            (Some(read), None) => Ok(read),
            (_, Some(problem)) => Err(Problem { labels: Vec::new(), ..problem }),
            (None, None) => Err(Problem::new(Code::E303, "the low-code manifest inside of the component says nothing", "build it again")),
        }
    }

    /// What it claims: the component's interfaces, the manifest's streams and hosts, under its own name.
    #[must_use]
    pub fn description(&self, read: &LowCode, engine: &Description) -> Description {
        let (name, version, summary) = (self.name.clone(), self.version.clone(), self.summary.clone());
        Description { name, version, summary, ..read.description(Path::new("manifest.yaml"), engine) }
    }
}
