//! Which manifests came into force, one after the other: what each was read from, what it changed, why, and who agreed.
//!
//! Entries are only added. **Invariant**: each names the digest of the one before, and the audit log names the digest of each, so that none can be
//! changed, left out or put in between without the log's telling it.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use hub_core::audit::{Draft, Kind};
use hub_core::change::closure::Closures;
use hub_core::change::diff::{Change, diff};
use hub_core::change::lock::{Approval, Lock};
use hub_core::change::{State, canonical};
use hub_core::date::Date;
use hub_core::policy::Policy;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::store::format::{Agreed, Applied, AppliedChange};
use crate::store::{self, Namespace, Put, Store, StoreError};

/// Changes that one entry names; the rest is counted.
const MAX_CHANGES: usize = 200;
/// Bytes of one entry: what is larger is kept without its texts.
const MAX_ENTRY: usize = 5 << 20;
/// Bytes of an entry's state: what is larger is not compared the next time.
const MAX_STATE: usize = 1 << 20;
const PAGE: usize = 512;

/// What comes into force.
pub struct Coming<'a> {
    /// The manifest.
    pub policy: &'a Policy,
    /// It with the connectors and labels that it rests on.
    pub state: &'a State,
    /// Name and text of each file, the manifest's own first; secrets blanked.
    pub files: &'a [(String, String)],
    /// What the connector of each system says about itself.
    pub claims: BTreeMap<String, String>,
    /// Approvals.
    pub lock: &'a Lock,
    /// Why, if somebody said so.
    pub reason: Option<&'a str>,
    /// The day.
    pub today: Date,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

/// All entries, the first one first.
///
/// # Errors
/// The store's.
pub fn entries(store: &dyn Store) -> Result<Vec<Applied>, StoreError> {
    let mut found = Vec::new();
    store::each(store, Namespace::Applied, None, |_, value| {
        found.push(Applied::decode(value)?);
        Ok(())
    })?;
    found.reverse();
    Ok(found)
}

/// The newest entry and its stored form.
fn last(store: &dyn Store) -> Result<Option<(Applied, Vec<u8>)>, StoreError> {
    let newest = store.scan(Namespace::Applied, b"", None, 1)?.pop();
    newest.map(|(_, value)| Applied::decode(&value).map(|entry| (entry, value))).transpose()
}

/// Keys run backwards, so that the newest entry is the first one that is found.
fn key(number: u64) -> Vec<u8> {
    (u64::MAX - number).to_be_bytes().to_vec()
}

/// What is in force, for comparing. None if nothing is, or if it was too large to be kept.
///
/// # Errors
/// The store's.
pub fn state(store: &dyn Store) -> Result<Option<State>, StoreError> {
    Ok(last(store)?.and_then(|(entry, _)| State::parse(&entry.state)))
}

/// The entry that was in force at the end of a day, which ends at `end_ms`.
#[must_use]
pub fn in_force(entries: &[Applied], end_ms: u64) -> Option<&Applied> {
    entries.iter().rev().find(|entry| entry.at_ms < end_ms)
}

/// What is written when a manifest comes into force: its entry, and its name for the audit log. None if it is in force already.
///
/// # Errors
/// The store's.
pub fn next(store: &dyn Store, coming: &Coming<'_>) -> Result<Option<(Put, String)>, StoreError> {
    let last = last(store)?;
    let state = Some(coming.state.text()).filter(|text| text.len() <= MAX_STATE);
    if let Some((entry, _)) = &last
        && entry.digest == coming.state.digest()
        && state.as_ref().is_none_or(|state| *state == entry.state)
    {
        return Ok(None);
    }
    let earlier = last.as_ref().map(|(entry, _)| State::parse(&entry.state).unwrap_or_else(State::empty));
    let mut changes = earlier.as_ref().map_or_else(Vec::new, |old| diff(old, coming.state, coming.today));
    changes.sort_by_key(|change| std::cmp::Reverse(change.class));
    let signed = signed(coming, &changes, earlier.is_none());
    let mut entry = Applied {
        number: last.as_ref().map_or(0, |(entry, _)| entry.number) + 1,
        at_ms: coming.at_ms,
        previous: last.as_ref().map_or_else(String::new, |(_, value)| digest(value)),
        digest: coming.state.digest(),
        class: changes.first().map_or_else(String::new, |change| change.class.word().to_owned()),
        changes: changes.iter().take(MAX_CHANGES).map(step).collect(),
        more: changes.len().saturating_sub(MAX_CHANGES) as u64,
        reason: reason(coming, &signed),
        approvals: signed.iter().copied().map(agreed).collect(),
        state: state.unwrap_or_default(),
        files: coming.files.to_vec(),
        claims: coming.claims.clone(),
    };
    let mut value = entry.encode();
    if value.len() > MAX_ENTRY {
        (entry.files, entry.claims) = (Vec::new(), BTreeMap::new());
        value = entry.encode();
    }
    let name = name(entry.number, &value);
    Ok(Some((Put { namespace: Namespace::Applied, key: key(entry.number), value: Some(value) }, name)))
}

