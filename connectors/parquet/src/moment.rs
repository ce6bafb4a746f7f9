//! Days and moments as Parquet counts them: since 1970, in days and microseconds. Offsets are reckoned away; there is no zone but UTC.

use hub_sdk::dates::{DAY_SECONDS, clock_seconds, day_number};

const SECOND: i64 = 1_000_000;

/// A moment that cannot be stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not RFC 3339.
    Unreadable,
    /// It counts less than a microsecond.
    TooFine,
}

/// `2026-11-28` as days since 1970-01-01.
pub(crate) fn day(text: &str) -> Option<i32> {
    let digits = |range: std::ops::Range<usize>| {
        let part = text.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()
    };
    let is_shaped = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    is_shaped.then_some(())?;
    i32::try_from(day_number(digits(0..4)?, digits(5..7)?, digits(8..10)?)?).ok()
}

/// RFC 3339 (`2026-11-28T17:44:42.5+01:00`) as microseconds since 1970 in UTC.
pub(crate) fn microseconds(text: &str) -> Result<i64, Fault> {
    let (seconds, fraction) = seconds(text).ok_or(Fault::Unreadable)?;
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 6 {
        return Err(Fault::TooFine);
    }
    let micros: i64 = format!("{fraction:0<6}").parse().map_err(|_| Fault::Unreadable)?;
    Ok(seconds * SECOND + micros)
}

/// Seconds since 1970 and the digits of the fraction.
fn seconds(text: &str) -> Option<(i64, &str)> {
    let day = day(text.get(..10)?)?;
    let rest = text.get(10..)?.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let has_clock = clock.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let clock = clock_seconds(clock).filter(|_| has_clock)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("", rest),
    };
    (!rest.starts_with('.') || !fraction.is_empty()).then_some(())?;
    let seconds = i64::from(day) * DAY_SECONDS.cast_signed() + clock.cast_signed() - offset(zone)?;
    Some((seconds, fraction))
}

/// Seconds by which a zone's clock is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, clock) = match zone.split_at_checked(1)? {
        ("+", clock) => (1, clock),
        ("-", clock) => (-1, clock),
        _ => return None,
    };
    let is_shaped = clock.len() == 5 && clock.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let seconds = clock_seconds(&format!("{clock}:00")).filter(|_| is_shaped)?;
    Some(sign * seconds.cast_signed())
}
