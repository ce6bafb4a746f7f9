//! Takes typed values out of raw tables. Passes over what has the wrong type: the walker told it.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::super::Wording;
use super::super::load::Loader;
use super::super::raw::{Node, Raw, Table};
use super::super::types::words::Word;
use super::super::walk::field_path;
use super::{Named, country};
use crate::date::{Date, Period};
use crate::manifest::finding::shorten;
use crate::problem::{Span, Spanned};
use crate::record::FieldPath;

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

/// Reads every table of the list `name`, in the order of writing.
pub(super) fn listed<T>(
    parent: &Table,
    name: &str,
    loader: &mut Loader<'_>,
    read: impl Fn(&Table, Span, &mut Loader<'_>) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for node in items(parent, name) {
        let Raw::Table(table) = &node.value else { continue };
        match read(table, node.span, loader) {
            Some(value) => found.push(value),
            None => super::told(loader, node.span),
        }
    }
    found
}

/// Reads the table behind `name`.
pub(super) fn one<T>(
    parent: &Table,
    name: &str,
    loader: &mut Loader<'_>,
    read: impl Fn(&Table, Span, &mut Loader<'_>) -> Option<T>,
) -> Option<T> {
    let (inner, span) = table(parent, name)?;
    let found = read(inner, span, loader);
    if found.is_none() {
        super::told(loader, span);
    }
    found
}

/// A text.
pub(super) fn text(table: &Table, name: &str) -> Option<Spanned<String>> {
    table.get(name).and_then(as_text)
}

/// A text that says something (E003 if it is blank or holds control characters).
pub(super) fn filled(table: &Table, name: &str, loader: &mut Loader<'_>) -> Option<Spanned<String>> {
    text(table, name).filter(|found| says_something(name, found, loader))
}

fn says_something(name: &str, found: &Spanned<String>, loader: &mut Loader<'_>) -> bool {
    let blank = found.value.trim().is_empty() || found.value.chars().any(char::is_control);
    if blank {
        loader.findings.wrong(found.span, format!("`{name}` must not be blank or hold control characters"), "write a text in one line");
    }
    !blank
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

/// A whole number and its place.
pub(super) fn count(table: &Table, name: &str) -> Option<Spanned<u64>> {
    match table.get(name)? {
        Node { value: Raw::Integer(Some(number)), span } => Some(Spanned { value: u64::try_from(*number).ok()?, span: *span }),
        _ => None,
    }
}

/// Where `true` stands; None for `false`.
pub(super) fn flag(table: &Table, name: &str) -> Option<Span> {
    match table.get(name)? {
        Node { value: Raw::Boolean(true), span } => Some(*span),
        _ => None,
    }
}

/// `true` or `false`, as it was written.
pub(super) fn boolean(table: &Table, name: &str) -> Option<Spanned<bool>> {
    match table.get(name)? {
        Node { value: Raw::Boolean(value), span } => Some(Spanned { value: *value, span: *span }),
        _ => None,
    }
}

/// One of a few words.
pub(super) fn word<T: Word>(table: &Table, name: &str) -> Option<Spanned<T>> {
    as_word(&text(table, name)?)
}

/// A list of a few words.
pub(super) fn words<T: Word>(table: &Table, name: &str) -> Vec<Spanned<T>> {
    texts(table, name).iter().filter_map(as_word).collect()
}

fn as_word<T: Word>(written: &Spanned<String>) -> Option<Spanned<T>> {
    Some(Spanned { value: T::read(&written.value)?, span: written.span })
}

/// The texts of a list, each of which says something (E003 if not).
pub(super) fn filled_texts(table: &Table, name: &str, loader: &mut Loader<'_>) -> Vec<Spanned<String>> {
    texts(table, name).into_iter().filter(|text| says_something(name, text, loader)).collect()
}

/// A day (E003 if there is no such day, or if a time stands behind it).
pub(super) fn date(table: &Table, name: &str, loader: &mut Loader<'_>) -> Option<Spanned<Date>> {
    let Node { value: Raw::Date(written), span } = table.get(name)? else { return None };
    let value = Date::parse(written);
    if value.is_none() {
        let title = format!("`{}` is not a day", shorten(written));
        loader.findings.wrong(*span, title, "write year, month and day without a time: `2026-03-01`");
    }
    Some(Spanned { value: value?, span: *span })
}

/// A period of years, months and days (E003 if it is none).
pub(super) fn period(table: &Table, name: &str, loader: &mut Loader<'_>) -> Option<Spanned<Period>> {
    let written = text(table, name)?;
    let value = Period::parse(&written.value);
    if value.is_none() {
        let title = format!("`{}` is not a period of years, months and days", shorten(&written.value));
        loader.findings.wrong(written.span, title, "write it as ISO 8601: `P3Y`, `P6M`, `P1Y6M`, `P30D` (weeks as days)");
    }
    Some(Spanned { value: value?, span: written.span })
}

/// A country (E003 if it is none).
pub(super) fn country(table: &Table, name: &str, loader: &mut Loader<'_>) -> Option<Spanned<String>> {
    text(table, name).filter(|written| country::known(written, loader))
}

/// The countries of a list.
pub(super) fn countries(table: &Table, name: &str, loader: &mut Loader<'_>) -> Vec<Spanned<String>> {
    texts(table, name).into_iter().filter(|written| country::known(written, loader)).collect()
}

/// A text for people, for all languages or for each (E003 if it is blank).
pub(super) fn wording(table: &Table, name: &str, loader: &mut Loader<'_>) -> Option<Spanned<Wording>> {
    let node = table.get(name)?;
    let (value, blank) = match &node.value {
        Raw::Text(text) => (Wording::Plain(text.clone()), text.trim().is_empty()),
        Raw::Table(languages) => {
            let [german, english] = ["de", "en"].map(|language| text(languages, language).map(|text| text.value));
            let written = [&german, &english];
            let blank = languages.entries.is_empty() || written.into_iter().flatten().any(|text| text.trim().is_empty());
            (Wording::ByLanguage { german, english }, blank)
        }
        _ => return None,
    };
    if blank {
        loader.findings.wrong(node.span, format!("`{name}` says nothing"), "write a text, or remove the key");
    }
    (!blank).then_some(Spanned { value, span: node.span })
}

/// A field path (E003 if it is none).
pub(super) fn path(text: &Spanned<String>, loader: &mut Loader<'_>) -> Option<Spanned<FieldPath>> {
    match field_path(&text.value) {
        Ok(value) => Some(Spanned { value, span: text.span }),
        Err(fault) => {
            loader.findings.wrong(text.span, format!("`{}` is not a field path", shorten(&text.value)), fault);
            None
        }
    }
}

/// The field path behind a key.
pub(super) fn path_of(table: &Table, name: &str, loader: &mut Loader<'_>) -> Option<Spanned<FieldPath>> {
    text(table, name).and_then(|written| path(&written, loader))
}

/// The field paths of a list.
pub(super) fn paths(table: &Table, name: &str, loader: &mut Loader<'_>) -> Vec<Spanned<FieldPath>> {
    texts(table, name).iter().filter_map(|written| path(written, loader)).collect()
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
