//! Positions of a cursor and distances between them: instants with calendar arithmetic, or plain numbers and texts.
//! Reads and writes no format.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::value::Value;
use crate::value::datetime::{DAY, days_in_month, from_days, to_days};

/// 0001-01-01 in microseconds since 1970.
const FIRST: i64 = -62_135_596_800_000_000;
/// The last microsecond of 9999.
const LAST: i64 = 253_402_300_799_999_999;

/// Where a cursor stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Point {
    /// An instant.
    Time(Time),
    /// A number of a counting cursor.
    Number(Number),
    /// Anything else a counting cursor's records hold.
    Text(Arc<str>),
}

/// A number as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Number(pub Value);

/// An instant and the zone it is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Microseconds since 1970, UTC.
    pub micros: i64,
    /// Seconds east of UTC.
    pub offset: i32,
}

/// Adding or subtracting leaves the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

/// How far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Calendar months.
    pub months: i64,
    /// Microseconds beyond the months.
    pub micros: i64,
}

impl Gap {
    /// So many microseconds.
    #[must_use]
    pub fn micros(micros: i64) -> Self {
        Self { months: 0, micros }
    }

    /// No distance at all.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.months == 0 && self.micros == 0
    }

    fn negated(self) -> Option<Self> {
        Some(Self { months: self.months.checked_neg()?, micros: self.micros.checked_neg()? })
    }
}

impl Time {
    fn checked(micros: i64, offset: i32) -> Result<Self, Overflow> {
        let local = micros.checked_add(i64::from(offset) * 1_000_000).ok_or(Overflow)?;
        if (FIRST..=LAST).contains(&local) { Ok(Self { micros, offset }) } else { Err(Overflow) }
    }

    fn local(self) -> i64 {
        self.micros.saturating_add(i64::from(self.offset) * 1_000_000)
    }

    fn from_local(local: i64, offset: i32) -> Result<Self, Overflow> {
        Self::checked(local.checked_sub(i64::from(offset) * 1_000_000).ok_or(Overflow)?, offset)
    }

    /// Later by a gap; months first, as calendars have them.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn later(self, gap: Gap) -> Result<Self, Overflow> {
        let mut local = self.local();
        if gap.months != 0 {
            let (days, rest) = (local.div_euclid(DAY), local.rem_euclid(DAY));
            let (year, month, day) = from_days(days);
            let months = (i64::from(year) * 12 + i64::from(month) - 1).checked_add(gap.months).ok_or(Overflow)?;
            let year = i32::try_from(months.div_euclid(12)).ok().filter(|year| (1..=9999).contains(year)).ok_or(Overflow)?;
            let month = u32::try_from(months.rem_euclid(12) + 1).map_err(|_| Overflow)?;
            local = to_days(year, month, day.min(days_in_month(year, month))) * DAY + rest;
        }
        Self::from_local(local.checked_add(gap.micros).ok_or(Overflow)?, self.offset)
    }

    /// Earlier by a gap.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn earlier(self, gap: Gap) -> Result<Self, Overflow> {
        self.later(gap.negated().ok_or(Overflow)?)
    }

    /// To the full day, week or month in its own zone.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn clamp(self, clamp: Clamp, ceiling: bool) -> Result<Self, Overflow> {
        let local = self.local();
        let days = local.div_euclid(DAY);
        let clamped = match clamp {
            Clamp::None => return Ok(self),
            Clamp::Day => days + i64::from(ceiling && days * DAY != local),
            Clamp::Week(weekday) => {
                let today = (days + 3).rem_euclid(7);
                let weekday = i64::from(weekday);
                let forward = if today > weekday { 7 - (today - weekday) } else { weekday - today };
                days + if ceiling || forward == 0 { forward } else { forward - 7 }
            }
            Clamp::Month => {
                let (year, month, day) = from_days(days);
                match (day, ceiling) {
                    (1, _) => days,
                    (_, false) => to_days(year, month, 1),
                    (_, true) if month == 12 => to_days(year + 1, 1, 1),
                    (_, true) => to_days(year, month + 1, 1),
                }
            }
        };
        Self::from_local(clamped.checked_mul(DAY).ok_or(Overflow)?, self.offset)
    }
}

