//! Keys of pseudonym domains and the tokens that they make. Keys come in as bytes; what is kept is made of them, never shown.

use std::fmt;

use aes_siv::siv::Aes256Siv;
use data_encoding::{BASE32_NOPAD, BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::normal::normalise;
use super::text::base32_from;
use crate::manifest::PseudonymMethod;

/// The least length of a domain key in bytes.
pub const MIN_KEY_BYTES: usize = 16;

/// A domain's key in one version, prepared for one category of values.
#[derive(Clone)]
pub struct DomainKey {
    maker: Maker,
    category: String,
}

#[derive(Clone)]
enum Maker {
    /// The key; with the category already in it once that is known.
    Hmac(Hmac<Sha256>),
    /// The cipher's key; its state can be used once only.
    Siv(Box<[u8; 64]>),
}

impl DomainKey {
    /// A key for HMAC-SHA-256. None if it is shorter than [`MIN_KEY_BYTES`].
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Self> {
        Self::with(PseudonymMethod::HmacSha256, key)
    }

    /// A key for a method. None if it is shorter than [`MIN_KEY_BYTES`].
    #[must_use]
    pub fn with(method: PseudonymMethod, key: &[u8]) -> Option<Self> {
        if key.len() < MIN_KEY_BYTES {
            return None;
        }
        let state = <Hmac<Sha256> as KeyInit>::new_from_slice(key).ok()?;
        let maker = match method {
            PseudonymMethod::HmacSha256 => Maker::Hmac(state),
            PseudonymMethod::AesSiv => {
                // The cipher wants 64 bytes; keys of any length are stretched to them, apart from every use of the key itself.
                let half = |number: u8| state.clone().chain_update(b"hub pseudonym aes-siv").chain_update([number]).finalize().into_bytes();
                let mut whole = [0; 64];
                whole[..32].copy_from_slice(&half(1));
                whole[32..].copy_from_slice(&half(2));
                Maker::Siv(Box::new(whole))
            }
        };
        Some(Self { maker, category: String::new() })
    }

    /// The key for values of a category: equal texts of different kinds get different tokens.
    pub(super) fn for_category(&self, category: &str) -> Self {
        let maker = match &self.maker {
            Maker::Hmac(state) => Maker::Hmac(state.clone().chain_update(category.as_bytes()).chain_update([0])),
            Maker::Siv(key) => Maker::Siv(key.clone()),
        };
        Self { maker, category: category.to_owned() }
    }

    /// Appends the pseudonym of a value. `out` is its own scratch space.
    pub(super) fn token(&self, text: &str, out: &mut Vec<u8>) {
        let mark = out.len();
        match &self.maker {
            Maker::Hmac(state) => {
                normalise(&self.category, text, out);
                let mut state = state.clone();
                state.update(out.get(mark..).unwrap_or_default());
                out.truncate(mark);
                let code = state.finalize().into_bytes();
                out.extend_from_slice(code.get(..16).unwrap_or_default());
            }
            Maker::Siv(key) => {
                out.extend_from_slice(&[0; 16]);
                normalise(&self.category, text, out);
                let mut cipher = Aes256Siv::new((&**key).into());
                let (tag, value) = out.get_mut(mark..).unwrap_or_default().split_at_mut(16);
                // Cannot fail with one header; if it did, the token would be of zeros, not of the value.
                match cipher.encrypt_inout_detached([self.category.as_bytes()], (&mut *value).into()) {
                    Ok(made) => tag.copy_from_slice(&made),
                    Err(_) => value.fill(0),
                }
            }
        }
        base32_from(mark, out);
    }

    /// The normalised value behind a pseudonym of a category. None for `hmac-sha256`, for another key or category, or if the token was not made here.
    #[must_use]
    pub fn reveal(&self, category: &str, token: &str) -> Option<String> {
        let Maker::Siv(key) = &self.maker else { return None };
        let raw = BASE32_NOPAD.decode(token.to_ascii_uppercase().as_bytes()).ok()?;
        let value = Aes256Siv::new((&**key).into()).decrypt([category.as_bytes()], &raw).ok()?;
        String::from_utf8(value).ok()
    }
}

impl fmt::Debug for DomainKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DomainKey")
    }
}

/// All versions of a domain's key.
#[derive(Clone, Debug)]
pub struct DomainKeys {
    /// Number and key, in ascending order; at least one.
    versions: Vec<(u32, DomainKey)>,
}

/// What is wrong with the source of a domain's key. Holds nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// The key, or that of a version, has fewer than [`MIN_KEY_BYTES`] bytes.
    Short,
    /// This line, counted from 1, is not `vN:BASE64`.
    Line(usize),
    /// The version in this line is not greater than the one before it.
    Order(usize),
}

impl fmt::Display for KeyFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => write!(out, "a key has fewer than {MIN_KEY_BYTES} bytes"),
            Self::Line(line) => write!(out, "line {line} is not `vN:BASE64`"),
            Self::Order(line) => write!(out, "the version in line {line} is not greater than the one before"),
        }
    }
}

