//! How many runs there may be at once: of all flows, and of flows that use one system.

/// Counts runs. A system is a number here.
#[derive(Debug)]
pub(super) struct Slots {
    free: usize,
    systems: Vec<System>,
}

#[derive(Clone, Copy, Debug)]
struct System {
    free: usize,
    /// Slots that flows further ahead in the row wait for: nobody behind them takes one.
    kept: usize,
}

impl Slots {
    pub(super) fn new(jobs: usize) -> Self {
        Self { free: jobs.max(1), systems: Vec::new() }
    }

    /// The next number: a system that carries so many runs.
    pub(super) fn add_system(&mut self, most: usize) {
        self.systems.push(System { free: most, kept: 0 });
    }

    /// Nothing more can begin now, whatever it uses.
    pub(super) fn is_full(&self) -> bool {
        self.free == 0
    }

    /// A new walk along the row begins.
    pub(super) fn forget_kept(&mut self) {
        self.systems.iter_mut().for_each(|system| system.kept = 0);
    }

    /// Takes a slot of each system, or keeps the place of who asks.
    pub(super) fn take(&mut self, systems: &[u32]) -> bool {
        let fits = !self.is_full() && self.all(systems).all(|system| system.free > system.kept);
        if fits {
            self.free -= 1;
        }
        self.each(systems, |system| if fits { system.free -= 1 } else { system.kept += 1 });
        fits
    }

    pub(super) fn give_back(&mut self, systems: &[u32]) {
        self.free += 1;
        self.each(systems, |system| system.free += 1);
    }

    fn all<'a>(&'a self, systems: &'a [u32]) -> impl Iterator<Item = &'a System> {
        systems.iter().filter_map(|number| self.systems.get(*number as usize))
    }

    fn each(&mut self, systems: &[u32], change: impl Fn(&mut System)) {
        for number in systems {
            if let Some(system) = self.systems.get_mut(*number as usize) {
                change(system);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    fn slots(jobs: usize, systems: [usize; 2]) -> Slots {
        let mut slots = Slots::new(jobs);
        systems.into_iter().for_each(|most| slots.add_system(most));
        slots
    }

    #[test]
    fn a_system_has_its_limit_and_so_have_all_together() {
        let mut slots = slots(2, [1, 5]);
        assert!(slots.take(&[0]));
        assert!(!slots.take(&[0, 1]));
        slots.forget_kept();
        assert!(slots.take(&[1]));
        assert!(slots.is_full() && !slots.take(&[]));
        slots.give_back(&[0]);
        slots.forget_kept();
        assert!(slots.take(&[0, 1]));
    }

    #[test]
    fn who_waits_longer_is_not_overtaken() {
        let mut slots = slots(9, [1, 1]);
        assert!(slots.take(&[0]));
        // The first in the row needs both systems; the second could begin at once, and the first would never get both.
        assert!(!slots.take(&[0, 1]));
        assert!(!slots.take(&[1]));
        slots.give_back(&[0]);
        slots.forget_kept();
        assert!(slots.take(&[0, 1]));
        assert!(!slots.take(&[1]));
    }
}
