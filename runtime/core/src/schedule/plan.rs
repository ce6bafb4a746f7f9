//! The plan of one flow: its next time, and what is made up for when times passed without a run.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::Times;
use crate::manifest::{Delay, Misfire, Overlap, Timing};

/// How late a run may begin and still be the one that was planned.
pub const GRACE: TimeDelta = TimeDelta::seconds(60);
/// How many runs in a row `all` makes up for, the oldest times first: a clock that was set by years starts no endless row of them.
pub const MOST_MADE_UP: u32 = 1000;

/// The times of a flow that lie ahead. Moves forward only.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Shared by all flows with the same schedule.
    times: Arc<Times>,
    overlap: Overlap,
    misfire: Misfire,
    jitter: Option<Delay>,
    /// What makes the jitter of this flow its own.
    seed: u64,
    next: Option<Next>,
    made_up: u32,
}

#[derive(Clone, Copy, Debug)]
struct Next {
    planned: DateTime<Utc>,
    /// When the run begins: not before `planned`, and before the time after it.
    due: DateTime<Utc>,
}

impl Plan {
    /// The plan of a flow that last ran at a moment (now, if it never ran).
    #[must_use]
    pub fn new(times: Arc<Times>, timing: &Timing, flow: &str, last: DateTime<Utc>) -> Self {
        let mut plan = Self {
            times,
            overlap: timing.overlap.as_ref().map_or(Overlap::Skip, |written| written.value),
            misfire: timing.misfire.as_ref().map_or(Misfire::RunOnce, |written| written.value),
            jitter: timing.jitter.as_ref().map(|written| written.value),
            seed: number(flow.as_bytes()),
            next: None,
            made_up: 0,
        };
        plan.advance(last);
        plan
    }

    /// When the next run begins. None: no time lies ahead.
    #[must_use]
    pub fn due(&self) -> Option<DateTime<Utc>> {
        self.next.map(|next| next.due)
    }

    /// True if a time that comes during a run waits for its end.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.overlap == Overlap::Queue
    }

    /// The flow can begin now: whether it does. What was due is taken off the plan either way.
    pub fn begin(&mut self, now: DateTime<Utc>) -> bool {
        let Some(next) = self.next.filter(|next| next.due <= now) else { return false };
        match self.misfire {
            Misfire::RunOnce => self.advance(now),
            Misfire::All => self.make_up(next, now),
            Misfire::Skip if now - next.due <= GRACE => self.advance(now),
            Misfire::Skip => return self.skip_to(now),
        }
        true
    }

    /// The flow still runs and its times do not wait: those that passed are left out.
    pub fn leave_out(&mut self, now: DateTime<Utc>) {
        self.advance(now);
    }

    fn make_up(&mut self, next: Next, now: DateTime<Utc>) {
        self.made_up += 1;
        self.advance(if self.made_up < MOST_MADE_UP { next.planned } else { now });
        if self.due().is_none_or(|due| due > now) {
            self.made_up = 0;
        }
    }

    /// Goes on to the first time that is not late. True if that one is due and begins.
    fn skip_to(&mut self, now: DateTime<Utc>) -> bool {
        let spread = self.jitter.map_or(0, |jitter| i64::from(jitter.seconds));
        self.advance(now - GRACE - TimeDelta::seconds(spread + 1));
        while let Some(late) = self.next.filter(|next| now - next.due > GRACE) {
            self.advance(late.planned);
        }
        let begins = self.due().is_some_and(|due| due <= now);
        if begins {
            self.advance(now);
        }
        begins
    }

    fn advance(&mut self, after: DateTime<Utc>) {
        self.next = self.times.next_after(after).map(|planned| Next { planned, due: planned + self.jitter(planned) });
    }

    /// The same on every machine and in every process.
    fn jitter(&self, planned: DateTime<Utc>) -> TimeDelta {
        let Some(jitter) = self.jitter else { return TimeDelta::zero() };
        let room = self.times.next_after(planned).map_or(i64::MAX, |next| (next - planned).num_seconds() - 1);
        let most = u64::from(jitter.seconds).min(u64::try_from(room).unwrap_or(0));
        let own = number(&[self.seed.to_be_bytes(), planned.timestamp().to_be_bytes()].concat());
        TimeDelta::seconds(i64::try_from(own % (most + 1)).unwrap_or(0))
    }
}

