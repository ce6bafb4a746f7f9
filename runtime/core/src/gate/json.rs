//! Reads JSON text without building anything: strict RFC 8259, bounded in depth and length. Knows neither fields nor plans.

use super::bytes::{find_special, find_special_past};
use super::fault::{Fault, Scan};
use crate::detect::Survey;

/// The greatest nesting of objects and arrays in a record or page.
pub const MAX_DEPTH: usize = 64;
/// The greatest length of a number in bytes.
pub const MAX_NUMBER_BYTES: usize = 512;
/// The greatest length of a string in bytes, as written between its quotes.
pub const MAX_STRING_BYTES: usize = 8 << 20;

const NO_VALUE: &str = "a value is neither object, array, string, number, true, false nor null";

/// What a value is, as a message calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    /// A number without fraction and exponent.
    Integer,
    /// Any other number.
    Number,
    /// A string; true if it has escapes.
    Text(bool),
    Object,
    Array,
}

impl Kind {
    /// The kind by its JSON Schema name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text(_) => "string",
            Self::Object => "object",
            Self::Array => "array",
        }
    }
}

/// A value with its JSON text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) json: &'a str,
}

impl<'a> Token<'a> {
    /// The unescaped text of a string or the literal text of another scalar; `scratch` holds it where escapes were undone.
    pub(super) fn text<'b>(&self, scratch: &'b mut String) -> &'b str
    where
        'a: 'b,
    {
        match self.kind {
            Kind::Text(false) => inside(self.json),
            Kind::Text(true) => {
                scratch.clear();
                unescape(inside(self.json), scratch);
                scratch
            }
            _ => self.json,
        }
    }
}

/// A string's text without its quotes.
pub(super) fn inside(json: &str) -> &str {
    json.get(1..json.len().saturating_sub(1)).unwrap_or_default()
}

