//! What records hold and nothing declares, and the other way round: fields that a flow names and its source no longer describes. With what to write
//! into the manifest for it. Sees names and counts, never a value, and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{json::suggestion, question, write};
use crate::gate::{OTHER_PATHS, UNUSUAL_NAME};
use crate::labels::{Proposal, Proposals, comment, key, propose, quoted};
use crate::manifest::{Action, Flow, Manifest, StreamDeclaration};
use crate::policy::{Catalogue, claim, known_shape};
use crate::problem::Span;
use crate::record::{FieldPath, StreamId};
use crate::stream::{Foreign, StreamShape};

/// How the source of a flow differs from what is declared.
#[derive(Clone, Debug)]
pub struct Drift {
    /// The flow.
    pub flow: String,
    /// Its source.
    pub stream: StreamId,
    /// Fields of records that nothing declares, by path.
    pub undeclared: Vec<Undeclared>,
    /// How often a field was met whose name is not told.
    pub untold: u64,
    /// Fields that the flow, or a label of the stream, names and the stream does not have.
    pub gone: Vec<FieldPath>,
}

/// A field that nothing declares.
#[derive(Clone, Debug)]
pub struct Undeclared {
    /// Where it stands.
    pub path: FieldPath,
    /// How often it was met.
    pub count: u64,
    /// What it may be, going by its name.
    pub proposal: Option<Proposal>,
}

impl Drift {
    /// True if the source is what the manifest says.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.undeclared.is_empty() && self.untold == 0 && self.gone.is_empty()
    }

    /// The document, without the patch.
    #[must_use]
    pub fn json(&self) -> Value {
        let undeclared = self.undeclared.iter().map(
            |field| json!({ "path": field.path.as_str(), "count": field.count, "suggestion": field.proposal.as_ref().map(suggestion) }),
        );
        json!({
            "flow": self.flow, "stream": self.stream.to_string(), "undeclared": undeclared.collect::<Vec<_>>(), "untold": self.untold,
            "gone": self.gone.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }
}

/// Compares what a run of a flow met and left out with what is declared now.
#[must_use]
pub fn drift(manifest: &Manifest, catalogue: &Catalogue, flow: &Flow, dropped: &BTreeMap<String, u64>) -> Drift {
    let stream = &flow.from.value;
    let shape = known_shape(manifest, catalogue, stream);
    let (mut counts, mut untold) = (BTreeMap::new(), 0);
    for (name, count) in dropped {
        let is_told = name != OTHER_PATHS && !name.split('.').any(|part| part == UNUSUAL_NAME);
        match FieldPath::parse(name).filter(|_| is_told) {
            Some(path) if shape.at(&path).is_some() => {}
            Some(path) => drop(counts.insert(path, *count)),
            None => untold += count,
        }
    }
    let proposals = proposals(stream, counts.keys());
    let guess = |path: &FieldPath| proposals.fields.iter().find(|proposal| proposal.path == *path).cloned();
    let undeclared = counts.into_iter().map(|(path, count)| Undeclared { proposal: guess(&path), path, count }).collect();
    Drift { flow: flow.id.value.clone(), stream: stream.clone(), undeclared, untold, gone: gone(manifest, catalogue, flow, &shape) }
}

/// Guesses by names alone.
fn proposals<'a>(stream: &StreamId, paths: impl Iterator<Item = &'a FieldPath>) -> Proposals {
    let mut shape = StreamShape::default();
    let left: Vec<&FieldPath> = paths.filter(|path| shape.declare_unlabelled(path).is_err()).collect();
    let mut found = propose(&stream.stream, &Foreign { shape, ..Foreign::default() }, None, None);
    found.unknown.extend(left.into_iter().cloned());
    found
}

fn gone(manifest: &Manifest, catalogue: &Catalogue, flow: &Flow, shape: &StreamShape) -> Vec<FieldPath> {
    // Without a description by somebody else a stream is what the manifest says.
    if !is_described(manifest, catalogue, &flow.from.value) {
        return Vec::new();
    }
    let joined = flow.fields.iter().filter_map(|field| match &field.action.value {
        Action::Concat { with, .. } => Some(with.iter().map(|part| &part.value)),
        _ => None,
    });
    let labels = manifest.streams.get(&flow.from.value).into_iter().flat_map(|stream| &stream.fields).map(|(path, _)| &path.value);
    let named = flow.fields.iter().map(|field| &field.path.value).chain(joined.flatten()).chain(labels);
    named.filter(|path| shape.at(path).is_none()).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

/// True if a connector or a schema says which fields the stream has.
fn is_described(manifest: &Manifest, catalogue: &Catalogue, stream: &StreamId) -> bool {
    let has_schema = manifest.streams.get(stream).is_some_and(|stream| stream.schema.is_some());
    has_schema || claim(catalogue, stream).is_some_and(|claim| !claim.shape.fields.is_empty())
}

/// What to paste into the manifest: a part for each stream. Everything that it would allow stands behind a `#`. Empty if nothing drifted.
#[must_use]
pub fn patch(manifest: &Manifest, catalogue: &Catalogue, drifts: &[Drift]) -> String {
    let streams: BTreeSet<&StreamId> = drifts.iter().filter(|drift| !drift.is_none()).map(|drift| &drift.stream).collect();
    let parts = streams.into_iter().map(|stream| {
        let own: Vec<&Drift> = drifts.iter().filter(|drift| drift.stream == *stream).collect();
        Part { manifest, catalogue, stream, drifts: own }.text()
    });
    parts.collect::<Vec<_>>().join("\n")
}

/// The patch for one stream.
struct Part<'a> {
    manifest: &'a Manifest,
    catalogue: &'a Catalogue,
    stream: &'a StreamId,
    drifts: Vec<&'a Drift>,
}

