//! The store with what may be personal or secret encrypted: the progress of flows, whose cursors can be names or addresses, the texts of manifests, whose
//! configurations can hold anything, and the keys of records that were delivered under a consent.
//!
//! A value is sealed under its key's number and bound to where it stands, so that none can be put in another's place. Audit entries stay open: they hold
//! no personal data, and whoever verifies them must be able to read them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chacha20poly1305::XChaCha20Poly1305;
use futures::FutureExt;
use futures::future::BoxFuture;
use hub_core::audit::tree::Hash;
use hub_core::audit::{Draft, Kind, TreeHead};
use hub_core::problem::{Code, Problem};

use crate::keys::{self, Keys};
use crate::store::{self, Durability, Namespace, Page, Put, Store, StoreError, Transaction};

/// How a sealed value begins. A value that was stored before there was encryption begins with a brace.
const VERSION: u8 = 1;
const NUMBER: usize = 4;
const PREFIX: &str = "state-";

/// The families whose values are sealed.
const SEALED: [Namespace; 3] = [Namespace::Progress, Namespace::Applied, Namespace::Delivered];

/// The keys of a data folder's state.
#[must_use]
pub fn keys_of(data: &Path) -> Keys {
    keys::kept_in(data)
}

/// A store that seals on the way in and opens on the way out.
pub struct SealedStore {
    inner: Arc<dyn Store>,
    keys: Keys,
    /// The number of the key that seals.
    current: u32,
    ciphers: Mutex<BTreeMap<u32, XChaCha20Poly1305>>,
}

impl SealedStore {
    /// Takes a store and the keys in a data folder. The first key is made with the first value.
    ///
    /// # Errors
    /// A key that a stored value needs cannot be read: nothing is written then.
    pub fn open(inner: Arc<dyn Store>, data: &Path) -> Result<Self, Problem> {
        let keys = keys_of(data);
        let current = keys.names().iter().filter_map(|name| number(name)).max().unwrap_or(1);
        let sealed = Self { inner, keys, current, ciphers: Mutex::default() };
        let unreadable =
            |error: &StoreError| Problem::new(Code::E502, format!("{error}"), "look with `hub audit verify`, restore a backup");
        let mut missing = None;
        for namespace in SEALED {
            store::each(&*sealed.inner, namespace, None, |_, value| {
                if missing.is_none()
                    && let Some((number, _)) = parts(value)
                {
                    missing = sealed.cipher(number, false).err();
                }
                Ok(())
            })
            .map_err(|error| unreadable(&error))?;
        }
        match missing {
            Some(problem) => Err(problem),
            None => Ok(sealed),
        }
    }

    /// Seals everything anew under a new key and erases the old ones: what the store's files still hold of old values cannot be read from then on.
    /// Answers with the number of values.
    ///
    /// # Errors
    /// A key, or the store's.
    pub async fn rotate(mut self) -> Result<usize, StoreError> {
        self.current += 1;
        let mut keys = Vec::new();
        for namespace in SEALED {
            store::each(&*self.inner, namespace, None, |key, _| {
                keys.push((namespace, key.to_vec()));
                Ok(())
            })?;
        }
        // Value by value: all of them together can be more than a transaction holds, and each says under which key it is.
        for (namespace, key) in &keys {
            let Some(open) = self.get(*namespace, key)? else { continue };
            let value = Some(self.seal(*namespace, key, &open)?);
            let put = Put { namespace: *namespace, key: key.clone(), value };
            self.inner.commit(Transaction { puts: vec![put], audit: Vec::new() }, Durability::Lazy).await?;
        }
        let count = keys.len();
        let audit = vec![Draft::new(Kind::KeyRotated).records(count as u64).actor(crate::config::actor())];
        self.inner.commit(Transaction { puts: Vec::new(), audit }, Durability::Sync).await?;
        // The old keys go last: a crash before leaves keys that nothing needs, never values without their key.
        self.keys.erase(|name| number(name).is_some_and(|number| number < self.current));
        Ok(count)
    }

