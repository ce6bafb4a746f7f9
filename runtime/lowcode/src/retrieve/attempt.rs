//! How often a request is tried and how long is waited in between: three counters, one in another, as the reference nests its retry loops.

/// The reference gives up after so many seconds, however many tries are left.
const MAXIMUM_SECONDS: f64 = 600.0;

/// Why a request is to be tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Again {
    /// After the time that a strategy gave.
    Given(f64),
    /// The API is asked too often, and no strategy gave a time.
    RateLimited,
    /// Any other failure that may pass.
    Failed,
}

/// The tries of one request.
#[derive(Clone, Debug)]
pub struct Attempts {
    maximum: u32,
    sent: u32,
    /// Whether a rejected credential was renewed; none before it was tried.
    pub renewed: Option<bool>,
    given: Counter,
    limited: Counter,
    failed: Counter,
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    tries: u32,
    since: i64,
}

impl Counter {
    fn new(now: i64) -> Self {
        Self { tries: 0, since: now }
    }

    fn elapsed(self, now: i64) -> f64 {
        now.saturating_sub(self.since) as f64 / 1e6
    }
}

impl Attempts {
    /// Before the first try.
    #[must_use]
    pub fn new(max_retries: i64, now: i64) -> Self {
        let maximum = u32::try_from(max_retries.max(0)).unwrap_or(u32::MAX).saturating_add(1);
        Self { maximum, sent: 0, renewed: None, given: Counter::new(now), limited: Counter::new(now), failed: Counter::new(now) }
    }

    /// Counts a try.
    pub fn begin(&mut self) {
        self.sent = self.sent.saturating_add(1);
    }

    /// How often the request was sent.
    #[must_use]
    pub fn sent(&self) -> u32 {
        self.sent
    }

    /// Seconds to wait before the next try; none if that was the last.
    pub fn wait(&mut self, again: Again, now: i64) -> Option<f64> {
        match again {
            Again::Given(seconds) => {
                self.given.tries += 1;
                if self.given.tries >= self.maximum || self.given.elapsed(now) >= MAXIMUM_SECONDS {
                    return None;
                }
                Some((seconds + 1.0).max(0.0))
            }
            Again::RateLimited => {
                self.given = Counter::new(now);
                self.limited.tries += 1;
                (self.limited.tries < self.maximum).then(|| power(self.limited.tries))
            }
            Again::Failed => {
                self.given = Counter::new(now);
                self.limited = Counter::new(now);
                self.failed.tries += 1;
                let left = MAXIMUM_SECONDS - self.failed.elapsed(now);
                (self.failed.tries < self.maximum && left > 0.0).then(|| power(self.failed.tries).min(left))
            }
        }
    }
}

fn power(tries: u32) -> f64 {
    f64::from(2u32.saturating_pow(tries.saturating_sub(1).min(31)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_nested_loops() {
        let mut attempts = Attempts::new(5, 0);
        let waits: Vec<_> = (0..6).map(|_| attempts.wait(Again::Failed, 0)).collect();
        assert_eq!(waits, [Some(1.0), Some(2.0), Some(4.0), Some(8.0), Some(16.0), None]);
        let mut attempts = Attempts::new(5, 0);
        assert_eq!(attempts.wait(Again::RateLimited, 0), Some(1.0));
        assert_eq!(attempts.wait(Again::RateLimited, 0), Some(2.0));
        assert_eq!(attempts.wait(Again::Failed, 0), Some(1.0));
        assert_eq!(attempts.wait(Again::RateLimited, 0), Some(1.0));
        assert_eq!(Attempts::new(0, 0).wait(Again::Given(3.0), 0), None);
        assert_eq!(Attempts::new(1, 0).wait(Again::Given(3.0), 0), Some(4.0));
        assert_eq!(Attempts::new(5, 0).wait(Again::Failed, 601_000_000), None);
    }
}