impl Part<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        let paths: BTreeSet<&FieldPath> = self.drifts.iter().flat_map(|drift| &drift.undeclared).map(|field| &field.path).collect();
        if !paths.is_empty() {
            let proposals = proposals(self.stream, paths.into_iter());
            let _ = writeln!(
                text,
                "# Records of `{}` have fields that nothing declares. Where one is needed and its category is right, take the `#` away.\n\
                 # What stays a comment stays out; so does what no flow names.",
                comment(&self.stream.to_string())
            );
            self.stream_table(&proposals, &mut text);
            self.drifts.iter().for_each(|drift| self.flow_fields(drift, &mut text));
        }
        for drift in &self.drifts {
            for path in &drift.gone {
                let (path, stream) = (comment(path.as_str()), comment(&self.stream.to_string()));
                let _ = writeln!(
                    text,
                    "# `{stream}` does not have `{path}` (any more): take it out of [flow.{}] and of the labels (HUB-E101).",
                    drift.flow
                );
            }
        }
        text
    }

    fn stream_table(&self, proposals: &Proposals, text: &mut String) {
        let name = format!("stream.{}.{}", self.stream.system, key(&self.stream.stream));
        let (table, described) = if is_described(self.manifest, self.catalogue, self.stream) { ("added", true) } else { ("fields", false) };
        match self.manifest.streams.get(self.stream) {
            None => self.new_table(&name, proposals, text),
            Some(declared) => self.lacking(&name, declared, text),
        }
        let own = self.manifest.streams.get(self.stream).map(|declared| if described { &declared.added } else { &declared.fields });
        match own.and_then(|labels| labels.first()) {
            Some((path, _)) => drop(writeln!(text, "# These lines belong into [{name}.{table}], {}:", self.place(path.span))),
            None => drop(writeln!(text, "[{name}.{table}]")),
        }
        text.push_str(&write::labels(proposals));
    }

    /// Nothing was said about the stream so far: what a personal field needs is asked.
    fn new_table(&self, name: &str, proposals: &Proposals, text: &mut String) {
        let claim = claim(self.catalogue, self.stream);
        let told = claim.map_or(&[][..], |claim| claim.subjects.as_slice());
        let known = known_shape(self.manifest, self.catalogue, self.stream);
        let leaves = known.leaves();
        let labelled = leaves.iter().filter_map(|(path, leaf)| Some((path, leaf.category.as_deref()?)));
        let subjects = question::Subjects { told, guessed: &proposals.subjects };
        let _ = writeln!(text, "[{name}]");
        question::of_stream(&subjects, labelled).iter().for_each(|question| write::ask(question, text));
    }

    fn lacking(&self, name: &str, declared: &StreamDeclaration, text: &mut String) {
        let keys = [
            ("`subjects`", declared.subjects.is_empty()),
            ("`identity`", declared.identity.is_empty()),
            ("`retention`", declared.retention.is_empty()),
        ];
        let lacking: Vec<&str> = keys.into_iter().filter(|(_, lacks)| *lacks).map(|(key, _)| key).collect();
        if !lacking.is_empty() {
            let place = self.place(declared.span);
            let _ = writeln!(text, "# With a personal field, [{name}] ({place}) needs {} too.", lacking.join(", "));
        }
    }

    /// How a field gets into a flow, in the form in which the flow lists its fields.
    fn flow_fields(&self, drift: &Drift, text: &mut String) {
        let Some(flow) = self.manifest.flows.get(&drift.flow).filter(|_| !drift.undeclared.is_empty()) else { return };
        let place = self.place(flow.fields_span);
        let _ = writeln!(text, "# What is to pass goes into the fields of [flow.{}], {place}:", drift.flow);
        // In a list the action stands where the path does.
        if flow.fields.iter().all(|field| field.action.span == field.path.span) {
            let old = flow.fields.iter().map(|field| field.path.value.as_str());
            let all: Vec<String> = old.chain(drift.undeclared.iter().map(|field| field.path.as_str())).map(quoted).collect();
            let _ = writeln!(text, "#   fields = [{}]", comment(&all.join(", ")));
        } else {
            for field in &drift.undeclared {
                let _ = writeln!(text, "#   {} = \"allow\"", comment(&key(field.path.as_str())));
            }
        }
    }

    /// `manifest.toml:12`.
    fn place(&self, span: Span) -> String {
        let (line, _) = self.manifest.sources.line_column(span);
        let name = self.manifest.sources.get(span.file).map_or("the manifest", |(name, _)| name);
        comment(&format!("{name}:{line}"))
    }
}
