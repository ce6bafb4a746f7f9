//! `text.format(…)`: replacement fields and their little language.

use super::arguments::Given;
use super::attributes::{attribute, item};
use super::budget::Budget;
use super::error::{Outcome, TemplateError};
use super::operand::Operand;
use crate::value::datetime::strftime;
use crate::value::{Value, float_repr};

/// Width and precision are never more.
const WIDTH_LIMIT: usize = 100_000;
/// Digits behind the point are never more.
const DIGITS_LIMIT: usize = 400;

/// How a field is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub fill: char,
    /// `<`, `>`, `^`, `=`; a space for the type's own.
    pub align: char,
    pub sign: char,
    pub alternate: bool,
    pub width: usize,
    /// `,` or `_`; a space for none.
    pub group: char,
    pub precision: Option<usize>,
    /// A space for none.
    pub kind: char,
}

impl Default for Spec {
    fn default() -> Self {
        Self { fill: ' ', align: ' ', sign: '-', alternate: false, width: 0, group: ' ', precision: None, kind: ' ' }
    }
}

impl Spec {
    fn parse(text: &str) -> Outcome<Self> {
        let mut spec = Self::default();
        let mut rest: Vec<char> = text.chars().rev().collect();
        let is_align = |character: Option<&char>| matches!(character, Some('<' | '>' | '^' | '='));
        if is_align(rest.get(rest.len().wrapping_sub(2))) {
            spec.fill = rest.pop().unwrap_or(' ');
            spec.align = rest.pop().unwrap_or(' ');
        } else if is_align(rest.last()) {
            spec.align = rest.pop().unwrap_or(' ');
        }
        if let Some(sign) = rest.pop_if(|character| matches!(character, '+' | '-' | ' ')) {
            spec.sign = sign;
        }
        spec.alternate = rest.pop_if(|character| *character == '#').is_some();
        if rest.last() == Some(&'0') {
            rest.pop();
            if spec.align == ' ' {
                spec.fill = '0';
                spec.align = '=';
            }
        }
        spec.width = digits(&mut rest).unwrap_or(0);
        if let Some(group) = rest.pop_if(|character| matches!(character, ',' | '_')) {
            spec.group = group;
        }
        if rest.pop_if(|character| *character == '.').is_some() {
            spec.precision = Some(digits(&mut rest).ok_or_else(|| TemplateError::value_error("format specifier missing precision"))?);
        }
        spec.kind = rest.pop().unwrap_or(' ');
        if rest.is_empty() { Ok(spec) } else { Err(TemplateError::value_error("invalid format specifier")) }
    }

    /// Sign and body with padding.
    pub fn padded(&self, sign: &str, body: &str) -> String {
        let missing = self.width.saturating_sub(sign.chars().count() + body.chars().count());
        let fill = |count: usize| std::iter::repeat_n(self.fill, count).collect::<String>();
        match self.align {
            '<' => format!("{sign}{body}{}", fill(missing)),
            '^' => format!("{}{sign}{body}{}", fill(missing / 2), fill(missing - missing / 2)),
            '=' => format!("{sign}{}{body}", fill(missing)),
            _ => format!("{}{sign}{body}", fill(missing)),
        }
    }
}

fn digits(rest: &mut Vec<char>) -> Option<usize> {
    let mut number = None;
    while let Some(digit) = rest.last().and_then(|character| character.to_digit(10)) {
        rest.pop();
        number = Some((number.unwrap_or(0) * 10 + digit as usize).min(WIDTH_LIMIT));
    }
    number
}

