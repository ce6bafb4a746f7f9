//! `hub diff A B`: what the change from one manifest to another means, the gravest first. Neither has to be allowed to run.

use std::path::PathBuf;

use clap::Args;
use hub_core::change::diff::{Change, Class, diff};
use hub_core::change::lock::Lock;
use hub_core::change::{ConnectorDigests, State};
use serde_json::{Value, json};

use super::plan::{Judged, judge};
use super::{Failure, Output};

#[derive(Args, Debug)]
pub(super) struct Diff {
    /// The earlier manifest
    before: PathBuf,
    /// The later manifest
    after: PathBuf,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Diff {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let before = judge(&self.before, &Lock::default())?;
        let after = judge(&self.after, &Lock::default())?;
        let (old, new) = comparable(&before, &after);
        let mut changes = diff(&old, &new, after.today);
        changes.sort_by_key(|change| std::cmp::Reverse(change.class));
        match self.output {
            Output::Json => super::print_json(&json!({
                "version": 1, "from": old.digest(), "to": new.digest(),
                "changes": changes.iter().map(Change::json).collect::<Vec<Value>>(),
            })),
            Output::Human => super::print_text(&human(&changes)),
        }
        Ok(0)
    }
}

/// Labels and components count only if they are known on both sides: what is known of one alone has not changed.
fn comparable(before: &Judged, after: &Judged) -> (State, State) {
    let shared = |own: &ConnectorDigests, other: &ConnectorDigests| {
        own.iter().filter(|(system, _)| other.contains_key(*system)).map(|(system, digest)| (system.clone(), digest.clone())).collect()
    };
    let (old, new) = if before.policy.is_some() && after.policy.is_some() {
        (before.state(), after.state())
    } else {
        (State::of_manifest(&before.manifest, &before.digests), State::of_manifest(&after.manifest, &after.digests))
    };
    let connectors = (shared(&old.connectors, &new.connectors), shared(&new.connectors, &old.connectors));
    (State { connectors: connectors.0, ..old }, State { connectors: connectors.1, ..new })
}

fn human(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "no changes: both manifests say the same\n".to_owned();
    }
    let mut text = String::new();
    for class in [Class::MaterialHigh, Class::Material, Class::Editorial] {
        let own: Vec<&Change> = changes.iter().filter(|change| change.class == class).collect();
        if own.is_empty() {
            continue;
        }
        let consequence = match class {
            Class::MaterialHigh => "two approvals",
            Class::Material => "one approval, and the data protection officer is told",
            Class::Editorial => "no approval",
        };
        text.push_str(&format!("{} ({}): {consequence}\n", class.word(), own.len()));
        for change in own {
            let flows = if change.flows.is_empty() { String::new() } else { format!("   flows: {}", change.flows.join(", ")) };
            text.push_str(&format!("  {}\n      {}{flows}\n", change.path, change.words));
        }
    }
    text
}
