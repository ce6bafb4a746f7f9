//! Ed25519 keys that people keep in files: one line that begins with what the key is for, so that none is taken for another.

use std::fmt;
use std::marker::PhantomData;

use data_encoding::BASE64;
use ring::signature::{Ed25519KeyPair, KeyPair as _, Signature};

/// What a key is for.
pub trait Purpose {
    /// What its file begins with.
    const HEAD: &'static str;
    /// Its name, for a debugger: all that is shown of it.
    const NAME: &'static str;
}

/// A key that signs, secret part included. Shows nothing of itself.
pub struct FileKey<P>(Ed25519KeyPair, PhantomData<P>);

impl<P: Purpose> FileKey<P> {
    /// A key from 32 random bytes. None if they cannot be used.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        Ed25519KeyPair::from_seed_unchecked(seed).ok().map(|pair| Self(pair, PhantomData))
    }

    /// Reads a key file. None for anything else.
    #[must_use]
    pub fn parse(file: &str) -> Option<Self> {
        let seed = BASE64.decode(file.trim_end().strip_prefix(P::HEAD)?.as_bytes()).ok()?;
        Self::from_seed(&seed.try_into().ok()?)
    }

    /// The content of a key file for a seed. Secret.
    #[must_use]
    pub fn file(seed: &[u8; 32]) -> String {
        format!("{}{}\n", P::HEAD, BASE64.encode(seed))
    }

    /// The public part.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap_or_default()
    }

    pub(crate) fn sign(&self, text: &[u8]) -> Signature {
        self.0.sign(text)
    }
}

impl<P: Purpose> fmt::Debug for FileKey<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(P::NAME)
    }
}
