//! Paths into values as the reference's path library has them: names may be patterns, `**` stands for any number of steps,
//! indices count from either end.

use std::sync::Arc;

use crate::value::{Dict, Value};

/// More matches than this are not collected.
const MAXIMUM_MATCHES: usize = 4_000_000;
/// Deeper than this no value is walked.
const MAXIMUM_DEPTH: usize = 256;

/// A step of a path that was found.
#[derive(Clone, Debug, PartialEq)]
enum Found {
    Key(Arc<str>),
    Index(usize, usize),
}

/// The one value at a path.
///
/// # Errors
/// A pattern fits more than one value.
pub fn get<'v>(value: &'v Value, path: &[String]) -> Result<Option<&'v Value>, String> {
    if path.iter().any(|step| is_pattern(step)) {
        let mut found = values(value, path);
        return match found.len() {
            0 => Ok(None),
            1 => Ok(found.pop()),
            _ => Err("a path fits more than one value".to_owned()),
        };
    }
    let mut current = value;
    for step in path {
        let next = match current {
            Value::Dict(dict) => dict.get(step.as_str()),
            Value::List(items) | Value::Tuple(items) => index(step, items.len()).and_then(|index| items.get(index)),
            _ => None,
        };
        match next {
            Some(next) => current = next,
            None => return Ok(None),
        }
    }
    Ok(Some(current))
}

/// All values at a path of patterns.
#[must_use]
pub fn values<'v>(value: &'v Value, path: &[String]) -> Vec<&'v Value> {
    let mut found = Vec::new();
    if path.iter().any(|step| step == "**") {
        walk(value, &mut Vec::new(), &mut |steps, value| {
            if fits(steps, path) && found.len() < MAXIMUM_MATCHES {
                found.push(value);
            }
        });
    } else {
        descend(value, path, &mut found);
    }
    found
}

fn descend<'v>(value: &'v Value, path: &[String], found: &mut Vec<&'v Value>) {
    let [step, rest @ ..] = path else {
        if found.len() < MAXIMUM_MATCHES {
            found.push(value);
        }
        return;
    };
    match value {
        Value::Dict(dict) => dict.iter().filter(|(key, _)| matches(key, step)).for_each(|(_, member)| descend(member, rest, found)),
        Value::List(items) | Value::Tuple(items) => {
            for (index, item) in items.iter().enumerate() {
                if index_fits(index, items.len(), step) {
                    descend(item, rest, found);
                }
            }
        }
        _ => {}
    }
}

fn walk<'v>(value: &'v Value, steps: &mut Vec<Found>, see: &mut impl FnMut(&[Found], &'v Value)) {
    if steps.len() > MAXIMUM_DEPTH {
        return;
    }
    let children: Vec<(Found, &Value)> = match value {
        Value::Dict(dict) => dict.iter().map(|(key, member)| (Found::Key(Arc::clone(key)), member)).collect(),
        Value::List(items) | Value::Tuple(items) => {
            items.iter().enumerate().map(|(index, item)| (Found::Index(index, items.len()), item)).collect()
        }
        _ => return,
    };
    for (step, child) in &children {
        steps.push(step.clone());
        see(steps, child);
        steps.pop();
    }
    for (step, child) in children {
        steps.push(step);
        walk(child, steps, see);
        steps.pop();
    }
}

fn fits(steps: &[Found], path: &[String]) -> bool {
    let Some(stars) = path.iter().position(|step| step == "**") else {
        return steps.len() == path.len() && steps.iter().zip(path).all(|(found, step)| step_fits(found, step));
    };
    let (before, after) = (&path[..stars], &path[stars + 1..]);
    if steps.len() + 1 < path.len() {
        return false;
    }
    let tail = steps.len() - after.len();
    steps.iter().zip(before).all(|(found, step)| step_fits(found, step))
        && steps[tail..].iter().zip(after).all(|(found, step)| step_fits(found, step))
}

fn step_fits(found: &Found, step: &str) -> bool {
    match found {
        Found::Key(key) => matches(key, step),
        Found::Index(index, length) => index_fits(*index, *length, step),
    }
}

fn index_fits(at: usize, length: usize, step: &str) -> bool {
    match step.trim().parse::<i64>() {
        Ok(_) => index(step, length) == Some(at),
        Err(_) => matches(&at.to_string(), step),
    }
}

