//! `[stream.SYSTEM.NAME]`: whom a stream is about, where it comes from, how a person is found in it, and its fields.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::load::Loader;
use super::super::raw::{Node, Raw, Table};
use super::super::walk::{field_path, flatten, id_fault};
use super::super::{ConsentLedger, DataSource, IdentityKey, StreamDeclaration};
use super::declare::twice;
use super::read;
use crate::description::{json, stream_name_fault};
use crate::detect::{Detector, DetectorSet};
use crate::manifest::finding::{shorten, shorten_reason};
use crate::problem::{Code, Problem, Span, Spanned};
use crate::record::{FieldPath, StreamField, StreamId};

/// How deep a schema file may nest.
const MAX_SCHEMA_DEPTH: usize = 64;

pub(super) fn streams(root: &Table, loader: &mut Loader<'_>) -> BTreeMap<StreamId, StreamDeclaration> {
    let mut found = BTreeMap::new();
    for system in read::tables(root, "stream") {
        for (name, node) in &system.table.entries {
            let Raw::Table(table) = &node.value else { continue };
            let id = StreamId { system: system.id.value.as_str().into(), stream: name.value.as_str().into() };
            found.insert(id, stream(table, name.span, loader));
        }
    }
    found
}

fn stream(table: &Table, span: Span, loader: &mut Loader<'_>) -> StreamDeclaration {
    let mut seen = BTreeMap::new();
    StreamDeclaration {
        span,
        name: read::wording(table, "name", loader),
        collected_for: read::filled_texts(table, "collected_for", loader),
        source: source(table, loader),
        identity: identity(table, loader),
        after_limit: read::word(table, "after_limit"),
        keep_fields: read::paths(table, "keep_fields", loader),
        subjects_est: read::count(table, "subjects_est"),
        consent_ledger: read::one(table, "consent_ledger", loader, ledger),
        subjects: read::texts(table, "subjects"),
        retention: read::texts(table, "retention"),
        may_hold: may_hold(table),
        fields: fields(table, "fields", &mut seen, loader),
        added: fields(table, "added", &mut seen, loader),
        schema: read::text(table, "schema").and_then(|path| schema(&path, loader)),
        primary_key: read::paths(table, "primary_key", loader),
        cursor: read::path_of(table, "cursor", loader),
        deletes: read::boolean(table, "deletes"),
    }
}

/// The labels in one of the two tables that hold some; `seen` knows the paths of both.
fn fields(
    table: &Table,
    name: &str,
    seen: &mut BTreeMap<String, Span>,
    loader: &mut Loader<'_>,
) -> Vec<(Spanned<FieldPath>, Spanned<String>)> {
    let mut found: Vec<(Spanned<FieldPath>, Spanned<String>)> = Vec::new();
    let Some((fields, _)) = read::table(table, name) else { return found };
    for field in flatten(fields, &[]) {
        let (Ok(value), Node { value: Raw::Text(category), span }) = (field_path(&field.path), field.node) else { continue };
        if let Some(first) = seen.insert(field.path.clone(), field.span) {
            let problem = twice(&Spanned { value: field.path, span: field.span }, first);
            loader.findings.push(problem);
            continue;
        }
        found.push((Spanned { value, span: field.span }, Spanned { value: category.clone(), span: *span }));
    }
    found
}

/// Keys and words that are none were told by the walk.
fn may_hold(table: &Table) -> Vec<(Spanned<FieldPath>, DetectorSet)> {
    let Some((fields, _)) = read::table(table, "may_hold") else { return Vec::new() };
    let listed = flatten(fields, &[]).into_iter().filter_map(|field| {
        let Raw::List(names) = &field.node.value else { return None };
        let names = names.iter().filter_map(|name| if let Raw::Text(name) = &name.value { Detector::parse(name) } else { None });
        Some((Spanned { value: field_path(&field.path).ok()?, span: field.span }, names.collect()))
    });
    listed.collect()
}

