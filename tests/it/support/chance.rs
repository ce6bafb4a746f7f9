//! Random numbers that can be had again: a test prints its seed, and `HUB_TEST_SEED` at build time sets it.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A small generator (xorshift64*).
pub struct Chance(u64);

impl Chance {
    /// A new seed each time, printed with the test's output.
    pub fn new(test: &str) -> Self {
        let fixed = option_env!("HUB_TEST_SEED").and_then(|text| text.parse().ok());
        let seed = fixed.unwrap_or_else(|| RandomState::new().build_hasher().finish()) | 1;
        println!("{test}: HUB_TEST_SEED={seed}");
        Self(seed)
    }

    /// A number from 0 to `limit` - 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit.max(1)
    }
}
