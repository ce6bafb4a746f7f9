//! Damage of the data folder: flipped bits, cut and deleted files, an older copy, lost and foreign keys, another version. What is damaged is told or is
//! harmless; nothing is repaired by writing over it.

use std::fs;
use std::path::PathBuf;

use super::account::{Account, judge};
use super::site::{Ended, Ground, Site};
use super::{Scenario, ensure, manifests};
use crate::faults::Dice;
use crate::process::{Failure, Result};

const RECORDS: u64 = 20_000;
const DATABASE: &str = "hub-data/store/db";
const STATE_KEY: &str = "hub-data/keys/state-1.key";
const ANCHOR: &str = "hub-data/store/audit.head";
/// What hub says about what is not as it was written, cannot be opened, or has no key.
const TOLD: [&str; 7] = ["HUB-E501", "HUB-E502", "HUB-E504", "HUB-E507", "HUB-E216", "HUB-E312", "HUB-E009"];

const fn scenario(name: &'static str, fault: &'static str, expected: &'static str, play: fn(&Ground) -> Result<String>) -> Scenario {
    Scenario { name, fault, expected, needs: &[], brief: true, play }
}

/// One that takes longer.
const fn long(scenario: Scenario) -> Scenario {
    Scenario { brief: false, ..scenario }
}

/// The scenarios.
pub const ALL: &[Scenario] = &[
    long(scenario(
        "flipped-bits",
        "one bit flipped, at 48 places of the database and at 4 of each other file of the data folder, each in a fresh copy",
        "told with a code, or harmless: log, progress and destination as without it; never a panic, never a record lost or twice",
        flipped,
    )),
    long(scenario(
        "truncated",
        "the database, the anchor and a key cut at several lengths, each in a fresh copy",
        "as for flipped bits",
        truncated,
    )),
    scenario(
        "deleted-file",
        "database, anchor and key of the state deleted; settings of the engine and compiled components deleted",
        "the first three are told and the destination stays as it is; the others are made again",
        deleted,
    ),
    scenario(
        "older-store",
        "an older copy of the store put back: without its anchor, with it, and the whole data folder",
        "the first two refused at the start, and by the proof of the log; the third told by a head that was kept elsewhere",
        older,
    ),
    scenario(
        "wrong-key",
        "no master key, another one, a foreign key of the state",
        "refused (HUB-E312, HUB-E502); keys, log, signed head and destination stay as they are; with the right key all goes on",
        wrong_key,
    ),
    scenario("other-version", "the store says that a later version wrote it", "refused (HUB-E504), no file changes", other_version),
];

/// A folder after two runs: half of the records, then the rest. The half is kept as `half`.
fn prepared(ground: &Ground) -> Result<Site> {
    let site = ground.site("whole", &manifests::sample(RECORDS, ""))?;
    site.run(&["run", "--quiet", "--limit", "8000"])?.with(0)?;
    ground.copy(&site, "half")?;
    site.run(&["run", "--quiet"])?.with(0)?;
    judge(&site, manifests::CONTACTS, RECORDS)?;
    Ok(site)
}

