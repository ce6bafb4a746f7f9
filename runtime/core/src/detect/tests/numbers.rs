//! Numbers with check digits: published examples, one digit changed, and how many random numbers pass.

use super::*;

/// The examples of the registry of ISO 13616, one for each country.
const IBANS: &str = "AD12 0001 2030 2003 5910 0100|AE07 0331 2345 6789 0123 456|AL47 2121 1009 0000 0002 3569 8741|AT61 1904 3002 3457 3201|\
    AZ21 NABZ 0000 0000 1370 1000 1944|BA39 1290 0794 0102 8494|BE68 5390 0754 7034|BG80 BNBG 9661 1020 3456 78|BH67 BMAG 0000 1299 1234 56|\
    BI42 1000 0100 0100 0033 2045 181|BR18 0036 0305 0000 1000 9795 493C 1|BY13 NBRB 3600 9000 0000 2Z00 AB00|CH93 0076 2011 6238 5295 7|\
    CR05 0152 0200 1026 2840 66|CY17 0020 0128 0000 0012 0052 7600|CZ65 0800 0000 1920 0014 5399|DE89 3704 0044 0532 0130 00|\
    DJ21 0001 0000 0001 5400 0100 186|DK50 0040 0440 1162 43|DO28 BAGR 0000 0001 2124 5361 1324|EE38 2200 2210 2014 5685|\
    EG38 0019 0005 0000 0000 2631 8000 2|ES91 2100 0418 4502 0005 1332|FI21 1234 5600 0007 85|FK88 SC12 3456 7890 12|FO62 6460 0001 6316 34|\
    FR14 2004 1010 0505 0001 3M02 606|GB29 NWBK 6016 1331 9268 19|GE29 NB00 0000 0101 9049 17|GI75 NWBK 0000 0000 7099 453|\
    GL89 6471 0001 0002 06|GR16 0110 1250 0000 0001 2300 695|GT82 TRAJ 0102 0000 0012 1002 9690|HN88 CABF 0000 0000 0002 5000 5469|\
    HR12 1001 0051 8630 0016 0|HU42 1177 3016 1111 1018 0000 0000|IE29 AIBK 9311 5212 3456 78|IL62 0108 0000 0009 9999 999|\
    IQ98 NBIQ 8501 2345 6789 012|IS14 0159 2600 7654 5510 7303 39|IT60 X054 2811 1010 0000 0123 456|JO94 CBJO 0010 0000 0000 0131 0003 02|\
    KW81 CBKU 0000 0000 0000 1234 5601 01|KZ86 125K ZT50 0410 0100|LB62 0999 0000 0001 0019 0122 9114|LC55 HEMM 0001 0001 0012 0012 0002 3015|\
    LI21 0881 0000 2324 013A A|LT12 1000 0111 0100 1000|LU28 0019 4006 4475 0000|LV80 BANK 0000 4351 9500 1|LY83 0020 4800 0020 1001 2036 1|\
    MC58 1122 2000 0101 2345 6789 030|MD24 AG00 0225 1000 1310 4168|ME25 5050 0001 2345 6789 51|MK07 2501 2000 0058 984|\
    MN12 1234 1234 5678 9123|MR13 0002 0001 0100 0012 3456 753|MT84 MALT 0110 0001 2345 MTLC AST0 01S|MU17 BOMM 0101 1010 3030 0200 000M UR|\
    NI45 BAPR 0000 0013 0000 0355 8124|NL91 ABNA 0417 1643 00|NO93 8601 1117 947|OM81 0180 0000 0129 9123 456|PK36 SCBL 0000 0011 2345 6702|\
    PL61 1090 1014 0000 0712 1981 2874|PS92 PALS 0000 0000 0400 1234 5670 2|PT50 0002 0123 1234 5678 9015 4|QA58 DOHB 0000 1234 5678 90AB CDEF G|\
    RO49 AAAA 1B31 0075 9384 0000|RS35 2600 0560 1001 6113 79|RU03 0445 2522 5408 1781 0538 0913 1041 9|SA03 8000 0000 6080 1016 7519|\
    SC18 SSCB 1101 0000 0000 0000 1497 USD|SD21 2901 0501 2340 01|SE45 5000 0000 0583 9825 7466|SI56 2633 0001 2039 086|\
    SK31 1200 0000 1987 4263 7541|SM86 U032 2509 8000 0000 0270 100|SO21 1000 0010 0100 0100 141|ST68 0001 0001 0051 8453 1011 2|\
    SV62 CENR 0000 0000 0000 0070 0025|TL38 0080 0123 4567 8910 157|TN59 1000 6035 1835 9847 8831|TR33 0006 1005 1978 6457 8413 26|\
    UA21 3223 1300 0002 6007 2335 6600 1|VA59 0011 2300 0012 3456 78|VG96 VPVG 0000 0123 4567 8901|XK05 1212 0123 4567 8906|\
    YE15 CBYE 0001 0188 6123 4567 8912 34";

