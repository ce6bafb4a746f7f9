//! What the operator says about data: purposes, retention, pseudonyms, streams, and words beyond the shipped vocabulary.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::load::Loader;
use super::super::raw::{Node, Raw, Table};
use super::super::walk::{field_path, flatten};
use super::super::{Basis, CategoryExtension, PseudonymDomain, Purpose, Retention, RetentionKind, StreamDeclaration};
use super::system::secret;
use super::{Named, action, read};
use crate::description::json;
use crate::manifest::finding::{shorten, shorten_reason};
use crate::problem::{Code, Problem, Span, Spanned};
use crate::record::{FieldPath, StreamId};
use crate::vocab;

/// How deep a schema file may nest.
const MAX_SCHEMA_DEPTH: usize = 64;

pub(super) fn purpose(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<Purpose> {
    let use_key = read::filled(named.table, "use", loader);
    let basis = read::table(named.table, "basis").and_then(|(table, span)| Some(Spanned { value: basis(table)?, span }));
    let allows = named.table.get("allows").map(|node| Spanned { value: read::texts(named.table, "allows"), span: node.span });
    Some(Purpose { id: named.id(), use_key: use_key?, basis: basis?, allows: allows? })
}

fn basis(table: &Table) -> Option<Basis> {
    let art6 = read::text(table, "art6")?.value.chars().next()?;
    let mut detail = BTreeMap::new();
    for (key, node) in table.entries.iter().filter(|(key, _)| key.value != "art6") {
        match &node.value {
            Raw::Text(text) => {
                detail.insert(key.value.clone(), text.clone());
            }
            Raw::Table(languages) => detail.extend(languages.entries.iter().filter_map(|(language, node)| match &node.value {
                Raw::Text(text) => Some((format!("{}.{}", key.value, language.value), text.clone())),
                _ => None,
            })),
            _ => {}
        }
    }
    Some(Basis { art6, detail })
}

pub(super) fn retention(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<Retention> {
    let kind = read::choice(named.table, "kind", &[("keep", RetentionKind::Keep), ("limit", RetentionKind::Limit)]);
    let period = read::text(named.table, "period").filter(|period| {
        let fits = is_period(&period.value);
        if !fits {
            let title = format!("`{}` is not a period of years, months and days", shorten(&period.value));
            loader.findings.wrong(period.span, title, "write it as ISO 8601: `P3Y`, `P6M`, `P1Y6M`, `P30D` (weeks as days)");
        }
        fits
    });
    let start = read::text(named.table, "start").map(|start| start.value);
    Some(Retention { id: named.id(), kind: kind?.value, period: period?, start })
}

/// `P` and then years, months, days, each at most once, in this order, together more than nothing.
fn is_period(text: &str) -> bool {
    let Some(mut rest) = text.strip_prefix('P') else { return false };
    let mut total = 0_u32;
    for unit in ['Y', 'M', 'D'] {
        let digits = rest.len() - rest.trim_start_matches(|character: char| character.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        if let Some(tail) = tail.strip_prefix(unit) {
            match number.parse::<u32>() {
                Ok(number) if number <= 99_999 => total += number,
                _ => return false,
            }
            rest = tail;
        }
    }
    rest.is_empty() && total > 0
}

pub(super) fn pseudonym(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<PseudonymDomain> {
    let (table, span) = read::table(named.table, "key")?;
    let method = action::pseudonym_method(named.table, loader);
    let value = secret(table, span, loader)?;
    Some(PseudonymDomain { id: named.id(), key: Spanned { value, span }, method })
}

pub(super) fn categories(root: &Table, loader: &mut Loader<'_>) -> BTreeMap<String, CategoryExtension> {
    let mut found: BTreeMap<String, CategoryExtension> = BTreeMap::new();
    for node in read::items(root, "category") {
        let Raw::Table(table) = &node.value else { continue };
        let (Some(key), Some(parent)) = (read::text(table, "key"), read::text(table, "parent")) else { continue };
        let marks: Vec<String> = read::texts(table, "marks").into_iter().map(|mark| mark.value).collect();
        if let Some(problem) = category_problem(&key, &parent.value, &marks) {
            loader.findings.push(problem);
        } else if let Some(first) = found.get(&key.value) {
            let problem = twice(&key, first.span);
            loader.findings.push(problem);
        } else {
            found.insert(key.value, CategoryExtension { span: key.span, parent: parent.value, marks });
        }
    }
    found
}

fn category_problem(key: &Spanned<String>, parent: &str, marks: &[String]) -> Option<Problem> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let name = key.value.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.'));
    if !name.is_some_and(|name| !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)) {
        let title = format!("`{}` does not stand below `{}`", shorten(&key.value), shorten(parent));
        let help = "write the parent's key, a dot and one name in lower-case letters, digits and `_`";
        return Some(Problem::new(Code::E003, title, help).at(key.span, "here"));
    }
    let shipped = vocab::category(&key.value)?;
    let carries = |mark: &str| marks.iter().any(|own| own == mark || (own == "identifier" && mark == "direct"));
    let lost: Vec<&str> = shipped.marks.iter().map(String::as_str).filter(|mark| !carries(mark)).collect();
    (!lost.is_empty()).then(|| {
        let title = format!("`{}` is part of hub's vocabulary with the marks {}", key.value, shipped.marks.join(", "));
        Problem::new(Code::E003, title, "remove this table; marks can be added, not taken away")
            .at(key.span, format!("lacks {}", lost.join(", ")))
    })
}

pub(super) fn subjects(root: &Table, loader: &mut Loader<'_>) -> BTreeMap<String, Span> {
    let mut found: BTreeMap<String, Span> = BTreeMap::new();
    for node in read::items(root, "subject") {
        let Raw::Table(table) = &node.value else { continue };
        let Some(key) = read::text(table, "key") else { continue };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        if key.value.is_empty() || key.value.len() > 64 || !key.value.bytes().all(plain) {
            let title = format!("`{}` cannot be the key of a data subject", shorten(&key.value));
            loader.findings.wrong(key.span, title, "use lower-case letters, digits and `_`, at most 64 of them");
        } else if let Some(first) = found.get(&key.value) {
            let problem = twice(&key, *first);
            loader.findings.push(problem);
        } else {
            found.insert(key.value, key.span);
        }
    }
    found
}

fn twice(key: &Spanned<String>, first: Span) -> Problem {
    let code = if first.file == key.span.file { Code::E003 } else { Code::E005 };
    Problem::new(code, format!("`{}` is declared twice", shorten(&key.value)), "keep one of the two")
        .at(key.span, "the second one")
        .at(first, "the first one")
}

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
    StreamDeclaration {
        span,
        subjects: read::texts(table, "subjects"),
        retention: read::texts(table, "retention"),
        fields: fields(table, loader),
        schema: read::text(table, "schema").and_then(|path| schema(&path, loader)),
        primary_key: read::texts(table, "primary_key").iter().filter_map(|text| path(text, loader)).collect(),
        cursor: read::text(table, "cursor").and_then(|text| path(&text, loader)),
    }
}

fn fields(table: &Table, loader: &mut Loader<'_>) -> Vec<(Spanned<FieldPath>, Spanned<String>)> {
    let mut found: Vec<(Spanned<FieldPath>, Spanned<String>)> = Vec::new();
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let Some((fields, _)) = read::table(table, "fields") else { return found };
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

/// A field path in a list (E003 if it is none).
pub(super) fn path(text: &Spanned<String>, loader: &mut Loader<'_>) -> Option<Spanned<FieldPath>> {
    match field_path(&text.value) {
        Ok(value) => Some(Spanned { value, span: text.span }),
        Err(fault) => {
            loader.findings.wrong(text.span, format!("`{}` is not a field path", shorten(&text.value)), fault);
            None
        }
    }
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

#[cfg(test)]
mod tests {
    use super::is_period;

    #[test]
    fn periods_have_years_months_and_days() {
        for good in ["P3Y", "P6M", "P30D", "P1Y6M", "P1Y2M3D", "P10Y"] {
            assert!(is_period(good), "{good}");
        }
        for bad in ["", "P", "3Y", "P3", "P2W", "PT1H", "P1YT1H", "P0D", "P1M1Y", "P-1Y", "P1.5Y", "365d", "P999999Y", "p3y", "P1Y1Y", "PY"]
        {
            assert!(!is_period(bad), "{bad}");
        }
    }
}
