//! Dates of many shapes, as the reference reads the expiry of a token: seconds since 1970, ISO 8601, and the common ways to write a date.
//!
//! Not read: weeks, days of the year, names of time zones other than UTC.

use super::strftime::{MONTHS, WEEKDAYS};
use super::{DateError, Moment, Parts};

/// Longer texts are no dates.
const LENGTH_LIMIT: usize = 100;

/// Reads a date; without an offset in it, it is in UTC.
///
/// # Errors
/// See [`DateError`].
pub fn parse_loose(text: &str) -> Result<Moment, DateError> {
    let text = text.trim();
    if text.is_empty() || text.len() > LENGTH_LIMIT {
        return Err(DateError::Mismatch);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds: f64 = text.parse().map_err(|_| DateError::Mismatch)?;
        return if text.starts_with('-') || digits.trim_start_matches('0').len() > 10 {
            Err(DateError::Range)
        } else {
            Moment::from_timestamp(seconds)
        };
    }
    let count = |mark: char| text.matches(mark).count();
    if !text.contains(':') && count('-') == 2 && !text.contains('/') {
        return day_alone(text);
    }
    if text.contains(':') && count('-') < 2 && count('/') < 2 {
        return Err(DateError::Mismatch);
    }
    let mut reading = Reading::default();
    reading.read(text)?;
    reading.finish()
}

/// `year-month-day`, with as many digits as there are.
fn day_alone(text: &str) -> Result<Moment, DateError> {
    let numbers: Option<Vec<i128>> = text.split('-').map(crate::value::python_int).collect();
    let Some([year, month, day]) = numbers.as_deref() else { return Err(DateError::Mismatch) };
    let part = |number: &i128| u32::try_from(*number).map_err(|_| DateError::Range);
    let year = i32::try_from(*year).map_err(|_| DateError::Range)?;
    let parts = Parts { year, month: part(month)?, day: part(day)?, hour: 0, minute: 0, second: 0, micro: 0 };
    Moment::from_parts(parts, Some(0))
}

#[derive(Default)]
struct Reading {
    numbers: Vec<(i32, usize)>,
    month: Option<u32>,
    clock: Option<(u32, u32, u32, u32)>,
    afternoon: Option<bool>,
    offset: Option<i32>,
}

