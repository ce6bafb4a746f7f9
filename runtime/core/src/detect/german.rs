//! Numbers of German authorities: tax identification number, pension insurance number, health insurance number. Each by its shape and its check
//! digit; whether one was ever given out is not known here.

/// Area numbers that the pension insurers give or gave.
const AREAS: [(u8, u8); 11] = [(2, 4), (8, 21), (23, 26), (28, 29), (38, 39), (42, 44), (48, 61), (63, 66), (68, 69), (78, 82), (89, 89)];

/// True for a tax identification number (§ 139b AO): eleven digits, the first not 0; of the first ten, one digit stands there twice or three times
/// (not three in a row), no other more than once; the last is the check digit of ISO 7064 MOD 11,10. One of 300 numbers of eleven digits is one.
pub(super) fn is_tax_id(text: &[u8]) -> bool {
    let Some((check, number)) = text.split_last() else { return false };
    if text.len() != 11 || text.first() == Some(&b'0') || !text.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let product = number.iter().fold(10, |product, byte| {
        let sum = (u32::from(byte - b'0') + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == u32::from(check - b'0') && repeats_one_digit(number)
}

fn repeats_one_digit(digits: &[u8]) -> bool {
    let count = |digit: u8| digits.iter().filter(|own| **own == digit).count();
    let mut most = 1;
    for digit in b'0'..=b'9' {
        match count(digit) {
            0 | 1 => {}
            number @ (2 | 3) if most == 1 => most = number,
            _ => return false,
        }
    }
    let in_a_row = digits.windows(3).any(|three| matches!(three, [first, second, third] if first == second && second == third));
    most > 1 && !in_a_row
}

/// True for a pension insurance number (§ 2 VKVV) without spaces: area, birthday, letter, serial number, check digit.
///
/// A birthday that is not known has day or month 00; if a day's serial numbers are used up, 32 or 64 is added to the day.
pub(super) fn is_pension_number(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 12] = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let &[a1, a2, d1, d2, m1, m2, y1, y2, letter, s1, s2, check] = text else { return false };
    let Some((tens, ones)) = position(letter) else { return false };
    let digits = [a1, a2, d1, d2, m1, m2, y1, y2, tens, ones, s1, s2];
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let two = |tens: u8, ones: u8| (tens - b'0') * 10 + (ones - b'0');
    let area = AREAS.iter().any(|(first, last)| (*first..=*last).contains(&two(a1, a2)));
    area && two(d1, d2) <= 95 && two(m1, m2) <= 12 && weighted(&digits, &WEIGHTS) == Some(check)
}

/// True for the part of a health insurance number that stays the same for life (§ 290 SGB V): a letter, eight digits, a check digit. One of ten
/// texts of this shape is one.
pub(super) fn is_health_insurance_number(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 10] = [1, 2, 1, 2, 1, 2, 1, 2, 1, 2];
    let &[letter, n1, n2, n3, n4, n5, n6, n7, n8, check] = text else { return false };
    let Some((tens, ones)) = position(letter) else { return false };
    let digits = [tens, ones, n1, n2, n3, n4, n5, n6, n7, n8];
    digits.iter().all(u8::is_ascii_digit) && weighted(&digits, &WEIGHTS) == Some(check)
}

/// The two digits of an upper-case letter's place in the alphabet, A = 01.
fn position(letter: u8) -> Option<(u8, u8)> {
    letter.is_ascii_uppercase().then(|| letter - b'A' + 1).map(|place| (b'0' + place / 10, b'0' + place % 10))
}

/// The last digit, as ASCII, of the sum of the digit sums of all products.
fn weighted(digits: &[u8], weights: &[u32]) -> Option<u8> {
    let sum: u32 =
        digits.iter().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).map(|product| product / 10 + product % 10).sum();
    u8::try_from(sum % 10).ok().map(|last| b'0' + last)
}
