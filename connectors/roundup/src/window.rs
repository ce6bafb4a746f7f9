//! Which span of changes a run reads, and where the next one goes on.
//!
//! Both ends are whole seconds of the tracker's clock. The lower end is included: what carries the same second as the end of the last run
//! is read again rather than lost. The upper end is fixed when the run begins, so that nothing enters the span while it is being read.

use hub_sdk::Error;
use serde::{Deserialize, Serialize};

use crate::dates::{from_tracker, to_tracker};

/// What is kept between runs: a date, no personal data.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    since: String,
}

impl State {
    /// Everything before this date of change was read.
    pub fn at(since: String) -> Self {
        Self { since }
    }
}

/// A span of dates of change.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    since: Option<u64>,
    now: u64,
}

impl Window {
    /// From the state on, or from the beginning of time, until now.
    pub fn new(state: Option<&State>, now: u64) -> Result<Self, Error> {
        let since = state.map(|state| {
            from_tracker(&state.since)
                .ok_or_else(|| Error::permanent("the stored checkpoint holds no date; reset the flow's state to read everything anew"))
        });
        Ok(Self { since: since.transpose()?, now })
    }

    /// As the tracker's filter: it compares fractions of a second too, hence the whole second more.
    pub fn filter(&self) -> String {
        format!("{};{}", self.since.map(to_tracker).unwrap_or_default(), to_tracker(self.now + 1))
    }

    /// The part of the window behind a date of change, if that is more than the seconds around the end.
    pub fn behind(&self, seconds: u64) -> Option<String> {
        (seconds + 2 < self.now).then(|| format!("{};{}", to_tracker(seconds + 1), to_tracker(self.now - 1)))
    }

    /// Where the next run goes on when this one was read to its end.
    pub fn next_state(&self, overlap_seconds: u32) -> State {
        State::at(to_tracker(self.now.saturating_sub(overlap_seconds.into())))
    }
}
