//! Which records a flow takes: comparisons of fields with fixed values, joined by `and`, `or` and `not`. Reads the text; a record is judged in
//! [`crate::gate`].

use std::fmt;

use crate::record::FieldPath;

/// The greatest length of a filter in bytes.
const MAX_BYTES: usize = 4096;
/// The greatest number of comparisons in a filter.
const MAX_TESTS: usize = 64;
/// The deepest nesting of brackets and `not`.
const MAX_DEPTH: usize = 32;

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// As the manifest writes it.
    pub text: String,
    /// What it says.
    pub expression: Expression,
}

/// A part of a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// All of them hold.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// A comparison of one field.
    Test(FieldPath, Test),
}

/// What is asked of a field. An absent field is as `null`; a comparison with `null` neither holds nor fails, as in SQL.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `field < 5`.
    Compare(Comparison, Literal),
    /// `field in ('a', 'b')`.
    In(Vec<Literal>),
    /// `field is null`.
    IsNull,
}

/// How two values are compared: numbers by size, texts by code point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`.
    Equal,
    /// `!=`.
    Unequal,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

/// A fixed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `'text'`; a quote in it is written twice.
    Text(String),
    /// A number as JSON writes it.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
}

impl Literal {
    /// `a text`, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Boolean(_) => "true or false",
        }
    }
}

impl Test {
    /// The values that the field is compared with.
    #[must_use]
    pub fn literals(&self) -> &[Literal] {
        match self {
            Self::Compare(_, literal) => std::slice::from_ref(literal),
            Self::In(literals) => literals,
            Self::IsNull => &[],
        }
    }
}

/// Why a text is no filter, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterFault {
    /// Bytes before the fault.
    pub at: usize,
    /// One sentence without full stop.
    pub message: String,
}

impl fmt::Display for FilterFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at character {}", self.message, self.at + 1)
    }
}

impl Filter {
    /// Reads a filter: `status = 'won' and (amount >= 100 or country in ('DE', 'AT')) and not email is null`.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Self, FilterFault> {
        if text.len() > MAX_BYTES {
            return Err(FilterFault { at: MAX_BYTES, message: format!("a filter has at most {MAX_BYTES} bytes") });
        }
        let mut parser = Parser { text, at: 0, depth: 0, tests: 0 };
        let expression = parser.any()?;
        match parser.peek()? {
            Word::End => Ok(Self { text: text.to_owned(), expression }),
            _ => Err(parser.fault("`and`, `or` or the end is missing")),
        }
    }

    /// Every comparison, in the order of the text.
    #[must_use]
    pub fn tests(&self) -> Vec<(&FieldPath, &Test)> {
        let mut found = Vec::new();
        collect(&self.expression, &mut found);
        found
    }

    /// Every field that is asked for, once.
    #[must_use]
    pub fn fields(&self) -> Vec<&FieldPath> {
        let mut fields: Vec<&FieldPath> = Vec::new();
        for (field, _) in self.tests() {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields
    }
}

