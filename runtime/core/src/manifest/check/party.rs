//! Who runs a system, where, under which contract, and what carries transfers.

use std::collections::BTreeMap;

use super::super::load::Loader;
use super::super::raw::Table;
use super::super::{Backup, Contract, Disclosure, Hosting, ImpactAssessment, RightsSupport, Subprocessor, Transfer};
use super::read;
use crate::manifest::finding::shorten;
use crate::problem::{Code, Problem, Span, Spanned};

pub(super) fn hosting(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Hosting> {
    let country = read::country(table, "country", loader);
    let region = read::filled(table, "region", loader);
    let provider = read::filled(table, "provider", loader);
    Some(Hosting { span, country: country?, region, provider })
}

pub(super) fn backup(table: &Table, _: Span, loader: &mut Loader<'_>) -> Option<Backup> {
    Some(Backup { rotation: read::period(table, "rotation", loader)? })
}

pub(super) fn rights(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<RightsSupport> {
    Some(RightsSupport {
        span,
        access: read::word(table, "access"),
        rectify: read::word(table, "rectify"),
        erase: read::word(table, "erase"),
        restrict: read::word(table, "restrict"),
        procedure: read::filled(table, "procedure", loader),
        remote_suppression: read::flag(table, "remote_suppression"),
    })
}

pub(super) fn disclosure(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Disclosure> {
    Some(Disclosure { span, law: read::filled(table, "law", loader)? })
}

pub(super) fn contract(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Contract> {
    let reference = read::filled(table, "ref", loader);
    let signed = read::date(table, "signed", loader);
    let valid_until = read::date(table, "valid_until", loader);
    if let (Some(first), Some(last)) = (&signed, &valid_until)
        && last.value < first.value
    {
        let problem = Problem::new(Code::E003, "the contract ends before it begins", "correct one of the two days");
        loader.findings.push(problem.at(last.span, "its last day").at(first.span, "its first day"));
    }
    let reviewed = read::date(table, "reviewed", loader);
    let review_every = read::period(table, "review_every", loader);
    let subprocessors = read::listed(table, "subprocessors", loader, subprocessor);
    Some(Contract {
        span,
        kind: read::word(table, "kind")?,
        reference: reference?,
        signed: signed?,
        valid_until,
        reviewed,
        review_every,
        subprocessors,
    })
}

fn subprocessor(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Subprocessor> {
    let name = read::filled(table, "name", loader);
    let country = read::country(table, "country", loader);
    let approved = read::date(table, "approved", loader);
    Some(Subprocessor { span, name: name?, country: country?, approved })
}

/// The transfers of a system; ids are told if they stand twice.
pub(super) fn transfers(table: &Table, loader: &mut Loader<'_>) -> Vec<Transfer> {
    let found = read::listed(table, "transfer", loader, transfer);
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for id in found.iter().filter_map(|transfer| transfer.id.as_ref()) {
        if let Some(first) = seen.insert(&id.value, id.span) {
            let problem =
                Problem::new(Code::E003, format!("the transfer `{}` is declared twice", shorten(&id.value)), "keep one of the two");
            loader.findings.push(problem.at(id.span, "the second one").at(first, "the first one"));
        }
    }
    found
}

fn transfer(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Transfer> {
    let module = read::count(table, "module");
    let module = module.and_then(|module| Some(Spanned { value: u32::try_from(module.value).ok()?, span: module.span }));
    let to = read::country(table, "to", loader);
    Some(Transfer {
        span,
        id: read::filled(table, "id", loader),
        instrument: read::filled(table, "instrument", loader),
        evidence: read::filled(table, "evidence", loader),
        checked: read::date(table, "checked", loader),
        recheck: read::period(table, "recheck", loader),
        fallback: read::filled(table, "fallback", loader),
        module,
        signed: read::date(table, "signed", loader),
        tia: read::one(table, "tia", loader, assessment),
        reference: read::filled(table, "ref", loader),
        mechanism: read::word(table, "mechanism")?,
        to: to?,
    })
}

fn assessment(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<ImpactAssessment> {
    let reference = read::filled(table, "ref", loader);
    let reviewed = read::date(table, "reviewed", loader);
    Some(ImpactAssessment { span, reference: reference?, reviewed })
}
