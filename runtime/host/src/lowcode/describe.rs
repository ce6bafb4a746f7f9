//! From what a manifest says of its streams to what a connector claims. Where it does not say enough, less is claimed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hub_core::description::{ABI, Description, HostClaim, MAX_STREAMS, SourceClaim, StreamClaim, stream_name_fault};
use hub_core::problem::{Code, Problem, Span};
use hub_core::record::FieldPath;
use hub_core::stream::{Foreign, Node, StreamShape};
use hub_lowcode::inspect::{Cause, Inspection, Schema, StreamFacts};
use serde_json::{Value, json};

use super::{LowCode, Remark, Texts};

/// The component's own description, of which the interfaces are taken.
pub type Base = Description;

const MAX_SUMMARY_BYTES: usize = 500;
/// Notes about the schema of one stream that are told.
const MAX_NOTES: usize = 5;

/// The streams without labels, and what their schemas said.
pub fn claims(
    inspection: &Inspection,
    texts: &Texts,
    problems: &mut Vec<Problem>,
    remarks: &mut Vec<Remark>,
) -> (Vec<StreamClaim>, BTreeMap<String, Foreign>) {
    let (mut found, mut schemas) = (Vec::new(), BTreeMap::new());
    let here = Span { file: texts.file, start: 0, end: 0 };
    if inspection.streams.len() > MAX_STREAMS {
        let title = format!("the manifest has {} streams, at most {MAX_STREAMS} are possible", inspection.streams.len());
        problems.push(Problem::new(Code::E010, title, "split the manifest").at(here, "in this manifest"));
        return (found, schemas);
    }
    for facts in &inspection.streams {
        let mut remark = |text: String| remarks.push(Remark { span: None, text });
        let Some(name) = hub_name(&facts.name) else {
            remark(format!("`{}`: a stream with this name cannot be named here and is left out", facts.place));
            continue;
        };
        if schemas.contains_key(&name) {
            remark(format!("stream `{name}` stands twice; the first one counts"));
            continue;
        }
        if name != facts.name {
            remark(format!("`{}`: the stream is called `{name}` here", facts.place));
        }
        if let Some(condition) = &facts.condition {
            remark(format!("stream `{name}` is there only where `{}` is true", one_line(condition)));
        }
        let foreign = foreign(&name, facts, remarks);
        left_out(&name, &foreign.notes, remarks);
        found.push(claim(&name, facts, &foreign, remarks));
        schemas.insert(name, foreign);
    }
    (found, schemas)
}

/// The name of a stream as hub has it: what hub does not allow in a name is left out. None if nothing remains.
#[must_use]
pub fn hub_name(name: &str) -> Option<String> {
    let plain: String = name.chars().map(|character| if matches!(character, '/' | '\\') { '-' } else { character }).collect();
    let plain = plain.trim().trim_start_matches('.').trim().to_owned();
    stream_name_fault(&plain).is_none().then_some(plain)
}

/// The first few of the notes about a stream, and how many more there are.
fn left_out(name: &str, notes: &[String], remarks: &mut Vec<Remark>) {
    remarks.extend(notes.iter().take(MAX_NOTES).map(|note| Remark { span: None, text: format!("stream `{name}`, field {note}") }));
    if let Some(more) = notes.len().checked_sub(MAX_NOTES).filter(|more| *more > 0) {
        remarks.push(Remark { span: None, text: format!("stream `{name}`: {more} more fields like these") });
    }
}

fn foreign(name: &str, facts: &StreamFacts, remarks: &mut Vec<Remark>) -> Foreign {
    let why = match &facts.schema {
        Schema::Static(schema) => {
            let foreign = StreamShape::from_foreign_schema(&Value::from(schema));
            if !foreign.shape.fields.is_empty() {
                return foreign;
            }
            "its schema names no field"
        }
        Schema::File => "its schema is a file that the manifest does not carry",
        Schema::Dynamic => "its schema is known only when it runs",
    };
    remarks.push(Remark { span: None, text: format!("stream `{name}`: {why}; its fields are those that its labels name") });
    Foreign::default()
}

