//! Streams made from templates: one for each record of an API, each item of the configuration, or each set of parameters.

use std::collections::HashSet;
use std::sync::Arc;

use crate::fault::{Failure, FailureType};
use crate::load::propagate;
use crate::model::reader::Reader;
use crate::model::resolver::{DynamicStream, Resolver, StreamConfig};
use crate::model::stream::{AnyStream, read_any_stream};
use crate::model::text::Text;
use crate::retrieve::system;
use crate::stream::configuration::typed;
use crate::stream::{Connector, Session, path, records};
use crate::template::Scope;
use crate::value::{Dict, Value};
use crate::yaml::{self, Node};

/// Streams of one template at most.
const STREAM_LIMIT: usize = 10_000;

/// All streams made from templates, each with its template's name.
///
/// # Errors
/// The API fails, a template cannot be evaluated, or two streams have one name.
pub fn resolve(connector: &Connector, session: &Session<'_>) -> Result<Vec<(String, AnyStream)>, Failure> {
    let mut made = Vec::new();
    let mut seen = HashSet::new();
    for (index, dynamic) in connector.source().dynamic_streams.iter().enumerate() {
        let name = if dynamic.name.is_empty() { format!("dynamic_stream_{index}") } else { dynamic.name.clone() };
        let scope = session.scope.clone();
        for (values, slice) in values(connector, dynamic, &scope, session)? {
            if made.len() >= STREAM_LIMIT {
                return Err(system(format!("templates make more than {STREAM_LIMIT} streams")));
            }
            let stream = one(dynamic, values, slice, &scope)?;
            if !seen.insert(stream.name().to_owned()) {
                let failure_type = if matches!(dynamic.resolver, Resolver::Config(_)) { FailureType::Config } else { FailureType::System };
                let message = format!("two streams made from `{name}` have the name `{}`", stream.name());
                return Err(Failure::Stream { failure_type, message, retry_after: None });
            }
            made.push((name.clone(), stream));
        }
    }
    Ok(made)
}

/// What each stream is made from, and the slice it was found in.
fn values(connector: &Connector, dynamic: &DynamicStream, scope: &Scope, session: &Session<'_>) -> Result<Vec<(Value, Value)>, Failure> {
    let nowhere = |value: &Value| (value.clone(), Value::None);
    match &dynamic.resolver {
        Resolver::Parametrized(list) => Ok(list.iter().map(nowhere).collect()),
        Resolver::Config(configs) => {
            let mut factors = Vec::new();
            for config in configs {
                factors.push(items(connector, config, scope)?);
            }
            Ok(product(&factors)?.iter().map(nowhere).collect())
        }
        Resolver::Http(retriever) => {
            let name = if dynamic.name.is_empty() { "__http_components_resolver" } else { &dynamic.name };
            let found = records::all(connector, retriever, name, STREAM_LIMIT, session)?;
            Ok(found.into_iter().map(|(record, slice)| (record, slice.as_value())).collect())
        }
    }
}

fn items(connector: &Connector, config: &StreamConfig, scope: &Scope) -> Result<Vec<Value>, Failure> {
    let mut items = match path::get(connector.config(), &steps(&config.pointer, scope)?) {
        Some(Value::List(items)) => items.to_vec(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    items.extend(config.default_values.iter().cloned());
    Ok(items)
}

/// Each with each; members of later ones win, values that are no mappings get a name of their own.
fn product(factors: &[Vec<Value>]) -> Result<Vec<Value>, Failure> {
    let mut combinations = vec![Dict::new()];
    for (index, factor) in factors.iter().enumerate() {
        let mut next = Vec::new();
        if combinations.len().saturating_mul(factor.len()) > STREAM_LIMIT {
            return Err(system(format!("templates make more than {STREAM_LIMIT} streams")));
        }
        for combination in &combinations {
            for (at, item) in factor.iter().enumerate() {
                let mut combination = combination.clone();
                match item {
                    Value::Dict(dict) => combination.extend(dict.iter().map(|(key, value)| (Arc::clone(key), value.clone()))),
                    other => {
                        let pair = Value::Tuple(Arc::new(vec![Value::Int(i128::try_from(at).unwrap_or(0)), other.clone()]));
                        combination.entry(format!("source_config_{index}").into()).or_insert(pair);
                    }
                }
                next.push(combination);
            }
        }
        combinations = next;
    }
    Ok(combinations.into_iter().map(|combination| Value::Dict(Arc::new(combination))).collect())
}

fn one(dynamic: &DynamicStream, values: Value, slice: Value, scope: &Scope) -> Result<AnyStream, Failure> {
    let mut config = dynamic.template.to_value();
    let scope = scope.with("components_values", values).with("stream_template_config", config.clone());
    let scope = if matches!(slice, Value::None) { scope } else { scope.with("stream_slice", slice) };
    for mapping in &dynamic.mapping {
        if let Some(condition) = &mapping.condition
            && !condition.evaluate_boolean(&scope).map_err(|error| system(error.to_string()))?
        {
            continue;
        }
        let mut value = typed(&mapping.value, mapping.value_type, &scope)?;
        let is_text = mapping.value_type == Some(crate::model::transformation::ValueType::String);
        if let (Value::Str(text), false, Resolver::Config(_) | Resolver::Parametrized(_)) = (&value, is_text, &dynamic.resolver) {
            value = parsed(text).unwrap_or(value);
        }
        let steps = steps(&mapping.path, &scope)?;
        if path::set(&mut config, &steps, &value) == 0 && mapping.create_or_update && value.is_truthy() {
            path::create(&mut config, &steps, &value);
        }
    }
    let nothing = Node::from_value(&Value::Dict(Arc::default()));
    let node = propagate("", &Node::from_value(&config), &nothing, dynamic.use_parent_parameters);
    let node = node.map_err(|fault| system(fault.to_string()))?;
    let mut reader = Reader::new();
    let stream = reader.inside(&dynamic.path, |reader| read_any_stream(&node, reader));
    match (stream, reader.faults.first()) {
        (Some(stream), None) => Ok(stream),
        (_, Some(fault)) => Err(system(format!("a stream made from a template is not valid: {fault}"))),
        (None, None) => Err(system("a stream made from a template is not valid")),
    }
}

/// A text that is YAML is what it says.
fn parsed(text: &str) -> Option<Value> {
    yaml::parse(text).ok().map(|document| document.root.to_value())
}

fn steps(texts: &[Text], scope: &Scope) -> Result<Vec<String>, Failure> {
    texts.iter().map(|text| text.evaluate_to_text(scope)).collect::<Result<_, _>>().map_err(|error| system(error.to_string()))
}
