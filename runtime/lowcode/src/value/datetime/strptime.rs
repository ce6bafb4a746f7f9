//! `strptime` as Python has it: each directive takes what its pattern takes first, and gives back when the rest does not fit.

use super::calendar::{iso_year_start, to_days};
use super::strftime::{MONTHS, WEEKDAYS};
use super::{DAY, DateError, Moment, Parts};

/// Characters of a format.
const FORMAT_LIMIT: usize = 256;
/// Tries to fit a text to a format.
const STEP_LIMIT: u32 = 20_000;

/// Reads a text of Python's format; without an offset in it, the date has none.
///
/// # Errors
/// See [`DateError`].
pub fn strptime(text: &str, format: &str) -> Result<Moment, DateError> {
    let items = compile(format)?;
    let mut fit = Fit { text: text.as_bytes(), found: Vec::with_capacity(items.len()), steps: 0 };
    let end = fit.rest(&items, 0).ok_or(DateError::Mismatch)?;
    if end != text.len() {
        return Err(DateError::Rest);
    }
    let mut fields = Fields::default();
    for (letter, start, end) in fit.found {
        fields.take(letter, text.get(start..end).unwrap_or_default())?;
    }
    fields.finish()
}

enum Item {
    Space,
    Byte(u8),
    Directive(u8),
}

fn compile(format: &str) -> Result<Vec<Item>, DateError> {
    if format.len() > FORMAT_LIMIT {
        return Err(DateError::Format);
    }
    let expanded = ["%c", "%x", "%X"].iter().zip(["%a %b %d %H:%M:%S %Y", "%m/%d/%y", "%H:%M:%S"]);
    let format =
        expanded.fold(format.to_owned(), |format, (from, to)| if format.contains(from) { format.replace(from, to) } else { format });
    let mut items = Vec::with_capacity(format.len());
    let mut bytes = format.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => match bytes.next() {
                Some(b'%') => items.push(Item::Byte(b'%')),
                Some(letter) if b"aAbBdfHIjmMpSUwWyYzZGuV".contains(&letter) => items.push(Item::Directive(letter)),
                _ => return Err(DateError::Format),
            },
            b' ' | b'\t'..=b'\r' => {
                if !matches!(items.last(), Some(Item::Space)) {
                    items.push(Item::Space);
                }
            }
            byte => items.push(Item::Byte(byte)),
        }
    }
    Ok(items)
}

struct Fit<'a> {
    text: &'a [u8],
    found: Vec<(u8, usize, usize)>,
    steps: u32,
}

impl Fit<'_> {
    /// Fits the items from a place on; the end comes back.
    fn rest(&mut self, items: &[Item], at: usize) -> Option<usize> {
        self.steps += 1;
        if self.steps > STEP_LIMIT {
            return None;
        }
        let mut at = at;
        for (index, item) in items.iter().enumerate() {
            match item {
                Item::Byte(byte) => {
                    if !self.text.get(at)?.eq_ignore_ascii_case(byte) {
                        return None;
                    }
                    at += 1;
                }
                Item::Space => {
                    let count = self.text.get(at..)?.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0xb).count();
                    let tail = items.get(index + 1..)?;
                    return (1..=count).rev().find_map(|count| self.rest(tail, at + count));
                }
                Item::Directive(letter) => {
                    let lengths = lengths(*letter, self.text.get(at..)?);
                    let tail = items.get(index + 1..)?;
                    if let [only] = lengths.as_slice() {
                        self.found.push((*letter, at, at + only));
                        at += only;
                        continue;
                    }
                    let mark = self.found.len();
                    for length in lengths {
                        self.found.push((*letter, at, at + length));
                        if let Some(end) = self.rest(tail, at + length) {
                            return Some(end);
                        }
                        self.found.truncate(mark);
                    }
                    return None;
                }
            }
        }
        Some(at)
    }
}

