//! The account of a scenario: every record of the source is in the destination once, in the quarantine, or was dropped by a rule; the log verifies and its
//! times never go back. And the controls: a judge that finds nothing where something was taken away proves nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::site::{Ground, Site};
use super::{Scenario, ensure, manifests};
use crate::process::Result;

/// The negative control.
pub const ALL: &[Scenario] = &[Scenario {
    name: "control",
    fault: "after a good run a line of the destination is taken away, one is doubled, one is torn; one byte of an export is changed",
    expected: "each of the four is told",
    needs: &[],
    brief: true,
    play: control,
}];

/// What became of the source's records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Records that the source has.
    pub source: u64,
    /// Different records in the destination.
    pub there: u64,
    /// Records that are in the destination more often than once.
    pub twice: u64,
    /// Lines that are no record.
    pub torn: u64,
    /// Records in the quarantine.
    pub held: u64,
    /// Records that a rule left out, by the log.
    pub dropped: u64,
}

impl Account {
    /// Of a destination's file.
    pub fn of(path: &Path, source: u64) -> Self {
        let text = fs::read(path).unwrap_or_default();
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        let mut account = Self { source, ..Self::default() };
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let id = serde_json::from_slice::<Value>(line).ok().and_then(|record| record.get("id").map(Value::to_string));
            match id {
                Some(id) => *seen.entry(id).or_default() += 1,
                None => account.torn += 1,
            }
        }
        account.torn += u64::from(text.last().is_some_and(|byte| *byte != b'\n'));
        account.there = seen.len() as u64;
        account.twice = seen.values().map(|count| count - 1).sum();
        account
    }

    /// Adds what a rule kept from the destination.
    pub fn by_rules(&mut self, site: &Site, log: &[Value]) -> Result<()> {
        self.held = site.progress()?.held;
        self.dropped = log.iter().filter(|entry| entry.get("kind").is_some_and(|kind| kind == "flow.denied")).filter_map(records).sum();
        Ok(())
    }

    /// Records that are nowhere.
    pub fn lost(&self) -> u64 {
        self.source.saturating_sub(self.there + self.held + self.dropped)
    }

    /// Nothing is lost, twice or torn, and nothing is there that the source does not have.
    pub fn is_balanced(&self) -> bool {
        self.source == self.there + self.held + self.dropped && self.twice + self.torn == 0
    }
}

impl fmt::Display for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of {} there once", self.there, self.source)?;
        for (count, what) in
            [(self.held, "held"), (self.dropped, "dropped by rule"), (self.lost(), "LOST"), (self.twice, "TWICE"), (self.torn, "TORN")]
        {
            if count > 0 {
                write!(out, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// The whole judgement; what it says is what was seen.
pub fn judge(site: &Site, file: &str, source: u64) -> Result<String> {
    judge_at_border(site, file, source, 0)
}

/// The judgement where a connector reads once more what stands at the border of its checkpoint (connectors/STANDARD.md, 12), and the destination has no key:
/// so many records may be there twice.
pub fn judge_at_border(site: &Site, file: &str, source: u64, most_twice: u64) -> Result<String> {
    site.verified()?;
    let log = site.log()?;
    times_go_on(&log)?;
    let mut account = Account::of(&site.path(file), source);
    account.by_rules(site, &log)?;
    let twice = account.twice;
    account.twice = if twice > most_twice { twice } else { 0 };
    ensure(account.is_balanced(), || account.to_string())?;
    let border = if account.twice < twice { format!(" ({twice} at a checkpoint's border read again)") } else { String::new() };
    Ok(format!("{account}{border}, log of {} entries verifies", log.len()))
}

fn records(entry: &Value) -> Option<u64> {
    entry.pointer("/counts/records")?.as_u64()
}

/// No entry is earlier than the one before it.
pub fn times_go_on(log: &[Value]) -> Result<()> {
    let times: Vec<&str> = log.iter().filter_map(|entry| entry.get("ts")?.as_str()).collect();
    let back = times.windows(2).position(|pair| pair[0] > pair[1]);
    ensure(times.len() == log.len() && back.is_none(), || {
        format!("the time of entry {} is earlier than the one before", back.unwrap_or(0) + 1)
    })
}

fn control(ground: &Ground) -> Result<String> {
    const RECORDS: u64 = 2_000;
    let site = ground.site("site", &manifests::sample(RECORDS, ""))?;
    site.run(&["run"])?.with(0)?;
    judge(&site, manifests::CONTACTS, RECORDS)?;
    let whole = fs::read_to_string(site.path(manifests::CONTACTS)).unwrap_or_default();
    let (first, rest) = whole.split_once('\n').unwrap_or_default();
    let half = &first[..first.len() / 2];
    let cases = [("LOST", rest.to_owned()), ("TWICE", format!("{whole}{first}\n")), ("TORN", format!("{rest}{half}"))];
    for (word, text) in cases {
        site.write(manifests::CONTACTS, text.as_bytes())?;
        let found = judge(&site, manifests::CONTACTS, RECORDS).err().map(|failure| failure.to_string()).unwrap_or_default();
        ensure(found.contains(word), || format!("the judge does not say {word}, but `{found}`"))?;
    }
    let (export, key) = (site.run(&["audit", "export"])?.with(0)?.out, site.run(&["audit", "key"])?.with(0)?.out);
    let changed = export.replacen("\"records\":", "\"recorts\":", 1);
    ensure(changed != export, || "the export names no records".to_owned())?;
    site.write("changed.jsonl", changed.as_bytes())?;
    site.run(&["audit", "verify", "--export", "changed.jsonl", "--key", key.trim()])?.with(4)?;
    Ok("the judge said lost, twice and torn; the changed export was refused with exit code 4".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn account(text: &str) -> Account {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.ndjson");
        fs::write(&path, text).unwrap();
        Account::of(&path, 3)
    }

    #[test]
    fn an_account_tells_what_was_taken_away_doubled_or_torn() {
        let whole = account("{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
        assert!(whole.is_balanced() && whole.to_string() == "3 of 3 there once");
        let lost = account("{\"id\":1}\n{\"id\":3}\n");
        assert_eq!((lost.is_balanced(), lost.lost()), (false, 1));
        assert!(Account { held: 1, ..lost.clone() }.is_balanced() && Account { dropped: 1, ..lost }.is_balanced());
        let twice = account("{\"id\":1}\n{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
        assert_eq!((twice.is_balanced(), twice.twice), (false, 1));
        let torn = account("{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":");
        assert!(!torn.is_balanced() && torn.torn > 0);
        // More than the source has is no balance either.
        assert!(!account("{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n").is_balanced());
    }

    #[test]
    fn a_time_that_goes_back_is_told() {
        let entry = |time: &str| serde_json::json!({ "ts": time });
        assert!(times_go_on(&[entry("2026-01-01T00:00:00.000Z"), entry("2026-01-01T00:00:00.000Z")]).is_ok());
        assert!(times_go_on(&[entry("2026-01-01T00:00:01.000Z"), entry("2026-01-01T00:00:00.000Z")]).is_err());
        assert!(times_go_on(&[serde_json::json!({})]).is_err());
    }
}