fn number(bytes: &[u8]) -> u64 {
    Sha256::digest(bytes).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use chrono::{Duration, TimeZone};

    use super::*;
    use crate::manifest::Schedule;
    use crate::problem::{Span, Spanned};

    fn plan(expression: &str, misfire: Misfire, jitter: Option<u32>, last: DateTime<Utc>) -> Plan {
        let times = Times::new(&Schedule { expression: format!("0 {expression}"), zone: "UTC".to_owned() }).unwrap();
        let timing = Timing {
            overlap: None,
            misfire: Some(Spanned { value: misfire, span: Span::default() }),
            jitter: jitter.map(|seconds| Spanned { value: Delay { seconds }, span: Span::default() }),
            retries: None,
        };
        Plan::new(Arc::new(times), &timing, "contacts", last)
    }

    fn at(hour: u32, minute: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 28, hour, minute, 0).unwrap()
    }

    /// Runs that begin at a moment, one after the other.
    fn runs(plan: &mut Plan, now: DateTime<Utc>) -> usize {
        std::iter::from_fn(|| plan.due().filter(|due| *due <= now).map(|_| plan.begin(now))).filter(|begins| *begins).count()
    }

    #[test]
    fn a_time_that_has_just_come_runs_under_every_policy() {
        for misfire in [Misfire::RunOnce, Misfire::Skip, Misfire::All] {
            let mut plan = plan("0 * * * *", misfire, None, at(2, 30));
            assert!(!plan.begin(at(2, 59)), "{misfire}");
            assert_eq!(runs(&mut plan, at(3, 1)), 1, "{misfire}");
            assert_eq!(plan.due(), Some(at(4, 0)), "{misfire}");
        }
    }

    #[test]
    fn what_passed_is_stood_for_left_out_or_made_up_for() {
        let after = |misfire, now| {
            let mut plan = plan("0 * * * *", misfire, None, at(2, 30));
            let count = runs(&mut plan, now);
            assert_eq!(plan.due(), Some(at(8, 0)), "{misfire}");
            count
        };
        assert_eq!(after(Misfire::RunOnce, at(7, 20)), 1);
        assert_eq!(after(Misfire::Skip, at(7, 20)), 0);
        assert_eq!(after(Misfire::Skip, at(7, 1)), 1);
        assert_eq!(after(Misfire::All, at(7, 20)), 5);
    }

    #[test]
    fn a_long_absence_is_made_up_for_up_to_a_limit() {
        let mut all = plan("* * * * *", Misfire::All, None, at(2, 30));
        assert_eq!(runs(&mut all, at(2, 30) + Duration::days(365)), MOST_MADE_UP as usize);
        let mut skip = plan("* * * * *", Misfire::Skip, Some(30), at(2, 30));
        assert!(runs(&mut skip, at(2, 30) + Duration::days(365)) <= 1);
    }

    #[test]
    fn jitter_is_ones_own_and_never_reaches_the_next_time() {
        let spread = |flow: &str, jitter| {
            let mut plan = plan("*/10 * * * *", Misfire::RunOnce, Some(jitter), at(2, 0));
            plan.seed = number(flow.as_bytes());
            plan.advance(at(2, 0));
            (plan.due().unwrap() - at(2, 10)).num_seconds()
        };
        let shares: Vec<i64> = (0..200).map(|number| spread(&format!("flow-{number}"), 300)).collect();
        assert!(shares.iter().all(|share| (0..=300).contains(share)));
        assert!(shares.iter().any(|share| *share < 60) && shares.iter().any(|share| *share > 240));
        assert_eq!(spread("flow-7", 300), shares[7]);
        assert!((0..200).all(|number| spread(&format!("flow-{number}"), 86_400) < 600));
    }

    #[test]
    fn no_time_lies_ahead_of_the_last_one() {
        let mut plan = plan("0 0 1 1 *", Misfire::RunOnce, None, Utc.with_ymd_and_hms(2100, 1, 2, 0, 0, 0).unwrap());
        assert_eq!(plan.due(), None);
        assert!(!plan.begin(at(3, 0)));
    }
}
