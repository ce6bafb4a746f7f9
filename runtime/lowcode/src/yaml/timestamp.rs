//! YAML 1.1 timestamps. The reference makes `date` and `datetime` of them, which become ISO texts as soon as a manifest is written as JSON;
//! so they are texts here from the start.

use std::fmt::Write;

use chrono::{NaiveDate, NaiveTime};

/// The parts of a timestamp as written.
#[derive(Debug, Default)]
struct Parts<'text> {
    year: i32,
    month: u32,
    day: u32,
    clock: Option<Clock<'text>>,
}

#[derive(Debug, Default)]
struct Clock<'text> {
    hour: u32,
    minute: u32,
    second: u32,
    fraction: &'text str,
    /// Minutes east of Greenwich.
    offset: Option<i32>,
}

/// None: the text does not look like a timestamp. An error: it does, but there is no such time.
pub fn resolve(text: &str) -> Option<Result<String, String>> {
    let parts = read(text)?;
    Some(iso(&parts).ok_or_else(|| format!("`{text}` looks like a date, but there is no such date; quote it if it is a text")))
}

fn read(text: &str) -> Option<Parts<'_>> {
    let (year, rest) = digits(text, 4, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 1, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 1, 2)?;
    let mut parts = Parts { year: i32::try_from(year).ok()?, month, day, clock: None };
    if rest.is_empty() {
        return (text.len() == 10).then_some(parts);
    }
    let time = match rest.strip_prefix(['T', 't']) {
        Some(time) => time,
        None => rest.strip_prefix([' ', '\t'])?.trim_start_matches([' ', '\t']),
    };
    parts.clock = Some(clock(time)?);
    Some(parts)
}

fn clock(text: &str) -> Option<Clock<'_>> {
    let (hour, rest) = digits(text, 1, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let (second, mut rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let mut clock = Clock { hour, minute, second, ..Clock::default() };
    if let Some(after) = rest.strip_prefix('.') {
        let end = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
        (clock.fraction, rest) = after.split_at(end);
    }
    clock.offset = match rest.trim_start_matches([' ', '\t']) {
        "" if rest.is_empty() => None,
        "Z" => Some(0),
        zone => Some(offset(zone)?),
    };
    Some(clock)
}

fn offset(zone: &str) -> Option<i32> {
    let (sign, rest) = match zone.as_bytes().first()? {
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let (hours, rest) = digits(rest, 1, 2)?;
    let minutes = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 2, 2).filter(|(_, rest)| rest.is_empty())?.0,
        None => rest.is_empty().then_some(0)?,
    };
    i32::try_from(hours * 60 + minutes).ok().map(|total| sign * total)
}

/// Between `least` and `most` digits and what follows them.
fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (number, rest) = text.split_at(count);
    Some((number.parse().ok()?, rest))
}

fn iso(parts: &Parts<'_>) -> Option<String> {
    let date = (parts.year > 0).then(|| NaiveDate::from_ymd_opt(parts.year, parts.month, parts.day)).flatten()?;
    let mut text = date.format("%Y-%m-%d").to_string();
    let Some(clock) = &parts.clock else { return Some(text) };
    let time = NaiveTime::from_hms_opt(clock.hour, clock.minute, clock.second)?;
    write!(text, "T{}", time.format("%H:%M:%S")).ok()?;
    let micros = clock.fraction.get(..6).unwrap_or(clock.fraction);
    if micros.bytes().any(|digit| digit != b'0') {
        write!(text, ".{micros:0<6}").ok()?;
    }
    if let Some(offset) = clock.offset {
        let (sign, minutes) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
        if minutes >= 24 * 60 {
            return None;
        }
        write!(text, "{sign}{:02}:{:02}", minutes / 60, minutes % 60).ok()?;
    }
    Some(text)
}
