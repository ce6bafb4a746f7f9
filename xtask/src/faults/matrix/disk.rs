//! Faults of the disk: no space for the store or the destination, read-only, errors of single system calls.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::account::{Account, judge};
use super::site::{Ground, Site};
use super::{Need, Scenario, ensure, manifests};
use crate::process::{self, Result};

const RECORDS: u64 = 300_000;
const FEW: u64 = 20_000;

/// The scenarios.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "full-store",
        fault: "the disk of the data folder is small, then large, fills up in the middle of a run, then has space again (tmpfs)",
        expected: "no run begins on a small one (exit code 4); the run that meets the end ends at once, not well; with space again all records once",
        needs: &[Need::Root],
        brief: false,
        play: full_store,
    },
    Scenario {
        name: "full-destination",
        fault: "the disk of the destination fills up in the middle of a run, then has space again, then is read-only, then is not (tmpfs)",
        expected: "each of the two runs fails and says why, progress never says more than the file holds; then all records once",
        needs: &[Need::Root],
        brief: false,
        play: full_destination,
    },
    Scenario {
        name: "failing-calls",
        fault: "the N-th fdatasync, fsync, pwrite64, write, rename, openat or ftruncate of a thread answers with EIO or ENOSPC (strace), in a fresh folder each time",
        expected: "a run whose store was told EIO never ends well; what ends well is whole; the log verifies; the next run brings the rest",
        needs: &[Need::Strace],
        brief: false,
        play: failing_calls,
    },
];

/// Files that hub writes to with `write`.
const WRITTEN: [&str; 3] = [manifests::CONTACTS, "hub-data/audit.note.new", "hub-data/store/audit.head.new"];

/// A file system in memory, unmounted with this value.
struct Small {
    place: PathBuf,
}

impl Small {
    fn mount(site: &Site, name: &str, size: &str) -> Result<Self> {
        let place = site.path(name);
        crate::faults::round::make(&place)?;
        process::output(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&place), "mounting")?;
        Ok(Self { place })
    }

    fn again(&self, options: &str) -> Result<()> {
        process::output(Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.place), "mounting again").map(drop)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: nobody may stand in it any more, but a program that is just ending might.
        process::succeeds(Command::new("umount").arg("-l").arg(&self.place));
    }
}

fn full_store(ground: &Ground) -> Result<String> {
    let site = ground.site("site", &manifests::sample(RECORDS, ""))?;
    let small = Small::mount(&site, "hub-data", "3m")?;
    let refused = site.run(&["run", "--quiet"])?.refused(&["HUB-E216"])?.with(4)?;
    ensure(refused.err.contains("MB are free"), || format!("it does not say how much is free: {}", refused.first_line()))?;
    ensure(site.size(manifests::CONTACTS) == 0, || "something was written".to_owned())?;
    small.again("size=700m")?;
    let mut running = site.start(&["run", "--quiet"])?;
    running.until("it writes", || site.size(manifests::CONTACTS) > 500_000)?;
    // As large as what is in it: the next page that is written finds no place.
    small.again(&format!("size={}", used(&small.place)?))?;
    let ended = running.wait()?;
    ensure(ended.code != Some(0), || "the run ended well on a full disk".to_owned())?;
    small.again("size=700m")?;
    let there = Account::of(&site.path(manifests::CONTACTS), RECORDS);
    ensure(there.there < RECORDS, || "the disk was full too late".to_owned())?;
    site.run(&["run", "--quiet"])?.with(0)?;
    Ok(format!("4, then {} with {} records; then {}", ended.how(), there.there, judge(&site, manifests::CONTACTS, RECORDS)?))
}

fn used(place: &std::path::Path) -> Result<u64> {
    let shown = process::output(Command::new("df").args(["--output=used", "-B1"]).arg(place), "asking for the used space")?;
    Ok(shown.lines().filter_map(|line| line.trim().parse().ok()).next().unwrap_or(0))
}

