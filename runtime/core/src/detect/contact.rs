//! E-mail addresses (RFC 5321 without quoted local parts, RFC 6531) and telephone numbers. Does not know which of them exist.

use std::ops::Range;

use super::run::{byte_at, is_word};

/// The longest address in bytes.
pub(super) const LONGEST_EMAIL: usize = 254;
const LONGEST_LOCAL: usize = 64;
const LONGEST_LABEL: usize = 63;
/// Fewest and most digits of a number with a country code (ITU-T E.164).
const INTERNATIONAL: std::ops::RangeInclusive<usize> = 8..=15;
const NATIONAL: std::ops::RangeInclusive<usize> = 7..=13;

/// True if the text is an address and nothing else.
pub(super) fn is_email(text: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'@', text) else { return false };
    let (Some(local), Some(domain)) = (text.get(..at), text.get(at + 1..)) else { return false };
    text.len() <= LONGEST_EMAIL && is_local(local) && is_domain(domain)
}

/// The address around an `@`, not before `floor`. Characters that RFC 5321 allows but prose puts next to an address are no part of it.
pub(super) fn email_around(text: &[u8], at: usize, floor: usize) -> Option<Range<usize>> {
    let mut start = at;
    while start > floor && at - start <= LONGEST_LOCAL && byte_at(text, start - 1).is_some_and(is_usual) {
        start -= 1;
    }
    // A character may have been cut in the middle, and a local part begins with no dot.
    while start < at && text.get(start).is_some_and(|byte| matches!(byte, 0x80..=0xbf | b'.')) {
        start += 1;
    }
    let mut end = at + 1;
    while end - at <= LONGEST_EMAIL && byte_at(text, end).is_some_and(|byte| is_label(byte) || byte == b'.') {
        end += 1;
    }
    while end > at + 1 && text.get(end - 1).is_some_and(|byte| matches!(byte, b'.' | b'-')) {
        end -= 1;
    }
    is_email(text.get(start..end)?).then_some(start..end)
}

fn is_usual(byte: u8) -> bool {
    is_label(byte) || matches!(byte, b'.' | b'_' | b'+' | b'%')
}

/// True for a byte of a host name. 0xC2 and 0xE2 begin characters that are no letters: spaces, quotes, dashes.
fn is_label(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || (byte >= 0x80 && !matches!(byte, 0xc2 | 0xe2))
}

fn is_local(text: &[u8]) -> bool {
    let is_atom = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"!#$%&'*+-/=?^_`{|}~".contains(byte);
    text.len() <= LONGEST_LOCAL && text.split(|byte| *byte == b'.').all(|atom| !atom.is_empty() && atom.iter().all(is_atom))
}

/// True for two labels or more, the last of which is no number.
fn is_domain(text: &[u8]) -> bool {
    let is_whole = |label: &[u8]| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.iter().all(|byte| is_label(*byte))
            && label.first() != Some(&b'-')
            && label.last() != Some(&b'-')
    };
    let is_top = |label: &[u8]| {
        label.len() >= 2 && (label.starts_with(b"xn--") || label.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80))
    };
    let Some(dot) = memchr::memrchr(b'.', text) else { return false };
    text.split(|byte| *byte == b'.').all(is_whole) && text.get(dot + 1..).is_some_and(is_top)
}

/// Where a telephone number that begins here ends: `+49 511 1234567`, `0049 511 1234567`, `(0511) 123456`, `0511/123456`. A number without a
/// country code must set its area code apart: otherwise any number with a zero in front would be one.
pub(super) fn phone(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + usize::from(matches!(text.get(start), Some(b'+' | b'(')));
    let (mut digits, mut separators, mut end, mut gap) = (0, 0, at, 0);
    while let Some(byte) = byte_at(text, at) {
        match byte {
            b'0'..=b'9' => (digits, end, gap) = (digits + 1, at + 1, 0),
            b' ' | b'-' | b'/' | b'(' | b')' if gap < 3 => (separators, gap) = (separators + 1, gap + 1),
            _ => break,
        }
        if digits > *INTERNATIONAL.end() + 2 {
            return None;
        }
        at += 1;
    }
    if text.get(end).is_some_and(|byte| is_word(*byte)) {
        return None;
    }
    match text.get(start..)? {
        [b'+', b'1'..=b'9', ..] => INTERNATIONAL.contains(&digits),
        [b'0', b'0', b'1'..=b'9', ..] => INTERNATIONAL.contains(&(digits - 2)),
        [b'0', b'1'..=b'9', b'0'..=b'9', ..] | [b'(', b'0', b'1'..=b'9', b'0'..=b'9', ..] => separators > 0 && NATIONAL.contains(&digits),
        _ => false,
    }
    .then_some(end)
}
