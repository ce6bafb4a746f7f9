//! E-mail addresses, telephone numbers and terms, alone and in prose.

use super::*;

#[test]
fn addresses_are_found_as_a_whole() {
    for text in [
        "friederike.musterfrau@mail.example",
        "a@b.de",
        "info+tag@sub.example.co.uk",
        "o'brien@example.ie",
        "max_mustermann@example-firma.de",
        "müller@example.de",
        "info@müller.example",
        "x@xn--mller-kva.de",
        "x@example.xn--p1ai",
        " max@example.de ",
    ] {
        assert_eq!(whole(text.as_bytes(), DetectorSet::ALL), Some(Detector::Email), "{text}");
    }
    let longest = format!("{}@example.de", "a".repeat(64));
    assert_eq!(whole(longest.as_bytes(), DetectorSet::ALL), Some(Detector::Email));
}

#[test]
fn what_only_looks_like_an_address_is_none() {
    for text in [
        "max@example",
        "max@localhost",
        "@example.de",
        "max@",
        "max@@example.de",
        "max@a@example.de",
        "max.@example.de",
        ".max@example.de",
        "m..x@example.de",
        "max@example..de",
        "max@.example.de",
        "max@-example.de",
        "max@example-.de",
        "max@example.d",
        "max@10.0.0.1",
        "package@1.2.3",
        "max mustermann@example.de",
        "git@github.com:organisation/project",
        "Max <max@example.de>",
        "max@example.de, eva@example.de",
        "max@exam_ple.de",
    ] {
        assert_eq!(whole(text.as_bytes(), DetectorSet::ALL), None, "{text}");
    }
    for (local, domain) in [(65, "example.de".to_owned()), (1, format!("{}.de", "a".repeat(64))), (60, "a.".repeat(97) + "de")] {
        assert_eq!(whole(format!("{}@{domain}", "a".repeat(local)).as_bytes(), DetectorSet::ALL), None);
    }
}

#[test]
fn addresses_are_found_in_prose() {
    let emails = |text| found(text, DetectorSet::CHECKSUM).into_iter().map(|(found, _)| found).collect::<Vec<_>>();
    assert_eq!(emails("Bitte an max@example.de, eva.m@example.org. Danke"), ["max@example.de", "eva.m@example.org"]);
    assert_eq!(emails("<max@example.de>;'eva@example.de'"), ["max@example.de", "eva@example.de"]);
    assert_eq!(emails("mailto:max@example.de?subject=x"), ["max@example.de"]);
    assert_eq!(emails("„max@example.de“ …eva@example.de…"), ["max@example.de", "eva@example.de"]);
    assert_eq!(emails("a@b.de@c.de"), ["a@b.de"]);
    assert!(emails("Um 15 @ Hannover, package@1.2.3, @handle, a@b").is_empty());
}

#[test]
fn telephone_numbers_only_warn() {
    for text in
        ["+49 511 1234567", "+495111234567", "+49 (0)511 / 1234567", "0049 511 1234567", "0511/123456", "(0511) 123456", "0170-1234567"]
    {
        assert_eq!(whole(text.as_bytes(), DetectorSet::ALL), Some(Detector::Phone), "{text}");
        assert_eq!(whole(text.as_bytes(), DetectorSet::CHECKSUM), None, "{text}");
    }
    for text in [
        "01/02/2026",
        "2026-11-28",
        "2026-11-28 10:20",
        "05111234567",
        "+1234567",
        "+49",
        "0 511 1234567",
        "030159",
        "+0511 123456",
        "08:15",
    ] {
        assert_eq!(whole(text.as_bytes(), DetectorSet::ALL), None, "{text}");
    }
    let sentence = "Tel. +49 511 1234567, mobil 0170 1234567; am 28.11.2026 um 08:15, Auftrag 100200300.";
    let phone = |text| (text, Detector::Phone);
    assert_eq!(found(sentence, DetectorSet::ALL), [phone("+49 511 1234567"), phone("0170 1234567")]);
}

