//! What an action may be used for: names that it needs (E103), hashes that can be guessed (E122), and addresses that would stay whole.

use super::{closest, unknown};
use crate::manifest::{Action, Flow, Manifest};
use crate::policy::LabelledField;
use crate::problem::{Code, Problem, Spanned};
use crate::treat;
use crate::vocab;

/// The category of IP addresses.
const ADDRESS: &str = "user.device.ip_address";

/// Domains and recipients that actions name.
pub(super) fn names_exist(manifest: &Manifest, flow: &Flow, found: &mut Vec<Problem>) {
    for field in &flow.fields {
        let mut missing = |what: &str, name: &str, near: Option<String>| {
            found.push(unknown(what, &Spanned { value: name.to_owned(), span: field.action.span }, near));
        };
        match &field.action.value {
            Action::Pseudonymise { domain } if !manifest.pseudonyms.contains_key(domain) => {
                missing("pseudonym domain", domain, closest(domain, manifest.pseudonyms.keys()));
            }
            Action::Encrypt { recipient } => {
                if let Some(id) = recipient.strip_prefix("age:").filter(|id| !manifest.recipients.contains_key(*id)) {
                    missing("recipient", id, closest(id, manifest.recipients.keys()));
                }
            }
            _ => {}
        }
    }
}

/// Actions against the categories that they are used on.
pub(super) fn check(manifest: &Manifest, flow: &Flow, fields: &[LabelledField], found: &mut Vec<Problem>) {
    for field in fields {
        let is_address = super::is_within(manifest, &field.category, ADDRESS);
        match &field.action {
            Action::Hash if is_enumerable(manifest, &field.category) => found.push(guessable(manifest, flow, field)),
            Action::Network { named: false } if !is_address => found.push(wrong(
                flow,
                field,
                format!("`{}` carries `{}`: how much of it is kept?", field.path, field.category),
                "write `keep = 2` for the first characters, or `network = true` if the values are IP addresses",
            )),
            Action::Truncate { .. } if is_address => found.push(wrong(
                flow,
                field,
                format!("`{}` is an IP address: its first characters may be all of it", field.path),
                "write `network = true` in place of `keep`",
            )),
            _ => {}
        }
    }
}

fn wrong(flow: &Flow, field: &LabelledField, title: String, help: &str) -> Problem {
    Problem::new(Code::E003, title, help).at(super::action_span(flow, &field.path), "cut here")
}

/// E122.
fn guessable(manifest: &Manifest, flow: &Flow, field: &LabelledField) -> Problem {
    let (path, category) = (&field.path, &field.category);
    let problem = Problem::new(
        Code::E122,
        format!("flow `{}` is denied: `{path}` is hashed without a key, and values of `{category}` can be tried out", flow.id.value),
        format!("use a key: `{path} = {{ action = \"pseudonymise\", domain = \"ID\" }}`, and declare `[pseudonym.ID]`"),
    )
    .at(super::action_span(flow, path), "SHA-256 says who it is to everybody who tries");
    let declared = manifest.streams.get(&flow.from.value).and_then(|own| own.labels().find(|(own, _)| path.is_within(&own.value)));
    match declared {
        Some((_, label)) => problem.at(label.span, "this category can be tried out"),
        None => problem.at(flow.from.span, format!("the connector labels the field `{category}`")),
    }
}

/// A manifest adds marks to keys; it cannot take them away.
fn is_enumerable(manifest: &Manifest, category: &str) -> bool {
    let marked = manifest
        .categories
        .iter()
        .any(|(key, extension)| vocab::is_within(category, key) && extension.marks.iter().any(|mark| mark == "enumerable"));
    marked || treat::is_enumerable(category)
}
