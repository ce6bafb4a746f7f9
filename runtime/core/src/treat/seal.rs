//! Values encrypted for a recipient: each becomes an age file (age-encryption.org/v1, X25519) in base64.
//!
//! The format forbids to use a file key twice, so each value has its own. This crate has no randomness: all of it comes from a seed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::AeadInOut;
use data_encoding::{BASE64, BASE64_NOPAD};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};

use super::text::encode_from;

/// The length of a chunk of an age payload.
pub(super) const CHUNK: usize = 64 << 10;

/// Where ephemeral keys come from. Clones share it, so that none of them repeats what another one used.
#[derive(Clone)]
pub struct Seed {
    state: Hmac<Sha256>,
    /// Values sealed so far.
    used: Arc<AtomicU64>,
    step: u64,
}

impl Seed {
    /// `random` comes from the operating system and is used for nothing else and never again: with it, every sealed value can be opened.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Option<Self> {
        let state = <Hmac<Sha256> as KeyInit>::new_from_slice(&random).ok()?;
        Some(Self { state, used: Arc::default(), step: 1 })
    }

    /// The same key for every value: two implementations can be compared.
    #[cfg(any(test, feature = "oracle"))]
    #[must_use]
    pub fn repeating(random: [u8; 32]) -> Option<Self> {
        Some(Self { step: 0, ..Self::new(random)? })
    }

    /// An ephemeral secret, and 16 bytes each of file key and nonce.
    fn next(&self) -> ([u8; 32], [u8; 32]) {
        let number = self.used.fetch_add(self.step, Ordering::Relaxed);
        let block = |part: u8| -> [u8; 32] {
            let state = self.state.clone().chain_update(number.to_le_bytes()).chain_update([part]);
            state.finalize().into_bytes().into()
        };
        (block(1), block(2))
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Seed")
    }
}

/// Encrypts for one recipient.
#[derive(Clone)]
pub struct Sealer {
    recipient: PublicKey,
    seed: Seed,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Sealer")
    }
}

impl Sealer {
    /// None if the recipient's key is one of the few with which everybody could read what is encrypted.
    #[must_use]
    pub fn new(recipient: [u8; 32], seed: &Seed) -> Option<Self> {
        let recipient = PublicKey::from(recipient);
        let probe = StaticSecret::from([7; 32]).diffie_hellman(&recipient);
        probe.was_contributory().then(|| Self { recipient, seed: seed.clone() })
    }

    /// Appends the encrypted text as base64 without quotes.
    pub(super) fn seal(&self, text: &str, out: &mut Vec<u8>) {
        let mark = out.len();
        let (secret, keys) = self.seed.next();
        let (file_key, nonce) = keys.split_at(16);
        self.header(StaticSecret::from(secret), file_key, out);
        let header = out.get(mark..).unwrap_or_default();
        let code = mac(&derive(file_key, &[], b"header"), header);
        out.push(b' ');
        base64(&code, out);
        out.push(b'\n');
        out.extend_from_slice(nonce);
        payload(&derive(file_key, nonce, b"payload"), text.as_bytes(), out);
        encode_from(&BASE64, mark, out);
    }

    /// Version, stanza and the beginning of the last line.
    fn header(&self, secret: StaticSecret, file_key: &[u8], out: &mut Vec<u8>) {
        let share = PublicKey::from(&secret);
        let shared = secret.diffie_hellman(&self.recipient);
        let salt: [[u8; 32]; 2] = [share.to_bytes(), self.recipient.to_bytes()];
        let wrap = derive(shared.as_bytes(), salt.as_flattened(), b"age-encryption.org/v1/X25519");
        out.extend_from_slice(b"age-encryption.org/v1\n-> X25519 ");
        base64(share.as_bytes(), out);
        out.push(b'\n');
        let mut body = [0; 32];
        body[..16].copy_from_slice(file_key);
        encrypt(&wrap, [0; 12], &mut body);
        base64(&body, out);
        out.extend_from_slice(b"\n---");
    }
}

/// The payload in chunks, each with its number and whether it is the last.
fn payload(key: &[u8; 32], text: &[u8], out: &mut Vec<u8>) {
    let count = text.len().div_ceil(CHUNK).max(1);
    let mut chunks = text.chunks(CHUNK);
    for number in 0..count {
        let start = out.len();
        out.extend_from_slice(chunks.next().unwrap_or_default());
        out.extend_from_slice(&[0; 16]);
        encrypt(key, chunk_nonce(number, count), out.get_mut(start..).unwrap_or_default());
    }
}

/// The number of a chunk, and whether it is the last.
pub(super) fn chunk_nonce(number: usize, count: usize) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&(number as u64).to_be_bytes());
    nonce[11] = u8::from(number + 1 == count);
    nonce
}

