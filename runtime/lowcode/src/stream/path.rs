//! Setting, creating and removing what lies at a path of a value, as the reference's path library does it. `*` is any member.

use std::sync::Arc;

use crate::value::{Dict, Value};

/// Longer paths lead nowhere.
const MAXIMUM_STEPS: usize = 64;
/// A list grows to at most so many items for one that is set far behind its end.
const MAXIMUM_GROWTH: usize = 1000;

/// What lies at a path.
#[must_use]
pub fn get<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| match value {
        Value::Dict(dict) => dict.get(step.as_str()),
        Value::List(items) | Value::Tuple(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Everything that lies at a path with `*` in it.
#[must_use]
pub fn values<'v>(value: &'v Value, path: &[String]) -> Vec<&'v Value> {
    let [step, rest @ ..] = path else { return vec![value] };
    match value {
        Value::Dict(dict) if step == "*" => dict.values().flat_map(|value| values(value, rest)).collect(),
        Value::List(items) if step == "*" => items.iter().flat_map(|value| values(value, rest)).collect(),
        _ => get(value, std::slice::from_ref(step)).map(|value| values(value, rest)).unwrap_or_default(),
    }
}

/// Sets what is there already; says how often.
pub fn set(value: &mut Value, path: &[String], new: &Value) -> usize {
    let [step, rest @ ..] = path else {
        *value = new.clone();
        return 1;
    };
    if path.len() > MAXIMUM_STEPS {
        return 0;
    }
    match value {
        Value::Dict(dict) => {
            let dict = Arc::make_mut(dict);
            match step.as_str() {
                "*" => dict.values_mut().map(|value| set(value, rest, new)).sum(),
                step => dict.get_mut(step).map_or(0, |value| set(value, rest, new)),
            }
        }
        Value::List(items) => {
            let items = Arc::make_mut(items);
            match step.as_str() {
                "*" => items.iter_mut().map(|value| set(value, rest, new)).sum(),
                step => step.parse::<usize>().ok().and_then(|index| items.get_mut(index)).map_or(0, |value| set(value, rest, new)),
            }
        }
        _ => 0,
    }
}

/// Sets what is there or not; makes what lies between.
pub fn create(value: &mut Value, path: &[String], new: &Value) {
    let [step, rest @ ..] = path else {
        *value = new.clone();
        return;
    };
    if path.len() > MAXIMUM_STEPS {
        return;
    }
    if let Value::List(items) = value
        && let Ok(index) = step.parse::<usize>()
        && index < items.len().saturating_add(MAXIMUM_GROWTH)
    {
        let items = Arc::make_mut(items);
        while items.len() <= index {
            items.push(Value::None);
        }
        if let Some(item) = items.get_mut(index) {
            create(item, rest, new);
        }
        return;
    }
    if !matches!(value, Value::Dict(_)) {
        *value = Value::Dict(Arc::default());
    }
    if let Value::Dict(dict) = value {
        let member = Arc::make_mut(dict).entry(Arc::from(step.as_str())).or_insert(Value::None);
        create(member, rest, new);
    }
}

/// Removes what is there; an item of a list becomes none.
pub fn remove(value: &mut Value, path: &[String]) {
    let [step, rest @ ..] = path else { return };
    match value {
        Value::Dict(dict) => {
            let dict: &mut Dict = Arc::make_mut(dict);
            match (step.as_str(), rest.is_empty()) {
                ("*", true) => dict.clear(),
                ("*", false) => dict.values_mut().for_each(|value| remove(value, rest)),
                (step, true) => {
                    dict.shift_remove(step);
                }
                (step, false) => {
                    if let Some(value) = dict.get_mut(step) {
                        remove(value, rest);
                    }
                }
            }
        }
        Value::List(items) => {
            let items = Arc::make_mut(items);
            let wanted = |index: usize| step == "*" || step.parse() == Ok(index);
            for (_, item) in items.iter_mut().enumerate().filter(|(index, _)| wanted(*index)) {
                if rest.is_empty() {
                    *item = Value::None;
                } else {
                    remove(item, rest);
                }
            }
        }
        _ => {}
    }
}
