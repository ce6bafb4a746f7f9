//! The one spelling of a value before it becomes a pseudonym, so that the same person gets the same token from every system.
//!
//! A change here changes tokens. A new version of the rules is therefore a new number, and the old rules stay for looking up.

use unicode_normalization::UnicodeNormalization;

use crate::vocab::is_within;

/// The version of the rules below.
pub const NORMALISATION: u32 = 1;

/// Appends the normalised text of a value of a category: e-mail addresses without blanks around them, in NFKC and lower case; phone and fax numbers
/// as E.164 writes them, as far as they say it (`+49 (0)30 123` and `0049 30 123` become `+4930123`; a national number keeps its digits); all else
/// in NFC.
pub fn normalise(category: &str, text: &str, out: &mut Vec<u8>) {
    if is_within(category, "user.contact.email") {
        email(text.trim(), out);
    } else if is_within(category, "user.contact.phone_number") || is_within(category, "user.contact.fax_number") {
        phone(text, out);
    } else {
        plain(text, out);
    }
}

fn email(text: &str, out: &mut Vec<u8>) {
    if text.is_ascii() {
        return out.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
    }
    append(text.nfkc().flat_map(char::to_lowercase).nfkc(), out);
}

fn phone(text: &str, out: &mut Vec<u8>) {
    let mark = out.len();
    let mut characters = text.nfkc().peekable();
    let mut trunk = false;
    while let Some(character) = characters.next() {
        match character {
            '+' if out.len() == mark => out.push(b'+'),
            // `(0)` behind a country code is dialled from inside the country only.
            '(' => trunk = characters.peek() == Some(&'0') && out.len() > mark + 1,
            '0'..='9' if trunk => {
                trunk = false;
                // Only an empty pair of brackets around the one zero; `(030)` is an area code.
                if characters.peek() != Some(&')') {
                    out.push(character as u8);
                }
            }
            '0'..='9' => out.push(character as u8),
            // Extensions and parameters are no part of the number.
            ';' => break,
            character if character.is_alphabetic() && out.len() > mark => break,
            _ => {}
        }
    }
    if out.get(mark..).is_some_and(|digits| digits.starts_with(b"00")) {
        out.drain(mark..mark + 1);
        if let Some(first) = out.get_mut(mark) {
            *first = b'+';
        }
    }
    if !out.get(mark..).is_some_and(|digits| digits.iter().any(u8::is_ascii_digit)) {
        out.truncate(mark);
        plain(text, out);
    }
}

fn plain(text: &str, out: &mut Vec<u8>) {
    if text.is_ascii() {
        return out.extend_from_slice(text.as_bytes());
    }
    append(text.nfc(), out);
}

fn append(characters: impl Iterator<Item = char>, out: &mut Vec<u8>) {
    let mut bytes = [0; 4];
    characters.for_each(|character| out.extend_from_slice(character.encode_utf8(&mut bytes).as_bytes()));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn check(category: &str, text: &str, expected: &str) {
        let mut out = b"before".to_vec();
        normalise(category, text, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("before{expected}"), "{category} {text:?}");
    }

    #[test]
    fn mail_addresses_have_one_spelling() {
        for text in ["Ada.L@Example.ORG", " ada.l@example.org\n", "\u{ff41}da.l@example.org", "ADA.L@EXAMPLE.ORG"] {
            check("user.contact.email", text, "ada.l@example.org");
        }
        check("user.contact.email.business", "JÜRGEN@x.de", "jürgen@x.de");
        check("user.contact.email", "ju\u{308}rgen@x.de", "jürgen@x.de");
        check("user.contact.email", "", "");
    }

    #[test]
    fn phone_numbers_have_one_spelling() {
        for text in ["+49 (0)30 123-45", "0049 30 12345", "+493012345", "tel:+49-30-12345;ext=7", "\u{ff0b}49 30 12345", "+49/30/12345 x7"]
        {
            check("user.contact.phone_number", text, "+493012345");
        }
        check("user.contact.fax_number", "030 / 123 45", "03012345");
        check("user.contact.phone_number", "(030) 12345", "03012345");
        check("user.contact.phone_number", "+1 (212) 555", "+1212555");
        check("user.contact.phone_number", "unknown", "unknown");
        check("user.contact.phone_number", "+", "+");
        check("user.contact.phone_number", "00", "00");
    }

    #[test]
    fn other_texts_keep_their_case() {
        check("user.name", "Ju\u{308}rgen ", "Jürgen ");
        check("user.unique_id", "K-0042", "K-0042");
        check("user.contacts", "A@B", "A@B");
    }
}
