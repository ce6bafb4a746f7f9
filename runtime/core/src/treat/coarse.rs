//! Coarser values: parts of dates, multiples, networks, and texts that stand for others. All by the text, so that no digit is lost.
//!
//! A value that does not have the form is no value for this: nothing passes unchanged because it was not understood.

use std::io::Write;
use std::net::IpAddr;

use super::Unfit;
use super::text::{escape, quoted};
use crate::manifest::{Coarser, DateUnit};

const DATE: Unfit = Unfit("an ISO date or date-time");
const NUMBER: Unfit = Unfit("a number of at most 38 digits before the point");
const ADDRESS: Unfit = Unfit("an IP address");
const LISTED: Unfit = Unfit("a text that the map knows");

/// The greatest number of digits before the point.
const MAX_DIGITS: i64 = 38;

/// Appends the coarser value as JSON: a number for a number, a string for all else.
pub(super) fn generalise(coarser: &Coarser, json: &str, text: &str, out: &mut Vec<u8>) -> Result<(), Unfit> {
    match coarser {
        Coarser::Date(unit) => {
            let text = is_text(json).then_some(text).filter(|text| is_date_time(text)).ok_or(DATE)?;
            quoted(out, |out| date(*unit, text, out));
        }
        Coarser::Bucket(size) => {
            let floor = floor(text, (*size).max(1)).ok_or(NUMBER)?;
            let quote = is_text(json);
            if quote {
                out.push(b'"');
            }
            // Writing into memory does not fail.
            let _ = write!(out, "{floor}");
            if quote {
                out.push(b'"');
            }
        }
        Coarser::Map { entries, default } => {
            let known = entries.binary_search_by(|(from, _)| from.as_str().cmp(text)).ok().and_then(|at| entries.get(at));
            let to = known.map(|(_, to)| to).or(default.as_ref()).ok_or(LISTED)?;
            quoted(out, |out| escape(to, out));
        }
    }
    Ok(())
}

/// Appends the network of an address as a JSON string: `192.0.2.0/24`, `2001:db8:1::/48`. An IPv4 address in IPv6 spelling counts as IPv4.
pub(super) fn network(json: &str, text: &str, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let address: IpAddr = is_text(json).then(|| text.parse().ok()).flatten().ok_or(ADDRESS)?;
    // Writing into memory does not fail.
    let _ = match address.to_canonical() {
        IpAddr::V4(own) => {
            let [a, b, c, _] = own.octets();
            write!(out, "\"{a}.{b}.{c}.0/24\"")
        }
        IpAddr::V6(own) => {
            let [a, b, c, ..] = own.segments();
            write!(out, "\"{}/48\"", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    };
    Ok(())
}

fn is_text(json: &str) -> bool {
    json.starts_with('"')
}

fn date(unit: DateUnit, text: &str, out: &mut Vec<u8>) {
    let part = |end: usize| text.get(..end).unwrap_or_default().as_bytes();
    match unit {
        DateUnit::Year => out.extend_from_slice(part(4)),
        DateUnit::Month => out.extend_from_slice(part(7)),
        DateUnit::Day => out.extend_from_slice(part(10)),
        DateUnit::Quarter => {
            let month = number(text.get(5..7)).unwrap_or(1);
            out.extend_from_slice(part(4));
            out.extend_from_slice(b"-Q");
            out.push(b'1' + (month.saturating_sub(1) / 3).min(3) as u8);
        }
    }
}

/// `2026-08-14`, also with a time behind `T` or a blank. The day must exist; a zone is permitted and not converted.
fn is_date_time(text: &str) -> bool {
    let Some((day, rest)) = text.split_at_checked(10) else { return false };
    let shaped = day.as_bytes().get(4) == Some(&b'-') && day.as_bytes().get(7) == Some(&b'-');
    let (Some(year), Some(month), Some(date)) = (number(day.get(..4)), number(day.get(5..7)), number(day.get(8..))) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    shaped && (1..=days).contains(&date) && (rest.is_empty() || rest.strip_prefix(['T', 't', ' ']).is_some_and(is_time))
}

/// `HH:MM`, perhaps with seconds and their fraction, perhaps with `Z` or an offset.
fn is_time(text: &str) -> bool {
    let zone = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(zone);
    let clock = clock.trim_end_matches(' ');
    let (clock, fraction) = clock.split_once(['.', ',']).map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
    let fraction = fraction.is_none_or(|digits| clock.len() == 8 && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let offset = zone.strip_prefix(['+', '-']).map_or(matches!(zone, "" | "Z" | "z"), |offset| is_clock(offset, true));
    fraction && is_clock(clock, false) && offset
}

/// `HH:MM` or `HH:MM:SS`; as an offset also `HH` and `HHMM`.
fn is_clock(text: &str, offset: bool) -> bool {
    let part = |from: usize, limit: u32| number(text.get(from..from + 2)).is_some_and(|value| value <= limit);
    let colon = |at: usize| text.as_bytes().get(at) == Some(&b':');
    part(0, 23)
        && match text.len() {
            2 => offset,
            4 => offset && part(2, 59),
            5 => colon(2) && part(3, 59),
            8 => colon(2) && part(3, 59) && colon(5) && part(6, 60),
            _ => false,
        }
}

/// The value of a few digits and nothing else.
fn number(digits: Option<&str>) -> Option<u32> {
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

/// The greatest multiple of `size` that is not above a number in JSON's spelling. None if it is no such number, or too long.
fn floor(text: &str, size: u64) -> Option<i128> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).map_or((rest, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, fraction)| (whole, Some(fraction)));
    let is_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) || !fraction.is_none_or(is_digits) {
        return None;
    }
    let exponent = exponent.map_or(Some(0), power)?;
    let (magnitude, exact) = integer_part(whole, fraction.unwrap_or_default(), exponent)?;
    let size = u128::from(size);
    let below = magnitude - magnitude % size;
    let floor = if negative && !(exact && below == magnitude) { below + size } else { below };
    let floor = i128::try_from(floor).ok()?;
    Some(if negative { -floor } else { floor })
}

/// An exponent; those beyond all digits are cut, since they say no more.
fn power(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.strip_prefix('+').unwrap_or(text)), |rest| (true, rest));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse().unwrap_or(1_000_000_000_i64).min(1_000_000_000);
    Some(if negative { -size } else { size })
}

