//! Who is responsible, and for which vocabulary the manifest was written.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;

use super::super::load::Loader;
use super::super::raw::Table;
use super::super::{Approval, Officer, Operator, Taxonomy};
use super::{country, read, schedule};
use crate::manifest::finding::shorten;
use crate::problem::{Span, Spanned};

pub(super) fn operator(table: &Table, _: Span, loader: &mut Loader<'_>) -> Option<Operator> {
    let name = read::filled(table, "name", loader);
    let contact = read::filled(table, "contact", loader);
    let calendar = read::text(table, "calendar").filter(|written| country::known_calendar(written, loader));
    Some(Operator {
        address: read::filled(table, "address", loader),
        country: read::country(table, "country", loader),
        dpo: read::one(table, "dpo", loader, officer),
        representative: read::filled(table, "representative", loader),
        authority: read::filled(table, "authority", loader),
        timezone: schedule::zone_of(table, "timezone", loader),
        calendar,
        languages: read::words(table, "languages"),
        name: name?,
        contact: contact?,
    })
}

fn officer(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Officer> {
    let name = read::filled(table, "name", loader);
    let email = read::filled(table, "email", loader).filter(|email| {
        let fits = email.value.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
        let fits = fits && !email.value.contains(char::is_whitespace);
        if !fits {
            loader.findings.wrong(email.span, "this is not an e-mail address", "write it as `name@host`");
        }
        fits
    });
    Some(Officer { span, name: name?, email: email? })
}

pub(super) fn taxonomy(table: &Table, _: Span, loader: &mut Loader<'_>) -> Option<Taxonomy> {
    let base_version = read::filled(table, "base_version", loader);
    Some(Taxonomy { base: read::word(table, "base")?, base_version })
}

/// `{ by, at, digest }`; `by` is one or a list.
pub(super) fn approval(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Approval> {
    let mut by = read::filled_texts(table, "by", loader);
    by.extend(read::filled(table, "by", loader));
    if let Some(node) = table.get("by").filter(|_| by.is_empty()) {
        loader.findings.wrong(node.span, "nobody is named here", "name the roles or people who approved: `[\"role:sales\", \"dpo\"]`");
        return None;
    }
    let at = read::date(table, "at", loader);
    let digest = read::text(table, "digest").filter(|digest| {
        let fits =
            digest.value.strip_prefix("sha256:").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()));
        if !fits {
            let title = format!("`{}` is not a digest", shorten(&digest.value));
            loader.findings.wrong(digest.span, title, "write `sha256:` and the digest that was approved");
        }
        fits
    });
    Some(Approval { span, by, at: at?, digest })
}

/// `[approver]`: role → public keys in hex.
pub(super) fn approvers(root: &Table, loader: &mut Loader<'_>) -> BTreeMap<String, Vec<Spanned<[u8; 32]>>> {
    let Some((table, _)) = read::table(root, "approver") else { return BTreeMap::new() };
    let mut found = BTreeMap::new();
    for (role, _) in &table.entries {
        let mut keys = Vec::new();
        for text in read::texts(table, &role.value) {
            match HEXLOWER.decode(text.value.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()) {
                Some(key) => keys.push(Spanned { value: key, span: text.span }),
                None => {
                    let title = format!("`{}` is no public key", shorten(&text.value));
                    loader.findings.wrong(
                        text.span,
                        title,
                        "write the 64 characters that `hub approve --new-key FILE` says, of whoever has this role",
                    );
                }
            }
        }
        found.insert(role.value.clone(), keys);
    }
    found
}
