//! Finds audit entries in the raw bytes of the engine's data file, without the engine: what it no longer gives back can still be named.
//!
//! Entries are stored uncompressed and rewritten whenever their page is, so several copies of each stand in the file, most of them in dead space.
//! An entry is found by its start or by the hash of its predecessor; one changed byte spoils one of the two at most. Never writes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use hub_core::audit::tree::{Frontier, Hash, leaf_hash};
use hub_core::audit::{LIMIT, Link, PREVIOUS, START};
use memchr::memmem;

/// Bytes searched at once.
const WINDOW: usize = 1 << 20;
/// Bytes kept around a window, so that every hit can be seen whole.
const MARGIN: usize = 2 * LIMIT;
/// A copy with at most so many changed bytes is a damaged copy; one with more was overwritten.
pub(super) const CLOSE: usize = 8;

/// A whole entry somewhere in the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Copy {
    seq: u64,
    leaf: Hash,
    previous: Hash,
    offset: u64,
    length: usize,
}

/// What the file holds.
pub(super) struct RawLog {
    /// Number of the first entry that counts: what stands in the file of those before was pruned.
    first: u64,
    /// The whole entry of each number from `first` on, as far as there is one that fits the chain.
    entries: Vec<Option<Copy>>,
    /// Numbers whose entry is missing or contradicts the chain.
    broken: Vec<u64>,
    /// Damaged copies of entries that also exist whole: number and least count of changed bytes.
    damaged: BTreeMap<u64, usize>,
}

impl RawLog {
    /// Reads the whole file twice: first for whole entries, then for damaged copies of them.
    pub fn read(data: &File, first: u64) -> io::Result<Self> {
        let (entries, broken) = chain(&collect(data, first)?, first, |leaf| holds(data, leaf));
        let mut log = Self { first, entries, broken, damaged: BTreeMap::new() };
        log.compare(data)?;
        Ok(log)
    }

    /// The first entry below `size` that is damaged. `strict`: only copies that differ in so few bytes that nothing but damage explains it.
    pub fn first_damaged_copy(&self, size: u64, most_bytes: usize) -> Option<u64> {
        self.damaged.iter().find(|(seq, bytes)| **seq < size && **bytes <= most_bytes).map(|(seq, _)| *seq)
    }

    /// The first number below `size` without an entry that fits the chain.
    pub fn first_broken(&self, size: u64) -> Option<u64> {
        let known = u64::try_from(self.entries.len()).unwrap_or(u64::MAX).saturating_add(self.first);
        self.broken.iter().copied().chain([known]).filter(|seq| *seq < size).min()
    }

    /// Root over the entries before a number; `frontier` is the edge before the first that counts.
    pub fn root(&self, mut frontier: Frontier, size: u64) -> Hash {
        let count = usize::try_from(size.saturating_sub(self.first)).unwrap_or(usize::MAX);
        for entry in self.entries.iter().take(count).map_while(Option::as_ref) {
            frontier.push(entry.leaf);
        }
        frontier.root()
    }

    fn entry(&self, seq: u64) -> Option<&Copy> {
        self.entries.get(usize::try_from(seq.checked_sub(self.first)?).ok()?)?.as_ref()
    }

    fn compare(&mut self, data: &File) -> io::Result<()> {
        let followers: HashMap<Hash, u64> = self.entries.iter().flatten().map(|entry| (entry.previous, entry.seq)).collect();
        let mut found = Vec::new();
        each(data, &[START.as_bytes(), PREVIOUS.as_bytes()], |place| {
            let start = if place.needle == 0 { Some(place.at) } else { start_before(place.window, place.at) };
            let whole = start.and_then(|start| whole(place.window, start, place.offset_of(start)));
            if whole.is_some_and(|copy| self.entry(copy.seq).is_some_and(|good| good.leaf == copy.leaf)) {
                return Ok(());
            }
            for (seq, start) in self.suspects(place, &followers) {
                if let Some(bytes) = self.changed_bytes(data, seq, place.window, start)? {
                    found.push((seq, bytes));
                }
            }
            Ok(())
        })?;
        for (seq, bytes) in found {
            let least = self.damaged.entry(seq).or_insert(bytes);
            *least = bytes.min(*least);
        }
        Ok(())
    }

