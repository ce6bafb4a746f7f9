//! The generated schema and reference agree with the reader, and every problem code has its page.

use super::super::*;
use super::{Memory, reads};
use crate::problem::Code;

fn as_json(text: &str) -> serde_json::Value {
    json(toml::Value::Table(toml::from_str(text).unwrap()))
}

/// Dates become texts, as editors show them to a schema.
fn json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
        value => serde_json::to_value(value).unwrap(),
    }
}

#[test]
fn the_schema_accepts_what_the_reader_accepts() {
    let schema = schema::json_schema();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for text in [include_str!("quickstart.toml"), include_str!("everything.toml"), &super::nordwerk::text()] {
        let value = as_json(text);
        let faults: Vec<String> = validator.iter_errors(&value).map(|error| format!("{} {error}", error.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
    assert!(jsonschema::draft202012::meta::validate(&schema).is_ok());
}

#[test]
fn the_schema_refuses_unknown_keys_and_missing_ones() {
    let schema = schema::json_schema();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let quickstart = include_str!("quickstart.toml");
    assert!(!validator.is_valid(&as_json(&quickstart.replace("purpose = ", "porpuse = "))));
    assert!(!validator.is_valid(&as_json(&quickstart.replace("kind = \"limit\"", "kind = \"never\""))));
    assert!(!validator.is_valid(&as_json(&quickstart.replace("manifest = 1", "manifest = 2"))));
}

#[test]
fn the_reference_names_every_table_and_key() {
    let page = schema::reference_page();
    let mut waiting = vec![&grammar::MANIFEST];
    while let Some(table) = waiting.pop() {
        assert!(page.contains(&format!("## `{}`", table.title)), "{}", table.title);
        for key in table.keys {
            assert!(page.contains(&format!("| `{}` |", key.name)), "{}", key.name);
            assert!(key.doc.ends_with('.') && !key.example.is_empty(), "{}", key.name);
            waiting.extend(schema::inner_tables(&key.kind));
        }
    }
    assert!(page.is_ascii() || page.contains('§'));
}

/// Examples in the reference are promises too.
#[test]
fn examples_of_the_grammar_are_toml() {
    let mut waiting = vec![&grammar::MANIFEST];
    while let Some(table) = waiting.pop() {
        for key in table.keys {
            let text = if key.example.starts_with('[') && !key.example.contains('"') {
                key.example.to_owned()
            } else {
                format!("x = {}", key.example)
            };
            assert!(toml::from_str::<toml::Table>(&text).is_ok(), "{} {}", table.title, key.name);
            waiting.extend(schema::inner_tables(&key.kind));
        }
    }
}

#[test]
fn every_code_has_a_page() {
    for code in Code::ALL {
        let page = code.page();
        assert!(page.starts_with(&format!("# {} {}\n", code.id(), code.name())), "{code}: title");
        for heading in ["\n## What\n", "\n## Why\n", "\n## What to do\n", "\n## Example\n"] {
            assert!(page.contains(heading), "{code} lacks {heading:?}");
        }
        assert!(page.len() >= 200 && page.lines().count() >= 10, "{code} is too short");
        assert!(page.lines().all(|line| line.chars().count() <= 160), "{code} has a very long line");
    }
}

/// Manifests on the pages are whole ones where they begin with `manifest = 1`; they are read, so that they do not rot.
#[test]
fn whole_manifests_on_the_pages_are_read() {
    let mut read_ones = 0;
    for code in Code::ALL {
        for block in code.page().split("```toml\n").skip(1) {
            let text = block.split("```").next().unwrap();
            assert!(toml::from_str::<toml::Table>(text).is_ok() || code.id() == "HUB-E001", "{code}: no TOML:\n{text}");
            if text.starts_with("manifest = 1") && code.class() != crate::problem::Class::Usage {
                reads(text, &Memory::default());
                read_ones += 1;
            }
        }
    }
    assert!(read_ones >= 3, "{read_ones}");
}
