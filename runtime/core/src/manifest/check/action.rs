//! One field's action: which keys it takes, and their values. Recipients, which actions rest on.

use super::super::load::Loader;
use super::super::raw::{Raw, Table};
use super::super::{Action, Coarser, Missing, Recipient};
use super::read::path;
use super::{Named, read};
use crate::detect::{Detector, DetectorSet};
use crate::manifest::finding::shorten;
use crate::problem::Span;

/// What an action needs and takes beside `to`, in words of the grammar.
struct Keys {
    needs: &'static [&'static str],
    takes: &'static [&'static str],
}

/// Keys of a field's table that belong to single actions, each with an example.
const OWN: [(&str, &str); 15] = [
    ("value", "\"unknown\""),
    ("first", "1"),
    ("last", "2"),
    ("keep", "2"),
    ("network", "true"),
    ("domain", "\"analytics\""),
    ("to_unit", "\"month\""),
    ("bucket", "100"),
    ("map", "{ AT = \"EU\" }"),
    ("detectors", "[\"email\", \"iban\"]"),
    ("recipient", "\"age:adviser\""),
    ("via", "\"erp.parties.code\""),
    ("missing", "\"null\""),
    ("with", "[\"lastname\"]"),
    ("separator", "\", \""),
];

pub(super) fn plain(word: &str) -> Option<Action> {
    match word {
        "allow" => Some(Action::Allow),
        "drop" => Some(Action::Drop),
        "null" => Some(Action::Null),
        "hash" => Some(Action::Hash),
        _ => None,
    }
}

fn keys(word: &str) -> Option<Keys> {
    let (needs, takes): (&[&str], &[&str]) = match word {
        "allow" | "drop" | "null" | "hash" => (&[], &[]),
        "constant" => (&["value"], &[]),
        "mask" => (&[], &["first", "last"]),
        "pseudonymise" => (&["domain"], &[]),
        "truncate" => (&[], &["keep", "network"]),
        "generalise" => (&[], &["to_unit", "bucket", "map"]),
        "redact" => (&["detectors"], &[]),
        "encrypt" => (&["recipient"], &[]),
        "lookup" => (&["via"], &["missing"]),
        "concat" => (&[], &["with", "separator"]),
        _ => return None,
    };
    Some(Keys { needs, takes })
}

