//! Finds the value at a JSON pointer (RFC 6901) in a text of many megabytes without building a tree. Checks only what it walks over.
//!
//! Of keys that occur twice the first counts. What is skipped is counted by brackets and quotes, so a broken text may go unnoticed behind the value.

use std::borrow::Cow;

/// The text is not JSON where it was looked at, or the pointer is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// A value in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The value's own text.
    pub text: &'a [u8],
    /// The pointer leads through an array.
    pub inside_array: bool,
}

impl Found<'_> {
    /// It is an object or an array.
    #[must_use]
    pub fn is_container(&self) -> bool {
        matches!(self.text.first(), Some(b'{' | b'['))
    }

    /// It is an array, or an object with an array somewhere inside.
    #[must_use]
    pub fn holds_array(&self) -> bool {
        let mut walker = Walker { text: self.text, at: 0 };
        while let Some(byte) = walker.text.get(walker.at) {
            match byte {
                b'[' => return true,
                b'"' if walker.string().is_err() => return true,
                b'"' => {}
                _ => walker.at += 1,
            }
        }
        false
    }

    /// Number of elements, if it is an array.
    ///
    /// # Errors
    /// It is broken.
    pub fn length(&self) -> Result<Option<u32>, Malformed> {
        let mut walker = Walker { text: self.text, at: 0 };
        if !walker.take(b'[') {
            return Ok(None);
        }
        let mut count = 0_u32;
        if walker.take(b']') {
            return Ok(Some(0));
        }
        loop {
            walker.value()?;
            count = count.saturating_add(1);
            if !walker.more(b']')? {
                return Ok(Some(count));
            }
        }
    }
}

/// The value at the pointer; none if there is none.
///
/// # Errors
/// The text or the pointer is malformed.
pub fn find<'a>(text: &'a [u8], pointer: &str) -> Result<Option<Found<'a>>, Malformed> {
    let mut walker = Walker { text, at: 0 };
    let mut inside_array = false;
    for token in tokens(pointer)? {
        walker.space();
        let entered = match walker.peek() {
            Some(b'{') => walker.member(&token)?,
            Some(b'[') => {
                inside_array = true;
                walker.element(&token)?
            }
            Some(_) => false,
            None => return Err(Malformed("the body is not JSON")),
        };
        if !entered {
            return Ok(None);
        }
    }
    let text = walker.value()?;
    Ok(Some(Found { text, inside_array }))
}

fn tokens(pointer: &str) -> Result<Vec<Cow<'_, str>>, Malformed> {
    const WRONG: Malformed = Malformed("the pointer is not a JSON pointer");
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let rest = pointer.strip_prefix('/').ok_or(WRONG)?;
    rest.split('/').map(|token| unescape(token).ok_or(WRONG)).collect()
}

fn unescape(token: &str) -> Option<Cow<'_, str>> {
    if !token.contains('~') {
        return Some(Cow::Borrowed(token));
    }
    let mut plain = String::with_capacity(token.len());
    let mut letters = token.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '~' => match letters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(Cow::Owned(plain))
}

struct Walker<'a> {
    text: &'a [u8],
    at: usize,
}

const BROKEN: Malformed = Malformed("the body is not JSON");

impl<'a> Walker<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: u8) -> bool {
        self.space();
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    /// True after a comma, false after the end of the container.
    fn more(&mut self, end: u8) -> Result<bool, Malformed> {
        if self.take(b',') {
            return Ok(true);
        }
        if self.take(end) { Ok(false) } else { Err(BROKEN) }
    }

    /// Goes to the value of a key.
    fn member(&mut self, wanted: &str) -> Result<bool, Malformed> {
        self.at += 1;
        if self.take(b'}') {
            return Ok(false);
        }
        loop {
            self.space();
            let key = self.string()?;
            if !self.take(b':') {
                return Err(BROKEN);
            }
            if is_key(key, wanted) {
                return Ok(true);
            }
            self.value()?;
            if !self.more(b'}')? {
                return Ok(false);
            }
        }
    }

    /// Goes to an element by its number.
    fn element(&mut self, token: &str) -> Result<bool, Malformed> {
        self.at += 1;
        let canonical = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(mut wanted) = canonical.then(|| token.parse::<usize>().ok()).flatten() else { return Ok(false) };
        if self.take(b']') {
            return Ok(false);
        }
        while wanted > 0 {
            self.value()?;
            if !self.more(b']')? {
                return Ok(false);
            }
            wanted -= 1;
        }
        Ok(true)
    }

    /// Skips a value and gives its text.
    fn value(&mut self) -> Result<&'a [u8], Malformed> {
        self.space();
        let start = self.at;
        match self.peek() {
            Some(b'"') => drop(self.string()?),
            Some(b'{' | b'[') => self.container()?,
            _ => {
                while !matches!(self.peek(), None | Some(b',' | b']' | b'}' | b':' | b'"' | b' ' | b'\t' | b'\n' | b'\r')) {
                    self.at += 1;
                }
            }
        }
        self.text.get(start..self.at).filter(|text| !text.is_empty()).ok_or(BROKEN)
    }

    fn container(&mut self) -> Result<(), Malformed> {
        let mut depth = 0_usize;
        loop {
            match self.peek().ok_or(BROKEN)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Skips a string and gives its text with the quotes.
    fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(BROKEN);
        }
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).ok_or(BROKEN)?;
            let next = memchr::memchr2(b'"', b'\\', rest).ok_or(BROKEN)?;
            if rest[next] == b'"' {
                self.at += next + 1;
                return Ok(&self.text[start..self.at]);
            }
            self.at += next + 2;
        }
    }
}

