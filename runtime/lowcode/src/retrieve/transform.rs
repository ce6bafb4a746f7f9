//! Transformations of records.

use std::sync::Arc;

use crate::fault::Failure;
use crate::model::text::Text;
use crate::model::transformation::{Transformation, ValueType};
use crate::retrieve::dpath;
use crate::retrieve::failure::{system, template};
use crate::template::{Scope, Types};
use crate::value::{Dict, Value};

/// A flattened record has so many fields at most.
const MAXIMUM_FIELDS: usize = 1_000_000;
/// Deeper than this no keys are changed.
const MAXIMUM_DEPTH: usize = 256;

/// Transformations, ready.
#[derive(Clone, Debug, Default)]
pub struct Transformer {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Add { fields: Vec<(Vec<String>, Text, Option<Types>)>, condition: Option<Text> },
    Remove { pointers: Vec<Vec<String>>, condition: Option<Text> },
    Lower,
    Snake,
    Replace { old: Text, new: Text },
    Flatten { lists: bool },
    FlattenPath { path: Vec<String>, delete: bool, replace: bool, prefix: String, suffix: String },
}

/// The types that a value of a type may have.
#[must_use]
pub fn cast(value_type: ValueType) -> Types {
    match value_type {
        ValueType::String => Types::STR,
        ValueType::Number => Types::FLOAT,
        ValueType::Integer => Types::INT,
        ValueType::Boolean => Types::BOOL,
    }
}

impl Transformer {
    /// Evaluates what needs the configuration only.
    ///
    /// # Errors
    /// A template fails.
    pub fn new(transformations: &[Transformation], scope: &Scope) -> Result<Self, Failure> {
        Ok(Self { steps: transformations.iter().map(|one| step(one, scope)).collect::<Result<_, _>>()? })
    }

    /// Whether it does nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Transforms a record.
    ///
    /// # Errors
    /// A template fails, or a field cannot be where it shall be.
    pub fn apply(&self, record: &mut Value, scope: &Scope) -> Result<(), Failure> {
        if !self.steps.is_empty() && !matches!(record, Value::Dict(_)) {
            return Err(system(format!("a record is {}; transformations need an object", record.type_name())));
        }
        self.steps.iter().try_for_each(|step| apply(step, record, scope))
    }
}

fn step(transformation: &Transformation, scope: &Scope) -> Result<Step, Failure> {
    let text = |text: &Text| text.evaluate_to_text(scope).map_err(|error| template("a transformation's path", &error));
    let optional = |one: &Option<Text>| one.as_ref().map(text).transpose().map(Option::unwrap_or_default);
    Ok(match transformation {
        Transformation::AddFields { fields, condition } => Step::Add {
            fields: fields
                .iter()
                .map(|field| {
                    let path = field.path.iter().map(|step| step.source().to_owned()).collect();
                    (path, field.value.clone(), field.value_type.map(cast))
                })
                .collect(),
            condition: condition.clone(),
        },
        Transformation::RemoveFields { pointers, condition } => Step::Remove { pointers: pointers.clone(), condition: condition.clone() },
        Transformation::KeysToLower => Step::Lower,
        Transformation::KeysToSnakeCase => Step::Snake,
        Transformation::KeysReplace { old, new } => Step::Replace { old: old.clone(), new: new.clone() },
        Transformation::FlattenFields { flatten_lists } => Step::Flatten { lists: *flatten_lists },
        Transformation::DpathFlattenFields { path, delete_origin_value, replace_record, prefix, suffix } => Step::FlattenPath {
            path: path.iter().map(text).collect::<Result<_, _>>()?,
            delete: *delete_origin_value,
            replace: *replace_record,
            prefix: optional(prefix)?,
            suffix: optional(suffix)?,
        },
    })
}