fn claim(name: &str, facts: &StreamFacts, foreign: &Foreign, remarks: &mut Vec<Remark>) -> StreamClaim {
    let scalar = |path: &FieldPath| is_single(&foreign.shape, path);
    let keys: Vec<Option<FieldPath>> = facts.primary_key.iter().map(|path| FieldPath::parse(&path.join(".")).filter(&scalar)).collect();
    // Half a key identifies nothing.
    let primary_key = keys.iter().cloned().collect::<Option<Vec<FieldPath>>>().unwrap_or_default();
    if primary_key.len() < keys.len() {
        let text = format!(
            "stream `{name}`: its primary key is not among the single values of its schema; name one with `primary_key` in the labels"
        );
        remarks.push(Remark { span: None, text });
    }
    let cursor = facts.cursor_field.as_deref().and_then(FieldPath::parse).filter(scalar);
    let summary = format!("Stream `{name}` of the manifest");
    StreamClaim { name: name.to_owned(), summary, shape: foreign.shape.clone(), primary_key, cursor, subjects: Vec::new(), deletes: false }
}

/// A scalar outside arrays.
fn is_single(shape: &StreamShape, path: &FieldPath) -> bool {
    let mut fields = &shape.fields;
    let mut parts = path.parts().peekable();
    while let Some(part) = parts.next() {
        match fields.get(part) {
            Some(Node::Leaf(leaf)) => return parts.peek().is_none() && !leaf.opaque,
            Some(Node::Object { fields: inner, .. }) => fields = inner,
            _ => return false,
        }
    }
    false
}

pub(super) fn description(read: &LowCode, path: &Path, base: &Base) -> Description {
    let root = read.manifest.root();
    let summary = root.get("description").and_then(|node| node.as_str()).map(one_line).filter(|text| !text.is_empty());
    let hosts = read.inspection.hosts.origins.iter().map(|origin| HostClaim::Origin(origin.origin.clone()));
    let configured = read.inspection.hosts.open.iter().filter(|open| open.cause == Cause::Configuration);
    let configured: BTreeSet<HostClaim> = configured.filter_map(|open| setting(&open.template).map(HostClaim::Config)).collect();
    Description {
        abi: ABI.to_owned(),
        name: name_of(path),
        version: read.manifest.version().filter(|version| is_version(version)).unwrap_or("0.0.0").to_owned(),
        summary: summary.unwrap_or_else(|| "Low-code connector.".to_owned()),
        config: read
            .manifest
            .spec()
            .and_then(|spec| spec.get("connection_specification"))
            .map_or_else(|| json!({ "type": "object" }), |schema| Value::from(&schema.to_value())),
        imports: base.imports.clone(),
        hosts: hosts.chain(configured).collect(),
        read_body: read.streams.iter().any(|stream| !read.reasons(&stream.name).is_empty()),
        source: Some(SourceClaim { streams: read.streams.clone(), any_stream: !read.inspection.dynamic_streams.is_empty() }),
        destination: None,
    }
}

/// The one setting that an address is: `{{ config['base_url'] }}`.
fn setting(template: &str) -> Option<String> {
    let inside = template.trim().strip_prefix("{{")?.split("}}").next()?.trim();
    let key = inside.strip_prefix("config[")?.strip_suffix(']')?.trim();
    let key = key.trim_matches(['\'', '"']);
    let plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain.then(|| key.to_owned())
}

/// The folder's name if the file is called `manifest`, else the file's.
#[must_use]
pub fn name_of(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let chosen = if stem == "manifest" { folder.unwrap_or(stem) } else { stem };
    let plain = slug(&chosen);
    let plain = plain.trim_start_matches(|first: char| !first.is_ascii_lowercase());
    if plain.is_empty() { "lowcode".to_owned() } else { plain.chars().take(64).collect() }
}

/// Lower-case letters, digits and single hyphens.
pub(super) fn slug(text: &str) -> String {
    let mut found = String::new();
    for character in text.chars() {
        let small = character.to_ascii_lowercase();
        if small.is_ascii_lowercase() || small.is_ascii_digit() {
            found.push(small);
        } else if !found.is_empty() && !found.ends_with('-') {
            found.push('-');
        }
    }
    found.trim_end_matches('-').chars().take(60).collect()
}

fn one_line(text: &str) -> String {
    let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut end = plain.len().min(MAX_SUMMARY_BYTES);
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    plain.get(..end).unwrap_or_default().chars().filter(|character| !character.is_control()).collect()
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit()))
}
