//! Faults of the destination and of what is delivered: not there, something else in its place, a bad record among many.

use std::fs;
use std::path::Path;

use super::account::judge;
use super::site::Ground;
use super::{Scenario, ensure, manifests};
use crate::process::{Failure, Result};

const RECORDS: u64 = 20_000;

/// The scenarios.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "destination-blocked",
        fault: "a file where the destination's folder should be, then a folder where its file should be, each before the first run and between two runs",
        expected: "the run fails and names the place (HUB-E308, HUB-E307), progress stays; as soon as it is gone the next run brings the rest",
        needs: &[],
        brief: true,
        play: blocked,
    },
    Scenario {
        name: "bad-record",
        fault: "among 1,000 records one that is no JSON (`on_invalid = \"skip\"`) and one with an undeclared field (`on_undeclared = \"hold\"`)",
        expected: "998 written, 1 held, 1 dropped by rule; the log counts them so",
        needs: &[],
        brief: true,
        play: bad_record,
    },
    Scenario {
        name: "bad-record-stops",
        fault: "the same file without these two rules",
        expected: "the run fails (HUB-E219), nothing is written; mended, all records once",
        needs: &[],
        brief: true,
        play: bad_record_stops,
    },
];

fn made(done: std::io::Result<()>, path: &Path) -> Result<()> {
    done.map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

fn blocked(ground: &Ground) -> Result<String> {
    let mut seen = Vec::new();
    for first in [0_u64, 8_000] {
        let site = ground.site(&format!("after-{first}"), &manifests::sample(RECORDS, ""))?;
        if first > 0 {
            site.run(&["run", "--quiet", "--limit", &first.to_string()])?.with(0)?;
        }
        let before = if first > 0 { site.progress()?.good } else { 0 };
        let (folder, file, aside) = (site.path("out"), site.path(manifests::CONTACTS), site.path("aside"));
        // The folder's place.
        let was_there = folder.exists();
        if was_there {
            made(fs::rename(&folder, &aside), &aside)?;
        }
        made(fs::write(&folder, "in the way"), &folder)?;
        seen.push(site.run(&["run", "--quiet"])?.refused(&["HUB-E308", "HUB-E307"])?.how());
        made(fs::remove_file(&folder), &folder)?;
        made(if was_there { fs::rename(&aside, &folder) } else { fs::create_dir(&folder) }, &folder)?;
        // The file's place.
        let kept = fs::read(&file).unwrap_or_default();
        let _ = fs::remove_file(&file);
        made(fs::create_dir(&file), &file)?;
        seen.push(site.run(&["run", "--quiet"])?.refused(&["HUB-E308", "HUB-E307"])?.how());
        made(fs::remove_dir(&file), &file)?;
        made(fs::write(&file, kept), &file)?;
        ensure(site.progress()?.good == before, || "progress has moved".to_owned())?;
        site.run(&["run", "--quiet"])?.with(0)?;
        judge(&site, manifests::CONTACTS, RECORDS)?;
    }
    Ok(format!("exit codes {}; then all {RECORDS} there once", seen.join(", ")))
}

/// A thousand lines, two of them bad.
fn lines(is_bad: bool) -> String {
    let line = |number: u32| match number {
        500 if is_bad => "{\"id\":\"c500\",\"email\":\n".to_owned(),
        600 if is_bad => "{\"id\":\"c600\",\"email\":\"c600@example.org\",\"extra\":1}\n".to_owned(),
        _ => format!("{{\"id\":\"c{number}\",\"email\":\"c{number}@example.org\"}}\n"),
    };
    (0..1_000).map(line).collect()
}

fn bad_record(ground: &Ground) -> Result<String> {
    let site = ground.site("site", &manifests::people("on_invalid = \"skip\"\non_undeclared = \"hold\""))?;
    site.write("in/people.ndjson", lines(true).as_bytes())?;
    site.run(&["run", "--quiet"])?.with(0)?;
    let seen = judge(&site, manifests::PEOPLE, 1_000)?;
    ensure(seen.starts_with("998 of 1000 there once, 1 held, 1 dropped by rule"), || seen.clone())?;
    // Once more: nothing is delivered, held or dropped again.
    site.run(&["run", "--quiet"])?.with(0)?;
    judge(&site, manifests::PEOPLE, 1_000)
}

fn bad_record_stops(ground: &Ground) -> Result<String> {
    let site = ground.site("site", &manifests::people(""))?;
    site.write("in/people.ndjson", lines(true).as_bytes())?;
    let ended = site.run(&["run", "--quiet"])?.refused(&["HUB-E219"])?;
    ensure(site.size(manifests::PEOPLE) == 0, || "something was written".to_owned())?;
    site.verified()?;
    site.write("in/people.ndjson", lines(false).as_bytes())?;
    site.run(&["run", "--quiet"])?.with(0)?;
    Ok(format!("exit code {}, nothing written; then {}", ended.how(), judge(&site, manifests::PEOPLE, 1_000)?))
}
