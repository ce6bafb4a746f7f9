//! Reads the text of a lock. Whoever can write to a repository can write it: nothing is taken that does not fit its digest, every fault is told (E505).

use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;

use super::sign::{is_reason, is_role};
use super::{Approval, Lock, MAX_APPROVALS, MAX_LOCK_BYTES};
use crate::change::{State, canonical};
use crate::date::Date;
use crate::manifest::raw::{self, Node, Raw, Table};
use crate::manifest::shorten;
use crate::problem::{Code, Problem, Problems, Span};

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
        self.keys(root, &["lock", "applied", "approval", "closure"]);
        let applied = root.get("applied").and_then(|node| self.applied(node));
        let approvals = root.get("approval").map_or_else(Vec::new, |node| self.approvals(node));
        let closures = root.get("closure").map_or_else(Vec::new, |node| self.closures(node));
        Lock { applied, approvals, closures: closures.into_iter().collect() }
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

/// True for the hex of a SHA-256.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
