//! `hub plan`: what would change if the manifest were applied, and who has to agree to it. Applies nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use hub_core::change::lock::Lock;
use hub_core::change::plan::{Plan as Planned, Request};
use hub_core::change::{ConnectorDigests, State};
use hub_core::date::Date;
use hub_core::manifest::Manifest;
use hub_core::policy::{Delivery, Policy};
use hub_core::problem::{Code, Problem, Problems, Sources};

use super::{Failure, Output, changes, io_problem, load, lock, render};
use crate::clock;
use crate::config::Config;
use crate::history;

#[derive(Args, Debug)]
pub(super) struct Plan {
    /// The manifest
    #[arg(default_value = "manifest.toml")]
    manifest: PathBuf,
    /// What to compare with: `lock`, which is what was run last from this folder, `live`, which is what the store says is in force, or another manifest
    #[arg(long, value_name = "lock|live|FILE", default_value = "lock")]
    against: PathBuf,
    /// Folder of the store, for `live` [default: hub-data beside the manifest]
    #[arg(long, env = "HUB_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Exit with 0 if nothing would change, 1 if there are errors, 2 if something would change
    #[arg(long)]
    detailed_exitcode: bool,
    /// Write the plan as JSON into this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

/// A manifest with what the rules say about it.
pub(super) struct Judged {
    pub manifest: Manifest,
    /// None: it is denied.
    pub policy: Option<Policy>,
    pub digests: ConnectorDigests,
    /// Errors and warnings.
    pub found: Vec<Problem>,
    /// The texts that their places are in.
    pub sources: Sources,
    /// The day as of which it was judged.
    pub today: Date,
    /// What each flow's destination makes of a batch that comes twice.
    pub delivery: BTreeMap<String, Delivery>,
}

impl Plan {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        match self.plan() {
            Err(failure) if self.detailed_exitcode => {
                render::show(&failure, self.output);
                Ok(1)
            }
            result => result,
        }
    }

    fn plan(&self) -> Result<u8, Failure> {
        let lock = lock::read(&self.manifest)?;
        let judged = judge(&self.manifest, &lock)?;
        let (old, against) = self.earlier(&lock)?;
        let plan = Planned::new(&Request {
            old: old.as_ref(),
            new: &judged.state(),
            policy: judged.policy.as_ref(),
            needs_approvals: judged.manifest.needs_approvals(),
            findings: &judged.found,
            lock: &lock,
            delivery: &judged.delivery,
            today: judged.today,
        });
        if let Some(path) = &self.out {
            std::fs::write(path, format!("{:#}\n", plan.json())).map_err(|error| io_problem("write", path, &error))?;
        }
        match self.output {
            Output::Json => super::print_json(&plan.json()),
            Output::Human => super::print_text(&coloured(&plan.human(&self.manifest.display().to_string(), &against))),
        }
        Ok(match (plan.is_denied(), self.detailed_exitcode) {
            (true, true) => 1,
            (true, false) => Problems::new(judged.found).map_or(0, |problems| problems.exit_code()),
            (false, true) if plan.has_changes() => 2,
            (false, _) => 0,
        })
    }

    /// What is compared with, and its name.
    fn earlier(&self, lock: &Lock) -> Result<(Option<State>, String), Failure> {
        if self.against == Path::new("lock") {
            return Ok((lock.applied.clone(), lock::path(&self.manifest).display().to_string()));
        }
        if self.against == Path::new("live") {
            let config = Config::new(self.data.clone(), Some(&self.manifest));
            let state = changes::read(&config, history::state)?;
            return Ok((state.flatten(), format!("what is in force in {}", config.data.display())));
        }
        let other = judge(&self.against, &Lock::default())?;
        Ok((Some(other.state()), self.against.display().to_string()))
    }
}

/// Reads a manifest and applies all rules, those about approvals among them. What is denied is no failure here: it is told.
pub(super) fn judge(path: &Path, lock: &Lock) -> Result<Judged, Failure> {
    let read = load::read(path, &Config::new(None, Some(path)))?;
    let (digests, today) = (lock::digests(&read.packages), clock::today(&read.manifest));
    let manifest = read.manifest.clone();
    let of_flow = |flow: &hub_core::manifest::Flow| {
        let connector = read.packages.get(&*flow.to.value.system).map(|package| &*package.description);
        (flow.id.value.clone(), Delivery::of(flow.mode.value, connector))
    };
    let delivery = manifest.flows.values().map(of_flow).collect();
    let load::Verdict { policy, mut found, sources, .. } = load::judge(read, lock, today);
    found.extend(policy.iter().flat_map(|policy| policy.warnings().iter().cloned()));
    let found = Problems::new(found).into_iter().flatten().collect();
    Ok(Judged { manifest, policy, digests, found, sources, today, delivery })
}

impl Judged {
    /// With every label if the manifest may run, else with those that it gives itself.
    pub(super) fn state(&self) -> State {
        match &self.policy {
            Some(policy) => State::of_policy(policy, &self.digests),
            None => State::of_manifest(&self.manifest, &self.digests),
        }
    }

    /// What denies it for another reason than that nobody approved it yet.
    pub(super) fn objections(&self) -> Option<Failure> {
        let is_other = |problem: &&Problem| !problem.code.is_warning() && !matches!(problem.code, Code::E171 | Code::E172 | Code::E506);
        let problems = Problems::new(self.found.iter().filter(is_other).cloned().collect())?;
        Some(Failure { problems, sources: self.sources.clone() })
    }
}

/// Colours lines by the sign that they begin with; the stream strips colours where they are not wanted.
pub(super) fn coloured(text: &str) -> String {
    let line = |line: &str| {
        let code = match line.trim_start().split_once(' ').map(|(sign, _)| sign) {
            Some("+") => "32",
            Some("~") => "33",
            Some("-" | "!") => "31",
            _ => return format!("{line}\n"),
        };
        format!("\u{1b}[{code}m{line}\u{1b}[0m\n")
    };
    text.lines().map(line).collect()
}
