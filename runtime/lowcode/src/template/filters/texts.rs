//! Filters of texts.

use super::super::arguments::Given;
use super::super::budget::Budget;
use super::super::error::{Outcome, TemplateError};
use super::super::functions::defined;
use super::super::methods;
use super::super::methods_members;
use super::super::operand::Operand;
use super::super::printf::printf;
use crate::value::Value;

pub(super) fn apply(budget: &Budget, name: &str, input: &Operand, given: Given) -> Outcome<Operand> {
    let text = input.to_text();
    budget.text(text.len())?;
    let method =
        |name: &'static str, given: Given| methods::call(budget, &Operand::text(text.clone()), name, given).map(|called| called.result);
    match name {
        "upper" => method("upper", given),
        "lower" => method("lower", given),
        "capitalize" => method("capitalize", given),
        "trim" => method("strip", given),
        "center" => {
            let width = given.bind("center", &["width"], 0)?.int(0, 80)?;
            method("center", Given { positional: vec![Operand::Value(Value::from(width))], named: Vec::new() })
        }
        "title" => given.bind("title", &[], 0).map(|_| Operand::text(title(&text))),
        "e" | "escape" | "forceescape" => given.bind("escape", &[], 0).map(|_| Operand::text(escaped(&text))),
        "safe" => given.bind("safe", &[], 0).map(|_| Operand::text(text)),
        "pprint" => given.bind("pprint", &[], 0).map(|_| Operand::text(input.repr())),
        "replace" => {
            let mut bound = given.bind("replace", &["old", "new", "count"], 2)?;
            let (old, new) = (bound.need(0)?.to_text(), bound.need(1)?.to_text());
            let count = match bound.given(2) {
                None => -1,
                Some(count) => match count.as_value().and_then(Value::as_int) {
                    Some(count) => i64::try_from(count).unwrap_or(-1),
                    None => return Err(defined(&count, || TemplateError::type_error("'count' must be an integer"))),
                },
            };
            methods::replaced(budget, &text, &old, &new, count).map(Operand::text)
        }
        "format" => {
            let arguments = match (given.positional.is_empty(), given.named.is_empty()) {
                (false, false) => return Err(TemplateError::value_error("can't handle positional and keyword arguments at the same time")),
                (_, true) => Operand::tuple(given.positional),
                _ => Operand::mapping(given.named.into_iter().map(|(key, value)| (Operand::text(key), value)).collect()),
            };
            printf(budget, &text, &arguments).map(Operand::text)
        }
        "wordcount" => {
            let is_word = |character: char| character.is_alphanumeric() || character == '_';
            Ok(Operand::int(text.split(|character| !is_word(character)).filter(|word| !word.is_empty()).count()))
        }
        "striptags" => Ok(Operand::text(striptags(&text))),
        "indent" => indent(budget, &text, given),
        "truncate" => truncate(input, &text, given),
        "wordwrap" => wordwrap(&text, given),
        _ => xmlattr(input, given),
    }
}

fn title(text: &str) -> String {
    let is_gap = |character: char| character.is_whitespace() || "-({[<".contains(character);
    let mut out = String::with_capacity(text.len());
    let mut first = true;
    for character in text.chars() {
        if first {
            out.extend(character.to_uppercase())
        } else {
            out.extend(character.to_lowercase())
        }
        first = is_gap(character);
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            other => out.push(other),
        }
    }
    out
}

fn striptags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at..).unwrap_or_default();
        let (open, close) = if tail.starts_with("<!--") { (4, "-->") } else { (1, ">") };
        match tail.get(open..).and_then(|inner| inner.find(close)) {
            Some(end) => rest = tail.get(open + end + close.len()..).unwrap_or_default(),
            None => {
                out.push_str(tail);
                rest = "";
            }
        }
    }
    out.push_str(rest);
    let joined = out.split_whitespace().collect::<Vec<_>>().join(" ");
    [("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#34;", "\""), ("&quot;", "\""), ("&amp;", "&")]
        .iter()
        .fold(joined, |text, (from, to)| text.replace(from, to))
}

