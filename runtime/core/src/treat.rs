//! What is done with a value on its way through the gate, and which label it has afterwards (`docs/reference`: field actions).
//!
//! Does not decide who gets which treatment and reads no key: a key comes in as bytes and leaves only as cipher state.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::detect::{DetectorSet, redact};
use crate::manifest::{Coarser, Missing};

mod coarse;
mod key;
mod label;
mod normal;
mod open;
mod seal;
mod text;

pub use key::{DomainKey, DomainKeys, KeyFault, MIN_KEY_BYTES};
pub use label::{Label, PSEUDONYM, is_enumerable, is_personal, label};
pub use normal::{NORMALISATION, normalise};
pub use open::Identity;
pub use seal::{Sealer, Seed};
pub(crate) use text::escape;
use text::{hex, mask, prefix, quoted};

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
    /// A token of the normalised value in lower-case base32: the first 16 bytes of HMAC-SHA-256 over `category 0x00 value` (26 characters), or
    /// AES-SIV with the category as its header.
    Pseudonymise(DomainKey),
    /// The first few characters.
    Truncate {
        /// Characters kept.
        keep: u32,
    },
    /// The network of an IP address.
    Network,
    /// Something coarser.
    Generalise(Coarser),
    /// The text with a mark such as `[EMAIL]` in the place of everything that is found.
    Redact(DetectorSet),
    /// An age file in base64.
    Encrypt(Sealer),
    /// What an index knows for the value.
    Lookup {
        /// The index.
        index: Index,
        /// What a value is that the index does not know.
        missing: Missing,
    },
}

/// A value that a treatment cannot be applied to: what it should have been. Holds nothing of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit(pub &'static str);

/// Joined values by the text of their key. Made by the host from another stream; a plan only reads it.
pub trait Lookup: Send + Sync {
    /// Appends the joined value as the JSON text of one scalar. False, and nothing is appended, if there is none.
    fn find(&self, key: &[u8], out: &mut Vec<u8>) -> bool;
}

/// A lookup that plans can share.
#[derive(Clone)]
pub struct Index(Arc<dyn Lookup>);

impl Index {
    /// Takes a lookup.
    #[must_use]
    pub fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self(lookup)
    }

    fn apply(&self, text: &str, missing: Missing, out: &mut Vec<u8>) -> Result<(), Unfit> {
        let mark = out.len();
        let is_known = self.0.find(text.as_bytes(), out);
        let found = out.get(mark..).unwrap_or_default();
        // An index is made from data: what is no scalar on one line would break the record that it goes into.
        let is_scalar = !matches!(found.first(), Some(b'{' | b'[' | b' ' | b'\t' | b'\r')) && !found.contains(&b'\n');
        if is_known && is_scalar && serde_json::from_slice::<serde::de::IgnoredAny>(found).is_ok() {
            return Ok(());
        }
        out.truncate(mark);
        match missing {
            Missing::Null if !is_known => out.extend_from_slice(b"null"),
            _ => return Err(Unfit("the key of a record that can be looked up")),
        }
        Ok(())
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Index")
    }
}

impl Treatment {
    /// Appends the treated value as JSON. `json` is its JSON text; `text` its unescaped text, `None` for `null` and for objects and arrays,
    /// which only [`Treatment::Keep`] and [`Treatment::Constant`] can take: all others yield `null` for them.
    ///
    /// # Errors
    /// The value does not have the form that the treatment needs. What `out` then holds behind its former end is not to be used.
    pub fn apply(&self, json: &str, text: Option<&str>, out: &mut Vec<u8>) -> Result<(), Unfit> {
        match (self, text) {
            (Self::Keep, _) => out.extend_from_slice(json.as_bytes()),
            (Self::Constant(constant), _) => out.extend_from_slice(constant.as_bytes()),
            (_, None) => out.extend_from_slice(b"null"),
            (Self::Mask { first, last }, Some(text)) => mask(text, *first as usize, *last as usize, out),
            (Self::Hash, Some(text)) => quoted(out, |out| hex(&Sha256::digest(text.as_bytes()), out)),
            (Self::Pseudonymise(key), Some(text)) => quoted(out, |out| key.token(text, out)),
            (Self::Truncate { keep }, Some(text)) => quoted(out, |out| escape(prefix(text, *keep as usize), out)),
            (Self::Network, Some(text)) => return coarse::network(json, text, out),
            (Self::Generalise(coarser), Some(text)) => return coarse::generalise(coarser, json, text, out),
            (Self::Redact(wanted), Some(text)) => quoted(out, |out| redact(text, *wanted, out, escape)),
            (Self::Encrypt(sealer), Some(text)) => quoted(out, |out| sealer.seal(text, out)),
            (Self::Lookup { index, missing }, Some(text)) => return index.apply(text, *missing, out),
        }
        Ok(())
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests;