fn collect<'a>(expression: &'a Expression, found: &mut Vec<(&'a FieldPath, &'a Test)>) {
    match expression {
        Expression::All(parts) | Expression::Any(parts) => parts.iter().for_each(|part| collect(part, found)),
        Expression::Not(part) => collect(part, found),
        Expression::Test(field, test) => found.push((field, test)),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    End,
    Open,
    Close,
    Comma,
    Comparison(Comparison),
    Literal(Literal),
    Name(String),
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    tests: usize,
}

impl Parser<'_> {
    fn fault(&self, message: impl Into<String>) -> FilterFault {
        FilterFault { at: self.text.get(..self.at).map_or(0, |before| before.chars().count()), message: message.into() }
    }

    fn any(&mut self) -> Result<Expression, FilterFault> {
        let mut parts = vec![self.all()?];
        while self.takes("or")? {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, FilterFault> {
        let mut parts = vec![self.part()?];
        while self.takes("and")? {
            parts.push(self.part()?);
        }
        Ok(one_or(parts, Expression::All))
    }

    fn part(&mut self) -> Result<Expression, FilterFault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault(format!("brackets and `not` are nested deeper than {MAX_DEPTH}")));
        }
        let part = if self.takes("not")? {
            Expression::Not(Box::new(self.part()?))
        } else if self.peek()? == Word::Open {
            self.next()?;
            let inner = self.any()?;
            self.expect(&Word::Close, "a closing bracket is missing")?;
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(part)
    }

    fn test(&mut self) -> Result<Expression, FilterFault> {
        self.tests += 1;
        if self.tests > MAX_TESTS {
            return Err(self.fault(format!("a filter has at most {MAX_TESTS} comparisons")));
        }
        let before = self.at;
        let field = match self.next()? {
            Word::Name(name) => FieldPath::parse(&name),
            _ => None,
        };
        let Some(field) = field else {
            self.at = before;
            return Err(self.fault("a field is missing"));
        };
        if self.takes("is")? {
            let denied = self.takes("not")?;
            if !self.takes("null")? {
                return Err(self.fault("`is` is followed by `null` or `not null`"));
            }
            let test = Expression::Test(field, Test::IsNull);
            return Ok(if denied { Expression::Not(Box::new(test)) } else { test });
        }
        let test = if self.takes("in")? { Test::In(self.list()?) } else { self.comparison()? };
        Ok(Expression::Test(field, test))
    }

    fn comparison(&mut self) -> Result<Test, FilterFault> {
        match self.next()? {
            Word::Comparison(comparison) => Ok(Test::Compare(comparison, self.literal()?)),
            _ => Err(self.fault("`=`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `is` is missing")),
        }
    }

    fn list(&mut self) -> Result<Vec<Literal>, FilterFault> {
        self.expect(&Word::Open, "`in` is followed by values in brackets")?;
        let mut literals = vec![self.literal()?];
        while self.peek()? == Word::Comma {
            self.next()?;
            literals.push(self.literal()?);
        }
        self.expect(&Word::Close, "a closing bracket is missing")?;
        Ok(literals)
    }

    fn literal(&mut self) -> Result<Literal, FilterFault> {
        match self.next()? {
            Word::Literal(literal) => Ok(literal),
            Word::Name(name) if name == "true" || name == "false" => Ok(Literal::Boolean(name == "true")),
            Word::Name(name) if name == "null" => Err(self.fault("write `is null` or `is not null`")),
            _ => Err(self.fault("a number, `true`, `false` or a text in single quotes is missing")),
        }
    }

    fn expect(&mut self, wanted: &Word, message: &str) -> Result<(), FilterFault> {
        if self.next()? == *wanted { Ok(()) } else { Err(self.fault(message)) }
    }

    /// Takes a word of the language if it comes next.
    fn takes(&mut self, word: &str) -> Result<bool, FilterFault> {
        let comes = matches!(self.peek()?, Word::Name(name) if name == word);
        if comes {
            self.next()?;
        }
        Ok(comes)
    }

    fn peek(&mut self) -> Result<Word, FilterFault> {
        let before = self.at;
        let word = self.next();
        self.at = before;
        word
    }

    fn next(&mut self) -> Result<Word, FilterFault> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let rest = rest.trim_start();
        self.at = self.text.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok(Word::End) };
        let (word, length) = match first {
            '(' => (Word::Open, 1),
            ')' => (Word::Close, 1),
            ',' => (Word::Comma, 1),
            '=' | '!' | '<' | '>' => comparison(rest).ok_or_else(|| self.fault("`!` is followed by `=`"))?,
            '\'' => quoted(rest).ok_or_else(|| self.fault("a text does not end: its closing quote is missing"))?,
            '-' | '0'..='9' => number(rest).ok_or_else(|| self.fault("this is no number"))?,
            _ => name(rest).ok_or_else(|| self.fault(format!("`{}` has no meaning here", first.escape_debug())))?,
        };
        self.at += length;
        Ok(word)
    }
}

fn one_or(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            join(parts)
        }
    }
}

fn comparison(rest: &str) -> Option<(Word, usize)> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Unequal};
    let known = [("<=", LessOrEqual), (">=", GreaterOrEqual), ("!=", Unequal), ("<>", Unequal), ("=", Equal), ("<", Less), (">", Greater)];
    let (written, comparison) = known.into_iter().find(|(written, _)| rest.starts_with(written))?;
    Some((Word::Comparison(comparison), written.len()))
}

