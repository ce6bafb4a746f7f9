//! When a run that failed for a passing reason is tried again.

use chrono::TimeDelta;

/// What a flow is tried again if it does not say.
pub const RETRIES: u32 = 3;
/// Before the first retry; doubled for each further one.
const FIRST: TimeDelta = TimeDelta::seconds(10);
/// The longest pause of hub's own choice.
const LONGEST: TimeDelta = TimeDelta::minutes(15);
/// The longest pause that a remote may ask for.
const LONGEST_WANTED: TimeDelta = TimeDelta::days(1);

/// How long to wait before a retry, `attempt` counted from 0: doubled each time, up to a quarter less by chance, so that flows that failed together do
/// not come back together. Never shorter than what the remote asked for. `chance` is any number.
#[must_use]
pub fn pause(attempt: u32, wanted_ms: Option<u32>, chance: u64) -> TimeDelta {
    let own = FIRST.checked_mul(1 << attempt.min(10)).unwrap_or(LONGEST).min(LONGEST);
    let less = own.num_milliseconds() / 4;
    let spread = i64::try_from(chance % u64::try_from(less + 1).unwrap_or(1)).unwrap_or(0);
    let wanted = TimeDelta::milliseconds(i64::from(wanted_ms.unwrap_or(0))).min(LONGEST_WANTED);
    // Behind what was asked for, not before it.
    (own - TimeDelta::milliseconds(spread)).max(wanted + TimeDelta::milliseconds(if wanted > own { spread } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let seconds = |attempt| pause(attempt, None, 0).num_seconds();
        assert_eq!([0, 1, 2, 3, 6, 7, 40].map(seconds), [10, 20, 40, 80, 640, 900, 900]);
        assert!((0..10_000).all(|chance| (7_500..=10_000).contains(&pause(0, None, chance).num_milliseconds())));
    }

    #[test]
    fn a_remote_that_asks_for_time_gets_it() {
        assert_eq!(pause(0, Some(60_000), 0), TimeDelta::minutes(1));
        assert!((0..10_000).all(|chance| pause(0, Some(60_000), chance) >= TimeDelta::minutes(1)));
        assert_eq!(pause(0, Some(2_000), 0), TimeDelta::seconds(10));
        assert_eq!(pause(0, Some(u32::MAX), 0), TimeDelta::days(1));
    }
}
