//! Treatments, value by value.

use super::*;

fn check(treatment: &Treatment, value: Option<&str>, expected: &str) {
    let mut out = Vec::new();
    treatment.apply("\"as written\"", value, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), expected, "{treatment:?} {value:?}");
}

#[test]
fn values_are_treated_by_characters() {
    let mask = |first, last| Treatment::Mask { first, last };
    check(&Treatment::Keep, Some("x"), "\"as written\"");
    check(&Treatment::Constant("7".to_owned()), None, "7");
    check(&mask(2, 1), Some("abcdef"), "\"ab***f\"");
    check(&mask(1, 1), Some("äöüß"), "\"ä**ß\"");
    check(&mask(2, 2), Some("abcd"), "\"****\"");
    check(&mask(3, 3), Some("abc"), "\"***\"");
    check(&mask(u32::MAX, u32::MAX), Some("abc"), "\"***\"");
    check(&mask(0, 0), Some("äö"), "\"**\"");
    check(&mask(1, 0), Some("\"x\u{1}"), "\"\\\"**\"");
    check(&mask(0, 1), Some("x\u{1f}"), "\"*\\u001f\"");
    check(&mask(1, 1), None, "null");
    check(&Treatment::Truncate { keep: 2 }, Some("30159"), "\"30\"");
    check(&Treatment::Truncate { keep: 2 }, Some("ü"), "\"ü\"");
    check(&Treatment::Truncate { keep: 0 }, Some("abc"), "\"\"");
    check(&Treatment::Hash, Some("abc"), "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
    check(&Treatment::Hash, None, "null");
}

#[test]
fn pseudonyms_depend_on_key_and_category() {
    let key = DomainKey::new(b"0123456789abcdef").unwrap();
    let named = Treatment::Pseudonymise(key).for_category("user.name");
    check(&named, Some("Ada"), "\"mkyzk33i54jgb4v2cd5vb3xd4q\"");
    check(&named, None, "null");
    assert_eq!(format!("{named:?}"), "Pseudonymise(DomainKey)");
}

#[test]
fn texts_are_redacted() {
    let wanted = DetectorSet::NONE.with(crate::detect::Detector::Email).with(crate::detect::Detector::Iban);
    let redact = Treatment::Redact(wanted);
    check(&redact, Some("\"Ada\" <ada@example.org>\n"), "\"\\\"Ada\\\" <[EMAIL]>\\u000a\"");
    check(&redact, Some("ü DE89 3704 0044 0532 0130 00, +49 30 1234567"), "\"ü [IBAN], +49 30 1234567\"");
    check(&redact, Some("nothing here"), "\"nothing here\"");
    check(&redact, Some("7"), "\"7\"");
    check(&redact, None, "null");
    let long = "planted@example.org ".repeat(50_000);
    let mut out = Vec::new();
    redact.apply("", Some(&long), &mut out).unwrap();
    assert!(!String::from_utf8(out).unwrap().contains("planted"));
}

/// An index of texts that appends what it is told, right or wrong.
struct Fixed(&'static [(&'static str, &'static str)]);

impl Lookup for Fixed {
    fn find(&self, key: &[u8], out: &mut Vec<u8>) -> bool {
        let found = self.0.iter().find(|(known, _)| known.as_bytes() == key);
        found.map(|(_, json)| out.extend_from_slice(json.as_bytes())).is_some()
    }
}

#[test]
fn values_are_looked_up() {
    let index =
        Index::new(Arc::new(Fixed(&[("7", "\"K 7\""), ("8", "8"), ("o", "{}"), ("s", " [1]"), ("l", "1\n"), ("x", "ada"), ("e", "")])));
    let lookup = |missing| Treatment::Lookup { index: index.clone(), missing };
    check(&lookup(Missing::Invalid), Some("7"), "\"K 7\"");
    check(&lookup(Missing::Invalid), Some("8"), "8");
    check(&lookup(Missing::Invalid), None, "null");
    check(&lookup(Missing::Null), Some("9"), "null");
    for (missing, key) in [
        (Missing::Invalid, "9"),
        (Missing::Null, "o"),
        (Missing::Null, "s"),
        (Missing::Null, "l"),
        (Missing::Null, "x"),
        (Missing::Null, "e"),
    ] {
        let fault = lookup(missing).apply("\"ada\"", Some(key), &mut Vec::new()).unwrap_err();
        assert_eq!(fault, Unfit("the key of a record that can be looked up"), "{key}");
    }
    assert_eq!(format!("{:?}", lookup(Missing::Null)), "Lookup { index: Index, missing: Null }");
}