    /// Which entries a place may be a damaged copy of, each with the index at which it would begin.
    fn suspects(&self, place: &Place<'_>, followers: &HashMap<Hash, u64>) -> Vec<(u64, usize)> {
        let after = place.window.get(place.at..).unwrap_or_default();
        let mut suspects = Vec::new();
        if place.needle == 0 {
            suspects.extend(Link::parse(after).map(|link| (link.seq, place.at)));
            let digits: String =
                after.iter().skip(START.len()).take_while(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect();
            suspects.extend(digits.parse().ok().map(|seq| (seq, place.at)));
        } else if let Some(seq) =
            after.get(PREVIOUS.len()..PREVIOUS.len() + 64).and_then(hash).and_then(|hash| followers.get(&hash).copied())
        {
            suspects.extend(place.at.checked_sub(previous_at(seq)).map(|start| (seq, start)));
        }
        suspects
    }

    /// How many bytes at a place differ from the whole entry, if they are few and were not merely overwritten by what the engine wrote before them.
    fn changed_bytes(&self, data: &File, seq: u64, window: &[u8], start: usize) -> io::Result<Option<usize>> {
        let Some(good) = self.entry(seq) else { return Ok(None) };
        let Some(bytes) = window.get(start..start + good.length) else { return Ok(None) };
        let mut expected = vec![0; good.length];
        data.read_exact_at(&mut expected, good.offset)?;
        let changed: Vec<usize> = (0..good.length).filter(|at| bytes.get(*at) != expected.get(*at)).collect();
        let only_front = changed.last().is_some_and(|last| last + 1 == changed.len());
        let overwritten = only_front && !window.get(..start).is_some_and(|before| before.ends_with(&length_prefix(good.length)));
        Ok((!changed.is_empty() && changed.len() <= CLOSE && !overwritten).then_some(changed.len()))
    }
}

/// Every whole entry once: number and hash tell copies apart.
fn collect(data: &File, first: u64) -> io::Result<Vec<Copy>> {
    let mut known = HashSet::new();
    let mut copies = Vec::new();
    each(data, &[START.as_bytes()], |place| {
        if let Some(copy) =
            whole(place.window, place.at, place.offset_of(place.at)).filter(|copy| copy.seq >= first && known.insert((copy.seq, copy.leaf)))
        {
            copies.push(copy);
        }
        Ok(())
    })?;
    copies.sort_by_key(|copy| copy.seq);
    Ok(copies)
}

/// Picks for each number the entry that its neighbours name. Answers with the numbers that have none, or the wrong one, too. `is_stored`: does the
/// file hold this hash among the tree's? That speaks for the last entry, which no other names.
fn chain(copies: &[Copy], first: u64, is_stored: impl Fn(&Hash) -> bool) -> (Vec<Option<Copy>>, Vec<u64>) {
    let named: HashSet<(u64, Hash)> = copies.iter().filter(|copy| copy.seq > 0).map(|copy| (copy.seq - 1, copy.previous)).collect();
    let (mut entries, mut broken): (Vec<Option<Copy>>, Vec<u64>) = (Vec::new(), Vec::new());
    let mut previous = (first == 0).then_some([0; 32]);
    let mut followed: HashSet<Hash> = HashSet::new();
    for same in copies.chunk_by(|left, right| left.seq == right.seq) {
        let Some(seq) = same.first().map(|copy| copy.seq) else { continue };
        let next = u64::try_from(entries.len()).unwrap_or(u64::MAX).saturating_add(first);
        if seq > next + 4_096 {
            break; // A damaged number, or a gap that is too long to be bridged.
        }
        for missing in next..seq {
            entries.push(None);
            broken.push(missing);
            previous = None;
        }
        // Behind a gap anything may follow, but for a copy that names an entry which has its follower: there the number is damaged.
        let follows = |copy: &&Copy| previous.map_or_else(|| !followed.contains(&copy.previous), |previous| previous == copy.previous);
        let is_named = |copy: &&Copy| named.contains(&(copy.seq, copy.leaf));
        let is_last = copies.last().is_some_and(|last| last.seq == seq);
        let vouched = |copy: &&Copy| is_named(copy) || (is_last && is_stored(&copy.leaf));
        let best = same.iter().find(|copy| follows(copy) && vouched(copy)).or_else(|| same.iter().find(follows));
        if best.is_none() && seq > first {
            // This entry is the one that its successor names, so the one before is not what was written; else this one is not.
            let before_is_bad = same.iter().any(|copy| is_named(&copy) || is_stored(&copy.leaf));
            broken.push(if before_is_bad { seq - 1 } else { seq });
            if before_is_bad && let Some(entry) = entries.last_mut() {
                *entry = None;
            }
        } else if best.is_none() || (is_last && !best.is_some_and(|copy| vouched(&copy))) {
            broken.push(seq);
        }
        let picked = best.or_else(|| same.iter().find(is_named)).or_else(|| same.iter().find(|copy| is_stored(&copy.leaf)));
        followed.extend(picked.map(|copy| copy.previous));
        previous = picked.map(|copy| copy.leaf);
        entries.push(picked.cloned());
    }
    (entries, broken)
}

/// Does a hash stand in the file as the tree stores it? No, if the file cannot be read.
fn holds(data: &File, leaf: &Hash) -> bool {
    let mut found = false;
    let read = each(data, &[leaf], |_| {
        found = true;
        Ok(())
    });
    read.is_ok() && found
}

/// The entry that begins at an index, if its bytes look whole.
fn whole(window: &[u8], start: usize, offset: u64) -> Option<Copy> {
    let bytes = window.get(start..)?;
    let link = Link::parse(bytes)?;
    let length = Link::end(bytes)?;
    Some(Copy { seq: link.seq, leaf: leaf_hash(bytes.get(..length)?), previous: link.previous, offset, length })
}

/// Where the entry begins whose predecessor's hash stands at an index, if its start is whole.
fn start_before(window: &[u8], at: usize) -> Option<usize> {
    let from = at.saturating_sub(previous_at(u64::MAX));
    memmem::rfind(window.get(from..at)?, START.as_bytes()).map(|found| from + found)
}

/// Where in an entry [`PREVIOUS`] stands.
fn previous_at(seq: u64) -> usize {
    START.len() + seq.to_string().len() + ",\"ts\":\"2026-11-23T15:00:00.000Z".len()
}

fn hash(hex: &[u8]) -> Option<Hash> {
    data_encoding::HEXLOWER.decode(hex).ok()?.try_into().ok()
}

/// How the engine writes the length of a value before it: one to three bytes for anything that an entry can be.
fn length_prefix(length: usize) -> Vec<u8> {
    match length {
        0..=240 => vec![u8::try_from(length).unwrap_or(u8::MAX)],
        241..=2_287 => {
            vec![u8::try_from((length - 240) / 256 + 241).unwrap_or(u8::MAX), u8::try_from((length - 240) % 256).unwrap_or(u8::MAX)]
        }
        _ => [&[249], &u16::try_from(length - 2_288).unwrap_or(u16::MAX).to_be_bytes()[..]].concat(),
    }
}

/// One hit of a search.
struct Place<'a> {
    window: &'a [u8],
    /// Offset of the window in the file.
    base: u64,
    /// Index of the hit in the window.
    at: usize,
    /// Which of the needles was hit.
    needle: usize,
}

