//! Follows references: a text that begins with `#/` stands for what it points to, and `$ref` puts the members of a mapping below the mapping's own.
//!
//! What a reference means depends on nothing but its text, so each is followed once and shared. A reference that leads back to itself is a fault.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::fault::{Fault, Kind, Mark};
use crate::value::Value;
use crate::yaml::{Content, Entries, Entry, Mapping, Node, Sequence};

use super::{MAX_RESOLVED, MAX_RESOLVED_NESTING};

/// Members whose values belong to the configuration: what looks like a reference there is none.
const CONFIGURATION_FIELDS: [&str; 1] = ["config_overrides"];
/// References that follow one on another, and nodes in nodes, at most.
const MAX_STEPS: u32 = 200;
/// Faults that are told at most.
const MAX_TOLD: usize = 200;

/// Follows all references of a manifest.
///
/// # Errors
/// References that lead nowhere or back to themselves, and results that are too large.
pub fn follow(root: &Node) -> Result<Node, Vec<Fault>> {
    let mut follower =
        Follower { root, followed: HashMap::new(), done: HashMap::new(), under_way: HashSet::new(), path: Vec::new(), faults: Vec::new() };
    let result = follower.node(root, 0);
    let mut faults = follower.faults;
    match result {
        Ok(node) if faults.is_empty() => Ok(node),
        Ok(_) => Err(sorted(faults)),
        Err(fault) => {
            faults.push(fault);
            Err(sorted(faults))
        }
    }
}

pub(super) fn sorted(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort();
    faults.dedup();
    faults
}

struct Follower<'root> {
    root: &'root Node,
    /// What each reference stands for.
    followed: HashMap<Arc<str>, Node>,
    /// What became of each shared subtree, by its address in `root`.
    done: HashMap<usize, Node>,
    under_way: HashSet<Arc<str>>,
    path: Vec<Arc<str>>,
    faults: Vec<Fault>,
}

