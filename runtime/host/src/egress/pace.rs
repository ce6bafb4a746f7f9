//! How fast requests go to a system: one bucket for each system of the process, whichever flow they belong to. Counts requests and knows nothing of them.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use hub_core::manifest::Rate;

/// By system and rate: a rate that was changed begins with a full bucket.
static PACES: LazyLock<Mutex<Paces>> = LazyLock::new(Mutex::default);

type Paces = HashMap<(String, Rate), Arc<Pace>>;

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The bucket of one system. A second's worth of requests may go at once, and one at least.
pub(super) struct Pace<C: Clock = MonotonicClock> {
    limiter: Limiter<C>,
    clock: C,
}

/// The bucket that all requests of the process to a system share.
pub(super) fn shared(system: &str, rate: Rate) -> Arc<Pace> {
    let mut paces = PACES.lock().unwrap_or_else(PoisonError::into_inner);
    paces.entry((system.to_owned(), rate)).or_insert_with(|| Arc::new(Pace::new(rate, MonotonicClock))).clone()
}

impl<C: Clock + Clone> Pace<C> {
    fn new(rate: Rate, clock: C) -> Self {
        let every = Duration::from_secs(u64::from(rate.seconds())) / rate.count.get();
        let burst = NonZeroU32::new(rate.count.get() / rate.seconds()).unwrap_or(NonZeroU32::MIN);
        // A period of zero is not possible: a rate is at most a million for each second.
        let quota = Quota::with_period(every).unwrap_or(Quota::per_second(rate.count)).allow_burst(burst);
        Self { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock }
    }

    /// Takes a request's place; else how long until there is one.
    fn take(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Waits until the next request may go.
    pub(super) async fn wait(&self) {
        while let Err(time) = self.take() {
            tokio::time::sleep(time).await;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    /// How many requests go in a time.
    fn sent(rate: &str, seconds: u64) -> u64 {
        let clock = FakeRelativeClock::default();
        let pace = Pace::new(Rate::parse(rate).unwrap(), clock.clone());
        let end = Duration::from_secs(seconds);
        let (mut now, mut count) = (Duration::ZERO, 0);
        while now < end {
            match pace.take() {
                Ok(()) => count += 1,
                Err(time) => {
                    clock.advance(time);
                    now += time;
                }
            }
        }
        count
    }

    #[test]
    fn a_second_at_once_and_then_evenly() {
        assert!((60..=61).contains(&sent("1/s", 60)), "{}", sent("1/s", 60));
        assert!((609..=611).contains(&sent("10/s", 60)), "{}", sent("10/s", 60));
        assert!((10..=11).contains(&sent("10/m", 60)), "{}", sent("10/m", 60));
        assert!((5..=6).contains(&sent("5/h", 3600)), "{}", sent("5/h", 3600));
    }

    #[test]
    fn flows_of_one_process_share_a_bucket() {
        let rate = Rate::parse("1/h").unwrap();
        assert!(shared("pace-test", rate).take().is_ok() && shared("pace-test", rate).take().is_err());
        assert!(shared("pace-other", rate).take().is_ok());
    }
}
