//! `runtime`: clock, entropy, log and the wish to end. Needs no grant: none of it leads anywhere.

use std::sync::atomic::Ordering;

use super::run::Run;

const MAX_LINE_BYTES: usize = 8 << 10;
const MAX_LINES: u32 = 1000;
const MAX_RANDOM_BYTES: u32 = 4096;

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
pub fn now_ms() -> u64 {
    crate::clock::now_ms()
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
    use super::{clean, random};

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
