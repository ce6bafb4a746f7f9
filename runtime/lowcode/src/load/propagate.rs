//! Hands `$parameters` down from component to component, where they fill members that are absent or empty, and puts in the types that go without saying.
//!
//! A component is a mapping with a `type` that is a text other than `object`; JSON schemas and plain mappings are left alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::fault::{Fault, Kind, Mark};
use crate::value::Value;
use crate::yaml::{Content, Entries, Entry, Node};

use super::defaults::{custom_type, default_type};
use super::{MAX_RESOLVED, MAX_RESOLVED_NESTING};

/// Parameters in order.
type Parameters = IndexMap<Arc<str>, Node>;

/// The member that holds them.
const PARAMETERS: &str = "$parameters";
/// Components in components at most. Parameters that are components themselves are put into each other, so the text's own limit is not enough.
const MAX_STEPS: u32 = 160;
/// Members copied or put in at most: parameters multiply with the components below them.
const MAX_WORK: u64 = 2_000_000;

/// Propagates types and parameters through a component and all below it.
///
/// `field` says where it stands (`owner.field`, empty at the top); `use_parent_parameters`: of two parameters of one name the outer one counts.
///
/// # Errors
/// Parameters that are no mapping, and results that are too large.
pub fn propagate(field: &str, component: &Node, parent: &Node, use_parent_parameters: bool) -> Result<Node, Fault> {
    propagate_within(MAX_WORK, field, component, parent, use_parent_parameters)
}

/// As [`propagate`], with so much work at most.
pub(super) fn propagate_within(
    budget: u64,
    field: &str,
    component: &Node,
    parent: &Node,
    use_parent_parameters: bool,
) -> Result<Node, Fault> {
    let mut propagation = Propagation { use_parent_parameters, budget, memory: HashMap::new(), path: Vec::new() };
    let parent = propagation.parameters_of(parent)?;
    propagation.component(field, component, &parent, 0)
}

struct Propagation {
    use_parent_parameters: bool,
    /// What may still be copied.
    budget: u64,
    /// What became of each shared component without outer parameters; the component itself is kept so that its address stays its own.
    memory: HashMap<(usize, String), (Node, Node)>,
    path: Vec<Arc<str>>,
}

impl Propagation {
    fn fault(&self, mark: Option<Mark>, kind: Kind, message: String) -> Fault {
        Fault { mark, path: self.path.join("."), kind, message }
    }

    fn parameters_of(&self, node: &Node) -> Result<Parameters, Fault> {
        match node.entries() {
            Some(entries) => Ok(entries.iter().map(|(key, entry)| (key.clone(), entry.node.clone())).collect()),
            None => Err(self.fault(node.mark, Kind::Invalid, format!("`$parameters` is {}; a mapping is expected", node.kind_name()))),
        }
    }

