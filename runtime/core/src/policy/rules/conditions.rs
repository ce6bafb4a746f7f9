//! What a filter may ask for: declared single values, compared with values of their own kind (E101, E003). And what fields of the source may hold (E101).

use serde_json::Value;

use crate::manifest::{Flow, Literal, Manifest};
use crate::problem::{Code, Problem};
use crate::stream::{Leaf, Node, StreamShape};

pub(super) fn check(manifest: &Manifest, flow: &Flow, shape: &StreamShape, found: &mut Vec<Problem>) {
    let id = &flow.id.value;
    let stream = &flow.from.value;
    for (path, _) in manifest.streams.get(stream).map_or(&[][..], |stream| &stream.may_hold) {
        if shape.at(&path.value).is_none() {
            let title = format!("stream `{stream}` declares no field `{}`, so it cannot hold anything", path.value);
            found.push(Problem::new(Code::E101, title, "remove it, or correct the name").at(path.span, "no such field"));
        }
    }
    let Some(filter) = &flow.filter else { return };
    for (path, test) in filter.value.tests() {
        let problem = match shape.at(path) {
            Some(Node::Leaf(leaf)) if !leaf.opaque => match test.literals().iter().find(|literal| !can_be(leaf, literal)) {
                Some(literal) => {
                    let title = format!("flow `{id}`: `filter` compares `{path}` with {}, which it never is", literal.kind());
                    Problem::new(Code::E003, title, "compare it with a value of its own type")
                }
                None => continue,
            },
            Some(_) => Problem::new(
                Code::E101,
                format!("flow `{id}` is denied: `filter` asks for `{path}`, which is no single value"),
                "compare a field that holds one value",
            ),
            None => Problem::new(
                Code::E101,
                format!("flow `{id}` is denied: `filter` asks for `{path}`, which stream `{stream}` does not declare"),
                format!("declare it: `[stream.{stream}.fields]` with `{path} = \"CATEGORY\"`"),
            ),
        };
        found.push(problem.at(filter.span, "in this filter"));
    }
}

/// True unless the schema says that the value has another type.
fn can_be(leaf: &Leaf, literal: &Literal) -> bool {
    let wanted: &[&str] = match literal {
        Literal::Text(_) => &["string"],
        Literal::Number(_) => &["number", "integer"],
        Literal::Boolean(_) => &["boolean"],
    };
    match leaf.schema.as_ref().and_then(|schema| schema.get("type")) {
        Some(Value::String(name)) => wanted.contains(&name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(|name| wanted.contains(&name)),
        _ => true,
    }
}
