//! `runtime`: clock, waiting, entropy, log and the wish to end. Needs no grant: none of it leads anywhere.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::run::Run;

const MAX_LINE_BYTES: usize = 8 << 10;
const MAX_LINES: u32 = 1000;
const MAX_RANDOM_BYTES: u32 = 4096;
const MAX_SLEEP: Duration = Duration::from_secs(3600);
/// How soon a waiting guest notices that the run is to end.
const NOTICE: Duration = Duration::from_millis(100);

/// Severity of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For the author of the connector.
    Debug,
    /// Progress.
    Info,
    /// Something to look at.
    Warn,
    /// Something failed.
    Error,
}

/// Writes a line of the guest to the host's log; possibly personal data, so it goes nowhere else.
pub fn log(run: &Run, level: Level, message: &str) {
    let lines = run.log_lines.fetch_add(1, Ordering::Relaxed);
    let connector = &*run.connector;
    if lines == MAX_LINES {
        tracing::warn!(target: "connector", connector, "further lines of this run are left out");
    }
    if lines >= MAX_LINES {
        // Keeps the counter from wrapping around.
        run.log_lines.store(MAX_LINES + 1, Ordering::Relaxed);
        return;
    }
    let line = clean(message, MAX_LINE_BYTES);
    match level {
        Level::Debug => tracing::debug!(target: "connector", connector, "{line}"),
        Level::Info => tracing::info!(target: "connector", connector, "{line}"),
        Level::Warn => tracing::warn!(target: "connector", connector, "{line}"),
        Level::Error => tracing::error!(target: "connector", connector, "{line}"),
    }
}

/// A text of a guest as it may be shown: cut, and without characters that move a terminal's cursor or turn its text around.
#[must_use]
pub fn clean(text: &str, limit: usize) -> String {
    let cut = &text[..text.floor_char_boundary(limit)];
    cut.chars().map(|letter| if is_control(letter) { ' ' } else { letter }).collect::<String>().trim().to_owned()
}

fn is_control(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Milliseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn now_ms(run: &Run) -> u64 {
    run.clock.now_us() / 1000
}

/// Microseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn now_us(run: &Run) -> u64 {
    run.clock.now_us()
}

/// Waits, at most an hour, and no longer than the run is to go on.
pub async fn sleep_ms(run: &Run, milliseconds: u32) {
    if cancelled(run) {
        return;
    }
    let wait = run.clock.sleep(Duration::from_millis(u64::from(milliseconds)).min(MAX_SLEEP));
    tokio::select! {
        biased;
        () = wait => {}
        () = end_of(run) => {}
    }
}

async fn end_of(run: &Run) {
    while !cancelled(run) {
        tokio::time::sleep(NOTICE).await;
    }
}

/// Nanoseconds since the run began.
#[must_use]
pub fn monotonic_ns(run: &Run) -> u64 {
    u64::try_from(run.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Random bytes, at most 4096.
///
/// # Errors
/// The operating system gave none.
pub fn random(length: u32) -> Result<Vec<u8>, getrandom::Error> {
    let mut bytes = vec![0; length.min(MAX_RANDOM_BYTES) as usize];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// True once the run is to end.
#[must_use]
pub fn cancelled(run: &Run) -> bool {
    run.refusal().is_some() || run.cancelled.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    use super::{clean, now_ms, now_us, random, sleep_ms};
    use crate::clock::SystemClock;
    use crate::tests::{Still, world};

    #[tokio::test]
    async fn time_is_the_clocks() {
        let still = Arc::new(Still::at(1_767_225_600_123_456));
        let mut run = world("").run();
        run.clock = Arc::clone(&still) as _;
        sleep_ms(&run, 1500).await;
        sleep_ms(&run, u32::MAX).await;
        assert_eq!(still.sleeps(), [Duration::from_millis(1500), Duration::from_secs(3600)], "an hour is the most");
        assert_eq!((now_us(&run), now_ms(&run)), (1_767_225_600_123_456, 1_767_225_600_123));
    }

    #[tokio::test]
    async fn nobody_sleeps_beyond_the_end_of_a_run() {
        let began = Instant::now();
        let mut run = world("").run();
        run.clock = Arc::new(SystemClock);
        let end = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            run.cancelled.store(true, Ordering::Relaxed);
        };
        tokio::join!(sleep_ms(&run, 600_000), end);
        sleep_ms(&run, 600_000).await;
        assert!(began.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn lines_cannot_drive_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mred\nnext\u{202e}\r", 100), "a [31mred next");
        assert_eq!(clean("äöü", 3), "ä");
        assert_eq!(clean("", 3), "");
    }

    #[test]
    fn random_is_cut_to_its_limit() {
        assert_eq!(random(0).map(|bytes| bytes.len()), Ok(0));
        assert_eq!(random(u32::MAX).map(|bytes| bytes.len()), Ok(4096));
        assert_ne!(random(32), random(32));
    }
}
