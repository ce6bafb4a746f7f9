//! Finds the next byte that ends plain text inside a JSON string. The hottest loop of the gate; safe code only.

use crate::lanes::{Lanes, WIDTH, padded};

/// Index of the next `"`, `\` or control character at or after `at`; the length if there is none.
#[inline]
pub(super) fn find_special(bytes: &[u8], at: usize) -> usize {
    find_special_past(bytes, at, |_, _| ())
}

/// [`find_special`]; `past` is called with all bytes on the way, and how many of each sixteen are in front of the place.
#[inline]
pub(super) fn find_special_past(bytes: &[u8], mut at: usize, mut past: impl FnMut(Lanes, usize)) -> usize {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let (lanes, end) = match rest.first_chunk::<WIDTH>() {
            Some(chunk) => (Lanes::of(chunk), WIDTH),
            None => (Lanes::of(&padded(rest)), rest.len()),
        };
        let special = lanes.within(0, 0x1f).or(lanes.are(b'"')).or(lanes.are(b'\\')).places();
        let found = (special.trailing_zeros() as usize).min(end);
        past(lanes, found);
        at += found;
        if found < WIDTH {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_seen() {
        for length in 0..40 {
            for place in 0..length {
                for byte in 0..=255u8 {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    let is_special = byte < 0x20 || matches!(byte, b'"' | b'\\');
                    let expected = if is_special { place } else { length };
                    assert_eq!(find_special(&text, 0), expected, "{byte} at {place} of {length}");
                    assert_eq!(find_special(&text, place + 1), length);
                }
            }
        }
    }
}