/// How the audit log names an entry.
fn name(number: u64, stored: &[u8]) -> String {
    format!("change {number} sha256:{}", digest(stored))
}

fn digest(stored: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(stored))
}

fn step(change: &Change) -> AppliedChange {
    AppliedChange { class: change.class.word().to_owned(), path: change.path.clone(), words: change.words.clone() }
}

/// Signatures under the flows that a change touches; of a first manifest, under all flows.
fn signed<'a>(coming: &Coming<'a>, changes: &[Change], is_first: bool) -> Vec<&'a Approval> {
    let form = canonical::of(coming.policy.manifest());
    let closures = Closures::new(&form, &coming.state.connectors);
    let touched = |flow: &str| is_first || changes.iter().any(|change| change.flows.iter().any(|known| known == flow));
    let named = coming.lock.approvals.iter().filter(|approval| touched(&approval.flow));
    named.filter(|approval| closures.of(&approval.flow).is_some_and(|now| now.digest == approval.closure) && approval.verify()).collect()
}

fn agreed(approval: &Approval) -> Agreed {
    Agreed { flow: approval.flow.clone(), role: approval.role.clone(), at: approval.at.to_string(), key: HEXLOWER.encode(&approval.key) }
}

/// What was said at the start, else what was said by whoever signed.
fn reason(coming: &Coming<'_>, signed: &[&Approval]) -> Option<String> {
    if let Some(said) = coming.reason {
        return Some(said.to_owned());
    }
    let said: BTreeSet<&str> = signed.iter().filter_map(|approval| approval.reason.as_deref()).collect();
    (!said.is_empty()).then(|| said.into_iter().collect::<Vec<_>>().join("; "))
}

/// What is wrong with the chain, if anything: an entry that does not name the one before, or that the audit log names otherwise.
///
/// # Errors
/// The store's.
pub fn fault(store: &dyn Store) -> Result<Option<String>, StoreError> {
    let mut links = Vec::new();
    store::each(store, Namespace::Applied, None, |_, value| {
        let entry = Applied::decode(value)?;
        links.push((entry.number, entry.previous, digest(value)));
        Ok(())
    })?;
    links.reverse();
    let logged = logged(store)?;
    // Where the log was pruned, the chain vouches for what is before: the pruning named the newest change once more.
    let pruned = if store.first()? > 0 { logged.keys().next().copied().unwrap_or_default() } else { 0 };
    let mut before = "";
    for (expected, (number, previous, own)) in (1..).zip(&links) {
        let what = match logged.get(&expected) {
            _ if *number != expected => "is missing",
            _ if previous != before => "does not follow the one before",
            Some(named) if named == own => {
                before = own;
                continue;
            }
            None if expected < pruned => {
                before = own;
                continue;
            }
            _ => "is not what the audit log names",
        };
        return Ok(Some(format!("change {expected} {what}")));
    }
    let missing = logged.keys().next_back().filter(|last| **last > links.len() as u64);
    Ok(missing.map(|_| format!("change {} is missing", links.len() + 1)))
}

/// The digests that the audit log names, by number.
fn logged(store: &dyn Store) -> Result<BTreeMap<u64, String>, StoreError> {
    #[derive(Deserialize)]
    struct Entry {
        kind: String,
        detail: Option<String>,
    }
    let (mut found, mut next) = (BTreeMap::new(), store.first()?);
    loop {
        let page = store.audit(next, PAGE)?;
        if page.is_empty() {
            return Ok(found);
        }
        next += page.len() as u64;
        for line in &page {
            let entry: Option<Entry> = serde_json::from_slice(line).ok();
            let detail = entry.filter(|entry| entry.kind == Kind::ManifestApplied.text()).and_then(|entry| entry.detail);
            let parts = detail.as_deref().and_then(|detail| detail.strip_prefix("change ")?.split_once(" sha256:"));
            if let Some((number, digest)) = parts.and_then(|(number, digest)| Some((number.parse().ok()?, digest.to_owned()))) {
                found.insert(number, digest);
            }
        }
    }
}

/// Names the newest entry once more: for a log whose entry about it is about to be pruned. None if nothing came into force.
///
/// # Errors
/// The store's.
pub fn named_again(store: &dyn Store) -> Result<Option<Draft>, StoreError> {
    Ok(last(store)?.map(|(entry, value)| Draft::new(Kind::ManifestApplied).detail(name(entry.number, &value))))
}

/// The entry of the audit log for a manifest that comes into force, or runs again.
#[must_use]
pub fn draft(policy: &Policy, name: Option<String>) -> Draft {
    Draft { manifest_digest: Some(policy.manifest().digest.clone()), detail: name, ..Draft::new(Kind::ManifestApplied) }
}
