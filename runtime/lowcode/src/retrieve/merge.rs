//! What requester, paginator and slice add to a request, put together. A name that two of them give is an error.

use std::sync::Arc;

use crate::value::{Dict, Value};

/// Puts mappings together; texts and nothing are let pass if nothing else is there.
///
/// # Errors
/// The same key twice (in a JSON body: with different values), or a text together with something else.
pub fn combine(parts: Vec<Value>, same_is_fine: bool) -> Result<Value, String> {
    let mut parts: Vec<Value> =
        parts.into_iter().filter(|part| !matches!(part, Value::Dict(dict) if dict.is_empty()) && !part.is_none()).collect();
    let texts = parts.iter().filter(|part| matches!(part, Value::Str(_))).count();
    if texts > 0 {
        return match (parts.len(), parts.pop()) {
            (1, Some(text)) => Ok(text),
            _ if texts > 1 => Err("a request body cannot be made of several texts".to_owned()),
            _ => Err("a request body cannot be made of a text and something else".to_owned()),
        };
    }
    let mut all = Dict::new();
    for part in parts {
        if let Value::Dict(dict) = part {
            merge(&mut all, &dict, same_is_fine, "")?;
        }
    }
    Ok(Value::dict(all))
}

fn merge(target: &mut Dict, source: &Dict, same_is_fine: bool, path: &str) -> Result<(), String> {
    for (key, value) in source {
        let place = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        match (target.get_mut(key), value) {
            (None, _) => {
                target.insert(Arc::clone(key), value.clone());
            }
            (Some(Value::Dict(inner)), Value::Dict(added)) if same_is_fine => merge(Arc::make_mut(inner), added, same_is_fine, &place)?,
            (Some(known), _) if same_is_fine && known == value => {}
            _ => return Err(format!("a request has `{place}` twice; requester, paginator and partition each need names of their own")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(entries: &[(&str, Value)]) -> Value {
        Value::dict(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
    }

    #[test]
    fn names_are_given_once() {
        let one = dict(&[("a", Value::Int(1))]);
        assert!(combine(vec![one.clone(), one.clone()], false).is_err());
        assert_eq!(combine(vec![one.clone(), one.clone()], true), Ok(one.clone()));
        assert!(combine(vec![one.clone(), dict(&[("a", Value::Int(2))])], true).is_err());
        let deep = |key: &str| dict(&[("v", dict(&[(key, Value::Int(1))]))]);
        assert_eq!(combine(vec![deep("x"), deep("y")], true), Ok(dict(&[("v", dict(&[("x", Value::Int(1)), ("y", Value::Int(1))]))])));
        assert!(combine(vec![deep("x"), deep("y")], false).is_err());
        assert_eq!(combine(vec![Value::str("text"), dict(&[])], false), Ok(Value::str("text")));
        assert!(combine(vec![Value::str("text"), one], false).is_err());
    }
}