/// How much a directive may take, what it likes best first.
fn lengths(letter: u8, text: &[u8]) -> Vec<usize> {
    let digits = |most: usize| text.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    let number = |length: usize| text.iter().take(length).fold(0_u32, |number, byte| number * 10 + u32::from(byte - b'0'));
    // Digits at most, least and greatest number of several digits, least number of one digit.
    let (most, least, greatest, single) = match letter {
        b'd' => (2, 1, 31, 1),
        b'H' => (2, 0, 23, 0),
        b'I' | b'm' => (2, 1, 12, 1),
        b'j' => (3, 1, 366, 1),
        b'M' => (2, 0, 59, 0),
        b'S' => (2, 0, 61, 0),
        b'U' | b'W' => (2, 0, 53, 0),
        b'V' => (2, 1, 53, 0),
        b'u' => return if matches!(text.first(), Some(b'1'..=b'7')) { vec![1] } else { Vec::new() },
        b'w' => return if matches!(text.first(), Some(b'0'..=b'6')) { vec![1] } else { Vec::new() },
        b'f' => return (1..=digits(6)).rev().collect(),
        b'Y' | b'G' => return if digits(4) == 4 { vec![4] } else { Vec::new() },
        b'y' => return if digits(2) == 2 { vec![2] } else { Vec::new() },
        b'z' => return zone_length(text),
        b'a' => return name_length(text, &WEEKDAYS, true),
        b'A' => return name_length(text, &WEEKDAYS, false),
        b'b' => return name_length(text, &MONTHS, true),
        b'B' => return name_length(text, &MONTHS, false),
        b'p' => return name_length(text, &["am", "pm"], false),
        _ => return name_length(text, &["utc", "gmt"], false),
    };
    let several = (2..=digits(most)).rev().filter(|length| (least..=greatest).contains(&number(*length)));
    let one = (digits(1) == 1 && number(1) >= single).then_some(1);
    let padded = (letter == b'd' && text.first() == Some(&b' ') && matches!(text.get(1), Some(b'1'..=b'9'))).then_some(2);
    several.chain(one).chain(padded).collect()
}

fn name_length(text: &[u8], names: &[&str], short: bool) -> Vec<usize> {
    let fits = |name: &&str| {
        let name = if short { name.get(..3).unwrap_or_default() } else { name };
        text.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes())).then_some(name.len())
    };
    names.iter().find_map(fits).into_iter().collect()
}

/// `Z` or `+hh[:]mm[[:]ss[.ffffff]]`.
fn zone_length(text: &[u8]) -> Vec<usize> {
    if text.first() == Some(&b'Z') {
        return vec![1];
    }
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let sixty = |at: usize| matches!(text.get(at), Some(b'0'..=b'5')) && is_digit(at + 1);
    let colon = |at: usize| usize::from(text.get(at) == Some(&b':'));
    let minutes = 3 + colon(3);
    if !matches!(text.first(), Some(b'+' | b'-')) || !is_digit(1) || !is_digit(2) || !sixty(minutes) {
        return Vec::new();
    }
    let short = minutes + 2;
    let seconds = short + colon(short);
    if !sixty(seconds) {
        return vec![short];
    }
    let long = seconds + 2;
    let fraction = (1..=6).take_while(|count| is_digit(long + count)).last().unwrap_or(0);
    let mut all = vec![long, short];
    if text.get(long) == Some(&b'.') && fraction > 0 {
        all.insert(0, long + 1 + fraction);
    }
    all
}

#[derive(Default)]
struct Fields {
    year: Option<i32>,
    iso_year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<i64>,
    week: Option<(u8, i64)>,
    weekday: Option<i64>,
    hour: u32,
    twelve: bool,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    micro: u32,
    offset: Option<i32>,
}

