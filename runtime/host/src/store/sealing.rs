//! Numbers, dates and chains audit entries. The one place where a draft becomes bytes; writes nothing.

use std::sync::OnceLock;
use std::time::Instant;

use hub_core::audit::tree::{Frontier, Hash, leaf_hash};
use hub_core::audit::{Draft, Kind, LIMIT, TreeHead};

use super::StoreError;

/// Difference between wall clock and monotonic clock, in milliseconds, from which on it is a step.
const STEP_MS: u64 = 2_000;

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970 by the wall clock, which may jump.
    pub wall_ms: u64,
    /// Milliseconds by a clock that only goes forward.
    pub monotonic_ms: u64,
}

impl Moment {
    /// Reads the clocks of the machine.
    #[must_use]
    pub fn now() -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        let since = START.get_or_init(Instant::now).elapsed();
        Self { wall_ms: crate::clock::now_ms(), monotonic_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
    }
}

/// An entry ready to be stored.
pub(super) struct Sealed {
    pub seq: u64,
    pub bytes: Vec<u8>,
    /// The hashes to keep under its number, one after the other.
    pub hashes: Vec<u8>,
}

/// The end of the log, from which it grows.
#[derive(Clone)]
pub(super) struct Sealer {
    frontier: Frontier,
    previous: Hash,
    /// Time of the last entry: the next is never earlier.
    last_ms: u64,
    /// The clocks when the last entry of this process was written.
    last_moment: Option<Moment>,
}

impl Sealer {
    pub fn new(frontier: Frontier, previous: Hash, last_ms: u64) -> Self {
        Self { frontier, previous, last_ms, last_moment: None }
    }

    pub fn head(&self) -> TreeHead {
        self.frontier.head()
    }

    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub fn last_ms(&self) -> u64 {
        self.last_ms
    }

    /// Seals drafts in their order. After an error the sealer is used up: the caller works on a clone.
    pub fn seal(&mut self, drafts: &[Draft], now: Moment) -> Result<Vec<Sealed>, StoreError> {
        let mut sealed = Vec::with_capacity(drafts.len());
        if drafts.is_empty() {
            return Ok(sealed);
        }
        if let Some(step) = self.step(now) {
            sealed.push(self.seal_one(&Draft::new(Kind::ClockStep).detail(step))?);
        }
        for draft in drafts {
            sealed.push(self.seal_one(draft)?);
        }
        Ok(sealed)
    }

    /// By how much the wall clock moved against the monotonic one since the last entry, if that is a step. Sets the time of the next entry. For the first
    /// entry of a process there is no monotonic clock to compare with: only a clock that is behind the newest entry is known to have been put back.
    fn step(&mut self, now: Moment) -> Option<String> {
        let before = self.last_moment.replace(now);
        let behind = self.last_ms.saturating_sub(now.wall_ms);
        self.last_ms = self.last_ms.max(now.wall_ms);
        let Some(before) = before else {
            return (behind > STEP_MS).then(|| format!("the wall clock is {behind} ms behind the newest entry"));
        };
        let wall = i128::from(now.wall_ms) - i128::from(before.wall_ms);
        let monotonic = i128::from(now.monotonic_ms) - i128::from(before.monotonic_ms);
        let step = wall - monotonic;
        (step.unsigned_abs() > u128::from(STEP_MS)).then(|| format!("the wall clock moved by {step} ms"))
    }

    fn seal_one(&mut self, draft: &Draft) -> Result<Sealed, StoreError> {
        let seq = self.frontier.size();
        let bytes =
            draft.seal(seq, self.last_ms, &self.previous).map_err(|_| StoreError::TooLarge { what: "an audit entry", limit: LIMIT })?;
        self.previous = leaf_hash(&bytes);
        let hashes = self.frontier.push(self.previous).concat();
        Ok(Sealed { seq, bytes, hashes })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn kinds(sealed: &[Sealed]) -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let values = sealed.iter().map(|one| serde_json::from_slice::<serde_json::Value>(&one.bytes).unwrap());
        values.map(|value| (text(&value["kind"]), text(&value["ts"])[11..19].to_owned())).collect()
    }

    #[test]
    fn a_clock_put_back_between_two_processes_is_on_record() {
        let first = |last_ms, wall_ms| {
            let mut sealer = Sealer::new(Frontier::default(), [0; 32], last_ms);
            let mut seal = |monotonic_ms| {
                let now = Moment { wall_ms: wall_ms + monotonic_ms, monotonic_ms };
                kinds(&sealer.seal(&[Draft::new(Kind::HubStart)], now).unwrap())
            };
            let (first, next) = (seal(0), seal(1_000));
            assert_eq!(next.len(), 1, "it is told once");
            first
        };
        let start = ("hub.start".to_owned(), "01:00:00".to_owned());
        assert_eq!(first(3_600_000, 60_000), [("clock.step".to_owned(), "01:00:00".to_owned()), start.clone()]);
        assert_eq!(first(3_600_000, 3_599_000).len(), 1, "a little is how clocks are");
        assert_eq!(first(0, 3_600_000), [start]);
    }

    #[test]
    fn time_never_goes_back_and_a_step_is_on_record() {
        let mut sealer = Sealer::new(Frontier::default(), [0; 32], 0);
        let mut seal =
            |wall_ms, monotonic_ms| kinds(&sealer.seal(&[Draft::new(Kind::HubStart)], Moment { wall_ms, monotonic_ms }).unwrap());
        let entry = |kind: &str, time: &str| (kind.to_owned(), time.to_owned());
        assert_eq!(seal(3_600_000, 0), [entry("hub.start", "01:00:00")]);
        assert_eq!(seal(3_601_000, 1_000), [entry("hub.start", "01:00:01")]);
        assert_eq!(seal(1_000, 2_000), [entry("clock.step", "01:00:01"), entry("hub.start", "01:00:01")]);
        assert_eq!(seal(7_200_000, 3_000), [entry("clock.step", "02:00:00"), entry("hub.start", "02:00:00")]);
    }
}
