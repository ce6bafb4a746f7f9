//! `hub.lock`: what was applied last, and who agreed to which flow as it then was. Approvals are signed; everything else is held by its digest.
//!
//! Reads and writes the text, makes and verifies signatures. What was applied is not signed: nothing is allowed because of it. Says not whose key it is: who may put a key into the lock is decided where the lock is
//! kept. Does not read the file.

mod check;
mod parse;
mod sign;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;

use super::closure::Closure;
use super::state::State;
use super::{canonical, closure};
use crate::labels::{key, quoted};
use crate::plugin::Pin;

pub use check::check;
pub use parse::parse;
pub use sign::{Approval, Approving, SigningKey};

/// The greatest size of a lock in bytes.
pub const MAX_LOCK_BYTES: usize = 64 << 20;
/// The greatest number of approvals: each is verified.
pub const MAX_APPROVALS: usize = 65_536;

const HEAD: &str =
    "# Written by hub. Approvals are signed and everything else is digested: do not edit, keep it under version control.\nlock = 1\n";

/// The content of a lock. Empty where there is no file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// What was applied last.
    pub applied: Option<State>,
    /// Who agreed, in the order of agreeing.
    pub approvals: Vec<Approval>,
    /// Connectors that were installed from registries, by name.
    pub plugins: BTreeMap<String, Pin>,
    /// What was agreed to, by digest.
    closures: BTreeMap<String, Value>,
}

/// How many people agreed to a thing with a digest: as [`Lock::given`], for approvals that are kept elsewhere.
#[must_use]
pub fn given_of(approvals: impl Iterator<Item = Approval>, subject: &str, digest: &str) -> usize {
    let valid: Vec<Approval> =
        approvals.filter(|approval| approval.flow == subject && approval.closure == digest && approval.verify()).collect();
    people(valid.iter())
}

/// One with two roles is one, and so are two with one key.
fn people<'a>(valid: impl Iterator<Item = &'a Approval>) -> usize {
    let (mut roles, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for approval in valid {
        roles.insert(approval.role.as_str());
        keys.insert(approval.key);
    }
    roles.len().min(keys.len())
}

impl Lock {
    /// Takes an approval in, with what was approved. It replaces an earlier one of the same flow and role.
    pub fn approve(&mut self, approval: Approval, closure: &Closure) {
        self.approvals.retain(|known| known.flow != approval.flow || known.role != approval.role);
        self.closures.insert(closure.digest.clone(), closure.value.clone());
        self.approvals.push(approval);
        let named: BTreeSet<&String> = self.approvals.iter().map(|approval| &approval.closure).collect();
        self.closures.retain(|digest, _| named.contains(digest));
    }

    /// What was approved under a digest. None if the lock does not hold it.
    #[must_use]
    pub fn closure(&self, digest: &str) -> Option<&Value> {
        self.closures.get(digest)
    }

    /// What differs between the present closure of a flow and the one that was approved last. None if nobody approved the flow.
    #[must_use]
    pub fn what_voided(&self, flow: &str, present: &Closure) -> Option<Vec<String>> {
        let last = self.approvals.iter().rev().find(|approval| approval.flow == flow)?;
        Some(self.closure(&last.closure).map_or_else(Vec::new, |approved| closure::what_voided(approved, &present.value)))
    }

    /// Approvals of a flow over a closure, those with a good signature only.
    pub fn valid<'l>(&'l self, flow: &'l str, digest: &'l str) -> impl Iterator<Item = &'l Approval> {
        self.approvals.iter().filter(move |approval| approval.flow == flow && approval.closure == digest && approval.verify())
    }

    /// How many people agreed to a closure: one with two roles is one, and so are two with one key.
    #[must_use]
    pub fn given(&self, flow: &str, digest: &str) -> usize {
        people(self.valid(flow, digest))
    }

    /// The text of the file. [`parse`] reads it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        if let Some(state) = &self.applied {
            let form = state.text();
            let _ = write!(
                text,
                "\n[applied]\nmanifest = {}\ndigest = {}\nstate = {}\n",
                quoted(&state.digest()),
                quoted(&canonical::hash(&form)),
                quoted(&form)
            );
        }
        for pin in self.plugins.values() {
            text.push_str(&pinned(pin));
        }
        for approval in &self.approvals {
            let _ = write!(
                text,
                "\n[[approval]]\nflow = {}\nclosure = {}\nrole = {}\nat = {}\n{}key = {}\nsignature = {}\n",
                quoted(&approval.flow),
                quoted(&approval.closure),
                quoted(&approval.role),
                approval.at,
                approval.reason.as_ref().map_or_else(String::new, |reason| format!("reason = {}\n", quoted(reason))),
                quoted(&HEXLOWER.encode(&approval.key)),
                quoted(&BASE64.encode(&approval.signature))
            );
        }
        if !self.closures.is_empty() {
            text.push_str("\n[closure]\n");
        }
        for (digest, closure) in &self.closures {
            let _ = writeln!(text, "{} = {}", key(digest), quoted(&canonical::text(closure)));
        }
        text
    }
}

fn pinned(pin: &Pin) -> String {
    let optional =
        |key: &str, value: &Option<String>| value.as_ref().map_or_else(String::new, |value| format!("{key} = {}\n", quoted(value)));
    let list = |items: &BTreeSet<String>| items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", ");
    let Pin { name, version, from, digest, component, signer, abi, licence, capability } = pin;
    format!(
        "\n[[plugin]]\nname = {}\nversion = {}\nfrom = {}\ndigest = {}\ncomponent = {}\n{}abi = {}\n{}categories = [{}]\nhosts = [{}]\nimports = [{}]\n",
        quoted(name),
        quoted(version),
        quoted(from),
        quoted(digest),
        quoted(component),
        optional("signer", signer),
        quoted(abi),
        optional("licence", licence),
        list(&capability.categories),
        list(&capability.hosts),
        list(&capability.imports)
    )
}
