//! `text % arguments`.

use super::budget::Budget;
use super::error::{Outcome, TemplateError};
use super::format::{Spec, number_text};
use super::methods_members;
use super::operand::{Kind, Operand};
use crate::value::Value;

/// Width and precision are never more.
const WIDTH_LIMIT: usize = 100_000;

/// Fills a format.
pub(super) fn printf(budget: &Budget, format: &str, arguments: &Operand) -> Outcome<String> {
    let is_tuple = arguments.type_name() == "tuple";
    let mut filler = Filler {
        budget,
        rest: format,
        all: if is_tuple { arguments.items_of_list().unwrap_or_default() } else { vec![arguments.clone()] },
        next: 0,
        mapping: arguments,
        by_name: false,
    };
    let mut out = String::new();
    while let Some(at) = filler.rest.find('%') {
        let (plain, rest) = filler.rest.split_at(at);
        out.push_str(plain);
        filler.rest = rest.get(1..).unwrap_or_default();
        let part = filler.part()?;
        budget.text(part.len() + plain.len())?;
        out.push_str(&part);
    }
    out.push_str(filler.rest);
    let mapping =
        matches!(arguments, Operand::Value(Value::Dict(_) | Value::List(_)) | Operand::Mapping(_) | Operand::Sequence(_, Kind::List));
    if filler.next < filler.all.len() && !filler.by_name && !mapping {
        return Err(TemplateError::type_error("not all arguments converted during string formatting"));
    }
    Ok(out)
}

struct Filler<'a> {
    budget: &'a Budget,
    rest: &'a str,
    all: Vec<Operand>,
    next: usize,
    mapping: &'a Operand,
    by_name: bool,
}

impl Filler<'_> {
    fn argument(&mut self) -> Outcome<Operand> {
        let argument = self.all.get(self.next).cloned();
        self.next += 1;
        argument.ok_or_else(|| TemplateError::type_error("not enough arguments for format string"))
    }

    fn take(&mut self) -> Option<char> {
        let first = self.rest.chars().next()?;
        self.rest = self.rest.get(first.len_utf8()..)?;
        Some(first)
    }

    fn number(&mut self) -> Outcome<Option<usize>> {
        if self.rest.starts_with('*') {
            self.take();
            let argument = self.argument()?;
            let number = argument.as_value().and_then(Value::as_int).ok_or_else(|| TemplateError::type_error("* wants int"))?;
            return Ok(Some(usize::try_from(number).unwrap_or(0).min(WIDTH_LIMIT)));
        }
        let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        Ok(if digits.is_empty() { None } else { Some(digits.parse::<usize>().unwrap_or(WIDTH_LIMIT).min(WIDTH_LIMIT)) })
    }

    fn part(&mut self) -> Outcome<String> {
        let mut named = None;
        if self.rest.starts_with('(') {
            let end = self.rest.find(')').ok_or_else(|| TemplateError::value_error("incomplete format key"))?;
            let key = self.rest.get(1..end).unwrap_or_default().to_owned();
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            let members = methods_members(self.mapping).ok_or_else(|| TemplateError::type_error("format requires a mapping"))?;
            let found = members.into_iter().find(|(known, _)| known.as_str() == Some(&key)).map(|(_, value)| value);
            named = Some(found.ok_or_else(|| TemplateError::value_error("a key of the format is not in the mapping"))?);
            self.by_name = true;
        }
        let mut spec = Spec::default();
        let mut left = false;
        let mut zero = false;
        while let Some(flag) = self.rest.chars().next().filter(|flag| "-+ #0".contains(*flag)) {
            self.take();
            match flag {
                '-' => left = true,
                '+' => spec.sign = '+',
                ' ' if spec.sign != '+' => spec.sign = ' ',
                '#' => spec.alternate = true,
                '0' => zero = true,
                _ => {}
            }
        }
        spec.width = self.number()?.unwrap_or(0);
        if self.rest.starts_with('.') {
            self.take();
            spec.precision = Some(self.number()?.unwrap_or(0));
        }
        while self.rest.starts_with(['h', 'l', 'L']) {
            self.take();
        }
        let kind = self.take().ok_or_else(|| TemplateError::value_error("incomplete format"))?;
        if kind == '%' {
            return Ok("%".into());
        }
        self.budget.text(spec.width)?;
        let argument = match named {
            Some(argument) => argument,
            None => self.argument()?,
        };
        spec.align = if left { '<' } else { '>' };
        convert(&argument, kind, spec, zero && !left)
    }
}

fn convert(argument: &Operand, kind: char, mut spec: Spec, zero: bool) -> Outcome<String> {
    let wrong = |wanted: &str| TemplateError::type_error(format!("%{kind} format: {wanted} is required, not {}", argument.type_name()));
    let text = match kind {
        's' => argument.to_text(),
        'r' | 'a' => argument.repr(),
        'c' => match argument.as_value() {
            Some(Value::Int(number)) => {
                u32::try_from(*number).ok().and_then(char::from_u32).ok_or_else(|| wrong("a character"))?.to_string()
            }
            Some(Value::Str(text)) if text.chars().count() == 1 => text.to_string(),
            _ => return Err(wrong("a character")),
        },
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            if let Operand::Undefined(message) = argument {
                return Err(TemplateError::undefined(&**message));
            }
            let value = argument.as_value().filter(|value| value.as_f64().is_some()).ok_or_else(|| wrong("a number"))?;
            let whole = matches!(kind, 'd' | 'i' | 'u' | 'x' | 'X' | 'o');
            let value = match (value, kind) {
                (Value::Float(number, _), 'd' | 'i' | 'u') if value.as_huge().is_none() => Value::Int(number.trunc() as i128),
                (Value::Float(..), _) if whole => return Err(wrong("an integer")),
                (value, _) if whole => Value::Int(value.as_int().ok_or_else(|| wrong("an integer"))?),
                (value, _) => value.clone(),
            };
            if zero {
                spec.fill = '0';
                spec.align = '=';
            }
            let digits = if whole { spec.precision.take() } else { None };
            spec.kind = if matches!(kind, 'i' | 'u') { 'd' } else { kind };
            let mut text = number_text(&value, spec)?;
            if let Some(digits) = digits {
                let missing = digits.saturating_sub(text.trim_start_matches('-').len());
                let at = usize::from(text.starts_with('-'));
                text.insert_str(at, &"0".repeat(missing));
            }
            return Ok(text);
        }
        _ => return Err(TemplateError::value_error(format!("unsupported format character '{kind}'"))),
    };
    let text = match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text,
    };
    Ok(spec.padded("", &text))
}
