//! Dates in the tracker's form (`2026-11-23.04:20:39`, UTC) and in HTTP's, as seconds since 1970. Knows no other calendar or zone.

pub use hub_sdk::dates::from_http;
use hub_sdk::dates::{DAY_SECONDS, clock_seconds, date_days, date_of};

/// `2026-11-23.04:20:39`.
pub fn from_tracker(text: &str) -> Option<u64> {
    let (date, clock) = text.split_once('.')?;
    Some(date_days(date)? * DAY_SECONDS + clock_seconds(clock)?)
}

/// The inverse of [`from_tracker`].
pub fn to_tracker(seconds: u64) -> String {
    let (year, month, day) = date_of(seconds / DAY_SECONDS);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}.{hour:02}:{minute:02}:{second:02}")
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
