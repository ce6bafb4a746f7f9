#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::*;

/// The recorded behaviour of the reference; none where it is not at hand.
#[allow(clippy::disallowed_methods, reason = "a test looks for its vectors")]
fn ground() -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/lowcode"));
    folder.is_dir().then_some(folder)
}

#[allow(clippy::disallowed_methods, reason = "a test reads its vectors")]
fn lines(name: &str) -> Vec<Json> {
    let Some(folder) = ground() else { return Vec::new() };
    let text = fs::read_to_string(folder.join("vectors").join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn node(json: &Json) -> Node {
    match json {
        Json::Null => Node::scalar(None, Value::None),
        Json::Bool(flag) => Node::scalar(None, Value::Bool(*flag)),
        Json::Number(number) => {
            let value = number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap(), None), |number| Value::Int(number.into()));
            Node::scalar(None, value)
        }
        Json::String(text) => Node::text(text),
        Json::Array(items) => Node::sequence(None, items.iter().map(node).collect()),
        Json::Object(members) => Node::mapping(None, members.iter().map(|(key, item)| (key.as_str().into(), node(item).into())).collect()),
    }
}

/// Where two values differ first, by place.
fn difference(expected: &Node, actual: &Node, path: &str) -> Option<String> {
    if let (Some(left), Some(right)) = (expected.entries(), actual.entries()) {
        if let Some(key) = right.keys().find(|key| !left.contains_key(*key)) {
            return Some(format!("{path}.{key} is too much"));
        }
        return left.iter().find_map(|(key, left)| match right.get(key) {
            Some(right) => difference(&left.node, &right.node, &format!("{path}.{key}")),
            None => Some(format!("{path}.{key} is missing")),
        });
    }
    if let (Some(left), Some(right)) = (expected.items(), actual.items())
        && left.len() == right.len()
    {
        return left.iter().zip(right).enumerate().find_map(|(index, (left, right))| difference(left, right, &format!("{path}.{index}")));
    }
    (expected != actual).then(|| format!("{path}: {:?} is expected, found {:?}", expected.to_value(), actual.to_value()))
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test reads its cases")]
fn manifests_resolve_as_recorded() {
    let Some(folder) = ground() else {
        std::println!("skipped: no recorded cases at hand");
        return;
    };
    let mut names: Vec<PathBuf> = fs::read_dir(folder.join("dev")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let mut wrong = Vec::new();
    for case in &names {
        let text = fs::read_to_string(case.join("manifest.yaml")).unwrap();
        let mut expected = String::new();
        flate2::read::GzDecoder::new(fs::File::open(case.join("resolved.json.gz")).unwrap()).read_to_string(&mut expected).unwrap();
        let expected = node(&serde_json::from_str(&expected).unwrap());
        let differs = match Manifest::read(&text) {
            Ok((manifest, _)) => difference(&expected, manifest.root(), ""),
            Err(faults) => Some(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        };
        wrong.extend(differs.map(|what| format!("{}: {what}", case.display())));
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}

#[test]
fn parameters_propagate_as_recorded() {
    for vector in lines("propagate.jsonl") {
        let use_parent = vector["use_parent_parameters"].as_bool().unwrap_or(false);
        let field = vector["parent"].as_str().unwrap();
        let result = propagate(field, &node(&vector["component"]), &node(&vector["parameters"]), use_parent).unwrap();
        assert_eq!(difference(&node(&vector["result"]), &result, ""), None, "{vector}");
    }
}

#[test]
fn references_lead_where_recorded() {
    for vector in lines("refs.jsonl") {
        let result = references::follow(&node(&vector["manifest"]));
        match vector.get("result") {
            Some(expected) => assert_eq!(difference(&node(expected), &result.unwrap(), ""), None, "{vector}"),
            None => assert!(result.is_err(), "{vector}"),
        }
    }
}
