//! Methods of lists, tuples and dictionaries.

use std::rc::Rc;

use super::super::arguments::Given;
use super::super::error::{Outcome, TemplateError};
use super::super::operand::{Kind, Operand};
use super::super::operators::{any_case, hashable, order};
use super::Called;
use crate::value::Value;

/// Items that a list or dictionary of a template may get.
const ITEMS_LIMIT: usize = 100_000;

fn changed(result: Operand, changed: Operand) -> Outcome<Called> {
    Ok(Called { result, changed: Some(changed) })
}

pub(super) fn list(receiver: &Operand, name: &'static str, given: Given) -> Outcome<Called> {
    let mut items = receiver.items_of_list().unwrap_or_default();
    if items.len() > ITEMS_LIMIT {
        return Err(TemplateError::limit("a list that is too long"));
    }
    let place = |index: i64, length: usize| {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        usize::try_from(if index < 0 { index.saturating_add(length) } else { index }).ok()
    };
    match name {
        "copy" => Ok(Operand::list(items).into()),
        "clear" => changed(Operand::none(), Operand::list(Vec::new())),
        "append" => {
            items.push(given.bind(name, &["object"], 1)?.need(0)?);
            changed(Operand::none(), Operand::list(items))
        }
        "extend" => {
            items.extend(given.bind(name, &["iterable"], 1)?.need(0)?.iterate()?);
            changed(Operand::none(), Operand::list(items))
        }
        "insert" => {
            let mut bound = given.bind(name, &["index", "object"], 2)?;
            let at = place(bound.int(0, 0)?, items.len()).unwrap_or(0).min(items.len());
            items.insert(at, bound.need(1)?);
            changed(Operand::none(), Operand::list(items))
        }
        "pop" => {
            let index = given.bind(name, &["index"], 0)?.int(0, -1)?;
            match place(index, items.len()).filter(|at| *at < items.len()) {
                Some(at) => {
                    let item = items.remove(at);
                    changed(item, Operand::list(items))
                }
                None => Err(TemplateError::value_error("pop index out of range")),
            }
        }
        "remove" | "index" => {
            let wanted = given.bind(name, &["value", "start", "stop"], 1)?.need(0)?;
            let at =
                items.iter().position(|item| item.equals(&wanted)).ok_or_else(|| TemplateError::value_error("the value is not in list"))?;
            if name == "index" {
                return Ok(Operand::int(at).into());
            }
            items.remove(at);
            changed(Operand::none(), Operand::list(items))
        }
        "count" => {
            let wanted = given.bind(name, &["value"], 1)?.need(0)?;
            Ok(Operand::int(items.iter().filter(|item| item.equals(&wanted)).count()).into())
        }
        "reverse" => {
            items.reverse();
            changed(Operand::none(), Operand::list(items))
        }
        _ => {
            let reverse = given.bind(name, &["key", "reverse"], 0)?.flag(1, false);
            changed(Operand::none(), Operand::list(sorted(items.into_iter().map(|item| (item.clone(), item)).collect(), reverse)?))
        }
    }
}

/// Sorts by the first of each pair, stable, and gives the second.
pub(in super::super) fn sorted(mut pairs: Vec<(Operand, Operand)>, reverse: bool) -> Outcome<Vec<Operand>> {
    let mut failure = None;
    pairs.sort_by(|(left, _), (right, _)| {
        let ordering = order(left, right, "<").unwrap_or_else(|error| {
            failure.get_or_insert(error);
            None
        });
        let ordering = ordering.unwrap_or(std::cmp::Ordering::Equal);
        if reverse { ordering.reverse() } else { ordering }
    });
    match failure {
        Some(error) => Err(error),
        None => Ok(pairs.into_iter().map(|(_, item)| item).collect()),
    }
}

/// The members of a dictionary.
pub(in super::super) fn members(receiver: &Operand) -> Vec<(Operand, Operand)> {
    match receiver {
        Operand::Value(Value::Dict(dict)) | Operand::AnyCase(dict) => {
            dict.iter().map(|(key, value)| (Operand::Value(Value::Str(key.clone())), Operand::Value(value.clone()))).collect()
        }
        Operand::Mapping(members) => members.to_vec(),
        _ => Vec::new(),
    }
}

