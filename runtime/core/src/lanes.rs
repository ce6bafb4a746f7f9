//! Sixteen bytes looked at together, by vector instructions that every processor of the kind has.

use wide::u8x16;

/// How many bytes.
pub(crate) const WIDTH: usize = 16;

/// A bit for each byte that a question is true of, the lowest for the first one.
pub(crate) type Places = u16;

/// Sixteen bytes.
#[derive(Clone, Copy)]
pub(crate) struct Lanes(u8x16);

/// The bytes that a question is true of.
#[derive(Clone, Copy)]
pub(crate) struct Found(u8x16);

impl Lanes {
    #[inline]
    pub(crate) fn of(bytes: &[u8; WIDTH]) -> Self {
        Self(u8x16::new(*bytes))
    }

    /// Those that are this byte.
    #[inline]
    pub(crate) fn are(self, byte: u8) -> Found {
        Found(self.0.simd_eq(u8x16::splat(byte)))
    }

    /// Those from one byte to another.
    #[inline]
    pub(crate) fn within(self, first: u8, last: u8) -> Found {
        let above = self.0 - u8x16::splat(first);
        Found(above.min(u8x16::splat(last.wrapping_sub(first))).simd_eq(above))
    }
}

impl Found {
    #[inline]
    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(crate) fn places(self) -> Places {
        self.0.to_bitmask() as Places
    }
}

/// The first bytes of a text, and zeros behind them if there are fewer than sixteen.
#[inline]
pub(crate) fn padded(bytes: &[u8]) -> [u8; WIDTH] {
    if let Some(chunk) = bytes.first_chunk() {
        return *chunk;
    }
    // Two looks that overlap instead of one for each byte: this is where most texts end.
    if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (front, back) = (u64::from_le_bytes(*front), u64::from_le_bytes(*back));
        return (u128::from(front) | u128::from(back) << ((bytes.len() - 8) * 8)).to_le_bytes();
    }
    if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (front, back) = (u32::from_le_bytes(*front), u32::from_le_bytes(*back));
        return u128::from(u64::from(front) | u64::from(back) << ((bytes.len() - 4) * 8)).to_le_bytes();
    }
    let mut chunk = [0; WIDTH];
    chunk.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    chunk
}

/// The places of the first so many bytes; of all if there are no more.
#[inline]
pub(crate) fn first(count: usize) -> Places {
    if count < WIDTH { (1 << count) - 1 } else { Places::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_told_from_every_other() {
        for byte in 0..=u8::MAX {
            let bytes: [u8; WIDTH] = std::array::from_fn(|at| byte.wrapping_add(at as u8 * 16));
            let lanes = Lanes::of(&bytes);
            for other in 0..=u8::MAX {
                let expected = |is: &dyn Fn(u8) -> bool| (0..).zip(bytes).map(|(at, byte)| Places::from(is(byte)) << at).sum::<Places>();
                assert_eq!(lanes.are(other).places(), expected(&|byte| byte == other), "{byte} {other}");
                let (low, high) = (other, other.saturating_add(25));
                assert_eq!(lanes.within(low, high).places(), expected(&|byte| (low..=high).contains(&byte)), "{byte} {other}");
                let either = lanes.are(other).or(lanes.within(b'a', b'z')).places();
                assert_eq!(either, expected(&|byte| byte == other || byte.is_ascii_lowercase()), "{byte} {other}");
            }
        }
    }

    #[test]
    fn the_first_places_are_told_apart() {
        assert_eq!([0, 1, 15, 16, 17, usize::MAX].map(first), [0, 1, 0x7fff, 0xffff, 0xffff, 0xffff]);
    }

    #[test]
    fn short_texts_are_filled_up() {
        let text = b"abcdefghijklmnopqrst";
        for length in 0..text.len() {
            let mut expected = [0; WIDTH];
            let count = length.min(WIDTH);
            expected[..count].copy_from_slice(&text[..count]);
            assert_eq!(padded(&text[..length]), expected, "{length}");
        }
    }
}
