//! Moments in Tryton's form (an object of parts), in HTTP's and in ISO 8601, as microseconds since 1970. UTC only: so Tryton stores them.

use std::fmt;

use hub_sdk::dates::{self, DAY_SECONDS, clock, clock_seconds, date_days, date_of, days};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const SECOND: u64 = 1_000_000;

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
        dates::from_http(text).map(Self::from_seconds)
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
    (fraction.len() == 6).then_some(())?;
    let fraction: u64 = fraction.parse().ok().filter(|fraction| *fraction < SECOND)?;
    Some(Moment((date_days(date)? * DAY_SECONDS + clock_seconds(time)?) * SECOND + fraction))
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
