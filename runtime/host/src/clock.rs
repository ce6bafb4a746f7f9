//! The only place that asks the operating system for the time, and that waits for a guest. Everything else takes the time as an argument.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use hub_core::date::Date;
use hub_core::manifest::Manifest;

/// Milliseconds since 1970-01-01T00:00:00Z by the machine's clock.
#[must_use]
pub fn now_ms() -> u64 {
    now_us() / 1000
}

/// By how many milliseconds a moment is in the future, if it is more than clocks differ anyway.
#[must_use]
pub fn ahead_ms(moment_ms: u64) -> Option<u64> {
    moment_ms.checked_sub(now_ms()).filter(|ahead| *ahead > 2_000)
}

fn now_us() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// The time as guests and credentials see it. A replay stands still and does not wait.
pub trait Clock: Send + Sync {
    /// Microseconds since 1970-01-01T00:00:00Z.
    fn now_us(&self) -> u64;
    /// Waits.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// The day at a moment in a zone; in UTC for none that is known.
#[must_use]
pub fn day(now_us: u64, zone: Option<&str>) -> Date {
    let seconds = i64::try_from(now_us / 1_000_000).unwrap_or(i64::MAX);
    let utc = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    let zone = zone.and_then(|zone| zone.parse::<chrono_tz::Tz>().ok()).unwrap_or(chrono_tz::UTC);
    utc.with_timezone(&zone).date_naive().into()
}

/// The moment at which a day begins in a zone, in milliseconds since 1970. A day before that begins with it.
#[must_use]
pub fn start_of(day: Date, zone: Option<&str>) -> u64 {
    use chrono::TimeZone as _;
    let zone = zone.and_then(|zone| zone.parse::<chrono_tz::Tz>().ok()).unwrap_or(chrono_tz::UTC);
    let midnight = chrono::NaiveDate::from_ymd_opt(day.year(), day.month(), day.day()).and_then(|day| day.and_hms_opt(0, 0, 0));
    // Where the clock is put forward at midnight there is no such moment; one hour later there is.
    let moment = midnight.and_then(|start| {
        let later = start + chrono::TimeDelta::hours(1);
        zone.from_local_datetime(&start).earliest().or_else(|| zone.from_local_datetime(&later).earliest())
    });
    moment.map_or(0, |moment| u64::try_from(moment.timestamp_millis()).unwrap_or(0))
}

/// Today by the machine's clock in the operator's zone.
#[must_use]
pub fn today(manifest: &Manifest) -> Date {
    day_by(&SystemClock, manifest)
}

/// The day by a clock in the operator's zone.
#[must_use]
pub fn day_by(clock: &dyn Clock, manifest: &Manifest) -> Date {
    day(clock.now_us(), zone(manifest))
}

/// The zone in which the operator counts days.
#[must_use]
pub fn zone(manifest: &Manifest) -> Option<&str> {
    manifest.operator.timezone.as_ref().map(|zone| zone.value.as_str())
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> u64 {
        now_us()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}
