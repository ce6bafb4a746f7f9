//! ISO 8601 dates as `dateutil`'s `isoparse` reads them: also without separators, by week or by day of the year, 24:00 for midnight.

use super::calendar::{days_in_month, iso_year_start, to_days};
use super::strptime::from_day;
use super::{DAY, DateError, Moment, SECOND};

/// Reads a date of ISO 8601; without an offset in it, the date has none.
///
/// # Errors
/// See [`DateError`].
pub fn parse_iso(text: &str) -> Result<Moment, DateError> {
    if !text.is_ascii() {
        return Err(DateError::Mismatch);
    }
    let (days, end) = match common_date(text) {
        Some((year, month, day, end)) => (calendar_day(year, month, day).ok_or(DateError::Range)?, end),
        None => uncommon_date(text).ok_or(DateError::Mismatch)?,
    };
    if text.len() <= end {
        return from_day(days, 0, None);
    }
    // Any one character may stand between date and time.
    let (micros, offset) = time(text.get(end + 1..).unwrap_or_default()).ok_or(DateError::Mismatch)?;
    from_day(days, micros, offset)
}

fn number(text: &str, at: usize, length: usize) -> Option<i64> {
    let digits = text.get(at..at + length)?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

fn calendar_day(year: i64, month: i64, day: i64) -> Option<i64> {
    let (year, month, day) = (i32::try_from(year).ok()?, u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    let sane = year >= 1 && (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    sane.then(|| to_days(year, month, day))
}

/// `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, `YYYYMMDD`.
fn common_date(text: &str) -> Option<(i64, i64, i64, usize)> {
    let year = number(text, 0, 4)?;
    if text.len() == 4 {
        return Some((year, 1, 1, 4));
    }
    let dash = usize::from(text.get(4..5) == Some("-"));
    let month = number(text, 4 + dash, 2)?;
    let at = 6 + dash;
    if text.len() == at {
        return if dash == 1 { Some((year, month, 1, at)) } else { None };
    }
    if dash == 1 && text.get(at..at + 1) != Some("-") {
        return None;
    }
    let day = number(text, at + dash, 2)?;
    Some((year, month, day, at + dash + 2))
}

/// `YYYY-Www-D`, `YYYYWww`, `YYYY-DDD`, `YYYYDDD`.
fn uncommon_date(text: &str) -> Option<(i64, usize)> {
    let year = i32::try_from(number(text, 0, 4)?).ok()?;
    let dash = usize::from(text.get(4..5) == Some("-"));
    let at = 4 + dash;
    if text.get(at..at + 1) == Some("W") {
        let week = number(text, at + 1, 2)?;
        let at = at + 3;
        let (day, end) = if text.len() > at {
            if (text.get(at..at + 1) == Some("-")) != (dash == 1) {
                return None;
            }
            (number(text, at + dash, 1)?, at + dash + 1)
        } else {
            (1, at)
        };
        let sane = (1..=53).contains(&week) && (1..=7).contains(&day) && year >= 1;
        return sane.then(|| (iso_year_start(year) + (week - 1) * 7 + day - 1, end));
    }
    let day = number(text, at, 3)?;
    let length = to_days(year + 1, 1, 1) - to_days(year, 1, 1);
    (year >= 1 && (1..=length).contains(&day)).then(|| (to_days(year, 1, 1) + day - 1, at + 3))
}

/// `hh[:mm[:ss[.ffffff]]][zone]` as microseconds and seconds of offset.
fn time(text: &str) -> Option<(i64, Option<i32>)> {
    if text.len() < 2 {
        return None;
    }
    let (mut clock, mut offset, mut at) = ([0_i64; 4], None, 0);
    let mut colons = false;
    for step in 0..=5 {
        if at >= text.len() {
            break;
        }
        if matches!(text.as_bytes().get(at), Some(b'-' | b'+' | b'Z' | b'z')) {
            offset = Some(zone(text.get(at..)?)?);
            at = text.len();
            break;
        }
        let colon = text.get(at..at + 1) == Some(":");
        if step == 1 && colon {
            colons = true;
            at += 1;
        } else if step == 2 && colons {
            if !colon {
                return None;
            }
            at += 1;
        }
        if step < 3 {
            // The end may cut a number to one digit.
            let length = (text.len() - at.min(text.len())).min(2);
            *clock.get_mut(step)? = number(text, at, length)?;
            at += 2;
        } else if step == 3 && matches!(text.as_bytes().get(at), Some(b'.' | b',')) {
            let digits = text.get(at + 1..)?.bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 {
                *clock.get_mut(3)? = format!("{:0<6}", text.get(at + 1..at + 1 + digits.min(6))?).parse().ok()?;
                at += 1 + digits;
            }
        }
    }
    let [hour, minute, second, micro] = clock;
    let midnight = hour == 24 && minute == 0 && second == 0 && micro == 0;
    if at < text.len() || minute > 59 || second > 59 || (hour > 23 && !midnight) {
        return None;
    }
    Some(((hour * 3600 + minute * 60 + second) * SECOND + micro, offset)).filter(|(micros, _)| *micros <= DAY)
}

fn zone(text: &str) -> Option<i32> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match text.get(..1)? {
        "-" => -1,
        "+" => 1,
        _ => return None,
    };
    let hours = number(text, 1, 2)?;
    let minutes = match text.len() {
        3 => 0,
        5 => number(text, 3, 2)?,
        6 if text.get(3..4) == Some(":") => number(text, 4, 2)?,
        6 => number(text, 3, 3)?,
        _ => return None,
    };
    if minutes > 59 || hours > 23 {
        return None;
    }
    i32::try_from(hours * 3600 + minutes * 60).ok().map(|size| sign * size)
}
