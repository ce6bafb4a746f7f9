//! Dates of the Gregorian calendar as days and seconds since 1970, for connectors whose systems write them in forms of their own. Knows no zone.

/// Seconds of a day.
pub const DAY_SECONDS: u64 = 86_400;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Mon, 23 Nov 2026 15:38:21 GMT` (RFC 9110, the form that is sent today) as seconds since 1970.
#[must_use]
pub fn from_http(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(", ")?;
    let mut words = rest.split_ascii_whitespace();
    let day = words.next()?.parse().ok()?;
    let month = words.next().and_then(|word| MONTHS.iter().position(|month| *month == word))?;
    let year = words.next()?.parse().ok()?;
    let clock = clock_seconds(words.next()?)?;
    (words.next() == Some("GMT")).then_some(())?;
    Some(days(year, month as u64 + 1, day)? * DAY_SECONDS + clock)
}

/// `15:38:21` as seconds of a day.
#[must_use]
pub fn clock_seconds(text: &str) -> Option<u64> {
    let mut parts = text.split(':').map(str::parse);
    let (hour, minute, second) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    parts.next().is_none().then(|| clock(hour, minute, second)).flatten()
}

/// Hour, minute and second as seconds of a day; a leap second counts.
#[must_use]
pub fn clock(hour: u64, minute: u64, second: u64) -> Option<u64> {
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// `2026-11-23` as days since 1970-01-01.
#[must_use]
pub fn date_days(text: &str) -> Option<u64> {
    let mut parts = text.split('-').map(str::parse);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    parts.next().is_none().then(|| days(year, month, day)).flatten()
}

/// Days from 1970-01-01 to a date of 1970 to 9999.
#[must_use]
pub fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    u64::try_from(day_number(year, month, day)?).ok()
}

/// Days from 1970-01-01 to a date of the years 1 to 9999, negative before it. Years begin in March: the leap day comes last.
#[must_use]
pub fn day_number(year: u64, month: u64, day: u64) -> Option<i64> {
    ((1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=month_days(year, month)).contains(&day)).then_some(())?;
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some((year * 365 + year / 4 - year / 100 + year / 400 + of_year).cast_signed() - 719_468)
}

fn month_days(year: u64, month: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day of a day since 1970-01-01.
#[must_use]
pub fn date_of(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let in_era = shifted % 146_097;
    let year_of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let of_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (shifted / 146_097 * 400 + year_of_era + u64::from(month <= 2), month, of_year - (153 * march_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::{date_days, date_of, day_number, days, from_http};

    #[test]
    fn every_day_survives_the_way_there_and_back() {
        for day in 0..80_000 {
            let (year, month, of_month) = date_of(day);
            assert_eq!(days(year, month, of_month), Some(day));
            assert_eq!(date_days(&format!("{year:04}-{month:02}-{of_month:02}")), Some(day));
        }
        assert_eq!(date_of(11_016), (2000, 2, 29));
    }

    #[test]
    fn days_before_1970_are_negative() {
        let rows =
            [((1969, 12, 31), -1), ((1900, 3, 1), -25_508), ((1600, 2, 29), -135_081), ((1, 1, 1), -719_162), ((9999, 12, 31), 2_932_896)];
        for ((year, month, day), number) in rows {
            assert_eq!(day_number(year, month, day), Some(number), "{year}-{month}-{day}");
        }
        for (year, month, day) in [(0, 1, 1), (1900, 2, 29), (2026, 2, 29), (2026, 4, 31), (2026, 0, 1), (2026, 1, 0), (10_000, 1, 1)] {
            assert_eq!(day_number(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        assert_eq!(from_http("Mon, 23 Nov 2026 15:38:21 GMT"), Some(1_795_448_301));
        for text in ["", "Mon", "Mon, 23 Nov 2026 15:38:21 CET", "Mon, 23 Foo 2026 15:38:21 GMT", "Mon, 23 Nov 2026 25:00:00 GMT"] {
            assert_eq!(from_http(text), None, "{text}");
        }
        for text in ["", "2026-13-01", "2026-02-30", "1969-01-01", "2026-11", "2026-11-23-1", "a-b-c"] {
            assert_eq!(date_days(text), None, "{text}");
        }
    }
}
