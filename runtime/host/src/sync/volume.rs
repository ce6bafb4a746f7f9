//! How many records a flow usually reads, which hosts its connectors use, and from where on that is an anomaly (E213). Learns from complete runs only.

use std::collections::BTreeSet;

use crate::store::format::UsualHosts;

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

/// The hosts that are usual; none while too little is known, or if the manifest grants others than before.
pub(super) fn usual_hosts(earlier: Option<&UsualHosts>, granted: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let known = earlier.filter(|earlier| earlier.granted == *granted && earlier.runs as usize >= FEWEST)?;
    Some(known.used.clone())
}

/// Takes the hosts of a complete run in.
pub(super) fn learn_hosts(earlier: &mut Option<UsualHosts>, granted: BTreeSet<String>, used: BTreeSet<String>) {
    if granted.is_empty() {
        *earlier = None;
        return;
    }
    let known = earlier.take().filter(|earlier| earlier.granted == granted);
    let mut known = known.unwrap_or_else(|| UsualHosts { granted, ..UsualHosts::default() });
    known.used.extend(used);
    known.runs = known.runs.saturating_add(1);
    *earlier = Some(known);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FEWEST, learn, learn_hosts, most, usual_hosts};

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn hosts_are_usual_after_enough_runs_with_the_same_grants() {
        let (granted, mut known) = (set(&["https://a", "https://b"]), None);
        for run in 0..FEWEST {
            assert_eq!(usual_hosts(known.as_ref(), &granted), None, "{run}");
            learn_hosts(&mut known, granted.clone(), set(&["https://a"]));
        }
        assert_eq!(usual_hosts(known.as_ref(), &granted), Some(set(&["https://a"])));
        let wider = set(&["https://a", "https://b", "https://c"]);
        assert_eq!(usual_hosts(known.as_ref(), &wider), None, "other grants are learned anew");
        learn_hosts(&mut known, wider.clone(), set(&["https://c"]));
        assert_eq!(known.as_ref().map(|known| (known.runs, known.used.clone())), Some((1, set(&["https://c"]))));
        learn_hosts(&mut known, BTreeSet::new(), BTreeSet::new());
        assert_eq!(known, None);
    }

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
