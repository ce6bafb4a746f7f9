//! Signed heads: a checkpoint (C2SP tlog-checkpoint) in a signed note (C2SP signed-note, Ed25519), so that tools of others read them.
//!
//! Says nothing about which heads exist: whoever signs must have the entries on disk already.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use super::tree::TreeHead;

const KEY_HEAD: &str = "hub-audit-key-1 ";
/// The algorithm's number in keys and their ids: Ed25519.
const ALGORITHM: u8 = 1;
/// A note is five short lines, or a few more if others have signed it too.
pub const MAX_NOTE_BYTES: usize = 16 << 10;
const MAX_NAME_BYTES: usize = 200;
/// What stands before each signature.
const SIGNATURE: &str = "\u{2014} ";

/// Which log has this head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name; also the name of the key that signs it.
    pub origin: String,
    /// Size and root.
    pub head: TreeHead,
}

/// Why a note is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    /// It does not have the form of a signed checkpoint.
    #[error("it is no signed checkpoint")]
    Form,
    /// No signature is of the key.
    #[error("it is not signed with the key of the log")]
    Unsigned,
    /// A signature names the key and is not of it.
    #[error("its signature is not of the key that it names")]
    Forged,
}

/// The key of a log. Shows nothing of itself.
pub struct LogKey {
    pair: Ed25519KeyPair,
    name: String,
}

impl LogKey {
    /// A key from 32 random bytes for a log of this name. None if the name is empty, too long, or has spaces, `+` or control characters.
    #[must_use]
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Option<Self> {
        is_name(name).then_some(())?;
        Some(Self { pair: Ed25519KeyPair::from_seed_unchecked(seed).ok()?, name: name.to_owned() })
    }

    /// Reads a key file: `hub-audit-key-1 NAME BASE64` in one line. None for anything else.
    #[must_use]
    pub fn parse(file: &str) -> Option<Self> {
        let (name, seed) = file.trim_end().strip_prefix(KEY_HEAD)?.split_once(' ')?;
        let seed = BASE64.decode(seed.as_bytes()).ok()?;
        Self::from_seed(name, &seed.try_into().ok()?)
    }

    /// The content of a key file for a seed. Secret.
    #[must_use]
    pub fn file(name: &str, seed: &[u8; 32]) -> String {
        format!("{KEY_HEAD}{name} {}\n", BASE64.encode(seed))
    }

    /// The public part.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), public: self.pair.public_key().as_ref().try_into().unwrap_or_default() }
    }

    /// The signed note for a head of the log.
    #[must_use]
    pub fn sign(&self, head: &TreeHead) -> String {
        let text = Checkpoint { origin: self.name.clone(), head: head.clone() }.text();
        let id = self.verifier().id();
        let signature = BASE64.encode(&[&id[..], self.pair.sign(text.as_bytes()).as_ref()].concat());
        format!("{text}\n{SIGNATURE}{} {signature}\n", self.name)
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "LogKey({})", self.name)
    }
}

/// The public key of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    public: [u8; 32],
}

impl Verifier {
    /// Reads `NAME+ID+BASE64`. None for anything else, or if the id is not of the key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.trim().split_once('+')?;
        let (id, key) = rest.split_once('+')?;
        let key = BASE64.decode(key.as_bytes()).ok()?;
        let (algorithm, public) = key.split_first()?;
        let verifier = Self { name: name.to_owned(), public: public.try_into().ok()? };
        (*algorithm == ALGORITHM && is_name(name) && HEXLOWER.encode(&verifier.id()) == id).then_some(verifier)
    }

    /// The log's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> [u8; 4] {
        let digest = Sha256::new().chain_update(&self.name).chain_update([b'\n', ALGORITHM]).chain_update(self.public).finalize();
        digest.first_chunk().copied().unwrap_or_default()
    }

    /// Reads a note that this key signed.
    ///
    /// # Errors
    /// It has another form, or it is not signed with this key.
    pub fn open(&self, note: &str) -> Result<Checkpoint, BadNote> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(BadNote::Form);
        }
        let (body, signatures) = note.split_once("\n\n").ok_or(BadNote::Form)?;
        let text = format!("{body}\n");
        let checkpoint = Checkpoint::parse(&text).ok_or(BadNote::Form)?;
        let mut found = Err(BadNote::Unsigned);
        for line in signatures.lines() {
            let (name, signature) = line.strip_prefix(SIGNATURE).and_then(|rest| rest.split_once(' ')).ok_or(BadNote::Form)?;
            let signature = BASE64.decode(signature.as_bytes()).map_err(|_| BadNote::Form)?;
            let (id, signature) = signature.split_first_chunk::<4>().ok_or(BadNote::Form)?;
            // Signatures of others, of kinds unknown here, are theirs to check.
            if name == self.name && *id == self.id() {
                let is_valid = UnparsedPublicKey::new(&ED25519, &self.public).verify(text.as_bytes(), signature).is_ok();
                found = if is_valid { Ok(()) } else { return Err(BadNote::Forged) };
            }
        }
        found?;
        if checkpoint.origin == self.name { Ok(checkpoint) } else { Err(BadNote::Unsigned) }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ALGORITHM][..], &self.public].concat();
        write!(out, "{}+{}+{}", self.name, HEXLOWER.encode(&self.id()), BASE64.encode(&key))
    }
}