fn quoted(rest: &str) -> Option<(Word, usize)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != '\'' {
            text.push(character);
        } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
            text.push('\'');
        } else {
            return Some((Word::Literal(Literal::Text(text)), at + 1));
        }
    }
    None
}

fn number(rest: &str) -> Option<(Word, usize)> {
    let end = rest.find(|character: char| !matches!(character, '-' | '+' | '.' | 'e' | 'E' | '0'..='9')).unwrap_or(rest.len());
    let written = rest.get(..end)?;
    serde_json::from_str::<serde_json::Number>(written).ok()?;
    Some((Word::Literal(Literal::Number(written.to_owned())), end))
}

/// A word, or a field path: parts of letters, digits, `_`, `-`, `@`, `$` and `#` with dots between them.
fn name(rest: &str) -> Option<(Word, usize)> {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '@' | '$' | '#');
    let end = rest.find(|character: char| !is_part(character)).unwrap_or(rest.len());
    let written = rest.get(..end).filter(|written| !written.is_empty())?;
    Some((Word::Name(written.to_owned()), end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let filter =
            Filter::parse("status = 'won''t' and (a.b >= -1.5e3 or not c in ('x', 2, true)) and d is not null and e<>false").unwrap();
        let Expression::All(parts) = &filter.expression else { panic!("{filter:?}") };
        assert_eq!(parts.len(), 4);
        let test = |path: &str, test| Expression::Test(FieldPath::parse(path).unwrap(), test);
        assert_eq!(parts[0], test("status", Test::Compare(Comparison::Equal, Literal::Text("won't".to_owned()))));
        let listed = vec![Literal::Text("x".to_owned()), Literal::Number("2".to_owned()), Literal::Boolean(true)];
        let either = vec![
            test("a.b", Test::Compare(Comparison::GreaterOrEqual, Literal::Number("-1.5e3".to_owned()))),
            Expression::Not(Box::new(test("c", Test::In(listed)))),
        ];
        assert_eq!(parts[1], Expression::Any(either));
        assert_eq!(parts[2], Expression::Not(Box::new(test("d", Test::IsNull))));
        assert_eq!(parts[3], test("e", Test::Compare(Comparison::Unequal, Literal::Boolean(false))));
        assert_eq!(filter.fields().iter().map(|field| field.as_str()).collect::<Vec<_>>(), ["status", "a.b", "c", "d", "e"]);
    }

    #[test]
    fn a_fault_says_where() {
        for (text, expected) in [
            ("", "a field is missing at character 1"),
            ("a", "`=`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `is` is missing at character 2"),
            ("a = 'x", "a text does not end: its closing quote is missing at character 5"),
            ("ü = 1 ü", "`and`, `or` or the end is missing at character 6"),
            ("a = null", "write `is null` or `is not null` at character 9"),
            ("a = b", "a number, `true`, `false` or a text in single quotes is missing at character 6"),
            ("a ! 1", "`!` is followed by `=` at character 3"),
            ("(a = 1", "a closing bracket is missing at character 7"),
            ("a in 1", "`in` is followed by values in brackets at character 7"),
            ("a = 01", "this is no number at character 5"),
            ("a = \"x\"", "`\\\"` has no meaning here at character 5"),
            ("a is 1", "`is` is followed by `null` or `not null` at character 5"),
        ] {
            assert_eq!(Filter::parse(text).map_err(|fault| fault.to_string()), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_filter_is_bounded() {
        assert!(Filter::parse(&"not ".repeat(40)).unwrap_err().message.contains("nested"));
        assert!(Filter::parse(&format!("{}a = 1", "(".repeat(100_000))).unwrap_err().message.contains("bytes"));
        let many = vec!["a = 1"; 65].join(" and ");
        assert!(Filter::parse(&many).unwrap_err().message.contains("64 comparisons"));
        assert!(Filter::parse(&vec!["a = 1"; 64].join(" or ")).is_ok());
    }
}
