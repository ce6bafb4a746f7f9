//! Hours in which nothing begins.

use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

use crate::manifest::{DayOfWeek, Maintenance, Manifest, TimeOfDay};

/// Windows that follow each other without a gap are one; a chain longer than this is looked at again at its end.
const LONGEST_CHAIN: usize = 64;

/// The maintenance windows of a manifest, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Windows(Vec<Window>);

#[derive(Clone, Debug)]
struct Window {
    from: TimeOfDay,
    to: TimeOfDay,
    /// Empty = every day.
    days: Vec<Weekday>,
    zone: Tz,
}

impl Windows {
    /// Those of a manifest, in the operator's zone where they name none.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        let operator = manifest.operator.timezone.as_ref();
        let window = |written: &Maintenance| Window {
            from: written.from.value,
            to: written.to.value,
            days: written.days.iter().map(|day| weekday(day.value)).collect(),
            zone: written.zone.as_ref().or(operator).and_then(|zone| Tz::from_str(&zone.value).ok()).unwrap_or(Tz::UTC),
        };
        Self(manifest.maintenance.iter().map(window).collect())
    }

    /// When the window ends that is open at a moment; none if none is.
    #[must_use]
    pub fn closed_until(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let end = |moment| self.0.iter().filter_map(|window| window.end(moment)).max();
        std::iter::successors(end(moment), |last| end(*last)).take(LONGEST_CHAIN).last()
    }
}

impl Window {
    fn end(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let today = moment.with_timezone(&self.zone).date_naive();
        // It may have begun yesterday and go on over midnight.
        [today.pred_opt(), Some(today)].into_iter().flatten().find_map(|day| {
            let last = if self.to <= self.from { day.checked_add_days(Days::new(1))? } else { day };
            let (start, end) = (self.moment(day, self.from)?, self.moment(last, self.to)?);
            let is_open = (self.days.is_empty() || self.days.contains(&day.weekday())) && start <= moment && moment < end;
            is_open.then_some(end)
        })
    }

    /// The first moment with this reading of the clock; where the clock was put forward over it, as if it had not been.
    fn moment(&self, day: NaiveDate, time: TimeOfDay) -> Option<DateTime<Utc>> {
        let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(time.minutes) * 60, 0)?;
        let local = day.and_time(time);
        let found = self.zone.from_local_datetime(&local).earliest().or_else(|| {
            let hours = TimeDelta::hours(3);
            self.zone.from_local_datetime(&(local - hours)).latest().map(|before| before + hours)
        });
        found.map(|moment| moment.to_utc())
    }
}

fn weekday(day: DayOfWeek) -> Weekday {
    match day {
        DayOfWeek::Monday => Weekday::Mon,
        DayOfWeek::Tuesday => Weekday::Tue,
        DayOfWeek::Wednesday => Weekday::Wed,
        DayOfWeek::Thursday => Weekday::Thu,
        DayOfWeek::Friday => Weekday::Fri,
        DayOfWeek::Saturday => Weekday::Sat,
        DayOfWeek::Sunday => Weekday::Sun,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn window(from: &str, to: &str, days: &[Weekday]) -> Window {
        let time = |text| TimeOfDay::parse(text).unwrap();
        Window { from: time(from), to: time(to), days: days.to_vec(), zone: Tz::Europe__Berlin }
    }

    fn shown(windows: &[Window], local: &str) -> String {
        let local = chrono::NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").unwrap();
        let moment = Tz::Europe__Berlin.from_local_datetime(&local).latest().unwrap().to_utc();
        let until = Windows(windows.to_vec()).closed_until(moment);
        until.map_or_else(String::new, |until| until.with_timezone(&Tz::Europe__Berlin).format("%d. %H:%M %z").to_string())
    }

    #[test]
    fn a_window_belongs_to_the_day_on_which_it_begins() {
        // 2026-11-28 is a Saturday.
        let night = [window("22:00", "02:00", &[Weekday::Sat])];
        assert_eq!(shown(&night, "2026-11-28 21:59"), "");
        assert_eq!(shown(&night, "2026-11-28 22:00"), "29. 02:00 +0100");
        assert_eq!(shown(&night, "2026-11-29 01:59"), "29. 02:00 +0100");
        assert_eq!(shown(&night, "2026-11-29 02:00"), "");
        assert_eq!(shown(&night, "2026-11-29 22:30"), "");
        assert_eq!(shown(&night, "2026-11-28 01:00"), "");
        assert_eq!(shown(&[window("12:00", "12:30", &[])], "2026-11-28 12:10"), "28. 12:30 +0100");
        assert_eq!(shown(&[], "2026-11-28 12:10"), "");
    }

    #[test]
    fn windows_that_touch_are_one_and_a_window_without_end_ends_for_now() {
        let two = [window("22:00", "00:00", &[]), window("00:00", "03:00", &[]), window("02:30", "04:00", &[])];
        assert_eq!(shown(&two, "2026-11-28 23:00"), "29. 04:00 +0100");
        let always = [window("00:00", "12:00", &[]), window("12:00", "00:00", &[])];
        assert_ne!(shown(&always, "2026-11-28 23:00"), "");
    }

    #[test]
    fn a_window_across_a_change_of_the_clock_keeps_its_reading() {
        let night = [window("01:00", "04:00", &[])];
        assert_eq!(shown(&night, "2026-03-29 01:30"), "29. 04:00 +0200");
        assert_eq!(shown(&night, "2026-10-25 02:30"), "25. 04:00 +0100");
        assert_eq!(shown(&[window("02:30", "04:00", &[])], "2026-03-29 03:10"), "");
        assert_eq!(shown(&[window("02:30", "04:00", &[])], "2026-03-29 03:30"), "29. 04:00 +0200");
    }
}
