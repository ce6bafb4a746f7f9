//! The times of a schedule, right on the days on which a zone changes its clock.
//!
//! The `cron` crate is asked in a fixed offset only, one stretch between two changes at a time: across a change it goes back or leaves out times.

use std::str::FromStr;

use chrono::{DateTime, Datelike, FixedOffset, LocalResult, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::manifest::Schedule;

/// The crate knows no later one.
const LAST_YEAR: i32 = 2100;

/// A schedule, ready to be asked.
///
/// Two kinds, told apart by the hour field. Hours that are listed one by one (`30 2 * * *`) mean times of the day: each comes exactly once a day.
/// Where the clock is put forward over it, it comes at the first moment after the gap; where the clock is put back, on the first pass. Anything else
/// (`*`, a range, a step) means an interval: what the gap swallows is left out, and both passes of a repeated hour count.
#[derive(Clone, Debug)]
pub struct Times {
    expression: cron::Schedule,
    zone: Tz,
    of_the_day: bool,
}

impl Times {
    /// None if the schedule was not made by the manifest's reader.
    #[must_use]
    pub fn new(schedule: &Schedule) -> Option<Self> {
        let hours = schedule.expression.split_whitespace().nth(2)?;
        Some(Self {
            expression: cron::Schedule::from_str(&schedule.expression).ok()?,
            zone: Tz::from_str(&schedule.zone).ok()?,
            of_the_day: !hours.contains(['*', '?', '-', '/']),
        })
    }

    /// The first time after a moment; always later than it. None: there is no other before the year 2101.
    #[must_use]
    pub fn next_after(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if moment.year() > LAST_YEAR {
            return None;
        }
        let mut from = DateTime::from_timestamp(moment.timestamp().max(0), 0)?;
        loop {
            let offset = self.offset(from);
            let candidate = self.in_offset(from, offset)?;
            let Some(change) = self.change(from, candidate) else {
                if self.is_repeated(candidate) {
                    from = candidate;
                    continue;
                }
                return Some(candidate);
            };
            let forward = TimeDelta::seconds(i64::from(self.offset(change).local_minus_utc() - offset.local_minus_utc()));
            if self.of_the_day && candidate < change + forward {
                return Some(change);
            }
            // A time at the moment of the change is one of the new offset.
            from = change - TimeDelta::seconds(1);
            let first = self.in_offset(from, self.offset(change))?;
            if first == change && !self.is_repeated(first) {
                return Some(first);
            }
            from = change;
        }
    }

    fn in_offset(&self, from: DateTime<Utc>, offset: FixedOffset) -> Option<DateTime<Utc>> {
        self.expression.after(&from.with_timezone(&offset)).next().map(|time| time.to_utc())
    }

    fn offset(&self, moment: DateTime<Utc>) -> FixedOffset {
        self.zone.offset_from_utc_datetime(&moment.naive_utc()).fix()
    }

    /// A time of the day that the clock already showed once on that day.
    fn is_repeated(&self, moment: DateTime<Utc>) -> bool {
        let local = moment.with_timezone(&self.zone).naive_local();
        self.of_the_day && matches!(self.zone.from_local_datetime(&local), LocalResult::Ambiguous(first, _) if first < moment)
    }

    /// The first moment after `from` and not after `until` that has another offset than `from`. No zone changed twice within a day.
    pub(super) fn change(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let offset = self.offset(from);
        let mut before = from;
        while before < until {
            let after = until.min(before + TimeDelta::days(1));
            if self.offset(after) != offset {
                return Some(self.bisect(before, after, offset));
            }
            before = after;
        }
        None
    }

    fn bisect(&self, mut before: DateTime<Utc>, mut after: DateTime<Utc>, offset: FixedOffset) -> DateTime<Utc> {
        while after - before > TimeDelta::seconds(1) {
            let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
            if self.offset(middle) == offset { before = middle } else { after = middle }
        }
        after
    }
}
