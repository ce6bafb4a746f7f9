//! Reads the text of a lock. Whoever can write to a repository can write it: nothing is taken that does not fit its digest, every fault is told (E505).

use std::collections::BTreeSet;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;

use super::sign::{is_reason, is_role};
use super::{Approval, Lock, MAX_APPROVALS, MAX_LOCK_BYTES};
use crate::change::{State, canonical};
use crate::date::Date;
use crate::description::Capability;
use crate::manifest::raw::{self, Node, Raw, Table};
use crate::manifest::shorten;
use crate::plugin::{Pin, Reference, is_digest, is_plugin_name, is_version, parse_key};
use crate::problem::{Code, Problem, Problems, Span};

/// Connectors of one lock.
const MAX_PLUGINS: usize = 1000;
/// Faults that are told about one lock.
const MAX_FAULTS: usize = 50;
const RESTORE: &str = "restore the lock from version control; hub writes it, nobody edits it";

/// Reads a lock. `file` is its number in the sources.
///
/// # Errors
/// E505: every fault of its form, and every digest that does not fit. Signatures are [`super::check`]'s.
pub fn parse(text: &str, file: u16) -> Result<Lock, Problems> {
    let begin = Span { file, start: 0, end: 0 };
    let mut reader = Reader { found: Vec::new() };
    let lock = if text.len() > MAX_LOCK_BYTES {
        reader.wrong(begin, format!("it is larger than {} MiB", MAX_LOCK_BYTES >> 20));
        Lock::default()
    } else {
        match raw::parse(text, file) {
            Ok(root) => reader.lock(&root, begin),
            Err(problems) => {
                reader.found =
                    problems.into_iter().map(|problem| Problem { code: Code::E505, help: RESTORE.to_owned(), ..problem }).collect();
                Lock::default()
            }
        }
    };
    reader.found.truncate(MAX_FAULTS);
    Problems::new(reader.found).map_or(Ok(lock), Err)
}

struct Reader {
    found: Vec<Problem>,
}

impl Reader {
    fn wrong(&mut self, span: Span, what: impl std::fmt::Display) {
        self.found.push(Problem::new(Code::E505, format!("the lock cannot be used: {what}"), RESTORE).at(span, "here"));
    }

    fn lock(&mut self, root: &Table, begin: Span) -> Lock {
        match root.get("lock") {
            Some(Node { value: Raw::Integer(Some(1)), .. }) => {}
            Some(Node { span, .. }) => {
                let problem = Problem::new(
                    Code::E505,
                    "the lock has a format that this hub does not know",
                    "use the hub that wrote it, or a newer one",
                );
                self.found.push(problem.at(*span, "this format"));
                return Lock::default();
            }
            None => self.wrong(begin, "it does not say its format (`lock = 1`)"),
        }
        self.keys(root, &["lock", "applied", "plugin", "approval", "closure"]);
        let applied = root.get("applied").and_then(|node| self.applied(node));
        let approvals = root.get("approval").map_or_else(Vec::new, |node| self.approvals(node));
        let closures = root.get("closure").map_or_else(Vec::new, |node| self.closures(node));
        let plugins = root.get("plugin").map_or_else(Vec::new, |node| self.plugins(node));
        Lock {
            applied,
            approvals,
            plugins: plugins.into_iter().map(|pin| (pin.name.clone(), pin)).collect(),
            closures: closures.into_iter().collect(),
        }
    }

    fn keys(&mut self, table: &Table, known: &[&str]) {
        for (key, _) in table.entries.iter().filter(|(key, _)| !known.contains(&key.value.as_str())) {
            self.wrong(key.span, format!("it has no key `{}`", shorten(&key.value)));
        }
    }

