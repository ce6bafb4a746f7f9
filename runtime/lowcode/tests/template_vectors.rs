//! Templates and dates against the evaluations that were recorded of the reference.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test may fail"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hub_lowcode::template::{Scope, Template, Types};
use hub_lowcode::value::datetime;
use hub_lowcode::value::{Dict, Value};

fn ground() -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/lowcode")).to_path_buf();
    if !folder.is_dir() {
        eprintln!("no conformance ground beside the repository: skipped");
        return None;
    }
    Some(folder)
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read(path).expect("a readable file");
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| Value::from_json(line).expect("JSON")).collect()
}

fn types(wanted: &Value) -> Types {
    wanted.as_items().unwrap_or_default().iter().fold(Types::ANY, |types, name| {
        types.or(match name.as_str() {
            Some("str") => Types::STR,
            Some("list") => Types::LIST,
            Some("int") => Types::INT,
            Some("float") => Types::FLOAT,
            Some("bool") => Types::BOOL,
            Some("dict") => Types::DICT,
            other => panic!("an unknown type: {other:?}"),
        })
    })
}

/// None if the vector holds; else what is wrong.
fn check(vector: &Value, now_micros: i64) -> Option<String> {
    let mut scope = Scope::new(now_micros);
    let context = vector.get("context").and_then(Value::as_dict).expect("a context");
    for (name, value) in context {
        // The recorder notes the variables that were read, under the names that the reference derives.
        if name.contains('.') {
            continue;
        }
        let derived = matches!(&**name, "stream_partition" | "stream_interval") && vector.get("error").is_none();
        let own: Dict =
            context.iter().filter_map(|(key, value)| Some((key.strip_prefix(&**name)?.strip_prefix('.')?.into(), value.clone()))).collect();
        let name = if derived { "stream_slice".to_owned() } else { name.to_string() };
        scope = scope.with_attributes(name, value.clone(), Arc::new(own));
    }
    let text = vector.get("template").and_then(Value::as_str).expect("a template");
    let parse = |text: &str| Template::parse(text);
    let result = parse(text).and_then(|template| {
        let default = match vector.get("default") {
            Some(Value::Str(default)) => Some(parse(default)?),
            Some(Value::Dict(_)) => Some(Template::constant(Value::dict(Default::default()))),
            _ => None,
        };
        let wanted = types(vector.get("valid_types").expect("types"));
        template.evaluate_with(&scope, default.as_ref(), wanted).map_err(|error| error.to_string())
    });
    match (vector.get("error"), result) {
        (Some(_), Err(_)) => None,
        (Some(error), Ok(value)) => Some(format!("{text}: expected {error:?}, got {}", value.python_repr())),
        (None, Err(error)) => Some(format!("{text}: {error}; expected {}", vector.get("result").unwrap().python_repr())),
        (None, Ok(value)) => {
            let wanted = vector.get("result").expect("a result");
            let kind = vector.get("result_type").and_then(Value::as_str).expect("a type");
            let plain = Value::from_json(value.to_json().as_bytes()).unwrap();
            // A tuple of the context became a list when it was recorded.
            let kind = if kind == "tuple" && !text.contains(',') { "list" } else { kind };
            let same = plain.python_repr() == wanted.python_repr() && value.type_name() == kind;
            (!same).then(|| format!("{text}: expected {kind} {}, got {} {}", wanted.python_repr(), value.type_name(), value.python_repr()))
        }
    }
}

/// Whether the recorder kept everything that the template reads: of a slice's own attributes it kept some only.
fn is_whole(vector: &Value) -> bool {
    let text = vector.get("template").and_then(Value::as_str).expect("a template");
    let context = vector.get("context").and_then(Value::as_dict).expect("a context");
    let reads = |attribute: &str| text.contains(&format!(".{attribute}."));
    let kept = |attribute: &str| context.keys().any(|name| name.ends_with(&format!(".{attribute}")));
    ["extra_fields", "_partition"].iter().all(|attribute| !reads(attribute) || kept(attribute))
}

#[test]
fn templates_evaluate_as_the_reference_does() {
    let Some(ground) = ground() else { return };
    let mut files = vec![(ground.join("vectors/jinja.jsonl"), datetime::parse("2025-06-15T12:00:00Z", "%Y-%m-%dT%H:%M:%SZ").unwrap())];
    for case in fs::read_dir(ground.join("dev")).unwrap() {
        let folder = case.unwrap().path();
        let golden = Value::from_json(&fs::read(folder.join("golden.json")).unwrap()).unwrap();
        let now = datetime::parse_iso(golden.get("now").and_then(Value::as_str).unwrap()).unwrap();
        files.push((folder.join("jinja-vectors.jsonl"), now));
    }
    let (mut count, mut wrong) = (0, Vec::new());
    for (file, now) in files {
        if !file.is_file() {
            continue;
        }
        for vector in lines(&file) {
            if !is_whole(&vector) {
                continue;
            }
            count += 1;
            wrong.extend(check(&vector, now.utc_micros()));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 1000, "only {count} evaluations were found");
}

#[test]
fn dates_are_read_and_written_as_the_reference_does() {
    let Some(ground) = ground() else { return };
    for vector in lines(&ground.join("vectors/datetime.jsonl")) {
        let field = |name: &str| vector.get(name).expect("a field");
        let format = field("format").as_str().expect("a text");
        let wanted = field("result").as_str().expect("a text");
        let found = match field("op").as_str() {
            Some("parse") => datetime::parse_value(field("input"), format).expect("a date").isoformat('T'),
            _ => datetime::format(&datetime::parse_iso(field("input").as_str().expect("a text")).expect("a date"), format),
        };
        assert_eq!(found, wanted, "{vector:?}");
    }
}
