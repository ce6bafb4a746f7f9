//! `datetime.timedelta`, and the reference's ISO durations, whose years and months are of the calendar.

use std::cmp::Ordering;

use super::{DAY, DateError, SECOND};

/// A span cannot be longer, in days: more than all the years that there are. (Python: 999,999,999.)
const DAYS_LIMIT: i128 = 100_000_000;

/// `datetime.timedelta` or an ISO duration.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    years: i32,
    months: i32,
    /// Narrower than what is reckoned with, so that a value stays small.
    micros: i64,
    calendar: bool,
}

impl Span {
    /// A `timedelta`; the longest there is, if it is longer.
    #[must_use]
    pub fn from_micros(micros: i128) -> Self {
        let limit = DAYS_LIMIT * i128::from(DAY);
        Self { years: 0, months: 0, micros: i64::try_from(micros.clamp(-limit, limit)).unwrap_or(0), calendar: false }
    }

    /// A duration with years and months.
    ///
    /// # Errors
    /// [`DateError::Range`].
    pub fn from_calendar(years: i64, months: i64, micros: i128) -> Result<Self, DateError> {
        let part = |number: i64| i32::try_from(number).map_err(|_| DateError::Range);
        if micros.abs() > DAYS_LIMIT * i128::from(DAY) {
            return Err(DateError::Range);
        }
        Ok(Self { years: part(years)?, months: part(months)?, calendar: true, ..Self::from_micros(micros) })
    }

    /// Years, months and the rest of several at once.
    fn checked(&self, other: &Self, years: i64, months: i64, micros: Option<i128>) -> Result<Self, DateError> {
        let calendar = self.calendar || other.calendar;
        Ok(Self { calendar, ..Self::from_calendar(years, months, micros.ok_or(DateError::Range)?)? })
    }

    /// `timedelta(days=…)`, rounded to microseconds, half to even.
    ///
    /// # Errors
    /// [`DateError::Range`].
    pub fn from_days(days: f64) -> Result<Self, DateError> {
        let whole = days.trunc();
        if !whole.is_finite() || whole.abs() > DAYS_LIMIT as f64 {
            return Err(DateError::Range);
        }
        let rest = ((days - whole) * DAY as f64).round_ties_even();
        Ok(Self::from_micros(whole as i128 * i128::from(DAY) + rest as i128))
    }

    /// Whether it has years or months of the calendar.
    #[must_use]
    pub fn is_calendar(&self) -> bool {
        self.calendar
    }

    /// Months of the calendar, years included.
    #[must_use]
    pub fn months(&self) -> i64 {
        i64::from(self.years) * 12 + i64::from(self.months)
    }

    /// The part that is not of the calendar.
    #[must_use]
    pub fn micros(&self) -> i128 {
        self.micros.into()
    }

    /// `timedelta.days`: rounded down.
    #[must_use]
    pub fn days(&self) -> i128 {
        self.micros().div_euclid(DAY.into())
    }

    /// `total_seconds()` of the part that is not of the calendar.
    #[must_use]
    pub fn total_seconds(&self) -> f64 {
        self.micros as f64 / 1e6
    }

