//! Filters with regular expressions. Python's look-around and back references are not supported: matching takes time in proportion to the text.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Captures, Regex, RegexBuilder};

use super::super::arguments::Given;
use super::super::budget::Budget;
use super::super::error::{Outcome, TemplateError};
use super::super::functions::defined;
use super::super::operand::Operand;

/// Bytes of a compiled expression.
const SIZE_LIMIT: usize = 1 << 20;
/// Groups inside groups.
const NEST_LIMIT: u32 = 40;
/// Compiled expressions that are kept.
const CACHE_LIMIT: usize = 32;

thread_local! {
    static CACHE: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

pub(super) fn apply(budget: &Budget, name: &str, input: &Operand, given: Given) -> Outcome<Operand> {
    let text = input.as_str().ok_or_else(|| defined(input, || TemplateError::type_error("expected string or bytes-like object")))?;
    if name == "regex_search" {
        let regex = compiled(&given.bind("regex_search", &["regex"], 1)?.text(0, "")?)?;
        let found = regex.captures(text);
        return Ok(match found {
            Some(captures) if captures.len() > 1 => captures.get(1).map_or_else(Operand::none, |group| Operand::text(group.as_str())),
            _ => Operand::text(""),
        });
    }
    let mut bound = given.bind("regex_replace", &["regex", "replacement"], 2)?;
    let regex = compiled(&bound.text(0, "")?)?;
    let template = replacement(&bound.text(1, "")?)?;
    let mut out = String::new();
    let mut last = 0;
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        budget.items(1)?;
        out.push_str(text.get(last..whole.start()).unwrap_or_default());
        for part in &template {
            out.push_str(part.text(&captures)?);
            budget.text(out.len().min(64))?;
        }
        budget.text(whole.len())?;
        if out.len() > super::super::budget::TEXT_LIMIT {
            return Err(TemplateError::limit("the template makes too much text"));
        }
        last = whole.end();
    }
    out.push_str(text.get(last..).unwrap_or_default());
    Ok(Operand::text(out))
}

fn compiled(pattern: &str) -> Outcome<Regex> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(regex) = cache.get(pattern) {
            return Ok(regex.clone());
        }
        let built = RegexBuilder::new(&translated(pattern)).size_limit(SIZE_LIMIT).nest_limit(NEST_LIMIT).build();
        let regex = built.map_err(|_| {
            TemplateError::value_error("a regular expression that is malformed, too large, or has look-around or back references")
        })?;
        if cache.len() >= CACHE_LIMIT {
            cache.clear();
        }
        cache.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    })
}

/// What Python writes otherwise.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    let mut class_start = false;
    while let Some(character) = rest.chars().next() {
        let tail = rest.get(character.len_utf8()..).unwrap_or_default();
        rest = tail;
        let first_of_class = std::mem::take(&mut class_start);
        match character {
            '\\' => {
                let Some(next) = tail.chars().next() else {
                    out.push('\\');
                    break;
                };
                rest = tail.get(next.len_utf8()..).unwrap_or_default();
                match next {
                    'Z' => out.push_str("\\z"),
                    next if next.is_ascii_alphanumeric() || next.is_ascii_punctuation() => {
                        out.push('\\');
                        out.push(next);
                    }
                    next => out.push(next),
                }
            }
            '[' if in_class => out.push_str("\\["),
            '[' => {
                in_class = true;
                class_start = true;
                out.push('[');
                if let Some(tail) = rest.strip_prefix('^') {
                    out.push('^');
                    rest = tail;
                }
            }
            ']' if in_class && first_of_class => out.push_str("\\]"),
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(character);
            }
            '{' if !in_class && !is_quantifier(tail) => out.push_str("\\{"),
            other => out.push(other),
        }
    }
    out
}

/// `3}`, `1,}`, `1,3}`; Python takes any other brace for itself.
fn is_quantifier(text: &str) -> bool {
    text.split_once('}').is_some_and(|(inner, _)| {
        let (low, high) = inner.split_once(',').unwrap_or((inner, ""));
        !low.is_empty() && (low.to_owned() + high).bytes().all(|byte| byte.is_ascii_digit())
    })
}

enum Part {
    Text(String),
    Group(usize),
    Name(String),
}

impl Part {
    fn text<'a>(&'a self, captures: &Captures<'a>) -> Outcome<&'a str> {
        let group = match self {
            Self::Text(text) => return Ok(text),
            Self::Group(index) if *index < captures.len() => captures.get(*index),
            Self::Name(name) => captures.name(name),
            Self::Group(_) => return Err(TemplateError::value_error("invalid group reference in a replacement")),
        };
        Ok(group.map_or("", |group| group.as_str()))
    }
}

/// Python's replacements: `\1`, `\g<1>`, `\g<name>`, and escapes.
fn replacement(text: &str) -> Outcome<Vec<Part>> {
    let mut parts = vec![Part::Text(String::new())];
    let push = |parts: &mut Vec<Part>, character: char| match parts.last_mut() {
        Some(Part::Text(text)) => text.push(character),
        _ => parts.push(Part::Text(character.into())),
    };
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
        if character != '\\' {
            push(&mut parts, character);
            continue;
        }
        let Some(next) = rest.chars().next() else { return Err(TemplateError::value_error("bad escape at the end of a replacement")) };
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
        match next {
            'g' => {
                let name = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
                let (name, tail) = name.ok_or_else(|| TemplateError::value_error("missing group name in a replacement"))?;
                parts.push(name.parse().map_or_else(|_| Part::Name(name.to_owned()), Part::Group));
                rest = tail;
            }
            '1'..='9' => {
                let more = rest.bytes().take(1).take_while(u8::is_ascii_digit).count();
                let digits = format!("{next}{}", rest.get(..more).unwrap_or_default());
                rest = rest.get(more..).unwrap_or_default();
                parts.push(Part::Group(digits.parse().unwrap_or(usize::MAX)));
            }
            'n' => push(&mut parts, '\n'),
            't' => push(&mut parts, '\t'),
            'r' => push(&mut parts, '\r'),
            '\\' => push(&mut parts, '\\'),
            next if next.is_ascii_alphabetic() => return Err(TemplateError::value_error("bad escape in a replacement")),
            next => {
                push(&mut parts, '\\');
                push(&mut parts, next);
            }
        }
    }
    Ok(parts)
}
