//! What is done with a value on its way through the gate, and which category it has afterwards (`docs/reference`: field actions).
//!
//! Does not decide who gets which treatment and reads no key: a key comes in as bytes and leaves only as HMAC state.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::manifest::Action;
use crate::vocab::{self, NON_PERSONAL};

/// The category of a pseudonym.
pub const PSEUDONYM: &str = "user.unique_id.pseudonymous";

/// What happens to one value. Leaving a field out is no treatment: such a field is not in the plan.
///
/// Values are treated as the unescaped text of a string or the literal text of a number or boolean. `null` stays `null`, except under
/// [`Treatment::Constant`], which replaces whatever is there.
#[derive(Clone, Debug)]
pub enum Treatment {
    /// Unchanged, also in spelling.
    Keep,
    /// This JSON text in place of any value.
    Constant(String),
    /// `*` for every character but the first and last few. A value that has no more characters than these is masked as a whole.
    Mask {
        /// Characters kept at the beginning.
        first: u32,
        /// Characters kept at the end.
        last: u32,
    },
    /// SHA-256 in lower-case hex.
    Hash,
    /// The first 16 bytes of HMAC-SHA-256 over `category 0x00 value` in lower-case base32: 26 characters.
    Pseudonymise(DomainKey),
    /// The first few characters.
    Truncate {
        /// Characters kept.
        keep: u32,
    },
}

impl Treatment {
    /// Appends the treated value as JSON. `json` is its JSON text; `text` its unescaped text, `None` for `null` and for objects and arrays,
    /// which only [`Treatment::Keep`] and [`Treatment::Constant`] can take: all others yield `null` for them.
    pub fn apply(&self, json: &str, text: Option<&str>, out: &mut Vec<u8>) {
        match (self, text) {
            (Self::Keep, _) => out.extend_from_slice(json.as_bytes()),
            (Self::Constant(constant), _) => out.extend_from_slice(constant.as_bytes()),
            (_, None) => out.extend_from_slice(b"null"),
            (Self::Mask { first, last }, Some(text)) => mask(text, *first as usize, *last as usize, out),
            (Self::Hash, Some(text)) => quoted(out, |out| hex(&Sha256::digest(text.as_bytes()), out)),
            (Self::Pseudonymise(key), Some(text)) => quoted(out, |out| base32(key.token(text), out)),
            (Self::Truncate { keep }, Some(text)) => quoted(out, |out| escape(prefix(text, *keep as usize), out)),
        }
    }

    /// The treatment for values of a category: a pseudonym depends on it, so that equal texts of different kinds get different tokens.
    #[must_use]
    pub fn for_category(&self, category: &str) -> Self {
        match self {
            Self::Pseudonymise(key) => Self::Pseudonymise(key.for_category(category)),
            other => other.clone(),
        }
    }
}

/// The prepared HMAC state of a pseudonym domain; the key itself is not kept.
#[derive(Clone)]
pub struct DomainKey {
    state: Hmac<Sha256>,
}

/// The least length of a domain key in bytes.
pub const MIN_KEY_BYTES: usize = 16;

impl DomainKey {
    /// None if the key is shorter than [`MIN_KEY_BYTES`].
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Self> {
        if key.len() < MIN_KEY_BYTES {
            return None;
        }
        Some(Self { state: Hmac::new_from_slice(key).ok()? })
    }

    fn for_category(&self, category: &str) -> Self {
        let mut state = self.state.clone();
        state.update(category.as_bytes());
        state.update(&[0]);
        Self { state }
    }

    fn token(&self, text: &str) -> u128 {
        let mut state = self.state.clone();
        state.update(text.as_bytes());
        let code = state.finalize().into_bytes();
        code.iter().take(16).fold(0, |token, byte| token << 8 | u128::from(*byte))
    }
}

impl fmt::Debug for DomainKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DomainKey")
    }
}

/// The label function: which category a value of `category` has after an action. None = nothing is left.
#[must_use]
pub fn resulting_category(action: &Action, category: &str) -> Option<String> {
    match action {
        Action::Drop => None,
        Action::Null | Action::Constant(_) => Some(NON_PERSONAL.to_owned()),
        Action::Pseudonymise { domain: _ } => Some(PSEUDONYM.to_owned()),
        Action::Allow
        | Action::Mask { .. }
        | Action::Hash
        | Action::Truncate { .. }
        | Action::Network { .. }
        | Action::Generalise(_)
        | Action::Encrypt { .. }
        | Action::Lookup { .. }
        | Action::Concat { .. } => Some(category.to_owned()),
    }
}

/// True unless the category is known to say nothing about a person: what is not known counts as personal.
#[must_use]
pub fn is_personal(category: Option<&str>) -> bool {
    category.is_none_or(vocab::is_personal)
}

