//! The gate once more, slow and plain, on `serde_json`: what the scanner must agree with, byte for byte. For tests and fuzzing only.
//!
//! Shares no code with the scanner but the treatments. Builds a tree of each record and walks it beside the shape.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Observed, PageOutcome, PlanRequest, PlannedJoin, ScanReport, Stop};
use crate::manifest::{OnInvalid, OnUndeclared};
use crate::problem::Code;
use crate::record::FieldPath;
use crate::stream::{Leaf, Node, StreamShape};
use crate::treat::{Treatment, is_personal};

mod agree;
mod cases;
mod judge;
mod tree;

pub use agree::{agree_on_lines, agree_on_page};
pub use cases::{Case, cases};
use judge::{Judge, digest, order};
use tree::{Name, Tree};

/// A request, ready to be carried out slowly.
pub struct Oracle<'a> {
    request: &'a PlanRequest<'a>,
    treatments: BTreeMap<String, Treatment>,
    names: BTreeMap<String, String>,
    judges: BTreeMap<String, Judge>,
}

/// What one record leaves behind, if it passes.
#[derive(Default)]
struct Found {
    undeclared: Vec<String>,
    values: BTreeMap<String, Tree>,
}

type Judged<T> = Result<T, (Code, Option<String>)>;

impl<'a> Oracle<'a> {
    /// Takes a request that [`super::FieldPlan::compile`] accepts.
    #[must_use]
    pub fn new(request: &'a PlanRequest<'a>) -> Self {
        let (mut treatments, mut names) = (BTreeMap::new(), BTreeMap::new());
        for field in &request.fields {
            for (path, leaf) in request.shape.leaves_within(&field.path) {
                let category = leaf.category.clone().unwrap_or_default();
                treatments.insert(path.to_string(), field.treatment.for_category(&category));
            }
            let (from, to): (Vec<&str>, Vec<&str>) = (field.path.parts().collect(), field.to.parts().collect());
            for end in 1..=from.len() {
                names.insert(from[..end].join("."), to[end - 1].to_owned());
            }
        }
        for join in &request.joins {
            let (from, to): (Vec<&str>, Vec<&str>) = (join.parts[0].parts().collect(), join.to.parts().collect());
            for end in 1..from.len() {
                names.insert(from[..end].join("."), to[end - 1].to_owned());
            }
        }
        let parts = request.joins.iter().flat_map(|join| &join.parts).map(ToString::to_string);
        let watched = request.primary_key.iter().chain(&request.cursor).map(ToString::to_string);
        let checked: BTreeSet<String> = treatments.keys().cloned().chain(parts).chain(watched).collect();
        let leaves = request.shape.leaves().into_iter().filter(|(path, _)| checked.contains(path.as_str()));
        let judges = leaves.filter_map(|(path, leaf)| Some((path.to_string(), Judge::new(leaf)?))).collect();
        Self { request, treatments, names, judges }
    }

    /// [`super::FieldPlan::scan_lines`], slowly.
    ///
    /// # Errors
    /// As there, with the same code and record; path and message may differ.
    pub fn scan_lines(&self, ndjson: &[u8], out: &mut Vec<u8>, report: &mut ScanReport) -> Result<(), Stop> {
        let (mut batch, mut after) = (Vec::new(), report.clone());
        let mut record = 0;
        for line in ndjson.split(|byte| *byte == b'\n') {
            let text = std::str::from_utf8(line);
            if text.is_ok_and(|text| text.trim_matches([' ', '\t', '\r']).is_empty()) {
                continue;
            }
            let tree = text.ok().and_then(|text| Tree::read(text, 0));
            let judged = tree.ok_or((Code::E219, None)).and_then(|tree| self.record(&tree, &[]));
            self.take(judged, record, &mut batch, &mut after, &mut |_| {})?;
            record += 1;
        }
        out.extend(batch);
        *report = self.finish(after);
        Ok(())
    }

