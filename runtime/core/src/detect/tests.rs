//! What is found in whole values and in text, what is not, and that hostile text costs no more than other text.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod numbers;
mod text;

use std::cell::Cell;

use super::*;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// Called for every look at a text.
pub(super) fn count_step() {
    STEPS.set(STEPS.get() + 1);
}

fn found(text: &str, wanted: DetectorSet) -> Vec<(&str, Detector)> {
    let mut hits = Vec::new();
    find_all(text.as_bytes(), wanted, &mut hits);
    hits.into_iter().map(|hit| (&text[hit.range], hit.detector)).collect()
}

#[test]
fn hostile_text_takes_linear_time() {
    const KIB: usize = 1024;
    let steps = |unit: &str, bytes: usize| {
        let text: Vec<u8> = unit.bytes().cycle().take(bytes).collect();
        let mut hits = Vec::new();
        STEPS.set(0);
        find_all(&text, DetectorSet::ALL, &mut hits);
        assert!(hits.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start), "{unit}");
        STEPS.get()
    };
    let units = [
        "7",
        "1 ",
        "4111 ",
        "1-1 ",
        "1234-",
        "@",
        "a@",
        "a@b.",
        "a@b.c",
        "a.",
        "0 ",
        "+1",
        "+4",
        "((",
        "0511/",
        "DE89",
        "DE89 ",
        "D1",
        "A1 ",
        "ig metall",
        "kirchensteuer",
        "E11.9 ",
        "icd E11 ",
        "ig ",
        "\u{e4}",
        "\u{e4}@",
        "_",
        "0000 ",
        "00491",
        "1.1",
        "a",
        "\0",
    ];
    let sizes = units.into_iter().map(|unit| (unit, 32 * KIB)).chain([("7", 1024 * KIB), ("1 ", 128 * KIB)]);
    for (unit, bytes) in sizes {
        let (half, whole) = (steps(unit, bytes / 2), steps(unit, bytes));
        assert!(whole <= 64 * bytes as u64, "{unit}: {} steps for each byte", whole / bytes as u64);
        assert!(whole <= half * 2 + 1024, "{unit}: {half} steps, then {whole}");
    }
}

#[test]
fn terms_are_sorted_and_all_are_found() {
    assert!(special::TERMS.is_sorted_by(|(left, _), (right, _)| left < right));
    for (term, detector) in special::TERMS {
        let term = term.trim_end_matches('*');
        assert_eq!(found(&format!("Notiz: {term}."), DetectorSet::SPECIAL), [(term, detector)]);
    }
}

#[test]
fn a_set_is_the_detectors_in_it() {
    for (place, detector) in Detector::ALL.into_iter().enumerate() {
        assert_eq!(detector as usize, place);
        assert!(DetectorSet::ALL.contains(detector) && !DetectorSet::NONE.contains(detector));
        assert_eq!(Detector::parse(detector.name()), Some(detector));
        assert_eq!(detector.mark(), format!("[{}]", detector.name().to_uppercase()));
        assert_eq!(DetectorSet::CHECKSUM.contains(detector), detector.class() == Class::Checksum, "{detector:?}");
    }
    assert_eq!(Detector::ALL.into_iter().collect::<DetectorSet>(), DetectorSet::ALL);
    assert_eq!(Detector::parse("name"), None);
    assert!(DetectorSet::NONE.is_empty() && DetectorSet::SPECIAL.is_disjoint(DetectorSet::CHECKSUM));
    assert_eq!(DetectorSet::ALL.and(DetectorSet::SPECIAL), DetectorSet::SPECIAL);
}

#[test]
fn every_category_named_is_in_the_vocabulary() {
    for detector in Detector::ALL {
        assert!(crate::vocab::category(detector.category()).is_some(), "{detector:?}");
        assert!(fits(detector, detector.category()));
        let allowed = crate::vocab::categories().filter(|category| fits(detector, &category.key)).count();
        assert!((1..16).contains(&allowed), "{detector:?}: {allowed}");
    }
}