fn indent(budget: &Budget, text: &str, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("indent", &["width", "first", "blank"], 0)?;
    let width = match bound.take(0) {
        None => "    ".to_owned(),
        Some(operand) => match operand.as_value() {
            Some(Value::Str(text)) => text.to_string(),
            value => {
                let width = value
                    .and_then(Value::as_int)
                    .ok_or_else(|| defined(&operand, || TemplateError::type_error("width must be a number or a text")))?;
                let width = usize::try_from(width.max(0)).unwrap_or(usize::MAX);
                budget.text(width)?;
                " ".repeat(width)
            }
        },
    };
    let (first, blank) = (bound.flag(1, false), bound.flag(2, false));
    let whole = format!("{text}\n");
    let mut out = String::new();
    for (index, line) in methods::lines(&whole, false).into_iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        if (index == 0 && first) || (index > 0 && (blank || !line.is_empty())) {
            budget.text(width.len())?;
            out.push_str(&width);
        }
        out.push_str(line);
    }
    Ok(Operand::text(out))
}

fn truncate(input: &Operand, text: &str, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("truncate", &["length", "killwords", "end", "leeway"], 0)?;
    if input.as_str().is_none() {
        return Err(defined(input, || TemplateError::type_error(format!("object of type '{}' has no len()", input.type_name()))));
    }
    let (length, kill, end, leeway) = (bound.int(0, 255)?, bound.flag(1, false), bound.text(2, "...")?, bound.int(3, 5)?);
    let count = |text: &str| i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if length < count(&end) || leeway < 0 {
        return Err(TemplateError::value_error("truncate: the length must not be below that of its end"));
    }
    if count(text) <= length.saturating_add(leeway) {
        return Ok(Operand::text(text));
    }
    let kept: String = text.chars().take(usize::try_from(length - count(&end)).unwrap_or(0)).collect();
    let kept = if kill { kept.as_str() } else { kept.rsplit_once(' ').map_or(kept.as_str(), |(words, _)| words) };
    Ok(Operand::text(format!("{kept}{end}")))
}

fn wordwrap(text: &str, given: Given) -> Outcome<Operand> {
    let mut bound = given.bind("wordwrap", &["width", "break_long_words", "wrapstring", "break_on_hyphens"], 0)?;
    let width =
        usize::try_from(bound.int(0, 79)?).ok().filter(|width| *width > 0).ok_or_else(|| TemplateError::value_error("invalid width"))?;
    let breaks = bound.flag(1, true);
    let newline = bound.text(2, "\n")?;
    let wrapped: Vec<String> = methods::lines(text, false).into_iter().map(|line| wrap(line, width, breaks).join(&newline)).collect();
    Ok(Operand::text(wrapped.join(&newline)))
}

fn wrap(line: &str, width: usize, breaks: bool) -> Vec<String> {
    let mut out = Vec::new();
    let mut current = String::new();
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let length = |text: &str| text.chars().count();
        if !current.is_empty() && length(&current) + 1 + length(word) <= width {
            current.push(' ');
            current.push_str(word);
            continue;
        }
        if !current.is_empty() {
            out.push(std::mem::take(&mut current));
        }
        let mut rest = word.to_owned();
        while breaks && length(&rest) > width {
            let tail: String = rest.chars().skip(width).collect();
            out.push(rest.chars().take(width).collect());
            rest = tail;
        }
        current = rest;
    }
    if !current.is_empty() {
        out.push(current);
    }
    out
}

fn xmlattr(input: &Operand, given: Given) -> Outcome<Operand> {
    let space = given.bind("xmlattr", &["autospace"], 0)?.flag(0, true);
    let members =
        methods_members(input).ok_or_else(|| defined(input, || TemplateError::value_error("the filter 'xmlattr' wants a mapping")))?;
    let mut parts = Vec::new();
    for (key, value) in members {
        if value.is_undefined() || matches!(value, Operand::Value(Value::None)) {
            continue;
        }
        let key = key.to_text();
        if key.contains(|character: char| character.is_ascii_whitespace() || "/>=".contains(character)) {
            return Err(TemplateError::value_error("invalid character in attribute name"));
        }
        parts.push(format!("{}=\"{}\"", escaped(&key), escaped(&value.to_text())));
    }
    let joined = parts.join(" ");
    Ok(Operand::text(if space && !joined.is_empty() { format!(" {joined}") } else { joined }))
}