fn index(step: &str, length: usize) -> Option<usize> {
    let number: i64 = step.trim().parse().ok()?;
    let number = if number < 0 { number.checked_add(i64::try_from(length).ok()?)? } else { number };
    usize::try_from(number).ok().filter(|index| *index < length)
}

/// Whether a name is a pattern.
#[must_use]
pub fn is_pattern(step: &str) -> bool {
    step.contains(['*', '?', '['])
}

/// Whether a text fits a shell pattern: `*`, `?`, `[a-z]`, `[!a-z]`.
#[must_use]
pub fn matches(text: &str, pattern: &str) -> bool {
    if !is_pattern(pattern) {
        return text == pattern;
    }
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut step) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        if at == text.len() && pattern[step..].iter().all(|one| *one == '*') {
            return true;
        }
        let next = match pattern.get(step) {
            Some('*') => {
                back = Some((step + 1, at));
                step += 1;
                continue;
            }
            Some(_) if at == text.len() => None,
            Some('?') => Some(step + 1),
            Some('[') => class(&pattern, step, text[at]),
            Some(one) if *one == text[at] => Some(step + 1),
            _ => None,
        };
        match (next, back) {
            (Some(next), _) => {
                step = next;
                at += 1;
            }
            (None, Some((star, from))) if from < text.len() => {
                back = Some((star, from + 1));
                step = star;
                at = from + 1;
            }
            _ => return false,
        }
    }
}

/// Where the pattern goes on behind a class that the character is in.
fn class(pattern: &[char], open: usize, one: char) -> Option<usize> {
    let negated = pattern.get(open + 1) == Some(&'!');
    let first = open + 1 + usize::from(negated);
    let close = (first + 1..pattern.len()).find(|at| pattern[*at] == ']');
    let Some(close) = close else { return (one == '[').then_some(open + 1) };
    let mut inside = false;
    let mut at = first;
    while at < close {
        if at + 2 < close && pattern[at + 1] == '-' {
            inside |= (pattern[at]..=pattern[at + 2]).contains(&one);
            at += 3;
        } else {
            inside |= pattern[at] == one;
            at += 1;
        }
    }
    (inside != negated).then_some(close + 1)
}

/// Sets a value, and creates what is missing on the way: lists where the next step is a number.
///
/// # Errors
/// Something on the way is neither list nor dictionary.
pub fn put(root: &mut Value, path: &[String], value: Value) -> Result<(), String> {
    let [step, rest @ ..] = path else { return Err("a path needs at least one step".to_owned()) };
    match root {
        Value::Dict(dict) => {
            let dict = Arc::make_mut(dict);
            if rest.is_empty() {
                dict.insert(step.as_str().into(), value);
                return Ok(());
            }
            let child = dict.entry(step.as_str().into()).or_insert_with(|| beginning(rest));
            put(child, rest, value)
        }
        Value::List(items) => {
            let items = Arc::make_mut(items);
            let index: usize = step.parse().ok().filter(|index| *index < 100_000).ok_or("a list is reached by a number only")?;
            let is_new = index >= items.len();
            while items.len() <= index {
                items.push(Value::None);
            }
            let Some(child) = items.get_mut(index) else { return Err("a list is reached by a number only".to_owned()) };
            if rest.is_empty() {
                *child = value;
                return Ok(());
            }
            if is_new {
                *child = beginning(rest);
            }
            put(child, rest, value)
        }
        _ => Err(format!("`{step}` lies below a value that is neither list nor dictionary")),
    }
}

fn beginning(rest: &[String]) -> Value {
    let numeric = rest.first().is_some_and(|step| !step.is_empty() && step.chars().all(|one| one.is_ascii_digit()));
    if numeric { Value::list(Vec::new()) } else { Value::dict(Dict::new()) }
}

/// What must hold of a value that is deleted.
pub type Condition<'c, E> = &'c mut dyn FnMut(&Value) -> Result<bool, E>;