impl Fields {
    fn take(&mut self, letter: u8, text: &str) -> Result<(), DateError> {
        let number = || text.trim().parse::<u32>().unwrap_or(0);
        let name = |names: &[&str]| {
            names.iter().position(|name| text.get(..3).is_some_and(|text| name.to_lowercase().starts_with(&text.to_lowercase())))
        };
        match letter {
            b'Y' => self.year = text.parse().ok(),
            b'y' => self.year = text.parse().ok().map(|year: i32| if year <= 68 { 2000 + year } else { 1900 + year }),
            b'G' => self.iso_year = text.parse().ok(),
            b'm' => self.month = Some(number()),
            b'b' | b'B' => self.month = name(&MONTHS).and_then(|index| u32::try_from(index + 1).ok()),
            b'a' | b'A' => self.weekday = name(&WEEKDAYS).and_then(|index| i64::try_from(index).ok()),
            b'd' => self.day = Some(number()),
            b'j' => self.year_day = Some(number().into()),
            b'H' => self.hour = number(),
            b'I' => (self.hour, self.twelve) = (number(), true),
            b'p' => self.afternoon = Some(text.eq_ignore_ascii_case("pm")),
            b'M' => self.minute = number(),
            b'S' => self.second = number(),
            b'f' => self.micro = format!("{text:0<6}").parse().unwrap_or(0),
            b'U' | b'W' | b'V' => self.week = Some((letter, number().into())),
            b'w' => self.weekday = Some((i64::from(number()) + 6) % 7),
            b'u' => self.weekday = Some(i64::from(number()) - 1),
            b'z' => self.offset = Some(zone_offset(text)?),
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Moment, DateError> {
        let mut hour = self.hour;
        if self.twelve {
            hour = hour % 12 + if self.afternoon == Some(true) { 12 } else { 0 };
        }
        let (year, month, day) = self.day_of_calendar()?;
        Moment::from_parts(Parts { year, month, day, hour, minute: self.minute, second: self.second, micro: self.micro }, self.offset)
    }

    fn day_of_calendar(&self) -> Result<(i32, u32, u32), DateError> {
        let days = match (self.iso_year, self.year, self.week, self.weekday) {
            (Some(year), _, Some((b'V', week)), Some(weekday)) if self.year_day.is_none() => {
                if week == 0 || (week == 53 && iso_year_start(year + 1) - iso_year_start(year) < 371) {
                    return Err(DateError::Range);
                }
                Some(iso_year_start(year) + (week - 1) * 7 + weekday)
            }
            (Some(_), ..) | (None, _, Some((b'V', _)), _) => return Err(DateError::Format),
            (None, Some(year), Some((letter, week)), Some(weekday)) if self.year_day.is_none() => {
                Some(week_day(year, letter, week, weekday))
            }
            _ => self.year_day.map(|day| to_days(self.year.unwrap_or(1900), 1, 1) + day - 1),
        };
        match days {
            Some(days) if self.month.is_none() || self.day.is_none() => Ok(super::from_days(days)),
            _ => Ok((self.year.unwrap_or(1900), self.month.unwrap_or(1), self.day.unwrap_or(1))),
        }
    }
}

/// Days since 1970-01-01 of a week that is counted from the first Sunday (`U`) or Monday (`W`) of the year.
fn week_day(year: i32, letter: u8, week: i64, weekday: i64) -> i64 {
    let first = to_days(year, 1, 1);
    let (first_weekday, weekday) = match letter {
        b'U' => ((first + 4).rem_euclid(7), (weekday + 1) % 7),
        _ => ((first + 3).rem_euclid(7), weekday),
    };
    let week_zero = (7 - first_weekday) % 7;
    if week == 0 { first + weekday - first_weekday } else { first + week_zero + 7 * (week - 1) + weekday }
}

fn zone_offset(text: &str) -> Result<i32, DateError> {
    if text == "Z" {
        return Ok(0);
    }
    let digits: String = text.chars().skip(1).take_while(|character| *character != '.').filter(char::is_ascii_digit).collect();
    // Python wants a colon in both places or in none.
    if text.len() > 6 && text.get(3..4) == Some(":") && text.get(6..7).is_some_and(|next| next != ":") {
        return Err(DateError::Mismatch);
    }
    let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|digits| digits.parse::<i32>().ok()).unwrap_or(0);
    let size = number(0..2) * 3600 + number(2..4) * 60 + number(4..6);
    if size >= 86_400 {
        return Err(DateError::Range);
    }
    Ok(if text.starts_with('-') { -size } else { size })
}

/// Days since 1970 to a date without a time.
pub(super) fn from_day(days: i64, micros: i64, offset: Option<i32>) -> Result<Moment, DateError> {
    days.checked_mul(DAY).and_then(|wall| wall.checked_add(micros)).ok_or(DateError::Range).and_then(|wall| Moment::from_wall(wall, offset))
}