/// A number in a format.
pub(super) fn number_text(value: &Value, spec: Spec) -> Outcome<String> {
    let unknown = || TemplateError::value_error(format!("unknown format code '{}' for a number", spec.kind));
    let negative = value.as_f64().is_some_and(|number| number < 0.0 || (number == 0.0 && number.is_sign_negative()));
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (false, '+') => "+",
        (false, ' ') => " ",
        _ => "",
    };
    let body = match (value.as_int(), spec.kind) {
        (Some(number), ' ' | 'd' | 'n' | 'x' | 'X' | 'o' | 'b') if spec.precision.is_none() => {
            let size = number.unsigned_abs();
            let (prefix, digits) = match spec.kind {
                'x' => ("0x", format!("{size:x}")),
                'X' => ("0X", format!("{size:X}")),
                'o' => ("0o", format!("{size:o}")),
                'b' => ("0b", format!("{size:b}")),
                _ => ("", size.to_string()),
            };
            let sign = format!("{sign}{}", if spec.alternate { prefix } else { "" });
            return Ok(spec.padded(&sign, &grouped(&digits, spec.group)));
        }
        (Some(number), 'c') => return u32::try_from(number).ok().and_then(char::from_u32).map(String::from).ok_or_else(unknown),
        (Some(_), ' ' | 'd' | 'n' | 'x' | 'X' | 'o' | 'b') => {
            return Err(TemplateError::value_error("precision not allowed in integer format specifier"));
        }
        _ => float_body(value.as_f64().ok_or_else(unknown)?.abs(), spec).ok_or_else(unknown)?,
    };
    let (whole, rest) = body.split_at(body.find(|character: char| !character.is_ascii_digit()).unwrap_or(body.len()));
    Ok(spec.padded(sign, &format!("{}{rest}", grouped(whole, spec.group))))
}

fn float_body(number: f64, spec: Spec) -> Option<String> {
    let upper = spec.kind.is_uppercase();
    if !number.is_finite() {
        let text = float_repr(number);
        return Some(if upper { text.to_uppercase() } else { text });
    }
    let precision = spec.precision.map(|precision| precision.min(DIGITS_LIMIT));
    let text = match spec.kind.to_ascii_lowercase() {
        'f' => format!("{number:.*}", precision.unwrap_or(6)),
        '%' => format!("{:.*}%", precision.unwrap_or(6), number * 100.0),
        'e' => exponent(&format!("{number:.*e}", precision.unwrap_or(6))),
        'g' | 'n' => general(number, precision.unwrap_or(6).max(1), spec.alternate),
        ' ' => match precision {
            None => float_repr(number),
            Some(precision) => {
                let text = general(number, precision.max(1), false);
                if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
            }
        },
        _ => return None,
    };
    Some(if upper { text.to_uppercase() } else { text })
}

/// Python's exponents have a sign and two digits.
fn exponent(text: &str) -> String {
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text.to_owned(),
    }
}

fn general(number: f64, precision: usize, keep_zeros: bool) -> String {
    let scientific = format!("{number:.*e}", precision - 1);
    let power: i64 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let strip = |text: &str| {
        if text.contains('.') && !keep_zeros { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
    let precision = i64::try_from(precision).unwrap_or(6);
    if power < -4 || power >= precision {
        let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        return exponent(&format!("{}e{power}", strip(digits)));
    }
    strip(&format!("{number:.*}", usize::try_from(precision - 1 - power).unwrap_or(0)))
}

fn grouped(digits: &str, group: char) -> String {
    if group == ' ' {
        return digits.to_owned();
    }
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(group);
        }
        out.push(digit);
    }
    out
}

/// Fills the fields of a text.
pub(super) fn format(budget: &Budget, text: &str, given: &Given) -> Outcome<String> {
    Filling { budget, given, next: 0 }.fill(text, 2)
}

struct Filling<'a> {
    budget: &'a Budget,
    given: &'a Given,
    next: usize,
}

