//! Shape and request → plan. Finds every problem before the first record; holds no state afterwards.

use std::collections::{BTreeMap, BTreeSet};

use super::joins::{Joins, parent};
use super::{
    Entry, FieldPlan, LeafPlace, LeafPlan, MAX_KEY_PARTS, NodePlan, ObjectPlan, PlanError, PlanRequest, PlannedField, PlannedJoin,
};
use crate::detect::DetectorSet;
use crate::gate::check::Check;
use crate::gate::condition::Conditions;
use crate::gate::json::Reader;
use crate::gate::look::{Look, Looking};
use crate::record::FieldPath;
use crate::stream::{Leaf, Node, StreamShape};
use crate::treat::{Treatment, escape, is_personal};

pub(super) fn compile(request: PlanRequest<'_>) -> Result<FieldPlan, Vec<PlanError>> {
    let mut assigned = Assigned::default();
    for field in &request.fields {
        assigned.add(request.shape, field);
    }
    for join in &request.joins {
        assigned.join(request.shape, join);
    }
    let conditions = Conditions::compile(&request.conditions).unwrap_or_else(|error| {
        assigned.errors.push(error);
        Conditions::default()
    });
    let watched = request.primary_key.iter().chain(&request.cursor).chain(&conditions.asked).map(FieldPath::as_str).collect();
    let mut builder =
        Builder { assigned, watched, looking: &request.looking, places: Vec::new(), leaves: BTreeMap::new(), guesses: Vec::new() };
    let root = builder.object(&request.shape.fields, &request.shape.required, None, false);
    let key = request.primary_key.iter().filter_map(|path| builder.watch(path, "primary key")).collect();
    let cursor = request.cursor.as_ref().and_then(|path| builder.watch(path, "cursor"));
    let asked = conditions.asked.iter().filter_map(|path| builder.watch(path, "field of a condition")).map(|(_, leaf)| leaf).collect();
    if let Some(path) = request.primary_key.get(MAX_KEY_PARTS) {
        builder.assigned.refuse(path, format!("a primary key has at most {MAX_KEY_PARTS} fields"));
    }
    let mut errors = builder.assigned.errors;
    if !errors.is_empty() {
        errors.sort();
        errors.dedup();
        return Err(errors);
    }
    Ok(FieldPlan {
        root,
        places: builder.places,
        leaves: builder.leaves,
        guesses: builder.guesses,
        key,
        cursor,
        conditions,
        asked,
        on_undeclared: request.on_undeclared,
        on_invalid: request.on_invalid,
        collect_keys: request.collect_keys,
        collect_persons: request.collect_persons,
    })
}

/// What the fields of the request ask for, by source path.
#[derive(Default)]
struct Assigned {
    treatments: BTreeMap<String, Treatment>,
    /// Destination names of leaves and of the containers around them.
    names: BTreeMap<String, String>,
    joins: Joins,
    errors: Vec<PlanError>,
}

impl Assigned {
    fn add(&mut self, shape: &StreamShape, field: &PlannedField) {
        if shape.at(&field.path).is_none() {
            return self.refuse(&field.path, "nothing declares this field");
        }
        if field.path.parts().count() != field.to.parts().count() {
            return self.refuse(&field.path, format!("`{}` has another depth: a field can be renamed, not moved", field.to));
        }
        if !is_single_line(&field.treatment) {
            return self.refuse(&field.path, "its constant is not JSON on one line");
        }
        self.name_parts(&field.path, &field.to, usize::MAX);
        let leaves = shape.leaves_within(&field.path);
        if leaves.is_empty() {
            self.refuse(&field.path, "it declares no field inside");
        }
        for (path, leaf) in leaves {
            self.assign(&path, leaf, &field.treatment);
        }
    }

    fn assign(&mut self, path: &FieldPath, leaf: &Leaf, treatment: &Treatment) {
        let Some(category) = &leaf.category else {
            return self.refuse(path, "it has no data category");
        };
        if leaf.opaque && !matches!(treatment, Treatment::Keep | Treatment::Constant(_)) {
            return self.refuse(path, "an object or array without declared fields can only be kept or replaced by a constant");
        }
        if self.treatments.insert(path.as_str().to_owned(), treatment.for_category(category)).is_some() {
            self.refuse(path, "it is planned twice");
        }
    }

    /// What a join is made of passes in no other way.
    fn join(&mut self, shape: &StreamShape, join: &PlannedJoin) {
        self.joins.add(shape, join, &mut self.errors);
        for path in &join.parts {
            if self.treatments.contains_key(path.as_str()) {
                self.refuse(path, "it is planned twice");
            }
        }
        if let Some(first) = join.parts.first() {
            let depth = parent(first).split('.').filter(|part| !part.is_empty()).count();
            self.name_parts(first, &join.to, depth);
        }
    }

    /// Notes the destination name of the first `depth` parts of the path. An object cannot be split in two.
    fn name_parts(&mut self, path: &FieldPath, destination: &FieldPath, depth: usize) {
        let mut prefix = String::new();
        for (part, to) in path.parts().zip(destination.parts()).take(depth) {
            if !prefix.is_empty() {
                prefix.push('.');
            }
            prefix.push_str(part);
            let known = self.names.entry(prefix.clone()).or_insert_with(|| to.to_owned());
            if known != to {
                let message = format!("`{prefix}` cannot become both `{known}` and `{to}`");
                return self.refuse(path, message);
            }
        }
    }

    fn refuse(&mut self, path: &FieldPath, message: impl Into<String>) {
        self.errors.push(PlanError { path: path.clone(), message: message.into() });
    }
}