fn is_key(quoted: &[u8], wanted: &str) -> bool {
    let inner = &quoted[1..quoted.len() - 1];
    if !inner.contains(&b'\\') {
        return inner == wanted.as_bytes();
    }
    serde_json::from_slice::<String>(quoted).is_ok_and(|key| key == wanted)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Found, Malformed, find};

    const BODY: &str =
        r#" {"data": [ {"id": 1, "t": "]\"}"}, {"id": 2} ], "next": {"a/b": "x", "m~n": null}, "k\u0065y": -1.50, "e": {}, "n": []} "#;

    fn check(pointer: &str, expected: Option<&str>) {
        let found = find(BODY.as_bytes(), pointer).unwrap();
        assert_eq!(found.map(|found| std::str::from_utf8(found.text).unwrap()), expected, "{pointer}");
    }

    fn whole(text: &str) -> Found<'_> {
        find(text.as_bytes(), "").unwrap().unwrap()
    }

    #[test]
    fn pointers_find_values_as_written() {
        check("/data/0/id", Some("1"));
        check("/data/0/t", Some(r#""]\"}""#));
        check("/data/1", Some(r#"{"id": 2}"#));
        check("/data/2", None);
        check("/data/01", None);
        check("/data/-", None);
        check("/data/+1", None);
        check("/next/a~1b", Some("\"x\""));
        check("/next/m~0n", Some("null"));
        check("/key", Some("-1.50"));
        check("/e/x", None);
        check("/n/0", None);
        check("/key/x", None);
        check("/absent", None);
        check("", Some(BODY.trim()));
    }

    #[test]
    fn arrays_are_noticed() {
        assert!(find(BODY.as_bytes(), "/data/0/id").unwrap().unwrap().inside_array);
        assert!(!find(BODY.as_bytes(), "/next/a~1b").unwrap().unwrap().inside_array);
        assert!(whole(r#"{"a":{"b":[1]}}"#).holds_array());
        assert!(!whole(r#"{"a":{"b":"[1]"}}"#).holds_array());
        assert_eq!(whole("[1,[2,3],{\"a\":[]}]").length(), Ok(Some(3)));
        assert_eq!(whole("[ ]").length(), Ok(Some(0)));
        assert_eq!(whole("{}").length(), Ok(None));
        assert_eq!(whole("[1 2]").length(), Err(Malformed("the body is not JSON")));
    }

    #[test]
    fn broken_texts_and_pointers_are_told() {
        for text in ["", "   ", "{", "{\"a\"", "{\"a\":", "{\"a\" 1}", "{a:1}", "[1", "[1,", "\"", "\"\\", "{\"b\":1,}"] {
            assert!(find(text.as_bytes(), "/a/0").is_err() || find(text.as_bytes(), "").is_err(), "{text}");
        }
        assert_eq!(find(b"{}", "a").unwrap_err(), Malformed("the pointer is not a JSON pointer"));
        assert!(find(b"{}", "/~2").is_err());
        assert!(find(b"{}", "/~").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_agrees_with_a_tree(keys in proptest::collection::vec("[a-c\"\\\\é]{0,3}", 1..4), junk in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let mut value = serde_json::json!([1, "x"]);
            for key in keys.iter().rev() {
                value = serde_json::json!({ "other": [[], {"}": 1}], key.clone(): value });
            }
            let text = value.to_string();
            let pointer: String = keys.iter().map(|key| format!("/{key}")).collect();
            let found = find(text.as_bytes(), &pointer).unwrap().unwrap();
            let tree = value.pointer(&pointer).unwrap();
            proptest::prop_assert_eq!(&serde_json::from_slice::<serde_json::Value>(found.text).unwrap(), tree);
            let _ = find(&junk, &pointer);
            if let Ok(Some(found)) = find(&junk, "") {
                let _ = (found.length(), found.holds_array());
            }
        }
    }
}
