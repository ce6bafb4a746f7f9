//! Calendar days and periods of years, months and days, as laws and contracts count them. Knows no clock and no public holidays.

use std::fmt;

use chrono::{Datelike, Days, Months, NaiveDate};

pub use chrono::Weekday;

/// A day of the Gregorian calendar, years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(NaiveDate);

impl From<NaiveDate> for Date {
    /// Days before the year 1 and after 9999 become the first and the last that there is.
    fn from(day: NaiveDate) -> Self {
        let (year, month, last) = if day.year() < 1 { (1, 1, 1) } else { (9999, 12, 31) };
        Self::in_range(day).or_else(|| Self::new(year, month, last)).unwrap_or(Self(day))
    }
}

impl Date {
    /// None if there is no such day.
    #[must_use]
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).and_then(Self::in_range)
    }

    /// Reads `2026-03-01`. None if it is written otherwise or if there is no such day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let shape = |(index, byte): (usize, u8)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
        if text.len() != 10 || !text.bytes().enumerate().all(shape) {
            return None;
        }
        Self::new(text.get(..4)?.parse().ok()?, text.get(5..7)?.parse().ok()?, text.get(8..)?.parse().ok()?)
    }

    fn in_range(date: NaiveDate) -> Option<Self> {
        (1..=9999).contains(&date.year()).then_some(Self(date))
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u32 {
        self.0.month()
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub fn day(self) -> u32 {
        self.0.day()
    }

    /// The day of the week.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        self.0.weekday()
    }

    /// So many days later; earlier if negative. None outside of the years 1 to 9999.
    #[must_use]
    pub fn add_days(self, days: i64) -> Option<Self> {
        let distance = Days::new(days.unsigned_abs());
        let moved = if days < 0 { self.0.checked_sub_days(distance) } else { self.0.checked_add_days(distance) };
        moved.and_then(Self::in_range)
    }

    /// The same day so many months later (earlier if negative), or the last day of that month if it is shorter. None outside of the years 1 to
    /// 9999.
    #[must_use]
    pub fn add_months(self, months: i32) -> Option<Self> {
        let distance = Months::new(months.unsigned_abs());
        let moved = if months < 0 { self.0.checked_sub_months(distance) } else { self.0.checked_add_months(distance) };
        moved.and_then(Self::in_range)
    }

    /// The day on which a period that begins here ends: years and months first (the end of a month where it is shorter), then days. None
    /// outside of the years 1 to 9999.
    #[must_use]
    pub fn plus(self, period: Period) -> Option<Self> {
        let months = period.years.checked_mul(12)?.checked_add(period.months)?;
        self.add_months(i32::try_from(months).ok()?)?.add_days(i64::from(period.days))
    }

    /// The last day of the same year.
    #[must_use]
    pub fn end_of_year(self) -> Self {
        Self::new(self.year(), 12, 31).unwrap_or(self)
    }

    /// Days from here to the other day; negative if that is earlier.
    #[must_use]
    pub fn days_until(self, other: Self) -> i64 {
        other.0.signed_duration_since(self.0).num_days()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day())
    }
}

/// An ISO 8601 duration of years, months and days, together more than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    /// Years, at most 99,999.
    pub years: u32,
    /// Months, at most 99,999.
    pub months: u32,
    /// Days, at most 99,999.
    pub days: u32,
}

impl Period {
    /// Reads `P3Y`, `P1Y6M`, `P30D`: years, months, days, each at most once, in this order. None for anything else and for nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('P')?;
        let mut numbers = [0_u32; 3];
        for (unit, slot) in ['Y', 'M', 'D'].into_iter().zip(&mut numbers) {
            let digits = rest.len() - rest.trim_start_matches(|character: char| character.is_ascii_digit()).len();
            let (number, tail) = rest.split_at(digits);
            if let Some(tail) = tail.strip_prefix(unit) {
                *slot = number.parse::<u32>().ok().filter(|number| *number <= 99_999)?;
                rest = tail;
            }
        }
        let [years, months, days] = numbers;
        (rest.is_empty() && numbers != [0; 3]).then_some(Self { years, months, days })
    }

    /// A length by which periods are compared: a year counts 365 days, a month 30.
    #[must_use]
    pub fn approximate_days(self) -> u64 {
        u64::from(self.years) * 365 + u64::from(self.months) * 30 + u64::from(self.days)
    }
}

/// `P1Y6M`; parts that are zero are left out.
impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("P")?;
        for (number, unit) in [(self.years, 'Y'), (self.months, 'M'), (self.days, 'D')] {
            if number > 0 {
                write!(formatter, "{number}{unit}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn days_are_read_and_written_as_iso() {
        assert_eq!(day("2026-03-01"), Date::new(2026, 3, 1).unwrap());
        assert_eq!(day("0001-01-01").to_string(), "0001-01-01");
        assert!(day("2026-03-01") < day("2026-10-01"));
        for bad in [
            "",
            "2026-3-01",
            "2026-02-30",
            "2027-02-29",
            "0000-01-01",
            "10000-01-01",
            "-026-01-01",
            "2026-13-01",
            "2026-01-01T",
            "２026-01-01",
        ] {
            assert_eq!(Date::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_month_ends_where_it_is_shorter() {
        let later = |text: &str, months| day(text).add_months(months).unwrap().to_string();
        assert_eq!(later("2026-01-31", 1), "2026-02-28");
        assert_eq!(later("2028-01-31", 1), "2028-02-29");
        assert_eq!(later("2026-11-23", 3), "2027-02-23");
        assert_eq!(later("2026-03-31", -1), "2026-02-28");
        assert_eq!(later("2026-12-31", 12), "2027-12-31");
        assert_eq!(day("9999-12-01").add_months(1), None);
        assert_eq!(day("0001-01-01").add_months(i32::MIN), None);
        assert_eq!(day("9999-12-31").add_days(1), None);
        assert_eq!(day("2026-01-01").add_days(i64::MIN), None);
    }

    #[test]
    fn days_are_counted_both_ways() {
        assert_eq!(day("2026-01-31").days_until(day("2026-03-02")), 30);
        assert_eq!(day("2026-03-02").days_until(day("2026-01-31")), -30);
        assert_eq!(day("2026-03-02").weekday(), Weekday::Mon);
        assert_eq!(day("2026-03-02").end_of_year().to_string(), "2026-12-31");
        assert_eq!(day("2024-02-29").plus(Period::parse("P1Y1M1D").unwrap()), Date::new(2025, 3, 30));
        assert_eq!(day("2024-02-29").plus(Period::parse("P99999Y").unwrap()), None);
    }

    #[test]
    fn periods_have_years_months_and_days() {
        for good in ["P3Y", "P6M", "P30D", "P1Y6M", "P1Y2M3D", "P10Y"] {
            assert_eq!(Period::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "P", "3Y", "P3", "P2W", "PT1H", "P1YT1H", "P0D", "P1M1Y", "P-1Y", "P1.5Y", "365d", "P999999Y", "p3y", "P1Y1Y", "PY"]
        {
            assert_eq!(Period::parse(bad), None, "{bad}");
        }
        assert_eq!(Period::parse("P1Y2M3D").unwrap().approximate_days(), 428);
        assert_eq!(Period::parse("P99999Y99999M99999D").unwrap().approximate_days(), 39_599_604);
    }
}
