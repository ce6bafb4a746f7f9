//! Numbers of payment cards (ISO/IEC 7812): what they begin with, how long they are, and the check digit of Luhn. Knows no issuer by name.

/// The shortest and the longest number that is looked at, in digits.
pub(super) const LENGTHS: std::ops::RangeInclusive<usize> = 13..=19;

/// True for a card number without spaces. Of numbers with a known beginning and length, one of ten is one.
pub(super) fn is_valid(text: &[u8]) -> bool {
    LENGTHS.contains(&text.len()) && text.iter().all(u8::is_ascii_digit) && is_issued(text) && luhn(text)
}

/// True if cards that begin like this have this length.
fn is_issued(text: &[u8]) -> bool {
    let first = |digits: usize| text.iter().take(digits).fold(0, |number, byte| number * 10 + u32::from(byte - b'0'));
    let (two, three, four) = (first(2), first(3), first(4));
    match (two, text.len()) {
        (40..=49, 13 | 16 | 19) | (51..=55, 16) | (34 | 37, 15) | (36 | 38 | 39, 14) | (62, 16..=19) | (65, 16) => true,
        (22..=27, 16) => (2200..=2204).contains(&four) || (2221..=2720).contains(&four),
        (30, 14) => matches!(three, 300..=305) || four == 3095,
        (35, 16) => (3528..=3589).contains(&four),
        (60, 16) => four == 6011,
        (64, 16) => (644..=649).contains(&three),
        (50 | 58 | 63 | 67, 16..=19) => matches!(four, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763),
        _ => false,
    }
}

fn luhn(text: &[u8]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let digits = text.iter().rev().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits.enumerate().map(|(place, digit)| if place % 2 == 1 { doubled(digit) } else { digit }).sum();
    sum.is_multiple_of(10)
}