fn change(site: &Site, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
    let path = site.path(name);
    let mut bytes = fs::read(&path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    change(&mut bytes);
    fs::write(&path, bytes).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// Copies a whole folder, damages a file of it, and looks what comes of that. True: it was told.
fn damaged(ground: &Ground, whole: &Site, root: &str, name: &str, damage: impl FnOnce(&mut Vec<u8>)) -> Result<bool> {
    let site = ground.copy(whole, "damaged")?;
    change(&site, name, damage)?;
    let before = fs::read(site.path(manifests::CONTACTS)).unwrap_or_default();
    let (verified, ran) = (site.run(&["audit", "verify"])?, site.run(&["run", "--quiet"])?);
    ensure(is_orderly(&verified) && is_orderly(&ran), || {
        format!("proof ended with {}, run with {}: {}", verified.how(), ran.how(), ran.first_line())
    })?;
    let after = fs::read(site.path(manifests::CONTACTS)).unwrap_or_default();
    ensure(before == after, || format!("the destination has {} instead of {} bytes", after.len(), before.len()))?;
    if ran.code != Some(0) || verified.code != Some(0) {
        return Ok(true);
    }
    // Nobody complained: then nothing may be missing. The log has only grown.
    let kept = site.log()?.len();
    let whole_log = whole.log()?;
    ensure(kept > whole_log.len(), || format!("{} entries became {kept}, and nobody complained", whole_log.len()))?;
    ensure(site.log()?.starts_with(&whole_log), || format!("the log is another one than {root}, and nobody complained"))?;
    site.root()?;
    Ok(false)
}

/// It ended well, or with a code of its own.
fn is_orderly(ended: &Ended) -> bool {
    ended.code == Some(0) || (ended.code.is_some_and(|code| (1..=5).contains(&code)) && TOLD.iter().any(|code| ended.err.contains(code)))
}

fn flipped(ground: &Ground) -> Result<String> {
    let site = prepared(ground)?;
    let root = site.root()?;
    let mut dice = Dice(0xb17);
    let (mut told, mut tried) = (0, 0);
    let mut flip = |name: &str, count: u64| -> Result<()> {
        for _ in 0..count {
            let (place, bit) = (dice.below(site.size(name)), dice.below(8));
            let flip =
                |bytes: &mut Vec<u8>| bytes.iter_mut().skip(usize::try_from(place).unwrap_or(0)).take(1).for_each(|byte| *byte ^= 1 << bit);
            let was_told = damaged(ground, &site, &root, name, flip)
                .map_err(|failure| failure.within(&format!("bit {bit} of byte {place} of {name}")))?;
            told += u32::from(was_told);
            tried += 1;
        }
        Ok(())
    };
    flip(DATABASE, 48)?;
    for name in [ANCHOR, STATE_KEY, "hub-data/store/conf", "hub-data/audit.key", "hub-data/audit.note"] {
        flip(name, 4)?;
    }
    Ok(format!("{told} of {tried} told, {} harmless", tried - told))
}

fn truncated(ground: &Ground) -> Result<String> {
    let site = prepared(ground)?;
    let root = site.root()?;
    let (mut told, mut tried) = (0, 0);
    for (name, parts) in [(DATABASE, &[0, 1, 10, 30, 50, 70, 90, 95, 99][..]), (ANCHOR, &[0, 50]), (STATE_KEY, &[0, 50])] {
        for part in parts {
            let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() * part / 100);
            told +=
                u32::from(damaged(ground, &site, &root, name, cut).map_err(|failure| failure.within(&format!("{name} cut to {part} %")))?);
            tried += 1;
        }
    }
    Ok(format!("{told} of {tried} told, {} harmless", tried - told))
}

fn deleted(ground: &Ground) -> Result<String> {
    let whole = prepared(ground)?;
    let mut codes = Vec::new();
    for name in [DATABASE, ANCHOR, STATE_KEY] {
        let site = ground.copy(&whole, "deleted")?;
        let (file, before) = (site.path(name), site.content("out"));
        fs::remove_file(&file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
        codes.push(site.run(&["run", "--quiet"])?.refused(&["HUB-E502", "HUB-E312"]).map_err(|failure| failure.within(name))?.how());
        ensure(site.content("out") == before, || format!("without {name} the destination was changed"))?;
    }
    for name in ["hub-data/store/conf", "hub-data/cache"] {
        let site = ground.copy(&whole, "deleted")?;
        let path: PathBuf = site.path(name);
        let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        site.run(&["run", "--quiet"])?.with(0).map_err(|failure| failure.within(name))?;
        judge(&site, manifests::CONTACTS, RECORDS).map_err(|failure| failure.within(name))?;
    }
    Ok(format!("database, anchor, key refused with exit codes {}; the others made again", codes.join(", ")))
}

/// Puts a folder of the half in the place of the whole one's.
fn put_back(half: &Site, site: &Site, name: &str) -> Result<()> {
    let _ = fs::remove_dir_all(site.path(name));
    crate::faults::round::copy(&half.path(name), &site.path(name))
}

fn older(ground: &Ground) -> Result<String> {
    let whole = prepared(ground)?;
    let half = ground.site("half", &manifests::sample(RECORDS, ""))?;
    whole.run(&["audit", "anchor", "--to", "anchors.jsonl"])?.with(0)?;
    let before = whole.content("out");
    let mut codes = Vec::new();
    for with_anchor in [false, true] {
        let site = ground.copy(&whole, "older")?;
        put_back(&half, &site, "hub-data/store")?;
        if !with_anchor {
            fs::copy(whole.path(ANCHOR), site.path(ANCHOR))
                .map_err(|error| Failure::new(format!("the anchor cannot be copied: {error}")))?;
        }
        let about = if with_anchor { "with its anchor" } else { "without its anchor" };
        site.run(&["audit", "verify"])?.with(4).map_err(|failure| failure.within(about))?;
        codes.push(site.run(&["run", "--quiet"])?.refused(&["HUB-E502", "HUB-E501"]).map_err(|failure| failure.within(about))?.how());
        ensure(site.run(&["audit", "verify"])?.code == Some(4), || format!("{about}: after the refusal the proof holds"))?;
        ensure(same(&site.content("out"), &before), || format!("{about}: the destination was changed"))?;
    }
    let site = ground.copy(&whole, "older")?;
    put_back(&half, &site, "hub-data")?;
    let plain = site.run(&["audit", "verify"])?.with(0)?;
    site.run(&["audit", "verify", "--anchors", "anchors.jsonl"])?.refused(&["HUB-E501"])?.with(4)?;
    Ok(format!("exit codes {} at the start; the whole folder: {} alone, 4 with the head kept elsewhere", codes.join(" and "), plain.how()))
}

/// The same bytes, whatever the folder is called.
fn same(one: &[(PathBuf, Vec<u8>)], other: &[(PathBuf, Vec<u8>)]) -> bool {
    one.iter().map(|(_, bytes)| bytes).eq(other.iter().map(|(_, bytes)| bytes))
}

fn wrong_key(ground: &Ground) -> Result<String> {
    let site = ground.site("site", &manifests::sample(RECORDS, ""))?;
    // 32 bytes in base64.
    site.write("right", b"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n")?;
    site.write("wrong", b"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n")?;
    let with = |master: Option<&str>, arguments: &[&str]| {
        let mut command = site.command(arguments);
        command.envs(master.map(|file| ("HUB_MASTER_KEY_FILE", file)));
        site.begin(command)?.wait()
    };
    with(Some("right"), &["run", "--quiet", "--limit", "8000"])?.with(0)?;
    let before = kept(&site)?;
    let mut codes = Vec::new();
    for master in [None, Some("wrong")] {
        codes.push(with(master, &["run", "--quiet"])?.refused(&["HUB-E312"])?.how());
        ensure(before == kept(&site)?, || format!("with {master:?} a key, a note, the log or the destination was changed"))?;
    }
    with(Some("right"), &["run", "--quiet"])?.with(0)?;
    let seen = Account::of(&site.path(manifests::CONTACTS), RECORDS);
    ensure(seen.is_balanced(), || seen.to_string())?;
    // The key of another data folder in the place of the right one.
    let other = ground.site("other", &manifests::sample(10, ""))?;
    other.run(&["run", "--quiet"])?.with(0)?;
    let plain = prepared(ground)?;
    fs::copy(other.path(STATE_KEY), plain.path(STATE_KEY)).map_err(|error| Failure::new(format!("the key cannot be copied: {error}")))?;
    let before = plain.content("out");
    codes.push(plain.run(&["run", "--quiet"])?.refused(&["HUB-E502", "HUB-E216", "HUB-E312"])?.how());
    ensure(plain.content("out") == before, || "with a foreign key the destination was changed".to_owned())?;
    Ok(format!("exit codes {}; with the right key {seen}", codes.join(", ")))
}

/// What nobody may change without the right key: keys, signed head, destination, and the log by its root. The engine tidies up its own files when it opens.
fn kept(site: &Site) -> Result<impl PartialEq + use<>> {
    let note = fs::read(site.path("hub-data/audit.note")).unwrap_or_default();
    Ok((site.content("hub-data/keys"), note, site.content("out"), site.root()?))
}

fn other_version(ground: &Ground) -> Result<String> {
    let site = prepared(ground)?;
    change(&site, ANCHOR, |bytes| {
        *bytes = String::from_utf8_lossy(bytes).replacen("\"v\":\"1\"", "\"v\":\"99\"", 1).into_bytes();
    })?;
    let before = (site.content("hub-data"), site.content("out"));
    for verb in [&["run", "--quiet"][..], &["state", "show"], &["audit", "verify"]] {
        site.run(verb)?.refused(&["HUB-E504"])?.with(4)?;
    }
    ensure(before == (site.content("hub-data"), site.content("out")), || "a file was changed".to_owned())?;
    Ok("run, state and audit refused with exit code 4".to_owned())
}