/// The integer part of `whole.fraction × 10^exponent` without its sign, and whether nothing stands behind the point.
fn integer_part(whole: &str, fraction: &str, exponent: i64) -> Option<(u128, bool)> {
    let digits = || whole.bytes().chain(fraction.bytes());
    let Some(first) = digits().position(|digit| digit != b'0') else { return Some((0, true)) };
    let point = whole.len() as i64 + exponent;
    if point - first as i64 > MAX_DIGITS {
        return None;
    }
    let before = point.max(0) as usize;
    let known = digits().take(before).fold(0_u128, |value, digit| value * 10 + u128::from(digit - b'0'));
    let missing = before.saturating_sub(whole.len() + fraction.len());
    let value = (0..missing).fold(known, |value, _| value * 10);
    Some((value, digits().skip(before).all(|digit| digit == b'0')))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn shown(result: Result<(), Unfit>, out: Vec<u8>) -> Option<String> {
        result.ok().map(|()| String::from_utf8(out).unwrap())
    }

    /// `json` is a string without escapes or a number.
    fn coarse(coarser: &Coarser, json: &str) -> Option<String> {
        let mut out = Vec::new();
        let result = generalise(coarser, json, json.trim_matches('"'), &mut out);
        shown(result, out)
    }

    #[test]
    fn dates_lose_what_is_finer() {
        let check =
            |unit, json: &str, expected: Option<&str>| assert_eq!(coarse(&Coarser::Date(unit), json).as_deref(), expected, "{json}");
        for json in [
            "\"2026-08-14\"",
            "\"2026-08-14T23:59\"",
            "\"2026-08-14T23:59:60.123Z\"",
            "\"2026-08-14 00:00:00+0200\"",
            "\"2026-08-14t01:02:03,5-11:30\"",
            "\"2026-08-14T01:02:03+02\"",
        ] {
            check(DateUnit::Year, json, Some("\"2026\""));
            check(DateUnit::Quarter, json, Some("\"2026-Q3\""));
            check(DateUnit::Month, json, Some("\"2026-08\""));
            check(DateUnit::Day, json, Some("\"2026-08-14\""));
        }
        check(DateUnit::Quarter, "\"2024-02-29\"", Some("\"2024-Q1\""));
        check(DateUnit::Quarter, "\"2000-12-31\"", Some("\"2000-Q4\""));
        for json in [
            "\"\"",
            "\"2026-08\"",
            "\"2026-02-29\"",
            "\"1900-02-29\"",
            "\"2026-13-01\"",
            "\"2026-00-10\"",
            "\"2026-04-31\"",
            "\"2026-8-14\"",
            "\"14.08.2026\"",
            "\"2026-08-14x\"",
            "\"2026-08-14T\"",
            "\"2026-08-14T24:00\"",
            "\"2026-08-14T10:00:00.\"",
            "\"2026-08-14T10:00.5\"",
            "\"2026-08-14T10:00 Ada\"",
            "\"２026-08-14\"",
            "\"+026-08-14\"",
            "20260814",
            "true",
        ] {
            check(DateUnit::Year, json, None);
        }
    }

    #[test]
    fn numbers_fall_to_a_multiple() {
        for (json, size, expected) in [
            ("0", 100, "0"),
            ("99.999", 100, "0"),
            ("100", 100, "100"),
            ("-0", 100, "0"),
            ("-0.0e5", 100, "0"),
            ("-1", 100, "-100"),
            ("-100", 100, "-100"),
            ("-100.0000000000000000000001", 100, "-200"),
            ("-1e-400", 10, "-10"),
            ("-1e-99999999999999999999", 10, "-10"),
            ("1e-99999999999999999999", 10, "0"),
            ("12345678901234567890123.5", 100, "12345678901234567890100"),
            ("0.1e1", 1, "1"),
            ("1234567e-3", 5, "1230"),
            ("1.5E+3", 1000, "1000"),
            ("9007199254740993", 1, "9007199254740993"),
            ("0e99999999999999999999", 7, "0"),
            ("99999999999999999999999999999999999999", 1, "99999999999999999999999999999999999999"),
            ("-99999999999999999999999999999999999999", 1_000_000_000_000, "-100000000000000000000000000000000000000"),
        ] {
            assert_eq!(coarse(&Coarser::Bucket(size), json).as_deref(), Some(expected), "{json}");
            let (text, quoted) = (format!("\"{json}\""), format!("\"{expected}\""));
            assert_eq!(coarse(&Coarser::Bucket(size), &text).as_deref(), Some(quoted.as_str()), "{text}");
        }
        for json in [
            "1e400",
            "1e99999999999999999999",
            "100000000000000000000000000000000000000",
            "true",
            "\"\"",
            "\"-\"",
            "\"1.\"",
            "\".5\"",
            "\"+1\"",
        ] {
            assert_eq!(coarse(&Coarser::Bucket(10), json), None, "{json}");
        }
        for text in ["007", " 1", "1 ", "1,5", "1e", "1e+", "0x10", "١", "NaN", "1_000", "--1"] {
            assert_eq!(coarse(&Coarser::Bucket(10), &format!("\"{text}\"")), None, "{text}");
        }
    }

    #[test]
    fn texts_become_what_the_map_says() {
        let entries = vec![("1".to_owned(), "one".to_owned()), ("AT".to_owned(), "E\"U".to_owned())];
        let map = |default: Option<&str>| Coarser::Map { entries: entries.clone(), default: default.map(str::to_owned) };
        assert_eq!(coarse(&map(None), "\"AT\"").as_deref(), Some("\"E\\\"U\""));
        assert_eq!(coarse(&map(None), "1").as_deref(), Some("\"one\""));
        assert_eq!(coarse(&map(None), "\"at\""), None);
        assert_eq!(coarse(&map(Some("other")), "\"at\"").as_deref(), Some("\"other\""));
    }

    #[test]
    fn addresses_become_networks() {
        for (text, expected) in [
            ("192.0.2.77", Some("\"192.0.2.0/24\"")),
            ("::ffff:192.0.2.77", Some("\"192.0.2.0/24\"")),
            ("2001:db8:1:2::3", Some("\"2001:db8:1::/48\"")),
            ("::1", Some("\"::/48\"")),
            ("192.0.2", None),
            ("192.0.2.256", None),
            ("192.0.2.77:80", None),
            ("fe80::1%eth0", None),
            ("ada", None),
            ("", None),
        ] {
            let mut out = Vec::new();
            let result = network(&format!("\"{text}\""), text, &mut out);
            assert_eq!(shown(result, out).as_deref(), expected, "{text}");
        }
    }
}
