//! A low-code manifest as a connector: what it offers, claims and lacks, told from its text and its labels without running anything.
//!
//! Grants nothing and sends nothing. The component that runs such a manifest is `lowcode.wasm`; what it is told stands in [`LowCode::start`].

mod bodies;
mod carried;
mod configuration;
mod describe;
mod grants;
pub mod import;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use hub_core::description::{Description, StreamClaim};
use hub_core::labels::{self, Labels, MAX_LABELS_BYTES};
use hub_core::manifest::{Manifest, System};
use hub_core::problem::{Code, Problem, Sources, Span};
use hub_core::stream::{Foreign, StreamShape};
use hub_lowcode::fault::{Fault, Kind, Mark};
use hub_lowcode::inspect::{self, Inspection};
use hub_lowcode::load;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use bodies::Way;
pub use carried::Carried;
pub use configuration::{Started, blank_literals, placeholder_config, put, real_config};
pub use describe::{Base, claims, hub_name, name_of};
pub use grants::{blocked, missing, open_host};

/// The greatest size of a low-code manifest in bytes.
pub const MAX_MANIFEST_BYTES: usize = 8 << 20;
/// The component that runs low-code manifests.
pub const COMPONENT: &str = "lowcode";

/// A manifest with its labels, read.
pub struct LowCode {
    /// Number of the manifest's text in the sources.
    pub file: u16,
    /// The manifest, resolved.
    pub manifest: load::Manifest,
    /// What can be said about it.
    pub inspection: Inspection,
    /// Streams with their labels.
    pub streams: Vec<StreamClaim>,
    /// What the streams' schemas said, by name.
    pub foreign: BTreeMap<String, Foreign>,
    /// The labels, confirmed or not.
    pub labels: Labels,
    /// How records get to the gate, by stream.
    pub ways: BTreeMap<String, Way>,
    /// The system's configuration with placeholders in the place of secrets.
    pub config: Value,
    /// Hex SHA-256 of manifest and labels.
    pub digest: String,
    /// What has no effect or needs a look, in words with its place.
    pub remarks: Vec<Remark>,
}

/// Something that hinders nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where, if that is known.
    pub span: Option<Span>,
    /// What.
    pub text: String,
}

/// The texts of a low-code connector and where they stand.
pub struct Texts {
    /// The manifest.
    pub manifest: String,
    /// Its number in the sources.
    pub file: u16,
    /// The labels and their number, if there are any.
    pub labels: Option<(String, u16)>,
}

impl Texts {
    /// Reads manifest and labels and adds them to the sources. `labels`: a path that must be there; none = `labels.toml` beside the manifest, if
    /// it is there.
    ///
    /// # Errors
    /// E007 or E011 if a file cannot be read.
    pub fn read(path: &Path, labels: Option<&Path>, sources: &mut Sources) -> Result<Self, Problem> {
        let manifest = text(path, MAX_MANIFEST_BYTES).map_err(|error| {
            let title = format!("the low-code manifest `{}` cannot be read: {error}", path.display());
            Problem::new(Code::E007, title, "correct the path; it is relative to the file that names it")
        })?;
        let beside = path.with_file_name("labels.toml");
        let file = sources.add(&path.display().to_string(), &manifest);
        let texts = Self { manifest, file, labels: None };
        match labels {
            None if matches!(beside.try_exists(), Ok(false)) => Ok(texts),
            place => texts.labelled(place.unwrap_or(&beside), sources),
        }
    }

    /// With the labels of a file in the place of what was there.
    ///
    /// # Errors
    /// E011 if it cannot be read.
    pub fn labelled(self, place: &Path, sources: &mut Sources) -> Result<Self, Problem> {
        let found = text(place, MAX_LABELS_BYTES).map_err(|error| {
            let title = format!("the labels `{}` cannot be read: {error}", place.display());
            Problem::new(Code::E011, title, "correct the path, or remove `labels`")
        })?;
        let file = sources.add(&place.display().to_string(), &found);
        Ok(Self { labels: Some((found, file)), ..self })
    }
}

/// For whom a manifest is read.
#[derive(Clone, Copy, Default)]
pub struct Reading<'a> {
    /// The manifest of hub that names it, for its words; none when somebody only looks.
    pub hub: Option<&'a Manifest>,
    /// The system that it serves.
    pub system: Option<&'a System>,
    /// A configuration without a system.
    pub config: Option<&'a Value>,
    /// Microseconds since 1970, for templates that ask.
    pub now_micros: i64,
}

/// Reads a low-code manifest. Everything that is wrong comes together, and what can be said is said nevertheless.
#[must_use]
pub fn read(texts: &Texts, reading: Reading<'_>) -> (Option<LowCode>, Vec<Problem>) {
    let mut problems = Vec::new();
    let (manifest, notes) = match load::Manifest::read(&texts.manifest) {
        Ok(read) => read,
        Err(faults) => return (None, faults.iter().map(|fault| unsupported(fault, texts)).collect()),
    };
    let declared =
        reading.system.map(|system| &system.config.value).or(reading.config).cloned().unwrap_or_else(|| Value::Object(Default::default()));
    let secrets = inspect::secret_paths(&manifest);
    let known = reading.system.is_some() || reading.config.is_some();
    let config = placeholder_config(&declared, &secrets, reading.system);
    let inspected = hub_lowcode::value::Value::from(&config);
    let inspection = inspect::inspect(&manifest, known.then_some(&inspected), reading.now_micros);
    problems.extend(inspection.faults.iter().map(|fault| unsupported(fault, texts)));
    if let Some(system) = reading.system {
        configuration::check(system, &config, &manifest, &secrets, &mut problems);
    }
    let mut remarks: Vec<Remark> = notes.iter().map(|note| Remark { span: span(note.mark, texts), text: note.message.clone() }).collect();
    remarks.extend(inspection.notes.iter().map(|note| Remark { span: span(note.mark, texts), text: placed(&note.path, &note.message) }));
    let (mut streams, foreign) = claims(&inspection, texts, &mut problems, &mut remarks);
    let labels = labelled(texts, reading.hub, &mut streams, &mut problems);
    if labels.unconfirmed() > 0 {
        let text = format!("{} labels wait to be confirmed and do not count", labels.unconfirmed());
        let span = texts.labels.as_ref().map(|(_, file)| Span { file: *file, start: 0, end: 0 });
        remarks.push(Remark { span, text });
    }
    let digest = digest(texts);
    let ways = bodies::ways(&manifest, &inspection.streams);
    let read = LowCode { file: texts.file, manifest, inspection, streams, foreign, labels, ways, config, digest, remarks };
    (Some(read), problems)
}

