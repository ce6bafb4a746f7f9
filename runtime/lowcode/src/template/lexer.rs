//! From a template's text to its tokens, by Jinja's rules for whitespace, newlines, comments and raw blocks.

use crate::value::{Value, without_underscores};

use super::literal::unescape;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Text outside of the marks.
    Data(String),
    /// `{{`
    VariableBegin,
    /// `}}`
    VariableEnd,
    /// `{%`
    BlockBegin,
    /// `%}`
    BlockEnd,
    Name(String),
    Text(String),
    Number(Value),
    Operator(&'static str),
}

/// The longest first.
const OPERATORS: [&str; 26] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
];

/// Reads the tokens of a text.
pub(super) fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let source = normalized(source);
    let mut lexer = Lexer { rest: &source, tokens: Vec::new(), last: '\0' };
    lexer.root()?;
    Ok(lexer.tokens)
}

/// One kind of newline, and none at the end.
pub(super) fn normalized(source: &str) -> String {
    let text = if source.contains('\r') { source.replace("\r\n", "\n").replace('\r', "\n") } else { source.to_owned() };
    match text.strip_suffix('\n') {
        Some(stripped) => stripped.to_owned(),
        None => text,
    }
}

struct Lexer<'a> {
    rest: &'a str,
    tokens: Vec<Token>,
    /// The character before the rest.
    last: char,
}

impl<'a> Lexer<'a> {
    fn skip(&mut self, length: usize) -> &'a str {
        let (skipped, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.last = skipped.chars().next_back().unwrap_or(self.last);
        self.rest = rest;
        skipped
    }

    fn skip_space(&mut self) {
        let length = self.rest.len() - self.rest.trim_start().len();
        self.skip(length);
    }

    fn data(&mut self, text: &str, strip: bool) {
        let text = if strip { text.trim_end() } else { text };
        if !text.is_empty() {
            self.tokens.push(Token::Data(text.to_owned()));
        }
    }

    fn root(&mut self) -> Result<(), String> {
        while let Some((at, kind)) = next_mark(self.rest) {
            let text = self.skip(at);
            self.skip(2);
            let strip = self.rest.starts_with('-');
            if kind != '#' && self.raw_begin(text)? {
                continue;
            }
            self.data(text, strip);
            if strip || self.rest.starts_with('+') {
                self.skip(1);
            }
            match kind {
                '#' => self.comment()?,
                '%' => {
                    self.tokens.push(Token::BlockBegin);
                    self.inside("%}", "+%}", "-%}")?;
                    self.tokens.push(Token::BlockEnd);
                }
                _ => {
                    self.tokens.push(Token::VariableBegin);
                    self.inside("}}", "", "-}}")?;
                    self.tokens.push(Token::VariableEnd);
                }
            }
        }
        let text = self.rest;
        self.data(text, false);
        Ok(())
    }

    fn comment(&mut self) -> Result<(), String> {
        let end = self.rest.find("#}").ok_or("missing end of comment tag")?;
        let strip = self.rest.get(..end).is_some_and(|text| text.ends_with('-'));
        self.skip(end + 2);
        if strip {
            self.skip_space();
        }
        Ok(())
    }

