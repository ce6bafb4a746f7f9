//! Dates as the reference's formats say them: Python's `strptime` and `strftime`, the reference's own directives, ISO 8601 durations.
//!
//! Years 1 to 9999, microseconds, offsets in whole seconds. Knows no clock and no time zone names but for UTC.

mod calendar;
mod formats;
mod iso;
mod loose;
mod span;
mod strftime;
mod strptime;

use std::cmp::Ordering;
use std::fmt;

pub use calendar::{days_in_month, from_days, to_days};
pub use formats::{format, parse, parse_any, parse_value};
pub use iso::parse_iso;
pub use loose::parse_loose;
pub use span::Span;
pub use strftime::strftime;
pub use strptime::strptime;

/// Microseconds of a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub const DAY: i64 = 86_400 * SECOND;
/// 0001-01-01T00:00:00.
const FIRST: i64 = -62_135_596_800 * SECOND;
/// 9999-12-31T23:59:59.999999.
const LAST: i64 = 253_402_300_800 * SECOND - 1;

/// Why a date could not be read, written or reckoned. Holds no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateError {
    /// The text is not of the format.
    Mismatch,
    /// The text goes on behind what the format takes.
    Rest,
    /// A directive that is not known, or a format that is too long.
    Format,
    /// There is no such date, or it is outside of the years 1 to 9999.
    Range,
    /// A date with an offset and one without, or a date and a time of a date: Python's `TypeError`.
    Kind,
}

impl fmt::Display for DateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Mismatch => "the text does not match the date format",
            Self::Rest => "unconverted data remains behind the date",
            Self::Format => "the date format has an unknown directive",
            Self::Range => "the date is out of range",
            Self::Kind => "these kinds of dates do not go together",
        })
    }
}

impl std::error::Error for DateError {}

/// `datetime.datetime`, or a `datetime.date`.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// What a clock on the wall shows, as microseconds since 1970.
    wall: i64,
    /// Seconds east of UTC; none = not known (a naive `datetime`).
    offset: Option<i32>,
    date: bool,
}

/// The parts of a wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are their own explanation")]
pub struct Parts {
    pub year: i32,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub micro: u32,
}

impl Moment {
    /// From the clock, UTC. Out of range: the nearest that is in range.
    #[must_use]
    pub fn from_utc_micros(micros: i64) -> Self {
        Self { wall: micros.clamp(FIRST, LAST), offset: Some(0), date: false }
    }