impl Checkpoint {
    /// What is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.head.size, BASE64.encode(&self.head.root))
    }

    /// Reads what is signed; further lines are extensions.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let plain = size == "0" || (size.bytes().all(|byte| byte.is_ascii_digit()) && !size.starts_with('0'));
        let root = BASE64.decode(root.as_bytes()).ok()?.try_into().ok()?;
        (plain && is_name(origin)).then_some(Self { origin: origin.to_owned(), head: TreeHead { size: size.parse().ok()?, root } })
    }
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && !name.contains(|letter: char| letter == '+' || letter.is_whitespace() || letter.is_control())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(number: u8) -> LogKey {
        LogKey::from_seed("hub/test", &[number; 32]).unwrap()
    }

    fn head() -> TreeHead {
        TreeHead { size: 20, root: [9; 32] }
    }

    #[test]
    fn a_head_is_signed_and_believed() {
        let (key, verifier) = (key(1), key(1).verifier());
        let note = key.sign(&head());
        assert_eq!(verifier.open(&note), Ok(Checkpoint { origin: "hub/test".to_owned(), head: head() }));
        assert!(note.starts_with("hub/test\n20\nCQkJ"), "{note}");
        assert_eq!(Verifier::parse(&format!("{verifier}\n")), Some(verifier.clone()));
        let with_witness = format!("{note}{SIGNATURE}witness.example {}\n", BASE64.encode(&[5; 76]));
        assert!(verifier.open(&with_witness).is_ok(), "signatures of others stand beside it");
        let file = LogKey::file("hub/test", &[1; 32]);
        assert_eq!(LogKey::parse(&file).unwrap().verifier(), verifier);
        assert_eq!(format!("{key:?}"), "LogKey(hub/test)");
    }

    #[test]
    fn nothing_else_is_believed() {
        let (note, verifier) = (key(1).sign(&head()), key(1).verifier());
        assert_eq!(key(2).verifier().open(&note), Err(BadNote::Unsigned));
        assert_eq!(verifier.open(&note.replace("\n20\n", "\n21\n")), Err(BadNote::Forged));
        assert_eq!(verifier.open(&note.replacen("hub/test", "hub/pest", 1)), Err(BadNote::Forged));
        let other = LogKey::from_seed("hub/other", &[1; 32]).unwrap().sign(&head());
        assert_eq!(verifier.open(&other), Err(BadNote::Unsigned));
        for bad in ["", "\n\n", "a\n1\nx\n\n", "a b\n1\nCQkJ\n\n", &note.replace("\n20\n", "\n020\n"), &"a".repeat(MAX_NOTE_BYTES + 1)] {
            assert_eq!(verifier.open(bad), Err(BadNote::Form), "{bad}");
        }
        for bad in ["", "hub/test", "hub/test+00000000+AQ==", &verifier.to_string().replace("hub/test", "hub/pest")] {
            assert_eq!(Verifier::parse(bad), None, "{bad}");
        }
        for name in ["", "a b", "a+b", "a\nb", &"a".repeat(MAX_NAME_BYTES + 1)] {
            assert!(LogKey::from_seed(name, &[1; 32]).is_none(), "{name}");
        }
        assert!(LogKey::parse("hub-approval-key-1 hub AQ==").is_none());
    }

    proptest! {
        #[test]
        fn one_changed_byte_is_noticed(at in 0..1000_usize, byte: u8) {
            let note = key(1).sign(&head());
            let mut bytes = note.clone().into_bytes();
            let place = at % bytes.len();
            bytes[place] = byte;
            if let Ok(changed) = String::from_utf8(bytes)
                && changed != note
            {
                prop_assert!(key(1).verifier().open(&changed).is_err(), "{changed}");
            }
        }
    }
}
