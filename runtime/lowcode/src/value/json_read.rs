//! Reads JSON as Python's `json` does: `NaN` and `Infinity` are numbers, the last of several equal keys wins. Nesting is limited.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use indexmap::map::raw_entry_v1::{RawEntryApiV1, RawEntryMut};

use super::{DEPTH_LIMIT, Dict, Value};

/// Number of remembered keys; a power of two.
const KEY_SLOTS: usize = 512;
/// Levels whose objects' sizes are remembered.
const LEVELS: usize = 8;
/// No more room is set aside for an object that has not been read.
const SIZE_LIMIT: usize = 64;
/// Longer keys are not remembered.
const KEY_LIMIT: usize = 64;

/// Where and why a text is not JSON. Holds nothing of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Byte, from 0.
    pub offset: usize,
    /// What was expected.
    pub expected: &'static str,
}

impl fmt::Display for JsonError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "not JSON at byte {}: expected {}", self.offset, self.expected)
    }
}

impl std::error::Error for JsonError {}

/// Reads many texts and remembers their keys, so that records of one kind share them.
#[derive(Debug)]
pub struct JsonReader {
    keys: Vec<Option<Key>>,
    /// All dictionaries share it, so that a remembered key need not be hashed again.
    hasher: RandomState,
    /// Members of the last object of each of the outer levels: the next one is probably as large.
    sizes: [usize; LEVELS],
}

/// A key and its hash.
#[derive(Clone, Debug)]
struct Key {
    text: Arc<str>,
    hash: u64,
}

impl Default for JsonReader {
    fn default() -> Self {
        Self::new()
    }
}

impl JsonReader {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { keys: Vec::new(), hasher: RandomState::new(), sizes: [0; LEVELS] }
    }

    /// Reads one value that fills the whole text. A byte order mark is skipped.
    ///
    /// # Errors
    /// If it is not JSON, not UTF-8, or nested too deep.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Value, JsonError> {
        let text = std::str::from_utf8(bytes).map_err(|error| JsonError { offset: error.valid_up_to(), expected: "UTF-8" })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if self.keys.is_empty() {
            self.keys.resize(KEY_SLOTS, None);
        }
        let mut scan = Scan { text, bytes: text.as_bytes(), at: 0, keys: &mut self.keys, hasher: &self.hasher, sizes: &mut self.sizes };
        let value = scan.value(0)?;
        scan.space();
        if scan.at < scan.bytes.len() { Err(scan.error("the end")) } else { Ok(value) }
    }
}

impl Value {
    /// Reads JSON. For many texts of one kind, a [`JsonReader`] is faster.
    ///
    /// # Errors
    /// See [`JsonReader::read`].
    pub fn from_json(bytes: &[u8]) -> Result<Value, JsonError> {
        JsonReader::new().read(bytes)
    }
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    keys: &'a mut [Option<Key>],
    hasher: &'a RandomState,
    sizes: &'a mut [usize; LEVELS],
}

