//! The grammar as a JSON Schema (for editors) and as a reference page (for people). Pure: text out.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::grammar::{self, Key, Kind, Names, Table, Text};
use super::walk::expected;

/// JSON Schema (draft 2020-12) of a manifest. Looser than the checks where a rule joins several values, never stricter.
#[must_use]
pub fn json_schema() -> Value {
    let mut definitions = Map::new();
    let mut root = table_schema(&grammar::MANIFEST, &mut definitions);
    if let Value::Object(root) = &mut root {
        root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        root.insert("title".to_owned(), json!("hub manifest"));
        root.insert("$defs".to_owned(), Value::Object(definitions));
    }
    root
}

fn table_schema(table: &Table, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in table.keys {
        let mut schema = kind_schema(&key.kind, definitions);
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), json!(key.doc));
        }
        properties.insert(key.name.to_owned(), schema);
    }
    let required: Vec<&str> = table.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    json!({ "type": "object", "description": table.doc, "properties": properties, "required": required, "additionalProperties": false })
}

fn kind_schema(kind: &Kind, definitions: &mut Map<String, Value>) -> Value {
    match kind {
        Kind::Text(text) => text_schema(*text, definitions),
        Kind::Integer(least, greatest) => json!({ "type": "integer", "minimum": least, "maximum": greatest }),
        Kind::Boolean => json!({ "type": "boolean" }),
        // Editors show TOML's dates to a schema as texts.
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::List(item) => json!({ "type": "array", "items": kind_schema(item, definitions) }),
        Kind::Table(table) => table_schema(table, definitions),
        Kind::Map(names, value) => map_schema(*names, value, definitions),
        Kind::Free => json!({ "type": "object" }),
        Kind::Any => json!({}),
        Kind::OneOf(kinds) => json!({ "anyOf": kinds.iter().map(|kind| kind_schema(kind, definitions)).collect::<Vec<_>>() }),
    }
}

/// Words of the vocabulary are offered, others allowed: a manifest may add its own.
fn text_schema(text: Text, definitions: &mut Map<String, Value>) -> Value {
    let name = match text {
        Text::Stream => return json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}\\..+$" }),
        Text::Plain | Text::Reference | Text::Path => return json!({ "type": "string" }),
        Text::Country => return json!({ "type": "string", "pattern": "^[A-Z]{2,3}$" }),
        Text::Period => return json!({ "type": "string", "pattern": "^P([0-9]+Y)?([0-9]+M)?([0-9]+D)?$" }),
        Text::StoreKey => return json!({ "type": "string", "pattern": "^kms:" }),
        Text::Category => "category",
        Text::Use => "use",
        Text::Subject => "subject",
    };
    let schema = || json!({ "anyOf": [{ "enum": text.suggestions() }, { "type": "string" }] });
    definitions.entry(name).or_insert_with(schema);
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn map_schema(names: Names, value: &Kind, definitions: &mut Map<String, Value>) -> Value {
    let value = kind_schema(value, definitions);
    match names {
        Names::Id => {
            json!({ "type": "object", "propertyNames": { "pattern": "^[a-z0-9][a-z0-9-]{0,63}$" }, "additionalProperties": value })
        }
        Names::Word => {
            json!({ "type": "object", "propertyNames": { "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$" }, "additionalProperties": value })
        }
        Names::Label => json!({ "type": "object", "propertyNames": { "minLength": 1, "maxLength": 200 }, "additionalProperties": value }),
        Names::Stream => json!({ "type": "object", "propertyNames": { "minLength": 1, "maxLength": 128 }, "additionalProperties": value }),
        // Dotted keys nest, so a table inside may be the front part of a path.
        Names::Path => json!({ "type": "object", "additionalProperties": { "anyOf": [value, { "type": "object" }] } }),
    }
}

/// `docs/reference/manifest.md`.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Manifest\n\n<!-- Generated from the grammar in runtime/core/src/manifest/grammar.rs. Do not edit. -->\n\n\
         What a manifest may hold. Every key that is not listed here is refused (HUB-E002). `hub schema` prints the same as a JSON Schema for editors.\n\
         Ids are lower-case letters, digits and hyphens, at most 64. Field paths join names by dots (`address.city`); arrays are transparent.\n",
    );
    let mut waiting = vec![&grammar::MANIFEST];
    let mut done: Vec<&str> = Vec::new();
    while let Some(table) = waiting.pop() {
        if done.contains(&table.title) {
            continue;
        }
        done.push(table.title);
        section(&mut page, table);
        let mut inner: Vec<&Table> = table.keys.iter().flat_map(|key| inner_tables(&key.kind)).collect();
        inner.reverse();
        waiting.extend(inner);
    }
    page
}

fn section(page: &mut String, table: &Table) {
    let _ =
        write!(page, "\n## `{}`\n\n{}\n\n| Key | Value | Needed | Meaning | Example |\n|---|---|---|---|---|\n", table.title, table.doc);
    for Key { name, kind, required, doc, example, .. } in table.keys {
        let needed = if *required { "yes" } else { "" };
        let example = example.replace('|', "\\|");
        let _ = writeln!(page, "| `{name}` | {} | {needed} | {doc} | `{example}` |", described(kind));
    }
}

fn described(kind: &Kind) -> String {
    match kind {
        Kind::Text(Text::Category) => "a category".to_owned(),
        Kind::Text(Text::Use) => "a use".to_owned(),
        Kind::Text(Text::Subject) => "a data subject".to_owned(),
        Kind::Text(Text::Path) => "a field path".to_owned(),
        Kind::Text(Text::Reference) => "an id".to_owned(),
        Kind::Text(Text::Stream) => "`system.stream`".to_owned(),
        Kind::Text(Text::Country) => "a country".to_owned(),
        Kind::Text(Text::Period) => "an ISO 8601 period".to_owned(),
        Kind::List(item @ Kind::Text(_)) => format!("a list, each element {}", described(item)),
        Kind::Map(names, value) => {
            let name = match names {
                Names::Id => "id",
                Names::Word => "word",
                Names::Label => "name",
                Names::Stream => "stream",
                Names::Path => "field path",
            };
            format!("a table, {name} = {}", described(value))
        }
        Kind::Table(table) => format!("`{}`", table.title),
        Kind::OneOf(kinds) => kinds.iter().map(described).collect::<Vec<_>>().join(", or "),
        kind => expected(kind),
    }
}

/// The tables that a kind leads to.
pub(super) fn inner_tables(kind: &'static Kind) -> Vec<&'static Table> {
    match kind {
        Kind::Table(table) => vec![table],
        Kind::List(item) | Kind::Map(_, item) => inner_tables(item),
        Kind::OneOf(kinds) => kinds.iter().flat_map(inner_tables).collect(),
        Kind::Text(_) | Kind::Integer(..) | Kind::Boolean | Kind::Date | Kind::Choice(_) | Kind::Free | Kind::Any => Vec::new(),
    }
}
