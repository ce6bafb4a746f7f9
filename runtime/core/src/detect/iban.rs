//! International bank account numbers (ISO 13616): the length of each country and the remainder of 97. Knows no bank.

/// The longest IBAN in use, in characters.
pub(super) const LONGEST: usize = 33;

/// Country, length, and whether everything behind the country is digits: the registry of ISO 13616, release 100.
const COUNTRIES: [([u8; 2], u8, bool); 89] = [
    (*b"AD", 24, false),
    (*b"AE", 23, true),
    (*b"AL", 28, false),
    (*b"AT", 20, true),
    (*b"AZ", 28, false),
    (*b"BA", 20, true),
    (*b"BE", 16, true),
    (*b"BG", 22, false),
    (*b"BH", 22, false),
    (*b"BI", 27, true),
    (*b"BR", 29, false),
    (*b"BY", 28, false),
    (*b"CH", 21, false),
    (*b"CR", 22, true),
    (*b"CY", 28, false),
    (*b"CZ", 24, true),
    (*b"DE", 22, true),
    (*b"DJ", 27, true),
    (*b"DK", 18, true),
    (*b"DO", 28, false),
    (*b"EE", 20, true),
    (*b"EG", 29, true),
    (*b"ES", 24, true),
    (*b"FI", 18, true),
    (*b"FK", 18, false),
    (*b"FO", 18, true),
    (*b"FR", 27, false),
    (*b"GB", 22, false),
    (*b"GE", 22, false),
    (*b"GI", 23, false),
    (*b"GL", 18, true),
    (*b"GR", 27, false),
    (*b"GT", 28, false),
    (*b"HN", 28, false),
    (*b"HR", 21, true),
    (*b"HU", 28, true),
    (*b"IE", 22, false),
    (*b"IL", 23, true),
    (*b"IQ", 23, false),
    (*b"IS", 26, true),
    (*b"IT", 27, false),
    (*b"JO", 30, false),
    (*b"KW", 30, false),
    (*b"KZ", 20, false),
    (*b"LB", 28, false),
    (*b"LC", 32, false),
    (*b"LI", 21, false),
    (*b"LT", 20, true),
    (*b"LU", 20, false),
    (*b"LV", 21, false),
    (*b"LY", 25, true),
    (*b"MC", 27, false),
    (*b"MD", 24, false),
    (*b"ME", 22, true),
    (*b"MK", 19, false),
    (*b"MN", 20, true),
    (*b"MR", 27, true),
    (*b"MT", 31, false),
    (*b"MU", 30, false),
    (*b"NI", 28, false),
    (*b"NL", 18, false),
    (*b"NO", 15, true),
    (*b"OM", 23, false),
    (*b"PK", 24, false),
    (*b"PL", 28, true),
    (*b"PS", 29, false),
    (*b"PT", 25, true),
    (*b"QA", 29, false),
    (*b"RO", 24, false),
    (*b"RS", 22, true),
    (*b"RU", 33, false),
    (*b"SA", 24, false),
    (*b"SC", 31, false),
    (*b"SD", 18, true),
    (*b"SE", 24, true),
    (*b"SI", 19, true),
    (*b"SK", 24, true),
    (*b"SM", 27, false),
    (*b"SO", 23, true),
    (*b"ST", 25, true),
    (*b"SV", 28, false),
    (*b"TL", 23, true),
    (*b"TN", 24, true),
    (*b"TR", 26, false),
    (*b"UA", 29, false),
    (*b"VA", 22, true),
    (*b"VG", 24, false),
    (*b"XK", 20, true),
    (*b"YE", 30, false),
];

/// What the registry says of a country: its length, and whether everything behind the country is digits.
fn registered(country: [u8; 2]) -> Option<(usize, bool)> {
    let at = COUNTRIES.binary_search_by(|(code, _, _)| code.cmp(&country)).ok()?;
    COUNTRIES.get(at).map(|(_, length, digits)| (usize::from(*length), *digits))
}

/// The length of an IBAN that begins with this country, in either case.
pub(super) fn length(country: [u8; 2]) -> Option<usize> {
    registered(country.map(|letter| letter.to_ascii_uppercase())).map(|(length, _)| length)
}

/// True for an IBAN without spaces, in either case.
pub(super) fn is_valid(text: &[u8]) -> bool {
    let [first, second, rest @ ..] = text else { return false };
    let Some((length, digits)) = registered([first.to_ascii_uppercase(), second.to_ascii_uppercase()]) else { return false };
    let Some((check, account)) = rest.split_at_checked(2) else { return false };
    if text.len() != length || !check.iter().all(u8::is_ascii_digit) || (digits && !account.iter().all(u8::is_ascii_digit)) {
        return false;
    }
    let mut rotated = account.iter().chain([first, second]).chain(check);
    rotated.try_fold(0, |remainder, byte| value(*byte).map(|value| append(remainder, value))) == Some(1)
}

/// 0 to 9 for a digit, 10 to 35 for a letter.
fn value(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(36)
}

fn append(remainder: u32, value: u32) -> u32 {
    (remainder * if value < 10 { 10 } else { 100 } + value) % 97
}
