//! Reads age files (age-encryption.org/v1, X25519 recipients): the other direction of [`super::Sealer`], for hub's own key store. Strict: what is not exactly
//! such a file is not read.

use std::fmt;

use bech32::Bech32;
use bech32::primitives::decode::CheckedHrpstring;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::AeadInOut;
use data_encoding::BASE64_NOPAD;
use hmac::{KeyInit, Mac};
use x25519_dalek::{PublicKey, StaticSecret};

use super::seal::{CHUNK, chunk_nonce, derive, mac_state};

/// The greatest number of recipients of a file.
const MAX_STANZAS: usize = 32;
const VERSION: &str = "age-encryption.org/v1";
const TAG: usize = 16;

/// The secret part of an age key. Shows nothing of itself.
pub struct Identity(StaticSecret);

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Identity")
    }
}

impl Identity {
    /// Reads an identity file as `age-keygen` writes it: comments, and one line `AGE-SECRET-KEY-1…`. None for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines.next().filter(|_| lines.next().is_none())?;
        let decoded = CheckedHrpstring::new::<Bech32>(line).ok()?;
        let is_secret = decoded.hrp().as_str().eq_ignore_ascii_case("age-secret-key-");
        let bytes: Vec<u8> = decoded.byte_iter().collect();
        let bytes: [u8; 32] = bytes.try_into().ok().filter(|_| is_secret)?;
        Some(Self(StaticSecret::from(bytes)))
    }

    /// What is in a file that is for this identity. None: it is not, or it was changed.
    #[must_use]
    pub fn open(&self, file: &[u8]) -> Option<Vec<u8>> {
        let end = file.windows(4).position(|part| part == b"\n---")?;
        let mut lines = std::str::from_utf8(file.get(..end)?).ok()?.lines();
        if lines.next() != Some(VERSION) {
            return None;
        }
        let file_key = self.file_key(&mut lines)?;
        let (signed, rest) = file.split_at_checked(end + 4)?;
        let (line, payload) = rest.split_at_checked(rest.iter().position(|byte| *byte == b'\n')?)?;
        let code = BASE64_NOPAD.decode(line.strip_prefix(b" ")?).ok()?;
        mac_state(&derive(&file_key, &[], b"header"))?.chain_update(signed).verify_slice(&code).ok()?;
        let (nonce, chunks) = payload.get(1..)?.split_at_checked(16)?;
        opened(&derive(&file_key, nonce, b"payload"), chunks)
    }

    /// Tries each recipient that this identity could be.
    fn file_key(&self, lines: &mut std::str::Lines<'_>) -> Option<[u8; 16]> {
        let own = PublicKey::from(&self.0).to_bytes();
        let mut share = None;
        for line in lines.take(MAX_STANZAS * 2) {
            if let Some(arguments) = line.strip_prefix("-> ") {
                share = arguments.strip_prefix("X25519 ").and_then(|text| BASE64_NOPAD.decode(text.as_bytes()).ok());
                continue;
            }
            // The body of a recipient of another kind, or a part of a long one.
            let Some(theirs) = share.take().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) else { continue };
            let shared = self.0.diffie_hellman(&PublicKey::from(theirs));
            if !shared.was_contributory() {
                continue;
            }
            let salt: [[u8; 32]; 2] = [theirs, own];
            let wrap = derive(shared.as_bytes(), salt.as_flattened(), b"age-encryption.org/v1/X25519");
            let body = BASE64_NOPAD.decode(line.as_bytes()).ok()?;
            if let Some(key) = decrypted(&wrap, [0; 12], &body) {
                return key.try_into().ok();
            }
        }
        None
    }
}

fn opened(key: &[u8; 32], chunks: &[u8]) -> Option<Vec<u8>> {
    let count = chunks.len().div_ceil(CHUNK + TAG);
    let mut text = Vec::with_capacity(chunks.len());
    for (number, chunk) in chunks.chunks(CHUNK + TAG).enumerate() {
        let part = decrypted(key, chunk_nonce(number, count), chunk)?;
        // Only a file without content ends in an empty chunk.
        if part.is_empty() && number > 0 {
            return None;
        }
        text.extend(part);
    }
    (count > 0).then_some(text)
}

