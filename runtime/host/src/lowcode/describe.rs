//! From what a manifest says of its streams to what a connector claims. Where it does not say enough, less is claimed.

use std::collections::BTreeMap;
use std::path::Path;

use hub_core::description::{ABI, Description, HostClaim, MAX_STREAMS, SourceClaim, StreamClaim, stream_name_fault};
use hub_core::problem::{Code, Problem, Span};
use hub_core::record::FieldPath;
use hub_core::stream::{Foreign, Node, StreamShape};
use hub_lowcode::inspect::{Inspection, Schema, StreamFacts};
use serde_json::{Value, json};

use super::{LowCode, Remark, Texts};

/// The component's own description, of which the interfaces are taken.
pub type Base = Description;

const MAX_SUMMARY_BYTES: usize = 500;

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
        if let Some(fault) = stream_name_fault(&facts.name) {
            let title = format!("`{}`: this stream's name is not possible here", facts.place);
            problems.push(Problem::new(Code::E010, title, fault).at(here, "in this manifest"));
            continue;
        }
        if schemas.contains_key(&facts.name) {
            remarks.push(Remark { span: Some(here), text: format!("stream `{}` stands twice; the first one counts", facts.name) });
            continue;
        }
        let foreign = foreign(facts, remarks);
        remarks.extend(foreign.notes.iter().map(|note| Remark { span: None, text: format!("stream `{}`, field {note}", facts.name) }));
        found.push(claim(facts, &foreign, remarks));
        schemas.insert(facts.name.clone(), foreign);
    }
    (found, schemas)
}

fn foreign(facts: &StreamFacts, remarks: &mut Vec<Remark>) -> Foreign {
    let why = match &facts.schema {
        Schema::Static(schema) => {
            return match serde_json::from_str::<Value>(&schema.to_json()) {
                Ok(schema) => StreamShape::from_foreign_schema(&schema),
                Err(_) => Foreign::default(),
            };
        }
        Schema::File => "its schema is a file that the manifest does not carry",
        Schema::Dynamic => "its schema is known only when it runs",
    };
    remarks.push(Remark { span: None, text: format!("stream `{}`: {why}; its fields are those that its labels name", facts.name) });
    Foreign::default()
}

fn claim(facts: &StreamFacts, foreign: &Foreign, remarks: &mut Vec<Remark>) -> StreamClaim {
    let scalar = |path: &FieldPath| is_single(&foreign.shape, path);
    let keys: Vec<Option<FieldPath>> = facts.primary_key.iter().map(|path| FieldPath::parse(&path.join(".")).filter(&scalar)).collect();
    // Half a key identifies nothing.
    let primary_key = keys.iter().cloned().collect::<Option<Vec<FieldPath>>>().unwrap_or_default();
    if primary_key.len() < keys.len() {
        let text = format!("stream `{}`: its primary key is not among the single values of its schema; name one with `primary_key` in the labels", facts.name);
        remarks.push(Remark { span: None, text });
    }
    let cursor = facts.cursor_field.as_deref().and_then(FieldPath::parse).filter(scalar);
    let summary = format!("Stream `{}` of the manifest", facts.name);
    StreamClaim { name: facts.name.clone(), summary, shape: foreign.shape.clone(), primary_key, cursor, subjects: Vec::new() }
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
    Description {
        abi: ABI.to_owned(),
        name: name_of(path),
        version: read.manifest.version().filter(|version| is_version(version)).unwrap_or("0.0.0").to_owned(),
        summary: summary.unwrap_or_else(|| "Low-code connector.".to_owned()),
        config: read.manifest.spec().and_then(|spec| spec.get("connection_specification")).map_or_else(
            || json!({ "type": "object" }),
            |schema| serde_json::from_str(&schema.to_value().to_json()).unwrap_or_else(|_| json!({ "type": "object" })),
        ),
        imports: base.imports.clone(),
        hosts: hosts.collect(),
        read_body: read.streams.iter().any(|stream| !read.reasons(&stream.name).is_empty()),
        source: Some(SourceClaim { streams: read.streams.clone(), any_stream: !read.inspection.dynamic_streams.is_empty() }),
        destination: None,
    }
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
