//! The linear memories of a running program's guests, read from outside through `/proc`. Knows nothing of what stands in them.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// A guest's memory lies in a reservation of its own: what is in use, then inaccessible space up to 4 GiB.
const RESERVATION: u64 = 3 << 30;

/// All bytes of all guests' memories.
pub fn of_guests(process: u32) -> Vec<u8> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let regions: Vec<(u64, u64, bool)> = maps.lines().filter_map(region).collect();
    let mut found = Vec::new();
    for pair in regions.windows(2) {
        let [(begin, end, usable), (behind, last, next_usable)] = pair else { continue };
        if *usable && end == behind && !next_usable && last - behind > RESERVATION {
            let mut bytes = vec![0; usize::try_from(end - begin).unwrap()];
            memory.read_exact_at(&mut bytes, *begin).unwrap();
            found.extend(bytes);
        }
    }
    found
}

/// Begin, end, and whether it can be read and written.
fn region(line: &str) -> Option<(u64, u64, bool)> {
    let (range, rest) = line.split_once(' ')?;
    let (begin, end) = range.split_once('-')?;
    Some((u64::from_str_radix(begin, 16).ok()?, u64::from_str_radix(end, 16).ok()?, rest.starts_with("rw-p")))
}

/// True if the bytes stand somewhere.
pub fn holds(memory: &[u8], text: &str) -> bool {
    memory.windows(text.len()).any(|window| window == text.as_bytes())
}
