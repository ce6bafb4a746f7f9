//! Positions of a cursor and distances between them: instants with calendar arithmetic, or plain numbers and texts.
//! Reads and writes no format.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::value::Value;

/// 0001-01-01 in microseconds since 1970.
const FIRST: i64 = -62_135_596_800_000_000;
/// The last microsecond of 9999.
const LAST: i64 = 253_402_300_799_999_999;
const DAY: i64 = 86_400_000_000;

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
    pub fn add(self, gap: Gap) -> Result<Self, Overflow> {
        let mut local = self.local();
        if gap.months != 0 {
            let (days, rest) = (local.div_euclid(DAY), local.rem_euclid(DAY));
            let (year, month, day) = civil(days);
            let months = (year * 12 + i64::from(month) - 1).checked_add(gap.months).ok_or(Overflow)?;
            let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
            if !(1..=9999).contains(&year) {
                return Err(Overflow);
            }
            let day = day.min(length_of_month(year, month));
            local = days_from_civil(year, month, day).checked_mul(DAY).and_then(|start| start.checked_add(rest)).ok_or(Overflow)?;
        }
        Self::from_local(local.checked_add(gap.micros).ok_or(Overflow)?, self.offset)
    }

    /// Earlier by a gap.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn subtract(self, gap: Gap) -> Result<Self, Overflow> {
        self.add(gap.negated().ok_or(Overflow)?)
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
                let (year, month, day) = civil(days);
                match (day, ceiling) {
                    (1, _) => days,
                    (_, false) => days_from_civil(year, i64::from(month), 1),
                    (_, true) if month == 12 => days_from_civil(year + 1, 1, 1),
                    (_, true) => days_from_civil(year, i64::from(month) + 1, 1),
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
    pub fn add(&self, gap: Gap) -> Result<Self, Overflow> {
        match self {
            Self::Time(time) => time.add(gap).map(Self::Time),
            other => Ok(other.clone()),
        }
    }

    /// Earlier by a gap; only instants have gaps.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn subtract(&self, gap: Gap) -> Result<Self, Overflow> {
        match self {
            Self::Time(time) => time.subtract(gap).map(Self::Time),
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

/// Year, month and day of a day counted from 1970-01-01.
fn civil(days: i64) -> (i64, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u8, day as u8)
}

fn days_from_civil(year: i64, month: i64, day: u8) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn length_of_month(year: i64, month: i64) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i64, month: i64, day: u8) -> Time {
        Time { micros: days_from_civil(year, month, day) * DAY, offset: 0 }
    }

    #[test]
    fn months_keep_to_the_calendar() {
        assert_eq!(day(2024, 1, 31).add(Gap { months: 1, micros: 0 }), Ok(day(2024, 2, 29)));
        assert_eq!(day(2024, 3, 31).subtract(Gap { months: 13, micros: 0 }), Ok(day(2023, 2, 28)));
        assert_eq!(day(9999, 12, 1).add(Gap { months: 1, micros: 0 }), Err(Overflow));
        assert_eq!(day(2024, 1, 1).add(Gap::micros(i64::MAX)), Err(Overflow));
    }

    #[test]
    fn every_day_has_its_date() {
        for days in (-719_162..2_932_896).step_by(97) {
            let (year, month, day) = civil(days);
            assert_eq!(days_from_civil(year, i64::from(month), day), days);
        }
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