#[test]
fn numbers_are_found_between_other_numbers() {
    let text =
        "Zahlung 4711 vom 28.11.2026: DE89 3704 0044 0532 0130 00 BIC COBADEFFXXX, IdNr. 86095742719, Karte 4111 1111 1111 1111 2026";
    let expected =
        [("DE89 3704 0044 0532 0130 00", Detector::Iban), ("86095742719", Detector::TaxId), ("4111 1111 1111 1111", Detector::PaymentCard)];
    assert_eq!(found(text, DetectorSet::ALL), expected);
    assert_eq!(found(text, DetectorSet::NONE.with(Detector::TaxId)), expected[1..2]);
    assert!(found(text, DetectorSet::NONE).is_empty());
    assert!(found("52.86095742719 und 86095742719,5", DetectorSet::CHECKSUM).is_empty(), "measured values");
    assert!(found("550e8400-e29b-41d4-a716-446655440000", DetectorSet::CHECKSUM).is_empty());
    assert!(found("Ansprechpartnerin fuer Wartung und Ersatzteile", DetectorSet::ALL).is_empty());
}

#[test]
fn hits_are_appended_behind_earlier_ones() {
    let earlier = Hit { range: 90..99, detector: Detector::Email };
    let mut hits = vec![earlier.clone()];
    find_all(b"86095742719 max@example.de", DetectorSet::ALL, &mut hits);
    assert_eq!(hits[0], earlier);
    assert_eq!(hits[1..].iter().map(|hit| hit.detector).collect::<Vec<_>>(), [Detector::TaxId, Detector::Email]);
}

#[test]
fn an_address_with_a_number_in_it_is_one_hit() {
    assert_eq!(found("86095742719@example.de", DetectorSet::ALL), [("86095742719@example.de", Detector::Email)]);
}

#[test]
fn terms_of_special_categories_are_found() {
    for (text, term, detector) in [
        ("Lohnart Kirchensteuer 9 %", "Kirchensteuer", Detector::Religion),
        ("KIRCHENSTEUERMERKMAL rk", "KIRCHENSTEUERMERKMAL", Detector::Religion),
        ("ist römisch-katholisch.", "römisch-katholisch", Detector::Religion),
        ("Mitglied der IG Metall", "IG Metall", Detector::TradeUnion),
        ("Gewerkschaftszugehörigkeit: ja", "Gewerkschaftszugehörigkeit", Detector::TradeUnion),
        ("is a trade union member", "trade union member", Detector::TradeUnion),
        ("ver.di-Beitrag", "ver.di", Detector::TradeUnion),
        ("Schwerbehindertenausweis liegt vor", "Schwerbehindertenausweis", Detector::Health),
        ("Krankschreibung bis Freitag", "Krankschreibung", Detector::Health),
        ("Arbeitsunfähigkeitsbescheinigungen", "Arbeitsunfähigkeitsbescheinigungen", Detector::Health),
        ("sent a sick note", "sick note", Detector::Health),
        ("Diagnose: F32.1 (gesichert)", "F32.1", Detector::Health),
        ("ICD-10 E11", "E11", Detector::Health),
        ("diagnosis code M54.16", "M54.16", Detector::Health),
    ] {
        assert_eq!(found(text, DetectorSet::ALL), [(term, detector)], "{text}");
        assert!(found(text, DetectorSet::CHECKSUM).is_empty(), "{text}");
        assert_eq!((detector.class(), detector.is_special()), (Class::Pattern, true));
    }
}

#[test]
fn other_words_are_no_terms() {
    for text in [
        "Kirche am Markt",
        "Big Metallbau GmbH",
        "IG Metallbau",
        "server.di",
        "Behinderung des Verkehrs",
        "Artikel E11.9 lagernd",
        "Diagnose E1, E111, E11.123, e11",
        "Diagnosegeraet fuer Fahrzeuge mit vierzig Anschluessen, Typ E11",
        "trade union",
        "Krank",
    ] {
        assert!(found(text, DetectorSet::ALL).is_empty(), "{text}");
    }
}
