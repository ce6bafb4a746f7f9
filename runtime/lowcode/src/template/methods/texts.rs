//! Methods of `str`.

use super::super::arguments::{Bound, Given};
use super::super::budget::Budget;
use super::super::error::{Outcome, TemplateError};
use super::super::operand::Operand;
use super::super::operators::slice;
use crate::value::Value;

pub(super) fn call(budget: &Budget, text: &str, name: &'static str, given: Given) -> Outcome<Operand> {
    match name {
        "format" => return super::super::format::format(budget, text, &given).map(Operand::text),
        "format_map" => {
            let mapping = given.bind(name, &["mapping"], 1)?.need(0)?;
            let named = super::lists::members(&mapping).into_iter().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value)));
            let given = Given { positional: Vec::new(), named: named.collect() };
            return super::super::format::format(budget, text, &given).map(Operand::text);
        }
        "encode" | "maketrans" | "translate" => return Err(TemplateError::value_error(format!("texts have no method '{name}' here"))),
        _ => {}
    }
    budget.text(text.len())?;
    match name {
        "split" | "rsplit" | "splitlines" | "partition" | "rpartition" => split(text, name, given),
        "join" => join(budget, text, given.bind(name, &["iterable"], 1)?),
        "find" | "rfind" | "index" | "rindex" | "count" | "startswith" | "endswith" => search(text, name, given),
        "replace" => replace(budget, text, given.bind(name, &["old", "new", "count"], 2)?),
        "strip" | "lstrip" | "rstrip" | "removeprefix" | "removesuffix" => strip(text, name, given),
        "center" | "ljust" | "rjust" | "zfill" | "expandtabs" => pad(budget, text, name, given),
        _ => {
            given.bind(name, &[], 0)?;
            if name.starts_with("is") { Ok(Operand::bool(is(text, name))) } else { Ok(Operand::text(cased(text, name))) }
        }
    }
}

fn cased(text: &str, name: &str) -> String {
    match name {
        "upper" => text.to_uppercase(),
        "lower" | "casefold" => text.to_lowercase(),
        "capitalize" => capitalized(text),
        "swapcase" => {
            let swap = |character: char| {
                if character.is_uppercase() { character.to_lowercase().collect::<String>() } else { character.to_uppercase().collect() }
            };
            text.chars().map(swap).collect()
        }
        // `title`: a letter is upper case unless it follows a letter.
        _ => {
            let mut after_letter = false;
            let mut out = String::with_capacity(text.len());
            for character in text.chars() {
                if after_letter {
                    out.extend(character.to_lowercase())
                } else {
                    out.extend(character.to_uppercase())
                }
                after_letter = character.is_alphabetic();
            }
            out
        }
    }
}

/// `str.capitalize`
pub(in super::super) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters.as_str().to_lowercase().chars()).collect()).unwrap_or_default()
}

fn is(text: &str, name: &str) -> bool {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    let cased = text.chars().any(|character| character.is_lowercase() || character.is_uppercase());
    match name {
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => text.is_ascii(),
        "isdecimal" | "isdigit" => all(|character| character.is_ascii_digit() || (!character.is_ascii() && character.is_numeric())),
        "isnumeric" => all(char::is_numeric),
        "isidentifier" => {
            text.starts_with(|first: char| first.is_alphabetic() || first == '_') && all(|next| next.is_alphanumeric() || next == '_')
        }
        "islower" => cased && !text.chars().any(char::is_uppercase),
        "isupper" => cased && !text.chars().any(char::is_lowercase),
        "isspace" => all(char::is_whitespace),
        "isprintable" => !text.chars().any(char::is_control),
        _ => cased && self::cased(text, "title") == text,
    }
}

/// A text, or `None` for whitespace.
fn separator(bound: &mut Bound, index: usize) -> Outcome<Option<String>> {
    match bound.given(index) {
        None => Ok(None),
        Some(operand) => match operand.as_str() {
            Some("") => Err(TemplateError::value_error("empty separator")),
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(TemplateError::type_error(format!("must be str or None, not {}", operand.type_name()))),
        },
    }
}

