//! What the operator says about data: purposes, further uses, retention, pseudonyms, and words beyond the shipped vocabulary.

use std::collections::BTreeMap;

use super::super::load::Loader;
use super::super::raw::{Raw, Table};
use super::super::walk::field_path;
use super::super::{
    Basis, CategoryExtension, Compatibility, PseudonymDomain, PseudonymMethod, Purpose, Retention, Special, Start, SubjectExtension,
};
use super::{Named, operator, read, secret};
use crate::manifest::finding::shorten;
use crate::problem::{Code, Problem, Span, Spanned};
use crate::vocab;

pub(super) fn purpose(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<Purpose> {
    let table = named.table;
    let use_key = read::filled(table, "use", loader);
    let basis = read::table(table, "basis").and_then(|(table, span)| Some(Spanned { value: basis(table, loader)?, span }));
    let allows = table.get("allows").map(|node| Spanned { value: read::texts(table, "allows"), span: node.span });
    Some(Purpose {
        id: named.id(),
        name: read::wording(table, "name", loader),
        owner: read::filled(table, "owner", loader),
        rationale: read::wording(table, "rationale", loader),
        special: read::one(table, "special", loader, special),
        statistical: read::flag(table, "statistical"),
        profiling: read::flag(table, "profiling"),
        automated_decision: read::flag(table, "automated_decision"),
        art22: read::word(table, "art22"),
        prevents_right: read::flag(table, "prevents_right"),
        objection: read::filled(table, "objection", loader),
        use_key: use_key?,
        basis: basis?,
        allows: allows?,
    })
}

fn basis(table: &Table, loader: &mut Loader<'_>) -> Option<Basis> {
    Some(Basis {
        contract: read::filled(table, "contract", loader),
        law: read::filled(table, "law", loader),
        interest: read::wording(table, "interest", loader),
        lia: read::filled(table, "lia", loader),
        reason: read::filled(table, "reason", loader),
        consent_scope: read::filled(table, "consent_scope", loader),
        proof: read::filled(table, "proof", loader),
        art6: letter(table, "art6")?.value,
    })
}

fn letter(table: &Table, name: &str) -> Option<Spanned<char>> {
    let written = read::text(table, name)?;
    Some(Spanned { value: written.value.chars().next()?, span: written.span })
}

fn special(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Special> {
    let (law, consent) = (read::filled(table, "law", loader), read::filled(table, "consent", loader));
    Some(Special { span, art9: letter(table, "art9"), law, consent })
}

pub(super) fn compatibility(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Compatibility> {
    let from = read::filled(table, "from", loader);
    let to = read::filled(table, "to", loader);
    let assessment = read::filled(table, "assessment", loader);
    let requires = read::words(table, "requires");
    let approved = read::one(table, "approved", loader, operator::approval);
    if let (Some(from), Some(to)) = (&from, &to)
        && from.value == to.value
    {
        let problem = Problem::new(Code::E003, "a purpose needs no assessment for itself", "name another purpose, or remove this table");
        loader.findings.push(problem.at(to.span, "the same purpose").at(from.span, "collected for this one"));
    }
    Some(Compatibility { span, from: from?, to: to?, assessment: assessment?, requires, approved })
}

pub(super) fn retention(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<Retention> {
    let table = named.table;
    let kind = read::word(table, "kind");
    let period = read::period(table, "period", loader);
    let start = start(table, loader);
    let mut statute = read::filled_texts(table, "statute", loader);
    statute.extend(read::filled(table, "statute", loader));
    Some(Retention {
        id: named.id(),
        start,
        name: read::wording(table, "name", loader),
        statute,
        suspend: read::filled(table, "suspend", loader),
        then: read::word(table, "then"),
        rationale: read::wording(table, "rationale", loader),
        kind: kind?.value,
        period: period?,
    })
}

fn start(table: &Table, loader: &mut Loader<'_>) -> Option<Spanned<Start>> {
    let written = read::filled(table, "start", loader)?;
    let at_end = written.value.strip_prefix("end-of-calendar-year:");
    let event = at_end.unwrap_or(&written.value);
    if event.contains([':', ' ']) || field_path(event).is_err() {
        let title = format!("`{}` is not the start of a period", shorten(&written.value));
        let help = "write the event or the field that holds its date: `last_contact`, `end-of-calendar-year:invoice_date`";
        loader.findings.wrong(written.span, title, help);
        return None;
    }
    Some(Spanned { value: Start { event: event.to_owned(), end_of_year: at_end.is_some() }, span: written.span })
}

pub(super) fn pseudonym(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<PseudonymDomain> {
    let table = named.table;
    let key = secret::key(table, &format!("pseudonym.{}", shorten(&named.id.value)), loader);
    let method = read::word(table, "method").map_or(PseudonymMethod::HmacSha256, |method| method.value);
    let rotate = read::period(table, "rotate", loader);
    let holders = read::filled_texts(table, "holders", loader);
    if let Some(written) = table.get("reversible") {
        let reversible = matches!(written.value, Raw::Boolean(true));
        if matches!(written.value, Raw::Boolean(_)) && reversible != (method == PseudonymMethod::AesSiv) {
            let title = format!("pseudonyms by `{method}` are {}reversible", if reversible { "not " } else { "" });
            loader.findings.wrong(
                written.span,
                title,
                "correct `reversible`, or choose `hmac-sha256` (not reversible) or `aes-siv` (reversible)",
            );
        }
    }
    Some(PseudonymDomain { id: named.id(), key: key?, method, rotate, holders })
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
            let name = read::wording(table, "name", loader);
            found.insert(key.value, CategoryExtension { span: key.span, parent: parent.value, marks, name });
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

pub(super) fn subjects(root: &Table, loader: &mut Loader<'_>) -> BTreeMap<String, SubjectExtension> {
    let mut found: BTreeMap<String, SubjectExtension> = BTreeMap::new();
    for node in read::items(root, "subject") {
        let Raw::Table(table) = &node.value else { continue };
        let Some(key) = read::text(table, "key") else { continue };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        if key.value.is_empty() || key.value.len() > 64 || !key.value.bytes().all(plain) {
            let title = format!("`{}` cannot be the key of a data subject", shorten(&key.value));
            loader.findings.wrong(key.span, title, "use lower-case letters, digits and `_`, at most 64 of them");
        } else if let Some(first) = found.get(&key.value) {
            let problem = twice(&key, first.span);
            loader.findings.push(problem);
        } else {
            let name = read::wording(table, "name", loader);
            found.insert(key.value, SubjectExtension { span: key.span, name });
        }
    }
    found
}

pub(super) fn twice(key: &Spanned<String>, first: Span) -> Problem {
    let code = if first.file == key.span.file { Code::E003 } else { Code::E005 };
    Problem::new(code, format!("`{}` is declared twice", shorten(&key.value)), "keep one of the two")
        .at(key.span, "the second one")
        .at(first, "the first one")
}
