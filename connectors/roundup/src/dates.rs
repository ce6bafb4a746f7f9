//! Dates in the tracker's form (`2026-11-23.04:20:39`, UTC) and in HTTP's, as seconds since 1970. Knows no other calendar or zone.

const DAY_SECONDS: u64 = 86_400;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Mon, 23 Nov 2026 15:38:21 GMT` (RFC 9110, the form that is sent today).
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

/// `2026-11-23.04:20:39`.
pub fn from_tracker(text: &str) -> Option<u64> {
    let (date, clock) = text.split_once('.')?;
    let mut parts = date.split('-').map(str::parse);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    parts.next().is_none().then_some(())?;
    Some(days(year, month, day)? * DAY_SECONDS + clock_seconds(clock)?)
}

/// The inverse of [`from_tracker`].
pub fn to_tracker(seconds: u64) -> String {
    let (year, month, day) = date_of(seconds / DAY_SECONDS);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}.{hour:02}:{minute:02}:{second:02}")
}

fn clock_seconds(text: &str) -> Option<u64> {
    let mut parts = text.split(':').map(str::parse::<u64>);
    let (hour, minute, second) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    (parts.next().is_none() && hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Days from 1970-01-01 to a date of 1970 to 9999. Years begin in March: the leap day comes last.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    ((1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)).then_some(())?;
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468)
}

/// The date of a day since 1970-01-01.
fn date_of(day: u64) -> (u64, u64, u64) {
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
    use super::{from_http, from_tracker, to_tracker};

    #[test]
    fn both_forms_name_the_same_second() {
        assert_eq!(from_http("Mon, 23 Nov 2026 15:38:21 GMT"), Some(1_795_448_301));
        assert_eq!(from_tracker("2026-11-23.15:38:21"), Some(1_795_448_301));
        assert_eq!(to_tracker(1_795_448_301), "2026-11-23.15:38:21");
    }

    #[test]
    fn every_day_survives_the_way_there_and_back() {
        for day in 0..80_000 {
            let seconds = day * 86_400 + 12_345;
            assert_eq!(from_tracker(&to_tracker(seconds)), Some(seconds));
        }
        assert_eq!(to_tracker(951_782_400), "2000-02-29.00:00:00");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "2026-11-23", "2026-11-23.15:38", "2026-13-01.00:00:00", "1969-01-01.00:00:00", "2026-11-23.25:00:00", "a.b:c:d"] {
            assert_eq!(from_tracker(text), None, "{text}");
        }
        for text in ["", "Mon", "Mon, 23 Nov 2026 15:38:21 CET", "Mon, 23 Foo 2026 15:38:21 GMT"] {
            assert_eq!(from_http(text), None, "{text}");
        }
    }
}