/// A place in a text that is known to be UTF-8.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Objects and arrays that are open.
    pub(super) depth: usize,
    /// Whitespace between tokens was met since this was last set to false.
    pub(super) spaced: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, spaced: false }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The next byte without moving; an early end is a fault.
    #[inline]
    pub(super) fn peek(&self) -> Scan<u8> {
        match self.bytes().get(self.at) {
            Some(byte) => Ok(*byte),
            None => Err(Fault::unreadable("the JSON text ends too early")),
        }
    }

    /// The next byte that is no whitespace, without moving past it.
    #[inline]
    pub(super) fn next(&mut self) -> Scan<u8> {
        let byte = self.peek()?;
        if byte > b' ' {
            return Ok(byte);
        }
        self.skip_space();
        self.peek()
    }

    /// Moves past whitespace.
    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes().get(self.at) {
            self.at += 1;
            self.spaced = true;
        }
    }

    /// Moves past one byte that must be there.
    #[inline]
    pub(super) fn expect(&mut self, wanted: u8, message: &'static str) -> Scan<()> {
        if self.next()? != wanted {
            return Err(Fault::unreadable(message));
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but whitespace may follow.
    pub(super) fn expect_end(&mut self, message: &'static str) -> Scan<()> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(Fault::unreadable(message)) }
    }

    /// Enters an object or array whose bracket is the next byte.
    #[inline]
    pub(super) fn open(&mut self) -> Scan<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::unreadable(format!("objects and arrays are nested more than {MAX_DEPTH} deep")));
        }
        Ok(())
    }

    /// Leaves an object or array whose bracket is the next byte.
    #[inline]
    pub(super) fn close(&mut self) {
        self.at += 1;
        self.depth -= 1;
    }

    /// Reads a string whose quote is the next byte; true if it has escapes.
    #[inline]
    fn string(&mut self) -> Scan<bool> {
        self.string_by(find_special)
    }

    /// Reads a string whose quote is the next byte, and what its text has as it is written.
    #[inline]
    pub(super) fn surveyed(&mut self) -> Scan<(Token<'a>, Survey)> {
        let (start, mut seen) = (self.at, Survey::default());
        let escaped = self.string_by(|bytes, at| find_special_past(bytes, at, |lanes, count| seen.add(lanes, count)))?;
        Ok((Token { kind: Kind::Text(escaped), json: self.slice(start, self.at) }, seen))
    }

    #[inline]
    fn string_by(&mut self, mut find: impl FnMut(&[u8], usize) -> usize) -> Scan<bool> {
        let start = self.at + 1;
        let mut escaped = false;
        let mut at = start;
        loop {
            at = find(self.bytes(), at);
            match self.bytes().get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    at += self.escape_length(at)?;
                    escaped = true;
                }
                Some(_) => return Err(Fault::unreadable("a string holds a control character")),
                None => return Err(Fault::unreadable("a string has no end")),
            }
        }
        if at - start > MAX_STRING_BYTES {
            return Err(Fault::unreadable(format!("a string is longer than {MAX_STRING_BYTES} bytes")));
        }
        self.at = at + 1;
        Ok(escaped)
    }

    fn escape_length(&self, at: usize) -> Scan<usize> {
        let rest = self.bytes().get(at + 1..).unwrap_or_default();
        match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
            Some(b'u') => match (unit(rest.get(1..5)), rest.get(5..7), unit(rest.get(7..11))) {
                (Some(0xd800..0xdc00), Some(br"\u"), Some(0xdc00..0xe000)) => Ok(12),
                (Some(0xd800..0xe000), _, _) => Err(Fault::unreadable("a string holds half of a surrogate pair")),
                (Some(_), _, _) => Ok(6),
                (None, _, _) => Err(Fault::unreadable("a string holds an escape that JSON does not know")),
            },
            _ => Err(Fault::unreadable("a string holds an escape that JSON does not know")),
        }
    }

    /// Reads a number that begins with the next byte.
    fn number(&mut self) -> Scan<Kind> {
        let start = self.at;
        let bytes = self.bytes();
        let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
        let mut kind = Kind::Integer;
        let leading = at;
        at = digits(bytes, at);
        let leading_zero = bytes.get(leading) == Some(&b'0') && at - leading > 1;
        let mut sound = at > leading && !leading_zero;
        if bytes.get(at) == Some(&b'.') {
            let end = digits(bytes, at + 1);
            sound &= end > at + 1;
            (at, kind) = (end, Kind::Number);
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            let from = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let end = digits(bytes, from);
            sound &= end > from;
            (at, kind) = (end, Kind::Number);
        }
        if !sound {
            return Err(Fault::unreadable("a number is not written as JSON numbers are"));
        }
        if at - start > MAX_NUMBER_BYTES {
            return Err(Fault::unreadable(format!("a number is longer than {MAX_NUMBER_BYTES} bytes")));
        }
        self.at = at;
        Ok(kind)
    }

    fn literal(&mut self, word: &'static [u8], kind: Kind) -> Scan<Kind> {
        if !self.bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(Fault::unreadable(NO_VALUE));
        }
        self.at += word.len();
        Ok(kind)
    }

    /// Reads a value that is neither object nor array and begins with `first`, the next byte.
    #[inline]
    pub(super) fn scalar(&mut self, first: u8) -> Scan<Token<'a>> {
        let start = self.at;
        let kind = match first {
            b'"' => Kind::Text(self.string()?),
            b't' => self.literal(b"true", Kind::Boolean)?,
            b'f' => self.literal(b"false", Kind::Boolean)?,
            b'n' => self.literal(b"null", Kind::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(Fault::unreadable(NO_VALUE)),
        };
        Ok(Token { kind, json: self.slice(start, self.at) })
    }

    /// Reads one value of any kind, checking its syntax only. Iterative: nesting costs one bit a level.
    pub(super) fn skip(&mut self) -> Scan<Token<'a>> {
        let start_kind = match self.next()? {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            first => return self.scalar(first),
        };
        let (start, outer) = (self.at, self.depth);
        let mut objects = 0_u64;
        loop {
            // Here a value begins; `objects` has a bit for each open container, the lowest for the innermost: 1 = object.
            match self.next()? {
                bracket @ (b'{' | b'[') => {
                    self.open()?;
                    objects = objects << 1 | u64::from(bracket == b'{');
                    let first = self.next()?;
                    if first != bracket + 2 {
                        if bracket == b'{' {
                            self.member_name()?;
                        }
                        continue;
                    }
                    self.close();
                    objects >>= 1;
                }
                first => {
                    self.scalar(first)?;
                }
            }
            if self.skip_ends(&mut objects, outer)? {
                return Ok(Token { kind: start_kind, json: self.slice(start, self.at) });
            }
        }
    }

    /// After a value inside `skip`: leaves containers that end here. True when the outermost one was left, false when a value follows.
    fn skip_ends(&mut self, objects: &mut u64, outer: usize) -> Scan<bool> {
        while self.depth > outer {
            let in_object = *objects & 1 == 1;
            match (self.next()?, in_object) {
                (b',', _) => {
                    self.at += 1;
                    if in_object {
                        self.member_name()?;
                    }
                    return Ok(false);
                }
                (b'}', true) | (b']', false) => {
                    self.close();
                    *objects >>= 1;
                }
                _ => return Err(Fault::unreadable("a comma or a closing bracket is missing")),
            }
        }
        Ok(true)
    }

    /// Reads a name and its colon.
    pub(super) fn member_name(&mut self) -> Scan<Token<'a>> {
        if self.next()? != b'"' {
            return Err(Fault::unreadable("a name in quotes is missing"));
        }
        let name = self.scalar(b'"')?;
        self.expect(b':', "a colon is missing after a name")?;
        Ok(name)
    }
}

#[inline]
fn digits(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// The value of four hex digits.
fn unit(digits: Option<&[u8]>) -> Option<u32> {
    digits?.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

/// Undoes the escapes of a string's inside that [`Reader::string`] has accepted.
pub(super) fn unescape(inside: &str, out: &mut String) {
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or_default();
        let (character, length) = match escape {
            b'u' => unescape_unit(rest.as_bytes(), at),
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'n' => ('\n', 2),
            b'r' => ('\r', 2),
            b't' => ('\t', 2),
            other => (char::from(other), 2),
        };
        out.push(character);
        rest = rest.get(at + length..).unwrap_or_default();
    }
    out.push_str(rest);
}

fn unescape_unit(bytes: &[u8], at: usize) -> (char, usize) {
    let first = unit(bytes.get(at + 2..at + 6)).unwrap_or_default();
    let Some(character) = char::from_u32(first) else {
        let second = unit(bytes.get(at + 8..at + 12)).unwrap_or(0xdc00);
        let whole = 0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff);
        return (char::from_u32(whole).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    };
    (character, 6)
}

/// Appends JSON text without the whitespace between its tokens; the text has passed [`Reader::skip`].
pub(super) fn compact(json: &str, out: &mut Vec<u8>) {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let end = match byte {
            b'"' => string_end(bytes, at + 1),
            _ => at + 1,
        };
        if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            out.extend_from_slice(bytes.get(at..end).unwrap_or_default());
        }
        at = end;
    }
}

fn string_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        at = find_special(bytes, at);
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            _ => return at + 1,
        }
    }
}