/// Published examples: tax authority, pension and health insurers, and the cards that payment services give to testers.
const OTHERS: [(Detector, &str); 32] = [
    (Detector::TaxId, "86095742719"),
    (Detector::TaxId, "86 095 742 719"),
    (Detector::TaxId, "12345678995"),
    (Detector::TaxId, "65929970489"),
    (Detector::TaxId, "57549285017"),
    (Detector::TaxId, "25768131411"),
    (Detector::TaxId, "47036892816"),
    (Detector::PensionNumber, "15070649C103"),
    (Detector::PensionNumber, "15 070649 C 103"),
    (Detector::PensionNumber, "65 170839 J003"),
    (Detector::PensionNumber, "65170839J003"),
    (Detector::PensionNumber, "12150485M004"),
    (Detector::PensionNumber, "10010490A443"),
    (Detector::HealthInsuranceNumber, "J012345677"),
    (Detector::HealthInsuranceNumber, "A000500015"),
    (Detector::HealthInsuranceNumber, "C000500021"),
    (Detector::HealthInsuranceNumber, "X110411675"),
    (Detector::PaymentCard, "4111111111111111"),
    (Detector::PaymentCard, "4111 1111 1111 1111"),
    (Detector::PaymentCard, "4111-1111-1111-1111"),
    (Detector::PaymentCard, "4012888888881881"),
    (Detector::PaymentCard, "4222222222222"),
    (Detector::PaymentCard, "5555555555554444"),
    (Detector::PaymentCard, "5105105105105100"),
    (Detector::PaymentCard, "378282246310005"),
    (Detector::PaymentCard, "3782 822463 10005"),
    (Detector::PaymentCard, "30569309025904"),
    (Detector::PaymentCard, "3056 930902 5904"),
    (Detector::PaymentCard, "38520000023237"),
    (Detector::PaymentCard, "6011111111111117"),
    (Detector::PaymentCard, "6011000990139424"),
    (Detector::PaymentCard, "3530111333300000"),
];

fn examples() -> impl Iterator<Item = (Detector, &'static str)> {
    IBANS.split('|').map(|iban| (Detector::Iban, iban)).chain(OTHERS)
}

#[test]
fn published_examples_are_found() {
    assert_eq!(IBANS.split('|').count(), 89);
    for (detector, text) in examples() {
        assert_eq!(whole(text.as_bytes(), DetectorSet::ALL), Some(detector), "{text}");
        assert_eq!(whole(format!(" {text}\n").as_bytes(), DetectorSet::ALL), Some(detector), "{text}");
        let sentence = format!("Siehe ({text}), danke.");
        assert_eq!(found(&sentence, DetectorSet::CHECKSUM), [(text, detector)]);
        let others: DetectorSet = Detector::ALL.into_iter().filter(|other| *other != detector && *other != Detector::Phone).collect();
        assert_eq!(whole(text.as_bytes(), others), None, "{text}");
    }
    assert_eq!(whole(b"de89370400440532013000", DetectorSet::ALL), Some(Detector::Iban));
    assert_eq!(whole(b"GB29nwbk60161331926819", DetectorSet::ALL), Some(Detector::Iban));
}

