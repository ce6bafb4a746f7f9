//! When a flow runs, and what becomes of times at which it could not.

use std::fmt;

use super::words::words;
use crate::problem::{Span, Spanned};

/// `schedule = "0 3 * * *"` or `"0 3 * * * Europe/Berlin"`: five or six cron fields (seconds first) and a zone (UTC if absent).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Schedule {
    /// The cron expression in the `cron` crate's form (with seconds).
    pub expression: String,
    /// IANA zone name.
    pub zone: String,
}

/// What a flow says about its schedule.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    /// A time that comes while the flow still runs; absent = skip.
    pub overlap: Option<Spanned<Overlap>>,
    /// Times that passed while hub could not run it; absent = run-once.
    pub misfire: Option<Spanned<Misfire>>,
    /// By how much a run may begin later than planned; absent = not at all.
    pub jitter: Option<Spanned<Delay>>,
    /// How often a run that failed for a passing reason is tried again; absent = 3.
    pub retries: Option<Spanned<u64>>,
}

/// Hours, minutes and seconds, together more than nothing and at most a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Delay {
    /// All of it in seconds.
    pub seconds: u32,
}

impl Delay {
    /// Reads `PT5M`, `PT1H30M`, `PT45S`: hours, minutes, seconds, each at most once, in this order. None for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix("PT").filter(|rest| !rest.is_empty())?;
        let mut seconds: u32 = 0;
        for (unit, worth) in [('H', 3600), ('M', 60), ('S', 1)] {
            let digits = rest.len() - rest.trim_start_matches(|character: char| character.is_ascii_digit()).len();
            let (number, tail) = rest.split_at(digits);
            if let Some(tail) = tail.strip_prefix(unit) {
                seconds = seconds.checked_add(number.parse::<u32>().ok()?.checked_mul(worth)?)?;
                rest = tail;
            }
        }
        (rest.is_empty() && (1..=86_400).contains(&seconds)).then_some(Self { seconds })
    }
}

/// `PT1H30M`; parts that are zero are left out.
impl fmt::Display for Delay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PT")?;
        for (number, unit) in [(self.seconds / 3600, 'H'), (self.seconds / 60 % 60, 'M'), (self.seconds % 60, 'S')] {
            if number > 0 {
                write!(out, "{number}{unit}")?;
            }
        }
        Ok(())
    }
}

/// How often something is done at most: hours, minutes and seconds up to a day, or whole days up to a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rhythm {
    /// All of it in seconds.
    pub seconds: u32,
}

impl Rhythm {
    const DAY: u32 = 86_400;
    const MOST_DAYS: u32 = 366;

    /// Reads `P1D` or a [`Delay`]. None for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(delay) = Delay::parse(text) {
            return Some(Self { seconds: delay.seconds });
        }
        let digits = text.strip_prefix('P')?.strip_suffix('D')?;
        let days: u32 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
        (1..=Self::MOST_DAYS).contains(&days).then(|| Self { seconds: days * Self::DAY })
    }
}

/// `P1D`, `PT6H`.
impl fmt::Display for Rhythm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.seconds.is_multiple_of(Self::DAY) {
            write!(out, "P{}D", self.seconds / Self::DAY)
        } else {
            Delay { seconds: self.seconds }.fmt(out)
        }
    }
}

/// `maintenance = [{ from, to, days, zone }]`: hours in which no scheduled run begins.
#[derive(Clone, Debug)]
pub struct Maintenance {
    /// Where the table stands.
    pub span: Span,
    /// When it begins.
    pub from: Spanned<TimeOfDay>,
    /// When it ends; not later than `from` = on the next day.
    pub to: Spanned<TimeOfDay>,
    /// Days on which it begins; none = every day.
    pub days: Vec<Spanned<DayOfWeek>>,
    /// IANA zone name; absent = the operator's.
    pub zone: Option<Spanned<String>>,
}

/// Hour and minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    /// Minutes since midnight, at most 1439.
    pub minutes: u16,
}

impl TimeOfDay {
    /// Reads `22:00`. None if it is written otherwise or if there is no such time.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let number = |digits: &str, least_too_many: u16| {
            let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse::<u16>().ok()).flatten().filter(|number| *number < least_too_many)
        };
        Some(Self { minutes: number(hour, 24)? * 60 + number(minute, 60)? })
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

words! {
    /// What becomes of a time that comes while the flow still runs.
    Overlap {
        /// It is left out.
        Skip = "skip",
        /// It waits for the end of the run; `misfire` then says what is made up for.
        Queue = "queue",
    }

    /// What becomes of times that passed while the flow could not run.
    Misfire {
        /// One run stands for all of them.
        RunOnce = "run-once",
        /// They are left out.
        Skip = "skip",
        /// Each is made up for, one after the other.
        All = "all",
    }

    /// A day of the week.
    DayOfWeek {
        /// Monday.
        Monday = "mon",
        /// Tuesday.
        Tuesday = "tue",
        /// Wednesday.
        Wednesday = "wed",
        /// Thursday.
        Thursday = "thu",
        /// Friday.
        Friday = "fri",
        /// Saturday.
        Saturday = "sat",
        /// Sunday.
        Sunday = "sun",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn delays_are_read_and_written() {
        for good in ["PT5M", "PT1H30M", "PT45S", "PT1H1M1S", "PT24H"] {
            assert_eq!(Delay::parse(good).unwrap().to_string(), good);
        }
        assert_eq!(Delay::parse("PT90M").unwrap().to_string(), "PT1H30M");
        for bad in ["", "PT", "P1D", "5M", "PT0S", "PT25H", "PT1M1H", "PT1", "PTM", "PT99999999999S", "pt5m", "PT5M ", "PT4294967295H"] {
            assert_eq!(Delay::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn rhythms_are_read_and_written() {
        for good in ["PT10M", "PT1H30M", "P1D", "P7D", "P366D"] {
            assert_eq!(Rhythm::parse(good).unwrap().to_string(), good);
        }
        assert_eq!(Rhythm::parse("PT24H").unwrap().to_string(), "P1D");
        for bad in ["", "P", "PD", "P0D", "P367D", "P+1D", "P1M", "P1Y", "P1DT1H", "PT0S", "P99999999999D", "p1d", "P1D "] {
            assert_eq!(Rhythm::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_of_the_day_are_read_and_written() {
        for good in ["00:00", "23:59", "02:30"] {
            assert_eq!(TimeOfDay::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "24:00", "2:30", "02:60", "02.30", "02:30:00", "+2:30", "٠٢:٣٠"] {
            assert_eq!(TimeOfDay::parse(bad), None, "{bad}");
        }
    }
}

/// So many requests in a second, a minute or an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate {
    /// How many: 1 to 1,000,000.
    pub count: std::num::NonZeroU32,
    /// `s`, `m` or `h`.
    pub unit: char,
}

impl Rate {
    const MOST: u32 = 1_000_000;

    /// Reads `10/s`. None for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let count = is_number.then(|| count.parse::<u32>().ok()).flatten().filter(|count| *count <= Self::MOST)?;
        let unit = match unit {
            "s" => 's',
            "m" => 'm',
            "h" => 'h',
            _ => return None,
        };
        Some(Self { count: count.try_into().ok()?, unit })
    }

    /// Seconds of the unit.
    #[must_use]
    pub fn seconds(self) -> u32 {
        match self.unit {
            's' => 1,
            'm' => 60,
            _ => 3600,
        }
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.count, self.unit)
    }
}
