//! Where two canonical forms differ. Says nothing about what a difference means.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A place where two forms differ: the shortest path below which everything is new, gone or different.
#[derive(Debug)]
pub(super) struct Difference<'v> {
    /// Keys from the root.
    pub path: Vec<String>,
    /// None: it is new.
    pub before: Option<&'v Value>,
    /// None: it is gone.
    pub after: Option<&'v Value>,
}

/// All differences, sorted by path.
pub(super) fn differences<'v>(before: &'v Value, after: &'v Value) -> Vec<Difference<'v>> {
    differences_of(before, after, &|_| false)
}

/// All differences, where tables at some paths are compared as a whole.
pub(super) fn differences_of<'v>(before: &'v Value, after: &'v Value, is_whole: &dyn Fn(&[String]) -> bool) -> Vec<Difference<'v>> {
    let mut walk = Walk { path: Vec::new(), found: Vec::new(), is_whole };
    walk.compare(Some(before), Some(after));
    walk.found
}

struct Walk<'v, 'w> {
    path: Vec<String>,
    found: Vec<Difference<'v>>,
    is_whole: &'w dyn Fn(&[String]) -> bool,
}

impl<'v> Walk<'v, '_> {
    fn compare(&mut self, before: Option<&'v Value>, after: Option<&'v Value>) {
        if before == after {
            return;
        }
        let is_whole = (self.is_whole)(&self.path);
        match (members(&self.path, before), members(&self.path, after)) {
            (Some(left), Some(right)) if !is_whole => {
                let keys: BTreeSet<&String> = left.iter().chain(&right).flat_map(|entries| entries.keys()).collect();
                for key in keys {
                    self.path.push(key.clone());
                    let of = |entries: Option<&'v Map<String, Value>>| entries.and_then(|entries| entries.get(key));
                    self.compare(of(left), of(right));
                    self.path.pop();
                }
            }
            _ => self.found.push(Difference { path: self.path.clone(), before, after }),
        }
    }
}

/// The entries of an object. A section, a system among the streams, and the list of anchors, is an empty object where it is absent: what stands in it is what is new or
/// gone. None for anything else that has no entries.
fn members<'v>(path: &[String], value: Option<&'v Value>) -> Option<Option<&'v Map<String, Value>>> {
    if let Some(value) = value {
        return value.as_object().map(Some);
    }
    let holds_tables = match path {
        [section] => !SINGLE.contains(&section.as_str()),
        [section, key] => section == "stream" || (section == "audit" && key == "anchor"),
        _ => false,
    };
    holds_tables.then_some(None)
}

/// Sections that are one table each.
const SINGLE: &[&str] = &["operator", "taxonomy", "dsr", "breach"];

/// A path as people write it: `system.crm.contract.valid_until`. Keys that hold dots or white space are quoted.
pub(super) fn show(path: &[String]) -> String {
    let key = |key: &String| {
        let bare = !key.is_empty() && !key.contains(|character: char| character == '.' || character == '"' || character.is_whitespace());
        if bare { key.clone() } else { format!("{key:?}") }
    };
    path.iter().map(key).collect::<Vec<_>>().join(".")
}