    /// [`super::FieldPlan::scan_page`], slowly.
    ///
    /// # Errors
    /// As there, with the same code and record; path and message may differ.
    pub fn scan_page(
        &self,
        body: &[u8],
        pointer: &str,
        constants: &[(String, String)],
        observe: &[String],
        out: &mut Vec<u8>,
        report: &mut ScanReport,
    ) -> Result<PageOutcome, Stop> {
        let broken = || stop((Code::E219, None), 0);
        let steps = tree::steps(pointer).ok_or_else(broken)?;
        let text = std::str::from_utf8(body).map_err(|_| broken())?;
        self.may_observe(observe)?;
        let added = self.added(constants)?;
        let tree = Tree::read(text, 0).ok_or_else(broken)?;
        let records = match tree.at(&steps).map_err(|()| broken())? {
            None | Some(Tree::Null) => &[],
            Some(Tree::Array(items)) => items.as_slice(),
            Some(object @ Tree::Object(_)) => std::slice::from_ref(object),
            Some(_) => return Err(broken()),
        };
        let mut seen: Vec<Observed> = observe.iter().map(|field| Observed { field: field.clone(), ..Observed::default() }).collect();
        let (mut batch, mut after) = (Vec::new(), report.clone());
        for (at, record) in records.iter().enumerate() {
            let judged = self.record(record, &added);
            self.take(judged, at as u64, &mut batch, &mut after, &mut |found| {
                for observed in &mut seen {
                    note(observed, found.values.get(&observed.field));
                }
            })?;
        }
        out.extend(batch);
        *report = self.finish(after);
        Ok(PageOutcome { extracted: u32::try_from(records.len()).unwrap_or(u32::MAX), observed: seen })
    }

    fn may_observe(&self, fields: &[String]) -> Result<(), Stop> {
        for field in fields {
            let path = FieldPath::parse(field);
            let leaf = path.and_then(|path| scalar_at(self.request.shape, &path));
            if leaf.is_none_or(|leaf| leaf.opaque || is_personal(leaf.category.as_deref())) {
                return Err(stop((Code::E201, None), 0));
            }
        }
        Ok(())
    }

    fn added(&self, constants: &[(String, String)]) -> Result<Vec<(String, Tree)>, Stop> {
        let mut added: Vec<(String, Tree)> = Vec::new();
        for (path, json) in constants {
            let Some(node) = self.request.shape.fields.get(path) else { return Err(stop((Code::E201, None), 0)) };
            if !matches!(node, Node::Leaf(_)) {
                return Err(stop((Code::E220, None), 0));
            }
            let tree = Tree::read(json, 0).filter(|tree| !tree.is_container()).ok_or_else(|| stop((Code::E219, None), 0))?;
            if added.iter().any(|(known, _)| known == path) {
                return Err(stop((Code::E219, None), 0));
            }
            if let Some(judge) = self.judges.get(path) {
                judge.judge(&tree).map_err(|code| stop((code, None), 0))?;
            }
            self.treated(path, &tree).map_err(|fault| stop(fault, 0))?;
            added.push((path.clone(), tree));
        }
        Ok(added)
    }

    fn take(
        &self,
        judged: Judged<(String, Found)>,
        record: u64,
        out: &mut Vec<u8>,
        report: &mut ScanReport,
        passed: &mut dyn FnMut(&Found),
    ) -> Result<(), Stop> {
        let (line, found) = match judged {
            Ok(passing) => passing,
            Err(fault) if self.request.on_invalid == OnInvalid::Stop => return Err(stop(fault, record)),
            Err((code, _)) => {
                *report.rejected.entry(code).or_default() += 1;
                return Ok(());
            }
        };
        if let (OnUndeclared::Hold | OnUndeclared::Stop, Some(path)) = (self.request.on_undeclared, found.undeclared.first()) {
            return Err(stop((Code::E201, Some(path.clone())), record));
        }
        for path in &found.undeclared {
            let full = report.undeclared.keys().filter(|path| *path != "…").count() >= 256 && !report.undeclared.contains_key(path);
            *report.undeclared.entry(if full { "…".to_owned() } else { path.clone() }).or_default() += 1;
            report.dropped_fields += 1;
        }
        if self.request.collect_keys && !self.request.primary_key.is_empty() {
            report.keys.push(digest(self.request.primary_key.iter().filter_map(|path| found.values.get(path.as_str()))));
        }
        if let Some(path) = &self.request.cursor {
            let empty = Observed { field: path.to_string(), ..Observed::default() };
            note(report.cursor.get_or_insert(empty), found.values.get(path.as_str()));
        }
        passed(&found);
        out.extend(line.into_bytes());
        out.push(b'\n');
        report.accepted += 1;
        Ok(())
    }