impl DomainKeys {
    /// Reads a key source: the key itself, which is then version 1, or lines `vN:BASE64` with the newest version last.
    ///
    /// # Errors
    /// The source is neither, or a key is too short.
    pub fn read(source: &[u8], method: PseudonymMethod) -> Result<Self, KeyFault> {
        let text = std::str::from_utf8(source).ok().filter(|text| text.lines().next().is_some_and(|line| versioned(line).is_some()));
        let Some(text) = text else {
            let key = DomainKey::with(method, source).ok_or(KeyFault::Short)?;
            return Ok(Self { versions: vec![(1, key)] });
        };
        let mut versions: Vec<(u32, DomainKey)> = Vec::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (number, encoded) = versioned(line).ok_or(KeyFault::Line(at + 1))?;
            if versions.last().is_some_and(|(last, _)| *last >= number) {
                return Err(KeyFault::Order(at + 1));
            }
            let key = BASE64.decode(encoded.trim().as_bytes()).map_err(|_| KeyFault::Line(at + 1))?;
            versions.push((number, DomainKey::with(method, &key).ok_or(KeyFault::Short)?));
        }
        Ok(Self { versions })
    }

    /// The key that makes pseudonyms, and its version.
    #[must_use]
    pub fn newest(&self) -> Option<(u32, &DomainKey)> {
        self.versions.last().map(|(number, key)| (*number, key))
    }

    /// All versions in ascending order: old tokens are found again with the old key.
    pub fn versions(&self) -> impl Iterator<Item = (u32, &DomainKey)> {
        self.versions.iter().map(|(number, key)| (*number, key))
    }
}

fn versioned(line: &str) -> Option<(u32, &str)> {
    let (number, encoded) = line.strip_prefix('v')?.split_once(':')?;
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| number.parse().ok())?.map(|number| (number, encoded))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use PseudonymMethod::{AesSiv, HmacSha256};

    const KEY: &[u8] = b"0123456789abcdef";

    fn token(key: &DomainKey, category: &str, text: &str) -> String {
        let mut out = Vec::new();
        key.for_category(category).token(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn tokens_depend_on_key_category_and_normalised_value() {
        let key = DomainKey::new(KEY).unwrap();
        // HMAC-SHA-256 of "user.name\0Ada" under the key, first 16 bytes, computed with another implementation.
        assert_eq!(token(&key, "user.name", "Ada"), "mkyzk33i54jgb4v2cd5vb3xd4q");
        assert_ne!(token(&key, "user.name", "Ada"), token(&DomainKey::new(b"0123456789abcdeg").unwrap(), "user.name", "Ada"));
        assert_ne!(token(&key, "user.name", "Ada"), token(&key, "user.unique_id", "Ada"));
        assert_ne!(token(&key, "user.name", "Ada"), token(&key, "user.name", "ada"));
        assert_eq!(token(&key, "user.contact.email", "Ada@X.org"), token(&key, "user.contact.email", " ada@x.org"));
    }

    #[test]
    fn reversible_tokens_come_back_with_their_key_only() {
        let key = DomainKey::with(AesSiv, KEY).unwrap();
        for (category, text, normal) in [("user.name", "Ada", "Ada"), ("user.contact.email", "Ä@x.org", "ä@x.org"), ("user.name", "", "")]
        {
            let made = token(&key, category, text);
            assert_eq!(made, token(&key, category, text));
            assert!(made.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')), "{made}");
            assert_eq!(key.reveal(category, &made).as_deref(), Some(normal));
            assert_eq!(key.reveal("user", &made), None);
            assert_eq!(DomainKey::with(AesSiv, b"another key of 16").unwrap().reveal(category, &made), None);
            assert_eq!(DomainKey::new(KEY).unwrap().reveal(category, &made), None);
        }
        let long = "x".repeat(1 << 20);
        assert_eq!(key.reveal("user.name", &token(&key, "user.name", &long)).as_deref(), Some(long.as_str()));
        assert_eq!(key.reveal("user.name", "no token!"), None);
    }

    #[test]
    fn the_newest_version_makes_tokens() {
        let one = DomainKeys::read(KEY, HmacSha256).unwrap();
        assert_eq!(one.newest().map(|(number, _)| number), Some(1));
        let text = format!("v1:{}\nv3:{}\n\n", BASE64.encode(KEY), BASE64.encode(b"the newest of the keys"));
        let both = DomainKeys::read(text.as_bytes(), HmacSha256).unwrap();
        let (number, newest) = both.newest().unwrap();
        assert_eq!(number, 3);
        assert_eq!(token(newest, "user", "x"), token(&DomainKey::new(b"the newest of the keys").unwrap(), "user", "x"));
        let oldest = both.versions().next().unwrap().1;
        assert_eq!(token(oldest, "user", "x"), token(one.newest().unwrap().1, "user", "x"));
    }

    #[test]
    fn bad_key_sources_are_told_without_the_key() {
        let key = BASE64.encode(KEY);
        let fault = |source: String| DomainKeys::read(source.as_bytes(), HmacSha256).unwrap_err();
        assert_eq!(fault("short".to_owned()), KeyFault::Short);
        assert_eq!(fault(format!("v1:{}", BASE64.encode(b"short"))), KeyFault::Short);
        assert_eq!(fault(format!("v1:{key}\nsomething else")), KeyFault::Line(2));
        assert_eq!(fault("v1:not base64".to_owned()), KeyFault::Line(1));
        assert_eq!(fault(format!("v2:{key}\nv2:{key}")), KeyFault::Order(2));
        let domain = DomainKey::new(KEY).unwrap();
        assert_eq!(format!("{domain:?}"), "DomainKey");
        assert_eq!(KeyFault::Line(2).to_string(), "line 2 is not `vN:BASE64`");
        assert!(DomainKey::new(&[7; MIN_KEY_BYTES - 1]).is_none());
    }
}