impl Follower<'_> {
    fn fault(&self, mark: Option<Mark>, kind: Kind, message: String) -> Fault {
        Fault { mark, path: self.path.join("."), kind, message }
    }

    /// Tells a fault and goes on with nothing in its place.
    fn wrong(&mut self, mark: Option<Mark>, message: String) -> Node {
        if self.faults.len() < MAX_TOLD {
            self.faults.push(self.fault(mark, Kind::Invalid, message));
        }
        Node::scalar(mark, Value::None)
    }

    fn node(&mut self, node: &Node, steps: u32) -> Result<Node, Fault> {
        if steps > MAX_STEPS {
            return Err(self.fault(node.mark, Kind::Limit, format!("references lead deeper than {MAX_STEPS} levels")));
        }
        let address = match &node.content {
            Content::Scalar(Value::Str(text)) if text.starts_with("#/") => return self.reference(text, node.mark, steps),
            Content::Scalar(_) => return Ok(node.clone()),
            Content::Sequence(sequence) => Arc::as_ptr(sequence).addr(),
            Content::Mapping(mapping) => Arc::as_ptr(mapping).addr(),
        };
        if let Some(done) = self.done.get(&address) {
            return Ok(done.clone());
        }
        let result = match &node.content {
            Content::Sequence(sequence) => self.sequence(node, sequence, steps)?,
            Content::Mapping(mapping) => self.mapping(node, mapping, steps)?,
            Content::Scalar(_) => node.clone(),
        };
        self.check_size(&result)?;
        self.done.insert(address, result.clone());
        Ok(result)
    }

    fn check_size(&self, node: &Node) -> Result<(), Fault> {
        if node.size() > MAX_RESOLVED {
            return Err(self.fault(node.mark, Kind::Limit, format!("more than {MAX_RESOLVED} values behind its references")));
        }
        if node.depth() > MAX_RESOLVED_NESTING {
            return Err(self.fault(
                node.mark,
                Kind::Limit,
                format!("nested deeper than {MAX_RESOLVED_NESTING} levels behind its references"),
            ));
        }
        Ok(())
    }

    fn sequence(&mut self, node: &Node, sequence: &Sequence, steps: u32) -> Result<Node, Fault> {
        let mut items = Vec::with_capacity(sequence.items().len());
        let mut changed = false;
        for (index, item) in sequence.items().iter().enumerate() {
            self.path.push(index.to_string().into());
            let result = self.node(item, steps + 1)?;
            self.path.pop();
            changed |= is_changed(item, &result);
            items.push(result);
        }
        Ok(if changed { Node::sequence(node.mark, items) } else { node.clone() })
    }

    fn mapping(&mut self, node: &Node, mapping: &Mapping, steps: u32) -> Result<Node, Fault> {
        let mut own = Entries::with_capacity(mapping.entries().len());
        let mut changed = false;
        for (key, entry) in mapping.entries().iter().filter(|(key, _)| key.as_ref() != "$ref") {
            if CONFIGURATION_FIELDS.contains(&key.as_ref()) {
                own.insert(key.clone(), entry.clone());
                continue;
            }
            self.path.push(key.clone());
            let result = self.node(&entry.node, steps + 1)?;
            self.path.pop();
            changed |= is_changed(&entry.node, &result);
            own.insert(key.clone(), Entry { key_mark: entry.key_mark, node: result });
        }
        let Some(target) = mapping.entries().get("$ref") else {
            return Ok(if changed { Node::mapping(node.mark, own) } else { node.clone() });
        };
        let target = self.node(&target.node, steps + 1)?;
        match target.entries() {
            None => Ok(target),
            Some(_) if own.is_empty() => Ok(target),
            Some(below) => {
                let mut all = below.clone();
                all.extend(own);
                Ok(Node::mapping(node.mark, all))
            }
        }
    }

    fn reference(&mut self, text: &Arc<str>, mark: Option<Mark>, steps: u32) -> Result<Node, Fault> {
        if let Some(followed) = self.followed.get(text) {
            return Ok(followed.clone());
        }
        if !self.under_way.insert(text.clone()) {
            return Ok(self.wrong(mark, format!("the reference `{text}` leads back to itself")));
        }
        let path = text.strip_prefix("#/").unwrap_or(text);
        // A reference ends with its line.
        let path = path.split('\n').next().unwrap_or(path);
        let result = match look_up(self.root, path) {
            Some(target) => self.node(&target, steps + 1)?,
            None => self.wrong(mark, format!("the reference `{text}` leads nowhere")),
        };
        self.under_way.remove(text);
        self.followed.insert(text.clone(), result.clone());
        Ok(result)
    }
}

fn is_changed(before: &Node, after: &Node) -> bool {
    match (&before.content, &after.content) {
        (Content::Scalar(Value::Str(text)), _) => text.starts_with("#/"),
        (Content::Scalar(_), _) => false,
        _ => !before.is_same(after),
    }
}

/// A key may contain slashes: at every level the whole rest is tried as a key first, then its first part.
fn look_up(root: &Node, path: &str) -> Option<Node> {
    let mut node = root.clone();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(found) = node.get(rest) {
            return Some(found.clone());
        }
        let (head, tail) = rest.split_once('/').unwrap_or((rest, ""));
        node = step(&node, head)?;
        rest = tail;
    }
    Some(node)
}

fn step(node: &Node, head: &str) -> Option<Node> {
    if let Some(found) = node.get(head) {
        return Some(found.clone());
    }
    let index: i64 = head.trim().parse().ok()?;
    let at = |length: usize| usize::try_from(if index < 0 { i64::try_from(length).ok()?.checked_add(index)? } else { index }).ok();
    match &node.content {
        Content::Sequence(sequence) => sequence.items().get(at(sequence.items().len())?).cloned(),
        Content::Scalar(Value::Str(text)) => {
            let letter = text.chars().nth(at(text.chars().count())?)?;
            Some(Node::scalar(node.mark, Value::str(letter.to_string())))
        }
        _ => None,
    }
}