    /// A batch without records still names the cursor field.
    fn finish(&self, mut report: ScanReport) -> ScanReport {
        if let (Some(path), None) = (&self.request.cursor, &report.cursor) {
            report.cursor = Some(Observed { field: path.to_string(), ..Observed::default() });
        }
        report
    }

    fn record(&self, tree: &Tree, added: &[(String, Tree)]) -> Judged<(String, Found)> {
        let mut found = Found::default();
        let Tree::Object(members) = tree else { return Err((Code::E219, None)) };
        let shape = self.request.shape;
        let line = self.object(members, &shape.fields, &shape.required, "", added, &mut found)?;
        for path in &self.request.primary_key {
            if !found.values.contains_key(path.as_str()) {
                return Err((Code::E220, Some(path.to_string())));
            }
        }
        Ok((line, found))
    }

    fn object(
        &self,
        members: &[(Name, Tree)],
        fields: &BTreeMap<String, Node>,
        required: &[String],
        outer: &str,
        added: &[(String, Tree)],
        found: &mut Found,
    ) -> Judged<String> {
        let mut met = BTreeSet::new();
        let mut written = Vec::new();
        let mut scalars: BTreeMap<String, &Tree> = BTreeMap::new();
        let replaced = |name: &String| added.iter().any(|(path, _)| path == name);
        let own = members.iter().map(|(name, value)| (&name.text, value)).filter(|(name, _)| !replaced(name));
        for (name, value) in added.iter().map(|(name, value)| (name, value)).chain(own) {
            let path = if outer.is_empty() { name.clone() } else { format!("{outer}.{name}") };
            let Some(node) = fields.get(name) else {
                found.undeclared.push(shown(outer, name));
                continue;
            };
            if !met.insert(name) {
                return Err((Code::E219, Some(path)));
            }
            if !value.is_container() {
                scalars.insert(path.clone(), value);
            }
            if let Some(json) = self.value(node, value, &path, found)? {
                let to = self.names.get(&path).unwrap_or(name);
                written.push(format!("{}:{json}", Value::from(to.as_str())));
            }
        }
        for name in required {
            let path = if outer.is_empty() { name.clone() } else { format!("{outer}.{name}") };
            if !met.contains(name) && self.is_planned(&path) {
                return Err((Code::E220, Some(path)));
            }
        }
        let own =
            self.request.joins.iter().filter(|join| join.parts[0].to_string().rsplit_once('.').map_or("", |(outer, _)| outer) == outer);
        written.extend(own.filter_map(|join| joined(join, &scalars)));
        Ok(format!("{{{}}}", written.join(",")))
    }

    /// The JSON text that passes. None = nothing does.
    fn value(&self, node: &Node, tree: &Tree, path: &str, found: &mut Found) -> Judged<Option<String>> {
        let planned = self.is_planned(path);
        let null_passes = |nullable: bool| if nullable { Ok(Some("null".to_owned())) } else { Err((Code::E220, Some(path.to_owned()))) };
        match (node, tree) {
            (Node::Leaf(leaf), tree) => self.leaf(leaf, tree, path, found),
            (Node::Object { fields, required, .. }, Tree::Object(members)) => {
                let json = self.object(members, fields, required, path, &[], found)?;
                Ok(planned.then_some(json))
            }
            (Node::List { item, .. }, Tree::Array(items)) => {
                let items: Judged<Vec<Option<String>>> = items.iter().map(|tree| self.value(item, tree, path, found)).collect();
                let items: Vec<String> = items?.into_iter().flatten().collect();
                Ok(planned.then(|| format!("[{}]", items.join(","))))
            }
            (_, tree) if !planned => {
                members_of(tree, path, found);
                Ok(None)
            }
            (Node::Object { nullable, .. } | Node::List { nullable, .. }, Tree::Null) => null_passes(*nullable),
            _ => null_passes(false),
        }
    }

    fn leaf(&self, leaf: &Leaf, tree: &Tree, path: &str, found: &mut Found) -> Judged<Option<String>> {
        let judge = self.judges.get(path);
        let is_object = matches!(tree, Tree::Object(_));
        if tree.is_container() && leaf.opaque && judge.is_none() {
            return Ok(None);
        }
        if tree.is_container() && (judge.is_none() || (leaf.schema.is_none() && is_object)) {
            members_of(tree, path, found);
            return Ok(None);
        }
        if let Some(judge) = judge {
            judge.judge(tree).map_err(|code| (code, Some(path.to_owned())))?;
        }
        if !tree.is_container() && !matches!(tree, Tree::Null) {
            found.values.insert(path.to_owned(), tree.clone());
        }
        self.treated(path, tree)
    }