fn decrypted(key: &[u8; 32], nonce: [u8; 12], sealed: &[u8]) -> Option<Vec<u8>> {
    let (text, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
    let mut text = text.to_vec();
    let tag: [u8; TAG] = tag.try_into().ok()?;
    ChaCha20Poly1305::new(key.into()).decrypt_inout_detached(&nonce.into(), &[], text.as_mut_slice().into(), &tag.into()).ok()?;
    Some(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use data_encoding::BASE64;

    use super::super::{Sealer, Seed};
    use super::*;

    /// Made with another implementation: identity and file (two recipients, the second is this one).
    const IDENTITY: &str = "AGE-SECRET-KEY-186768DMQT8XCH7QA3EJFHQVC5PQ04Z5S5RQQJWVT52G4CV0H5H7S8JEGFM";
    const FILE: &str = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSB2UXNWc0d6UUkxQTRKN2ZQUGExeGhjOExyUHJ1eHh4UGxsUFJYMEk0UmtJCmZsS1pQRDBIOU5FVDVNT1hmeHdhc2dEOEhIUFpyNVZDK0s4RUVpMlBPOUkKLT4gWDI1NTE5IDF4aWxCUlFWWFlFSG82SlVpUDdLSDBjdzZBZEM1T0w5UXExd0pRbE0vM3MKbWdiWXFQcGdXajkrR2pxOFhHeExKbHcwN0VsYjNxU2ErRWlMYnVSekhYRQotPiAhP3UmVD1oLWdyZWFzZSA5IEorLCUKUDdYOEFCandiaW1kVCtlNXhZYStIaVNRSko4dAotLS0geWthRm9EbWRiMHlrd1A0dGVac0lqWE53NTZYNGJscDc5Y1k2R1g1MFhmYwrnkYyGTHuzV6+DFkmJcDG0iEtjh3aZLuy8Uk3lJlnyK1cInJWeboPwqlaJtWxTL9je/Bli8pLoSTULSBAFa7G25qZiug==";

    #[test]
    fn a_file_of_another_implementation_is_read() {
        let identity = Identity::parse(&format!("# created: today\n{IDENTITY}\n")).unwrap();
        let file = BASE64.decode(FILE.as_bytes()).unwrap();
        assert_eq!(identity.open(&file).unwrap(), br#"{"hub/analytics":"0123456789abcdef"}"#);
        assert_eq!(format!("{identity:?}"), "Identity");
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(identity.open(&changed).is_none_or(|text| text == br#"{"hub/analytics":"0123456789abcdef"}"#), "byte {at}");
            assert!(identity.open(&file[..at]).is_none(), "{at} bytes");
        }
    }

    #[test]
    fn what_was_sealed_is_read() {
        let secret = StaticSecret::from([9; 32]);
        let sealer = Sealer::new(PublicKey::from(&secret).to_bytes(), &Seed::new([1; 32]).unwrap()).unwrap();
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let text = "x".repeat(length);
            let mut out = Vec::new();
            sealer.seal(&text, &mut out);
            assert_eq!(Identity(secret.clone()).open(&BASE64.decode(&out).unwrap()), Some(text.into_bytes()), "{length}");
        }
    }

    #[test]
    fn nothing_else_is_an_identity_or_a_file() {
        for text in ["", "age1qqqq", "AGE-SECRET-KEY-1QQQQ", &format!("{IDENTITY}\n{IDENTITY}")] {
            assert!(Identity::parse(text).is_none(), "{text}");
        }
        let identity = Identity::parse(IDENTITY).unwrap();
        for file in [&b""[..], b"\n---", b"age-encryption.org/v1\n---", b"age-encryption.org/v1\n-> X25519 AA\nAA\n--- AA\n", &[0xff; 300]]
        {
            assert!(identity.open(file).is_none());
        }
    }
}
