//! How many records a flow usually reads, and from where on that is an anomaly (E213). Learns from complete runs only.

/// Complete runs that are remembered.
const REMEMBERED: usize = 20;
/// Fewer complete runs say nothing.
const FEWEST: usize = 5;
/// How many times the median is an anomaly.
const FACTOR: u64 = 10;
/// Smaller numbers never are.
const LEAST: u64 = 1000;

/// The most records that the next run may read; none while too little is known.
pub(super) fn most(earlier: &[u64]) -> Option<u64> {
    if earlier.len() < FEWEST {
        return None;
    }
    let mut sorted = earlier.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).map(|median| median.saturating_mul(FACTOR).max(LEAST))
}

/// Takes a complete run in.
pub(super) fn learn(earlier: &mut Vec<u64>, read: u64) {
    earlier.push(read);
    let surplus = earlier.len().saturating_sub(REMEMBERED);
    earlier.drain(..surplus);
}

#[cfg(test)]
mod tests {
    use super::{learn, most};

    #[test]
    fn the_median_of_enough_runs_counts() {
        assert_eq!(most(&[5, 5, 5, 5]), None);
        assert_eq!(most(&[5, 5, 5, 5, 5]), Some(1000));
        assert_eq!(most(&[300, 0, 1_000_000, 200, 300]), Some(3000));
        let mut earlier = Vec::new();
        (0..50).for_each(|read| learn(&mut earlier, read));
        assert_eq!((earlier.len(), earlier.first(), earlier.last()), (20, Some(&30), Some(&49)));
    }
}