    fn cipher(&self, number: u32, make: bool) -> Result<XChaCha20Poly1305, Problem> {
        let mut ciphers = self.ciphers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cipher) = ciphers.get(&number) {
            return Ok(cipher.clone());
        }
        let name = format!("{PREFIX}{number}");
        let cipher = if make { self.keys.made(&name)? } else { self.keys.known(&name)? };
        ciphers.insert(number, cipher.clone());
        Ok(cipher)
    }

    fn seal(&self, namespace: Namespace, key: &[u8], value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let cipher = self.cipher(self.current, true).map_err(|problem| no_key(&problem))?;
        let sealed = keys::seal(&cipher, value, &bound(namespace, key)).map_err(|reason| refused(reason.to_owned()))?;
        Ok([&[VERSION][..], &self.current.to_be_bytes(), &sealed].concat())
    }

    fn unseal(&self, namespace: Namespace, key: &[u8], stored: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let Some((number, sealed)) = parts(&stored) else { return Ok(stored) };
        let cipher = self.cipher(number, false).map_err(|problem| no_key(&problem))?;
        keys::open(&cipher, sealed, &bound(namespace, key)).ok_or_else(|| StoreError::Damaged {
            detail: "a sealed value is not what was written, or its key is another one".to_owned(),
            first_bad_entry: None,
        })
    }
}

impl Store for SealedStore {
    fn commit(&self, mut transaction: Transaction, durability: Durability) -> BoxFuture<'static, Result<u64, StoreError>> {
        for put in transaction.puts.iter_mut().filter(|put| SEALED.contains(&put.namespace)) {
            let Some(value) = &put.value else { continue };
            match self.seal(put.namespace, &put.key, value) {
                Ok(sealed) => put.value = Some(sealed),
                Err(error) => return futures::future::ready(Err(error)).boxed(),
            }
        }
        self.inner.commit(transaction, durability)
    }

    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let stored = self.inner.get(namespace, key)?;
        if !SEALED.contains(&namespace) {
            return Ok(stored);
        }
        stored.map(|stored| self.unseal(namespace, key, stored)).transpose()
    }

    fn scan(&self, namespace: Namespace, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Page, StoreError> {
        let page = self.inner.scan(namespace, prefix, after, limit)?;
        if !SEALED.contains(&namespace) {
            return Ok(page);
        }
        page.into_iter().map(|(key, stored)| self.unseal(namespace, &key, stored).map(|value| (key, value))).collect()
    }

    fn audit(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.inner.audit(from, limit)
    }

    fn hash(&self, seq: u64, level: u32) -> Result<Option<Hash>, StoreError> {
        self.inner.hash(seq, level)
    }

    fn first(&self) -> Result<u64, StoreError> {
        self.inner.first()
    }

    fn prune(&self, by: u64) -> BoxFuture<'static, Result<u64, StoreError>> {
        self.inner.prune(by)
    }

    fn head(&self) -> Result<TreeHead, StoreError> {
        self.inner.head()
    }

    fn free_space_ok(&self) -> Result<(), StoreError> {
        self.inner.free_space_ok()
    }
}

fn number(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.parse().ok()
}

/// Number of the key, and what it sealed. None for a value that was stored in the clear.
fn parts(stored: &[u8]) -> Option<(u32, &[u8])> {
    let (number, sealed) = stored.strip_prefix(&[VERSION])?.split_first_chunk::<NUMBER>()?;
    Some((u32::from_be_bytes(*number), sealed))
}

/// Where a value stands.
fn bound(namespace: Namespace, key: &[u8]) -> Vec<u8> {
    [format!("{namespace:?} {VERSION} ").as_bytes(), key].concat()
}

fn no_key(problem: &Problem) -> StoreError {
    refused(problem.title.clone())
}

fn refused(reason: String) -> StoreError {
    StoreError::Io { doing: "sealed or opened", source: std::io::Error::other(reason) }
}

#[cfg(test)]
mod tests;