fn split(text: &str, name: &'static str, given: Given) -> Outcome<Operand> {
    let texts = |parts: Vec<&str>| parts.into_iter().map(Operand::text).collect::<Vec<_>>();
    match name {
        "splitlines" => {
            let keep = given.bind(name, &["keepends"], 0)?.flag(0, false);
            Ok(Operand::list(texts(lines(text, keep))))
        }
        "partition" | "rpartition" => {
            let separator = separator(&mut given.bind(name, &["sep"], 1)?, 0)?.unwrap_or_default();
            let found = if name == "partition" { text.split_once(&separator) } else { text.rsplit_once(&separator) };
            Ok(Operand::tuple(texts(match found {
                Some((before, after)) => vec![before, &separator, after],
                None if name == "partition" => vec![text, "", ""],
                None => vec!["", "", text],
            })))
        }
        _ => {
            let mut bound = given.bind(name, &["sep", "maxsplit"], 0)?;
            let separator = separator(&mut bound, 0)?;
            let most = usize::try_from(bound.int(1, -1)?).map_or(usize::MAX, |most| most.saturating_add(1));
            let right = name == "rsplit";
            let mut parts: Vec<&str> = match (&separator, right) {
                (Some(separator), false) => text.splitn(most, separator.as_str()).collect(),
                (Some(separator), true) => text.rsplitn(most, separator.as_str()).collect(),
                (None, false) => words(text, most, false),
                (None, true) => words(text, most, true),
            };
            if right {
                parts.reverse();
            }
            Ok(Operand::list(texts(parts)))
        }
    }
}

/// Parts between whitespace; the last takes the rest.
fn words(text: &str, most: usize, right: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = if right { text.trim_end() } else { text.trim_start() };
    while !rest.is_empty() {
        if parts.len() + 1 >= most {
            parts.push(if right { rest.trim_end() } else { rest });
            break;
        }
        let (part, tail) = if right {
            let at = rest
                .char_indices()
                .rfind(|(_, character)| character.is_whitespace())
                .map_or(0, |(at, character)| at + character.len_utf8());
            let (tail, part) = rest.split_at(at);
            (part, tail.trim_end())
        } else {
            let (part, tail) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
            (part, tail.trim_start())
        };
        parts.push(part);
        rest = tail;
    }
    parts
}

/// `str.splitlines`
pub(in super::super) fn lines(text: &str, keep: bool) -> Vec<&str> {
    let is_end =
        |character: char| matches!(character, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_end) {
        let tail = rest.get(at..).unwrap_or_default();
        let length = if tail.starts_with("\r\n") { 2 } else { tail.chars().next().map_or(1, char::len_utf8) };
        parts.push(rest.get(..if keep { at + length } else { at }).unwrap_or_default());
        rest = rest.get(at + length..).unwrap_or_default();
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

fn join(budget: &Budget, separator: &str, mut bound: Bound) -> Outcome<Operand> {
    let mut out = String::new();
    for (index, item) in bound.need(0)?.iterate()?.iter().enumerate() {
        let Some(text) = item.as_str() else {
            return Err(TemplateError::type_error(format!("sequence item {index}: expected str instance, {} found", item.type_name())));
        };
        budget.text(text.len() + separator.len())?;
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(text);
    }
    Ok(Operand::text(out))
}

/// The part of a text between two indices.
fn window(text: &str, bound: &mut Bound) -> Outcome<(String, usize)> {
    let (start, end) = (bound.given(1), bound.given(2));
    if start.is_none() && end.is_none() {
        return Ok((text.to_owned(), 0));
    }
    let length = text.chars().count();
    let first = match start.as_ref().and_then(Operand::as_value).and_then(Value::as_int) {
        Some(number) if number < 0 => usize::try_from(number + i128::try_from(length).unwrap_or(0)).unwrap_or(0),
        Some(number) => usize::try_from(number).unwrap_or(usize::MAX),
        None => 0,
    };
    let part = slice(&Operand::text(text), [start, end, None])?;
    Ok((part.to_text(), first))
}

fn search(text: &str, name: &'static str, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind(name, &["sub", "start", "end"], 1)?;
    let wanted = bound.need(0)?;
    let (part, first) = window(text, &mut bound)?;
    if name == "startswith" || name == "endswith" {
        let fits = |wanted: &Operand| -> Outcome<bool> {
            let wanted = wanted.as_str().ok_or_else(|| {
                TemplateError::type_error(format!("{name} first arg must be str or a tuple of str, not {}", wanted.type_name()))
            })?;
            Ok(if name == "startswith" { part.starts_with(wanted) } else { part.ends_with(wanted) })
        };
        return match (&wanted, wanted.type_name()) {
            (_, "tuple") => wanted.iterate()?.iter().try_fold(false, |any, wanted| Ok(any || fits(wanted)?)).map(Operand::bool),
            _ => fits(&wanted).map(Operand::bool),
        };
    }
    let Some(wanted) = wanted.as_str() else {
        return Err(TemplateError::type_error(format!("must be str, not {}", wanted.type_name())));
    };
    if name == "count" {
        let count = if wanted.is_empty() { part.chars().count() + 1 } else { part.matches(wanted).count() };
        return Ok(Operand::int(count));
    }
    let found = if name.starts_with('r') { part.rfind(wanted) } else { part.find(wanted) };
    match found.and_then(|at| part.get(..at)) {
        Some(before) => Ok(Operand::int(before.chars().count().saturating_add(first))),
        None if name.ends_with("find") => Ok(Operand::Value(Value::Int(-1))),
        None => Err(TemplateError::value_error("substring not found")),
    }
}

fn replace(budget: &Budget, text: &str, mut bound: Bound) -> Outcome<Operand> {
    let (old, new, count) = (bound.text(0, "")?, bound.text(1, "")?, bound.int(2, -1)?);
    replaced(budget, text, &old, &new, count).map(Operand::text)
}

/// `str.replace`
pub(in super::super) fn replaced(budget: &Budget, text: &str, old: &str, new: &str, count: i64) -> Outcome<String> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let places = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() };
    budget.text(text.len().saturating_add(places.min(most).saturating_mul(new.len())))?;
    Ok(text.replacen(old, new, most))
}

