//! Takes typed values out of raw tables. Passes over what has the wrong type: the walker told it.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::super::load::Loader;
use super::super::raw::{Node, Raw, Table};
use super::Named;
use crate::problem::{Span, Spanned};

/// Reads every table below `name`, by id.
pub(super) fn keyed<T>(
    root: &Table,
    name: &str,
    loader: &mut Loader<'_>,
    read: impl Fn(&Named<'_>, &mut Loader<'_>) -> Option<T>,
) -> BTreeMap<String, T> {
    let mut found = BTreeMap::new();
    let Some(Node { value: Raw::Table(tables), .. }) = root.get(name) else { return found };
    for (id, node) in &tables.entries {
        let Raw::Table(table) = &node.value else { continue };
        match read(&Named { id, table, span: node.span }, loader) {
            Some(value) => {
                found.insert(id.value.clone(), value);
            }
            None => super::told(loader, id.span),
        }
    }
    found
}

/// A text.
pub(super) fn text(table: &Table, name: &str) -> Option<Spanned<String>> {
    table.get(name).and_then(as_text)
}

/// A text that says something (E003 if it is blank or holds control characters).
pub(super) fn filled(table: &Table, name: &str, loader: &mut Loader<'_>) -> Option<Spanned<String>> {
    let found = text(table, name)?;
    if found.value.trim().is_empty() || found.value.chars().any(char::is_control) {
        loader.findings.wrong(found.span, format!("`{name}` must not be blank or hold control characters"), "write a text in one line");
        return None;
    }
    Some(found)
}

/// The texts of a list.
pub(super) fn texts(table: &Table, name: &str) -> Vec<Spanned<String>> {
    items(table, name).iter().filter_map(as_text).collect()
}

/// The elements of a list.
pub(super) fn items<'a>(table: &'a Table, name: &str) -> &'a [Node] {
    match table.get(name) {
        Some(Node { value: Raw::List(items), .. }) => items,
        _ => &[],
    }
}

/// A whole number.
pub(super) fn number(table: &Table, name: &str) -> Option<u32> {
    match table.get(name)?.value {
        Raw::Integer(Some(number)) => u32::try_from(number).ok(),
        _ => None,
    }
}

/// `true` or `false`.
pub(super) fn flag(table: &Table, name: &str) -> Option<bool> {
    match table.get(name)?.value {
        Raw::Boolean(flag) => Some(flag),
        _ => None,
    }
}

/// One of a few words.
pub(super) fn choice<T: Copy>(table: &Table, name: &str, words: &[(&str, T)]) -> Option<Spanned<T>> {
    let written = text(table, name)?;
    let (_, value) = words.iter().find(|(word, _)| *word == written.value)?;
    Some(Spanned { value: *value, span: written.span })
}

/// A table and its place.
pub(super) fn table<'a>(table: &'a Table, name: &str) -> Option<(&'a Table, Span)> {
    match table.get(name)? {
        Node { value: Raw::Table(inner), span } => Some((inner, *span)),
        _ => None,
    }
}

/// The tables inside a table, each with its key.
pub(super) fn tables<'a>(parent: &'a Table, name: &str) -> Vec<Named<'a>> {
    let Some((map, _)) = table(parent, name) else { return Vec::new() };
    let inner = map.entries.iter().filter_map(|(id, node)| match &node.value {
        Raw::Table(table) => Some(Named { id, table, span: node.span }),
        _ => None,
    });
    inner.collect()
}

/// A value as text.
pub(super) fn as_text(node: &Node) -> Option<Spanned<String>> {
    match &node.value {
        Raw::Text(text) => Some(Spanned { value: text.clone(), span: node.span }),
        _ => None,
    }
}

/// A value as JSON; dates become texts (E003 for numbers that JSON does not have).
pub(super) fn json(node: &Node, loader: &mut Loader<'_>) -> Option<Value> {
    Some(match &node.value {
        Raw::Text(text) | Raw::Date(text) => Value::String(text.clone()),
        Raw::Boolean(flag) => Value::Bool(*flag),
        Raw::Integer(Some(number)) => Value::from(*number),
        Raw::Float(number) if number.is_finite() => Value::Number(Number::from_f64(*number)?),
        Raw::Integer(None) | Raw::Float(_) => {
            loader.findings.wrong(node.span, "this number does not exist in JSON", "write a finite number below 2^63, or a text");
            return None;
        }
        Raw::List(items) => Value::Array(whole(items.iter().map(|item| json(item, loader)).collect())?),
        Raw::Table(table) => {
            let entries = table.entries.iter().map(|(key, node)| Some((key.value.clone(), json(node, loader)?)));
            Value::Object(whole(entries.collect())?.into_iter().collect::<Map<_, _>>())
        }
    })
}

/// All parts, if none is missing. Takes a list and no iterator, so that every part was looked at before.
fn whole<T>(parts: Vec<Option<T>>) -> Option<Vec<T>> {
    parts.into_iter().collect()
}
