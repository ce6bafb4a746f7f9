//! Numbered places at which the process can be made to end as kill -9 ends it, to prove what a crash there leaves behind.
//!
//! `HUB_CRASH_AT=NAME:N` ends it when the place is reached for the N-th time. Without the variable a place costs one look at a static. Ends nothing in order.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config;

macro_rules! points {
    ($($(#[doc = $about:literal])* $point:ident $name:literal)*) => {
        /// A place between two steps of the commit protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point { $($(#[doc = $about])* $point,)* }

        impl Point {
            /// Every place, in the order in which a run reaches them, with its name and what has happened before.
            pub const ALL: &[(Point, &'static str, &'static str)] = &[$((Point::$point, $name, concat!($($about),*)),)*];

            fn name(self) -> &'static str { match self { $(Self::$point => $name,)* } }
        }
    };
}

points! {
    /// Nothing is on record yet.
    Begin "begin"
    /// The run is on record, its progress is not marked as open.
    Recorded "recorded"
    /// Progress says which run is open and how far files are good.
    Opened "opened"
    /// A batch was judged, its intent is not stored.
    Judged "judged"
    /// The intent is on disk, nothing was written.
    Intent "intent"
    /// Half of a batch's bytes are in the destination's file.
    HalfWritten "half-written"
    /// The batch is written, its result is not stored.
    Written "written"
    /// The result is stored, perhaps not on disk.
    Result "result"
    /// It is on disk by which word a commit of the destination's database will be known, nothing is committed.
    Announced "announced"
    /// The destination has flushed, progress does not know.
    Flushed "flushed"
    /// The destination's database has committed, progress does not know.
    Committed "committed"
    /// Progress is stored, perhaps not on disk.
    Checkpoint "checkpoint"
    /// A replacement has taken the old file's place, the run has not ended.
    Finished "finished"
    /// The end of the run is on disk, nobody was told.
    Ended "ended"
}

struct Armed {
    name: String,
    /// Times that the place may still be passed.
    left: AtomicU64,
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

/// The place is reached: goes on, unless this is where the process is to end.
#[inline]
pub fn reach(point: Point) {
    if let Some(armed) = armed(point)
        && armed.left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        end();
    }
}

/// True if the process is to end at this place, now or later.
#[must_use]
pub fn is_near(point: Point) -> bool {
    armed(point).is_some()
}

/// True if the process is to end at some place: what only saves time is left out then, so that each place is passed as often as it can be.
#[must_use]
pub fn is_rehearsed() -> bool {
    rehearsal().is_some()
}

fn armed(point: Point) -> Option<&'static Armed> {
    rehearsal().filter(|armed| armed.name == point.name())
}

fn rehearsal() -> Option<&'static Armed> {
    let armed = ARMED.get_or_init(|| {
        let text = config::environment("HUB_CRASH_AT")?;
        let (name, times) = text.split_once(':')?;
        Some(Armed { name: name.to_owned(), left: AtomicU64::new(times.parse().ok()?) })
    });
    armed.as_ref()
}

#[cold]
fn end() {
    // No destructor runs and nothing is flushed: that is what is tried out.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    loop {
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_place_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Point::ALL.iter().map(|(_, name, _)| *name).collect();
        assert_eq!(names.len(), Point::ALL.len());
        assert!(Point::ALL.iter().all(|(point, name, about)| point.name() == *name && !about.is_empty()));
        // Nothing is armed here: the process goes on.
        Point::ALL.iter().for_each(|(point, _, _)| reach(*point));
    }
}