impl Filling<'_> {
    fn fill(&mut self, text: &str, levels: usize) -> Outcome<String> {
        let Some(levels) = levels.checked_sub(1) else { return Err(TemplateError::value_error("max string recursion exceeded")) };
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(rest.get(..at).unwrap_or_default());
            let mark = rest.get(at..=at).unwrap_or_default();
            let tail = rest.get(at + 1..).unwrap_or_default();
            if let Some(after) = tail.strip_prefix(mark) {
                out.push_str(mark);
                rest = after;
                continue;
            }
            if mark == "}" {
                return Err(TemplateError::value_error("single '}' encountered in format string"));
            }
            let end = field_end(tail).ok_or_else(|| TemplateError::value_error("expected '}' before end of string"))?;
            let part = self.field(tail.get(..end).unwrap_or_default(), levels)?;
            self.budget.text(part.len())?;
            out.push_str(&part);
            rest = tail.get(end + 1..).unwrap_or_default();
        }
        out.push_str(rest);
        self.budget.text(out.len())?;
        Ok(out)
    }

    fn field(&mut self, field: &str, levels: usize) -> Outcome<String> {
        let (target, spec) = field.split_once(':').unwrap_or((field, ""));
        let (target, conversion) = target.split_once('!').unwrap_or((target, ""));
        let spec = if spec.contains('{') { self.fill(spec, levels)? } else { spec.to_owned() };
        let operand = self.operand(target)?;
        let operand = match conversion {
            "" => operand,
            "s" => Operand::text(operand.to_text()),
            "r" | "a" => Operand::text(operand.repr()),
            _ => return Err(TemplateError::value_error("unknown conversion specifier")),
        };
        formatted(self.budget, &operand, &spec)
    }

    fn operand(&mut self, target: &str) -> Outcome<Operand> {
        let end = target.find(['.', '[']).unwrap_or(target.len());
        let (name, mut rest) = target.split_at(end);
        let missing = || TemplateError::value_error("a field of the format has no argument");
        let mut operand = if name.is_empty() {
            self.next += 1;
            self.given.positional.get(self.next - 1).cloned().ok_or_else(missing)?
        } else if let Ok(index) = name.parse::<usize>() {
            self.given.positional.get(index).cloned().ok_or_else(missing)?
        } else {
            self.given.named.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).ok_or_else(missing)?
        };
        while !rest.is_empty() {
            if let Some(tail) = rest.strip_prefix('.') {
                let (name, tail) = tail.split_at(tail.find(['.', '[']).unwrap_or(tail.len()));
                operand = attribute(&operand, name)?;
                rest = tail;
            } else {
                let tail = rest.get(1..).unwrap_or_default();
                let (key, tail) = tail.split_once(']').ok_or_else(missing)?;
                let key = key.parse::<i64>().map_or_else(|_| Operand::text(key), |index| Operand::Value(Value::from(index)));
                operand = item(&operand, &key, true)?;
                rest = tail;
            }
        }
        Ok(operand)
    }
}

/// Where the field ends whose `{` was taken.
fn field_end(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}

/// `format(operand, spec)`
fn formatted(budget: &Budget, operand: &Operand, spec: &str) -> Outcome<String> {
    if spec.is_empty() {
        return Ok(operand.to_text());
    }
    if let Operand::Value(Value::Moment(moment)) = operand {
        return Ok(strftime(moment, spec));
    }
    let spec = Spec::parse(spec)?;
    budget.text(spec.width)?;
    match operand {
        Operand::Value(Value::Bool(flag)) if spec.kind == ' ' => Ok(spec.padded("", if *flag { "True" } else { "False" })),
        Operand::Value(value) if value.as_f64().is_some() => number_text(value, spec),
        Operand::Value(Value::Str(text)) if matches!(spec.kind, ' ' | 's') && spec.align != '=' => {
            let text: String = match spec.precision {
                Some(precision) => text.chars().take(precision).collect(),
                None => text.to_string(),
            };
            Ok(Spec { align: if spec.align == ' ' { '<' } else { spec.align }, ..spec }.padded("", &text))
        }
        Operand::Value(Value::Str(_)) => Err(TemplateError::value_error("unknown format code for a text")),
        _ => Err(TemplateError::type_error(format!("unsupported format string passed to {}.__format__", operand.type_name()))),
    }
}
