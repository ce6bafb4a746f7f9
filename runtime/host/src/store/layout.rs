//! Where things stand in the engine: one tree, the first byte of a key says what it is.
//!
//! One tree rather than one for each family, because one batch on one tree is atomic over crashes with a single log record, while a transaction over
//! several trees may rerun its closure. Values are kept in pieces below 4 KiB: a leaf of the engine holds up to 16 of them, and one that outgrows a
//! quarter of a segment would be written to a file of its own without any fsync.

use std::collections::HashMap;

use hub_core::audit::tree::Hash;
use sha2::{Digest, Sha256};

use super::{Namespace, StoreError};

/// Version of a store whose audit log is whole.
pub(super) const VERSION: u32 = 1;
/// Version of one whose log was pruned: what knows only the first would take it for damaged.
pub(super) const PRUNED_VERSION: u32 = 2;
/// Holds [`VERSION`], big-endian.
pub(super) const VERSION_KEY: &[u8] = b"v";
/// Holds `format::Head`.
pub(super) const HEAD_KEY: &[u8] = b"h";
/// Exact bytes of the entries, by number.
pub(super) const AUDIT: u8 = b'a';
/// Hashes that an entry completed, by number.
pub(super) const HASHES: u8 = b't';
/// What stays of the hashes of a pruned block, by the number of its last entry: its node and those above that it completed.
pub(super) const NODES: u8 = b'n';
/// Pieces of long values.
const PIECE: u8 = b'x';
/// Largest piece of a value in bytes.
const PIECE_LIMIT: usize = 3_800;
const WHOLE: u8 = 0;
const SPLIT: u8 = 1;

/// Writes by key; none deletes.
pub(super) type Writes = HashMap<Vec<u8>, Option<Vec<u8>>>;

/// Key of an audit entry or of its hashes.
pub(super) fn numbered(family: u8, seq: u64) -> [u8; 9] {
    let mut key = [family; 9];
    key[1..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// The number in a key made by [`numbered`].
pub(super) fn number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(1..)?.try_into().ok()?))
}

/// Every family of values.
pub(super) const NAMESPACES: [Namespace; 8] = [
    Namespace::Progress,
    Namespace::Runs,
    Namespace::Capability,
    Namespace::Compiled,
    Namespace::Quarantine,
    Namespace::Applied,
    Namespace::Delivered,
    Namespace::Reached,
];

fn tag(namespace: Namespace) -> u8 {
    match namespace {
        Namespace::Progress => b'p',
        Namespace::Runs => b'r',
        Namespace::Capability => b'c',
        Namespace::Compiled => b'k',
        Namespace::Quarantine => b'q',
        Namespace::Applied => b'm',
        Namespace::Delivered => b'd',
        Namespace::Reached => b'o',
    }
}

/// Key of a value.
pub(super) fn value_key(namespace: Namespace, key: &[u8]) -> Vec<u8> {
    [&[tag(namespace)], key].concat()
}

/// Key of a piece. The length stands before the key, so that no key is the beginning of another's pieces.
fn piece_key(value_key: &[u8], index: u32) -> Vec<u8> {
    let length = u16::try_from(value_key.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[PIECE], &length[..], value_key, &index.to_be_bytes()].concat()
}

/// What the state's check sum takes in for one value: the sum over all values is the XOR of these, so that it can follow every write.
pub(super) fn fingerprint(value_key: &[u8], value: &[u8]) -> Hash {
    let length = u64::try_from(value_key.len()).unwrap_or(u64::MAX).to_be_bytes();
    Sha256::new().chain_update(length).chain_update(value_key).chain_update(value).finalize().into()
}

/// Adds a fingerprint to the sum, or takes it out again.
pub(super) fn toggle(sum: &mut Hash, fingerprint: &Hash) {
    for (byte, other) in sum.iter_mut().zip(fingerprint) {
        *byte ^= other;
    }
}

/// The writes that replace `old` by `new` under a key.
pub(super) fn write_value(writes: &mut Writes, value_key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
    for index in 0..pieces(old) {
        writes.insert(piece_key(value_key, index), None);
    }
    let stored = new.map(|value| {
        if pieces(new) == 0 {
            return [&[WHOLE], value].concat();
        }
        for (index, piece) in (0_u32..).zip(value.chunks(PIECE_LIMIT)) {
            writes.insert(piece_key(value_key, index), Some(piece.to_vec()));
        }
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes();
        [&[SPLIT], &length[..], &Sha256::digest(value)].concat()
    });
    writes.insert(value_key.to_vec(), stored);
}

/// Into how many pieces a value is split: none if it stands under its own key.
fn pieces(value: Option<&[u8]>) -> u32 {
    let length = value.map_or(0, <[u8]>::len);
    if length <= PIECE_LIMIT { 0 } else { u32::try_from(length.div_ceil(PIECE_LIMIT)).unwrap_or(u32::MAX) }
}

/// One value.
pub(super) fn read_value(tree: &::sled::Tree, value_key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    match tree.get(value_key).map_err(engine_error)? {
        Some(stored) => whole_value(tree, value_key, &stored).map(Some),
        None => Ok(None),
    }
}

/// The value that is stored as `stored` under its key, put together from its pieces.
pub(super) fn whole_value(tree: &::sled::Tree, value_key: &[u8], stored: &[u8]) -> Result<Vec<u8>, StoreError> {
    match stored.split_first() {
        Some((&WHOLE, value)) => Ok(value.to_vec()),
        Some((&SPLIT, header)) => {
            let (length, digest) = header.split_first_chunk::<4>().ok_or_else(|| broken("a value has no length"))?;
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            let mut value = Vec::new();
            let mut index = 0;
            while value.len() < length {
                let piece = tree.get(piece_key(value_key, index)).map_err(engine_error)?;
                value.extend_from_slice(&piece.ok_or_else(|| broken("a piece of a value is missing"))?);
                index += 1;
            }
            if Sha256::digest(&value)[..] != *digest {
                return Err(broken("the pieces of a value do not belong together"));
            }
            Ok(value)
        }
        _ => Err(broken("a value has an unknown shape")),
    }
}

/// Damage without a known entry.
pub(super) fn broken(detail: impl Into<String>) -> StoreError {
    StoreError::Damaged { detail: detail.into(), first_bad_entry: None }
}

/// What an error of the engine means.
pub(super) fn engine_error(error: ::sled::Error) -> StoreError {
    use std::io::ErrorKind;
    match error {
        ::sled::Error::Io(source) if !matches!(source.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData) => {
            StoreError::Io { doing: "read", source }
        }
        ::sled::Error::Corruption { at: Some(place), .. } => broken(format!("a page fails its check sum at {place}")),
        other => broken(format!("the engine says: {other}")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn no_write_is_over_the_limit_and_old_pieces_go() {
        let key = value_key(Namespace::Progress, b"crm-to-erp");
        for (old, new) in [(0, 3_800), (0, 3_801), (100_000, 10), (10, 131_072), (131_072, 5_000)] {
            let (old, new) = (vec![1; old], vec![2; new]);
            let mut writes = Writes::new();
            write_value(&mut writes, &key, Some(&old), Some(&new));
            assert!(writes.values().flatten().all(|piece| piece.len() < 4_096));
            let kept = writes.iter().filter(|(key, value)| key[0] == PIECE && value.is_some()).count();
            assert_eq!(kept as u32, pieces(Some(&new)));
            let gone = writes.iter().filter(|(_, value)| value.is_none()).count();
            assert_eq!(gone as u32, pieces(Some(&old)).saturating_sub(pieces(Some(&new))));
        }
    }
}
