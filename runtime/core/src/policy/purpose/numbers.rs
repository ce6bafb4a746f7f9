//! Tables by numbers that this program gave itself, in order: nobody outside can choose them so that they collide, so a hash may be as cheap as it gets.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table whose keys are such numbers.
pub(super) type Numbered<K, V> = HashMap<K, V, BuildHasherDefault<Mixer>>;

/// An odd number whose bits look random, so that a product with it depends on each bit of the other factor.
const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;

/// Multiplies, and turns the well mixed upper bits to where a table looks for them.
#[derive(Clone, Copy, Default)]
pub(super) struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.wrapping_add(number).wrapping_mul(FACTOR);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