impl Place<'_> {
    fn offset_of(&self, index: usize) -> u64 {
        self.base + u64::try_from(index).unwrap_or(u64::MAX)
    }
}

/// Calls `visit` for every hit of every needle, with at least [`LIMIT`] bytes around it where the file has them.
fn each(data: &File, needles: &[&[u8]], mut visit: impl FnMut(&Place<'_>) -> io::Result<()>) -> io::Result<()> {
    let finders: Vec<_> = needles.iter().map(memmem::Finder::new).collect();
    let margin = u64::try_from(MARGIN).unwrap_or(u64::MAX);
    let mut buffer = vec![0; WINDOW + 2 * MARGIN];
    let mut first = 0_u64;
    loop {
        let base = first.saturating_sub(margin);
        let length = read_at(data, &mut buffer, base)?;
        let Some(window) = buffer.get(..length) else { return Ok(()) };
        let from = usize::try_from(first - base).unwrap_or(usize::MAX);
        for (needle, finder) in finders.iter().enumerate() {
            let hits = finder.find_iter(window.get(from..).unwrap_or_default()).map(|hit| hit + from);
            for at in hits.take_while(|at| *at < from + WINDOW) {
                visit(&Place { window, base, at, needle })?;
            }
        }
        if length <= from + WINDOW {
            return Ok(());
        }
        first += u64::try_from(WINDOW).unwrap_or(u64::MAX);
    }
}

/// Fills the buffer as far as the file goes.
fn read_at(data: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match data.read_at(rest, offset + u64::try_from(length).unwrap_or(u64::MAX))? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}