fn mask(text: &str, first: usize, last: usize, out: &mut Vec<u8>) {
    let count = text.chars().count();
    // A mask that would show everything shows nothing.
    let (first, last) = if count <= first.saturating_add(last) { (0, 0) } else { (first, last) };
    let head = prefix(text, first);
    let tail = text.get(prefix(text, count - last).len()..).unwrap_or_default();
    quoted(out, |out| {
        escape(head, out);
        out.resize(out.len() + count - first - last, b'*');
        escape(tail, out);
    });
}

/// The first `count` characters.
fn prefix(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

fn quoted(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    body(out);
    out.push(b'"');
}

/// Appends text as the inside of a JSON string.
pub(crate) fn escape(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..=0x1f => {
                out.extend_from_slice(b"\\u00");
                hex(&[byte], out);
            }
            _ => out.push(byte),
        }
    }
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]));
}

/// 26 characters of RFC 4648 base32 in lower case: 128 bits and two zero bits.
fn base32(token: u128, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    out.extend((0..25).map(|at| DIGITS[(token >> (123 - 5 * at)) as usize & 31]));
    out.push(DIGITS[(token << 2) as usize & 31]);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn check(treatment: &Treatment, value: Option<&str>, expected: &str) {
        let mut out = Vec::new();
        treatment.apply("\"as written\"", value, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{treatment:?} {value:?}");
    }

    #[test]
    fn values_are_treated_by_characters() {
        let mask = |first, last| Treatment::Mask { first, last };
        check(&Treatment::Keep, Some("x"), "\"as written\"");
        check(&Treatment::Constant("7".to_owned()), None, "7");
        check(&mask(2, 1), Some("abcdef"), "\"ab***f\"");
        check(&mask(1, 1), Some("äöüß"), "\"ä**ß\"");
        check(&mask(2, 2), Some("abcd"), "\"****\"");
        check(&mask(3, 3), Some("abc"), "\"***\"");
        check(&mask(u32::MAX, u32::MAX), Some("abc"), "\"***\"");
        check(&mask(0, 0), Some("äö"), "\"**\"");
        check(&mask(1, 0), Some("\"x\u{1}"), "\"\\\"**\"");
        check(&mask(0, 1), Some("x\u{1f}"), "\"*\\u001f\"");
        check(&mask(1, 1), None, "null");
        check(&Treatment::Truncate { keep: 2 }, Some("30159"), "\"30\"");
        check(&Treatment::Truncate { keep: 2 }, Some("ü"), "\"ü\"");
        check(&Treatment::Truncate { keep: 0 }, Some("abc"), "\"\"");
        check(&Treatment::Hash, Some("abc"), "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
        check(&Treatment::Hash, None, "null");
    }

    #[test]
    fn pseudonyms_depend_on_key_and_category() {
        // HMAC-SHA-256 of "user.name\0Ada" under the key, first 16 bytes, computed with another implementation.
        let domain = |key: &[u8], category| Treatment::Pseudonymise(DomainKey::new(key).unwrap()).for_category(category);
        check(&domain(b"0123456789abcdef", "user.name"), Some("Ada"), "\"mkyzk33i54jgb4v2cd5vb3xd4q\"");
        let token = |key: &[u8], category, value| {
            let mut out = Vec::new();
            domain(key, category).apply("", Some(value), &mut out);
            out
        };
        let first = token(b"0123456789abcdef", "user.name", "Ada");
        assert_eq!(first.len(), 28);
        assert_ne!(first, token(b"0123456789abcdeg", "user.name", "Ada"));
        assert_ne!(first, token(b"0123456789abcdef", "user.unique_id", "Ada"));
        assert_ne!(first, token(b"0123456789abcdef", "user.name", "Adb"));
        check(&domain(b"0123456789abcdef", "user.name"), None, "null");
    }

    #[test]
    fn keys_are_long_and_never_shown() {
        assert!(DomainKey::new(&[7; MIN_KEY_BYTES - 1]).is_none());
        let key = DomainKey::new(&[7; MIN_KEY_BYTES]).unwrap();
        assert_eq!(format!("{key:?} {:?}", Treatment::Pseudonymise(key.clone())), "DomainKey Pseudonymise(DomainKey)");
    }

    #[test]
    fn labels_follow_the_action() {
        let check = |action: Action, expected: Option<&str>| assert_eq!(resulting_category(&action, "user.name").as_deref(), expected);
        check(Action::Allow, Some("user.name"));
        check(Action::Drop, None);
        check(Action::Constant(serde_json::Value::Null), Some("non-personal"));
        check(Action::Mask { first: 1, last: 1 }, Some("user.name"));
        check(Action::Hash, Some("user.name"));
        check(Action::Pseudonymise { domain: "d".to_owned() }, Some("user.unique_id.pseudonymous"));
        check(Action::Truncate { keep: 2 }, Some("user.name"));
    }

    #[test]
    fn only_known_categories_are_not_personal() {
        for (category, expected) in [
            (None, true),
            (Some("user.name"), true),
            (Some("systemic"), true),
            (Some("system"), false),
            (Some("system.operations"), false),
            (Some("non-personal"), false),
        ] {
            assert_eq!(is_personal(category), expected, "{category:?}");
        }
    }
}
