//! The Merkle tree of RFC 6962 over the entries, grown one leaf at a time.
//!
//! Each leaf brings the hashes that it completes: its own and those of the full subtrees that end with it. They are stored together under the leaf's
//! number, so an append is one write and the place of every hash follows from level and index alone. Holds no store itself; proofs are `proof`'s.
//!
//! Own code rather than the crate `tlog_tiles`: that brings a second `sha2` (0.10), `thiserror` 1, `base64`, `url` and `rand` into a pure crate for
//! the hundred lines below; the hashes are the same, so its proofs and tiles can be served from them later.

use sha2::{Digest, Sha256};

/// A node of the tree.
pub type Hash = [u8; 32];

/// Entries of a block: a log is pruned in whole blocks, so that what is left of one is a single node and those above it.
pub const BLOCK: u64 = 1 << BLOCK_LEVEL;
/// The level of a block's node.
pub const BLOCK_LEVEL: u32 = 8;

/// Size and root of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root; SHA-256 of nothing for an empty tree.
    pub root: [u8; 32],
}

impl Default for TreeHead {
    fn default() -> Self {
        Self { size: 0, root: Frontier::default().root() }
    }
}

/// The right edge of a tree: all that is needed to append to it and to know its root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the full subtrees from left to right: one for each bit that is set in `size`, the largest first.
    roots: Vec<Hash>,
}

impl Frontier {
    /// Appends the leaf with this hash; answers with the hashes to store under its number: the leaf, then each subtree that it completes, upwards.
    pub fn push(&mut self, leaf: Hash) -> Vec<Hash> {
        let mut new = vec![leaf];
        let mut top = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.roots.pop() else { break };
            top = node_hash(&left, &top);
            new.push(top);
        }
        self.roots.push(top);
        self.size += 1;
        new
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root as RFC 6962 defines it.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut from_right = self.roots.iter().rev();
        let Some(last) = from_right.next() else { return Sha256::digest([]).into() };
        from_right.fold(*last, |right, left| node_hash(left, &right))
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root() }
    }

    /// The frontier of the tree with `size` leaves, from stored hashes. `stored` answers with the hash at a level that a leaf completed.
    /// `Err` names the leaf whose hash is missing.
    pub fn load(size: u64, mut stored: impl FnMut(u64, u32) -> Option<Hash>) -> Result<Self, u64> {
        let mut roots = Vec::new();
        let mut end = 0_u64;
        for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
            end += 1 << level;
            roots.push(stored(end - 1, level).ok_or(end - 1)?);
        }
        Ok(Self { size, roots })
    }

    /// The frontier whose subtrees have these roots, the largest first. None if they are not as many as a tree of this size has.
    #[must_use]
    pub fn from_roots(size: u64, roots: Vec<Hash>) -> Option<Self> {
        (u32::try_from(roots.len()) == Ok(size.count_ones())).then_some(Self { size, roots })
    }

    /// The roots of the full subtrees, the largest first.
    #[must_use]
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// The frontier over the entries of blocks, from the one whose leaves are the nodes of the blocks. None if there are more than any log has.
    #[must_use]
    pub fn of_blocks(self) -> Option<Self> {
        Some(Self { size: self.size.checked_mul(BLOCK)?, ..self })
    }
}

/// The hash at `level` out of the bytes kept under a leaf's number.
#[must_use]
pub fn stored_hash(bytes: &[u8], level: u32) -> Option<Hash> {
    let from = usize::try_from(level).ok()?.checked_mul(32)?;
    bytes.get(from..from.checked_add(32)?)?.try_into().ok()
}

/// `SHA-256(0x00 || entry)`.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// `SHA-256(0x01 || left || right)`.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// Leaves and roots of the Certificate Transparency reference tree (certificate-transparency `merkle_tree_test`).
    const LEAVES: [&str; 8] = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    /// RFC 6962 section 2.1, word by word.
    fn by_definition(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => leaf_hash(one),
            many => {
                let split = many.len().next_power_of_two() / 2;
                node_hash(&by_definition(&many[..split]), &by_definition(&many[split..]))
            }
        }
    }

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let mut frontier = Frontier::default();
        assert_eq!(HEXLOWER.encode(&frontier.root()), ROOTS[0]);
        for (leaf, root) in LEAVES.iter().zip(&ROOTS[1..]) {
            frontier.push(leaf_hash(&HEXLOWER.decode(leaf.as_bytes()).unwrap()));
            assert_eq!(HEXLOWER.encode(&frontier.root()), *root, "size {}", frontier.size());
        }
    }

    #[test]
    fn every_size_agrees_with_the_definition_and_loads_from_stored_hashes() {
        let leaves: Vec<Vec<u8>> = (0..300_u32).map(|number| number.to_be_bytes().to_vec()).collect();
        let mut frontier = Frontier::default();
        let mut stored: Vec<Vec<u8>> = Vec::new();
        for (index, leaf) in leaves.iter().enumerate() {
            stored.push(frontier.push(leaf_hash(leaf)).concat());
            assert_eq!(frontier.root(), by_definition(&leaves[..=index]));
            let loaded = Frontier::load(frontier.size(), |seq, level| stored_hash(stored.get(seq as usize)?, level));
            assert_eq!(loaded, Ok(frontier.clone()));
            assert_eq!(Frontier::from_roots(frontier.size(), frontier.roots().to_vec()), Some(frontier.clone()));
            assert_eq!(Frontier::from_roots(frontier.size() * 2 + 1, frontier.roots().to_vec()), None);
        }
        assert_eq!(Frontier::load(301, |seq, level| stored_hash(stored.get(seq as usize)?, level)), Err(300));
    }

    #[test]
    fn blocks_stand_for_their_entries() {
        let (mut all, mut blocks) = (Frontier::default(), Frontier::default());
        for number in 0..7 * BLOCK {
            let new = all.push(leaf_hash(&number.to_be_bytes()));
            if let Some(above) = new.get(BLOCK_LEVEL as usize..).filter(|above| !above.is_empty()) {
                assert_eq!(blocks.push(above[0]), above);
                assert_eq!(blocks.clone().of_blocks(), Some(all.clone()));
            }
        }
        assert_eq!(blocks.size(), 7);
    }
}
