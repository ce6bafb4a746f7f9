//! Python's literals, as `ast.literal_eval` takes them: what makes the text of a rendered template a number, a list, a text …

use std::sync::Arc;

use crate::value::{Dict, Value, without_underscores};

/// Brackets inside brackets.
const DEPTH_LIMIT: usize = 130;
/// Python converts no longer text to an integer.
const DIGITS_LIMIT: usize = 4300;

/// The value of a literal; none if the text is none, and the text stays a text. Complex numbers and bytes stay texts as well; a set becomes a list.
pub(super) fn literal(text: &str) -> Option<Value> {
    if !may_be_literal(text) || text.contains('\0') {
        return None;
    }
    let normalized;
    let source = if text.contains('\r') {
        normalized = text.replace("\r\n", "\n").replace('\r', "\n");
        &normalized
    } else {
        text
    };
    let mut reader = Reader { rest: source.trim_start_matches([' ', '\t']), depth: 0 };
    reader.blank_lines()?;
    let value = reader.top()?;
    reader.space(true)?;
    reader.rest.is_empty().then_some(value)
}

/// Cheap: most texts are none.
fn may_be_literal(text: &str) -> bool {
    let bytes = text.as_bytes();
    let quote = |at: usize| matches!(bytes.get(at), Some(b'\'' | b'"'));
    match bytes.first() {
        None => false,
        Some(
            b'0'..=b'9' | b'.' | b'+' | b'-' | b'\'' | b'"' | b'(' | b'[' | b'{' | b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'#' | b'\\',
        ) => true,
        Some(b'T') => text.starts_with("True"),
        Some(b'F') if text.starts_with("False") => true,
        Some(b'N') => text.starts_with("None"),
        Some(b's') => text.starts_with("set"),
        Some(b'u' | b'U' | b'r' | b'R') => quote(1),
        _ => false,
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    fn take(&mut self, length: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Empty lines and comments in front; the first line with something in it must not be indented.
    fn blank_lines(&mut self) -> Option<()> {
        let start = self.rest.len();
        loop {
            let line = self.rest.trim_start_matches([' ', '\t', '\x0c']);
            if line.starts_with('#') {
                self.rest = line.find('\n').and_then(|at| line.get(at + 1..))?;
            } else if let Some(rest) = line.strip_prefix('\n') {
                self.rest = rest;
            } else {
                let indented = self.rest.len() != start && self.rest.starts_with([' ', '\t']);
                self.rest = line;
                return (!indented).then_some(());
            }
        }
    }

    /// Space between tokens; newlines and comments too where they do not end the expression.
    fn space(&mut self, newlines: bool) -> Option<()> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\x0c']);
            if self.rest.starts_with('#') {
                self.rest = self.rest.find('\n').and_then(|at| self.rest.get(at..)).unwrap_or_default();
            } else if (newlines || self.depth > 0) && self.rest.starts_with('\n') {
                self.take(1)?;
            } else if !self.eat("\\\n") {
                return Some(());
            }
        }
    }

    /// An expression, or several with commas: a tuple.
    fn top(&mut self) -> Option<Value> {
        let first = self.value()?;
        self.space(false)?;
        if self.peek() != Some(b',') {
            return Some(first);
        }
        let mut items = vec![first];
        while self.eat(",") {
            self.space(false)?;
            if self.rest.is_empty() || self.rest.starts_with('\n') {
                break;
            }
            items.push(self.value()?);
            self.space(false)?;
        }
        Some(Value::Tuple(Arc::new(items)))
    }

    fn value(&mut self) -> Option<Value> {
        if self.depth > DEPTH_LIMIT {
            return None;
        }
        match self.peek()? {
            b'[' => self.bracket("]").map(|(items, _)| Value::list(items)),
            b'(' => {
                let (mut items, comma) = self.bracket(")")?;
                if items.len() == 1 && !comma { items.pop() } else { Some(Value::Tuple(Arc::new(items))) }
            }
            b'{' => self.braces(),
            sign @ (b'+' | b'-') => {
                self.take(1)?;
                self.space(false)?;
                let number = match self.peek()? {
                    b'(' => self.value()?,
                    _ => self.number()?,
                };
                signed(number, sign == b'-')
            }
            b'0'..=b'9' | b'.' => self.number(),
            b'\'' | b'"' | b'u' | b'U' | b'r' | b'R' => self.strings(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Option<Value> {
        let length = self.rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(self.rest.len());
        match self.take(length)? {
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            "None" => Some(Value::None),
            "set" => {
                self.space(false)?;
                let empty = self.eat("(");
                self.depth += 1;
                self.space(true)?;
                self.depth -= 1;
                (empty && self.eat(")")).then(|| Value::list(Vec::new()))
            }
            _ => None,
        }
    }

    /// Items up to the closing bracket, and whether a comma followed the last.
    fn bracket(&mut self, close: &str) -> Option<(Vec<Value>, bool)> {
        self.take(1)?;
        self.depth += 1;
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            self.space(true)?;
            if self.eat(close) {
                break;
            }
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value()?);
            self.space(true)?;
            comma = self.eat(",");
        }
        self.depth -= 1;
        Some((items, comma))
    }

    /// A dictionary or a set: what follows the first item tells.
    fn braces(&mut self) -> Option<Value> {
        self.take(1)?;
        self.depth += 1;
        self.space(true)?;
        let value = if self.eat("}") {
            Value::dict(Dict::new())
        } else {
            let first = self.value()?;
            self.space(true)?;
            if !is_hashable(&first) {
                return None;
            }
            if self.peek() == Some(b':') { self.dict(first)? } else { self.set(first)? }
        };
        self.depth -= 1;
        Some(value)
    }

    fn set(&mut self, first: Value) -> Option<Value> {
        let mut items = vec![first];
        loop {
            self.space(true)?;
            let comma = self.eat(",");
            self.space(true)?;
            if self.eat("}") {
                return Some(Value::list(items));
            }
            let item = self.value()?;
            if !comma || !is_hashable(&item) {
                return None;
            }
            if !items.contains(&item) {
                items.push(item);
            }
        }
    }

    fn dict(&mut self, first: Value) -> Option<Value> {
        let (mut dict, mut key) = (Dict::new(), first);
        loop {
            self.space(true)?;
            if !self.eat(":") {
                return None;
            }
            self.space(true)?;
            let value = self.value()?;
            dict.insert(key_text(&key), value);
            self.space(true)?;
            let comma = self.eat(",");
            self.space(true)?;
            if self.eat("}") {
                return Some(Value::dict(dict));
            }
            key = self.value()?;
            if !comma || !is_hashable(&key) {
                return None;
            }
        }
    }

    fn number(&mut self) -> Option<Value> {
        let length = number_length(self.rest);
        let text = self.take(length)?;
        if self.rest.starts_with(|next: char| next.is_alphanumeric() || next == '_' || next == '.') {
            return None;
        }
        let plain = !text.starts_with("0x") && !text.starts_with("0X") && text.contains(['.', 'e', 'E']);
        if plain {
            let digits = without_underscores(text)?;
            if digits == "." { None } else { digits.parse().ok().map(Value::float) }
        } else {
            integer(text)
        }
    }

    /// Texts side by side are one.
    fn strings(&mut self) -> Option<Value> {
        let mut whole = String::new();
        loop {
            whole.push_str(&self.string()?);
            self.space(false)?;
            match self.rest.as_bytes() {
                [b'\'' | b'"', ..] | [b'u' | b'U' | b'r' | b'R', b'\'' | b'"', ..] => {}
                _ => return Some(Value::from(whole)),
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let raw = matches!(self.peek()?, b'r' | b'R');
        if raw || matches!(self.peek()?, b'u' | b'U') {
            self.take(1)?;
        }
        let quote = self.rest.get(..1).filter(|quote| matches!(*quote, "'" | "\""))?;
        let long = self.rest.starts_with(&quote.repeat(3));
        let mark = if long { quote.repeat(3) } else { quote.to_owned() };
        self.take(mark.len())?;
        let mut escaped = false;
        for (at, next) in self.rest.char_indices() {
            if escaped {
                escaped = false;
            } else if next == '\\' {
                escaped = true;
            } else if self.rest.get(at..)?.starts_with(&mark) {
                let inner = self.take(at)?;
                self.take(mark.len())?;
                return if raw { Some(inner.to_owned()) } else { unescape(inner) };
            } else if next == '\n' && !long {
                return None;
            }
        }
        None
    }
}

fn is_hashable(value: &Value) -> bool {
    match value {
        Value::List(_) | Value::Dict(_) => false,
        Value::Tuple(items) => items.iter().all(is_hashable),
        _ => true,
    }
}

/// A key as JSON has it.
pub(super) fn key_text(key: &Value) -> Arc<str> {
    match key {
        Value::Str(text) => Arc::clone(text),
        Value::None => "null".into(),
        Value::Bool(flag) => if *flag { "true" } else { "false" }.into(),
        other => other.python_str().into(),
    }
}

fn signed(number: Value, negative: bool) -> Option<Value> {
    Some(match number {
        Value::Int(number) => Value::Int(if negative { number.checked_neg()? } else { number }),
        Value::Float(number, text) if negative => Value::Float(-number, text.map(|text| format!("-{text}").into())),
        number @ Value::Float(..) => number,
        _ => return None,
    })
}

fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    if matches!(bytes, [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..]) {
        return bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    }
    let digits =
        |from: usize| bytes.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'_').count();
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') {
        length += 1;
        length += digits(length);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

/// An integer of Python's source code: decimal without leading zeros, hexadecimal, octal, binary; `_` between digits.
pub(super) fn integer(text: &str) -> Option<Value> {
    let radix = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 10,
    };
    // The letter counts as a digit in front of a `_`.
    let digits = without_underscores(text)?;
    if radix != 10 {
        let digits = digits.get(2..).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        return i128::from_str_radix(digits, radix).ok().map(Value::Int);
    }
    let leading_zero = digits.starts_with('0') && digits.bytes().any(|byte| byte != b'0');
    if digits.is_empty() || leading_zero || digits.len() > DIGITS_LIMIT || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match digits.parse() {
        Ok(number) => Some(Value::Int(number)),
        Err(_) => digits.parse().ok().map(|number| Value::Float(number, Some(digits.into()))),
    }
}

/// Python's escapes; none if one of them is not well formed.
pub(super) fn unescape(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at)?);
        let mut tail = rest.get(at + 1..)?.chars();
        let kind = tail.next()?;
        rest = tail.as_str();
        let simple = match kind {
            '\n' => continue,
            '\\' | '\'' | '"' => kind,
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' | 'u' | 'U' => {
                let length = match kind {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let digits = rest.get(..length).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
                rest = rest.get(length..)?;
                let mut code = u32::from_str_radix(digits, 16).ok()?;
                // Two halves of a pair may stand side by side.
                if (0xd800..0xdc00).contains(&code)
                    && let Some(low) =
                        rest.strip_prefix("\\u").and_then(|low| low.get(..4)).and_then(|low| u32::from_str_radix(low, 16).ok())
                    && (0xdc00..0xe000).contains(&low)
                {
                    rest = rest.get(6..)?;
                    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                }
                char::from_u32(code).unwrap_or('\u{fffd}')
            }
            '0'..='7' => {
                let more = rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let digits = format!("{kind}{}", rest.get(..more)?);
                rest = rest.get(more..)?;
                char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?
            }
            // Names of characters are not known here.
            'N' => return None,
            other => {
                out.push('\\');
                other
            }
        };
        out.push(simple);
    }
    out.push_str(rest);
    Some(out)
}