fn lookup(receiver: &Operand, key: &Operand) -> Outcome<Option<Operand>> {
    hashable(key)?;
    Ok(match (receiver, key.as_str()) {
        (Operand::Value(Value::Dict(dict)), Some(key)) => dict.get(key).cloned().map(Operand::Value),
        (Operand::AnyCase(dict), Some(key)) => any_case(dict, key).cloned().map(Operand::Value),
        (Operand::AnyCase(_), None) => return Err(TemplateError::value_error("a header's name must be a text")),
        (Operand::Mapping(members), _) => members.iter().find(|(known, _)| known.equals(key)).map(|(_, value)| value.clone()),
        _ => None,
    })
}

pub(super) fn dict(receiver: &Operand, name: &'static str, given: Given) -> Outcome<Called> {
    match name {
        "get" => {
            let mut bound = given.bind(name, &["key", "default"], 1)?;
            let found = lookup(receiver, &bound.need(0)?)?;
            Ok(found.or_else(|| bound.take(1)).unwrap_or_else(Operand::none).into())
        }
        "copy" => Ok(receiver.clone().into()),
        "keys" => Ok(view(members(receiver).into_iter().map(|(key, _)| key), "dict_keys").into()),
        "values" => Ok(view(members(receiver).into_iter().map(|(_, value)| value), "dict_values").into()),
        "items" => Ok(view(members(receiver).into_iter().map(|(key, value)| Operand::tuple(vec![key, value])), "dict_items").into()),
        "clear" => changed(Operand::none(), Operand::mapping(Vec::new())),
        "update" => update(receiver, given),
        "setdefault" => {
            let mut bound = given.bind(name, &["key", "default"], 1)?;
            let key = bound.need(0)?;
            if let Some(found) = lookup(receiver, &key)? {
                return Ok(found.into());
            }
            let value = bound.take(1).unwrap_or_else(Operand::none);
            let mut all = members(receiver);
            all.push((key, value.clone()));
            changed(value, Operand::mapping(all))
        }
        "pop" => {
            let mut bound = given.bind(name, &["key", "default"], 1)?;
            let key = bound.need(0)?;
            let Some(found) = lookup(receiver, &key)?.or_else(|| bound.take(1)) else {
                return Err(TemplateError::value_error("the key is not in the dictionary"));
            };
            changed(found, Operand::mapping(members(receiver).into_iter().filter(|(known, _)| !known.equals(&key)).collect()))
        }
        "popitem" => {
            let mut all = members(receiver);
            match all.pop() {
                Some((key, value)) => changed(Operand::tuple(vec![key, value]), Operand::mapping(all)),
                None => Err(TemplateError::value_error("popitem(): dictionary is empty")),
            }
        }
        _ => Err(TemplateError::value_error(format!("dictionaries have no method '{name}' here"))),
    }
}

fn view(items: impl Iterator<Item = Operand>, name: &'static str) -> Operand {
    Operand::Sequence(Rc::new(items.collect()), Kind::View(name))
}

fn update(receiver: &Operand, given: Given) -> Outcome<Called> {
    let mut all = members(receiver);
    if let Some(source) = given.positional.first() {
        match source {
            Operand::Value(Value::Dict(_)) | Operand::Mapping(_) | Operand::AnyCase(_) => all.extend(members(source)),
            other => {
                for pair in other.iterate()? {
                    let mut parts = pair.iterate()?.into_iter();
                    match (parts.next(), parts.next(), parts.next()) {
                        (Some(key), Some(value), None) => all.push((key, value)),
                        _ => {
                            return Err(TemplateError::value_error(
                                "dictionary update sequence element has the wrong length; 2 is required",
                            ));
                        }
                    }
                }
            }
        }
    }
    all.extend(given.named.into_iter().map(|(key, value)| (Operand::text(key), value)));
    if all.len() > ITEMS_LIMIT {
        return Err(TemplateError::limit("a dictionary that is too large"));
    }
    changed(Operand::none(), Operand::mapping(all))
}