/// The action of a field's table.
pub(super) fn action(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Action> {
    let word = read::text(table, "action")?.value;
    let keys = keys(&word)?;
    for (key, _) in &table.entries {
        let name = key.value.as_str();
        let known = OWN.iter().any(|(own, _)| *own == name) || (name == "to" && word == "drop");
        if known && !keys.needs.contains(&name) && !keys.takes.contains(&name) {
            let title = format!("`{name}` has no meaning with the action `{word}`");
            loader.findings.wrong(key.span, title, "remove it, or choose another action");
        }
    }
    for key in keys.needs.iter().filter(|key| table.get(key).is_none()) {
        let example = OWN.iter().find(|(own, _)| own == key).map_or("\"\"", |(_, example)| example);
        loader.findings.missing(span, key, &format!("a field with the action `{word}`"), example);
    }
    match word.as_str() {
        "constant" => table.get("value").and_then(|value| read::json(value, loader)).map(Action::Constant),
        "mask" => Some(Action::Mask { first: read::number(table, "first").unwrap_or(0), last: read::number(table, "last").unwrap_or(0) }),
        "pseudonymise" => read::filled(table, "domain", loader).map(|domain| Action::Pseudonymise { domain: domain.value }),
        "truncate" => truncate(table, span, loader),
        "generalise" => generalise(table, span, loader).map(Action::Generalise),
        "redact" => redact(table, loader),
        "encrypt" => recipient_name(table, loader).map(|recipient| Action::Encrypt { recipient }),
        "lookup" => lookup(table, loader),
        "concat" => concat(table, loader),
        word => plain(word),
    }
}

fn truncate(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Action> {
    let network = match table.get("network").map(|node| &node.value) {
        Some(Raw::Boolean(network)) => Some(*network),
        _ => None,
    };
    match (table.get("keep"), network) {
        (Some(keep), Some(_)) => {
            loader.findings.wrong(keep.span, "`keep` counts characters, `network` keeps a network: not both", "keep one of the two");
            None
        }
        (Some(_), None) => read::number(table, "keep").map(|keep| Action::Truncate { keep }),
        (None, Some(false)) => {
            loader.findings.missing(span, "keep", "a field with the action `truncate`", "2");
            None
        }
        (None, network) => Some(Action::Network { named: network.is_some() }),
    }
}

fn generalise(table: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Coarser> {
    let mut ways = ["to_unit", "bucket", "map"].iter().filter_map(|way| table.entry(way));
    let Some((_, node)) = ways.next() else {
        loader.findings.missing(span, "to_unit", "a field with the action `generalise`", "\"month\"");
        return None;
    };
    if let Some((other, _)) = ways.next() {
        loader.findings.wrong(other.span, "a value can be generalised in one way only", "keep one of `to_unit`, `bucket` and `map`");
        return None;
    }
    match &node.value {
        Raw::Integer(Some(bucket)) => u64::try_from(*bucket).ok().filter(|bucket| *bucket > 0).map(Coarser::Bucket),
        Raw::Table(map) => coarser_texts(map, node.span, loader),
        _ => read::word(table, "to_unit").map(|unit| Coarser::Date(unit.value)),
    }
}

fn coarser_texts(map: &Table, span: Span, loader: &mut Loader<'_>) -> Option<Coarser> {
    let (mut entries, mut default) = (Vec::new(), None);
    for (key, node) in &map.entries {
        match read::as_text(node) {
            Some(text) if key.value == "default" => default = Some(text.value),
            Some(text) => entries.push((key.value.clone(), text.value)),
            None => loader.findings.wrong(node.span, format!("`{}` must become a text", shorten(&key.value)), "write a text in quotes"),
        }
    }
    if map.entries.is_empty() {
        loader.findings.wrong(span, "a map without entries makes every value invalid", "write what becomes what: `AT = \"EU\"`");
        return None;
    }
    entries.sort();
    Some(Coarser::Map { entries, default })
}

fn redact(table: &Table, loader: &mut Loader<'_>) -> Option<Action> {
    let node = table.get("detectors")?;
    let names = read::texts(table, "detectors");
    let detectors = names.iter().filter_map(|name| Detector::parse(&name.value)).fold(DetectorSet::NONE, DetectorSet::with);
    if names.is_empty() && matches!(node.value, Raw::List(_)) {
        loader.findings.wrong(node.span, "a text is not redacted without detectors", "name what is looked for: `[\"email\", \"iban\"]`");
    }
    (!detectors.is_empty()).then_some(Action::Redact { detectors })
}

fn recipient_name(table: &Table, loader: &mut Loader<'_>) -> Option<String> {
    let written = read::filled(table, "recipient", loader)?;
    let fits = written.value.strip_prefix("age:").map_or_else(|| Recipient::key(&written.value).is_some(), |id| !id.is_empty());
    if !fits {
        let title = format!("`{}` does not name a recipient", shorten(&written.value));
        loader.findings.wrong(written.span, title, "write `age:ID` for `[recipient.ID]`, or the `age1…` key itself");
    }
    fits.then_some(written.value)
}

fn lookup(table: &Table, loader: &mut Loader<'_>) -> Option<Action> {
    let via = read::filled(table, "via", loader)?;
    if Action::via_places(&via.value).is_empty() {
        let title = format!("`{}` does not name a field of a stream", shorten(&via.value));
        loader.findings.wrong(via.span, title, "write system, stream and field joined by dots: `erp.parties.code`");
        return None;
    }
    let missing = read::word(table, "missing");
    Some(Action::Lookup { via: via.value, missing: missing.map_or(Missing::Invalid, |missing| missing.value) })
}

fn concat(table: &Table, loader: &mut Loader<'_>) -> Option<Action> {
    let with = read::texts(table, "with").iter().filter_map(|text| path(text, loader)).collect();
    let separator = read::text(table, "separator").map_or_else(|| " ".to_owned(), |separator| separator.value);
    Some(Action::Concat { with, separator })
}

/// `[recipient.ID]`.
pub(super) fn recipient(named: &Named<'_>, loader: &mut Loader<'_>) -> Option<Recipient> {
    let age = read::filled(named.table, "age", loader)?;
    if Recipient::key(&age.value).is_none() {
        let help = "write the public key as `age-keygen -y` prints it; a secret key (`AGE-SECRET-KEY-1…`) has no place here";
        if age.value.to_ascii_uppercase().contains("SECRET") {
            loader.findings.secrets.push(age.span);
        }
        loader.findings.wrong(age.span, "this is no age recipient of the kind X25519", help);
        return None;
    }
    Some(Recipient { id: named.id(), age })
}