/// Deletes what a path of patterns fits or, with a condition, every single value for which it holds. Returns how many there were.
///
/// # Errors
/// Those of the condition.
pub fn delete<E>(root: &mut Value, path: &[String], condition: Option<Condition<'_, E>>) -> Result<usize, E> {
    if condition.is_none() && !path.iter().any(|step| is_pattern(step)) {
        return Ok(usize::from(remove_plain(root, path)));
    }
    let mut chosen = Vec::new();
    let mut failed = None;
    let mut condition = condition;
    walk(root, &mut Vec::new(), &mut |steps, value| {
        let wanted = match &mut condition {
            None => fits(steps, path),
            Some(_) if matches!(value, Value::Dict(_) | Value::List(_) | Value::Tuple(_)) || failed.is_some() => false,
            Some(condition) => condition(value).unwrap_or_else(|error| {
                failed = Some(error);
                false
            }),
        };
        if wanted {
            chosen.push(steps.to_vec());
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    Ok(chosen.iter().filter(|steps| remove(root, steps)).count())
}

fn remove_plain(root: &mut Value, path: &[String]) -> bool {
    let mut steps = Vec::with_capacity(path.len());
    let mut current: &Value = root;
    for step in path {
        let (found, next) = match current {
            Value::Dict(dict) => match dict.get_key_value(step.as_str()) {
                Some((key, member)) => (Found::Key(Arc::clone(key)), member),
                None => return false,
            },
            Value::List(items) => match index(step, items.len()).and_then(|index| Some((index, items.get(index)?))) {
                Some((index, item)) => (Found::Index(index, items.len()), item),
                None => return false,
            },
            _ => return false,
        };
        steps.push(found);
        current = next;
    }
    remove(root, &steps)
}

fn remove(root: &mut Value, steps: &[Found]) -> bool {
    let [step, rest @ ..] = steps else { return false };
    match (root, step) {
        (Value::Dict(dict), Found::Key(key)) => {
            let dict = Arc::make_mut(dict);
            if rest.is_empty() { dict.shift_remove(key).is_some() } else { dict.get_mut(key).is_some_and(|child| remove(child, rest)) }
        }
        (Value::List(items), Found::Index(index, _)) => {
            let items = Arc::make_mut(items);
            if !rest.is_empty() {
                return items.get_mut(*index).is_some_and(|child| remove(child, rest));
            }
            if items.len() == index + 1 {
                items.pop();
                return true;
            }
            items.get_mut(*index).is_some_and(|item| {
                *item = Value::None;
                true
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    fn value(text: &str) -> Value {
        Value::from_json(text.as_bytes()).unwrap()
    }

    fn path(steps: &[&str]) -> Vec<String> {
        steps.iter().map(|step| (*step).to_owned()).collect()
    }

    #[test]
    fn finds_names_indices_and_patterns() {
        let tree = value(r#"{"a":[{"b":1},{"b":2}],"ac":{"b":3}}"#);
        assert_eq!(get(&tree, &path(&["a", "-1", "b"])), Ok(Some(&Value::Int(2))));
        assert_eq!(get(&tree, &path(&["a", "2"])), Ok(None));
        assert_eq!(values(&tree, &path(&["a", "*", "b"])), [&Value::Int(1), &Value::Int(2)]);
        assert_eq!(values(&tree, &path(&["**", "b"])).len(), 3);
        assert_eq!(get(&tree, &path(&["?c", "b"])), Ok(Some(&Value::Int(3))));
        assert!(get(&tree, &path(&["a*"])).is_err());
    }

    #[test]
    fn patterns_are_those_of_shells() {
        for (text, pattern, fits) in [
            ("abc", "a*c", true),
            ("abc", "a?c", true),
            ("abc", "[!b]*", true),
            ("b", "[a-c]", true),
            ("abc", "*b", false),
            ("[", "[", true),
        ] {
            assert_eq!(matches(text, pattern), fits, "{text} {pattern}");
        }
    }

    #[test]
    fn puts_and_deletes() {
        let mut tree = value("{}");
        put(&mut tree, &path(&["a", "1", "b"]), Value::Int(1)).unwrap();
        assert_eq!(tree, value(r#"{"a":[null,{"b":1}]}"#));
        assert!(put(&mut tree, &path(&["a", "0", "c"]), Value::Int(1)).is_err());
        let mut tree = value(r#"{"a":[1,2,3],"b":{"c":1,"d":2}}"#);
        assert_eq!(delete::<()>(&mut tree, &path(&["a", "0"]), None), Ok(1));
        assert_eq!(delete::<()>(&mut tree, &path(&["b", "*"]), None), Ok(2));
        assert_eq!(tree, value(r#"{"a":[null,2,3],"b":{}}"#));
        assert_eq!(delete::<()>(&mut tree, &path(&["x"]), None), Ok(0));
    }
}