fn labelled(texts: &Texts, hub: Option<&Manifest>, streams: &mut [StreamClaim], problems: &mut Vec<Problem>) -> Labels {
    let Some((text, file)) = &texts.labels else { return Labels::default() };
    let category = |key: &str| hub.is_some_and(|hub| hub.categories.contains_key(key));
    let subject = |key: &str| hub.is_some_and(|hub| hub.subjects.contains_key(key));
    let (labels, faults) = labels::parse(text, *file, &category, &subject);
    problems.extend(faults);
    problems.extend(labels.apply(streams));
    labels
}

impl LowCode {
    /// What the connector claims: the component's interfaces, the manifest's streams and hosts.
    #[must_use]
    pub fn description(&self, path: &Path, base: &Description) -> Description {
        describe::description(self, path, base)
    }

    /// The manifest's own name of a stream.
    #[must_use]
    pub fn own_name<'a>(&'a self, stream: &'a str) -> &'a str {
        let facts = self.inspection.streams.iter().find(|facts| hub_name(&facts.name).as_deref() == Some(stream));
        facts.map_or(stream, |facts| facts.name.as_str())
    }

    /// Why the records of a stream must enter the sandbox; empty if they need not.
    #[must_use]
    pub fn reasons(&self, stream: &str) -> &[String] {
        self.ways.get(self.own_name(stream)).map_or(&[], |way| &way.reasons)
    }

    /// Why the records of a stream must enter the sandbox under the labels in force, although its manifest does not want to look into them.
    #[must_use]
    pub fn obstacles(&self, stream: &str, shape: &StreamShape) -> Vec<String> {
        self.ways.get(self.own_name(stream)).filter(|way| way.reasons.is_empty()).map_or_else(Vec::new, |way| way.obstacles(shape))
    }
}

/// E010 at the fault's place.
fn unsupported(fault: &Fault, texts: &Texts) -> Problem {
    let help = match &fault.kind {
        Kind::CustomClass(_) => "write this part with the language's own components, or write a connector: Python code is not run",
        Kind::Unsupported => "use a component that this hub knows, or a newer hub",
        Kind::Invalid => "correct the manifest at this place",
        Kind::Limit => "make the manifest smaller or flatter",
        Kind::Syntax => "correct the text at this place",
    };
    let problem = Problem::new(Code::E010, placed(&fault.path, &fault.message), help);
    match span(fault.mark, texts) {
        Some(span) => problem.at(span, "here"),
        None => problem.at(Span { file: texts.file, start: 0, end: 0 }, "in this manifest"),
    }
}

fn placed(path: &str, message: &str) -> String {
    let message = message.trim_end_matches('.');
    if path.is_empty() { message.to_owned() } else { format!("`{path}`: {message}") }
}

fn span(mark: Option<Mark>, texts: &Texts) -> Option<Span> {
    span_in(mark, &texts.manifest, texts.file)
}

/// From line and column to what stands there, up to the end of the line.
fn span_in(mark: Option<Mark>, text: &str, file: u16) -> Option<Span> {
    let mark = mark?;
    let mut at = 0;
    for line in text.split_inclusive('\n').take((mark.line as usize).checked_sub(1)?) {
        at += line.len();
    }
    let line = text.get(at..)?.lines().next().unwrap_or_default();
    let column: usize = line.chars().take((mark.column as usize).saturating_sub(1)).map(char::len_utf8).sum();
    let word: usize = line.get(column..)?.trim_end().len();
    let start = at + column;
    Some(Span { file, start: u32::try_from(start).ok()?, end: u32::try_from(start + word.clamp(1, 80).min(line.len().max(1))).ok()? })
}

/// Manifest and labels: other labels are another connector.
fn digest(texts: &Texts) -> String {
    let mut digest = Sha256::new();
    let labels = texts.labels.as_ref().map_or("", |(text, _)| text.as_str());
    for part in [texts.manifest.as_bytes(), labels.as_bytes()] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    data_encoding::HEXLOWER.encode(&digest.finalize())
}

/// The labels' path as the system names it, relative to the file that does.
#[must_use]
pub fn labels_path(sources: &Sources, system: &System) -> Option<PathBuf> {
    system.labels.as_ref().map(|labels| crate::place::beside(sources, labels.span, &labels.value))
}

/// A file as text, at most so many bytes.
fn text(path: &Path, limit: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is over {} MiB", limit >> 20)));
    }
    String::from_utf8(bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("byte {} is not UTF-8", error.utf8_error().valid_up_to())))
}
