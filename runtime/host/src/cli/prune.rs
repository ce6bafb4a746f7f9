//! `hub audit prune`: deletes old entries of the audit log, after the log says so and is signed. Proves the whole log before, and never on a running hub.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use hub_core::audit::tree::BLOCK;
use hub_core::audit::{TreeHead, Verdict};
use hub_core::date::Date;
use hub_core::manifest::Manifest;
use hub_core::problem::{Code, Problem};

use super::anchors::{self, Outside};
use super::evidence::{self as proofs, Log};
use super::{Failure, Place, audit, observed, print_text, run, runtime};
use crate::config::Config;
use crate::sealed::SealedStore;
use crate::store::{self, Store, StoreError};
use crate::{clock, evidence, history};

#[derive(Args, Debug)]
pub(super) struct Prune {
    #[command(flatten)]
    place: Place,
    /// Delete entries before this day, in UTC and whole blocks of 256; without it, only end a pruning that was cut off
    #[arg(long, value_name = "DATE", value_parser = day)]
    before: Option<Date>,
    /// The signed head, or the file of them, that was given away (`hub audit anchor`): nothing behind the last one is deleted. Without it, the anchors of
    /// the manifest count
    #[arg(long, value_name = "FILE", conflicts_with = "yes")]
    anchor: Option<PathBuf>,
    /// Delete without a head that was given away: nobody else can say then what the log was. Of no use where the manifest declares anchors
    #[arg(long)]
    yes: bool,
}

fn day(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "a day is written as 2026-11-23".to_owned())
}

impl Prune {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let config = self.place.config();
        audit::must_exist(&config)?;
        let declared = anchors::manifest(&self.place)?.filter(|manifest| !manifest.anchors.is_empty());
        let mut kept = match &self.anchor {
            Some(file) => proofs::read_heads(file, &evidence::of_log(&config)?.verifier())?,
            None => Vec::new(),
        };
        if let Some(manifest) = &declared {
            kept.extend(anchors::heads(manifest, &config, &evidence::of_log(&config)?.verifier())?);
        }
        let verdict = whole(&config, &kept)?;
        let log = Log::open(&self.place)?;
        let own = log.own()?;
        let store = &*own;
        // A pruning that was cut off ends first: its entry is on the disk.
        let mut first = verdict.first;
        if let Some((by, to)) = verdict.cut.filter(|(_, to)| *to > first) {
            runtime()?.block_on(evidence::prune(store, by, to)).map_err(|error| proofs::problem(&error))?;
            print_text(&format!("✓ the pruning that was cut off has ended: entries {first} to {} are deleted\n", to - 1));
            first = to;
        }
        let Some(before) = self.before else { return Ok(0) };
        let dated = observed::first_at(store, clock::start_of(before, None))?;
        let given = match given(&kept, declared.as_ref(), store)? {
            Some(size) => size,
            None if declared.is_some() => return Err(nothing_anchored()),
            None if self.yes => verdict.entries,
            None => return Err(unanchored()),
        };
        let to = dated.min(given) / BLOCK * BLOCK;
        if to <= first {
            let why = if given < dated { format!("; the head that was given away counts {given}") } else { String::new() };
            print_text(&format!(
                "nothing to delete: entries {first} to {} are kept, {dated} are before {before}{why}; they go in blocks of {BLOCK}\n",
                verdict.entries.saturating_sub(1)
            ));
            return Ok(0);
        }
        let failed = |error: &StoreError| Failure::from(run::store_problem(error));
        let sealed = SealedStore::open(Arc::clone(&own), &config.data)?;
        let again = history::named_again(&sealed).map_err(|error| failed(&error))?;
        let rule = format!("entries before {before}");
        runtime()?
            .block_on(async {
                let by = evidence::announce(store, &log.key, &log.config.data, to, &rule, again).await?;
                evidence::prune(store, by, to).await
            })
            .map_err(|error| proofs::problem(&error))?;
        print_text(&format!("✓ entries {first} to {} are deleted; the log is kept from entry {to} on\n", to - 1));
        Ok(0)
    }
}

/// Entries that the last head counts which was given away: whatever the call says, nothing behind it goes where the manifest declares anchors.
fn given(kept: &[TreeHead], declared: Option<&Manifest>, store: &dyn Store) -> Result<Option<u64>, Failure> {
    let taken = match declared {
        Some(manifest) => Outside::read(store).map_err(|error| run::store_problem(&error))?.anchored(manifest),
        None => None,
    };
    Ok(kept.iter().map(|head| head.size).chain(taken).max())
}

fn nothing_anchored() -> Failure {
    let help = "run hub once: the end of a run gives each anchor a head; `hub doctor` says whether they took one";
    Problem::new(Code::E316, "no anchor of the manifest has taken a head of this log yet", help).into()
}

/// Deleting must not hide that something was changed.
fn whole(config: &Config, kept: &[TreeHead]) -> Result<Verdict, Failure> {
    let verified = store::verify_audit(&config.data.join("store"), kept).map_err(|error| run::store_problem(&error))?;
    match &verified.verdict.first_bad {
        None => Ok(verified.verdict),
        Some(bad) => Err(audit::damaged(bad, &verified.verdict).into()),
    }
}

fn unanchored() -> Failure {
    let title = "no signed head was named that somebody else keeps";
    let help = "give one away first (`hub audit anchor --to FILE`) and name it with `--anchor FILE`, or say `--yes`";
    Problem::new(Code::E009, title, help).into()
}
