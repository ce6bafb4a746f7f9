//! `hub drift`: what the last runs met and nothing declares, and what is declared and no longer there, with a proposal to paste. Changes nothing.

use std::collections::BTreeMap;

use clap::Args;
use hub_core::draft::{self, Drift as Difference};
use hub_core::manifest::{ConnectorRef, Flow};
use hub_core::problem::{Code, Problems};
use serde_json::{Value, json};

use super::{Failure, Output, Place, load, plan, render, run, status, unknown_flow};
use crate::config::Config;
use crate::store::format::RunRecord;

#[derive(Args, Debug)]
pub(super) struct Drift {
    #[command(flatten)]
    place: Place,
    /// Only this flow
    #[arg(value_name = "FLOW")]
    flow: Option<String>,
    /// Exit with 0 if nothing drifted, 1 if there are errors, 2 if something drifted
    #[arg(long)]
    detailed_exitcode: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

/// A flow, what its last run says, and how that differs from the manifest.
struct Looked {
    record: Option<RunRecord>,
    /// The very last run ended because of an undeclared field, which its record does not name.
    stopped: bool,
    difference: Difference,
}

impl Drift {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        match self.look() {
            Ok(drifted) => Ok(if drifted && self.detailed_exitcode { 2 } else { 0 }),
            Err(failure) if self.detailed_exitcode => {
                render::show(&failure, self.output);
                Ok(1)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Looks, prints, and answers whether anything drifted. The manifest is not judged: that a field is gone is what may deny it.
    fn look(&self) -> Result<bool, Failure> {
        let config = self.place.config();
        let read = load::read(&self.place.manifest, &config)?;
        let flows = self.flows(&read)?;
        let records = records(&config)?;
        let looked: Vec<Looked> = flows.iter().map(|flow| Looked::of(flow, &records, &read)).collect();
        let differences: Vec<Difference> = looked.iter().map(|looked| looked.difference.clone()).collect();
        let patch = draft::patch(&read.manifest, &read.catalogue, &differences);
        let drifted = looked.iter().any(|looked| looked.stopped || !looked.difference.is_none());
        match self.output {
            Output::Json => super::print_json(&json!({
                "version": 1, "drifted": drifted, "flows": looked.iter().map(Looked::json).collect::<Vec<_>>(), "patch": patch,
            })),
            Output::Human => {
                let mut text: String = looked.iter().map(Looked::human).collect();
                if !drifted {
                    text.push_str("✓ nothing drifted\n");
                }
                super::print_text(&plan::coloured(&text));
                if !patch.is_empty() {
                    super::print_text(&format!("\nTo paste at the end of {}:\n\n{patch}", self.place.manifest.display()));
                }
            }
        }
        Ok(drifted)
    }

    /// The flows in the order of writing. A connector that cannot be read says nothing about its streams, so that nothing could be told of them.
    fn flows<'a>(&self, read: &'a load::Read) -> Result<Vec<&'a Flow>, Failure> {
        let manifest = &read.manifest;
        let mut flows: Vec<&Flow> = manifest.flows.values().collect();
        flows.sort_by_key(|flow| flow.id.span);
        if let Some(wanted) = &self.flow {
            flows.retain(|flow| flow.id.value == *wanted);
            if flows.is_empty() {
                return Err(unknown_flow(wanted, manifest));
            }
        }
        let is_unread = |flow: &&Flow| {
            let system = manifest.systems.get(&*flow.from.value.system);
            system.is_some_and(|system| {
                !read.packages.contains_key(&system.id.value) && !matches!(system.connector.value, ConnectorRef::Oci(_))
            })
        };
        match Problems::new(read.found.clone()).filter(|_| flows.iter().any(is_unread)) {
            Some(problems) => Err(Failure { problems, sources: manifest.sources.clone() }),
            None => Ok(flows),
        }
    }
}

/// The history of runs; none where nothing ever ran. Looking makes no store.
fn records(config: &Config) -> Result<Vec<RunRecord>, Failure> {
    if !config.data.join("store").exists() {
        return Ok(Vec::new());
    }
    status::records(&*run::open(config)?)
}

impl Looked {
    /// The newest run that read something: one that found nothing new saw no fields.
    fn of(flow: &Flow, records: &[RunRecord], read: &load::Read) -> Self {
        let own = || records.iter().rev().filter(|record| record.flow == flow.id.value && record.ended_ms.is_some());
        let record = own().find(|record| record.read > 0).cloned();
        let none = BTreeMap::new();
        let dropped = record.as_ref().map_or(&none, |record| &record.dropped);
        let stopped = own().next().is_some_and(|record| record.code.as_deref() == Some(Code::E201.id()));
        Self { stopped, difference: draft::drift(&read.manifest, &read.catalogue, flow, dropped), record }
    }

    fn json(&self) -> Value {
        let mut document = self.difference.json();
        if let Value::Object(fields) = &mut document {
            let run = self
                .record
                .as_ref()
                .map(|record| json!({ "run": record.id, "started": hub_core::audit::timestamp(record.started_ms), "read": record.read }));
            fields.insert("run".to_owned(), json!(run));
            fields.insert("stopped".to_owned(), json!(self.stopped));
        }
        document
    }

    fn human(&self) -> String {
        let Difference { flow, stream, undeclared, untold, gone } = &self.difference;
        let run = self.record.as_ref().map_or_else(
            || "no run has read anything".to_owned(),
            |record| format!("{} records read on {}", record.read, hub_core::audit::timestamp(record.started_ms)),
        );
        let mut text = format!("{flow}   {stream}   {run}\n");
        for field in undeclared {
            let guess = field.proposal.as_ref().map_or_else(
                || "nothing can be guessed".to_owned(),
                |guess| format!("perhaps {} ({}: {})", guess.category, guess.confidence.name(), guess.reason),
            );
            text.push_str(&format!("  ! {:<28} undeclared, dropped {} times   {guess}\n", field.path.as_str(), field.count));
        }
        if *untold > 0 {
            text.push_str(&format!("  ! undeclared fields whose names could be values, or were too many: dropped {untold} times\n"));
        }
        if self.stopped {
            text.push_str("  ! the last run ended at an undeclared field (HUB-E201): hub run names it\n");
        }
        for path in gone {
            text.push_str(&format!("  - {:<28} declared, and the source does not have it (any more)\n", path.as_str()));
        }
        text
    }
}
