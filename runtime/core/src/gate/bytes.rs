//! Finds the next byte that ends plain text inside a JSON string. The hottest loop of the gate; safe code only.

/// Index of the next `"`, `\` or control character at or after `at`; the length if there is none.
#[inline]
pub(super) fn find_special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<WIDTH>) {
        let found = special_in(chunk);
        if found < WIDTH {
            return at + found;
        }
        at += WIDTH;
    }
    let tail = bytes.get(at..).unwrap_or_default();
    at + tail.iter().position(|byte| is_special(*byte)).unwrap_or(tail.len())
}

#[inline]
fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

const WIDTH: usize = 16;

/// Position of the first special byte, or `WIDTH`. Written so that compilers turn the loop into vector comparisons without intrinsics.
#[inline]
fn special_in(chunk: &[u8; WIDTH]) -> usize {
    let mut marks = [0; WIDTH];
    for (mark, byte) in marks.iter_mut().zip(chunk) {
        *mark = if is_special(*byte) { 0xff } else { 0 };
    }
    (u128::from_le_bytes(marks).trailing_zeros() / 8) as usize
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
                    let expected = if is_special(byte) { place } else { length };
                    assert_eq!(find_special(&text, 0), expected, "{byte} at {place} of {length}");
                    assert_eq!(find_special(&text, place + 1), length);
                }
            }
        }
    }
}