impl<'a> Scan<'a> {
    fn error(&self, expected: &'static str) -> JsonError {
        JsonError { offset: self.at, expected }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.space();
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                Ok(Value::Str(self.string()?))
            }
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::None),
            Some(b'N') => self.word("NaN", Value::float(f64::NAN)),
            Some(b'I') => self.word("Infinity", Value::float(f64::INFINITY)),
            _ => Err(self.error("a value")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, JsonError> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.error("a value"))
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        if depth >= DEPTH_LIMIT {
            return Err(self.error("less nesting"));
        }
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::list(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::list(items));
                }
                _ => return Err(self.error("`,` or `]`")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        if depth >= DEPTH_LIMIT {
            return Err(self.error("less nesting"));
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::dict(Dict::new()));
        }
        let size = self.sizes.get(depth).copied().unwrap_or(0).min(SIZE_LIMIT);
        let mut dict = Dict::with_capacity_and_hasher(size, self.hasher.clone());
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("a key in quotes"));
            }
            self.at += 1;
            let key = self.key()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.error("`:`"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            match dict.raw_entry_mut_v1().from_hash(key.hash, |known| **known == *key.text) {
                RawEntryMut::Occupied(mut entry) => {
                    entry.insert(value);
                }
                RawEntryMut::Vacant(entry) => {
                    entry.insert_hashed_nocheck(key.hash, key.text, value);
                }
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    if let Some(size) = self.sizes.get_mut(depth) {
                        *size = dict.len();
                    }
                    return Ok(Value::dict(dict));
                }
                _ => return Err(self.error("`,` or `}`")),
            }
        }
    }

    /// The text up to the next quote, if it has no escape.
    fn plain(&mut self) -> Result<Option<&'a str>, JsonError> {
        let start = self.at;
        let length = self.bytes.get(start..).unwrap_or_default().iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
        let end = start + length.ok_or_else(|| self.error("`\"`"))?;
        match self.bytes.get(end) {
            Some(b'"') => {
                self.at = end + 1;
                Ok(self.text.get(start..end))
            }
            Some(b'\\') => Ok(None),
            _ => {
                self.at = end;
                Err(self.error("no control character in a text"))
            }
        }
    }

    fn string(&mut self) -> Result<Arc<str>, JsonError> {
        match self.plain()? {
            Some(text) => Ok(text.into()),
            None => Ok(self.escaped()?.into()),
        }
    }

    fn key(&mut self) -> Result<Key, JsonError> {
        let hasher = self.hasher;
        let hashed = |text: Arc<str>| Key { hash: hasher.hash_one(&*text), text };
        let Some(text) = self.plain()? else { return self.escaped().map(|text| hashed(text.into())) };
        if text.len() > KEY_LIMIT {
            return Ok(hashed(text.into()));
        }
        let place = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let Some(slot) = self.keys.get_mut((place ^ (place >> 16)) as usize % KEY_SLOTS) else { return Ok(hashed(text.into())) };
        if let Some(known) = slot
            && *known.text == *text
        {
            return Ok(known.clone());
        }
        let key = hashed(text.into());
        *slot = Some(key.clone());
        Ok(key)
    }

    fn escaped(&mut self) -> Result<String, JsonError> {
        let mut out = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            out.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let character = self.escape()?;
                    out.push(character);
                }
                Some(_) => return Err(self.error("no control character in a text")),
                None => return Err(self.error("`\"`")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let kind = self.peek().ok_or_else(|| self.error("an escape"))?;
        self.at += 1;
        Ok(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex()?;
                if (0xd800..0xdc00).contains(&high) && self.bytes.get(self.at..self.at + 2) == Some(b"\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xdc00..0xe000).contains(&low) {
                        return Ok(char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).unwrap_or('\u{fffd}'));
                    }
                    self.at = back;
                }
                char::from_u32(high).unwrap_or('\u{fffd}')
            }
            _ => {
                self.at -= 1;
                return Err(self.error("an escape"));
            }
        })
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or_else(|| self.error("four hexadecimal digits"))?;
        self.at += 4;
        Ok(number)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
            if self.peek() == Some(b'I') {
                return self.word("Infinity", Value::float(f64::NEG_INFINITY));
            }
        }
        let leading = self.peek();
        let count = self.digits();
        if count == 0 || (count > 1 && leading == Some(b'0')) {
            return Err(self.error("a number"));
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            whole = false;
            if self.digits() == 0 {
                return Err(self.error("a digit"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            whole = false;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.error("a digit"));
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if whole {
            if let Ok(number) = text.parse::<i64>() {
                return Ok(Value::Int(number.into()));
            }
            if let Ok(number) = text.parse::<i128>() {
                return Ok(Value::Int(number));
            }
        }
        let number = text.parse::<f64>().map_err(|_| self.error("a number"))?;
        Ok(Value::Float(number, Some(text.into())))
    }
}