    /// Whether it is no time at all.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        !self.calendar && self.micros == 0
    }

    /// The other direction.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self { years: self.years.saturating_neg(), months: self.months.saturating_neg(), micros: self.micros.saturating_neg(), ..*self }
    }

    /// The sum.
    ///
    /// # Errors
    /// [`DateError::Range`].
    pub fn plus(&self, other: &Self) -> Result<Self, DateError> {
        let years = i64::from(self.years) + i64::from(other.years);
        let months = i64::from(self.months) + i64::from(other.months);
        self.checked(other, years, months, Some(self.micros() + other.micros()))
    }

    /// So many times.
    ///
    /// # Errors
    /// [`DateError::Range`].
    pub fn times(&self, factor: i64) -> Result<Self, DateError> {
        let part = |number: i32| i64::from(number).checked_mul(factor).ok_or(DateError::Range);
        self.checked(self, part(self.years)?, part(self.months)?, self.micros().checked_mul(factor.into()))
    }

    /// Python's order; none where Python raises a `TypeError`: durations of the calendar have no order.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        (!self.calendar && !other.calendar).then(|| self.micros.cmp(&other.micros))
    }

    /// `str()`.
    #[must_use]
    pub fn python_str(&self) -> String {
        let mut text = String::new();
        if self.years != 0 {
            text.push_str(&format!("{} years, ", self.years));
        }
        if self.months != 0 {
            text.push_str(&format!("{} {}, ", self.months, if self.months <= 1 { "month" } else { "months" }));
        }
        let days = self.days();
        if days != 0 {
            text.push_str(&format!("{days} day{}, ", if days.abs() == 1 { "" } else { "s" }));
        }
        let rest = self.micros().rem_euclid(DAY.into());
        let seconds = rest / i128::from(SECOND);
        text.push_str(&format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
        let micros = rest % i128::from(SECOND);
        if micros > 0 {
            text.push_str(&format!(".{micros:06}"));
        }
        text
    }

    /// `repr()`.
    #[must_use]
    pub fn python_repr(&self) -> String {
        let rest = self.micros().rem_euclid(DAY.into());
        let (days, seconds, micros) = (self.days(), rest / i128::from(SECOND), rest % i128::from(SECOND));
        if self.calendar {
            return format!("isodate.duration.Duration({days}, {seconds}, {micros}, years={}, months={})", self.years, self.months);
        }
        let parts: Vec<String> = [("days", days), ("seconds", seconds), ("microseconds", micros)]
            .iter()
            .filter(|(_, number)| *number != 0)
            .map(|(name, number)| format!("{name}={number}"))
            .collect();
        if parts.is_empty() { "datetime.timedelta(0)".into() } else { format!("datetime.timedelta({})", parts.join(", ")) }
    }

    /// Reads an ISO 8601 duration: `P1Y2M3W4DT5H6M7.5S`, each part optional, an optional sign in front.
    ///
    /// # Errors
    /// [`DateError::Mismatch`] if it is none; [`DateError::Range`] if it is too long, or years or months are broken.
    pub fn parse_iso(text: &str) -> Result<Self, DateError> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let rest = rest.strip_prefix('P').filter(|rest| rest.starts_with(|first: char| first.is_alphanumeric()));
        let (date, time) = match rest.ok_or(DateError::Mismatch)?.split_once('T') {
            Some((date, time)) => (date, time),
            None => (rest.unwrap_or_default(), ""),
        };
        let mut span = Reading::default();
        span.read(date, &[('Y', Unit::Years), ('M', Unit::Months), ('W', Unit::Micros(7 * DAY)), ('D', Unit::Micros(DAY))])?;
        let hour = 3600 * SECOND;
        span.read(time, &[('H', Unit::Micros(hour)), ('M', Unit::Micros(60 * SECOND)), ('S', Unit::Micros(SECOND))])?;
        let micros = span.whole.checked_add(span.broken.round_ties_even() as i128).ok_or(DateError::Range)?;
        let calendar = span.years != 0 || span.months != 0;
        let result = Self { calendar, ..Self::from_calendar(span.years, span.months, micros)? };
        Ok(if negative { result.negated() } else { result })
    }
}

impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        self.months() == other.months() && self.micros == other.micros
    }
}

#[derive(Clone, Copy)]
enum Unit {
    Years,
    Months,
    Micros(i64),
}

#[derive(Default)]
struct Reading {
    years: i64,
    months: i64,
    whole: i128,
    broken: f64,
}

impl Reading {
    fn read(&mut self, text: &str, units: &[(char, Unit)]) -> Result<(), DateError> {
        let mut rest = text;
        for (letter, unit) in units {
            let Some(end) = rest.find(|character: char| !character.is_ascii_digit() && character != '.' && character != ',') else { break };
            let (number, tail) = rest.split_at(end);
            let Some(tail) = tail.strip_prefix(*letter) else { continue };
            self.add(&number.replace(',', "."), *unit)?;
            rest = tail;
        }
        if rest.is_empty() { Ok(()) } else { Err(DateError::Mismatch) }
    }

    fn add(&mut self, number: &str, unit: Unit) -> Result<(), DateError> {
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(DateError::Mismatch);
        }
        let whole: i64 = whole.parse().map_err(|_| DateError::Range)?;
        let fraction: f64 = format!("0.{fraction}").parse().map_err(|_| DateError::Mismatch)?;
        match unit {
            Unit::Years | Unit::Months if fraction != 0.0 => return Err(DateError::Range),
            Unit::Years => self.years = whole,
            Unit::Months => self.months = whole,
            Unit::Micros(size) => {
                self.whole += i128::from(whole) * i128::from(size);
                self.broken += fraction * size as f64;
            }
        }
        Ok(())
    }
}