fn schema(path: &Spanned<String>, loader: &mut Loader<'_>) -> Option<Spanned<Value>> {
    let read = loader.schema_file(&path.value, path.span);
    let parsed = read.and_then(|bytes| json::parse(&bytes, MAX_SCHEMA_DEPTH));
    let reason = match parsed {
        Ok(value) if value.is_object() => return Some(Spanned { value, span: path.span }),
        Ok(_) => "it is not a JSON object".to_owned(),
        Err(reason) => reason,
    };
    let title = format!("the schema `{}` cannot be used: {}", shorten(&path.value), shorten_reason(&reason));
    let help = "name a JSON Schema file (one JSON object) by its path relative to this manifest";
    loader.findings.push(Problem::new(Code::E008, title, help).at(path.span, "named here"));
    None
}

fn source(table: &Table, loader: &mut Loader<'_>) -> Option<Spanned<DataSource>> {
    let written = read::filled(table, "source", loader)?;
    let third = written.value.strip_prefix("third-party:").map(str::trim).filter(|who| !who.is_empty());
    let value = match third {
        Some(who) => DataSource::ThirdParty(who.to_owned()),
        None if written.value == "subject" => DataSource::Subject,
        None => {
            let title = format!("`source` cannot be `{}`", shorten(&written.value));
            loader.findings.wrong(written.span, title, "write `subject`, or `third-party:` and who it is");
            return None;
        }
    };
    Some(Spanned { value, span: written.span })
}

fn identity(table: &Table, loader: &mut Loader<'_>) -> BTreeMap<String, IdentityKey> {
    let mut found = BTreeMap::new();
    for named in read::tables(table, "identity") {
        let fields = identity_fields(named.table, named.span, loader);
        let via = read::text(named.table, "via").and_then(|written| stream_field(&written, loader));
        let domain = read::filled(named.table, "domain", loader);
        if let (Some(fields), Some(strength)) = (fields, read::word(named.table, "strength")) {
            found.insert(named.id.value.clone(), IdentityKey { span: named.id.span, fields, strength, via, domain });
        }
    }
    found
}

fn identity_fields(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Vec<Spanned<FieldPath>>> {
    match (table.entry("field"), table.entry("fields")) {
        (Some(_), None) => read::path_of(table, "field", loader).map(|path| vec![path]),
        (None, Some((key, _))) => {
            let paths = read::paths(table, "fields", loader);
            if paths.is_empty() {
                loader.findings.wrong(key.span, "no field identifies a person here", "list the fields that do");
            }
            (!paths.is_empty()).then_some(paths)
        }
        (Some(_), Some((key, _))) => {
            loader.findings.wrong(key.span, "an identifier stands in one field or in several", "keep `field` or `fields`");
            None
        }
        (None, None) => {
            loader.findings.missing(span, "field", "a kind of identifier", "\"email\"");
            None
        }
    }
}

/// `system.stream.field` (E003 if it is none).
fn stream_field(written: &Spanned<String>, loader: &mut Loader<'_>) -> Option<Spanned<StreamField>> {
    let value = StreamField::parse(&written.value).filter(|found| {
        let StreamId { system, stream } = &found.stream;
        id_fault(system).is_none() && stream_name_fault(stream).is_none() && field_path(found.field.as_str()).is_ok()
    });
    if value.is_none() {
        let title = format!("`{}` does not name a field of a stream", shorten(&written.value));
        loader.findings.wrong(written.span, title, "write the system's id, the stream's name and the field: `erp.parties.id`");
    }
    Some(Spanned { value: value?, span: written.span })
}

fn ledger(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<ConsentLedger> {
    Some(ConsentLedger {
        span,
        subject: read::path_of(table, "subject", loader),
        scope: read::path_of(table, "scope", loader),
        status: read::path_of(table, "status", loader),
        at: read::path_of(table, "at", loader),
        proof: read::path_of(table, "proof", loader),
        given: read::filled_texts(table, "given", loader),
    })
}