impl Reading {
    fn read(&mut self, text: &str) -> Result<(), DateError> {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let after_clock = self.clock.is_some();
            rest = match first {
                '0'..='9' if is_clock(rest) => self.read_clock(rest)?,
                '0'..='9' => {
                    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
                    let (digits, tail) = rest.split_at(count);
                    self.read_number(digits)?;
                    tail
                }
                '+' | '-' if after_clock && self.offset.is_none() => self.read_offset(rest)?,
                ' ' | ',' | '/' | '-' | '.' | '\t' => rest.get(1..).unwrap_or_default(),
                _ if first.is_ascii_alphabetic() => {
                    let count = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
                    let (word, tail) = rest.split_at(count);
                    self.read_word(word)?;
                    tail
                }
                _ => return Err(DateError::Mismatch),
            };
        }
        Ok(())
    }

    fn read_number(&mut self, digits: &str) -> Result<(), DateError> {
        let part =
            |range: std::ops::Range<usize>| digits.get(range).and_then(|digits| digits.parse::<i32>().ok()).ok_or(DateError::Mismatch);
        match digits.len() {
            8 => self.numbers.extend([(part(0..4)?, 4), (part(4..6)?, 2), (part(6..8)?, 2)]),
            4 if self.clock.is_none() && self.numbers.len() + usize::from(self.month.is_some()) >= 3 => {
                self.clock = Some((u32::try_from(part(0..2)?).unwrap_or(99), u32::try_from(part(2..4)?).unwrap_or(99), 0, 0));
            }
            6 if self.clock.is_none() && self.numbers.len() >= 3 => {
                let part = |range| part(range).map(|number| u32::try_from(number).unwrap_or(99));
                self.clock = Some((part(0..2)?, part(2..4)?, part(4..6)?, 0));
            }
            length @ 1..=4 => self.numbers.push((part(0..length)?, length)),
            _ => return Err(DateError::Mismatch),
        }
        Ok(())
    }

    fn read_clock<'a>(&mut self, text: &'a str) -> Result<&'a str, DateError> {
        if self.clock.is_some() {
            return Err(DateError::Mismatch);
        }
        let mut parts = [0_u32; 3];
        let mut rest = text;
        for (index, part) in parts.iter_mut().enumerate() {
            if index > 0 {
                let Some(tail) = rest.strip_prefix(':') else { break };
                rest = tail;
            }
            let count = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, tail) = rest.split_at(count);
            *part = digits.parse().map_err(|_| DateError::Mismatch)?;
            rest = tail;
        }
        let mut micro = 0;
        if let Some(tail) = rest.strip_prefix(['.', ',']) {
            let count = tail.bytes().take_while(u8::is_ascii_digit).count();
            let digits = tail.get(..count.min(6)).unwrap_or_default();
            micro = format!("{digits:0<6}").parse().map_err(|_| DateError::Mismatch)?;
            rest = tail.get(count..).unwrap_or_default();
        }
        let [hour, minute, second] = parts;
        self.clock = Some((hour, minute, second, micro));
        Ok(rest)
    }

    fn read_offset<'a>(&mut self, text: &'a str) -> Result<&'a str, DateError> {
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let rest = text.get(1..).unwrap_or_default();
        let count = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b':').count();
        let (zone, tail) = rest.split_at(count);
        let digits = zone.replace(':', "");
        let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|digits| digits.parse::<i32>().ok());
        let (hours, minutes) = match digits.len() {
            1 | 2 => (digits.parse().ok(), Some(0)),
            4 => (number(0..2), number(2..4)),
            _ => (None, None),
        };
        let (Some(hours), Some(minutes)) = (hours, minutes) else { return Err(DateError::Mismatch) };
        self.offset = Some(sign * (hours * 3600 + minutes * 60));
        Ok(tail)
    }

    fn read_word(&mut self, word: &str) -> Result<(), DateError> {
        let lower = word.to_ascii_lowercase();
        let named = |names: &[&str]| names.iter().position(|name| lower.len() >= 3 && name.to_ascii_lowercase().starts_with(&lower));
        if let Some(month) = named(&MONTHS) {
            self.month = u32::try_from(month + 1).ok();
        } else if named(&WEEKDAYS).is_none() {
            match lower.as_str() {
                "t" | "at" | "on" | "of" | "st" | "nd" | "rd" | "th" | "and" | "ad" => {}
                "z" | "utc" | "gmt" => self.offset = Some(0),
                "am" | "a" => self.afternoon = Some(false),
                "pm" | "p" => self.afternoon = Some(true),
                _ => return Err(DateError::Mismatch),
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Moment, DateError> {
        let (year, month, day) = match (self.month, self.numbers.as_slice()) {
            (Some(month), [(day, _), (year, 3..)]) | (Some(month), [(year, 3..), (day, _)]) => {
                (*year, i32::try_from(month).unwrap_or(0), *day)
            }
            (Some(month), [(day, _), (year, _)]) => (full_year(*year), i32::try_from(month).unwrap_or(0), *day),
            (None, [(year, 3..), (month, _), (day, _)]) => (*year, *month, *day),
            (None, [(first, _), (second, _), (year, length)]) => {
                let year = if *length > 2 { *year } else { full_year(*year) };
                if *first > 12 { (year, *second, *first) } else { (year, *first, *second) }
            }
            _ => return Err(DateError::Mismatch),
        };
        let (mut hour, minute, second, micro) = self.clock.unwrap_or_default();
        if let Some(afternoon) = self.afternoon {
            if !(1..=12).contains(&hour) {
                return Err(DateError::Range);
            }
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        let (month, day) = (u32::try_from(month).map_err(|_| DateError::Range)?, u32::try_from(day).map_err(|_| DateError::Range)?);
        Moment::from_parts(Parts { year, month, day, hour, minute, second, micro }, Some(self.offset.unwrap_or(0)))
    }
}

fn full_year(year: i32) -> i32 {
    if year < 70 { 2000 + year } else { 1900 + year }
}

/// Digits and a colon.
fn is_clock(text: &str) -> bool {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    count <= 2 && text.get(count..).is_some_and(|rest| rest.starts_with(':'))
}
