//! Moments in Tryton's form (an object of parts), in HTTP's and in ISO 8601, as microseconds since 1970. UTC only: so Tryton stores them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const SECOND: u64 = 1_000_000;
const DAY_SECONDS: u64 = 86_400;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment of the years 1970 to 9999. As text `2026-11-28T16:44:42.024901Z`, whose order is that of time.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct Moment(u64);

/// What stands in Tryton's object beside its class.
#[derive(Deserialize)]
struct Parts {
    year: u64,
    month: u64,
    day: u64,
    #[serde(default)]
    hour: u64,
    #[serde(default)]
    minute: u64,
    #[serde(default)]
    second: u64,
    #[serde(default)]
    microsecond: u64,
}

impl Moment {
    /// A date with a time, or midnight of a date, as Tryton writes it. None: it is neither.
    pub fn from_tryton(json: &str) -> Option<Self> {
        let parts: Parts = serde_json::from_str(json).ok()?;
        let seconds = days(parts.year, parts.month, parts.day)? * DAY_SECONDS + clock(parts.hour, parts.minute, parts.second)?;
        (parts.microsecond < SECOND).then_some(Self(seconds * SECOND + parts.microsecond))
    }

    /// `Mon, 23 Nov 2026 15:38:21 GMT` (RFC 9110, the form that is sent today).
    pub fn from_http(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once(", ")?;
        let mut words = rest.split_ascii_whitespace();
        let day = words.next()?.parse().ok()?;
        let month = words.next().and_then(|word| MONTHS.iter().position(|month| *month == word))?;
        let year = words.next()?.parse().ok()?;
        let time = clock_of(words.next()?)?;
        (words.next() == Some("GMT")).then_some(())?;
        Some(Self((days(year, month as u64 + 1, day)? * DAY_SECONDS + time) * SECOND))
    }

    /// From a clock that counts seconds since 1970.
    pub fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }

    /// So many seconds later.
    pub fn after(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(u64::from(seconds) * SECOND))
    }

    /// So many seconds earlier, not before 1970.
    pub fn before(self, seconds: u32) -> Self {
        Self(self.0.saturating_sub(u64::from(seconds) * SECOND))
    }

    /// As Tryton's filters want it.
    pub fn to_tryton(self) -> Value {
        let seconds = self.0 / SECOND;
        let (year, month, day) = date_of(seconds / DAY_SECONDS);
        json!({
            "__class__": "datetime", "year": year, "month": month, "day": day,
            "hour": seconds / 3600 % 24, "minute": seconds / 60 % 60, "second": seconds % 60, "microsecond": self.0 % SECOND,
        })
    }

    /// The date alone.
    pub fn date(self) -> String {
        let (year, month, day) = date_of(self.0 / SECOND / DAY_SECONDS);
        format!("{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / SECOND;
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(out, "{}T{hour:02}:{minute:02}:{second:02}.{:06}Z", self.date(), self.0 % SECOND)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl TryFrom<String> for Moment {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse(&text).ok_or("no moment")
    }
}

/// The inverse of `Display`.
fn parse(text: &str) -> Option<Moment> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = time.split_once('.')?;
    let mut parts = date.split('-').map(str::parse);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    (parts.next().is_none() && fraction.len() == 6).then_some(())?;
    let fraction: u64 = fraction.parse().ok().filter(|fraction| *fraction < SECOND)?;
    Some(Moment((days(year, month, day)? * DAY_SECONDS + clock_of(time)?) * SECOND + fraction))
}

fn clock_of(text: &str) -> Option<u64> {
    let mut parts = text.split(':').map(str::parse::<u64>);
    let (hour, minute, second) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    parts.next().is_none().then_some(())?;
    clock(hour, minute, second)
}

fn clock(hour: u64, minute: u64, second: u64) -> Option<u64> {
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
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
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::Moment;

    #[test]
    fn all_forms_name_the_same_moment() {
        let tryton = r#"{"__class__":"datetime","year":2026,"month":11,"day":23,"hour":15,"minute":38,"second":21,"microsecond":24901}"#;
        let moment = Moment::from_tryton(tryton).unwrap();
        assert_eq!(moment.to_string(), "2026-11-23T15:38:21.024901Z");
        assert_eq!(Moment::from_tryton(&moment.to_tryton().to_string()), Some(moment));
        assert_eq!(serde_json::from_str::<Moment>("\"2026-11-23T15:38:21.024901Z\"").unwrap(), moment);
        assert_eq!(Moment::from_http("Mon, 23 Nov 2026 15:38:21 GMT"), Some(Moment::from_seconds(1_795_448_301)));
        assert_eq!(Moment::from_seconds(1_795_448_301).after(2).before(1).to_string(), "2026-11-23T15:38:22.000000Z");
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in ["{}", "[]", r#"{"year":2026,"month":13,"day":1}"#, r#"{"year":2026,"month":1,"day":1,"microsecond":1000000}"#, ""] {
            assert_eq!(Moment::from_tryton(text), None, "{text}");
        }
        for text in ["yesterday", "2026-11-23", "2026-11-23T15:38:21Z", "2026-11-23T15:38:21.1Z", "1969-01-01T00:00:00.000000Z"] {
            assert!(serde_json::from_str::<Moment>(&format!("\"{text}\"")).is_err(), "{text}");
        }
        for text in ["", "Mon", "Mon, 23 Nov 2026 15:38:21 CET", "Mon, 23 Foo 2026 15:38:21 GMT"] {
            assert_eq!(Moment::from_http(text), None, "{text}");
        }
    }
}