#[test]
fn identifiers_fit_where_they_belong_and_above_it() {
    let fit = |detector, categories: &[&str]| categories.iter().all(|category| fits(detector, category));
    let unfit = |detector, categories: &[&str]| !categories.iter().any(|category| fits(detector, category));
    let email =
        ["user", "user.contact", "user.contact.email", "user.contact.email.private", "user.account.username", "user.content.private"];
    assert!(fit(Detector::Email, &email));
    assert!(unfit(Detector::Email, &["user.contact.emails", "user.name", "system.operations", "non-personal", "user.contact.url", ""]));
    assert!(fit(Detector::Iban, &["user.financial.bank_account", "user.financial", "user.payment", "user.employment.payroll", "user"]));
    assert!(unfit(Detector::Iban, &["user.content.private", "user.financial.credit_card", "user.unique_id", "system"]));
    assert!(fit(Detector::HealthInsuranceNumber, &["user.health_and_medical.insurance_beneficiary_id", "user.health_and_medical"]));
    assert!(fit(Detector::Health, &["user.health_and_medical.record_id", "user.employment.absence"]));
    assert!(unfit(Detector::Health, &["user", "user.content.private", "user.employment.payroll"]));
    assert!(unfit(Detector::Religion, &["user", "user.demographic", "user.employment.payroll"]));
    let unfit = DetectorSet::CHECKSUM.unfit("user.contact");
    assert!(!unfit.contains(Detector::Email) && unfit.contains(Detector::Iban) && !unfit.contains(Detector::Phone));
    assert!(DetectorSet::ALL.unfit("user.name").contains(Detector::Phone));
}

fn as_it_is(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
}

#[test]
fn redacted_text_has_marks_and_stays_utf_8() {
    let redacted = |text: &str, wanted| {
        let mut out = b"> ".to_vec();
        redact(text, wanted, &mut out, as_it_is);
        String::from_utf8(out).unwrap()
    };
    let text = "Frau Müller („mueller@example.de“) zahlt von DE89 3704 0044 0532 0130 00, Tel. +49 511 1234567.";
    assert_eq!(redacted(text, DetectorSet::ALL), "> Frau Müller („[EMAIL]“) zahlt von [IBAN], Tel. [PHONE].");
    assert_eq!(redacted(text, DetectorSet::NONE.with(Detector::Email)), format!("> {}", text.replace("mueller@example.de", "[EMAIL]")));
    assert_eq!(redacted(text, DetectorSet::NONE), format!("> {text}"));
    assert_eq!(redacted("", DetectorSet::ALL), "> ");
    assert_eq!(redacted("müller@example.de", DetectorSet::ALL), "> [EMAIL]");
    assert_eq!(redacted("\u{2026}a@b.de\u{2026}", DetectorSet::ALL), "> \u{2026}[EMAIL]\u{2026}");
}

proptest::proptest! {
    #[test]
    fn any_text_is_searched_without_harm(text in "(\\PC|[0-9 @.+-]|DE89|müller@|Diagnose E11){0,40}") {
        let mut hits = Vec::new();
        find_all(text.as_bytes(), DetectorSet::ALL, &mut hits);
        let mut end = 0;
        for hit in hits {
            assert!(hit.range.start >= end && hit.range.start < hit.range.end);
            assert!(text.is_char_boundary(hit.range.start) && text.is_char_boundary(hit.range.end));
            end = hit.range.end;
        }
        let mut out = Vec::new();
        redact(&text, DetectorSet::ALL, &mut out, as_it_is);
        assert!(String::from_utf8(out).is_ok());
    }

    #[test]
    fn what_a_whole_value_is_is_found_in_it_too(text in "[A-Z]{0,2}[0-9 ]{5,25}|[a-z.]{1,9}@[a-z.]{1,12}|[+(]?0[0-9 /)]{6,14}") {
        for detector in Detector::ALL {
            let wanted = DetectorSet::NONE.with(detector);
            if whole(text.as_bytes(), wanted).is_some() && !text.starts_with('(') {
                assert_eq!(found(&text, wanted), [(text.trim(), detector)], "{text:?}");
            }
        }
    }
}
