//! `strftime` as Python on Linux has it: the C library's directives with its flags, and Python's `%f`, `%z`, `%Z`.

use std::fmt::Write;

use super::calendar::{iso_year_start, to_days};
use super::{DAY, Moment, Parts, SECOND, offset_text};

pub(super) const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
pub(super) const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// A number is never padded to more.
const WIDTH_LIMIT: usize = 1024;

/// Writes a date in Python's format.
#[must_use]
pub fn strftime(moment: &Moment, format: &str) -> String {
    let mut out = String::with_capacity(format.len() + 16);
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        rest = directive(moment, tail, &mut out);
    }
    out.push_str(rest);
    out
}

/// How a number is written.
#[derive(Clone, Copy)]
struct Style {
    flag: Option<char>,
    width: Option<usize>,
}

/// Writes one directive; what stands behind it comes back.
fn directive<'a>(moment: &Moment, text: &'a str, out: &mut String) -> &'a str {
    let mut rest = text.get(1..).unwrap_or_default();
    let mut style = Style { flag: None, width: None };
    while let Some(flag) = rest.chars().next().filter(|flag| matches!(flag, '-' | '_' | '0' | '^' | '#')) {
        style.flag = Some(flag);
        rest = rest.get(1..).unwrap_or_default();
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        style.width = rest.get(..digits).and_then(|digits| digits.parse().ok()).map(|width: usize| width.min(WIDTH_LIMIT));
        rest = rest.get(digits..).unwrap_or_default();
    }
    let Some(letter) = rest.chars().next() else {
        out.push_str(text);
        return "";
    };
    let tail = rest.get(letter.len_utf8()..).unwrap_or_default();
    let start = out.len();
    if !write_letter(moment, letter, style, out) {
        let length = text.len() - tail.len();
        out.push_str(text.get(..length).unwrap_or_default());
    } else if style.flag == Some('^') {
        let upper = out.get(start..).unwrap_or_default().to_uppercase();
        out.truncate(start);
        out.push_str(&upper);
    }
    tail
}

fn write_letter(moment: &Moment, letter: char, style: Style, out: &mut String) -> bool {
    let parts = moment.parts();
    let name = |names: &[&'static str], index: u32| names.get(index as usize).copied().unwrap_or_default();
    let twelve = if parts.hour.is_multiple_of(12) { 12 } else { parts.hour % 12 };
    let compound = match letter {
        'c' => "%a %b %e %H:%M:%S %Y",
        'D' | 'x' => "%m/%d/%y",
        'F' => "%Y-%m-%d",
        'r' => "%I:%M:%S %p",
        'R' => "%H:%M",
        'T' | 'X' => "%H:%M:%S",
        _ => "",
    };
    if !compound.is_empty() {
        out.push_str(&strftime(moment, compound));
        return true;
    }
    match letter {
        'a' => out.push_str(name(&WEEKDAYS, moment.weekday()).get(..3).unwrap_or_default()),
        'A' => out.push_str(name(&WEEKDAYS, moment.weekday())),
        'b' | 'h' => out.push_str(name(&MONTHS, parts.month - 1).get(..3).unwrap_or_default()),
        'B' => out.push_str(name(&MONTHS, parts.month - 1)),
        'n' => out.push('\n'),
        't' => out.push('\t'),
        '%' => out.push('%'),
        'p' => out.push_str(if parts.hour < 12 { "AM" } else { "PM" }),
        'P' => out.push_str(if parts.hour < 12 { "am" } else { "pm" }),
        'f' => {
            let _ = write!(out, "{:06}", parts.micro);
        }
        'z' => out.push_str(&moment.offset().map(|offset| offset_text(offset, "")).unwrap_or_default()),
        'Z' => out.push_str(&zone_name(moment.offset())),
        'd' => number(i64::from(parts.day), 2, '0', style, out),
        'e' => number(i64::from(parts.day), 2, ' ', style, out),
        'H' => number(i64::from(parts.hour), 2, '0', style, out),
        'k' => number(i64::from(parts.hour), 2, ' ', style, out),
        'I' => number(i64::from(twelve), 2, '0', style, out),
        'l' => number(i64::from(twelve), 2, ' ', style, out),
        'j' => number(i64::from(moment.year_day()), 3, '0', style, out),
        'm' => number(i64::from(parts.month), 2, '0', style, out),
        'M' => number(i64::from(parts.minute), 2, '0', style, out),
        'S' => number(i64::from(parts.second), 2, '0', style, out),
        's' => number(moment.wall.div_euclid(SECOND), 1, '0', style, out),
        'C' => number(i64::from(parts.year / 100), 1, '0', style, out),
        'y' => number(i64::from(parts.year % 100), 2, '0', style, out),
        'Y' => number(i64::from(parts.year), 1, '0', style, out),
        'u' => number(i64::from(moment.weekday() + 1), 1, '0', style, out),
        'w' => number(i64::from((moment.weekday() + 1) % 7), 1, '0', style, out),
        'U' | 'W' | 'V' | 'G' | 'g' => number(week(moment, &parts, letter), if letter == 'G' { 1 } else { 2 }, '0', style, out),
        _ => return false,
    }
    true
}

fn zone_name(offset: Option<i32>) -> String {
    match offset {
        None => String::new(),
        Some(0) => "UTC".into(),
        Some(offset) => format!("UTC{}", offset_text(offset, ":")),
    }
}

fn week(moment: &Moment, parts: &Parts, letter: char) -> i64 {
    let day = i64::from(moment.year_day()) - 1;
    let weekday = i64::from(moment.weekday());
    match letter {
        'U' => (day + 7 - (weekday + 1) % 7) / 7,
        'W' => (day + 7 - weekday) / 7,
        _ => {
            let days = moment.wall.div_euclid(DAY);
            debug_assert_eq!(days, to_days(parts.year, parts.month, parts.day));
            let year =
                [parts.year + 1, parts.year, parts.year - 1].into_iter().find(|year| iso_year_start(*year) <= days).unwrap_or(parts.year);
            match letter {
                'G' => year.into(),
                'g' => i64::from(year % 100),
                _ => (days - iso_year_start(year)) / 7 + 1,
            }
        }
    }
}

fn number(number: i64, width: usize, pad: char, style: Style, out: &mut String) {
    let (width, pad) = match style.flag {
        Some('-') => (style.width.unwrap_or(0), pad),
        Some('_') => (style.width.unwrap_or(width), ' '),
        Some('0') => (style.width.unwrap_or(width), '0'),
        _ => (style.width.unwrap_or(width), pad),
    };
    let text = number.to_string();
    out.extend(std::iter::repeat_n(pad, width.saturating_sub(text.len())));
    out.push_str(&text);
}
