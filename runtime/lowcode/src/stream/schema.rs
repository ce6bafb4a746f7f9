//! A stream's JSON schema: as the manifest has it, or made from what the API tells of its fields.

use std::sync::Arc;

use crate::fault::Failure;
use crate::model::schema::{DynamicSchemaLoader, SchemaLoader, TargetType};
use crate::model::stream::Stream;
use crate::model::text::Text;
use crate::retrieve::Transformer;
use crate::retrieve::system;
use crate::stream::{Connector, Session, path, records};
use crate::template::Scope;
use crate::value::{Dict, Value};

/// Types nest no deeper.
const MAXIMUM_DEPTH: usize = 32;

/// The schema of a stream's records.
///
/// # Errors
/// The API fails, or tells of a type that is not known.
pub fn load(connector: &Connector, stream: &Stream, session: &Session<'_>) -> Result<Value, Failure> {
    match stream.schema_loaders.as_slice() {
        [] => Ok(Value::Dict(Arc::default())),
        [one] => load_one(connector, one, session),
        many => {
            let mut properties = Dict::new();
            for loader in many {
                let schema = load_one(connector, loader, session)?;
                if let Some(Value::Dict(more)) = schema.get("properties") {
                    for (key, value) in more.iter() {
                        properties.entry(Arc::clone(key)).or_insert_with(|| value.clone());
                    }
                }
            }
            let kinds = Value::List(Arc::new(vec![Value::str("null"), Value::str("object")]));
            let properties = Value::Dict(Arc::new(properties));
            Ok(dict([("$schema", Value::str("http://json-schema.org/draft-07/schema#")), ("type", kinds), ("properties", properties)]))
        }
    }
}

fn load_one(connector: &Connector, loader: &SchemaLoader, session: &Session<'_>) -> Result<Value, Failure> {
    match loader {
        SchemaLoader::Inline(schema) => Ok(schema.clone()),
        // The file is none of the manifest; a stream without a known schema has an empty one.
        SchemaLoader::File(_) => Ok(Value::Dict(Arc::default())),
        SchemaLoader::Dynamic(loader) => from_api(connector, loader, session),
    }
}

fn from_api(connector: &Connector, loader: &DynamicSchemaLoader, session: &Session<'_>) -> Result<Value, Failure> {
    let scope = session.scope.clone();
    let record = records::first(connector, &loader.retriever, "dynamic_properties", session)?;
    let pointer = steps(&loader.schema_pointer, &scope)?;
    let described = record.as_ref().and_then(|record| path::get(record, &pointer)).cloned();
    let items = match &described {
        Some(Value::List(items)) => items.to_vec(),
        Some(Value::Dict(dict)) => dict.keys().map(|key| Value::Str(Arc::clone(key))).collect(),
        _ => Vec::new(),
    };
    let mut properties = Dict::new();
    for item in &items {
        let key = path::get(item, &steps(&loader.key_pointer, &scope)?).and_then(Value::as_str);
        let key = key.ok_or_else(|| system("a field of the schema has no name at `key_pointer`"))?;
        properties.insert(key.into(), property(loader, item, &scope)?);
    }
    if let Some(filter) = &loader.filter {
        let mut kept = Dict::new();
        for (key, value) in properties {
            let record = dict([(&*key, value.clone())]);
            if filter.evaluate_boolean(&scope.with("record", record)).map_err(|error| system(error.to_string()))? {
                kept.insert(key, value);
            }
        }
        properties = kept;
    }
    let mut properties = Value::Dict(Arc::new(properties));
    Transformer::new(&loader.transformations, &scope)?.apply(&mut properties, &scope)?;
    Ok(dict([
        ("$schema", Value::str("https://json-schema.org/draft-07/schema#")),
        ("type", Value::str("object")),
        ("additionalProperties", Value::Bool(true)),
        ("properties", properties),
    ]))
}

fn property(loader: &DynamicSchemaLoader, item: &Value, scope: &Scope) -> Result<Value, Failure> {
    let told = match &loader.type_pointer {
        Some(pointer) => path::get(item, &steps(pointer, scope)?).cloned().unwrap_or_else(|| Value::str("string")),
        None => Value::str("string"),
    };
    let scope = scope.with("raw_schema", item.clone());
    for map in &loader.types {
        let holds = match &map.condition {
            Some(condition) => condition.evaluate_boolean(&scope).map_err(|error| system(error.to_string()))?,
            None => true,
        };
        if holds && told == map.current {
            return target(&map.target, 0);
        }
    }
    target(&TargetType::Plain(told), 0)
}

fn target(target: &TargetType, depth: usize) -> Result<Value, Failure> {
    match target {
        TargetType::Plain(Value::Str(name)) => known(name),
        TargetType::Plain(Value::List(names)) => match names.as_slice() {
            [Value::Str(one), Value::Str(two)] => Ok(dict([("oneOf", Value::List(Arc::new(vec![known(one)?, known(two)?])))])),
            _ => Err(system("a type of the schema is a name or a list of two names")),
        },
        TargetType::Complex { field_type, items } if depth < MAXIMUM_DEPTH => {
            let mut schema = known(field_type)?;
            if let (Some(items), Value::Dict(dict)) = (items, &mut schema) {
                Arc::make_mut(dict).insert("items".into(), self::target(items, depth + 1)?);
            }
            Ok(schema)
        }
        _ => Err(system("a type of the schema is a name or a list of two names")),
    }
}

fn known(name: &str) -> Result<Value, Failure> {
    let (kind, format, exact) = match name {
        "string" | "boolean" | "integer" | "number" | "array" | "object" => (name, None, None),
        "date" => ("string", Some("date"), None),
        "timestamp_without_timezone" => ("string", Some("date-time"), Some(name)),
        "timestamp_with_timezone" => ("string", Some("date-time"), None),
        "time_without_timezone" | "time_with_timezone" => ("string", Some("time"), Some(name)),
        _ => return Err(system(format!("the schema's type `{name}` is not known; `types_mapping` can tell what it means"))),
    };
    let mut schema = Dict::new();
    schema.insert("type".into(), Value::List(Arc::new(vec![Value::str("null"), Value::str(kind)])));
    if let Some(format) = format {
        schema.insert("format".into(), Value::str(format));
    }
    if let Some(exact) = exact {
        schema.insert("airbyte_type".into(), Value::str(exact));
    }
    Ok(Value::Dict(Arc::new(schema)))
}

fn dict<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Dict(Arc::new(members.into_iter().map(|(key, value)| (Arc::from(key), value)).collect()))
}

fn steps(texts: &[Text], scope: &Scope) -> Result<Vec<String>, Failure> {
    texts.iter().map(|text| text.evaluate_to_text(scope)).collect::<Result<_, _>>().map_err(|error| system(error.to_string()))
}
