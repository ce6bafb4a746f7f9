//! One cheap look at every byte, so that ordinary text is passed over at once. Knows what could be there, never what is.

use crate::lanes::{Lanes, WIDTH, first, padded};

/// What a text has that something could be found by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// At most so many digits.
    pub(super) digits: u32,
    /// There may be an `@`.
    pub(super) has_at: bool,
}

impl Survey {
    /// Of a whole text.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Self {
        let mut seen = Self::default();
        let (chunks, rest) = text.as_chunks::<WIDTH>();
        chunks.iter().for_each(|chunk| seen.add(Lanes::of(chunk), WIDTH));
        if !rest.is_empty() {
            seen.add(Lanes::of(&padded(rest)), rest.len());
        }
        seen
    }

    /// The first `count` bytes belong to the text.
    #[inline]
    pub(crate) fn add(&mut self, lanes: Lanes, count: usize) {
        let (digits, signs) = (lanes.within(b'0', b'9').places(), lanes.are(b'@').places());
        // Most texts have neither.
        if digits | signs != 0 {
            self.digits = self.digits.saturating_add((digits & first(count)).count_ones());
            self.has_at |= signs & first(count) != 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_counts() {
        for length in 0..40 {
            for place in 0..length {
                for byte in 0..=255u8 {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    let expected = Survey { digits: u32::from(byte.is_ascii_digit()), has_at: byte == b'@' };
                    assert_eq!(Survey::of(&text), expected, "{byte} at {place} of {length}");
                }
            }
            assert_eq!(Survey::of(&vec![b'7'; length]).digits as usize, length);
        }
    }

    #[test]
    fn what_is_behind_the_text_does_not_count() {
        for count in 0..=WIDTH {
            let mut seen = Survey::default();
            seen.add(Lanes::of(b"1@34567890123456"), count);
            assert_eq!(seen, Survey { digits: count.saturating_sub(usize::from(count > 1)) as u32, has_at: count > 1 }, "{count}");
        }
    }
}