/// Encrypts all but the last 16 bytes, into which the tag goes.
fn encrypt(key: &[u8; 32], nonce: [u8; 12], buffer: &mut [u8]) {
    let end = buffer.len().saturating_sub(16);
    let (text, tag) = buffer.split_at_mut(end);
    match ChaCha20Poly1305::new(key.into()).encrypt_inout_detached(&nonce.into(), &[], (&mut *text).into()) {
        Ok(made) => tag.copy_from_slice(&made),
        // Beyond 256 GiB only; what is not encrypted does not stay.
        Err(_) => text.fill(0),
    }
}

pub(super) fn derive(key: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut derived = [0; 32];
    // 32 bytes are within what HKDF gives.
    let _ = Hkdf::<Sha256>::new(Some(salt), key).expand(info, &mut derived);
    derived
}

fn mac(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    mac_state(key).map_or([0; 32], |state| state.chain_update(text).finalize().into_bytes().into())
}

/// HMAC takes keys of any length.
pub(super) fn mac_state(key: &[u8; 32]) -> Option<Hmac<Sha256>> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(key).ok()
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    let mark = out.len();
    out.extend_from_slice(bytes);
    encode_from(&BASE64_NOPAD, mark, out);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const IDENTITY: [u8; 32] = [9; 32];

    fn sealer(seed: &Seed) -> Sealer {
        Sealer::new(PublicKey::from(&StaticSecret::from(IDENTITY)).to_bytes(), seed).unwrap()
    }

    fn sealed(sealer: &Sealer, text: &str) -> String {
        let mut out = Vec::new();
        sealer.seal(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Reads an age file as its recipient does.
    fn open(sealed: &str) -> Option<String> {
        let file = BASE64.decode(sealed.as_bytes()).unwrap();
        let end = file.windows(4).position(|part| part == b"\n---").unwrap();
        let lines: Vec<&str> = std::str::from_utf8(&file[..end]).unwrap().lines().collect();
        assert_eq!(lines[0], "age-encryption.org/v1");
        let share = BASE64_NOPAD.decode(lines[1].strip_prefix("-> X25519 ").unwrap().as_bytes()).unwrap();
        let share: [u8; 32] = share.try_into().unwrap();
        let own = StaticSecret::from(IDENTITY);
        let salt = [share, PublicKey::from(&own).to_bytes()].concat();
        let wrap = derive(own.diffie_hellman(&PublicKey::from(share)).as_bytes(), &salt, b"age-encryption.org/v1/X25519");
        let file_key = decrypted(&wrap, [0; 12], &BASE64_NOPAD.decode(lines[2].as_bytes()).unwrap())?;
        let code = BASE64_NOPAD.decode(&file[end + 5..end + 48]).unwrap();
        assert_eq!(code, mac(&derive(&file_key, &[], b"header"), &file[..end + 4]));
        let (nonce, chunks) = file[end + 49..].split_at(16);
        let key = derive(&file_key, nonce, b"payload");
        let count = chunks.len().div_ceil(CHUNK + 16);
        let text: Option<Vec<Vec<u8>>> = chunks
            .chunks(CHUNK + 16)
            .enumerate()
            .map(|(number, chunk)| {
                let mut nonce = [0; 12];
                nonce[3..11].copy_from_slice(&(number as u64).to_be_bytes());
                nonce[11] = u8::from(number + 1 == count);
                decrypted(&key, nonce, chunk)
            })
            .collect();
        Some(String::from_utf8(text?.concat()).unwrap())
    }

    fn decrypted(key: &[u8; 32], nonce: [u8; 12], sealed: &[u8]) -> Option<Vec<u8>> {
        let (text, tag) = sealed.split_at(sealed.len() - 16);
        let mut text = text.to_vec();
        let tag: [u8; 16] = tag.try_into().unwrap();
        ChaCha20Poly1305::new(key.into()).decrypt_inout_detached(&nonce.into(), &[], text.as_mut_slice().into(), &tag.into()).ok()?;
        Some(text)
    }

    #[test]
    fn the_recipient_reads_what_was_sealed() {
        let sealer = sealer(&Seed::new([1; 32]).unwrap());
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 1 << 20] {
            let text = "ä".repeat(length / 2) + &"x".repeat(length % 2);
            assert_eq!(open(&sealed(&sealer, &text)), Some(text), "{length}");
        }
    }

    #[test]
    fn nothing_is_used_twice() {
        let seed = Seed::new([1; 32]).unwrap();
        let (left, right) = (sealer(&seed), sealer(&seed));
        let all: std::collections::BTreeSet<String> = [&left, &right, &left.clone()].iter().map(|sealer| sealed(sealer, "same")).collect();
        assert_eq!(all.len(), 3);
        assert_eq!(format!("{left:?} {seed:?}"), "Sealer Seed");
    }

    #[test]
    fn keys_without_secrecy_are_refused() {
        let seed = Seed::new([1; 32]).unwrap();
        assert!(Sealer::new([0; 32], &seed).is_none());
        let mut one = [0; 32];
        one[0] = 1;
        assert!(Sealer::new(one, &seed).is_none());
    }
}
