//! What a manifest can ask to be done with one value, and what that needs: methods of pseudonyms, recipients of encrypted values.
//!
//! Says nothing about how it is done and what label results; both are [`crate::treat`]'s.

use bech32::Bech32;
use bech32::primitives::decode::CheckedHrpstring;
use serde_json::Value;

use super::types::words::words;
use crate::detect::DetectorSet;
use crate::problem::Spanned;
use crate::record::{FieldPath, StreamId};

/// What is done with a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Unchanged.
    Allow,
    /// Left out.
    Drop,
    /// `null` in place of any value.
    Null,
    /// A fixed JSON value.
    Constant(Value),
    /// All characters but the first and last few become `*`.
    Mask {
        /// Characters kept at the beginning.
        first: u32,
        /// Characters kept at the end.
        last: u32,
    },
    /// SHA-256, hex. Guessable: refused on enumerable categories.
    Hash,
    /// A keyed token of the normalised value, base32.
    Pseudonymise {
        /// Domain id.
        domain: String,
    },
    /// The first few characters.
    Truncate {
        /// Characters kept.
        keep: u32,
    },
    /// The network of an IP address: /24 of IPv4, /48 of IPv6.
    Network {
        /// `network = true` stands there. Without it the field must be labelled as an IP address.
        named: bool,
    },
    /// Something coarser.
    Generalise(Coarser),
    /// The text without what detectors find in it.
    Redact {
        /// What is looked for; at least one.
        detectors: DetectorSet,
    },
    /// An age file, base64, for one recipient.
    Encrypt {
        /// As written: `age:ID` or `age1…`.
        recipient: String,
    },
    /// A field of the record of another stream whose key the value is.
    Lookup {
        /// As written: `system.stream.field`. See [`Action::via_places`].
        via: String,
        /// What a value without such a record is.
        missing: Missing,
    },
    /// Several fields in one text.
    Concat {
        /// Fields that are appended, in this order. Empty at a field that another one names.
        with: Vec<Spanned<FieldPath>>,
        /// What stands between them.
        separator: String,
    },
}

/// How a value becomes coarser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coarser {
    /// A part of a date.
    Date(DateUnit),
    /// The next lower multiple of this, at least 1.
    Bucket(u64),
    /// One text for another.
    Map {
        /// Text and what it becomes, sorted by the text.
        entries: Vec<(String, String)>,
        /// What every other text becomes. None: it is invalid.
        default: Option<String>,
    },
}

words! {
    /// The part of a date that is kept.
    DateUnit {
        /// `2026`.
        Year = "year",
        /// `2026-Q3`.
        Quarter = "quarter",
        /// `2026-08`.
        Month = "month",
        /// `2026-08-14`.
        Day = "day",
    }

    /// What a looked-up value without a record is.
    Missing {
        /// Its record is invalid.
        Invalid = "invalid",
        /// It becomes `null`.
        Null = "null",
    }
}

/// `[recipient.ID]`.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The id and its place.
    pub id: Spanned<String>,
    /// The public key as written: `age1…`.
    pub age: Spanned<String>,
}

impl Action {
    /// Every reading of a lookup's `system.stream.field`: names of streams may hold dots, and so do paths. The shortest stream name comes first.
    #[must_use]
    pub fn via_places(via: &str) -> Vec<(StreamId, FieldPath)> {
        let Some((system, rest)) = via.split_once('.') else { return Vec::new() };
        let split = |(at, _): (usize, &str)| {
            let (stream, field) = (rest.get(..at)?, rest.get(at + 1..)?);
            Some((StreamId::parse(&format!("{system}.{stream}"))?, FieldPath::parse(field)?))
        };
        rest.match_indices('.').filter_map(split).collect()
    }
}

impl Recipient {
    /// The X25519 key in an `age1…` text. None if it is no such text.
    #[must_use]
    pub fn key(age: &str) -> Option<[u8; 32]> {
        let read = CheckedHrpstring::new::<Bech32>(age).ok()?;
        let is_public = read.hrp().as_str() == "age";
        let bytes: Vec<u8> = read.byte_iter().collect();
        bytes.try_into().ok().filter(|_| is_public)
    }
}