#[test]
fn one_digit_changed_is_not_found() {
    for (detector, text) in examples() {
        let digits = text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit());
        for (place, digit) in digits {
            for other in (b'0'..=b'9').filter(|other| *other != digit) {
                let mut changed = text.as_bytes().to_vec();
                changed[place] = other;
                assert_eq!(whole(&changed, DetectorSet::NONE.with(detector)), None, "{text} at {place}");
            }
        }
    }
}

#[test]
fn a_longer_or_shorter_text_is_not_found() {
    for (detector, text) in examples() {
        let wanted = DetectorSet::NONE.with(detector);
        for wrong in [format!("{text}0"), format!("0{text}"), text[1..].to_owned(), text[..text.len() - 1].to_owned(), format!("{text}_")] {
            // Card numbers have several lengths: another digit may make another card.
            if detector != Detector::PaymentCard {
                assert_eq!(whole(wrong.as_bytes(), wanted), None, "{wrong}");
            }
        }
        let glued = format!("x{text}");
        assert!(!found(&glued, wanted).iter().any(|(found, _)| *found == text), "{glued}");
    }
}

#[test]
fn wrong_forms_are_not_found() {
    for text in [
        "02476291358", // the tax authority's test numbers begin with 0: none was given to a person
        "12345678900",
        "11123456786",
        "DE89 37040044 0532 0130 00",
        "DE89  3704 0044 0532 0130 00",
        "DE89 3704-0044 0532 0130 00",
        "ZZ89370400440532013000",
        "DE00000000000000000000",
        "D3E9370400440532013000",
        "99070649C103",
        "15990649C103",
        "15071349C103",
        "15070649c103",
        "j012345677",
        "0000000000000000",
        "9111111111111111",
        "41111111 11111111",
        "65 170839 J 08 8",
        "",
        "     ",
        "@",
        "1234567",
    ] {
        assert_eq!(whole(text.as_bytes(), DetectorSet::ALL), None, "{text}");
        assert!(found(text, DetectorSet::CHECKSUM).is_empty(), "{text}");
    }
}

/// Digits without a pattern, the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from_digit(u32::try_from(self.below(10)).unwrap(), 10).unwrap()).collect()
    }
}

#[test]
fn random_numbers_pass_as_often_as_the_check_digits_say() {
    const ROUNDS: u32 = 100_000;
    let rate = |detector: Detector, make: &dyn Fn(&mut Random) -> String| {
        let mut random = Random(7);
        let wanted = DetectorSet::NONE.with(detector);
        let passed = (0..ROUNDS).filter(|_| whole(make(&mut random).as_bytes(), wanted).is_some()).count();
        passed as f64 / f64::from(ROUNDS)
    };
    let near = |rate: f64, one_in: f64| assert!((rate * one_in - 1.0).abs() < 0.15, "one in {}, not in {one_in}", 1.0 / rate);
    near(rate(Detector::Iban, &|random| format!("DE{}", random.digits(20))), 97.0);
    near(rate(Detector::TaxId, &|random| random.digits(11)), 303.0);
    near(rate(Detector::HealthInsuranceNumber, &|random| format!("K{}", random.digits(9))), 10.0);
    near(rate(Detector::PaymentCard, &|random| format!("4{}", random.digits(15))), 10.0);
    let born =
        |random: &mut Random| format!("15{:02}{:02}{}C{}", random.below(31) + 1, random.below(12) + 1, random.digits(2), random.digits(3));
    near(rate(Detector::PensionNumber, &born), 10.0);
    near(rate(Detector::PensionNumber, &|random| format!("{}C{}", random.digits(8), random.digits(3))), 138.0);
}
