//! Resolved manifests against those that the reference resolved, and bombs of references.

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
#[allow(clippy::disallowed_methods, clippy::disallowed_macros, clippy::disallowed_types, reason = "a test reads its cases")]
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

fn read(text: &str) -> Result<Node, Vec<Fault>> {
    Manifest::read(&format!("version: 1.0.0\n{text}")).map(|(manifest, _)| manifest.root().clone())
}

fn kinds(text: &str) -> Vec<Kind> {
    read(text).unwrap_err().into_iter().map(|fault| fault.kind).collect()
}

#[test]
fn own_members_win_over_referenced_ones() {
    let root = read("a: {x: 1, y: 2}\nb: {y: 3, $ref: '#/a', z: 4}\nc: {config_overrides: {p: '#/a'}}\nd: '#/a'").unwrap();
    assert_eq!(root.get("b").unwrap().to_json(), br#"{"x":1,"y":3,"z":4}"#);
    assert_eq!(root.at(&["c", "config_overrides", "p"]).unwrap().as_str(), Some("#/a"));
    assert!(root.get("d").unwrap().is_same(root.get("a").unwrap()), "what is referenced is shared");
    assert_eq!(root.at(&["b", "x"]).unwrap().mark, root.at(&["a", "x"]).unwrap().mark);
    assert_eq!(root.at(&["b", "y"]).unwrap().mark.unwrap().line, 3);
}

#[test]
fn wrong_references_are_told_together_with_their_places() {
    let faults = read("a: {b: '#/nowhere'}\nc: ['#/d']\nd: '#/e'\ne: '#/d'\nf: '#/'\ng: {$ref: '#/a/b/c'}").unwrap_err();
    let places: Vec<(&str, Option<u32>)> = faults.iter().map(|fault| (fault.path.as_str(), fault.mark.map(|mark| mark.line))).collect();
    assert!(places.contains(&("a.b", Some(2))), "{places:?}");
    assert!(faults.iter().any(|fault| fault.message.contains("back to itself")), "{faults:?}");
    assert!(faults.len() >= 4, "{faults:?}");
    assert!(faults.iter().all(|fault| fault.kind == Kind::Invalid));
}

#[test]
fn references_do_not_explode() {
    let mut text = "a0: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n".to_owned();
    for level in 1..9 {
        let item = format!("'#/a{}'", level - 1);
        text.push_str(&format!("a{level}: [{}]\n", vec![item; 10].join(", ")));
    }
    assert_eq!(kinds(&text), [Kind::Limit]);
    let mut chain = "a0: 1\n".to_owned();
    for step in (1..20_000).rev() {
        chain.push_str(&format!("a{step}: '#/a{}'\n", step - 1));
    }
    assert_eq!(kinds(&chain), [Kind::Limit], "a chain of references ends");
    let mut deep = "a0: {x: 1}\n".to_owned();
    for level in 1..150 {
        deep.push_str(&format!("a{level}: {{x: '#/a{}'}}\n", level - 1));
    }
    assert_eq!(kinds(&deep), [Kind::Limit], "depth counts behind references");
}

#[test]
fn parameters_do_not_explode() {
    let parameters: Vec<String> = (0..12).map(|number| format!("p{number}: {{type: T, x: {{type: U}}}}")).collect();
    let bomb = yaml::parse(&format!("{{type: A, $parameters: {{{}}}}}", parameters.join(", "))).unwrap().root;
    let none = Node::mapping(None, yaml::Entries::new());
    // The real budget is larger; this shows that it is kept, and that without one there would be no end.
    assert_eq!(propagate::propagate_within(20_000, "", &bomb, &none, false).unwrap_err().kind, Kind::Limit);
    assert_eq!(kinds("a: {type: A, $parameters: 5}"), [Kind::Invalid]);
    assert_eq!(kinds("a: {type: A, $parameters: '#/version'}"), [Kind::Invalid]);
}

/// A list that came from a parameter is one object with the parameter, in the reference as well.
#[test]
fn lists_from_parameters_are_the_parameters() {
    let root = read("a:\n  type: AddFields\n  $parameters:\n    fields: [{path: [x]}]\n    other: {type: Z}\n").unwrap();
    let field = root.at(&["a", "fields", "0"]).unwrap();
    assert_eq!(field.component_type(), Some("AddedFieldDefinition"));
    assert_eq!(root.at(&["a", "$parameters", "fields", "0"]).unwrap(), field);
}

#[test]
fn a_manifest_is_a_mapping_with_a_version() {
    for text in ["5", "[]", "a: 1", "version: 6", "version: ~"] {
        let faults = Manifest::read(text).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.kind.clone()).collect::<Vec<_>>(), [Kind::Invalid], "{text}");
    }
}

#[test]
fn what_is_handed_to_a_guest_comes_back_the_same() {
    let (manifest, _) =
        Manifest::read("version: 1.0.0\ndefinitions: {a: 1.5, b: yes}\nstreams: [{name: é, n: ~, $ref: '#/definitions'}]").unwrap();
    let again = Node::from_json(&manifest.root().to_json()).unwrap();
    assert_eq!(&again, manifest.root());
    assert!(manifest.for_run().root().get("definitions").is_none());
    assert_eq!(Manifest::resolved(again).streams().len(), 1);
}