struct Builder<'a> {
    assigned: Assigned,
    watched: BTreeSet<&'a str>,
    looking: &'a Looking,
    places: Vec<String>,
    leaves: BTreeMap<String, LeafPlace>,
    guesses: Vec<u16>,
}

impl Builder<'_> {
    fn object(&mut self, fields: &BTreeMap<String, Node>, required: &[String], path: Option<&FieldPath>, in_list: bool) -> ObjectPlan {
        let place = self.place(path.map_or("", FieldPath::as_str));
        let mut plan = ObjectPlan { place, guesses: self.guesses.len(), ..ObjectPlan::default() };
        self.guesses.extend((0..=fields.len()).map(|at| u16::try_from(at).unwrap_or(u16::MAX)));
        plan.required = vec![0; fields.len().div_ceil(64)];
        let mut names = BTreeMap::new();
        for (at, (name, node)) in fields.iter().enumerate() {
            let Some(inner) = path.map_or_else(|| FieldPath::parse(name), |path| Some(path.child(name))) else { continue };
            let entry = self.entry(name, node, &inner, in_list);
            if entry.node.planned() {
                plan.planned = true;
                if required.contains(name) {
                    plan.required[at / 64] |= 1 << (at % 64);
                }
                let is_part = self.assigned.joins.place(inner.as_str()).is_some();
                if let Some(other) = (!is_part).then(|| names.insert(entry.emitted.clone(), inner.clone())).flatten() {
                    self.assigned.refuse(&inner, format!("`{other}` has the same destination"));
                }
            }
            plan.entries.push(entry);
        }
        (plan.joins, plan.parts) = self.assigned.joins.take(path.map_or("", FieldPath::as_str));
        for join in &plan.joins {
            if let Some(other) = names.insert(join.emitted.clone(), join.first.clone()) {
                self.assigned.refuse(&join.first, format!("`{other}` has the same destination"));
            }
        }
        plan
    }

    fn entry(&mut self, name: &str, node: &Node, path: &FieldPath, in_list: bool) -> Entry {
        let to = self.assigned.names.get(path.as_str()).cloned().unwrap_or_else(|| name.to_owned());
        let mut emitted = quote(&to);
        emitted.push(b':');
        let quoted = quote(name);
        let plain = quoted.len() == name.len() + 2;
        Entry {
            name: name.as_bytes().into(),
            quoted: if plain { quoted.into() } else { Box::default() },
            emitted: emitted.into(),
            same: plain && to == name,
            path: path.as_str().into(),
            node: self.node(node, path, in_list),
        }
    }

    fn node(&mut self, node: &Node, path: &FieldPath, in_list: bool) -> NodePlan {
        match node {
            Node::Leaf(leaf) => NodePlan::Leaf(Box::new(self.leaf(leaf, path, in_list))),
            Node::Object { fields, required, nullable } => {
                NodePlan::Object { object: Box::new(self.object(fields, required, Some(path), in_list)), nullable: *nullable }
            }
            Node::List { item, nullable } => {
                let item = self.node(item, path, true);
                NodePlan::List { planned: item.planned(), item: Box::new(item), nullable: *nullable }
            }
        }
    }

    fn leaf(&mut self, leaf: &Leaf, path: &FieldPath, in_list: bool) -> LeafPlan {
        let treatment = self.assigned.treatments.remove(path.as_str());
        let id = u32::try_from(self.leaves.len()).unwrap_or(u32::MAX);
        let place = LeafPlace { id, personal: is_personal(leaf.category.as_deref()), many: in_list || leaf.opaque };
        self.leaves.insert(path.as_str().to_owned(), place);
        let part = self.assigned.joins.place(path.as_str());
        let checked = treatment.is_some() || part.is_some() || self.watched.contains(path.as_str());
        let check = checked.then(|| Check::compile(leaf.schema.as_ref(), leaf.opaque));
        let check = check.transpose().unwrap_or_else(|message| {
            self.assigned.refuse(path, message);
            None
        });
        let look = if treatment.is_some() || part.is_some() { self.look(leaf, path, treatment.as_ref()) } else { None };
        let place = self.place(path.as_str());
        LeafPlan { id, place, treatment, part, check, look, opaque: leaf.opaque, schemaless: leaf.schema.is_none() }
    }

    fn look(&self, leaf: &Leaf, path: &FieldPath, treatment: Option<&Treatment>) -> Option<Box<Look>> {
        let Looking::On(permitted) = self.looking else { return None };
        let permitted = permitted.iter().find(|(field, _)| path.is_within(field)).map_or(DetectorSet::NONE, |(_, set)| *set);
        Look::new(leaf.category.as_deref()?, treatment, permitted).map(Box::new)
    }

    fn place(&mut self, path: &str) -> u32 {
        self.places.push(path.to_owned());
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }

    fn watch(&mut self, path: &FieldPath, role: &str) -> Option<(FieldPath, u32)> {
        match self.leaves.get(path.as_str()) {
            Some(leaf) if !leaf.many => return Some((path.clone(), leaf.id)),
            Some(_) => self.assigned.refuse(path, format!("the {role} must be a scalar outside arrays")),
            None => self.assigned.refuse(path, format!("the {role} must be a declared scalar")),
        }
        None
    }
}

pub(in crate::gate) fn quote(name: &str) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    escape(name, &mut quoted);
    quoted.push(b'"');
    quoted
}

/// True unless the treatment is a constant that would break the line it is written to.
fn is_single_line(treatment: &Treatment) -> bool {
    let Treatment::Constant(text) = treatment else { return true };
    let mut reader = Reader::new(text);
    let read = reader.skip().and_then(|_| reader.expect_end("one value only"));
    read.is_ok() && !reader.spaced
}