    fn treated(&self, path: &str, tree: &Tree) -> Judged<Option<String>> {
        let Some(treatment) = self.treatments.get(path) else { return Ok(None) };
        let mut json = Vec::new();
        let applied = treatment.apply(&tree.json(), tree.text().as_deref(), &mut json);
        applied.map_err(|_| (Code::E220, Some(path.to_owned())))?;
        Ok(Some(String::from_utf8_lossy(&json).into_owned()))
    }

    fn is_planned(&self, path: &str) -> bool {
        let inside = format!("{path}.");
        let joined = self.request.joins.iter().flat_map(|join| &join.parts).map(FieldPath::as_str);
        self.treatments.keys().map(String::as_str).chain(joined).any(|planned| planned == path || planned.starts_with(&inside))
    }
}

/// `"name":"text"` of joined fields; none if no part is there.
fn joined(join: &PlannedJoin, scalars: &BTreeMap<String, &Tree>) -> Option<String> {
    let present: Vec<&&Tree> = join.parts.iter().filter_map(|path| scalars.get(path.as_str())).collect();
    let texts: Vec<String> = present.iter().filter_map(|tree| tree.text()).collect();
    let value = if texts.is_empty() { "null".to_owned() } else { spelled(&texts.join(&join.separator)) };
    let name = join.to.parts().last().unwrap_or_default();
    (!present.is_empty()).then(|| format!("{}:{value}", Value::from(name)))
}

/// A text as JSON in the gate's spelling: only what must be escaped is, control characters by their number.
fn spelled(text: &str) -> String {
    let inside = text.chars().map(|character| match character {
        '"' | '\\' => format!("\\{character}"),
        '\0'..='\u{1f}' => format!("\\u{:04x}", character as u32),
        _ => character.to_string(),
    });
    format!("\"{}\"", inside.collect::<String>())
}

fn stop((code, path): (Code, Option<String>), record: u64) -> Stop {
    Stop { code, record, path, message: String::new() }
}

/// The leaf at a path that leads through no array.
fn scalar_at<'a>(shape: &'a StreamShape, path: &FieldPath) -> Option<&'a Leaf> {
    let mut fields = &shape.fields;
    for part in path.parts() {
        match fields.get(part)? {
            Node::Leaf(leaf) => return (shape.at(path).is_some()).then_some(leaf),
            Node::Object { fields: inner, .. } => fields = inner,
            Node::List { .. } => return None,
        }
    }
    None
}

/// Notes the names of objects where no object is declared; arrays on the way are transparent.
fn members_of(tree: &Tree, path: &str, found: &mut Found) {
    match tree {
        Tree::Object(members) => found.undeclared.extend(members.iter().map(|(name, _)| shown(path, &name.text))),
        Tree::Array(items) => items.iter().for_each(|item| members_of(item, path, found)),
        _ => {}
    }
}

/// The path of an undeclared name, if it looks like a name: letters, digits (five at most), `_`, `-`, `:`, perhaps a sign before them.
fn shown(outer: &str, name: &str) -> String {
    let mut characters = name.chars().peekable();
    characters.next_if(|first| ['@', '$', '#'].contains(first));
    let rest: Vec<char> = characters.collect();
    let odd = rest.iter().any(|character| !character.is_alphanumeric() && !['_', '-', ':'].contains(character));
    let many = rest.iter().filter(|character| character.is_ascii_digit()).count() > 5;
    let name = if odd || many || name.is_empty() || name.len() > 128 { "(unusual name)" } else { name };
    if outer.is_empty() { name.to_owned() } else { format!("{outer}.{name}") }
}

fn note(observed: &mut Observed, tree: Option<&Tree>) {
    let Some(tree) = tree else { return };
    let json = tree.json();
    let known = |text: &Option<String>| text.as_ref().and_then(|text| Tree::read(text, 0));
    if known(&observed.min).is_none_or(|min| order(tree, &min).is_lt()) {
        observed.min = Some(json.clone());
    }
    if known(&observed.max).is_none_or(|max| order(tree, &max).is_gt()) {
        observed.max = Some(json.clone());
    }
    observed.first.get_or_insert_with(|| json.clone());
    observed.last = Some(json);
}
