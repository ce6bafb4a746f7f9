//! A system that fails again and again is left alone for a while, then tried with one run.

use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row that end trying.
const FAILURES: u32 = 5;
/// The first pause; doubled each time the trial fails.
const FIRST: TimeDelta = TimeDelta::minutes(5);
const LONGEST: TimeDelta = TimeDelta::hours(1);
/// How often a flow asks whether the trial has ended.
const DURING_TRIAL: TimeDelta = TimeDelta::seconds(5);

/// What is known of one system.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    closed_until: Option<DateTime<Utc>>,
    on_trial: bool,
}

impl Breaker {
    /// Until when no run may use the system; none if one may.
    pub(super) fn closed_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let until = self.closed_until?;
        if now < until { Some(until) } else { self.on_trial.then(|| now + DURING_TRIAL) }
    }

    /// It failed again and again, and did not work since.
    pub(super) fn is_tripped(&self) -> bool {
        self.closed_until.is_some()
    }

    /// A run that uses it begins: the first one after a pause is the trial.
    pub(super) fn begins(&mut self) {
        self.on_trial = self.closed_until.is_some();
    }

    /// A run that used it ended for another reason than this system.
    pub(super) fn undecided(&mut self) {
        self.on_trial = false;
    }

    /// It works.
    pub(super) fn works(&mut self) {
        *self = Self::default();
    }

    /// It failed for a passing reason. Answers with the end of the pause, if one begins.
    pub(super) fn fails(&mut self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.failures += 1;
        self.on_trial = false;
        let over = self.failures.checked_sub(FAILURES)?;
        if self.closed_until.is_some_and(|until| now < until) {
            // Of a run that began before the pause.
            self.failures -= 1;
            return None;
        }
        let pause = FIRST.checked_mul(1 << over.min(10)).unwrap_or(LONGEST).min(LONGEST);
        self.closed_until = Some(now + pause);
        self.closed_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_close_it_and_one_run_tries() {
        let mut breaker = Breaker::default();
        let now = DateTime::<Utc>::UNIX_EPOCH;
        assert!((0..4).all(|_| breaker.fails(now).is_none()));
        assert_eq!(breaker.closed_until(now), None);
        let until = now + TimeDelta::minutes(5);
        assert_eq!(breaker.fails(now), Some(until));
        assert_eq!(breaker.fails(now), None);
        assert!(breaker.is_tripped());
        assert_eq!(breaker.closed_until(now), Some(until));
        assert_eq!(breaker.closed_until(until), None);
        breaker.begins();
        assert_eq!(breaker.closed_until(until), Some(until + DURING_TRIAL));
        assert_eq!(breaker.fails(until), Some(until + TimeDelta::minutes(10)));
        breaker.begins();
        breaker.undecided();
        assert_eq!(breaker.closed_until(until + TimeDelta::minutes(10)), None);
        breaker.works();
        assert!(!breaker.is_tripped());
        assert_eq!(breaker.fails(until), None);
    }

    #[test]
    fn the_pause_has_a_limit() {
        let mut breaker = Breaker::default();
        let mut now = DateTime::<Utc>::UNIX_EPOCH;
        for _ in 0..50 {
            now = breaker.fails(now).unwrap_or(now);
        }
        assert_eq!(breaker.fails(now), Some(now + LONGEST));
    }
}