fn strip(text: &str, name: &'static str, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind(name, &["chars"], 0)?;
    if name.starts_with("remove") {
        let part = bound.text(0, "")?;
        let stripped = if name == "removeprefix" { text.strip_prefix(part.as_str()) } else { text.strip_suffix(part.as_str()) };
        return Ok(Operand::text(stripped.unwrap_or(text)));
    }
    let characters = match bound.given(0) {
        None => None,
        Some(operand) => match operand.as_str() {
            Some(characters) => Some(characters.to_owned()),
            None => return Err(TemplateError::type_error(format!("{name} arg must be None or str, not {}", operand.type_name()))),
        },
    };
    let is_out = |character: char| characters.as_ref().map_or(character.is_whitespace(), |characters| characters.contains(character));
    let text = if name == "rstrip" { text } else { text.trim_start_matches(is_out) };
    Ok(Operand::text(if name == "lstrip" { text } else { text.trim_end_matches(is_out) }))
}

fn pad(budget: &Budget, text: &str, name: &'static str, given: Given) -> Outcome<Operand> {
    if name == "expandtabs" {
        return Ok(Operand::text(text.replace('\t', "        ")));
    }
    let mut bound = given.bind(name, &["width", "fillchar"], 1)?;
    let width = usize::try_from(bound.int(0, 0)?.max(0)).unwrap_or(usize::MAX);
    let fill = bound.text(1, if name == "zfill" { "0" } else { " " })?;
    let missing = width.saturating_sub(text.chars().count());
    budget.text(missing.saturating_mul(fill.len()).saturating_add(text.len()))?;
    Ok(Operand::text(match name {
        "ljust" => format!("{text}{}", fill.repeat(missing)),
        "rjust" => format!("{}{text}", fill.repeat(missing)),
        "zfill" => {
            let sign = usize::from(text.starts_with(['+', '-']));
            let (sign, digits) = text.split_at(sign);
            format!("{sign}{}{digits}", fill.repeat(missing))
        }
        _ => {
            // Python puts the odd one left if the width is odd.
            let left = missing / 2 + (missing & width & 1);
            format!("{}{text}{}", fill.repeat(left), fill.repeat(missing - left))
        }
    }))
}