/// What boundaries are rounded to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clamp {
    /// Nothing.
    #[default]
    None,
    /// Midnight.
    Day,
    /// A weekday, 0 = Monday.
    Week(u8),
    /// The first of a month.
    Month,
}

impl Point {
    /// As Python compares them.
    ///
    /// # Errors
    /// They cannot be compared.
    pub fn compare(&self, other: &Self) -> Result<Ordering, String> {
        let order = match (self, other) {
            (Self::Time(one), Self::Time(two)) => Some(one.micros.cmp(&two.micros)),
            (Self::Text(one), Self::Text(two)) => Some(one.cmp(two)),
            (Self::Number(one), Self::Number(two)) => one.order(two),
            _ => None,
        };
        order.ok_or_else(|| "two values of the cursor's field cannot be compared with each other".to_owned())
    }

    /// Later by a gap; only instants have gaps.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn later(&self, gap: Gap) -> Result<Self, Overflow> {
        match self {
            Self::Time(time) => time.later(gap).map(Self::Time),
            other => Ok(other.clone()),
        }
    }

    /// Earlier by a gap; only instants have gaps.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn earlier(&self, gap: Gap) -> Result<Self, Overflow> {
        match self {
            Self::Time(time) => time.earlier(gap).map(Self::Time),
            other => Ok(other.clone()),
        }
    }

    /// Rounded.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn clamp(&self, clamp: Clamp, ceiling: bool) -> Result<Self, Overflow> {
        match self {
            Self::Time(time) => time.clamp(clamp, ceiling).map(Self::Time),
            other => Ok(other.clone()),
        }
    }

    /// Python's truth: an instant always, a number unless zero.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Time(_) => true,
            Self::Number(number) => number.0.is_truthy(),
            Self::Text(text) => !text.is_empty(),
        }
    }
}

impl Number {
    fn order(&self, other: &Self) -> Option<Ordering> {
        match (&self.0, &other.0) {
            (Value::Int(one), Value::Int(two)) => Some(one.cmp(two)),
            _ => self.as_float()?.partial_cmp(&other.as_float()?),
        }
    }

    fn as_float(&self) -> Option<f64> {
        match &self.0 {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number, _) => Some(*number),
            Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> Time {
        Time { micros: to_days(year, month, day) * DAY, offset: 0 }
    }

    #[test]
    fn months_keep_to_the_calendar() {
        assert_eq!(day(2024, 1, 31).later(Gap { months: 1, micros: 0 }), Ok(day(2024, 2, 29)));
        assert_eq!(day(2024, 3, 31).earlier(Gap { months: 13, micros: 0 }), Ok(day(2023, 2, 28)));
        assert_eq!(day(9999, 12, 1).later(Gap { months: 1, micros: 0 }), Err(Overflow));
        assert_eq!(day(2024, 1, 1).later(Gap::micros(i64::MAX)), Err(Overflow));
    }

    #[test]
    fn clamps_in_its_own_zone() {
        let late = Time { micros: day(2024, 5, 16).micros + 23 * 3_600_000_000, offset: 7200 };
        assert_eq!(late.clamp(Clamp::Day, false).map(|time| time.micros), Ok(day(2024, 5, 17).micros - 7_200_000_000));
        assert_eq!(day(2024, 5, 16).clamp(Clamp::Week(0), true), Ok(day(2024, 5, 20)));
        assert_eq!(day(2024, 5, 16).clamp(Clamp::Week(6), false), Ok(day(2024, 5, 12)));
        assert_eq!(day(2024, 12, 2).clamp(Clamp::Month, true), Ok(day(2025, 1, 1)));
        assert_eq!(day(2024, 12, 2).clamp(Clamp::Month, false), Ok(day(2024, 12, 1)));
    }
}