fn apply(step: &Step, record: &mut Value, scope: &Scope) -> Result<(), Failure> {
    match step {
        Step::Add { fields, condition } => {
            for (path, text, types) in fields {
                let seen = scope.with("record", record.clone());
                let value =
                    text.evaluate_as(&seen, types.unwrap_or(Types::ANY)).map_err(|error| template("an added field's `value`", &error))?;
                if let Some(condition) = condition {
                    let path = Value::list(path.iter().map(Value::str).collect());
                    let seen = seen.with("value", value.clone()).with("path", path);
                    if !condition.evaluate_boolean(&seen).map_err(|error| template("`condition` of added fields", &error))? {
                        continue;
                    }
                }
                drop(seen);
                dpath::put(record, path, value).map_err(|message| system(format!("a field cannot be added: {message}")))?;
            }
        }
        Step::Remove { pointers, condition: None } => {
            for pointer in pointers {
                let _ = dpath::delete::<()>(record, pointer, None);
            }
        }
        Step::Remove { pointers, condition: Some(condition) } => {
            for pointer in pointers {
                let mut holds = |value: &Value| condition.evaluate_boolean(&scope.with("property", value.clone()));
                dpath::delete(record, pointer, Some(&mut holds)).map_err(|error| template("`condition` of removed fields", &error))?;
            }
        }
        Step::Lower => rename(record, 0, false, &|key| key.to_lowercase()),
        Step::Snake => rename(record, 0, true, &snake),
        Step::Replace { old, new } => {
            let seen = scope.with("record", record.clone());
            let evaluate = |text: &Text| text.evaluate_to_text(&seen).map_err(|error| template("`KeysReplace`", &error));
            let (old, new) = (evaluate(old)?, evaluate(new)?);
            drop(seen);
            rename(record, 0, true, &|key| replace(key, &old, &new));
        }
        Step::Flatten { lists } => flatten(record, *lists)?,
        Step::FlattenPath { path, delete, replace, prefix, suffix } => flatten_path(record, path, *delete, *replace, prefix, suffix)?,
    }
    Ok(())
}

fn replace(key: &str, old: &str, new: &str) -> String {
    key.replace(old, new)
}

fn rename(value: &mut Value, depth: usize, deep: bool, change: &dyn Fn(&str) -> String) {
    let Value::Dict(dict) = value else { return };
    let mut renamed = Dict::with_capacity(dict.len());
    for (key, member) in dict.iter() {
        let mut member = member.clone();
        if deep && depth < MAXIMUM_DEPTH {
            rename(&mut member, depth + 1, deep, change);
        }
        renamed.insert(change(key).into(), member);
    }
    *value = Value::dict(renamed);
}

/// `camelCase` and `Some-Name` to `camel_case` and `some_name`, as the reference takes names apart.
#[must_use]
pub fn snake(key: &str) -> String {
    let key = plain_letters(key);
    let characters: Vec<char> = key.chars().collect();
    let mut tokens: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(one) = characters.get(at) {
        let run = |from: usize, inside: &dyn Fn(char) -> bool| {
            characters[from..].iter().position(|one| !inside(*one)).map_or(characters.len(), |length| from + length)
        };
        let end = if one.is_ascii_uppercase() {
            let upper = run(at, &|one| one.is_ascii_uppercase());
            run(upper, &|one| one.is_ascii_lowercase())
        } else if one.is_ascii_lowercase() {
            run(at, &|one| one.is_ascii_lowercase())
        } else if one.is_ascii_digit() {
            run(at, &|one| one.is_ascii_digit())
        } else {
            let end = run(at, &|one| !one.is_ascii_alphanumeric());
            tokens.push(String::new());
            at = end;
            continue;
        };
        tokens.push(characters[at..end].iter().collect::<String>().to_lowercase());
        at = end;
    }
    if tokens.len() >= 3 {
        let last = tokens.len() - 1;
        let mut index = 0;
        tokens.retain(|token| {
            index += 1;
            index == 1 || index > last || !token.is_empty()
        });
    }
    if tokens.first().is_some_and(|first| !first.is_empty() && first.chars().all(|one| one.is_ascii_digit())) {
        tokens.insert(0, String::new());
    }
    tokens.join("_")
}