    /// From the parts of a wall clock.
    ///
    /// # Errors
    /// [`DateError::Range`].
    pub fn from_parts(parts: Parts, offset: Option<i32>) -> Result<Self, DateError> {
        let Parts { year, month, day, hour, minute, second, micro } = parts;
        let sane = (1..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1 && hour < 24 && minute < 60 && second < 60;
        if !sane || micro >= 1_000_000 || day > days_in_month(year, month) {
            return Err(DateError::Range);
        }
        let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        Self::from_wall(to_days(year, month, day) * DAY + seconds * SECOND + i64::from(micro), offset)
    }

    fn from_wall(wall: i64, offset: Option<i32>) -> Result<Self, DateError> {
        let sane = (FIRST..=LAST).contains(&wall) && offset.is_none_or(|offset| offset.abs() < 86_400);
        if sane { Ok(Self { wall, offset, date: false }) } else { Err(DateError::Range) }
    }

    /// From seconds since 1970, UTC, rounded to microseconds, half to even.
    ///
    /// # Errors
    /// [`DateError::Range`].
    pub fn from_timestamp(seconds: f64) -> Result<Self, DateError> {
        let whole = seconds.floor();
        let micros = ((seconds - whole) * 1e6).round_ties_even();
        if !whole.is_finite() || whole.abs() > 1e12 {
            return Err(DateError::Range);
        }
        Self::from_wall(whole as i64 * SECOND + micros as i64, Some(0))
    }

    /// The day alone.
    #[must_use]
    pub fn to_date(self) -> Self {
        Self { wall: self.wall - self.wall.rem_euclid(DAY), offset: None, date: true }
    }

    /// Whether it is a `date`.
    #[must_use]
    pub fn is_date(&self) -> bool {
        self.date
    }

    /// Seconds east of UTC; none = not known.
    #[must_use]
    pub fn offset(&self) -> Option<i32> {
        self.offset
    }

    /// The same wall clock with another offset (`replace(tzinfo=…)`).
    #[must_use]
    pub fn with_offset(self, offset: Option<i32>) -> Self {
        Self { offset, ..self }
    }

    /// Microseconds since 1970 in UTC; without an offset it is taken to be in UTC.
    #[must_use]
    pub fn utc_micros(&self) -> i64 {
        self.wall - i64::from(self.offset.unwrap_or(0)) * SECOND
    }

    /// The same time with the wall clock of UTC.
    ///
    /// # Errors
    /// [`DateError::Range`].
    pub fn to_utc(self) -> Result<Self, DateError> {
        Self::from_wall(self.utc_micros(), Some(0))
    }

    /// `timestamp()`: seconds since 1970.
    #[must_use]
    pub fn timestamp(&self) -> f64 {
        self.utc_micros() as f64 / 1e6
    }

    /// Year, month, day, …
    #[must_use]
    pub fn parts(&self) -> Parts {
        let days = self.wall.div_euclid(DAY);
        let (year, month, day) = from_days(days);
        let micros = self.wall.rem_euclid(DAY);
        let seconds = u32::try_from(micros / SECOND).unwrap_or(0);
        let micro = u32::try_from(micros % SECOND).unwrap_or(0);
        Parts { year, month, day, hour: seconds / 3600, minute: seconds / 60 % 60, second: seconds % 60, micro }
    }

    /// `weekday()`: Monday is 0.
    #[must_use]
    pub fn weekday(&self) -> u32 {
        u32::try_from((self.wall.div_euclid(DAY) + 3).rem_euclid(7)).unwrap_or(0)
    }

    /// Day of the year, from 1.
    #[must_use]
    pub fn year_day(&self) -> u32 {
        let days = self.wall.div_euclid(DAY);
        u32::try_from(days - to_days(self.parts().year, 1, 1) + 1).unwrap_or(1)
    }

    /// Adds a span; a calendar span moves year and month first and keeps within the month, as the reference does.
    ///
    /// # Errors
    /// [`DateError::Range`].
    pub fn plus(self, span: &Span) -> Result<Self, DateError> {
        let moved = if span.months() == 0 { self } else { self.plus_months(span.months())? };
        // A date counts whole days only.
        let micros = if self.date { span.days() * i128::from(DAY) } else { span.micros() };
        let wall = i64::try_from(i128::from(moved.wall) + micros).map_err(|_| DateError::Range)?;
        Self::from_wall(wall, self.offset).map(|sum| Self { date: self.date, ..sum })
    }

    /// Subtracts a span.
    ///
    /// # Errors
    /// [`DateError::Range`].
    pub fn minus(self, span: &Span) -> Result<Self, DateError> {
        let moved = if span.months() == 0 { self } else { self.plus_months(span.months().checked_neg().ok_or(DateError::Range)?)? };
        let micros = if self.date { span.days() * i128::from(DAY) } else { span.micros() };
        let wall = i64::try_from(i128::from(moved.wall) - micros).map_err(|_| DateError::Range)?;
        Self::from_wall(wall, self.offset).map(|difference| Self { date: self.date, ..difference })
    }

    fn plus_months(self, months: i64) -> Result<Self, DateError> {
        let parts = self.parts();
        let total = months.checked_add(i64::from(parts.year) * 12 + i64::from(parts.month) - 1).ok_or(DateError::Range)?;
        let year = i32::try_from(total.div_euclid(12)).map_err(|_| DateError::Range)?;
        let month = u32::try_from(total.rem_euclid(12) + 1).map_err(|_| DateError::Range)?;
        let day = parts.day.min(days_in_month(year, month));
        Self::from_parts(Parts { year, month, day, ..parts }, self.offset).map(|moved| Self { date: self.date, ..moved })
    }

    /// `self - other`.
    ///
    /// # Errors
    /// [`DateError::Kind`] where Python raises a `TypeError`.
    pub fn since(&self, other: &Self) -> Result<Span, DateError> {
        if self.date != other.date || self.offset.is_some() != other.offset.is_some() {
            return Err(DateError::Kind);
        }
        Ok(Span::from_micros(i128::from(self.utc_micros()) - i128::from(other.utc_micros())))
    }

    /// Python's order; none where Python raises a `TypeError`.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        let alike = self.date == other.date && self.offset.is_some() == other.offset.is_some();
        alike.then(|| self.utc_micros().cmp(&other.utc_micros()))
    }

    /// `isoformat(separator)`.
    #[must_use]
    pub fn isoformat(&self, separator: char) -> String {
        let Parts { year, month, day, hour, minute, second, micro } = self.parts();
        let mut text = format!("{year:04}-{month:02}-{day:02}");
        if self.date {
            return text;
        }
        text.push(separator);
        text.push_str(&format!("{hour:02}:{minute:02}:{second:02}"));
        if micro > 0 {
            text.push_str(&format!(".{micro:06}"));
        }
        if let Some(offset) = self.offset {
            text.push_str(&offset_text(offset, ":"));
        }
        text
    }

    /// `str()`.
    #[must_use]
    pub fn python_str(&self) -> String {
        self.isoformat(' ')
    }

    /// `repr()`.
    #[must_use]
    pub fn python_repr(&self) -> String {
        let Parts { year, month, day, hour, minute, second, micro } = self.parts();
        if self.date {
            return format!("datetime.date({year}, {month}, {day})");
        }
        let mut text = format!("datetime.datetime({year}, {month}, {day}, {hour}, {minute}");
        if second > 0 || micro > 0 {
            text.push_str(&format!(", {second}"));
        }
        if micro > 0 {
            text.push_str(&format!(", {micro}"));
        }
        match self.offset {
            None => {}
            Some(0) => text.push_str(", tzinfo=datetime.timezone.utc"),
            Some(offset) => {
                let span = Span::from_micros(i128::from(offset) * i128::from(SECOND)).python_repr();
                text.push_str(&format!(", tzinfo=datetime.timezone({span})"));
            }
        }
        text.push(')');
        text
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Some(Ordering::Equal)
    }
}

/// `+hh:mm`, with seconds if there are any.
fn offset_text(offset: i32, separator: &str) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let size = offset.unsigned_abs();
    let (hours, minutes, seconds) = (size / 3600, size / 60 % 60, size % 60);
    let mut text = format!("{sign}{hours:02}{separator}{minutes:02}");
    if seconds > 0 {
        text.push_str(&format!("{separator}{seconds:02}"));
    }
    text
}
