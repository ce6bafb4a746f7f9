//! What the rows say, and that no two of them contradict each other.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use super::*;

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

#[test]
fn every_file_is_read_whole() {
    let count = |text: &str| data::read(text).unwrap().len();
    assert_eq!(count(include_str!("adequacy.toml")), 17);
    assert_eq!(count(include_str!("de.toml")), 16);
    assert_eq!(count(include_str!("eea.toml")), 30);
    assert_eq!(count(include_str!("eu.toml")), 18);
    assert_eq!(rows().count(), 17 + 16 + 30 + 18);
}

#[test]
fn a_wrong_row_is_no_row() {
    let good = "[[row]]\nid = \"x\"\nvalue = \"P1M\"\nunit = \"period\"\ntext = \"t\"\nsource = \"s\"\nvalid_from = 2018-05-25\nreviewed = 2026-01-01\n";
    assert_eq!(data::read(good).unwrap()[0].review_every, Period::parse("P1Y").unwrap());
    for (wrong, with) in [
        ("2018-05-25", "\"2018-05-25\""),
        ("2018-05-25", "2018-05-25T00:00:00"),
        ("\"period\"", "\"time\""),
        ("source = \"s\"\n", ""),
        ("reviewed = 2026-01-01\n", ""),
        ("text = \"t\"\n", "text = \"t\"\nreview_every = \"yearly\"\n"),
        ("text = \"t\"\n", "text = \"t\"\nvalid_until = 2026-01-01\n"),
    ] {
        assert!(data::read(&good.replace(wrong, with)).is_err(), "{with}");
    }
}

#[test]
fn every_row_is_complete() {
    for row in rows() {
        assert!(!row.source.is_empty() && !row.text.is_empty() && !row.value.is_empty(), "{row:?}");
        assert!(row.id.split('.').count() <= 4 && !row.id.contains(' '), "{}", row.id);
        assert!(row.reviewed >= row.valid_from, "{} was reviewed before it held", row.id);
        assert!(row.valid_to.is_none_or(|last| last >= row.valid_from), "{} ends before it begins", row.id);
        assert!(![&row.text, &row.source, &row.value].into_iter().any(|text| text.contains('|')), "{} would break a table", row.id);
        match row.unit {
            Unit::Period => assert!(Period::parse(&row.value).is_some(), "{}", row.id),
            Unit::Hours | Unit::Persons => assert!(row.value.parse::<u32>().is_ok_and(|number| number > 0), "{}", row.id),
            Unit::Module => assert!(["1", "2", "3", "4"].contains(&row.value.as_str()), "{}", row.id),
            Unit::Country => assert_eq!(row.id, format!("eea.{}", row.value)),
            Unit::Scope => assert!(row.id.starts_with("adequacy.") && row.id.len() == 11, "{}", row.id),
            Unit::Instrument | Unit::Rule => {}
        }
    }
}

#[test]
fn no_two_rows_of_one_id_hold_on_the_same_day() {
    let all: Vec<&Row> = rows().collect();
    for pair in all.windows(2).filter(|pair| pair[0].id == pair[1].id) {
        assert!(pair[0].valid_to.is_some_and(|last| last < pair[1].valid_from), "{}", pair[0].id);
        assert_eq!(pair[0].unit, pair[1].unit, "{}", pair[0].id);
    }
    let ids: BTreeSet<&str> = in_force(day("2026-11-23")).map(|row| row.id.as_str()).collect();
    assert_eq!(ids.len(), in_force(day("2026-11-23")).count());
}

