//! What the specification does to a configuration before streams see it: migrations, transformations, validations.

use crate::fault::{Failure, FailureType};
use crate::model::configuration::{ConfigTransformation, Normalization, Validator};
use crate::model::text::Text;
use crate::model::transformation::ValueType;
use crate::retrieve::system;
use crate::stream::path;
use crate::stream::validate;
use crate::template::{Scope, Types};
use crate::value::Value;

/// The configuration as streams see it.
///
/// # Errors
/// A template cannot be evaluated.
pub fn normalize(config: &Value, rules: &Normalization, now: i64) -> Result<Value, Failure> {
    let mut config = config.clone();
    for transformation in rules.migrations.iter().chain(&rules.transformations) {
        transform(&mut config, transformation, now)?;
    }
    Ok(config)
}

/// Refuses a configuration that does not adhere.
///
/// # Errors
/// Which rule it breaks, without the value.
pub fn check(config: &Value, rules: &Normalization, now: i64) -> Result<(), Failure> {
    let scope = Scope::new(now).with("config", config.clone());
    for validator in &rules.validations {
        match validator {
            Validator::Path { path: texts, schema } => {
                let steps = steps(texts, &Scope::new(now).with("config", Value::Dict(Default::default())))?;
                let found = path::values(config, &steps);
                for value in found {
                    adhere(value, schema, &format!("`{}`", steps.join(".")))?;
                }
            }
            Validator::Predicate { value, schema } => {
                let value = value.evaluate(&scope).map_err(|error| system(error.to_string()))?;
                adhere(&value, schema, "a value made of it")?;
            }
        }
    }
    Ok(())
}

fn adhere(value: &Value, schema: &Value, what: &str) -> Result<(), Failure> {
    let parsed = match value {
        Value::Str(text) => Some(Value::from_json(text.as_bytes()).map_err(|_| refused(what, "it is a text that holds no JSON"))?),
        _ => None,
    };
    validate::adheres(parsed.as_ref().unwrap_or(value), schema).map_err(|reason| refused(what, &reason))
}

fn refused(what: &str, reason: &str) -> Failure {
    let message = format!("the configuration is refused by the manifest: {what}: {reason}");
    Failure::Stream { failure_type: FailureType::Config, message, retry_after: None }
}

fn transform(config: &mut Value, transformation: &ConfigTransformation, now: i64) -> Result<(), Failure> {
    match transformation {
        ConfigTransformation::AddFields { fields, condition } => {
            for field in fields {
                let scope = Scope::new(now).with("config", config.clone());
                let value = typed(&field.value, field.value_type, &scope)?;
                let steps = steps(&field.path, &scope)?;
                if holds(condition.as_ref(), &scope.with("value", value.clone()))? {
                    path::create(config, &steps, &value);
                }
            }
        }
        ConfigTransformation::RemoveFields { pointers, condition } => {
            let scope = Scope::new(now).with("config", config.clone());
            if holds(condition.as_ref(), &scope)? {
                for pointer in pointers {
                    path::remove(config, pointer);
                }
            }
        }
        ConfigTransformation::RemapField { map, path: texts } => {
            let scope = Scope::new(now).with("config", config.clone());
            let steps = steps(texts, &scope)?;
            let map = map.evaluate(&scope).map_err(|error| system(error.to_string()))?;
            let key = path::get(config, &steps).map(|known| known.as_str().map_or_else(|| known.python_str(), str::to_owned));
            if let Some(new) = key.and_then(|key| map.get(&key).cloned()) {
                path::set(config, &steps, &new);
            }
        }
    }
    Ok(())
}

fn steps(texts: &[Text], scope: &Scope) -> Result<Vec<String>, Failure> {
    texts.iter().map(|text| text.evaluate_to_text(scope)).collect::<Result<_, _>>().map_err(|error| system(error.to_string()))
}

fn holds(condition: Option<&Text>, scope: &Scope) -> Result<bool, Failure> {
    condition.map_or(Ok(true), |condition| condition.evaluate_boolean(scope)).map_err(|error| system(error.to_string()))
}

/// A template's value of a wanted type; anything else stays text.
///
/// # Errors
/// It cannot be evaluated.
pub fn typed(text: &Text, value_type: Option<ValueType>, scope: &Scope) -> Result<Value, Failure> {
    let types = match value_type {
        None => return text.evaluate(scope).map_err(|error| system(error.to_string())),
        Some(ValueType::String) => Types::STR,
        Some(ValueType::Number) => Types::FLOAT,
        Some(ValueType::Integer) => Types::INT,
        Some(ValueType::Boolean) => Types::BOOL,
    };
    let scope = scope.with("parameters", text.parameters().clone());
    text.template().evaluate_with(&scope, Some(text.template()), types).map_err(|error| system(error.to_string()))
}