fn full_destination(ground: &Ground) -> Result<String> {
    let site = ground.site("site", &manifests::sample(RECORDS, ""))?;
    let small = Small::mount(&site, "out", "2m")?;
    let mut seen = Vec::new();
    for (options, word) in [("size=90m", "No space left"), ("ro", "Read-only")] {
        let ended = site.run(&["run", "--quiet"])?.refused(&["HUB-E307", "HUB-E308"])?;
        ensure(ended.err.contains(word), || format!("it does not say `{word}`: {}", ended.first_line()))?;
        let progress = site.progress()?;
        ensure(progress.good <= site.size(manifests::CONTACTS), || format!("{progress:?}, but the file has less"))?;
        site.verified()?;
        seen.push(format!("{} with {word:?}", ended.how()));
        if options != "ro" {
            small.again("remount,ro")?;
        }
    }
    small.again("rw,size=90m")?;
    site.run(&["run", "--quiet"])?.with(0)?;
    let kept = judge(&site, manifests::CONTACTS, RECORDS)?;
    Ok(format!("{}; then {kept}", seen.join(", ")))
}

fn failing_calls(ground: &Ground) -> Result<String> {
    let prepared = ground.site("prepared", &manifests::sample(FEW, ""))?;
    prepared.run(&["run", "--quiet", "--dry-run", "--limit", "1"])?.with(0)?;
    let (mut tried, mut met, mut ended_well) = (0, 0, 0);
    for call in ["fdatasync", "fsync", "pwrite64", "write", "rename", "openat", "ftruncate"] {
        for (when, error) in [1, 2, 3, 5, 8, 20].into_iter().zip(["EIO", "ENOSPC"].into_iter().cycle()) {
            let about = format!("{call} number {when} with {error}");
            let (was_met, well) = failing_call(ground, &prepared, call, error, when).map_err(|failure| failure.within(&about))?;
            tried += 1;
            met += u32::from(was_met);
            ended_well += u32::from(was_met && well);
        }
    }
    ensure(met >= 20, || format!("only {met} of {tried} calls were met"))?;
    Ok(format!(
        "{met} of {tried} met; {} runs ended not well, {ended_well} did without what failed; all {FEW} there once each time",
        met - ended_well
    ))
}

/// One run whose call fails, and one that is left in peace. True and true: it was met, and the run ended well all the same.
fn failing_call(ground: &Ground, prepared: &Site, call: &str, error: &str, when: u32) -> Result<(bool, bool)> {
    let site = ground.copy(prepared, "failing")?;
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:error={error}:when={when}"));
    let mut words = vec!["strace", "-f", "-qq", "-y", "-o", "trace.txt", "-e", &trace, "-e", &inject];
    // A write to a pipe or an event cannot meet a disk: only files are spoiled.
    let files: Vec<String> = WRITTEN.iter().map(|name| site.path(name).display().to_string()).collect();
    words.extend(files.iter().filter(|_| call == "write").flat_map(|file| ["-P", file]));
    let ended = site.begin(site.command_of(&words, &["run", "--quiet"]))?.wait()?;
    let trace = fs::read_to_string(site.path("trace.txt")).unwrap_or_default();
    let met: Vec<&str> = trace.lines().filter(|line| line.contains("INJECTED")).collect();
    let well = ended.code == Some(0);
    let is_of_store = |line: &&&str| line.contains("/store/db") && (call == "fdatasync" || call == "pwrite64" || call == "fsync");
    if let Some(line) = met.iter().find(is_of_store) {
        ensure(!well, || format!("the run ended well after {line}"))?;
    }
    if well {
        let there = Account::of(&site.path(manifests::CONTACTS), FEW);
        ensure(there.is_balanced(), || format!("the run ended well with {there}"))?;
    }
    if site.path("hub-data/store/db").exists() {
        site.run(&["audit", "verify"])?.with(0)?;
    }
    site.run(&["run", "--quiet"])?.with(0)?;
    let whole = Account::of(&site.path(manifests::CONTACTS), FEW);
    ensure(whole.is_balanced(), || format!("after the next run {whole}"))?;
    site.verified()?;
    Ok((!met.is_empty(), well))
}