    fn charge(&mut self, mark: Option<Mark>, units: usize) -> Result<(), Fault> {
        match self.budget.checked_sub(units as u64) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(self.fault(mark, Kind::Limit, "`$parameters` multiply beyond what is reasonable".to_owned())),
        }
    }

    fn component(&mut self, field: &str, node: &Node, parent: &Parameters, steps: u32) -> Result<Node, Fault> {
        let Content::Mapping(mapping) = &node.content else { return Ok(node.clone()) };
        if steps > MAX_STEPS {
            return Err(self.fault(node.mark, Kind::Limit, format!("`$parameters` lead deeper than {MAX_STEPS} levels")));
        }
        let memory = parent.is_empty().then(|| (Arc::as_ptr(mapping).addr(), field.to_owned()));
        if let Some((_, known)) = memory.as_ref().and_then(|key| self.memory.get(key)) {
            return Ok(known.clone());
        }
        self.charge(node.mark, mapping.entries().len() + parent.len() + 1)?;
        let result = self.transform(field, node, mapping.entries().clone(), parent, steps)?;
        if result.size() > MAX_RESOLVED || result.depth() > MAX_RESOLVED_NESTING {
            let message = format!("more than {MAX_RESOLVED} values or {MAX_RESOLVED_NESTING} levels once `$parameters` are in place");
            return Err(self.fault(node.mark, Kind::Limit, message));
        }
        if let Some(key) = memory {
            self.memory.insert(key, (node.clone(), result.clone()));
        }
        Ok(result)
    }

    fn transform(&mut self, field: &str, node: &Node, mut members: Entries, parent: &Parameters, steps: u32) -> Result<Node, Fault> {
        let mut changed = false;
        if !members.contains_key("type") {
            let found = if members.contains_key("class_name") { custom_type(field) } else { default_type(field) };
            if let Some(found) = found {
                members.insert("type".into(), Node::text(found).marked(node.mark).into());
                changed = true;
            }
        }
        let own = match members.shift_remove(PARAMETERS) {
            Some(entry) => {
                changed = true;
                self.parameters_of(&entry.node)?
            }
            None => Parameters::new(),
        };
        let mut current = self.combine(parent, own);
        match members.get("type").map(|entry| &entry.node) {
            Some(kind) if is_schema_type(kind) => {}
            Some(kind) => {
                let owner = kind.as_str().unwrap_or_default().to_owned();
                changed |= self.members(&owner, &mut members, &mut current, steps)?;
            }
            None => changed |= self.nested(field, &mut members, &current, steps)?,
        }
        Ok(if changed { Node::mapping(node.mark, members) } else { node.clone() })
    }

    fn combine(&self, parent: &Parameters, own: Parameters) -> Parameters {
        let (mut below, above) = if self.use_parent_parameters { (own, parent.clone()) } else { (parent.clone(), own) };
        below.extend(above);
        below
    }

    /// A mapping without a type may hold components as its members.
    fn nested(&mut self, field: &str, members: &mut Entries, current: &Parameters, steps: u32) -> Result<bool, Fault> {
        let mut changed = false;
        for (key, entry) in members.iter_mut() {
            if entry.node.get("type").is_some_and(Node::is_truthy) {
                self.path.push(key.clone());
                let result = self.component(field, &entry.node, current, steps + 1)?;
                self.path.pop();
                changed |= !result.is_same(&entry.node);
                entry.node = result;
            }
        }
        Ok(changed)
    }

    /// Fills the members of a component and goes on below them. A parameter named like a member is not handed to that very member, or it would have no end.
    fn members(&mut self, owner: &str, members: &mut Entries, current: &mut Parameters, steps: u32) -> Result<bool, Fault> {
        let filled = fill(members, current);
        let mut changed = !filled.is_empty();
        let names: Vec<Arc<str>> = members.keys().cloned().collect();
        for name in names {
            let Some(entry) = members.get(&name) else { continue };
            let before = entry.node.clone();
            if before.as_scalar().is_some() {
                continue;
            }
            let mut excluded = current.shift_remove(&name).filter(Node::is_truthy);
            self.path.push(name.clone());
            let field = format!("{owner}.{name}");
            let after = match &before.content {
                Content::Sequence(sequence) => self.items(&field, &before, sequence.items(), current, steps)?,
                _ => self.component(&field, &before, current, steps + 1)?,
            };
            self.path.pop();
            if !after.is_same(&before) {
                changed = true;
                // A list that came from a parameter is the parameter: those below get it as it has become.
                if before.items().is_some() && filled.contains(&name) {
                    excluded = excluded.map(|_| after.clone());
                }
                if let Some(entry) = members.get_mut(&name) {
                    entry.node = after;
                }
            }
            if let Some(excluded) = excluded {
                current.insert(name, excluded);
            }
        }
        if !current.is_empty() {
            changed = true;
            let entries = current.iter().map(|(key, node)| (key.clone(), Entry::from(node.clone()))).collect();
            members.insert(PARAMETERS.into(), Node::mapping(None, entries).into());
        }
        Ok(changed)
    }

    fn items(&mut self, field: &str, before: &Node, items: &[Node], current: &Parameters, steps: u32) -> Result<Node, Fault> {
        self.charge(before.mark, items.len())?;
        let mut changed = false;
        let mut results = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            self.path.push(index.to_string().into());
            let result = self.component(field, item, current, steps + 1)?;
            self.path.pop();
            changed |= item.entries().is_some() && !result.is_same(item);
            results.push(result);
        }
        Ok(if changed { Node::sequence(before.mark, results) } else { before.clone() })
    }
}

/// JSON schemas bear `type` as well: `object`, a list of types, or a property of that name.
fn is_schema_type(kind: &Node) -> bool {
    match &kind.content {
        Content::Scalar(Value::Str(text)) => text.as_ref() == "object",
        Content::Scalar(_) => false,
        _ => true,
    }
}

/// Puts parameters where a member is absent or empty, and says where.
fn fill(members: &mut Entries, current: &Parameters) -> HashSet<Arc<str>> {
    let mut filled = HashSet::new();
    for (key, value) in current {
        if !members.get(key).is_some_and(|entry| entry.node.is_truthy()) {
            members.insert(key.clone(), value.clone().into());
            filled.insert(key.clone());
        }
    }
    filled
}