    /// Takes a whole raw block, if one begins here (behind `{%`).
    fn raw_begin(&mut self, before: &str) -> Result<bool, String> {
        if self.last != '%' {
            return Ok(false);
        }
        let strip = self.rest.starts_with('-');
        let inner = self.rest.strip_prefix(['-', '+']).unwrap_or(self.rest).trim_start();
        let Some(tail) = inner.strip_prefix("raw").map(str::trim_start) else { return Ok(false) };
        let body = match (tail.strip_prefix("-%}"), tail.strip_prefix("%}")) {
            (Some(body), _) => body.trim_start(),
            (_, Some(body)) => body,
            _ => return Ok(false),
        };
        self.data(before, strip);
        let mut from = 0;
        while let Some(at) = body.get(from..).and_then(|text| text.find("{%")).map(|at| at + from) {
            let inner = body.get(at + 2..).unwrap_or_default();
            let strip = inner.starts_with('-');
            let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner).trim_start();
            if let Some(tail) = inner.strip_prefix("endraw").map(str::trim_start) {
                let end =
                    tail.strip_prefix("-%}").map(str::trim_start).or_else(|| tail.strip_prefix("+%}")).or_else(|| tail.strip_prefix("%}"));
                if let Some(end) = end {
                    let text = body.get(..at).unwrap_or_default();
                    self.data(text, strip);
                    self.rest = end;
                    self.last = ' ';
                    return Ok(true);
                }
            }
            from = at + 2;
        }
        Err("missing end of raw directive".into())
    }

    /// Tokens up to the end mark, which is taken too.
    fn inside(&mut self, end: &str, plus: &str, minus: &str) -> Result<(), String> {
        let mut open: Vec<char> = Vec::new();
        loop {
            if open.is_empty() {
                if self.rest.starts_with(minus) {
                    self.skip(minus.len());
                    self.skip_space();
                    return Ok(());
                }
                if self.rest.starts_with(end) || (!plus.is_empty() && self.rest.starts_with(plus)) {
                    let length = if self.rest.starts_with(end) { end.len() } else { plus.len() };
                    self.skip(length);
                    return Ok(());
                }
            }
            let Some(first) = self.rest.chars().next() else { return Err("unexpected end of template".into()) };
            if first.is_whitespace() {
                self.skip_space();
            } else if first.is_ascii_digit() {
                self.number()?;
            } else if first.is_alphanumeric() || first == '_' {
                let length = self.rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(self.rest.len());
                let name = self.skip(length).to_owned();
                if !first.is_alphabetic() && first != '_' {
                    return Err("invalid character in identifier".into());
                }
                self.tokens.push(Token::Name(name));
            } else if first == '\'' || first == '"' {
                self.text(first)?;
            } else {
                self.operator(&mut open)?;
            }
        }
    }

    fn text(&mut self, quote: char) -> Result<(), String> {
        let mut escaped = false;
        for (at, next) in self.rest.char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if next == '\\' {
                escaped = true;
            } else if next == quote {
                let whole = self.skip(at + 1);
                let inner = whole.get(1..at).unwrap_or_default();
                let text = unescape(inner).ok_or("a text with an escape that cannot be read")?;
                self.tokens.push(Token::Text(text));
                return Ok(());
            }
        }
        Err(format!("unexpected char {quote:?}"))
    }

    fn operator(&mut self, open: &mut Vec<char>) -> Result<(), String> {
        let operator = OPERATORS.into_iter().find(|operator| self.rest.starts_with(operator));
        let Some(operator) = operator else {
            return Err(format!("unexpected char {:?}", self.rest.chars().next().unwrap_or(' ')));
        };
        match operator {
            "{" => open.push('}'),
            "(" => open.push(')'),
            "[" => open.push(']'),
            "}" | ")" | "]" => match open.pop() {
                Some(expected) if operator.starts_with(expected) => {}
                Some(expected) => return Err(format!("unexpected '{operator}', expected '{expected}'")),
                None => return Err(format!("unexpected '{operator}'")),
            },
            _ => {}
        }
        self.skip(operator.len());
        self.tokens.push(Token::Operator(operator));
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        if self.last != '.'
            && let Some(length) = float_length(self.rest)
        {
            let text = self.skip(length);
            let number = without_underscores(text).and_then(|text| text.parse().ok()).ok_or("a number that cannot be read")?;
            self.tokens.push(Token::Number(Value::float(number)));
            return Ok(());
        }
        let length = integer_length(self.rest);
        let text = self.skip(length);
        let value = super::literal::integer(text).ok_or("a number that cannot be read")?;
        self.tokens.push(Token::Number(value));
        Ok(())
    }
}

/// Where the next `{{`, `{%` or `{#` stands, and its second character.
fn next_mark(text: &str) -> Option<(usize, char)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == b'{').map(|at| at + from) {
        match bytes.get(at + 1) {
            Some(second @ (b'{' | b'%' | b'#')) => return Some((at, char::from(*second))),
            _ => from = at + 1,
        }
    }
    None
}

/// Digits, with single underscores between them.
fn digits_length(text: &str, is_digit: impl Fn(u8) -> bool) -> usize {
    let bytes = text.as_bytes();
    let mut length = 0;
    loop {
        match (bytes.get(length), bytes.get(length + 1)) {
            (Some(byte), _) if is_digit(*byte) => length += 1,
            (Some(b'_'), Some(next)) if length > 0 && is_digit(*next) => length += 1,
            _ => return length,
        }
    }
}

fn float_length(text: &str) -> Option<usize> {
    let decimal = |byte: u8| byte.is_ascii_digit();
    let whole = digits_length(text, decimal);
    let mut length = whole;
    if text.get(length..)?.starts_with('.') {
        let fraction = digits_length(text.get(length + 1..)?, decimal);
        if fraction > 0 {
            length += 1 + fraction;
        }
    }
    let broken = length > whole;
    if text.get(length..)?.starts_with(['e', 'E']) {
        let sign = usize::from(text.get(length + 1..)?.starts_with(['+', '-']));
        let exponent = digits_length(text.get(length + 1 + sign..)?, decimal);
        if exponent > 0 {
            return Some(length + 1 + sign + exponent);
        }
    }
    broken.then_some(length)
}

fn integer_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let radix: Option<fn(u8) -> bool> = match (bytes.first(), bytes.get(1)) {
        (Some(b'0'), Some(b'b' | b'B')) => Some(|byte| matches!(byte, b'0' | b'1')),
        (Some(b'0'), Some(b'o' | b'O')) => Some(|byte| matches!(byte, b'0'..=b'7')),
        (Some(b'0'), Some(b'x' | b'X')) => Some(|byte| byte.is_ascii_hexdigit()),
        _ => None,
    };
    if let Some(is_digit) = radix {
        let rest = text.get(2..).unwrap_or_default();
        let underscore = usize::from(rest.starts_with('_'));
        let length = digits_length(rest.get(underscore..).unwrap_or_default(), is_digit);
        if length > 0 {
            return 2 + underscore + length;
        }
    }
    // A leading zero ends the number, unless there are only zeros.
    if bytes.first() == Some(&b'0') { digits_length(text, |byte| byte == b'0') } else { digits_length(text, |byte| byte.is_ascii_digit()) }
}