    fn table<'n>(&mut self, node: &'n Node, name: &str) -> Option<&'n Table> {
        if let Raw::Table(table) = &node.value {
            return Some(table);
        }
        self.wrong(node.span, format!("`{name}` is no table"));
        None
    }

    fn text<'n>(&mut self, table: &'n Table, key: &str, place: Span) -> Option<(&'n str, Span)> {
        match table.get(key) {
            Some(Node { value: Raw::Text(text), span }) => return Some((text, *span)),
            Some(node) => self.wrong(node.span, format!("`{key}` is no text")),
            None => self.wrong(place, format!("`{key}` is missing")),
        }
        None
    }

    fn applied(&mut self, node: &Node) -> Option<State> {
        let table = self.table(node, "applied")?;
        self.keys(table, &["manifest", "digest", "state"]);
        let manifest = self.text(table, "manifest", node.span);
        let digest = self.text(table, "digest", node.span);
        let (text, span) = self.text(table, "state", node.span)?;
        let ((manifest, of_manifest), (digest, of_digest)) = (manifest?, digest?);
        if canonical::hash(text) != digest {
            self.wrong(of_digest, "the digest of what was applied does not fit");
            return None;
        }
        let Some(state) = State::parse(text) else {
            self.wrong(span, "what was applied cannot be read");
            return None;
        };
        if state.digest() != manifest {
            self.wrong(of_manifest, "the digest of the manifest that was applied does not fit");
            return None;
        }
        Some(state)
    }

    fn plugins(&mut self, node: &Node) -> Vec<Pin> {
        let Raw::List(items) = &node.value else {
            self.wrong(node.span, "`plugin` is no list of tables");
            return Vec::new();
        };
        if items.len() > MAX_PLUGINS {
            self.wrong(node.span, format!("it pins more than {MAX_PLUGINS} connectors"));
            return Vec::new();
        }
        items.iter().filter_map(|item| self.plugin(item)).collect()
    }

    fn plugin(&mut self, node: &Node) -> Option<Pin> {
        let table = self.table(node, "plugin")?;
        self.keys(table, &["name", "version", "from", "digest", "component", "signer", "abi", "licence", "categories", "hosts", "imports"]);
        let name = self.text(table, "name", node.span);
        let name = name.filter(|(name, span)| self.holds(is_plugin_name(name), *span, "`name` is not the name of a connector"));
        let version = self.text(table, "version", node.span);
        let version = version.filter(|(version, span)| self.holds(is_version(version), *span, "`version` is none"));
        let from = self.text(table, "from", node.span);
        let from = from.filter(|(from, span)| self.holds(Reference::parse(from).is_ok(), *span, "`from` names nothing in a registry"));
        let digest = self.text(table, "digest", node.span).filter(|(digest, span)| self.is_digest(digest, *span));
        let component = self.text(table, "component", node.span).filter(|(digest, span)| self.is_digest(digest, *span));
        let abi = self.text(table, "abi", node.span);
        let signer = table.get("signer").and_then(|_| self.text(table, "signer", node.span));
        if let Some((key, span)) = signer {
            self.holds(parse_key(key).is_some(), span, "`signer` is no public key");
        }
        let licence = table.get("licence").and_then(|_| self.text(table, "licence", node.span));
        let [categories, hosts, imports] = ["categories", "hosts", "imports"].map(|key| self.texts(table, key, node.span));
        let capability = Capability { categories: categories?, hosts: hosts?, imports: imports? };
        let owned = |text: Option<(&str, Span)>| text.map(|(text, _)| text.to_owned());
        Some(Pin {
            name: owned(name)?,
            version: owned(version)?,
            from: owned(from)?,
            digest: owned(digest)?,
            component: owned(component)?,
            signer: owned(signer),
            abi: owned(abi)?,
            licence: owned(licence),
            capability,
        })
    }

    fn texts(&mut self, table: &Table, key: &str, place: Span) -> Option<BTreeSet<String>> {
        let items = match table.get(key) {
            Some(Node { value: Raw::List(items), .. }) => items,
            Some(node) => {
                self.wrong(node.span, format!("`{key}` is no list"));
                return None;
            }
            None => {
                self.wrong(place, format!("`{key}` is missing"));
                return None;
            }
        };
        let texts = items.iter().map(|item| match &item.value {
            Raw::Text(text) => Some(text.clone()),
            _ => None,
        });
        let texts: Option<BTreeSet<String>> = texts.collect();
        if texts.is_none() {
            self.wrong(place, format!("`{key}` holds something that is no text"));
        }
        texts
    }

    fn approvals(&mut self, node: &Node) -> Vec<Approval> {
        let Raw::List(items) = &node.value else {
            self.wrong(node.span, "`approval` is no list of tables");
            return Vec::new();
        };
        if items.len() > MAX_APPROVALS {
            self.wrong(node.span, format!("it holds more than {MAX_APPROVALS} approvals"));
            return Vec::new();
        }
        items.iter().filter_map(|item| self.approval(item)).collect()
    }

    fn approval(&mut self, node: &Node) -> Option<Approval> {
        let table = self.table(node, "approval")?;
        self.keys(table, &["flow", "closure", "role", "at", "reason", "key", "signature"]);
        let flow = self.text(table, "flow", node.span);
        let closure = self.text(table, "closure", node.span).filter(|(digest, span)| self.is_digest(digest, *span));
        let role = self.text(table, "role", node.span);
        let role = role.filter(|(role, span)| self.holds(is_role(role), *span, "a role is one line of at most 128 characters"));
        let at = self.day(table, node.span);
        let reason = match table.get("reason") {
            None => None,
            Some(_) => {
                let (reason, span) = self.text(table, "reason", node.span)?;
                self.holds(is_reason(reason), span, "a reason is one line of at most 500 characters").then(|| reason.to_owned())
            }
        };
        let key = self.bytes(table, "key", node.span, &HEXLOWER);
        let signature = self.bytes(table, "signature", node.span, &BASE64);
        let ((flow, _), (closure, _), (role, _)) = (flow?, closure?, role?);
        Some(Approval {
            flow: flow.to_owned(),
            closure: closure.to_owned(),
            role: role.to_owned(),
            at: at?,
            reason,
            key: key?,
            signature: signature?,
        })
    }

    fn holds(&mut self, holds: bool, span: Span, else_said: &str) -> bool {
        if !holds {
            self.wrong(span, else_said);
        }
        holds
    }

    fn is_digest(&mut self, text: &str, span: Span) -> bool {
        self.holds(is_digest(text), span, "a digest has 64 characters 0 to 9 and a to f")
    }

    fn day(&mut self, table: &Table, place: Span) -> Option<Date> {
        let (day, span) = match table.get("at") {
            Some(Node { value: Raw::Date(text), span }) => (Date::parse(text), *span),
            Some(node) => (None, node.span),
            None => (None, place),
        };
        if day.is_none() {
            self.wrong(span, "`at` is missing, or no day");
        }
        day
    }

    fn bytes<const N: usize>(&mut self, table: &Table, key: &str, place: Span, encoding: &data_encoding::Encoding) -> Option<[u8; N]> {
        let (text, span) = self.text(table, key, place)?;
        let bytes = encoding.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        if bytes.is_none() {
            self.wrong(span, format!("`{key}` has not the form of one"));
        }
        bytes
    }

    fn closures(&mut self, node: &Node) -> Vec<(String, Value)> {
        let Some(table) = self.table(node, "closure") else { return Vec::new() };
        let read = |(digest, node): &(crate::problem::Spanned<String>, Node)| {
            let text = match &node.value {
                Raw::Text(text) if canonical::hash(text) == digest.value => text,
                _ => {
                    self.wrong(digest.span, "what was approved does not fit its digest");
                    return None;
                }
            };
            match serde_json::from_str::<Value>(text) {
                Ok(value) if value.is_object() => Some((digest.value.clone(), value)),
                _ => {
                    self.wrong(digest.span, "what was approved cannot be read");
                    None
                }
            }
        };
        table.entries.iter().filter_map(read).collect()
    }
}