/// Letters with marks lose them, as far as they are letters of western alphabets.
fn plain_letters(text: &str) -> String {
    const MARKED: [(&str, &str); 24] = [
        ("àáâãäåāăą", "a"),
        ("çćĉċč", "c"),
        ("ďđ", "d"),
        ("èéêëēĕėęě", "e"),
        ("ĝğġģ", "g"),
        ("ĥħ", "h"),
        ("ìíîïĩīĭįı", "i"),
        ("ĵ", "j"),
        ("ķ", "k"),
        ("ĺļľŀł", "l"),
        ("ñńņňŉ", "n"),
        ("òóôõöøōŏő", "o"),
        ("ŕŗř", "r"),
        ("śŝşš", "s"),
        ("ţťŧ", "t"),
        ("ùúûüũūŭůűų", "u"),
        ("ŵ", "w"),
        ("ýÿŷ", "y"),
        ("źżž", "z"),
        ("æ", "ae"),
        ("œ", "oe"),
        ("ß", "ss"),
        ("þ", "th"),
        ("ð", "d"),
    ];
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        let lower: String = one.to_lowercase().collect();
        match MARKED.iter().find(|(marked, _)| marked.contains(&lower)) {
            Some((_, plain)) if one.is_uppercase() => {
                let mut letters = plain.chars();
                out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
                out.extend(letters);
            }
            Some((_, plain)) => out.push_str(plain),
            None => out.push(one),
        }
    }
    out
}

/// As the reference: from the last field to the first, names grow by their parents' only where they would collide.
fn flatten(record: &mut Value, lists: bool) -> Result<(), Failure> {
    let mut stack: Vec<(Value, Arc<str>)> = vec![(record.clone(), "_".into())];
    let mut flat = Dict::new();
    let mut with_parent = false;
    while let Some((current, name)) = stack.pop() {
        if stack.len() > MAXIMUM_FIELDS || flat.len() > MAXIMUM_FIELDS {
            return Err(system(format!("a flattened record has more than {MAXIMUM_FIELDS} fields")));
        }
        match current {
            Value::Dict(dict) => {
                for (key, value) in dict.iter() {
                    let key = if with_parent || flat.contains_key(key) { format!("{name}.{key}").into() } else { Arc::clone(key) };
                    stack.push((value.clone(), key));
                }
            }
            Value::List(items) if lists => {
                for (index, item) in items.iter().enumerate() {
                    with_parent = true;
                    stack.push((item.clone(), format!("{name}.{index}").into()));
                }
            }
            other => {
                flat.insert(name, other);
            }
        }
    }
    *record = Value::dict(flat);
    Ok(())
}

fn flatten_path(record: &mut Value, path: &[String], delete: bool, replace: bool, prefix: &str, suffix: &str) -> Result<(), Failure> {
    let extracted = if path.iter().any(|step| step == "*") {
        dpath::values(record, path).first().map(|value| (*value).clone())
    } else {
        dpath::get(record, path).map_err(system)?.cloned()
    };
    let Some(Value::Dict(extracted)) = extracted else { return Ok(()) };
    let renamed: Dict = extracted.iter().map(|(key, value)| (format!("{prefix}{key}{suffix}").into(), value.clone())).collect();
    if replace && !renamed.is_empty() {
        *record = Value::dict(renamed);
        return Ok(());
    }
    let Value::Dict(own) = &*record else { return Ok(()) };
    if renamed.keys().any(|key| own.contains_key(key)) {
        return Ok(());
    }
    if delete {
        let _ = dpath::delete::<()>(record, path, None);
    }
    if let Value::Dict(own) = record {
        Arc::make_mut(own).extend(renamed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    fn value(text: &str) -> Value {
        Value::from_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn names_become_snakes() {
        for (name, expected) in [
            ("FirstName", "first_name"),
            ("HTTPServer2", "httpserver_2"),
            ("2fa", "_2_fa"),
            ("a - b", "a_b"),
            ("-a", "_a"),
            ("Größe", "grosse"),
            ("id", "id"),
        ] {
            assert_eq!(snake(name), expected);
        }
    }

    #[test]
    fn flattens() {
        let mut record = value(r#"{"a":{"x":1},"b":{"x":2,"y":[1,{"z":3}]}}"#);
        flatten(&mut record, true).unwrap();
        assert_eq!(record, value(r#"{"y.1.z":3,"y.0":1,"x":2,"a.x":1}"#));
        let mut record = value(r#"{"a":{"x":1},"b":2}"#);
        flatten_path(&mut record, &["a".to_owned()], true, false, "p_", "").unwrap();
        assert_eq!(record, value(r#"{"b":2,"p_x":1}"#));
    }
}
