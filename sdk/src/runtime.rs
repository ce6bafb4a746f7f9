//! Log, clock, waiting, entropy, and the host's wish to end.

use std::time::Duration;

use crate::host;

/// The most that one call to the host waits.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// Severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the connector's author.
    Debug,
    /// Progress.
    Info,
    /// Something is odd, the run goes on.
    Warn,
    /// Something went wrong.
    Error,
}

/// Writes a log line (8 KiB and 1,000 lines a run are kept). Never a value of a record.
pub fn log(level: Level, message: &str) {
    host::log(level, message);
}

/// A log line of level [`Level::Info`].
pub fn info(message: &str) {
    log(Level::Info, message);
}

/// A log line of level [`Level::Warn`].
pub fn warn(message: &str) {
    log(Level::Warn, message);
}

/// Wall clock: time since 1970-01-01T00:00:00Z, in microseconds.
#[must_use]
pub fn now() -> Duration {
    Duration::from_micros(host::now_us())
}

/// Waits; ends early once the host wants the run to end, which [`cancelled`] then tells.
pub fn sleep(time: Duration) {
    let mut rest = time;
    while !rest.is_zero() && !cancelled() {
        let step = rest.min(LONGEST_SLEEP);
        // A part of a millisecond counts as a whole one.
        host::sleep_ms(u32::try_from(step.as_micros().div_ceil(1000)).unwrap_or(u32::MAX));
        rest -= step;
    }
}

/// Time since the run began; never goes back.
#[must_use]
pub fn elapsed() -> Duration {
    Duration::from_nanos(host::monotonic_ns())
}

/// Random bytes from the host, as many as asked for.
#[must_use]
pub fn random(count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count);
    while bytes.len() < count {
        let wanted = u32::try_from(count - bytes.len()).unwrap_or(u32::MAX);
        let more = host::random(wanted);
        if more.is_empty() {
            break;
        }
        bytes.extend_from_slice(&more);
    }
    bytes
}

/// True once the host wants the run to end. [`crate::Output::checkpoint`] asks by itself.
#[must_use]
pub fn cancelled() -> bool {
    host::cancelled()
}
