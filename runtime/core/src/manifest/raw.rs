//! A manifest file as written: a tree of values with their places, in the order of writing. Knows TOML, not what the keys mean.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

use crate::problem::{Code, Problem, Span, Spanned};

/// How deep tables and lists may stand inside each other. The parser's own bounds hold for each key alone and would let the tree grow so deep
/// that dropping it overflows the stack.
pub const MAX_DEPTH: usize = 32;
/// The greatest text whose syntax errors are all looked for: each costs memory, and a text without any structure has one for every few bytes.
const MAX_RECOVERED_BYTES: usize = 256 << 10;
/// Syntax errors that are told about one file; later ones are mostly echoes.
const MAX_SYNTAX_ERRORS: usize = 20;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value's place; of a `[header]` the header.
    pub span: Span,
    /// The value.
    pub value: Raw,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub enum Raw {
    /// Text.
    Text(String),
    /// A whole number. None if it does not fit.
    Integer(Option<i64>),
    /// A number with a fraction, and `inf` and `nan`.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A date or time, as written.
    Date(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

/// A table with its entries in the order of writing.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// How it was written.
    pub form: Form,
    /// Keys and values.
    pub entries: Vec<(Spanned<String>, Node)>,
}

/// How a table was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `{ … }`.
    Inline,
    /// `[a.b]` or `[[a]]`, and the whole file.
    #[default]
    Header,
    /// It exists because a longer key or header names something inside it.
    Implied,
}

impl Table {
    /// The value behind a key.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entries.iter().find(|(key, _)| key.value == name).map(|(_, node)| node)
    }

    /// Key and value.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<(&Spanned<String>, &Node)> {
        self.entries.iter().find(|(key, _)| key.value == name).map(|(key, node)| (key, node))
    }
}

impl Raw {
    /// The value's type, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::Boolean(_) => "true or false",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Reads one file. Errors: every syntax error that the parser can tell apart, one for each line (E001).
pub fn parse(text: &str, file: u16) -> Result<Table, Vec<Problem>> {
    if let Some(problem) = too_deep(text, file) {
        return Err(vec![problem]);
    }
    match DeTable::parse(text) {
        Ok(document) => Ok(Reader { text, file }.table(document.into_inner(), Form::Header)),
        Err(first) if text.len() > MAX_RECOVERED_BYTES => Err(syntax_problems(&[first], text, file)),
        Err(_) => Err(syntax_problems(&DeTable::parse_recoverable(text).1, text, file)),
    }
}

fn syntax_problems(errors: &[toml::de::Error], text: &str, file: u16) -> Vec<Problem> {
    let mut told: Vec<Problem> = Vec::new();
    let mut lines = Vec::new();
    let mut repeated_table = None;
    for error in errors.iter().take(10 * MAX_SYNTAX_ERRORS) {
        let span = place(file, error.span().unwrap_or(0..0), text);
        let line = text.get(..span.start as usize).map_or(0, |before| before.matches('\n').count());
        if told.len() == MAX_SYNTAX_ERRORS || lines.contains(&line) {
            continue;
        }
        lines.push(line);
        let twice = error.message().starts_with("duplicate key");
        let start = span.start as usize;
        if twice && repeated_table.is_some_and(|opened| text.get(opened..start).is_some_and(|between| !between.contains("\n["))) {
            continue;
        }
        if twice
            && text.get(..start).is_some_and(|before| before.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('[')))
        {
            repeated_table = Some(start);
        }
        told.push(syntax_problem(error.message(), span));
    }
    told
}

fn syntax_problem(message: &str, span: Span) -> Problem {
    if message.starts_with("duplicate key") {
        return Problem::new(Code::E001, "this key or table is written twice", "keep one of the two, or join them")
            .at(span, "written before");
    }
    let help = "write it as TOML: `key = value`, texts in quotes, tables as `[table.id]`; see https://toml.io";
    Problem::new(Code::E001, format!("this is not TOML: {message}"), help).at(span, "the parser stopped here")
}

/// A place inside the text, widened to whole characters.
fn place(file: u16, range: Range<usize>, text: &str) -> Span {
    let mut start = range.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = range.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    Span { file, start: u32::try_from(start).unwrap_or(u32::MAX), end: u32::try_from(end).unwrap_or(u32::MAX) }
}

/// Looks at the tokens only: brackets and the dots of keys, before a tree is built.
fn too_deep(text: &str, file: u16) -> Option<Problem> {
    let mut open: Vec<usize> = Vec::new();
    let (mut depth, mut dots, mut key_dots) = (0_usize, 0_usize, 0_usize);
    for token in Source::new(text).lex() {
        match token.kind() {
            TokenKind::Dot => dots += 1,
            TokenKind::Equals => {
                key_dots = dots;
                dots = 0;
            }
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                depth += key_dots + 1;
                open.push(key_dots + 1);
                (dots, key_dots) = (0, 0);
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                depth -= open.pop().unwrap_or(0);
                (dots, key_dots) = (0, 0);
            }
            TokenKind::Comma => (dots, key_dots) = (0, 0),
            TokenKind::Newline if open.is_empty() => (dots, key_dots) = (0, 0),
            _ => {}
        }
        if depth + dots > MAX_DEPTH {
            let span = place(file, token.span().start()..token.span().end(), text);
            let help = format!("write it flatter: at most {MAX_DEPTH} levels");
            return Some(Problem::new(Code::E001, "tables or lists stand too deep inside each other", help).at(span, "too deep"));
        }
    }
    None
}

struct Reader<'a> {
    text: &'a str,
    file: u16,
}

impl Reader<'_> {
    fn table(&self, table: DeTable<'_>, form: Form) -> Table {
        let mut entries: Vec<_> = table
            .into_iter()
            .map(|(key, value)| {
                let span = place(self.file, key.span(), self.text);
                (Spanned { value: key.into_inner().into_owned(), span }, self.node(value))
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.span);
        Table { form, entries }
    }

    fn node(&self, value: toml::Spanned<DeValue<'_>>) -> Node {
        let span = place(self.file, value.span(), self.text);
        let value = match value.into_inner() {
            DeValue::String(text) => Raw::Text(text.into_owned()),
            DeValue::Integer(number) => Raw::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()),
            DeValue::Float(number) => Raw::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(flag) => Raw::Boolean(flag),
            DeValue::Datetime(date) => Raw::Date(date.to_string()),
            DeValue::Array(items) => Raw::List(items.into_iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => {
                let form = self.form(span);
                Raw::Table(self.table(table, form))
            }
        };
        Node { span, value }
    }

    /// The parser keeps how a table was written to itself, but a table's place begins with `{`, with `[`, or is the key that implied it.
    fn form(&self, span: Span) -> Form {
        match self.text.as_bytes().get(span.start as usize) {
            Some(b'{') => Form::Inline,
            Some(b'[') => Form::Header,
            _ => Form::Implied,
        }
    }
}