#[test]
fn values_are_those_of_the_day() {
    let years = |id, text| period(id, day(text)).unwrap().years;
    assert_eq!((years("retention.de.vouchers", "2024-12-31"), years("retention.de.vouchers", "2025-01-01")), (10, 8));
    assert_eq!((years("retention.de.books", "2026-11-23"), years("retention.de.letters", "2026-11-23")), (10, 6));
    assert_eq!(years("retention.de.vouchers.financial", "2026-11-23"), 10);
    assert_eq!(number("breach.notification", day("2026-11-23")), Some(72));
    assert_eq!(number("register.exemption", day("2026-11-23")), Some(250));
    assert_eq!(value("breach.notification", day("2018-05-24")), None);
    for (id, months) in [("deadline.request", 1), ("deadline.request.extension", 2), ("deadline.request.refusal", 1)] {
        assert_eq!(period(id, day("2026-11-23")).unwrap().months, months, "{id}");
    }
    assert_eq!(period("breach.notification", day("2026-11-23")), None);
    assert_eq!((value("no.such.id", day("2026-11-23")), number("scc", day("2026-11-23"))), (None, None));
    for (role, module) in [("processor", 2), ("separate-controller", 1), ("joint-controller", 1), ("sub-processor", 3)] {
        assert_eq!(number(&format!("scc.module.{role}"), day("2026-11-23")), Some(module), "{role}");
    }
}

#[test]
fn adequacy_is_never_in_force_or_ended() {
    let on = |country, text| adequacy(country, day(text));
    let whole = Adequacy::InForce { scope: None, valid_to: None };
    for country in "AD AR FO GG IL IM JE NZ CH UY KR JP BR".split(' ') {
        assert_eq!(on(country, "2026-11-23"), whole, "{country}");
    }
    assert_eq!(on("BR", "2026-01-25"), Adequacy::Never);
    assert_eq!(on("BR", "2026-01-26"), whole);
    assert_eq!(on("IN", "2026-11-23"), Adequacy::Never);
    assert_eq!(on("gb", "2026-11-23"), Adequacy::Never);
    let last = Some(day("2031-12-27"));
    assert_eq!(on("GB", "2031-12-27"), Adequacy::InForce { scope: None, valid_to: last });
    assert_eq!(on("GB", "2031-12-28"), Adequacy::Ended { on: day("2031-12-27") });
    assert_eq!(on("CA", "2026-11-23"), Adequacy::InForce { scope: Some("PIPEDA"), valid_to: None });
    assert_eq!(on("US", "2026-11-23"), Adequacy::InForce { scope: Some("DPF"), valid_to: None });
    assert_eq!(on("US", "2021-01-01"), Adequacy::Ended { on: day("2020-07-15") });
    assert_eq!(on("US", "2016-01-01"), Adequacy::Never);
}

#[test]
fn the_economic_area_has_thirty_members() {
    let today = day("2026-11-23");
    assert_eq!(in_force(today).filter(|row| row.unit == Unit::Country).count(), 30);
    assert!(["DE", "AT", "IE", "IS", "LI", "NO"].into_iter().all(|country| is_eea(country, today)));
    assert!(!["CH", "GB", "US", "de", ""].into_iter().any(|country| is_eea(country, today)));
    assert!(!is_eea("NO", day("2018-07-19")));
}

#[test]
fn reviews_fall_due() {
    let due = |text: &str| due_for_review(day(text)).iter().map(|row| row.id.as_str()).collect::<Vec<_>>();
    assert!(due("2026-11-30").is_empty(), "{:?}", due("2026-11-30"));
    assert_eq!(due("2027-02-23"), ["adequacy.US", "breach.notification", "register.exemption"]);
    let later = due_for_review(day("2032-01-01"));
    assert!(later.windows(2).all(|pair| pair[0].due() <= pair[1].due()));
    assert!(later.iter().any(|row| row.id == "adequacy.GB"), "it ends and nothing takes its place");
    assert!(!later.iter().any(|row| row.value == "Privacy Shield"), "another took its place");
    assert_eq!(later.iter().filter(|row| row.id == "retention.de.vouchers").count(), 1);
    assert_eq!(due_for_review(day("2031-12-27")).iter().filter(|row| row.id == "adequacy.GB").count(), 1);
}

#[test]
fn every_row_has_a_line_on_the_page() {
    let page = reference_page();
    assert_eq!(page.lines().filter(|line| line.starts_with("| `")).count(), rows().count());
    assert!(page.contains("| `breach.notification` | 72 | hours |"));
    assert!(page.lines().filter(|line| line.starts_with('|')).all(|line| line.matches('|').count() == 10));
}
