//! Codes and their order, severity, spelling and exit codes.
//!
//! New codes are found by their text here: to name one as `Code` would count as the test that provokes it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;

fn found(text: &str) -> Code {
    Code::parse(text).unwrap_or_else(|| panic!("{text}"))
}

fn problems(codes: &[&str]) -> Problems {
    Problems::new(codes.iter().map(|code| Problem::new(found(code), "title", "help")).collect()).unwrap()
}

#[test]
fn codes_stand_in_the_order_of_their_numbers() {
    let number = |code: &Code| code.id().get(5..).and_then(|digits| digits.parse::<u16>().ok()).unwrap();
    let numbers: Vec<(u16, bool)> = Code::ALL.iter().map(|code| (number(code), !code.is_warning())).collect();
    assert!(numbers.is_sorted_by(|left, right| left < right), "{numbers:?}");
}

#[test]
fn a_code_is_an_error_or_a_warning_by_its_letter() {
    let letters: Vec<(char, bool)> = Code::ALL.iter().map(|code| (code.id().chars().nth(4).unwrap(), code.is_warning())).collect();
    assert!(letters.iter().all(|(letter, warning)| (*letter == 'W') == *warning && ['E', 'W'].contains(letter)));
    let warnings: Vec<&str> = Code::ALL.iter().filter(|code| code.is_warning()).map(|code| code.name()).collect();
    assert_eq!(warnings, ["root-use", "review-overdue"]);
}

#[test]
fn codes_are_found_however_they_are_written() {
    for prefix in ["", "hub-", "HUB-"] {
        assert_eq!((found(&format!("{prefix}w134")).name(), found(&format!("{prefix}W134")).name()), ("root-use", "root-use"));
    }
    assert_eq!(found("w134").to_string(), format!("HUB-{}", "W134"));
    assert_eq!((found("e101"), found("hub-E101")), (Code::E101, Code::E101));
    for text in ["E134", "134", "HUB-", "", "HUB-HUB-E101", "W101"] {
        assert_eq!(Code::parse(text), None, "{text}");
    }
    assert!(Code::ALL.iter().all(|code| Code::parse(code.id()) == Some(*code)));
}

/// The same number may be a warning first and an error later.
#[test]
fn a_warning_and_an_error_may_share_a_number() {
    assert_eq!((found("W154").name(), found("E154").name()), ("review-overdue", "review-long-overdue"));
}

#[test]
fn warnings_do_not_fail_a_program() {
    assert_eq!(problems(&["W134"]).exit_code(), 0);
    assert_eq!(problems(&["W134", "W154"]).exit_code(), 0);
    assert_eq!(problems(&["W134", "E101"]).exit_code(), 3);
    assert_eq!(problems(&["W134", "E307"]).exit_code(), 1);
    assert_eq!(problems(&["W134", "E101", "E002"]).exit_code(), 2);
    assert_eq!(problems(&["E101", "E501"]).exit_code(), 4);
}

#[test]
fn names_are_words_and_stand_once() {
    let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')));
    names.sort_unstable();
    assert!(names.is_sorted_by(|left, right| left < right), "{names:?}");
}
